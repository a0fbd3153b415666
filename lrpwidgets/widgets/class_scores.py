"""What the network says: its scores as bars; a click on one asks why this class."""

from __future__ import annotations

import math
from typing import Any

import bqplot
import ipywidgets

from .exploration import Exploration
from .view import Follower

INK, GREY = "#1c2126", "#8d949c"


class ClassScores(Follower, ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """The highest scores as horizontal bars, best first, each with its score and its probability.

    Parameters
    ----------
    exploration
        The state to follow.
    top
        Number of classes to show; the explained class is always among them.
    """

    def __init__(self, exploration: Exploration, top: int = 10) -> None:
        self.exploration = exploration
        self._top = top
        self._classes: list[int] = []
        names, scores = bqplot.OrdinalScale(), bqplot.LinearScale()
        self._bars = bqplot.Bars(
            scales={"x": names, "y": scores},
            orientation="horizontal",
            colors=[GREY],
            padding=0.4,
        )
        self._bars.on_element_click(self._clicked)
        self._axis = bqplot.Axis(scale=names, orientation="vertical", grid_lines="none", tick_style={"font-size": "12px", "fill": INK})
        self._zero = bqplot.Axis(scale=scores, visible=False, grid_lines="none")
        self.figure = bqplot.Figure(
            marks=[self._bars],
            axes=[self._axis, self._zero],
            fig_margin={"top": 0, "bottom": 4, "left": 210, "right": 12},
            min_aspect_ratio=0.1,  # else bqplot keeps the figure near a square
            max_aspect_ratio=100,
            animation_duration=0,
            layout=ipywidgets.Layout(width="100%", height="320px"),
            background_style={"fill": "none"},
        )
        title = ipywidgets.HTML("<b>What the network says</b> <span>click a bar: why this class?</span>")
        title.add_class("lrp-pane-title")
        super().__init__([title, self.figure])
        self.add_class("lrp-scores")
        self.follow(self._show, "answer")

    def close(self) -> None:
        """Stop following and disappear from the page."""
        self.unfollow()
        super().close()

    def _show(self) -> None:
        answer = self.exploration.answer
        if answer is None:
            return
        scores = answer.scores
        best = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[: self._top]
        if answer.target not in best:
            best[-1] = answer.target
        self._classes = best[::-1]  # bqplot draws from the bottom up
        with self._bars.hold_sync():
            self._bars.x = _distinct([self._label(index, scores) for index in self._classes])
            self._bars.y = [scores[index] for index in self._classes]
            self._bars.colors = [INK if index == answer.target else GREY for index in self._classes]

    def _label(self, index: int, scores: list[float]) -> str:
        most = max(scores)
        probability = math.exp(scores[index] - most) / sum(math.exp(score - most) for score in scores)
        name = self.exploration.subject.class_name(index)
        short = name if len(name) <= 18 else name[:17] + "…"
        score = f"{scores[index]:.1f}".replace("-", "−")
        return f"{short} · {score} · {probability:.0%}"

    def _clicked(self, _: Any, event: dict[str, Any]) -> None:
        self.exploration.target = self._classes[event["data"]["index"]]


def _distinct(labels: list[str]) -> list[str]:
    """`labels` with spaces behind those that were there before: an ordinal scale merges equal ones."""
    return [label + " " * labels[:position].count(label) for position, label in enumerate(labels)]
