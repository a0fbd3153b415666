"""The smallest eigenvalues of the graph as bars, with the line that cuts it into clusters."""

from __future__ import annotations

from html import escape
from typing import Any

import bqplot
import ipywidgets

from ..base.charts import Chart, figure
from .state import Investigation

MOST = 16
"""Bars."""

_TITLE = '<h2>Eigenvalues</h2><span class="lrp-quiet">{said}</span>'


class EigenvalueChart(Chart, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Bars up to the line count as clusters; a drag of the line, or a click on a bar, cuts elsewhere."""

    shared: Investigation

    def __init__(self, state: Investigation) -> None:
        places, amounts = bqplot.LinearScale(min=0.4, max=MOST + 0.6), bqplot.LinearScale(min=0)
        scales = {"x": places, "y": amounts}
        self._bars = bqplot.Bars(scales=scales, stroke_width=0, padding=0.25, colors=["var(--ink)"])
        self._bars.on_element_click(self._clicked)
        self._line = bqplot.Lines(scales=scales, colors=["var(--amber)"], stroke_width=2)
        self._handle = bqplot.Scatter(
            scales=scales, enable_move=True, restrict_x=True, update_on_move=False,
            colors=["var(--amber)"], default_size=90, marker="circle", stroke="var(--pane)",
        )  # fmt: skip
        self._handle.on_drag(self._dragged)
        self._handle.on_drag_end(self._dropped)
        self.figure = figure([self._bars, self._line, self._handle], [], height=92, bottom=4, left=4)
        self._title = ipywidgets.HTML()
        super().__init__(state, [self._title, self.figure], "lrp-eigenvalues")
        self.show_with("answer")

    def _show(self) -> None:
        atlas = self.shared.answer
        if atlas is None:
            return
        values = atlas.eigenvalues[:MOST].tolist()
        top = max(*values, 1e-6) if values else 1.0
        cut = atlas.count
        with self._bars.hold_sync():
            self._bars.x = list(range(1, len(values) + 1))
            self._bars.y = [max(value, 0.015 * top) for value in values]  # a zero is seen, too
            self._bars.colors = ["var(--ink)" if place < cut else "var(--track)" for place in range(len(values))]
        self._cut(cut + 0.5, top)
        gap = "" if cut == atlas.eigengap else f", the eigengap says {atlas.eigengap}"
        way = "drag the line" if self.shared.method != "hdbscan" else "HDBSCAN counts by itself"
        self._say(f"{way}: {_clusters(cut)}{gap}")

    def _cut(self, place: float, top: float) -> None:
        self._line.x, self._line.y = [place, place], [0, top]
        self._handle.x, self._handle.y = [place], [top]

    def _say(self, said: str) -> None:
        self._title.value = _TITLE.format(said=escape(said))

    def _dragged(self, _: Any, event: dict[str, Any]) -> None:
        self.shared.worker.at_home(lambda: self._drag(event))

    def _drag(self, event: dict[str, Any]) -> None:
        place = float(event["point"]["x"])
        self._line.x = [place, place]
        self._say(f"let go: {_clusters(_number(place))}")

    def _dropped(self, _: Any, event: dict[str, Any]) -> None:
        self.shared.worker.at_home(lambda: self._choose(_number(float(event["point"]["x"]))))

    def _clicked(self, _: Any, event: dict[str, Any]) -> None:
        self.shared.worker.at_home(lambda: self._choose(event["data"]["index"] + 1))

    def _choose(self, count: int) -> None:
        state = self.shared
        if state.answer is None:
            return
        count = min(count, len(state.answer))
        if count == state.answer.count or state.method == "hdbscan":
            self._show()  # the line snaps back
        else:
            state.count = None if count == state.answer.eigengap else count


def _number(place: float) -> int:
    """The number of clusters left of a place."""
    return min(MOST, max(1, round(place - 0.5)))


def _clusters(count: int) -> str:
    return f"{count} cluster" if count == 1 else f"{count} clusters"
