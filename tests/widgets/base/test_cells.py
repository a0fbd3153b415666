"""What a cell made ends when it is run again, and nothing else does; see also tests/dashboards/test_run_again.py."""

from __future__ import annotations

import gc
import weakref

import pytest

from lrpwidgets.dashboards import explore
from lrpwidgets.widgets import ChannelMaps, Exploration, HeatmapView, RuleBoard
from lrpwidgets.widgets.base.cells import until_run_again


class Thing:
    """Something that can be closed, and says so."""

    def __init__(self, name, closed):
        self.name, self.closed = name, closed
        until_run_again(self.close)

    def close(self):
        self.closed.append(self.name)


@pytest.fixture
def closed():
    return []


def test_what_the_earlier_run_made_is_closed_the_last_first(run_cell, closed):
    run_cell("a")
    things = [Thing(name, closed) for name in ("one", "two")]
    assert closed == []
    run_cell("a")
    things.append(Thing("three", closed))
    assert closed == ["two", "one"]
    run_cell("a")
    things.append(Thing("four", closed))
    assert closed == ["two", "one", "three"]


def test_other_cells_are_left_alone_also_those_with_the_same_text(run_cell, closed):
    run_cell("a", "explore()")
    one = Thing("one", closed)
    run_cell("b", "explore()")
    two = Thing("two", closed)
    assert closed == []
    assert (one.name, two.name) == ("one", "two")


def test_a_cell_without_a_name_is_known_by_its_text(run_cell, closed):
    things = []
    for code in ("explore(a)", "explore(b)", "explore(a)"):
        run_cell(None, code)
        things.append(Thing(code, closed))
    assert closed == ["explore(a)"]


@pytest.mark.parametrize(
    "run",
    [{"cell": None, "code": "explore()", "history": False}, {"cell": "a", "kind": "comm_msg"}],
    ids=["Voila runs every cell once", "a person moves a slider"],
)
def test_where_no_cell_can_be_run_again_nothing_is_closed(run_cell, closed, run):
    things = []
    for number in range(2):
        run_cell(**run)
        things.append(Thing(number, closed))
    assert closed == []


def test_outside_of_a_kernel_nothing_is_closed(closed):
    things = [Thing(number, closed) for number in range(2)]
    assert closed == []
    assert len(things) == 2


def test_nothing_is_kept_alive_to_be_closed(run_cell, closed):
    run_cell("a")
    thing = Thing("one", closed)
    ghost = weakref.ref(thing)
    del thing
    assert ghost() is None
    run_cell("a")
    assert Thing("two", closed)
    assert closed == []


def test_an_exploration_and_a_dashboard_end_with_their_cell(run_cell, digits):
    run_cell("a")
    page, exploration = explore(digits), Exploration(digits)
    run_cell("b")
    other = Exploration(digits)
    run_cell("a")
    again = explore(digits)
    assert [each.worker.open for each in (page.shared, exploration, other, again.shared)] == [
        *(False, False),
        *(True, True),
    ]
    assert page.comm is None
    other.close()
    again.close()


def test_a_closed_exploration_holds_no_explanation_though_somebody_holds_its_views(explore, digits):
    exploration = explore(digits)
    views = [view(exploration) for view in (HeatmapView, RuleBoard, ChannelMaps)]
    exploration.pin()
    exploration.target = 9
    ghosts = [weakref.ref(each) for each in (exploration.answer.whole, exploration.pinned[0].whole)]
    assert all(ghost() for ghost in ghosts)
    exploration.close()
    gc.collect()
    assert [ghost() for ghost in ghosts] == [None, None]
    assert all(view.problem == exploration.error for view in views)
    assert exploration.error == "This exploration is closed; run the cell of this view again."


def test_a_closed_exploration_computes_no_more(explore, moody):
    exploration = explore(moody)
    forwards = moody.model.forwards
    exploration.close()
    exploration.ask(item=1)
    exploration.target = 2
    assert (exploration.answer, moody.model.forwards) == (None, forwards)


def test_a_dashboard_may_be_closed_twice(digits):
    page = explore(digits)
    page.close()
    page.close()
    assert not page.shared.worker.open
