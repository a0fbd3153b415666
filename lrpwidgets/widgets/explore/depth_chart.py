"""Σ R along the depth: what is still under way to the input, and what was lost before, in units of the score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from itertools import groupby
from typing import Any

import bqplot
import ipywidgets
import torch

from ...lrp.ledger import Ledger, Row
from ..base.charts import Chart, axis, bars, figure, label, short_names, told
from .exploration import Exploration

MOST = 12
"""Bars between the score and the input."""

FEWEST = 5
"""With fewer, parts of the network's names say too little."""

LOSSES = ("bias", "stabilizer", "rules")
NAMES = ("handed on", "lost to biases", "lost to stabilizers", "dropped by rules")
COLOURS = ("var(--bar)", "var(--amber)", "var(--amber-pale)", "var(--amber-deep)")

_KEYS = "".join(
    f'<span class="lrp-key"><i style="background: {colour}"></i>{name}</span>'
    for name, colour in zip(("handed on", "lost to biases", "to ε", "to rules"), COLOURS, strict=True)
)
_TITLE = f'<h2>Σ R along the depth</h2><span class="lrp-quiet">in units of f</span>{_KEYS}'


@dataclass(frozen=True)
class Stop:
    """One bar: where the explained score is when relevance has passed a part of the network."""

    name: str
    """The part, by the layer that it ends with or by the name that its layers share."""
    handed: float
    """What is still under way."""
    bias: float
    stabilizer: float
    rules: float
    """What was lost until here; below zero, created."""

    @property
    def amounts(self) -> tuple[float, float, float, float]:
        """In the order of the chart."""
        return self.handed, self.bias, self.stabilizer, self.rules


def stops(ledger: Ledger, start: str = "f") -> list[Stop]:
    """What is explained, the network's parts from the output down, and the input: each adds up to the first."""
    explained = float(ledger.explained[0])
    rows = _under_way(ledger.rows)
    found = [Stop(start, explained, 0.0, 0.0, 0.0)]
    if not rows:
        return found
    losses = torch.stack([torch.stack([getattr(row, loss)[0] for row in rows]) for loss in LOSSES])
    lost = losses.double().cumsum(1).T.tolist()
    for name, end in _parts(rows):
        found.append(Stop(name, explained - sum(lost[end]), *lost[end]))
    return [*found, Stop("input", float(ledger.reached_input[0]), *lost[-1])]


def _under_way(rows: Sequence[Row]) -> list[Row]:
    """The rows from the first on that received something: a condition leaves out those above it."""
    received = torch.stack([row.received[0] for row in rows]).tolist() if rows else []
    first = next((number for number, amount in enumerate(received) if amount), len(rows))
    return list(rows[first:])


def _parts(rows: Sequence[Row]) -> list[tuple[str, int]]:
    """The name of each part of the network, and the index of its last row; only layers with rules make parts.

    Layers share a part with their neighbours of the same module, as deep in the tree of modules as there is room.
    Where names do not tell enough apart, as many neighbours as needed share one.
    """
    ruled = [number for number, row in enumerate(rows) if row.rule] or [len(rows) - 1]
    deepest = max(rows[number].name.count(".") for number in ruled) + 1
    for depth in range(deepest, 0, -1):
        runs = _runs(rows, ruled, depth)
        if len(runs) <= MOST:
            break
        longer = runs
    if len(runs) < FEWEST and depth < deepest:
        runs = [longer[len(longer) * (place + 1) // MOST - 1] for place in range(MOST)]
    return runs


def _runs(rows: Sequence[Row], ruled: Sequence[int], depth: int) -> list[tuple[str, int]]:
    def part(number: int) -> str:
        return ".".join(rows[number].name.split(".")[:depth])

    return [(name, list(numbers)[-1]) for name, numbers in groupby(ruled, part)]


class DepthChart(Chart, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """One stacked bar per part of the network, from the score to the input: conservation, to be seen.

    What rules or negative losses created lies below zero; bars reach above the line at f then, by as much.
    """

    shared: Exploration

    def __init__(self, exploration: Exploration) -> None:
        self._stops: list[Stop] = []
        self._places, self._amounts = bqplot.OrdinalScale(), bqplot.LinearScale()
        self._bars = bars(self._places, self._amounts, colors=list(COLOURS), type="stacked", padding=0.25)
        self._bars.on_hover(self._hovered)
        self._bars.on_element_click(self._hovered)
        scales = {"x": bqplot.LinearScale(min=0, max=1), "y": self._amounts}
        self._level = bqplot.Lines(scales=scales, x=[0, 1], colors=["var(--ink)"], stroke_width=1, line_style="dashed")
        self._ticks = axis(self._amounts, vertical=True)
        self.figure = figure([self._bars, self._level], [axis(self._places), self._ticks])
        self._said = ipywidgets.HTML()
        self._said.add_class("lrp-said")
        super().__init__(exploration, [ipywidgets.HTML(_TITLE), self.figure, self._said])
        self.show_with("answer")

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None:
            return
        whole = answer.explanation is answer.whole
        self._stops = stops(answer.explanation.ledger, "f" if whole else "chosen")
        names = short_names([stop.name for stop in self._stops])
        with self._bars.hold_sync(), self._level.hold_sync():
            self._bars.x = names
            self._bars.y = [list(series) for series in zip(*(stop.amounts for stop in self._stops), strict=True)]
            self._level.y = [self._stops[0].handed] * 2
        label(self._ticks, [0.0, self._stops[0].handed])
        self._say(self._stops[-1])

    def _hovered(self, _: Any, event: dict[str, Any]) -> None:
        point = event.get("point") or event.get("data") or {}
        index = point.get("index")
        if isinstance(index, int) and index < len(self._stops):
            self.shared.worker.at_home(lambda: self._say(self._stops[index]))

    def _say(self, stop: Stop) -> None:
        start = self._stops[0]
        of = f"of {start.name} = {told(start.handed)}"
        self._said.value = escape(f"{_where(stop)}: {said(stop, start.handed)} · {of}")


def said(stop: Stop, explained: float) -> str:
    """The amounts of `stop` as text."""
    return " · ".join(_amount(name, amount, explained) for name, amount in zip(NAMES, stop.amounts, strict=True))


def _amount(name: str, amount: float, explained: float) -> str:
    """`amount` with its name; a loss of the other sign than what is explained created relevance."""
    if name == NAMES[0] or amount * explained >= 0:
        return f"{name} {told(amount)}"
    return f"created by {name.rpartition(' ')[2]} {told(-amount)}"


def _where(stop: Stop) -> str:
    return {"f": "At the output", "chosen": "At the chosen channels", "input": "At the input"}.get(
        stop.name, f"After {stop.name}"
    )
