"""The line before a dashboard: in the order in which they came, as many as there is room for."""

from __future__ import annotations

import pytest

from lrpwidgets.dashboards.line import ALONE, UNSEEN, UNVISITED, Line, Watch, page, room


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_whoever_comes_alone_enters_at_once(clock):
    assert Line(1, clock).ask(None, 0)[1] == 0


def test_one_enters_after_the_other_in_the_order_in_which_they_came(clock):
    line, inside = Line(20, clock), 0
    tickets = [line.ask(None, 0) for _ in range(20)]
    assert [place for _, place in tickets] == list(range(20))
    waiting, order = [ticket for ticket, place in tickets if place], []
    while waiting:
        line.entered()
        inside += 1
        clock.now += 1
        for ticket in reversed(waiting):  # however they ask
            if line.ask(ticket, inside)[1] == 0:
                order.append(ticket)
        waiting = [ticket for ticket in waiting if ticket not in order]
    assert order == [ticket for ticket, place in tickets if place]


def test_nobody_enters_where_there_is_no_room(clock):
    line = Line(2, clock)
    ticket, place = line.ask(None, 2)
    assert place == 1
    assert line.ask(ticket, 2) == (ticket, 1)
    assert line.ask(None, 2)[1] == 2
    assert line.ask(ticket, 1) == (ticket, 0)


def test_nobody_overtakes(clock):
    line = Line(1, clock)
    first, _ = line.ask(None, 1)
    assert line.ask(None, 0)[1] == 2
    assert line.ask("made up", 0)[1] == 3
    assert line.ask(first, 0)[1] == 0


def test_whoever_went_away_keeps_nobody_waiting(clock):
    line = Line(1, clock)
    line.ask(None, 1)
    clock.now = UNSEEN / 2
    second, _ = line.ask(None, 1)
    clock.now = UNSEEN + 0.1
    assert line.ask(second, 0)[1] == 0


def test_a_kernel_that_nobody_looks_at_ends_within_seconds(clock):
    watch = Watch(clock)
    assert watch.left({"a": 1, "b": 0, "ready": 0}, ["ready"]) == []
    clock.now = 1
    assert watch.left({"a": 0, "b": 0, "ready": 0}, ["ready"]) == []
    clock.now = 1 + ALONE
    assert watch.left({"a": 0, "b": 0, "ready": 0}, ["ready"]) == ["a"]
    clock.now = UNVISITED
    assert watch.left({"b": 0, "ready": 0}, ["ready"]) == ["b"]


def test_a_page_that_comes_back_keeps_its_kernel(clock):
    watch = Watch(clock)
    for clock.now, pages in ((0, 1), (1, 0), (ALONE, 1), (2 * ALONE, 0)):
        assert watch.left({"a": pages}, []) == []


@pytest.mark.parametrize(("gibibytes", "visitors"), [(0, 1), (1, 1), (8, 10), (24, 32)])
def test_there_is_room_for_as_many_as_memory_holds(gibibytes, visitors):
    assert room(gibibytes * 2**30) == visitors


def test_a_page_says_the_place():
    assert "You are number 1 in line" in page(1, 1)
    assert "room for one visitor at a time" in page(1, 1)
    assert "You are number 3 in line" in page(3, 4)
    assert "You are number 12 in line" in page(12, 4)
