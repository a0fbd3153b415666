"""What each repair costs: clean accuracy against accuracy with the artefact; up and to the right is better."""

from __future__ import annotations

import bqplot
import ipywidgets
import numpy as np

from ..base import charts
from ..base.charts import Chart, figure
from .bench import NONE
from .workshop import Workshop


class Pareto(Chart, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """A point for each repair, the mean over seeds, and fainter ones for the seeds."""

    shared: Workshop

    def __init__(self, workshop: Workshop) -> None:
        head = ipywidgets.HTML(
            "<h2>What does a repair cost?</h2>"
            '<span class="lrp-quiet">clean accuracy across, with the artefact up: best is the upper right</span>'
        )
        self._x, self._y = bqplot.LinearScale(min=0, max=1), bqplot.LinearScale(min=0, max=1)
        scales = {"x": self._x, "y": self._y}
        self._seeds = bqplot.Scatter(
            x=[0], y=[0], scales=scales, colors=["var(--bar)"], default_size=16, opacities=[0.5], visible=False
        )
        self._means = bqplot.Scatter(
            x=[0], y=[0], scales=scales, colors=["var(--ink)"], default_size=48, names=[""], visible=False
        )
        self._across, self._up = charts.axis(self._x), charts.axis(self._y, vertical=True)
        self._across.tick_rotate = 0
        self._across.tick_style = {"text-anchor": "middle", "font-size": "11px"}
        self.figure = figure([self._seeds, self._means], [self._across, self._up], 210, bottom=26, left=44)
        self.figure.fig_margin = {**self.figure.fig_margin, "right": 110, "top": 14}
        super().__init__(workshop, [head, self.figure], "lrp-pareto")
        self.show_with("outcomes", "repairs")

    def _show(self) -> None:
        workshop = self.shared
        found: dict[str, list[tuple[float, float]]] = {}
        for name in (NONE, *workshop.repairs):
            each = [workshop.outcomes.get((name, seed)) for seed in range(workshop.seeds)]
            points = [(float(o.examined.right.mean()), o.examined.verdict.after) for o in each if o is not None]
            if points:
                found[name or "as it is"] = points
        if not found:
            self._seeds.visible = self._means.visible = False
            return
        means = np.array([np.mean(points, 0) for points in found.values()])
        seeds = np.array([point for points in found.values() for point in points])
        for scale, ticks, values in ((self._x, self._across, seeds[:, 0]), (self._y, self._up, seeds[:, 1])):
            low = float(np.floor(50 * values.min() - 1e-9) / 50)
            with scale.hold_sync():
                scale.min, scale.max = low, 1.0
            middle = round((low + 1) / 2, 3)
            with ticks.hold_sync():
                ticks.tick_values = [low, middle, 1.0]
                ticks.tick_labels = {
                    repr(value).removesuffix(".0"): f"{100 * value:.3g} %" for value in (low, middle, 1.0)
                }
        with self._seeds.hold_sync():
            self._seeds.x, self._seeds.y, self._seeds.visible = seeds[:, 0], seeds[:, 1], True
        with self._means.hold_sync():
            self._means.x, self._means.y, self._means.names = means[:, 0], means[:, 1], np.array(list(found))
            self._means.visible = True
