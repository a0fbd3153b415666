"""Rooms of one page: what one looks at travels, and what one did not leave stays."""

from __future__ import annotations

import io
import json

import pytest
from ipywidgets.widgets.widget import _instances
from PIL import Image

from lrpwidgets import dashboards
from lrpwidgets.dashboards.panes import AWAY
from lrpwidgets.widgets import ChannelMaps, TopBar


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


def bar(page, room):
    return page[room].children[0]


def on_screen(page):
    return [name for name in ("explore", "maximize") if name in page._pages and AWAY not in page[name]._dom_classes]


def test_a_room_is_made_when_it_is_first_entered(entered, say):
    page = entered()
    assert page.shared.rooms == (("explore", "Explore"), ("maximize", "Maximize"))
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
    assert page.shared.error == "There is no room 'cellar' on this page; its rooms: 'explore', 'maximize'."


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
