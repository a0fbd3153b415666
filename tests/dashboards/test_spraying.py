"""What `lrpwidgets spray` prints and writes, what it refuses, and what `serve spray` opens."""

from __future__ import annotations

from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.dashboards import command, spraying
from lrpwidgets.dashboards.options import Options
from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import Atlas, RelevanceStore, virelay
from lrpwidgets.spray.kept import kept
from lrpwidgets.subjects import TensorSamples
from lrpwidgets.widgets.spray import Investigation


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> RelevanceStore:
    subject = subjects.load("digits")
    path = tmp_path_factory.mktemp("stores") / "digits"
    return RelevanceStore.create(path, Explainer(subject.model, "epsilon_plus_flat"), subject, progress=False)


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command.main, list(map(str, arguments)))


def test_it_ranks_the_classes(store):
    result = run("spray", "--store", store.path)
    assert result.exit_code == 0, result.output
    head, *rows = result.output.splitlines()
    assert head == spraying.HEAD
    taus = [float(row.split()[3]) for row in rows]
    assert len(taus) == 10
    assert taus == sorted(taus, reverse=True)


def test_it_tests_one_class_and_writes_its_atlas(store, tmp_path):
    options = [
        "--class",
        "3",
        "--by",
        "label",
        "--test",
        "--save",
        tmp_path / "atlases",
        "--virelay",
        tmp_path / "project",
    ]
    result = run("spray", "--store", store.path, *options)
    assert result.exit_code == 0, result.output
    assert "Pasted on 319 pictures of other classes" in result.output  # all that there are
    atlas = Atlas.load(tmp_path / "atlases" / "label-3.npz", store)
    assert (atlas.selection.by, atlas.selection.value) == ("label", 3)
    assert len(virelay.read(tmp_path / "project" / "project.yaml").analyses) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [(["--class", "horse"], "There is no class 'horse'"), (["--class", "11"], "There is no class '11'")],
)
def test_what_cannot_be_is_a_sentence(store, options, said):
    result = run("spray", "--store", store.path, *options)
    assert result.exit_code == 2
    assert said in result.output
    assert result.output.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [["spray", "--store", "gone"], ["serve", "spray", "--store", "gone", "--port", "0"]]
)
def test_a_store_that_is_not_there_is_a_sentence(arguments):
    result = run(*arguments)
    assert result.exit_code == 2
    assert result.output.startswith("Error: There is no relevance store in 'gone'")


def test_a_store_is_for_the_dashboard_spray():
    result = run("serve", "explore", "--store", "somewhere")
    assert "--store is for the dashboard spray" in result.output


def test_without_a_store_the_subject_is_explained_once_and_kept(tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.spray.kept.user_cache_path", lambda name: tmp_path / name)
    options = Options(subject="digits")
    path = spraying.found_store(options, None)
    before = RelevanceStore.open(path).relevance([0])
    assert spraying.found_store(options, None) == path
    assert (RelevanceStore.open(path).relevance([0]) == before).all()


load = subjects.load


class Inside(nn.Module):
    """Digits whose scores come inside of a tuple."""

    def __init__(self):
        super().__init__()
        self.model = load("digits").model

    def forward(self, x):
        return None, self.model(x)


def wrapped(self, default="digits"):
    return replace(load("digits"), model=Inside().eval())


def test_the_scores_are_found_by_select_from_the_command_to_the_poison_test(tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.spray.memory.keep_freed", lambda: None)
    monkeypatch.setattr("lrpwidgets.dashboards.options.Options._loaded", wrapped)
    options = ["--composite", "epsilon", "--store", tmp_path / "store"]
    assert "select=" in run("attribute", *options).output  # the way out
    assert run("attribute", *options, "--select", "1").exit_code == 0
    store = RelevanceStore.open(tmp_path / "store")
    assert (store.info.select, store.info.recipe) == ("1", "subjects.load('digits', select=1)")
    refused = run("attribute", *options, "--select", "-1")
    assert "begun differently: select (1 there, -1 here)" in refused.output

    monkeypatch.setattr(subjects, "load", lambda name, select=None: wrapped(None).selecting(select))
    assert spraying.subject_of(store).select == 1
    Investigation(store, spraying.subject_of(store))
    with pytest.raises(ValueError, match=r"select \(1 there, None here\)"):
        Investigation(store, wrapped(None))
    for given in ([], ["--select", "1"]):
        result = run("spray", "--store", store.path, "--class", "3", "--test", *given)
        assert result.exit_code == 0, result.output
        assert "pictures of other classes" in result.output


def test_a_store_of_other_scores_is_kept_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.spray.kept.user_cache_path", lambda name: tmp_path / name)
    subject = wrapped(None)
    subject.dataset = TensorSamples(*(each[:5] for each in vars(subject.dataset).values()))
    paths = [kept(subject.selecting(select), progress=False).path for select in (1, -1, lambda output: output[1])]
    assert len({*paths}) == 3
    assert kept(subject.selecting(lambda output: output[1]), progress=False).path == paths[2]


@pytest.mark.parametrize(
    "recipe", ["", "__import__('os').system('true')", "subjects.load(", "subjects.load(open('x'))"]
)
def test_a_recipe_is_never_executed(store, monkeypatch, recipe):
    monkeypatch.setattr(store, "info", replace(store.info, recipe=recipe))
    with pytest.raises(ValueError, match="does not say how"):
        spraying.subject_of(store)
