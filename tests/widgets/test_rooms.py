"""Rooms of one page: what one looks at travels, and what one did not leave stays."""

from __future__ import annotations

import io
import json
from dataclasses import replace
from functools import partial
from types import SimpleNamespace

import numpy as np
import pytest
from ipywidgets.widgets.widget import _instances
from PIL import Image

from lrpwidgets import dashboards, subjects
from lrpwidgets.dashboards.panes import AWAY
from lrpwidgets.dashboards.rooms import ROOMS
from lrpwidgets.lrp import Composite
from lrpwidgets.progress import Cancelled
from lrpwidgets.widgets import ChannelMaps, TopBar
from lrpwidgets.widgets.base.asking import Place
from lrpwidgets.widgets.improve import RepairTable, Workshop
from lrpwidgets.widgets.spray import (
    Attribution,
    AttributionBar,
    AttributionView,
    Investigation,
    PoisonTest,
    attribution,
)
from tests.widgets.explore.test_any_order import inside


@pytest.fixture
def entered(digits):
    """A page with the room that it is opened in."""
    made = []

    def open_page(name="explore", **options):
        made.append(getattr(dashboards, name)(digits, **options))
        return made[-1]

    yield open_page
    for each in made:
        each.close()


@pytest.fixture
def entered_with(entered, digits):
    """A page of the digits with other data."""
    pages = []

    def open_page(dataset):
        pages.append(dashboards.explore(replace(digits, dataset=dataset)))
        return pages[-1]

    yield open_page
    for each in pages:
        each.close()


def bar(page, room):
    return page[room].children[0]


def on_screen(page):
    return [name for name in ROOMS if name in page._pages and AWAY not in page[name]._dom_classes]


def test_a_room_is_made_when_it_is_first_entered(entered, say):
    page = entered()
    titles = {
        "explore": "Explore",
        "compare": "Compare",
        "maximize": "Maximize",
        "spray": "SpRAy",
        "improve": "Improve",
    }
    assert page.shared.rooms == tuple((name, title, "") for name, title in titles.items())
    assert len(page.children) == 1
    say(bar(page, "explore"), enter="maximize")
    assert len(page.children) == 2
    assert on_screen(page) == ["maximize"]
    assert (page["explore"].shared.here, page["maximize"].shared.here) == (False, True)
    say(bar(page, "maximize"), enter="explore")
    assert on_screen(page) == ["explore"]
    assert len(page.children) == 2
    assert page.shared.error == ""


def test_the_input_and_its_class_go_along(entered, say):
    page = entered()
    page.shared.ask(item=12, target=4)
    say(bar(page, "explore"), enter="maximize")
    studio = page["maximize"].shared
    assert (studio.item, studio.layer, studio.number) == (12, None, 4)


@pytest.mark.parametrize("visited", [False, True])
def test_one_click_on_a_tile_shows_what_the_channel_wants(entered, say, visited):
    page = entered()
    if visited:
        say(bar(page, "explore"), enter="maximize")
        say(bar(page, "maximize"), enter="explore")
    maps = ChannelMaps(page.shared)
    page.shared.ask(item=9, layer="conv2", channels=())
    assert maps.wants
    say(maps, wants=7)
    studio = page["maximize"].shared
    assert on_screen(page) == ["maximize"]
    assert (studio.item, studio.layer, studio.number) == (9, "conv2", 7)
    assert str(studio.answer.objective) == "channel 7 of conv2"
    maps.close()


def test_the_channel_that_is_wished_for_is_looked_into(entered, say):
    page = entered("maximize", wish={"layer": "conv2", "number": 3, "steps": 2})
    page.shared.ask(item=5)
    say(bar(page, "maximize"), enter="explore")
    exploration = page["explore"].shared
    assert (exploration.item, exploration.layer, exploration.channels) == (5, "conv2", (3,))
    assert exploration.error == ""


def test_the_input_is_compared_under_several_methods(entered, say, monkeypatch):
    monkeypatch.setattr("lrpwidgets.widgets.compare.referee.PATIENT", 0.0)  # nothing is flipped yet
    page = entered()
    page.shared.ask(item=40)
    say(bar(page, "explore"), enter="compare")
    referee = page["compare"].shared
    assert referee.items[0] == 40
    say(bar(page, "compare"), enter="explore")
    assert page.shared.item == 40
    assert page.shared.error == referee.error == ""


def test_rules_that_were_tuned_open_in_explore(entered, say, monkeypatch):
    monkeypatch.setattr("lrpwidgets.widgets.compare.referee.STEPS", 2)
    page = entered("compare", methods=["epsilon_gamma_box"], question={"samples": 4, "region": 4})
    referee = page.shared
    ranking = next(view for view in inside(page) if type(view).__name__ == "Ranking")
    monkeypatch.setattr("lrpwidgets.widgets.compare.referee.BRIEF", 0.0)
    say(ranking, tune=False)
    assert (referee.tuned, referee.offer > 0) == (None, True)
    say(ranking, tune=True)
    assert "candidates" in ranking.tuning["said"]
    say(ranking, open=True)
    assert page["explore"].shared.composite == referee.tuned.composite
    assert page["explore"].shared.error == referee.error == ""


def png(value):
    file = io.BytesIO()
    Image.new("L", (8, 8), value).save(file, "PNG")
    return file.getvalue()


def test_a_picture_from_outside_goes_along_and_back(entered, say, digits):
    page, samples = entered(), len(digits.dataset)
    page.shared.show(png(100), "mine.png")
    say(bar(page, "explore"), enter="maximize")
    studio = page["maximize"].shared
    assert (studio.item, studio.concepts.name) == (samples, "mine.png")
    studio.show(png(200), "another.png")
    say(bar(page, "maximize"), enter="explore")
    assert page.shared.name(page.shared.item) == "another.png"
    assert page.shared.count == samples + 2
    assert page.shared.error == studio.error == ""


def test_what_was_wished_for_stays_when_nothing_else_was_looked_at(entered, say):
    page = entered()
    say(bar(page, "explore"), enter="maximize")
    page["maximize"].shared.ask(layer="conv3", number=8)
    say(bar(page, "maximize"), enter="explore")
    page.shared.ask(layer=None, channels=())
    say(bar(page, "explore"), enter="maximize")
    assert page["maximize"].shared.layer == "conv3"
    page.shared.ask(item=3)
    say(bar(page, "explore"), enter="maximize")
    assert (page["maximize"].shared.item, page["maximize"].shared.layer) == (3, None)


def test_a_film_waits_while_another_room_is_open(entered, say):
    page = entered("maximize", wish={"steps": 4})
    page.shared.running = True
    say(bar(page, "maximize"), enter="explore")
    assert not page.shared.running


def test_a_link_opens_the_room_that_it_is_of(entered, say):
    page = entered()
    say(bar(page, "explore"), restore="?room=maximize&layer=conv2&number=5&steps=2&item=4")
    studio = page["maximize"].shared
    assert on_screen(page) == ["maximize"]
    assert (studio.layer, studio.number, studio.steps, studio.item) == ("conv2", 5, 2, 4)


def test_a_state_file_of_one_room_opens_in_the_other(entered, say):
    page, other = entered(), entered("maximize", wish={"layer": "conv2", "number": 5, "steps": 2})
    state = bar(other, "maximize")._state()
    assert json.loads(state)["room"] == "maximize"
    say(bar(page, "explore"), restore=state)
    assert page["maximize"].shared.number == 5
    say(bar(page, "explore"), restore=json.dumps({"room": "cellar"}))
    rooms = "'explore', 'compare', 'maximize', 'spray', 'improve'"
    assert page.shared.error == f"There is no room 'cellar' on this page; its rooms: {rooms}."


def test_a_link_of_another_room_finds_the_upload_of_this_one_or_says_there_that_it_is_missing(entered, say):
    page, other = entered("maximize", wish={"layer": "conv2", "steps": 2}), entered()
    page.shared.show(png(100), "mine.png")
    link = "?room=maximize&" + page.shared.link()
    say(bar(other, "explore"), restore=link)
    studio = other["maximize"].shared
    assert on_screen(other) == ["maximize"]
    assert studio.error == (
        "This state is of the uploaded picture 'mine.png', which is not here: upload 'mine.png' again, and the state "
        "opens; or ask for a state file that holds the picture."
    )
    assert other.shared.error == ""
    studio.enter("explore")
    other.shared.show(png(100), "mine.png")
    say(bar(other, "explore"), restore=link)
    assert (studio.error, studio.layer, studio.concepts.name) == ("", "conv2", "mine.png")


@pytest.fixture
def cache(tmp_path, monkeypatch):
    """The user's cache is empty."""
    monkeypatch.setattr("lrpwidgets.spray.kept.user_cache_path", lambda _: tmp_path / "cache")


def test_a_data_set_is_explained_when_spray_is_first_entered(entered, say, cache):
    page = entered()
    page.shared.ask(item=12, target=None)
    said = page.shared.answer.target
    say(bar(page, "explore"), enter="spray")
    found = page["spray"].shared
    assert isinstance(found, Investigation)
    assert on_screen(page) == ["spray"]
    assert (found.group, found.store.index[found.atlas.rows[found.selection]].tolist()) == (said, [12])
    assert found.store.done.all()
    assert [AWAY in each._dom_classes for each in page.children] == [True, True, False]


def test_an_input_is_looked_at_closely_under_the_rules_of_its_map(entered, say, cache):
    page = entered()
    page.shared.composite = page.shared.preset("epsilon_alpha2_beta1")
    say(bar(page, "explore"), enter="spray")
    found = page["spray"].shared
    found.open(5)
    assert on_screen(page) == ["explore"]
    assert page.shared.item == found.store.index[found.atlas.rows[5]]
    assert page.shared.composite == Composite.from_dict(found.store.info.composite)
    assert page.shared.error == found.error == ""


def test_coming_back_from_a_close_look_changes_nothing_and_the_same_input_opens_again(entered, say, cache):
    page = entered()
    say(bar(page, "explore"), enter="spray")
    found = page["spray"].shared
    found.ask(group=None)
    found.selection = np.array([3, 5, 8])
    found.open(5)
    say(bar(page, "explore"), enter="spray")
    assert (found.group, found.selection.tolist()) == (None, [3, 5, 8])
    page.shared.ask(item=1)
    found.open(5)
    assert page.shared.item == found.store.index[found.atlas.rows[5]]
    page.shared.ask(item=1)
    say(bar(page, "explore"), enter="spray")
    assert found.store.index[found.atlas.rows[found.selection]].tolist() == [1]


def test_a_class_without_maps_is_said(entered, say, cache, monkeypatch):
    page = entered()
    say(bar(page, "explore"), enter="spray")
    found = page["spray"].shared
    monkeypatch.setattr(found, "classes", lambda: [0, 1])
    found.show_place(Place(label=3))
    assert found.error == "The store has no map of “3”: no input has this prediction."


def test_an_attribution_that_is_stopped_goes_on_and_shows_what_was_wanted(digits, cache, say, monkeypatch):
    calls, patience = [], SimpleNamespace(stops=True)
    real = attribution.kept

    def stopping(subject, device, watch):
        def told(progress):
            calls.append(progress.done)
            watch(progress)
            if patience.stops and progress.done:
                raise Cancelled

        return real(subject, device, told)

    monkeypatch.setattr(attribution, "kept", stopping)
    state = Attribution(digits)
    view = AttributionView(state)
    assert state.stopped
    assert 0 < view.state["done"] < view.state["total"] == len(digits.dataset)
    before, patience.stops = calls[-1], False
    state.restore({"group": 4, "sign": "absolute"})
    assert "group=4" in state.link()
    say(view, go=True)
    assert not state.stopped
    assert calls[calls.index(before) + 1] >= before  # what was done is not done again
    found = state.successor
    assert (found.group, found.sign) == (4, "absolute")
    view.close()
    state.close()
    found.close()


def test_python_of_an_attribution_runs(digits, cache, tmp_path, monkeypatch, capsys):
    state = Attribution(digits)
    bar = AttributionBar(state)
    monkeypatch.chdir(tmp_path)
    exec(bar.code(), {})  # what a person pastes
    assert "RankedClass" in capsys.readouterr().out
    bar.close()
    state.successor.close()
    state.close()


def test_without_a_data_set_spray_is_closed(entered_with, say):
    page = entered_with(())
    why = "SpRAy looks at a whole data set, and here is none."
    assert page.shared.rooms[-2] == ("spray", "SpRAy", why)
    say(bar(page, "explore"), enter="spray")
    assert page.shared.error == why


def test_alone_a_view_has_no_rooms(explore, digits, say):
    exploration = explore(digits)
    maps, top = ChannelMaps(exploration), TopBar(exploration)
    assert (maps.wants, top.rooms) == (False, [])
    say(maps, wants=3)
    assert "There is no room 'maximize'" in exploration.error


def test_nothing_is_left_of_a_page_that_is_closed(entered, say, digits):
    before = set(_instances.values())
    page = dashboards.explore(digits)
    say(bar(page, "explore"), enter="maximize")
    states = [page[name].shared for name in ("explore", "maximize")]
    page.close()
    assert not any(each.worker.open for each in states)
    left = {type(each).__name__ for each in set(_instances.values()) - before}
    assert left <= {"Layout", "HTMLStyle", "ButtonStyle"}


@pytest.fixture
def suspicious(cache, monkeypatch):
    """A page of digits of which many a 3 has a tag, opened at their clusters; they are mended in one way, once."""
    monkeypatch.setattr("lrpwidgets.dashboards.rooms.Workshop", partial(Workshop, repairs=("P-ClArC",), seeds=1))
    page = dashboards.spray(subject=subjects.load("tagged-digits", seed=2))
    yield page
    page.close()


def test_what_a_poison_test_convicts_is_mended_next_door(suspicious, say):
    found = suspicious["spray"].shared
    found.ask(group=3)
    found.test_all()
    assert found.verdict.trial.clever_hans
    test = next(view for view in inside(suspicious["spray"]) if isinstance(view, PoisonTest))
    assert test.tested["mend"]
    say(test, mend=True)
    workshop = suspicious["improve"].shared
    assert on_screen(suspicious) == ["improve"]
    assert workshop.concept is found.verdict.concept
    table = next(view for view in inside(suspicious["improve"]) if isinstance(view, RepairTable))
    say(table, choose="P-ClArC")
    say(table, visit="explore")
    assert on_screen(suspicious) == ["explore"]
    explored = suspicious["explore"].shared
    assert explored.subject is workshop.mended("P-ClArC")
    assert explored.subject.title.endswith("· P-ClArC")
    say(bar(suspicious, "explore"), enter="improve")
    assert suspicious["improve"].shared is workshop  # what is mended stays the original
    say(bar(suspicious, "improve"), enter="explore")
    assert suspicious["explore"].shared.subject is workshop.subject
    say(bar(suspicious, "explore"), enter="spray")
    assert suspicious["spray"].shared is found
    say(bar(suspicious, "spray"), enter="improve")
    assert workshop.outcomes  # coming back with the same verdict changes nothing
