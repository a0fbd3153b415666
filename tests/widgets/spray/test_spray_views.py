"""Promises that every view of an investigation keeps; see test_view.py for those of an exploration."""

from __future__ import annotations

import pytest

from lrpwidgets.widgets.spray import (
    AtlasBar,
    ClassRanking,
    ClusterCards,
    EmbeddingScatter,
    PoisonTest,
    SprayBar,
    SprayStatus,
    ThumbnailWall,
)
from tests.widgets import promises
from tests.widgets.spray.investigated import investigate

VIEWS = [AtlasBar, ClassRanking, ClusterCards, EmbeddingScatter, PoisonTest, SprayBar, SprayStatus, ThumbnailWall]


@pytest.fixture
def state(tmp_path, digits, monkeypatch):
    made = investigate(tmp_path, digits, monkeypatch)
    yield made
    made.close()


@pytest.mark.parametrize("view", VIEWS)
def test_a_closed_view_leaves_no_observer_and_no_widget(state, view):
    promises.leaves_nothing(state, view)
    state.group = 7  # nobody is there to fail
    assert state.error == ""


@pytest.mark.parametrize("view", VIEWS)
def test_a_closed_view_can_be_forgotten(state, view):
    promises.can_be_forgotten(state, view)


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_that_missed_something_is_sent_everything(state, say, view):
    promises.is_sent_what_a_page_missed(state, view, say)


SENSELESS = [
    {}, {"unknown": 1}, {"group": "x"}, {"by": 3}, {"test": "x"}, {"test": None}, {"verdict": 5}, {"select": 1},
    {"select": "x", "how": "only", "edition": 1}, {"call": 0, "edition": 1}, {"draw": "x"}, {"box": None},
    {"box": [None] * 4, "row": "x"}, {"row": None},
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_message_that_makes_no_sense_never_raises(state, say, view):
    made = view(state)
    for message in SENSELESS:
        say(made, **message)
        assert state.answer is not None, message
        assert state.verdicts == {}, message


@pytest.mark.parametrize("view", VIEWS)
def test_views_carry_their_scripts_and_no_address_of_another_machine(view):
    promises.carries_its_script(view)


@pytest.mark.parametrize("view", [view for view in VIEWS if view is not SprayBar])
def test_what_it_shows_changes_with_the_class(state, view):
    made = view(state)
    before = made.seq
    state.group = 7
    assert made.seq > before
    assert state.error == ""
