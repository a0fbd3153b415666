"""What `serve maximize` opens, and what the dashboard takes."""

from __future__ import annotations

import pytest
import torch
from click.testing import CliRunner
from ipywidgets.widgets.widget import _instances
from torch import nn

from lrpwidgets import dashboards, subjects
from lrpwidgets.dashboards import command
from lrpwidgets.dashboards.options import VARIABLE, Options
from lrpwidgets.maximize import ReferenceStore, references


@pytest.fixture
def maximized():
    """Make the dashboard, and close what was made."""
    made = []

    def maximize(*args, **options):
        made.append(dashboards.maximize(*args, **options))
        return made[-1].shared

    yield maximize
    for each in made:
        each.close()


def test_serve_opens_its_notebook(monkeypatch):
    calls = []
    monkeypatch.setattr(command, "serve_notebook", lambda *args, **options: calls.append(args))
    result = CliRunner().invoke(command.main, ["serve", "maximize", "--subject", "shapes", "--port", "0"])
    assert result.exit_code == 0, result.output
    [(notebook, options)] = calls
    assert notebook.name == "maximize.ipynb"
    assert options.subject == "shapes"


@pytest.fixture
def served(monkeypatch):
    """Run the command up to where a page would open; its result, and the options."""
    calls = []
    monkeypatch.setattr(command, "serve_notebook", lambda *args, **options: calls.append(args))

    def serve(*words):
        result = CliRunner().invoke(command.main, ["serve", *words, "--port", "0"])
        return result, calls[-1][1] if calls else None

    return serve


def test_a_store_is_where_references_are_kept(served, tmp_path, maximized, monkeypatch):
    result, options = served("maximize", "--subject", "digits", "--store", str(tmp_path / "kept"))
    assert result.exit_code == 0, result.output
    monkeypatch.setenv(VARIABLE, options.to_environment()[VARIABLE])
    for _ in range(2):
        studio = maximized(wish={"steps": 2})
        studio.play()
        studio.collect()
        assert studio.samples is not None
    assert ReferenceStore.open(tmp_path / "kept").done.all()
    assert served("maximize", "--subject", "digits", "--store", str(tmp_path / "kept"))[0].exit_code == 0


def test_a_store_of_something_else_is_refused_before_a_page_opens(served, tmp_path):
    references(subjects.load("digits"), "conv2", path=tmp_path / "digits")
    result, options = served("maximize", "--subject", "shapes", "--store", str(tmp_path / "digits"))
    assert (result.exit_code, options) == (2, None)
    assert "was begun differently: model" in result.output
    (tmp_path / "notes").mkdir()
    (tmp_path / "notes" / "a.txt").write_text("a")
    result, options = served("maximize", "--subject", "digits", "--store", str(tmp_path / "notes"))
    assert (result.exit_code, options) == (2, None)


def test_it_opens_what_the_command_was_asked_for(maximized, monkeypatch):
    monkeypatch.setenv(VARIABLE, Options(subject="digits").to_environment()[VARIABLE])
    studio = maximized()
    assert studio.subject.name == "digits"
    assert studio.error == ""
    assert studio.moment.step == 0


def test_a_wish_is_what_it_begins_with(maximized):
    studio = maximized(subjects.load("digits"), wish={"layer": "conv2", "number": 5, "prior": "fourier"})
    assert str(studio.answer.objective) == "channel 5 of conv2"
    assert studio.error == ""


def test_a_model_is_taken_with_its_data(maximized):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(64, 3)).eval()
    studio = maximized(model, torch.rand(20, 1, 6, 6), classes=["ant", "bee", "cat"])
    studio.play()
    assert studio.error == ""
    assert studio.ended


@pytest.mark.parametrize(
    ("wish", "said"), [({"prior": "x"}, "There is no prior 'x'"), ({"what": 1}, "A state has no part 'what'")]
)
def test_a_wish_that_makes_no_sense_is_refused(wish, said):
    with pytest.raises(ValueError, match=said):
        dashboards.maximize(subjects.load("digits"), wish=wish)


def test_a_subject_has_its_own_data():
    with pytest.raises(TypeError, match="dataset can be given with a torch model only"):
        dashboards.maximize(subjects.load("digits"), torch.rand(2, 1, 8, 8))


def test_a_closed_page_leaves_no_widget():
    living = set(_instances.values())
    dashboards.maximize(wish={"steps": 2}).close()
    assert set(_instances.values()) <= living
