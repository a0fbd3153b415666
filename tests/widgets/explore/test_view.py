"""Promises that every view keeps."""

from __future__ import annotations

import pytest
from PIL import Image

from lrpwidgets.dashboards import explore
from lrpwidgets.widgets import (
    ChannelMaps,
    ClassScores,
    HeatmapView,
    InputStrip,
    QuestionBar,
    RuleBoard,
    StatusLine,
    TopBar,
    Tour,
)
from tests.widgets import promises
from tests.widgets.promises import alive, observers

VIEWS = [ChannelMaps, ClassScores, HeatmapView, InputStrip, QuestionBar, RuleBoard, StatusLine, TopBar, Tour]


@pytest.mark.parametrize("view", VIEWS)
def test_a_closed_view_leaves_no_observer_and_no_widget(exploration, view):
    promises.leaves_nothing(exploration, view)
    exploration.target = 9  # nobody is there to fail
    assert exploration.error == ""


@pytest.mark.parametrize("view", VIEWS)
def test_a_closed_view_can_be_forgotten(exploration, view):
    promises.can_be_forgotten(exploration, view)


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_that_missed_something_is_sent_everything(exploration, say, view):
    promises.is_sent_what_a_page_missed(exploration, view, say)
    assert exploration.appeared == 2


@pytest.mark.parametrize("view", [view for view in VIEWS if view not in (ClassScores, TopBar, Tour)])
def test_each_picture_has_a_number(exploration, view):
    made = view(exploration)
    before = made.seq
    exploration.item, exploration.target = 0, 9
    exploration.composite = exploration.preset("epsilon")
    assert made.seq > before


@pytest.mark.parametrize("view", VIEWS)
@pytest.mark.parametrize("message", [{}, {"unknown": 1}, {"item": "x"}, {"row": None}, {"part": 0}])
def test_a_message_that_makes_no_sense_never_raises(exploration, say, view, message):
    say(view(exploration), **message)


@pytest.mark.parametrize("view", VIEWS)
def test_views_carry_their_scripts_and_no_address_of_another_machine(view):
    promises.carries_its_script(view)


def test_three_hundred_composites_make_no_widget():
    page = explore()
    exploration = page.shared
    exploration.composite = exploration.preset("epsilon")
    before = alive()
    for step in range(300):
        names = exploration.presets()
        composite = exploration.preset(names[step % len(names)])
        exploration.composite = composite.with_rule(0, composite.entries[0][1])
    assert exploration.error == ""
    assert alive() == before
    page.close()


def test_a_closed_dashboard_ends_its_exploration_and_its_views():
    living = alive()
    page = explore()
    exploration = page.shared
    page.close()
    assert not exploration.worker.open
    assert not any(name in ("answer", "error") for name, _ in observers(exploration))
    assert alive() <= living


def test_a_dashboard_of_ones_own_model_takes_the_fields_of_a_subject(moody):
    page = explore(moody.model, moody.dataset, classes=["x", "y", "z"], composite="epsilon")
    assert page.shared.subject.class_name(2) == "z"
    assert page.shared.composite.name == "epsilon"
    page.close()


def test_what_was_guessed_about_ones_own_data_is_said(moody):
    page = explore(moody.model.train(), [(Image.new("L", (6, 6), 100), 1)] * 3, composite="epsilon")
    status = next(view for view in page["explore"].children if isinstance(view, StatusLine))
    assert page.shared.error == ""
    assert any("training mode" in note for note in status.state["notes"])
    assert any("[0, 1]" in note for note in status.state["notes"])
    page.close()


def test_a_view_without_an_answer_says_why(explore_view, moody):
    view = explore_view(moody, start=3)
    assert "no light" in view.problem
    view.shared.item = 0
    assert view.problem == ""


@pytest.fixture(params=VIEWS)
def explore_view(request, explore):
    return lambda subject, **fields: request.param(explore(subject, **fields))


def test_a_subject_has_its_own_dataset(moody):
    with pytest.raises(TypeError, match="dataset, classes can be given with a torch model only"):
        explore(moody, [], classes=["x"])
