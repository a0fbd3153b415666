"""bqplot charts in the look of the other views: no frame, thin lines, colours by the tokens of the theme."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import anywidget
import bqplot
import ipywidgets

from .asking import Asking
from .parts import close_parts
from .view import Follower, script, style

_LONGEST = 12
"""Characters of a name below a bar."""


class ChartLook(anywidget.AnyWidget):
    """The style of the charts around it, and the broom that sweeps up behind bqplot."""

    _esm = script(__file__)
    _css = style(__file__)


def look() -> ChartLook:
    """The style of the charts, which works as long as it is on the page."""
    return ChartLook(layout=ipywidgets.Layout(display="none"))


class Lines(bqplot.Lines):  # type: ignore[misc]  # bqplot has no types
    """Lines whose x and y come together: a page that is being opened may have missed one of them.

    bqplot looks for an x of every y, and would write errors until all is sent again.
    """

    def send_state(self, key: str | Iterable[str] | None = None) -> None:
        """Send some traits, or all; with x or y comes the other one."""
        keys = None if key is None else {key} if isinstance(key, str) else set(key)
        super().send_state(keys | {"x", "y"} if keys and keys & {"x", "y"} else keys)


class Chart(Follower):
    """What has figures in it, mixed into the box that they are in: it follows a state, and closes what is inside."""

    def __init__(self, shared: Asking, children: Sequence[ipywidgets.Widget], *classes: str) -> None:
        self.shared = shared
        super().__init__([look(), *children])  # type: ignore[call-arg]  # of the box
        for name in ("lrp", "lrp-chart", *classes):
            self.add_class(name)  # type: ignore[attr-defined]

    def show_with(self, *traits: str) -> None:
        """Have `_show` called with these traits of the state, and all marks sent again to whoever begins to look."""
        self.follow(self._show, *traits)
        self.follow(self._again, "appeared")

    def close(self) -> None:
        """Stop following and disappear from the page."""
        self.unfollow()
        for child in self.children:  # type: ignore[attr-defined]
            _close(child)
        super().close()  # type: ignore[misc]
        close_parts(self)

    def _show(self) -> None:
        raise NotImplementedError

    def _again(self) -> None:
        for drawn in _figures(self):
            for mark in drawn.marks:
                mark.send_state()


def _figures(widget: Any) -> Iterator[bqplot.Figure]:
    """The figures in a widget, or itself."""
    if isinstance(widget, bqplot.Figure):
        yield widget
    for inside in getattr(widget, "children", ()):
        yield from _figures(inside)


def _close(widget: ipywidgets.Widget) -> None:
    """Close a widget with all that is in it: bqplot itself leaves marks, axes and scales."""
    for inside in getattr(widget, "children", ()):
        _close(inside)
    parts = [widget]
    if isinstance(widget, bqplot.Figure):
        scales = {scale for mark in widget.marks for scale in mark.scales.values()}
        parts = [*scales, widget.scale_x, widget.scale_y, *widget.marks, *widget.axes, widget]
    for part in parts:
        part.close()
        close_parts(part)


def bars(places: bqplot.Scale, amounts: bqplot.Scale, **look: Any) -> bqplot.Bars:
    """Bars of `amounts` at `places`, still without any."""
    return bqplot.Bars(scales={"x": places, "y": amounts}, stroke_width=0, **look)


def axis(scale: bqplot.Scale, *, vertical: bool = False) -> bqplot.Axis:
    """A vertical axis has few, rounded ticks; names on a horizontal one are slanted, to have room."""
    if vertical:
        return bqplot.Axis(scale=scale, side="left", tick_format=".3~g", grid_lines="none")
    style = {"text-anchor": "end", "font-size": "11px"}
    return bqplot.Axis(scale=scale, tick_rotate=-38, tick_style=style, grid_lines="none")


def label(ticks: bqplot.Axis, amounts: Sequence[float]) -> None:
    """Put these amounts beside an axis; its own format has hyphens for minus signs."""
    with ticks.hold_sync():
        ticks.tick_values = list(amounts)
        ticks.tick_labels = {repr(amount).removesuffix(".0"): told(amount) for amount in amounts}  # keys as JS has them


def figure(
    marks: list[bqplot.Mark], axes: list[bqplot.Axis], height: int = 160, bottom: int = 52, left: int = 38
) -> bqplot.Figure:
    """A chart as wide as there is room, with `bottom` and `left` pixels for the names beside its axes."""
    return bqplot.Figure(
        marks=marks,
        axes=axes,
        fig_margin={"top": 6, "bottom": bottom, "left": left, "right": 4},
        min_aspect_ratio=0.1,  # else bqplot keeps the figure near a square
        max_aspect_ratio=100,
        padding_y=0.02,
        animation_duration=0,
        layout=ipywidgets.Layout(width="100%", height=f"{height}px", min_width="0"),
        background_style={"fill": "none"},
        display_toolbar=False,
    )


def short_names(names: Sequence[str]) -> list[str]:
    """Names that fit below bars; the end tells layers apart, and equal ones get spaces: a scale would merge them."""
    short = [name if len(name) <= _LONGEST else "…" + name[1 - _LONGEST :] for name in names]
    return [name + " " * short[:place].count(name) for place, name in enumerate(short)]


def told(amount: float) -> str:
    """A number with three significant digits, whole below 100,000, and a real minus sign."""
    whole = 1e3 <= abs(amount) < 1e5
    text = f"{round(float(f'{amount:.3g}')):,}" if whole else f"{amount:.3g}"
    return text.replace("e-0", "e-").replace("e+0", "e").replace("-", "−")
