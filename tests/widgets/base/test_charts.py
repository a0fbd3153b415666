"""Charts as a page hears of them."""

from __future__ import annotations

import bqplot
import numpy as np

from lrpwidgets.widgets.base.charts import Lines


def test_lines_never_come_with_a_y_alone(monkeypatch):
    """A page that missed the x of an earlier message would have other places than values."""
    sent = []
    scales = {"x": bqplot.LinearScale(), "y": bqplot.LinearScale()}
    line = Lines(x=[0, 1], y=[0, 0], scales=scales)
    monkeypatch.setattr(line, "_send", lambda message, buffers=None: sent.append(set(message["state"])))
    places = np.arange(5.0)
    for values in (places, places**2):
        with line.hold_sync():
            line.x, line.y = places, values
    line.visible = False
    line.send_state()
    assert sent[0] == sent[1] == {"x", "y"}
    assert sent[2] == {"visible"}
    assert {"x", "y", "visible"} <= sent[3]
    line.close()
