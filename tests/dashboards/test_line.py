"""The line before a dashboard: in the order in which they came, as many as there is room for."""

from __future__ import annotations

import pytest

from lrpwidgets.dashboards.line import ALONE, EACH, UNSEEN, UNVISITED, Line, Watch, page


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock():
    return Clock()


def test_whoever_comes_alone_enters_at_once(clock):
    assert Line(None, clock=clock).ask(None, False)[1] == 0


def test_one_enters_after_the_other_in_the_order_in_which_they_came(clock):
    line, inside = Line(None, clock=clock), 0
    tickets = [line.ask(None, False) for _ in range(20)]
    assert [place for _, place in tickets] == list(range(20))
    waiting, order = [ticket for ticket, place in tickets if place], []
    while waiting:
        line.entered()
        inside += 1
        clock.now += 1
        for ticket in reversed(waiting):  # however they ask
            if line.ask(ticket, inside == 20)[1] == 0:
                order.append(ticket)
        waiting = [ticket for ticket in waiting if ticket not in order]
    assert order == [ticket for ticket, place in tickets if place]


def test_nobody_enters_where_there_is_no_room(clock):
    line = Line(None, clock=clock)
    ticket, place = line.ask(None, True)
    assert place == 1
    assert line.ask(ticket, True) == (ticket, 1)
    assert line.ask(None, True)[1] == 2
    assert line.ask(ticket, False) == (ticket, 0)


def test_nobody_overtakes(clock):
    line = Line(None, clock=clock)
    first, _ = line.ask(None, True)
    assert line.ask(None, False)[1] == 2
    assert line.ask("made up", False)[1] == 3
    assert line.ask(first, False)[1] == 0


def test_whoever_went_away_keeps_nobody_waiting(clock):
    line = Line(None, clock=clock)
    line.ask(None, True)
    clock.now = UNSEEN / 2
    second, _ = line.ask(None, True)
    clock.now = UNSEEN + 0.1
    assert line.ask(second, False)[1] == 0


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


@pytest.mark.parametrize(
    ("most", "free", "inside", "starting", "room"),
    [
        (None, 10, 0, 0, 10),
        (None, 10, 4, 0, 14),
        (None, 10, 4, 1, 13),
        (None, 0.99, 4, 0, 4),
        (None, 1, 4, 1, 4),
        (None, 0, 4, 1, 4),
        (None, 0, 0, 1, 1),  # one may always try
        (3, 10, 1, 0, 3),
        (3, 1, 1, 0, 2),
        (3, 0, 1, 1, 1),
    ],
)
def test_there_is_room_for_as_many_as_memory_holds_and_no_more_than_wanted(most, free, inside, starting, room):
    assert Line(most, lambda: int(free * EACH)).room(inside, starting) == room


def test_memory_is_asked_for_at_each_visitor():
    left = [2 * EACH, EACH - 1]
    line = Line(None, lambda: left.pop(0))
    assert [line.room(1, 0), line.room(2, 0)] == [3, 2]


def test_a_page_says_the_place():
    assert "You are number 1 in line" in page(1, 1)
    assert "room for one visitor now" in page(1, 1)
    assert "You are number 3 in line" in page(3, 4)
    assert "You are number 12 in line" in page(12, 4)


def test_where_a_kernel_may_take_more_there_is_room_for_fewer():
    assert Line(None, free=lambda: 5 * EACH, each=2 * EACH).room(1, 0) == 3
