"""The library's face: what a user sees of it in a plain Python session, and what is the same everywhere."""

from __future__ import annotations

import importlib
import inspect
import pkgutil
import re
import sys
import tomllib
import typing
from importlib.metadata import version
from pathlib import Path

import numpy as np
import pytest
import torch
import yaml
from torch import nn

import lrpwidgets as lw
import lrpwidgets.widgets.maximize
from lrpwidgets import evaluate, improve, lrp, maximize, methods, progress, spray, subjects, tables
from lrpwidgets.lrp import Composite, Explainer, Rather, composites, operations, rules
from lrpwidgets.progress import Progress, Watcher
from lrpwidgets.spray.kept import kept
from lrpwidgets.spray.recomputed import recomputed
from tests.lrp.networks import Residual, pictures, realistic

ROOT = Path(__file__).parents[1]


@pytest.fixture(scope="module")
def explainer():
    return Explainer(realistic(Residual()).double(), "epsilon_plus_flat")


@pytest.fixture(scope="module")
def explanation(explainer):
    return explainer.explain(pictures(3, 16))


# Pictures


def test_a_notebook_shows_an_explanation_with_its_targets_scores_and_sums(explanation):
    shown = explanation._repr_html_()
    assert shown.count('src="data:image/png;base64,') == 1
    for sample, score in enumerate(explanation.scores.amax(1).tolist()):
        assert f"class {int(explanation.scores[sample].argmax())}, score {score:.4g}" in shown
    assert f"<td>{float(explanation.ledger.reached_input[0]):.4g}</td>" in shown


def test_a_notebook_shows_the_numbers_where_inputs_are_no_pictures():
    shown = Explainer(nn.Linear(6, 3)).explain(torch.ones(2, 6), 1)._repr_html_()
    assert "<img" not in shown
    assert shown.count("<td>class 1, score") == 2


def test_a_plot_has_every_heatmap_on_one_scale(explanation):
    sheet = np.asarray(explanation.plot(side=16))
    assert sheet.shape == (16 + 2 * 8 + 18, 3 * (16 + 2 * 8), 3)
    largest = float(explanation.relevance.sum(1).abs().max())
    for sample in range(3):
        left = sample * 32 + 8
        expected = np.asarray(explanation.image(sample, scale=largest, side=16))
        np.testing.assert_array_equal(sheet[8:24, left : left + 16], expected)


def test_a_plot_of_several_targets_has_a_row_for_each_sample(explanation):
    width, height = explanation.retarget(targets=[1, Rather(2, than=3)]).plot(side=16).size
    assert (width, height) == (2 * 32, 3 * 50)


# Layers


def test_an_explanation_is_a_collection_of_its_layers(explanation):
    assert [layer.name for layer in explanation] == [layer.name for layer in explanation.layers]
    assert len(explanation) == len(explanation.layers)
    assert "one.0" in explanation
    assert "one.9" not in explanation
    assert all(explanation[layer.name] is layer for layer in explanation)


def test_an_unknown_layer_is_a_key_error_that_names_near_ones(explanation):
    with pytest.raises(KeyError) as caught:
        explanation["one.9"]
    assert str(caught.value).startswith("There is no layer 'one.9'; the nearest names are 'one.")


def test_one_class_is_called_layer():
    found = set()
    for module in modules():
        found |= {item for name, item in vars(module).items() if name == "Layer" and inspect.isclass(item)}
    assert found == {lrp.Layer}


# Targets


@pytest.mark.parametrize(
    ("target", "same"),
    [
        (np.int64(2), 2),
        (np.array(2), 2),
        (np.array([2, 0, 1]), [2, 0, 1]),
        (np.eye(5)[[2, 0, 1]], torch.eye(5)[[2, 0, 1]]),
    ],
    ids=["number", "no axes", "one each", "weights"],
)
def test_targets_may_be_numpy(explainer, explanation, target, same):
    assert torch.equal(explanation.retarget(target).target, explanation.retarget(same).target)
    assert torch.equal(explainer.explain(pictures(3, 16), target).target, explanation.retarget(same).target)


def test_several_targets_may_be_numpy(explanation):
    expected = explanation.retarget(targets=[1, 2]).relevance
    assert torch.equal(explanation.retarget(targets=np.array([1, 2])).relevance, expected)


def test_numpy_inputs_are_refused_with_the_way_out(explainer):
    with pytest.raises(TypeError, match=r"got ndarray; torch.from_numpy\(x\) makes one"):
        explainer.explain(np.zeros((1, 3, 16, 16)))


def tokens(reduce):
    class Model(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.embedding, self.head = nn.Embedding(10, 4), nn.Linear(4, 2)

        def forward(self, x):
            return self.head(reduce(self.embedding(x)))

    return Model()


SINGLE = {
    "picture": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten(), nn.Linear(144, 2)), torch.rand(3, 8, 8)),
    "pooled picture": (nn.Sequential(nn.Conv2d(3, 4, 3), nn.AdaptiveAvgPool2d(1), nn.Flatten()), torch.rand(3, 8, 8)),
    "signal": (nn.Sequential(nn.Conv1d(1, 2, 3), nn.Flatten(), nn.Linear(12, 2)), torch.rand(1, 8)),
    "features": (nn.Linear(4, 2), torch.rand(4)),
    "tokens": (tokens(lambda e: e.mean(1)), torch.arange(5)),
    "tokens, counted from behind": (tokens(lambda e: e.mean(-2)), torch.arange(5)),
}


@pytest.mark.parametrize("kind", SINGLE)
def test_a_missing_batch_axis_is_told(kind):
    model, x = SINGLE[kind]
    explainer = Explainer(model)
    with pytest.raises((ValueError, NotImplementedError), match=r"batch axis is missing, add one: x\[None\]"):
        explainer.explain(x)
    assert explainer.explain(x[None]).relevance.shape[0] == 1


# Devices


def test_an_explanation_moves_with_all_that_it_keeps(explanation):
    assert explanation.to("cpu") is explanation
    moved = explanation.to("meta")
    kept = [moved.scores, moved.relevance, moved.target, *(layer.relevance for layer in moved)]
    assert {each.device.type for each in kept} == {"meta"}
    assert explanation.relevance.device.type == "cpu"


def test_an_explainer_moves_with_its_settings():
    explainer = Explainer(nn.Linear(4, 2), "epsilon", unknown="gradient", constants=[1])
    moved = explainer.to("meta")
    assert (moved.device.type, moved.composite, moved.unknown) == ("meta", explainer.composite, "gradient")
    assert moved.constants == (1,)
    assert explainer.to("cpu") is explainer


@pytest.mark.parametrize("what", ["explainer", "explanation"])
def test_a_device_that_is_not_there_is_named(what, request):
    with pytest.raises(ValueError, match="device 'cuda:99' is not there; this machine has cpu"):
        request.getfixturevalue(what).to("cuda:99")


# Progress

LONG = [
    spray.RelevanceStore.create,
    kept,
    spray.spray,
    spray.Atlas.embed,
    spray.rank_classes,
    recomputed,
    spray.poison_test,
    maximize.references,
    maximize.Run.finish,
    methods.explain,
    evaluate.compare,
    evaluate.flip,
    evaluate.srg,
    evaluate.tune,
    improve.compare_few_shot,
    improve.episode_accuracy,
    improve.few_shot,
]


@pytest.mark.parametrize("operation", LONG, ids=lambda operation: operation.__qualname__)
def test_whatever_takes_long_takes_progress_in_the_same_way(operation):
    parameter = inspect.signature(operation).parameters["progress"]
    assert parameter.annotation == "bool | Watcher"
    assert parameter.default is True


def test_no_other_way_to_be_told_of_progress_is_left():
    for module in (each for each in modules() if ".widgets" not in each.__name__):
        for function in vars(module).values():
            if inspect.isfunction(function) and function.__module__ == module.__name__ and function.__name__[0] != "_":
                assert not {"report", "callback", "watch", "watcher"} & {*inspect.signature(function).parameters}


def test_progress_that_is_neither_yes_nor_no_nor_a_function_is_refused():
    refused = pytest.raises(TypeError, match="progress must be True, False or a function of a Progress, got 'bar'")
    with refused, progress.listening("bar"):  # type: ignore[arg-type]
        pass


def test_what_takes_less_than_a_second_writes_no_line(capsys):
    with progress.listening(True) as tell:
        tell(Progress(1, 2, "reading"))
        tell(Progress(2, 2, "reading"))
    assert capsys.readouterr().err == ""


def test_a_line_has_the_stage_and_is_ended(capsys, monkeypatch):
    monkeypatch.setattr(progress.Line, "PATIENCE", 0)
    with progress.listening(True) as tell:
        tell(Progress(1, None, "reading"))
    assert capsys.readouterr().err == "\rreading: 1\n"


def test_a_watched_explanation_is_told_in_the_same_words(explainer):
    seen: list[Progress] = []
    watcher: Watcher = seen.append
    with lrp.watched(watcher):
        explainer.explain(pictures(1, 16))
    assert {each.total is None for each in seen} == {True, False}


def test_a_film_tells_its_frames():
    seen: list[Progress] = []
    run = maximize.maximize(subjects.load("digits"), maximize.objectives.class_score(3), steps=2)
    run.finish(progress=seen.append)
    assert [(each.done, each.total) for each in seen][-1] == (2, 2)


# Closed choices and registers


def test_closed_choices_are_literals():
    found = {
        "keep": Explainer.explain,
        "unknown": Explainer.__init__,
        "method": spray.Atlas.recluster,
        "by": spray.rank_classes,
    }
    for name, function in found.items():
        annotation = inspect.signature(function).parameters[name].annotation
        module = importlib.import_module(function.__module__)
        assert typing.get_origin(vars(module)[annotation]) is typing.Literal, name


class Doubled(rules.Epsilon):
    """Not registered by itself."""


REGISTERS = {
    "rule": (rules.register, (Doubled,), (3,)),
    "composite": (composites.register, ("mine", composites.epsilon), ("mine", 3)),
    "operation": (operations.register, (torch.special.erfcx, operations.Activation()), (torch.special.erfcx, 3)),
    "method": (methods.register, ("mine", type(methods.get("edges"))), ("mine", 3)),
    "subject": (subjects.register, ("mine", lambda: subjects.load("digits")), ("mine", 3)),
}


@pytest.fixture
def registers(monkeypatch):
    monkeypatch.setattr(rules, "RULES", dict(rules.RULES))
    monkeypatch.setattr(composites, "_PRESETS", dict(composites._PRESETS))
    monkeypatch.setattr(operations, "OPERATIONS", dict(operations.OPERATIONS))
    monkeypatch.setattr(methods.method, "METHODS", methods.METHODS.copy())
    monkeypatch.setattr(subjects, "_REGISTERED", {})


@pytest.mark.parametrize("kind", REGISTERS)
def test_registering_twice_is_allowed_and_what_cannot_be_is_a_type_error(registers, kind):
    register, good, bad = REGISTERS[kind]
    register(*good)
    register(*good)
    with pytest.raises(TypeError, match=r"register takes a.*got 3"):
        register(*bad)


def test_what_is_registered_is_found_by_its_name(registers):
    rules.register(Doubled)
    composites.register("mine", lambda epsilon=0.5: Composite([("*", rules.Epsilon(epsilon))]))
    subjects.register("mine", lambda: subjects.load("digits"))
    assert rules.from_dict({"rule": "Doubled"}) == Doubled()
    assert composites.get("mine", epsilon=0.25).entries == (("*", rules.Epsilon(0.25)),)
    assert composites.get("mine").name == "mine"
    assert "mine" in composites.names()
    assert subjects.load("mine").name == "digits"
    assert "mine" in subjects.names()


def test_of_two_that_are_registered_the_last_counts(registers):
    composites.register("mine", composites.epsilon)
    composites.register("mine", composites.excitation_backprop)
    assert composites.get("mine").entries == composites.excitation_backprop().entries
    for family in (operations.Activation, operations.Routing):
        operations.register(torch.special.erfcx, family())
    assert isinstance(operations.OPERATIONS[operations.key(torch.special.erfcx)][0], operations.Routing)


# Tables


def test_a_ranking_is_a_list_and_a_table():
    ranked = spray.Ranked(cluster=1, size=9, tau=2.0, label=3, purity=1.0)
    table = tables.Table([ranked])
    assert table == [ranked]
    assert table.to_frame().to_dict("records") == [{"cluster": 1, "size": 9, "tau": 2.0, "label": 3, "purity": 1.0}]


def test_without_pandas_a_table_says_how_to_get_it(monkeypatch):
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(ImportError, match="pip install pandas"):
        tables.Table().to_frame()


# Packages


def modules():
    skipped = re.compile(r"train_|__main__|\.virelay|distributed|dashboards\.")
    for each in pkgutil.walk_packages(lw.__path__, "lrpwidgets."):
        if not skipped.search(each.name):
            yield importlib.import_module(each.name)


PACKAGES = [
    *("", ".lrp", ".subjects", ".spray", ".methods", ".evaluate", ".spray.virelay", ".maximize", ".improve"),
    ".subjects.texts",
    *(".dashboards", ".widgets", ".widgets.explore", ".widgets.spray", ".widgets.maximize", ".widgets.improve"),
]


@pytest.mark.parametrize("name", PACKAGES)
def test_every_public_package_says_what_is_public(name):
    package = importlib.import_module(f"lrpwidgets{name}")
    assert package.__all__ == sorted(package.__all__, key=lambda each: (each.upper() != each, each[0].islower(), each))
    assert all(hasattr(package, each) for each in package.__all__)


@pytest.mark.parametrize("name", PACKAGES)
def test_the_reference_has_every_public_package(name):
    pages = "".join(path.read_text() for path in (ROOT / "docs" / "api").glob("*.rst"))
    documented = set(re.findall(r"automodule:: (\S+)", pages))
    package = importlib.import_module(f"lrpwidgets{name}")
    inside = {f"lrpwidgets{name}.{each}" for each in package.__all__ if inspect.ismodule(getattr(package, each))}
    again = {"lrpwidgets", "lrpwidgets.widgets.explore"}  # what they have is documented where it comes from
    assert ({package.__name__} | inside) - again <= documented


def test_the_version_stands_in_one_place():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    assert lw.__version__ == version("lrpwidgets") == project["version"]
    others = [*ROOT.glob("lrpwidgets/*.py"), ROOT / "CITATION.cff"]
    assert not [path for path in others if f'"{project["version"]}"' in path.read_text()]


def test_the_citation_names_the_project_as_it_is():
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    citation = yaml.safe_load((ROOT / "CITATION.cff").read_text())
    assert citation["title"].startswith(project["name"])
    assert citation["license"] == project["license"]
    assert citation["repository-code"] == project["urls"]["Repository"]


# Widgets


@pytest.fixture(scope="module")
def exploration():
    made = lw.widgets.Exploration(subjects.load("digits"))
    yield made
    made.close()


def test_states_and_views_print_what_they_are_about(exploration):
    printed = repr(exploration)
    assert printed.startswith("Exploration(Subject('digits': ")
    assert printed.endswith(f"; {exploration.composite.name}: top class of input {exploration.item} of 355)")
    assert repr(lw.widgets.HeatmapView(exploration)) == f"HeatmapView({printed})"
    studio = lw.widgets.maximize.Studio(exploration.subject, layer="conv2", number=5)
    assert repr(studio) == f"Studio({exploration.subject!r}; channel 5 of conv2, prior auto)"
    studio.close()


def test_a_view_refuses_keywords_that_it_does_not_have(exploration):
    with pytest.raises(TypeError, match=r"^HeatmapView has no keyword 'colour'; it takes its state, and of its own "):
        lw.widgets.HeatmapView(exploration, colour="red")
