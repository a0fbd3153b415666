"""What is left of the class while parts are taken away, the most relevant first and the least relevant first."""

from __future__ import annotations

from html import escape
from typing import Any

import bqplot
import ipywidgets
import numpy as np

from ..base import charts
from ..base.charts import Chart, figure
from .referee import Referee
from .rows import title

_TITLES = {"most": ("most relevant first", "lower is better"), "least": ("least relevant first", "higher is better")}
_COLOURS = ("var(--ink)", "var(--second)")
_OTHER = "var(--others)"
_ENDS = (-1.0, 1.0)
"""Of a difference of probabilities."""


class FlipCurves(Chart, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Mean probability over inputs, a line for each method; those that stand out have a band, a bootstrap interval."""

    shared: Referee

    def __init__(self, referee: Referee) -> None:
        self._head = ipywidgets.HTML()
        words = referee.drawing.words
        self._charts = {order: _Curves(*_TITLES[order], words["share"]) for order in _TITLES}
        boxes = [ipywidgets.VBox([each.title, each.figure]) for each in self._charts.values()]
        for each in boxes:
            each.add_class("lrp-curve")
        both = ipywidgets.Box(boxes)
        both.add_class("lrp-curves")
        super().__init__(referee, [self._head, both], "lrp-flipcurves")
        self.show_with("answer", "fill", "marked", "cut", "looked", "than")

    def _show(self) -> None:
        referee, found = self.shared, self.shared.answer
        names = [title(name) for name in referee.marked]
        output = "probability" if referee.looked is None else referee.looked.output
        contrasted = referee.than is not None and output == "probability"
        output = output if referee.than is None else f"{output} less that of the other class"
        others = "⋯ random · ‐ ‐ Sobel edges" if "edges" in referee.kind.baselines else "⋯ random"
        key = "".join(
            f'<span class="lrp-key"><i style="background: {colour}"></i>{escape(name)}</span>'
            for name, colour in zip(names, _COLOURS, strict=False)
        )
        self._head.value = (
            f"<h2>{referee.drawing.words['flip']}, watch the score</h2>"
            f'<span class="lrp-quiet">mean {output}, with its 95 % interval</span>'
            f'{key}<span class="lrp-quiet">{others}</span>'
        )
        if found is None:
            return
        for order, chart in self._charts.items():
            curves = {name: getattr(gain, order) for (fill, name), gain in found.gains.items() if fill == referee.fill}
            chart.show(curves, referee.marked, referee.cut, ends=_ENDS if contrasted else None)


class _Curves:
    """The lines of one order; bqplot's are made once, so that drawing them again is a message each."""

    def __init__(self, name: str, better: str, share: str) -> None:
        self.title = ipywidgets.HTML(f'<h2>{name}</h2><span class="lrp-quiet">{better} · {share}</span>')
        self._x, self._y = bqplot.LinearScale(min=0, max=100), bqplot.LinearScale(min=0, max=1)
        scales = {"x": self._x, "y": self._y}
        # Never empty: bqplot's script reads the first of its lines.
        nothing: dict[str, Any] = {"scales": scales, "x": [0, 1], "visible": False}
        self._others = charts.Lines(y=[[0, 0], [0, 0]], colors=[_OTHER], stroke_width=1, **nothing)
        self._random = charts.Lines(y=[0, 0], colors=["var(--quiet)"], stroke_width=1.2, line_style="dotted", **nothing)
        self._edges = charts.Lines(y=[0, 0], colors=["var(--quiet)"], stroke_width=1.2, line_style="dashed", **nothing)
        self._marked = [charts.Lines(y=[0, 0], colors=[colour], stroke_width=2, **nothing) for colour in _COLOURS]
        self._bands = [
            charts.Lines(
                y=[[0, 0], [0, 0]], colors=[colour], opacities=[0.0, 0.0], fill="between", fill_colors=[colour],
                fill_opacities=[0.13], stroke_width=0, **nothing,
            )
            for colour in _COLOURS
        ]  # fmt: skip
        self._at = charts.Lines(y=[0, 1], colors=["var(--ink)"], stroke_width=1, **nothing)
        self.across = bqplot.Axis(scale=self._x, grid_lines="none", tick_values=[0, 25, 50, 75, 100])
        self.up = charts.axis(self._y, vertical=True)
        charts.label(self.up, [0, 0.5, 1])
        lines = [*self._bands, self._others, self._random, self._edges, *self._marked, self._at]
        self.figure = figure(lines, [self.across, self.up], 178, bottom=24, left=30)
        self.figure.fig_margin = {**self.figure.fig_margin, "right": 14}

    def show(
        self, curves: dict[str, Any], marked: tuple[str, ...], cut: int, ends: tuple[float, float] | None = None
    ) -> None:
        """Draw the curves of a fill; `ends` are those of the scale, where they are known."""
        means = {name: each.scores.mean(0).numpy() for name, each in curves.items()}
        x = 100 * next(iter(curves.values())).taken.numpy()
        highest = max(1e-3, *(float(each.max()) for each in means.values()))
        lowest = min(0.0, *(float(each.min()) for each in means.values()))
        with self._y.hold_sync():
            self._y.min, self._y.max = ends or (1.1 * lowest, 1.0 if 0.4 < highest <= 1 else 1.1 * highest)
        middle = self._y.min if ends else float(f"{self._y.max / 2:.2g}")
        charts.label(self.up, [0, middle, float(f"{self._y.max:.2g}")])
        others = [each for name, each in means.items() if name not in marked and name not in ("random", "edges")]
        _draw(self._others, x, np.stack(others) if others else None)
        _draw(self._random, x, means.get("random"))
        _draw(self._edges, x, means.get("edges"))
        for place, (line, band) in enumerate(zip(self._marked, self._bands, strict=True)):
            name = marked[place] if place < len(marked) else None
            _draw(line, x, means.get(name) if name else None)
            _draw(band, x, _band(curves[name]) if name in curves else None)
        at = float(x[min(cut, len(x) - 1)])
        with self._at.hold_sync():
            self._at.x, self._at.y, self._at.visible = [at, at], [self._y.min, self._y.max], True


def _band(curves: Any) -> Any:
    if len(curves.scores) < 2:
        return None
    found = curves.band()
    return np.array([[each.low for each in found], [each.high for each in found]])


def _draw(line: charts.Lines, x: Any, y: Any) -> None:
    with line.hold_sync():
        line.visible = y is not None
        if y is not None:
            line.x, line.y = x, y
