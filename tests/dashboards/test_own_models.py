"""A model of one's own, from its inputs to a verdict, on the command line: no kind that ships."""

from __future__ import annotations

import sys

import h5py
import pytest
from click.testing import CliRunner, Result

from lrpwidgets.dashboards import command

CODE = """
import torch
from torch import nn
from lrpwidgets.subjects import Subject

N = 60

class Net(nn.Module):
    def __init__(self, outputs, inside=False):
        super().__init__()
        torch.manual_seed(0)
        self.conv, self.head, self.inside = nn.Conv2d(1, 4, 5, stride=4), nn.Linear(4 * 9 * 5, outputs), inside

    def forward(self, x):
        scores = self.head(torch.relu(self.conv(x)).flatten(1))
        return {"answers": scores, "mean": scores.mean(1)} if self.inside else scores

def pictures(order=range(N)):
    x = torch.rand(N, 1, 40, 24, generator=torch.Generator().manual_seed(0))
    x[::2, 0, 4:9, 3:20] += 2
    return [(x[i], i % 2) for i in order]

def classes():
    return Subject(Net(2).eval(), pictures(), ["low", "high"])

def other_order():
    return Subject(Net(2).eval(), pictures(range(N - 1, -1, -1)), ["low", "high"])

def fewer():
    return Subject(Net(2).eval(), pictures(range(30)), ["low", "high"])

def other_weights():
    return Subject(Net(3).eval(), pictures(), ["low", "high", "neither"])

def pair():
    return Net(3).eval(), pictures()

def inside():
    return Subject(Net(2, inside=True).eval(), pictures(), ["low", "high"])

def regression():
    return Subject(Net(1).eval(), [(x, 5) for x, _ in pictures()])

def numbers():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(20, 16), nn.ReLU(), nn.Linear(16, 2))
    return Subject(model.eval(), [(x, i % 2) for i, x in enumerate(torch.randn(N, 20))], ["no", "yes"])

def numbers_alone():
    return numbers().model, [(torch.randn(20), 0)]
"""


@pytest.fixture
def mine(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.setattr("lrpwidgets.spray.memory.keep_freed", lambda: None)
    monkeypatch.setattr(command, "serve_notebook", lambda *_, **__: print("served"))
    (tmp_path / "nets.py").write_text(CODE)
    return tmp_path


def run(*arguments: object) -> Result:
    return CliRunner().invoke(command.main, list(map(str, arguments)))


def attributed(function: str, *more: str) -> list[str]:
    """A store of that subject, and the options with which it is asked on."""
    options = ["--store", f"{function}.store", "--subject", f"nets.py:{function}", *more]
    result = run("attribute", *options)
    assert result.exit_code == 0, result.output
    return options


@pytest.mark.parametrize("function", ["classes", "pair", "inside", "numbers"])
def test_it_is_explained_served_and_tested(mine, function):
    options = attributed(function, *(["--select", "answers"] if function == "inside" else []))
    assert run("serve", "spray", "--port", "0", *options).stdout == "served\n"
    result = run("spray", *options, "--test")
    assert result.exit_code == 0, result.output
    told = "Its direction in " if function == "numbers" else "by any of 5 tests"
    assert told in result.stdout


def test_scores_that_nobody_found_are_told_with_the_way_out(mine):
    result = run("attribute", "--store", "x", "--subject", "nets.py:inside")
    assert result.exit_code == 2
    assert "select='answers'" in result.stderr


def test_inputs_that_are_no_pictures_are_told_with_the_way_out(mine):
    result = run("attribute", "--store", "x", "--subject", "nets.py:numbers_alone")
    assert result.exit_code == 2
    assert result.stderr.endswith("for inputs that are none give subjects.Subject(model, dataset).\n")


@pytest.mark.parametrize(
    ("other", "told"),
    [
        ("other_weights", "was begun differently: model"),
        ("fewer", "is of other data than the subject 'nets' has: inputs (60 there, 30 here)"),
        ("other_order", "is of other data than the subject 'nets' has: scores of the first input (that of class "),
    ],
)
def test_a_store_of_something_else_is_refused_before_there_is_an_address(mine, other, told):
    store = attributed("classes")[:2]
    for words in (["serve", "spray", "--port", "0"], ["spray", "--test"]):
        result = run(*words, *store, "--subject", f"nets.py:{other}")
        assert result.exit_code == 2
        assert told in result.stderr
        assert result.stdout == ""


def test_with_one_score_no_poison_test_could_tell_anything(mine):
    result = run("spray", "--test", *attributed("regression"))
    assert (result.exit_code, result.stdout) == (2, "")
    assert "has one score, so there is no other class that a poison test could turn into this one" in result.stderr


def test_virelay_gets_an_embedding_to_look_at_and_numbers_of_clusters_to_choose_from(mine):
    options = attributed("classes")
    result = run("spray", *options, "--virelay", "project")
    assert result.exit_code == 0, result.output
    with h5py.File(mine / "project" / "analysis.h5") as file:
        for category in file.values():
            assert set(category["embedding"]) == {"spectral", "tsne"}
            assert list(category["cluster"]) == ["spectral", *(f"spectral-{count}" for count in range(2, 9))]
    loaded = pytest.importorskip("virelay.model", reason="needs the referee virelay").Project("project/project.yaml")
    assert loaded.get_sample(0).data.shape == (40, 24, 3)
    shown = loaded.get_analysis("SpRAy", next(iter(file_categories(mine))), "spectral-5", "tsne")
    assert len(set(shown.clustering.tolist())) == 5


def file_categories(folder):
    with h5py.File(folder / "project" / "analysis.h5") as file:
        return list(file)


def test_what_cannot_be_written_is_told_before_the_work(mine):
    (mine / "taken").touch()
    options = attributed("numbers")
    for more, told in (
        (["--virelay", "project"], "ViRelAy shows relevance of pictures, (C, H, W); the store has (20,) of each"),
        (["--save", "taken"], "'taken' is a file; name a folder."),
    ):
        result = run("spray", *options, *more)
        assert (result.exit_code, result.stdout) == (2, "")
        assert told in result.stderr


def test_classes_with_too_few_maps_are_named(mine):
    result = run("spray", "--by", "label", "--csv", *attributed("other_weights"))
    assert result.exit_code == 0, result.output
    assert "Not ranked, with less than 10 maps: neither (0).\n" in result.stderr
    assert "neither" not in result.stdout
