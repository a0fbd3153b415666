"""The inputs of the selected points and their relevance, as a wall of thumbnails or of texts that scrolls."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from ..base.view import View, script, style
from .excerpts import Excerpts
from .points import Points
from .state import Investigation
from .tiles import TileMaker, Tiles


class ThumbnailWall(View):
    """What is selected, or all points.

    Pictures as thumbnails: inputs, heatmaps, both side by side or one over the other. Texts with the words that have
    most relevance, in its colours, each text on a scale of its own; a word that is there several times has the same
    share of their relevance at each of its places.

    The browser holds the tiles it has drawn and asks for those it needs next, the visible ones first.
    """

    shared: Investigation
    _esm = script(__file__)
    _css = style(__file__)
    of = traitlets.Unicode("pictures", help="what is on it: pictures or texts").tag(sync=True)
    shown = traitlets.Bytes(help="uint32, positions in the order of the wall").tag(sync=True)
    rows = traitlets.Bytes(help="uint32, the row of the store for each position").tag(sync=True)
    wrong = traitlets.Bytes(help="a byte per position: whether the prediction is wrong; may be empty").tag(sync=True)
    source = traitlets.Unicode(help="what the rows are rows of").tag(sync=True)
    title = traitlets.Unicode(help="how many are shown").tag(sync=True)
    subtitle = traitlets.Unicode(help="what they have in common").tag(sync=True)
    sorts: traitlets.List[str] = traitlets.List(traitlets.Unicode(), help="names of the orders").tag(sync=True)
    sort = traitlets.Unicode(help="the order; empty for that of the data set").tag(sync=True)
    hovered = traitlets.Int(None, allow_none=True, help="position of the point that is looked at").tag(sync=True)

    def __init__(self, state: Investigation, **traits: Any) -> None:
        super().__init__(state, of=f"{state.brought}s", **traits)
        self._tiles = TileMaker(state, self._paint)
        self.follow(self._list, "points", "selection", "isolated", "sorts")
        self.follow(self._hover, "hovered")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person did.

        ``{"want": [position, …]}``: make these tiles, in this order; ``{"sort": name}``; ``{"hover": position or
        None}``; ``{"open": position}``: look at one of them closely.
        """
        if "want" in message:
            self._tiles.want(message["want"])
        elif "sort" in message:
            self._list(message["sort"])
        elif "hover" in message:
            self.shared.hovered = message["hover"]
        elif "open" in message:
            self.shared.open(message["open"])

    def _list(self, sort: str | None = None) -> None:
        points, sorts = self.shared.points, self.shared.sorts
        if points is None:
            self.draw(shown=b"", rows=b"", wrong=b"", title="", subtitle="")
            return
        sort = self.sort if sort is None else sort
        sort = sort if sort in sorts else ""
        chosen, title, subtitle = self._chosen(points)
        if sort:
            chosen = chosen[np.argsort(np.asarray(sorts[sort])[chosen], kind="stable")]
        self.draw(
            shown=chosen.astype(np.uint32).tobytes(),
            rows=points.rows.astype(np.uint32).tobytes(),
            wrong=b"" if points.wrong is None else points.wrong.astype(np.uint8).tobytes(),
            source=points.source,
            title=title,
            subtitle=subtitle,
            sorts=list(sorts),
            sort=sort,
        )

    def _chosen(self, points: Points) -> tuple[NDArray[np.int64], str, str]:
        """Positions of what is shown in rising order, and how it is called."""
        selection, alone = self.shared.selection, self.shared.isolated
        if len(selection):
            chosen = np.asarray(selection, dtype=np.int64)
            return chosen, f"{len(chosen):,} selected", _common(points, chosen)
        if alone is not None:
            chosen = np.asarray(alone, dtype=np.int64)
            return chosen, f"{len(chosen):,} isolated", _common(points, chosen)
        count = len(points.rows)
        return np.arange(count), f"{count:,} {self.shared.drawn}{'' if count == 1 else 's'}", "select some on the map"

    def _paint(self, positions: NDArray[np.int64], tiles: Tiles | Excerpts) -> None:
        if self.shared.points is not None:
            self.send(*tiles.message(self.shared.points.rows[positions]))

    def _hover(self) -> None:
        self.draw(hovered=self.shared.hovered)


def _common(points: Points, chosen: NDArray[np.int64]) -> str:
    """The group that most of the chosen are in, as in ``93 of them in “crossed sevens”``."""
    groups = points.groups[chosen]
    sizes = np.bincount(groups[groups >= 0], minlength=1)
    most = int(sizes.argmax())
    return f"{sizes[most]:,} of them in “{points.names[most]}”" if sizes[most] and points.names else ""
