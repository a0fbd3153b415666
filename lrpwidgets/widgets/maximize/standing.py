"""Where a made-up picture stands among real inputs: how much it excites, and how likely it is."""

from __future__ import annotations

import math
from collections.abc import Callable
from html import escape

import bqplot
import ipywidgets
import numpy as np
from numpy.typing import NDArray

from ..base.charts import Chart, figure, told
from .question import words_of
from .studio import Studio

BARS = 30
_FAR = 1.5
"""Spans of the real inputs beyond which an axis is bent, so that these keep their shape."""

_TITLE = '<h2>{title}</h2><span class="lrp-quiet">{said}</span>'


class Standing(Chart, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """*Is it a natural input?* A histogram of what real inputs excite and a dot for each one's log-density, with a line
    for the picture in both.
    """

    shared: Studio

    def __init__(self, state: Studio) -> None:
        self._activation = _Row(bars=True)
        self._density = _Row(bars=False)
        self._title, self._second = ipywidgets.HTML(), ipywidgets.HTML()
        rows = [self._title, self._activation.figure, self._second, self._density.figure]
        super().__init__(state, rows, "lrp-standing")
        self.show_with("judged", "glance")

    def _show(self) -> None:
        judged, glance, run = self.shared.judged, self.shared.glance, self.shared.answer
        if judged is None or run is None:
            return
        honesty = judged.honesty
        newer = glance if glance is not None and glance.step > judged.step else None
        activation = newer.activation if newer else honesty.activation
        density = newer.log_density if newer else honesty.log_density
        real = honesty.activations.numpy()
        count = len(real)
        what = words_of(run.objective.alone)
        against = f"{what}, against {count:,} real inputs" if count else "no real inputs to hold it against"
        self._title.value = _TITLE.format(title="Is it a natural input?", said=escape(against))
        self._activation.show(real, activation)
        known = honesty.log_densities.numpy()
        said = f"per pixel and channel; a dot is a real input, {len(known):,} held out"
        self._second.value = _TITLE.format(
            title="log-density", said=escape(said if len(known) else "too few real inputs for a density")
        )
        self._density.show(known, density)


class _Row:
    """An axis with the real inputs on it, as bars or dots, and a line for the picture."""

    def __init__(self, *, bars: bool) -> None:
        self._bars = bars
        self._x, self._y = bqplot.LinearScale(), bqplot.LinearScale(min=0, max=1.3)  # room for the name above the line
        scales = {"x": self._x, "y": self._y}
        grey = "var(--track)"
        if bars:
            self._real = bqplot.Bars(scales=scales, colors=[grey], stroke_width=0, padding=0.08)
        else:
            self._real = bqplot.Scatter(scales=scales, colors=[grey], default_size=22, stroke_width=0)
        self._line = bqplot.Lines(scales=scales, colors=["var(--ink)"], stroke_width=2)
        self._line.x, self._line.y = [0, 0], [0, 0]  # never empty: bqplot's script reads the first of its lines
        self._end = bqplot.Scatter(scales=scales, colors=["var(--ink)"], default_size=52, stroke_width=0)
        nowhere = {"x": [0.0], "y": [0.0], "text": [""]}  # bqplot's script fails at places without words
        self._name = bqplot.Label(
            scales=scales, colors=["var(--ink)"], align="middle", default_size=12, y_offset=-9, **nowhere
        )
        self._axis = bqplot.Axis(scale=self._x, grid_lines="none")
        height = 150 if bars else 84
        marks = [self._real, self._line, self._end, self._name]
        self.figure = figure(marks, [self._axis], height, bottom=24, left=16)
        self.figure.fig_margin = {**self.figure.fig_margin, "right": 20}

    def show(self, real: NDArray[np.float32], this: float) -> None:
        """Put the picture at `this` among the `real` ones."""
        if not math.isfinite(this) and not len(real):
            return
        bend = bent(real, this)
        place = bend(this) if math.isfinite(this) else 0.0
        places = np.array([bend(float(each)) for each in real])
        low, high = (min(places.min(), place), max(places.max(), place)) if len(places) else (place - 1, place + 1)
        wide = (high - low) or 1.0
        with self._x.hold_sync():
            self._x.min, self._x.max = float(low - 0.04 * wide), float(high + 0.06 * wide)
        self._draw_real(places)
        top = 1.0 if self._bars else 0.8
        with self._line.hold_sync(), self._end.hold_sync(), self._name.hold_sync():
            self._line.x, self._line.y = [place, place], [0.0, top]
            self._end.x, self._end.y = [place], [top]
            self._name.align = _beside((place - low) / wide)
            self._name.x, self._name.y, self._name.text = [place], [top], [f"this {told(this)}"]
        self._label(real, this, bend)

    def _draw_real(self, places: NDArray[np.float64]) -> None:
        if not self._bars:
            heights = 0.3 + 0.25 * np.sin(np.arange(len(places)) * 2.4)  # apart, and the same every time
            with self._real.hold_sync():
                self._real.x, self._real.y = places, heights
            return
        counts, edges = np.histogram(places, BARS) if len(places) else (np.zeros(1), np.array([0.0, 1.0]))
        with self._real.hold_sync():
            self._real.x = (edges[:-1] + edges[1:]) / 2
            self._real.y = 0.85 * counts / max(1, counts.max())

    def _label(self, real: NDArray[np.float32], this: float, bend: Callable[[float], float]) -> None:
        wanted = sorted({float(real.min()), float(np.median(real)), float(real.max())}) if len(real) else [this]
        ends = (self._x.min, self._x.max)
        kept: list[float] = []
        for value in wanted:
            if all(abs(bend(value) - bend(each)) > 0.09 * (ends[1] - ends[0]) for each in kept):
                kept.append(value)
        places = [bend(value) for value in kept]
        with self._axis.hold_sync():
            self._axis.tick_values = places
            self._axis.tick_labels = {
                repr(place).removesuffix(".0"): told(value) for place, value in zip(places, kept, strict=True)
            }


def _beside(share: float) -> str:
    """On which side of its place a word has room, at a share of the axis's length."""
    return "start" if share < 0.15 else "end" if share > 0.85 else "middle"


def bent(real: NDArray[np.float32], this: float) -> Callable[[float], float]:
    """Where a value lies on the axis: as it is, unless the picture is so far away that real inputs would be one bar.

    Then distances from the median of the real ones are on a scale that is linear in their middle, logarithmic beyond.
    """
    if not len(real) or not math.isfinite(this):
        return lambda value: value
    low, high, middle = float(real.min()), float(real.max()), float(np.median(real))
    span = (high - low) or abs(middle) or 1.0
    if low - _FAR * span <= this <= high + _FAR * span:
        return lambda value: value
    return lambda value: math.asinh(4 * (value - middle) / span)
