"""What the network says: its scores as bars; a click on one asks why this class."""

from __future__ import annotations

import math
from typing import Any

import bqplot
import ipywidgets

from .exploration import Exploration
from .view import STYLE, Follower

INK, GREY, TRACK = "#1c2126", "#8d949c", "#f3f1ec"

_LONGEST = 18
"""Characters of a class name that are shown."""


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
        longest = min(_LONGEST, max(map(len, exploration.subject.classes), default=9))  # "class 123"
        names, scores = bqplot.OrdinalScale(), bqplot.LinearScale()
        look = {"scales": {"x": names, "y": scores}, "orientation": "horizontal", "padding": 0.4}
        self._tracks = bqplot.Bars(colors=[TRACK], **look)  # behind short bars, so that a whole row can be clicked
        self._bars = bqplot.Bars(colors=[GREY], **look)
        for bars in (self._tracks, self._bars):
            bars.on_element_click(self._clicked)
        ticks = {"font-size": "12px", "fill": INK}
        self._axis = bqplot.Axis(scale=names, side="left", grid_lines="none", tick_style=ticks)
        self._zero = bqplot.Axis(scale=scores, visible=False, grid_lines="none")
        self.figure = bqplot.Figure(
            marks=[self._tracks, self._bars],
            axes=[self._axis, self._zero],
            fig_margin={"top": 0, "bottom": 4, "left": 98 + round(6.5 * longest), "right": 12},
            min_aspect_ratio=0.1,  # else bqplot keeps the figure near a square
            max_aspect_ratio=100,
            animation_duration=0,
            layout=ipywidgets.Layout(width="100%", height="320px"),
            background_style={"fill": "none"},
            display_toolbar=False,
        )
        title = ipywidgets.HTML(
            f"<style>{STYLE}</style><b>What the network says</b> <span>click a bar: why this class?</span>"
        )
        title.add_class("lrp-pane-title")
        super().__init__([title, self.figure])
        self.add_class("lrp-scores")
        self.follow(self._show, "answer")
        self.follow(self._appear, "appeared")

    def close(self) -> None:
        """Stop following and disappear from the page."""
        self.unfollow()
        scales = (*self._bars.scales.values(), self.figure.scale_x, self.figure.scale_y)
        for part in (*scales, self._tracks, self._bars, self._axis, self._zero, *self.children):
            part.close()
        super().close()

    def _appear(self) -> None:
        """Bars that a page is just loading may have missed the first answer, see View."""
        self._tracks.send_state()
        self._bars.send_state()

    def _show(self) -> None:
        answer = self.exploration.answer
        if answer is None:
            return
        scores = answer.scores
        best = sorted(range(len(scores)), key=scores.__getitem__, reverse=True)[: self._top]
        if answer.target not in best:
            best[-1] = answer.target
        self._classes = best[::-1]  # bqplot draws from the bottom up
        shown = [scores[index] for index in self._classes]
        labels = _distinct([self._label(index, scores) for index in self._classes])
        with self._tracks.hold_sync(), self._bars.hold_sync():
            self._tracks.base = min(0.0, *shown)
            self._tracks.x, self._tracks.y = labels, [max(0.0, *shown)] * len(shown)
            self._bars.x, self._bars.y = labels, shown
            self._bars.colors = [INK if index == answer.target else GREY for index in self._classes]

    def _label(self, index: int, scores: list[float]) -> str:
        most = max(scores)
        probability = math.exp(scores[index] - most) / sum(math.exp(score - most) for score in scores)
        name = self.exploration.subject.class_name(index)
        short = name if len(name) <= _LONGEST else name[: _LONGEST - 1] + "…"
        score = f"{scores[index]:.1f}".replace("-", "−")
        return f"{short} · {score} · {probability:.0%}"

    def _clicked(self, _: Any, event: dict[str, Any]) -> None:
        target = self._classes[event["data"]["index"]]
        self.exploration.worker.at_home(lambda: setattr(self.exploration, "target", target))


def _distinct(labels: list[str]) -> list[str]:
    """`labels` with spaces behind those that were there before: an ordinal scale merges equal ones."""
    return [label + " " * labels[:position].count(label) for position, label in enumerate(labels)]
