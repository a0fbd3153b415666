"""The embedding of an atlas as a map: each point is one explanation, and near ones look at the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from ...readable import Readable
from ..view import View, script, style
from .tiles import TileMaker, Tiles

HUES = (
    "#4269d0", "#e0a12e", "#d1495b", "#3c9d8f", "#8a6bbf", "#7f8c3a",
    "#c46fa6", "#6b4e3d", "#5fb3d9", "#b07d62", "#2f6b4f", "#9aa1ad",
)  # fmt: skip
"""Colours of groups. The first eight differ in lightness too, which keeps them apart for the colour-blind."""

RAMP = ("#453781", "#33638d", "#238a8d", "#20a386", "#56c667", "#a8db34")
"""From low to high values: even steps of viridis, without its ends, which vanish on dark or light paper."""

_MARGIN = 0.04
"""Room around the points, in shares of their extent."""


def hues(count: int) -> tuple[str, ...]:
    """Colours of `count` groups; from the thirteenth on they repeat."""
    return tuple(HUES[group % len(HUES)] for group in range(count))


@dataclass(frozen=True, eq=False, repr=False)
class Points(Readable):
    """Where n explanations are on the map, and how they are coloured."""

    xy: NDArray[np.float32]
    """(n, 2)"""
    rows: NDArray[np.int64]
    """(n,) rows of the store; a position is a place in here"""
    groups: NDArray[np.int16]
    """(n,) which of `names` each belongs to; −1 for none"""
    names: tuple[str, ...] = ()
    """of the groups"""
    hues: tuple[str, ...] = ()
    """CSS colours of the groups or, where there are values, from low to high"""
    values: NDArray[np.float32] | None = None
    """(n,) from 0 to 1, if it is these that colour the points; NaN for none"""
    low: str = "low"
    """what 0 stands for"""
    high: str = "high"
    """what 1 stands for"""
    wrong: NDArray[np.bool_] | None = None
    """(n,) which predictions are wrong"""
    source: str = ""
    """what the rows are rows of; thumbnails are made anew when it changes"""

    def __post_init__(self) -> None:
        n = len(self.rows)
        shapes = {"xy": (n, 2), "groups": (n,), "values": (n,), "wrong": (n,)}
        for name, shape in shapes.items():
            part = getattr(self, name)
            if part is not None and part.shape != shape:
                raise ValueError(f"{name} of {n} points must have the shape {shape}, got {part.shape}.")


class EmbeddingScatter(View):
    """The points on a canvas, and what a person does there: zoom, pan, box, lasso, hide groups.

    All gestures are answered in the browser; the kernel hears of a selection when the mouse is let go. Few points are
    drawn by the canvas too: while one moves the map, every tenth frame takes more than 23 ms if the dots of 500 points
    are a bqplot figure's, 97 ms for 2,000 and 156 ms for 3,000; on the canvas it is 20 ms for 100,000.
    """

    exploration: Any  # an Investigation
    _esm = script("spray/scatter", "controls", "spray/lately", "spray/lasso", "spray/dots", "spray/sprites")
    _css = style("spray/scatter")
    xy = traitlets.Bytes(help="float32, x and y in turn").tag(sync=True)
    groups = traitlets.Bytes(help="int16, −1 for none").tag(sync=True)
    values = traitlets.Bytes(help="float32; empty where groups colour the points").tag(sync=True)
    legend = traitlets.Dict(help="names, hues and sizes of the groups, words for low and high values").tag(sync=True)
    edition = traitlets.Int(help="counts sets of points; a gesture says which of them it means").tag(sync=True)
    home = traitlets.Tuple((0.0, 1.0, 0.0, 1.0), help="x0, x1, y0, y1 that show all points").tag(sync=True)
    selection = traitlets.Bytes(help="uint32, positions in rising order").tag(sync=True)
    isolated = traitlets.Bytes(None, allow_none=True, help="uint32, the only ones shown; None for all").tag(sync=True)
    hidden: traitlets.List[int] = traitlets.List(traitlets.Int(), help="groups not shown").tag(sync=True)
    hovered = traitlets.Int(None, allow_none=True, help="position of the point that is looked at").tag(sync=True)

    def __init__(self, state: Any, **traits: Any) -> None:
        super().__init__(state, **traits)
        self.polygon = np.empty((0, 2))
        """Corners (k, 2) of the newest lasso or box, in the coordinates of the points."""
        self._tiles = TileMaker(state, self._picture)
        self.follow(self._show, "points", "isolated")
        self.follow(self._select, "selection")
        self.follow(self._hover, "hovered")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person did.

        ``{"selected": edition}`` with positions as uint32 and, for a lasso or a box, its corners as float64;
        ``{"hover": position or None}``; ``{"isolate": True}``: show the selection alone, or all again;
        ``{"hidden": [group, …]}``.
        """
        if "selected" in message and message["selected"] == self.edition:
            self.polygon = np.frombuffer(buffers[1], np.float64).reshape(-1, 2)
            self.exploration.selection = np.frombuffer(buffers[0], np.uint32).astype(np.int64)
        elif "hover" in message:
            self.exploration.hovered = message["hover"]
            self._tiles.want([] if message["hover"] is None else [message["hover"]])
        elif "isolate" in message:
            self.exploration.isolated = np.array(self.exploration.selection, np.int64) if message["isolate"] else None
        elif "hidden" in message:
            self.draw(hidden=message["hidden"])

    def _show(self) -> None:
        points, alone = self.exploration.points, self.exploration.isolated
        if points is None:
            self.draw(xy=b"", groups=b"", values=b"", legend={}, isolated=None)
            return
        xy = np.asarray(points.xy, np.float32).tobytes()
        seen = points.xy if alone is None else points.xy[alone]
        self.draw(
            xy=xy,
            groups=np.asarray(points.groups, np.int16).tobytes(),
            values=b"" if points.values is None else np.asarray(points.values, np.float32).tobytes(),
            legend=_legend(points),
            edition=self.edition + (xy != self.xy),
            home=_extent(seen),
            isolated=None if alone is None else _positions(alone),
            hidden=self.hidden if list(points.names) == self.legend.get("names") else [],
        )

    def _select(self) -> None:
        self.draw(selection=_positions(self.exploration.selection))

    def _picture(self, positions: NDArray[np.int64], tiles: Tiles) -> None:
        self.send(*tiles.message(positions))

    def _hover(self) -> None:
        self.draw(hovered=self.exploration.hovered)


def _positions(positions: Sequence[int] | NDArray[np.int64]) -> bytes:
    return np.asarray(positions, np.uint32).tobytes()


def _legend(points: Points) -> dict[str, Any]:
    sizes = np.bincount(points.groups[points.groups >= 0], minlength=len(points.names)).tolist()
    words = {"low": points.low, "high": points.high}
    return {"names": list(points.names), "hues": list(points.hues), "sizes": sizes, **words}


def _extent(xy: NDArray[np.float32]) -> tuple[float, float, float, float]:
    """x0, x1, y0, y1 around the points (n, 2), with some room."""
    finite = xy[np.isfinite(xy).all(axis=1)].astype(np.float64)
    if not len(finite):
        return 0.0, 1.0, 0.0, 1.0
    low, high = finite.min(axis=0), finite.max(axis=0)
    room = _MARGIN * np.where(high > low, high - low, 1.0)  # a single point is in the middle
    (x0, y0), (x1, y1) = (low - room).tolist(), (high + room).tolist()
    return x0, x1, y0, y1
