"""How a film went: the objective at every step, and how likely the picture was."""

from __future__ import annotations

import time
from html import escape
from typing import Any

import bqplot
import ipywidgets
import numpy as np

from ..base.charts import Chart, figure, told
from .question import words_of
from .studio import Studio

OFTEN = 0.25
"""Seconds between two drawings while frames are made: a page has more to do than lines."""

_TITLE = '<h2>{title}</h2><span class="lrp-quiet">{said}</span><span class="lrp-now">{now}</span>'


class Curves(Chart, ipywidgets.Box):  # type: ignore[misc]  # ipywidgets has no types
    """The objective, and beside it the log-density between the lines within which nine of ten real inputs are."""

    shared: Studio

    def __init__(self, state: Studio) -> None:
        self._objective, self._density = _Curve(), _Curve()
        self._drawn = 0.0
        boxes = [ipywidgets.VBox([each.title, each.figure]) for each in (self._objective, self._density)]
        for each in boxes:
            each.add_class("lrp-curve")
        super().__init__(state, boxes, "lrp-curves")
        self.show_with("moment", "running", "densities", "looked")

    def _show(self) -> None:
        studio, moment, run = self.shared, self.shared.moment, self.shared.answer
        now = time.perf_counter()
        if moment is None or run is None or (studio.running and now - self._drawn < OFTEN):
            return
        self._drawn = now
        views = run.prior.views.count
        what = f"mean of {views} views" if views > 1 else "as it is seen"
        seen = studio.seen or moment
        self._objective.show(moment.steps, moment.curve, run.steps, seen.step)
        self._objective.say("objective", f"{words_of(run.objective)}, {what}", told(moment.objective))
        judged, known = studio.judged, studio.densities
        if judged is None or not known:
            self._density.say("log-density", "no real inputs to learn it from", "")
            self._density.show(np.zeros(0), np.zeros(0), run.steps, seen.step)
            return
        steps, values = np.array(known).T
        real = judged.honesty.log_densities.numpy()
        band = tuple(float(each) for each in np.quantile(real, (0.05, 0.95))) if len(real) else None
        held = any(each.name in ("Unlikely", "CodeLength") for each in run.prior.penalties)
        self._density.show(steps, values, run.steps, seen.step, band)
        self._density.say(
            "log-density",
            f"{'the prior holds it' if held else 'watched only'}; dashed: 90 % of real inputs",
            told(values[-1]),
        )


class _Curve:
    def __init__(self) -> None:
        self.title = ipywidgets.HTML()
        self._x, self._y = bqplot.LinearScale(min=0, max=1), bqplot.LinearScale()
        scales = {"x": self._x, "y": self._y}
        self._line = bqplot.Lines(scales=scales, colors=["var(--ink)"], stroke_width=1.5)
        self._end = bqplot.Scatter(scales=scales, colors=["var(--ink)"], default_size=44, stroke_width=0)
        self._band = bqplot.Lines(scales=scales, colors=["var(--quiet)"], stroke_width=1, line_style="dashed")
        # Never empty: bqplot's script reads the first of its lines.
        self._line.x, self._line.y, self._line.visible = [0, 1], [0, 0], False
        self._band.x, self._band.y, self._band.visible = [0, 1], [[0, 0], [0, 0]], False
        self._across = bqplot.Axis(scale=self._x, grid_lines="none")
        self._up = bqplot.Axis(scale=self._y, side="left", grid_lines="none")
        self.figure = figure([self._band, self._line, self._end], [self._across, self._up], 104, bottom=22, left=44)
        self.figure.fig_margin = {**self.figure.fig_margin, "right": 14}

    def say(self, title: str, said: str, now: str) -> None:
        """What is above the curve."""
        self.title.value = _TITLE.format(title=title, said=escape(said), now=escape(now))

    def show(self, x: Any, y: Any, most: int, at: int, band: tuple[float, ...] | None = None) -> None:
        """Draw a curve until `most`, with a dot at the step that is looked at."""
        fine = np.isfinite(y)
        x, y = x[fine], y[fine]
        if not len(x):
            return
        low, high = min([float(y.min()), *(band or ())]), max([float(y.max()), *(band or ())])
        high = high if high > low else low + 1.0
        with self._y.hold_sync():
            self._y.min, self._y.max = low - 0.04 * (high - low), high + 0.04 * (high - low)
        self._x.max = max(1, most)
        with self._line.hold_sync():
            self._line.x, self._line.y, self._line.visible = x, y, True
        place = int(np.abs(x - at).argmin())
        with self._end.hold_sync():
            self._end.x, self._end.y = [x[place]], [y[place]]
        with self._band.hold_sync():
            self._band.visible = band is not None
            self._band.x = [0, max(1, most)]
            self._band.y = [[each, each] for each in band or (low, low)]
        self._tick(self._up, [low, high])
        self._tick(self._across, sorted({0, most // 4, most // 2, 3 * most // 4, most}))

    @staticmethod
    def _tick(axis: bqplot.Axis, amounts: list[Any]) -> None:
        with axis.hold_sync():
            axis.tick_values = list(amounts)
            axis.tick_labels = {
                repr(amount).removesuffix(".0"): f"{amount:,}" if isinstance(amount, int) else told(amount)
                for amount in amounts
            }
