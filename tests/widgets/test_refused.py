"""A widget whose constructor raises is thrown away without a word, wherever it raised."""

from __future__ import annotations

import gc
import sys
from collections.abc import Iterator

import ipywidgets
import pytest

from lrpwidgets.dashboards import rooms  # and with it every view
from lrpwidgets.widgets.explore.compare import Compare


def ours(kind: type = ipywidgets.Widget) -> Iterator[type]:
    """All our kinds of widget."""
    for each in kind.__subclasses__():
        yield from ours(each)
        if each.__module__.startswith("lrpwidgets."):
            yield each


@pytest.fixture
def unheard(monkeypatch):
    """What went wrong where nobody could be told, as in ``__del__``."""
    found = []
    monkeypatch.setattr(sys, "unraisablehook", lambda each: found.append(str(each.exc_value)))
    return found


def test_a_widget_that_was_never_made_has_nothing_to_close(unheard):
    kinds = {*ours()}
    assert {rooms.Rooms, Compare} <= kinds
    for kind in kinds:
        kind.__new__(kind)
    gc.collect()  # once: where much was made before, it takes seconds
    assert unheard == []


def test_a_comparison_that_is_refused_says_why_and_nothing_more(exploration, unheard):
    with pytest.raises(ValueError, match="room for 1 to 5 variations"):
        Compare(exploration)
    gc.collect()
    assert unheard == []
