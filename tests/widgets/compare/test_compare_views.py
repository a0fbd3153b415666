"""Promises that every view of a comparison keeps, and what each shows."""

from __future__ import annotations

import base64
import io

import numpy as np
import pytest
from PIL import Image

from lrpwidgets.widgets.compare import CompareBar, CompareStatus, FlipCurves, FlipView, MethodTable, Ranking
from tests.widgets import promises

VIEWS = [CompareBar, CompareStatus, FlipView, MethodTable, Ranking]


@pytest.mark.parametrize("view", [*VIEWS, FlipCurves])
def test_a_closed_view_leaves_no_observer_and_no_widget(referee, view):
    promises.leaves_nothing(referee, view)
    referee.cut = 3  # nobody is there to fail
    assert referee.error == ""


@pytest.mark.parametrize("view", VIEWS)
def test_a_closed_view_can_be_forgotten(referee, view):
    promises.can_be_forgotten(referee, view)


@pytest.mark.parametrize("view", VIEWS)
def test_a_page_that_missed_something_is_sent_everything(referee, say, view):
    promises.is_sent_what_a_page_missed(referee, view, say)


@pytest.mark.parametrize("view", VIEWS)
def test_views_carry_their_scripts_and_no_address_of_another_machine(view):
    promises.carries_its_script(view)


SENSELESS = [
    {}, {"unknown": 1}, {"target": "x"}, {"target": 12}, {"samples": 0}, {"column": "x"}, {"add": "nothing"},
    {"add": 3}, {"remove": "nothing"}, {"remove": "edges"}, {"mark": 5}, {"large": 7}, {"large": ["nothing", 1]},
    {"turn": []}, {"turn": ["sensitivity", "depth", 1]}, {"cut": "x"}, {"fill": "black"}, {"want": "x"},
    {"restore": "x"},
]  # fmt: skip


@pytest.mark.parametrize("view", VIEWS)
def test_a_message_that_makes_no_sense_changes_nothing(referee, say, view):
    made, before = view(referee), referee.question
    for message in SENSELESS:
        say(made, **message)
        assert referee.question == before, message


def test_maps_are_shares_of_their_own_sum_on_one_scale(referee):
    view = MethodTable(referee)
    there = [row for row in view.rows if row["at"] is not None]
    shape = (len(there), 3, *view.size)
    found = np.frombuffer(view.maps, np.float16).reshape(shape).astype(float) * view.scale
    for row in there:
        maps = referee.rows[row["name"]].maps
        shares = maps / np.abs(maps).sum((1, 2), keepdims=True)
        np.testing.assert_allclose(found[row["at"]], shares, atol=2e-3 * view.scale)
    assert [column["item"] for column in view.columns] == [8, 9, 10]


def test_a_map_is_enlarged_with_the_settings_of_its_method(compared, digits, say):
    referee = compared(digits, methods=("integrated_gradients",))
    view = MethodTable(referee)
    say(view, large=["integrated_gradients", 1])
    assert view.large["place"] == 1
    assert {each["name"] for each in view.large["knobs"]} == {"steps", "baseline", "quadrature"}
    say(view, turn=["integrated_gradients", "steps", 20])
    assert next(each["value"] for each in view.large["knobs"] if each["name"] == "steps") == 20
    say(view, large=None)
    assert view.large == {}


def test_methods_that_can_be_added_say_what_they_cost_or_why_they_cannot(referee):
    view = MethodTable(referee)
    choice = {name: (why, cost) for name, _, why, cost in view.choice}
    assert choice["attention_rollout"][0]
    assert "1,001 passes" in choice["lime"][1]
    assert not set(choice) & set(referee.methods)


def test_the_table_is_sorted_again_when_the_fill_changes(referee, say):
    view, flips = Ranking(referee), FlipView(referee)
    for fill in ("zero", "uniform"):
        say(flips, fill=fill)
        assert [row["name"] for row in view.rows] == referee.answer.order(fill)
        assert [row["ranks"][view.state["fills"].index(fill)] for row in view.rows] == [1, 2, 3, 4]


def test_what_stands_out_is_drawn_with_a_band(referee, say):
    ranking, curves = Ranking(referee), FlipCurves(referee)
    say(ranking, mark="random")
    say(ranking, mark="edges")
    assert referee.marked == ("random", "edges")
    chart = curves._charts["most"]
    expected = 100 * np.arange(9) / 8
    np.testing.assert_allclose(chart._marked[0].x, expected, atol=7)
    assert chart._bands[0].visible
    say(ranking, mark="edges")
    assert not chart._marked[1].visible


def test_tables_and_maps_are_saved(referee, say):
    bar, sent = CompareBar(referee), []
    bar.send = lambda message, buffers=None: sent.append(message)
    for want in ("csv", "latex", "png", "code", "link", "state"):
        say(bar, want=want)
    assert referee.error == ""
    assert [each["as"] for each in sent] == ["file", "file", "picture", "code", "link", "state"]
    assert Image.open(io.BytesIO(base64.b64decode(sent[2]["text"]))).width == 200 + 3 * 118


def test_the_status_tells_what_was_done(referee):
    parts = CompareStatus(referee).state["parts"]
    assert parts[0][1] == "20 of 20"
    assert parts[1][1] == f"{4 * 20 * 4 * (1 + 2 * 8):,}"
