"""Pictures that stay of a view: in an output of their own, before the view's."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from lrpwidgets.widgets import HeatmapView
from lrpwidgets.widgets.base import still


@pytest.fixture
def outputs(monkeypatch):
    """What is displayed, and what it becomes: in a notebook whose clock does not wait."""
    shown = []
    publish = SimpleNamespace(
        display=lambda data, raw: shown.append(data),
        update=lambda data, raw: shown.append({"updated": data["text/html"]}),
    )
    monkeypatch.delenv("LRPWIDGETS_OPTIONS", raising=False)
    monkeypatch.setattr(still, "get_ipython", lambda: SimpleNamespace(kernel=object()))
    monkeypatch.setattr(still, "DisplayHandle", lambda: publish)
    monkeypatch.setattr(still, "display", lambda data, metadata, raw: shown.append(data))
    return shown


@pytest.fixture
def clock(monkeypatch, exploration):
    waiting = []
    monkeypatch.setattr(exploration.worker, "later", lambda seconds, call: waiting.append(call))
    return waiting


def test_the_view_comes_after_an_output_that_is_filled_when_nothing_changes_any_more(outputs, clock, exploration):
    view = HeatmapView(exploration)
    view._ipython_display_()
    assert [sorted(each) for each in outputs] == [
        ["text/html"],
        ["application/vnd.jupyter.widget-view+json", "text/plain"],
    ]
    assert "<img" not in outputs[0]["text/html"]
    exploration.item = 5
    for call in clock:
        call()
    (filled,) = outputs[2:]  # of two changes one picture
    assert filled["updated"].count("<img") == 2
    assert exploration.answer.shown.name in filled["updated"]
    assert "Why “" in filled["updated"]
    view.close()
    exploration.item = 6
    for call in clock:
        call()
    assert len(outputs) == 3


def test_on_a_page_of_a_server_there_is_the_view_alone(outputs, exploration, monkeypatch):
    monkeypatch.setenv("LRPWIDGETS_OPTIONS", "{}")
    view = HeatmapView(exploration)
    view._ipython_display_()
    assert len(outputs) == 1
    view.close()
