"""The embedding of an atlas as a map: each point is one explanation, and near ones look at the same thing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from ..base.view import View, script, style
from .excerpts import Excerpts
from .points import Points
from .state import Investigation
from .tiles import TileMaker, Tiles

_MARGIN = 0.04
"""Room around the points, in shares of their extent."""


class EmbeddingScatter(View):
    """The points on a canvas, and what a person does there: zoom, pan, box, lasso, hide groups.

    All gestures are answered in the browser; the kernel hears of a selection when the mouse is let go. Few points are
    drawn by the canvas too: while one moves the map, every tenth frame takes more than 23 ms if the dots of 500 points
    are a bqplot figure's, 97 ms for 2,000 and 156 ms for 3,000; on the canvas it is 20 ms for 100,000.
    """

    shared: Investigation
    _esm = script(__file__)
    _css = style(__file__)
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

    def __init__(self, state: Investigation, **traits: Any) -> None:
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
            self.shared.selection = np.frombuffer(buffers[0], np.uint32).astype(np.int64)
        elif "hover" in message:
            self.shared.hovered = message["hover"]
            self._tiles.want([] if message["hover"] is None else [message["hover"]])
        elif "isolate" in message:
            self.shared.isolated = np.array(self.shared.selection, np.int64) if message["isolate"] else None
        elif "hidden" in message:
            self.draw(hidden=message["hidden"])

    def _show(self) -> None:
        points, alone = self.shared.points, self.shared.isolated
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
        self.draw(selection=_positions(self.shared.selection))

    def _picture(self, positions: NDArray[np.int64], tiles: Tiles | Excerpts) -> None:
        self.send(*tiles.message(positions))

    def _hover(self) -> None:
        self.draw(hovered=self.shared.hovered)


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
