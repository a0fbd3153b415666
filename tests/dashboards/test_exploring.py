"""What `explore` takes: models whose scores come inside of something, and models with one score."""

from __future__ import annotations

import pytest
import torch
from torch import nn

import lrpwidgets as lw
from lrpwidgets.dashboards.options import Options
from lrpwidgets.lrp import TwoClasses
from lrpwidgets.shelves import SHELVES
from lrpwidgets.subjects import Subject


class Inside(nn.Module):
    """Scores of pictures (B, 1, 6, 6), in a dictionary."""

    def __init__(self, scores):
        super().__init__()
        torch.manual_seed(0)
        self.layers = nn.Sequential(nn.Flatten(), nn.Linear(36, scores))
        self.eval()

    def forward(self, x):
        return {"logits": self.layers(x)}


X, Y = torch.rand(4, 1, 6, 6), torch.tensor([0, 1, 1, 0])


@pytest.fixture
def explored():
    """Explore, and close what was made."""
    made = []

    def explore(*args, **options):
        made.append(lw.explore(*args, **options))
        return made[-1].shared

    yield explore
    for each in made:
        each.close()


@pytest.mark.parametrize("select", ["logits", 0, lambda output: output["logits"]], ids=["key", "position", "function"])
def test_scores_inside_of_something_are_explored_by_select(explored, select):
    exploration = explored(Inside(3), X, select=select, composite="epsilon")
    assert exploration.error == ""
    assert exploration.answer.scores == pytest.approx(Inside(3).layers(X)[0].tolist(), abs=1e-6)


def test_one_score_is_explored_as_two_classes(explored):
    exploration = explored(Inside(1), (X, Y), classes=["no", "yes"], select="logits", composite="epsilon")
    assert exploration.error == ""
    assert exploration.subject.select == TwoClasses("logits")
    assert len(exploration.answer.scores) == 2
    assert any("above 0 it says 'yes', else 'no'" in note for note in exploration.subject.notes)


def test_what_the_kernel_may_take_is_what_serve_was_told(explored, monkeypatch):
    for name, value in Options(memory=3 * 10**9).to_environment().items():
        monkeypatch.setenv(name, value)
    for name in ("limit", "room"):
        monkeypatch.setattr(SHELVES, name, getattr(SHELVES, name))  # for the tests that come
    assert explored(Inside(3), X, select="logits").memory.endswith(" of 3.0 GB of memory in use")


def test_a_subject_has_its_own_select():
    with pytest.raises(TypeError, match="select can be given with a torch model only; a subject has its own"):
        lw.explore(Subject(Inside(3)), select="logits")
