"""What `lrpwidgets spray` prints and writes, what it refuses, and what `serve spray` opens."""

from __future__ import annotations

import csv
import json
import re
import shutil
import sys
from dataclasses import replace

import pytest
from click.testing import CliRunner, Result
from ipywidgets.widgets.widget import _instances
from torch import nn

from lrpwidgets import dashboards, subjects
from lrpwidgets.dashboards import command, spraying
from lrpwidgets.dashboards.options import Options
from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import Atlas, RelevanceStore, seal, virelay
from lrpwidgets.spray.kept import kept
from lrpwidgets.subjects import TensorSamples
from lrpwidgets.widgets import Exploration
from lrpwidgets.widgets.base.query import to_query
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
    head, *rows, standing = result.stdout.splitlines()
    assert head == spraying.HEAD
    times = [float(row.split()[4]) for row in rows]
    assert len(times) == 10
    assert times == sorted(times, reverse=True)
    assert {row.split()[5] for row in rows} <= {"input", "conv2", "conv3"}
    assert standing == "No class stands out from chance (of tables of 10 classes without clusters, 1% name one)."


def test_what_is_compared_and_how_it_is_cut_can_be_chosen(store):
    result = run("spray", "--store", store.path, "--layer", "conv3", "--clusters", "3", "--class", "5", "--csv")
    assert result.exit_code == 0, result.output
    head, *rows = csv.reader(result.stdout.splitlines())
    assert head == ["class", "maps", "layer", "times_chance", "chance", "cluster", "size", "tau"]
    assert [(row[0], row[2], row[3]) for row in rows] == [("5", "conv3", "")] * 3
    assert sum(int(row[6]) for row in rows) == int(rows[0][1])


def test_machines_get_a_record_for_each_cluster_with_its_verdict(store):
    result = run("spray", "--store", store.path, "--class", "1", "--test", "--json")
    assert result.exit_code == 0, result.output
    for record in json.loads(result.stdout):
        assert record["class"] == "1"
        assert record["times_chance"] > 0
        assert (record["clever_hans"], record["convicted_by"]) == (False, "")
        assert record["spot_samples"] > 300
        assert 0 <= record["spot_turned"] + record["spot_control"] <= 2 * record["spot_samples"]


def test_what_machines_read_has_nothing_else_in_it(store, tmp_path):
    shutil.copytree(store.path, tmp_path / "store")
    RelevanceStore.open(tmp_path / "store").remove(0)
    options = ["--class", "3", "--json", "--save", tmp_path / "atlases"]
    result = run("spray", "--store", tmp_path / "store", *options)
    assert result.exit_code == 0, result.output
    assert {record["class"] for record in json.loads(result.stdout)} == {"3"}
    assert "The store is not complete: 64 of 355 inputs are not attributed yet." in result.stderr
    assert "1 atlases are in" in result.stderr
    assert (tmp_path / "atlases" / "prediction-3.npz").exists()


def test_no_name_in_the_table_is_a_formula(store, tmp_path):
    shutil.copytree(store.path, tmp_path / "store")
    described = json.loads((store.path / "zarr.json").read_text())
    described["attributes"]["lrpwidgets"]["classes"][3] = "=3+4"
    described["attributes"].pop("seal", None)
    seal.write(tmp_path / "store", described)
    result = run("spray", "--store", tmp_path / "store", "--class", "3", "--csv")
    assert result.exit_code == 0, result.output
    assert {row[0] for row in csv.reader(result.stdout.splitlines()[1:])} == {"'=3+4"}


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
    told = [line for line in result.stdout.splitlines() if line.startswith("3, pictures of cluster")]
    assert told
    for line in told:
        assert "Not a Clever Hans by any of 5 tests: " in line
        assert "would have been seen" in line
    atlas = Atlas.load(tmp_path / "atlases" / "label-3.npz", store)
    assert (atlas.selection.by, atlas.selection.value) == ("label", 3)
    assert len(virelay.read(tmp_path / "project" / "project.yaml").analyses) == 1


@pytest.mark.parametrize(
    ("options", "said"),
    [
        (["--class", "horse"], "There is no class 'horse'"),
        (["--class", "11"], "There is no class '11'"),
        (["--layer", "conv9"], "does not keep the layer 'conv9'; it keeps 'conv2', 'conv3'"),
        (["--clusters", "0"], "--clusters must be a number, auto, spectral, agglomerative, hdbscan; got '0'"),
    ],
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


def test_a_store_is_not_for_explore():
    result = run("serve", "explore", "--store", "somewhere")
    assert "--store is for the dashboards spray and maximize." in result.output


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


def wrapped():
    return replace(load("digits"), model=Inside().eval())


def test_the_scores_are_found_by_select_from_the_command_to_the_poison_test(tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.spray.memory.keep_freed", lambda: None)
    monkeypatch.setattr(subjects, "load", lambda name, select=None: wrapped().selecting(select))
    options = ["--composite", "epsilon", "--store", tmp_path / "store"]
    assert "select=" in run("attribute", *options).output  # the way out
    assert run("attribute", *options, "--select", "1").exit_code == 0
    store = RelevanceStore.open(tmp_path / "store")
    assert (store.info.select, store.info.recipe) == ("1", "subjects.load('digits', select=1)")
    refused = run("attribute", *options, "--select", "-1")
    assert "begun differently: select (1 there, -1 here)" in refused.output

    assert spraying.subject_of(store).select == 1
    Investigation(store, spraying.subject_of(store))
    with pytest.raises(ValueError, match=r"select \(1 there, None here\)"):
        Investigation(store, wrapped())
    for given in ([], ["--select", "1"]):
        result = run("spray", "--store", store.path, "--class", "3", "--test", *given)
        assert result.exit_code == 0, result.output
        assert "by any of 5 tests" in result.output


def test_a_store_of_other_scores_is_kept_elsewhere(tmp_path, monkeypatch):
    monkeypatch.setattr("lrpwidgets.spray.kept.user_cache_path", lambda name: tmp_path / name)
    subject = wrapped()
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


# Code of one's own, and stores that name some


CODE = """
from pathlib import Path
from lrpwidgets import dashboards, subjects

def digits():
    Path(__file__).with_name("ran").touch()
    return subjects.load("digits")
"""


@pytest.fixture(autouse=True)
def unserved(monkeypatch):
    """No server starts, whatever is served."""
    monkeypatch.setattr(command, "serve_notebook", lambda *_, **__: None)


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "mine.py").write_text(CODE)
    return tmp_path / "mine.py"


@pytest.fixture
def of_code(store, mine, tmp_path):
    """A store that says it is of somebody's code."""
    shutil.copytree(store.path, tmp_path / "store")
    return meant(tmp_path / "store", recipe=f"subjects.load({str(mine) + ':digits'!r})")


def ran(mine):
    return mine.with_name("ran").exists()


def test_attribution_of_ones_own_code_says_so_in_the_store(mine, tmp_path):
    result = run("attribute", "--subject", f"{mine}:digits", "--store", tmp_path / "new")
    assert result.exit_code == 0, result.output
    assert RelevanceStore.open(tmp_path / "new").info.recipe == f"subjects.load({str(mine) + ':digits'!r})"


@pytest.mark.parametrize(
    "form", ["subjects.load({!r})", "subjects.load(name={!r})", "subjects.load(**{{'name': {!r}}})"]
)
def test_a_store_never_makes_code_run(store, mine, monkeypatch, form):
    monkeypatch.setattr(store, "info", replace(store.info, recipe=form.format(f"{mine}:digits")))
    with pytest.raises(ValueError, match=r"is of somebody's code, .* --subject .*mine.py:digits|does not say how"):
        spraying.subject_of(store)
    assert not ran(mine)


@pytest.mark.parametrize("words", [["serve", "spray", "--port", "0"], ["spray", "--test", "--class", "3"]])
def test_the_code_of_a_store_runs_where_it_is_asked_for_only(of_code, mine, words):
    result = run(*words, "--store", of_code)
    assert result.exit_code == 2
    assert f"which runs only where you ask for it: --subject {mine}:digits, or in Python" in result.output
    assert not ran(mine)
    result = run(*words, "--store", of_code, "--subject", f"{mine}:digits")
    assert result.exit_code == 0, result.output
    assert ran(mine)


def test_the_scores_of_ones_own_code_are_found_by_select_as_the_way_out_of_a_store_says(mine, tmp_path):
    wrap = ["class Inside(torch.nn.Module):", "    def __init__(self, model):", "        super().__init__()"]
    wrap += ["        self.model = model", "    def forward(self, x):", "        return None, self.model(x)"]
    more = ["def inside():", "    return Inside(digits().model), [digits().dataset[i] for i in range(300)]"]
    mine.write_text("\n".join(["import torch", CODE, *wrap, *more]))
    options = ["--subject", f"{mine}:inside", "--store", tmp_path / "store"]
    assert "select=1" in run("attribute", *options).output  # the way out
    assert run("attribute", *options, "--select", "1").exit_code == 0
    recipe = f"subjects.load({str(mine) + ':inside'!r}, select=1)"
    assert RelevanceStore.open(tmp_path / "store").info.recipe == recipe
    refused = run("spray", "--store", tmp_path / "store", "--virelay", tmp_path / "virelay").output
    assert f"--subject {mine}:inside --select 1, or in Python dashboards.spray(store, {recipe})." in refused
    assert run("serve", "spray", "--port", "0", *options, "--select", "1").exit_code == 0
    result = run("spray", *options, "--select", "1", "--class", "3", "--virelay", tmp_path / "virelay")
    assert result.exit_code == 0, result.output
    Investigation(RelevanceStore.open(tmp_path / "store"), eval(recipe)).close()


@pytest.mark.parametrize("how", ["link", "file"])
def test_neither_a_link_nor_a_state_makes_code_run(mine, how):
    exploration = Exploration(subjects.load("digits"))
    for name, value in (("subject", f"{mine}:digits"), ("recipe", f"subjects.load('{mine}:digits')")):
        state = exploration.to_dict() | {name: value}
        with pytest.raises(ValueError, match=r"This state is of the subject|A state has no part 'recipe'"):
            exploration.restore(to_query(state) if how == "link" else state)
    exploration.close()
    assert not ran(mine)


# What is wrong with a store is said before there is an address


def served(store, *more):
    result = run("serve", "spray", "--port", "0", "--store", store, *more)
    assert result.exit_code == 2, result.output
    return result.output


def changed(store, tmp_path, **parts):
    shutil.copytree(store.path, tmp_path / "changed")
    return meant(tmp_path / "changed", **parts)


def meant(folder, **parts):
    """Change the description of a store as somebody does who means it: sealed."""
    description = json.loads((folder / "zarr.json").read_text())
    description["attributes"]["lrpwidgets"] |= parts
    seal.write(folder, description)
    return folder


def test_a_store_of_another_model_is_refused(store):
    told = served(store.path, "--subject", "clever-hans")
    assert "was begun differently: model (weights and architecture" in told


@pytest.mark.parametrize(
    "recipe", ["", "subjects.load('digits', seed=3)", "subjects.load(3)", "subjects.from_folder('no/such')"]
)
def test_a_store_whose_subject_cannot_be_made_is_refused(store, tmp_path, recipe):
    told = served(changed(store, tmp_path, recipe=recipe))
    assert re.match(r"Error: .*(does not say how|is of somebody's code|There is no folder)", told)


@pytest.mark.parametrize(
    "parts",
    [
        {"format": 9},
        {"composite": {}},
        {"composite": 3},
        {"shape": 5},
        {"inputs": "many"},
        {"dtype": "float3"},
        {"batch_size": 0},
        {"select": 1},
        {"scores": {"dtype": "torch.float32"}},
    ],
)
def test_a_store_with_a_damaged_description_is_refused(store, tmp_path, parts):
    told = served(changed(store, tmp_path, **parts))
    assert told.startswith("Error: ")
    assert str(tmp_path / "changed") in told


def test_a_store_with_nothing_in_it_is_refused(store, tmp_path):
    shutil.copytree(store.path, tmp_path / "empty")
    for chunk in (tmp_path / "empty" / "samples").glob("c*"):
        shutil.rmtree(chunk) if chunk.is_dir() else chunk.unlink()
    assert "Nothing is attributed yet in" in served(tmp_path / "empty")


def test_a_store_with_a_damaged_table_is_refused(store, tmp_path):
    shutil.copytree(store.path, tmp_path / "torn")
    chunk = next(file for file in (tmp_path / "torn" / "samples").iterdir() if file.name.startswith("c"))
    content = chunk.read_bytes()
    chunk.write_bytes(bytes([content[0] ^ 1]) + content[1:])
    assert re.search(
        r"its checksum is wrong.*/samples/c\.\S+', and then run the same attribution again", served(tmp_path / "torn")
    )


def test_a_closed_page_leaves_no_widget_of_the_close_look_either(tmp_path):
    subject = subjects.load("digits")
    store = RelevanceStore.create(tmp_path / "store", Explainer(subject.model, "epsilon"), subject, progress=False)
    living = set(_instances.values())
    page = dashboards.spray(store, subject)
    page.shared.embedding = "spectral"
    page.shared.opened = 3
    page.close()
    assert set(_instances.values()) <= living
