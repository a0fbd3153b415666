"""An explanation as a picture: the heatmap of one sample, a sheet of all, and what a notebook shows by itself."""

from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ..colours import WHITE, picture
from ..gallery import source
from .ledger import Ledger
from .targets import described

if TYPE_CHECKING:
    from PIL.Image import Image


class Explained(Protocol):
    """What an :class:`.Explanation` tells of itself here."""

    several: bool

    @property
    def relevance(self) -> Any:
        """Of the inputs."""

    @property
    def scores(self) -> Tensor:
        """Of all classes."""

    @property
    def target(self) -> Tensor:
        """What is explained, as weights of the scores."""

    @property
    def ledger(self) -> Ledger:
        """Where the scores went."""


COLUMNS, MOST = 4, 8
"""Heatmaps in a row of a sheet, and those that a notebook shows by itself."""

_MARGIN, _LINE = 8, 18
"""Pixels around a heatmap, and the height of its caption."""


def amounts(explanation: Explained) -> NDArray[np.float32]:
    """Relevance of every pixel, summed over channels: (targets, B, H, W), with one target if there are not several.

    Raises
    ------
    ValueError
        If the inputs are no pictures (B, C, H, W).
    """
    relevance = explanation.relevance
    if isinstance(relevance, Tensor):
        relevance = relevance if explanation.several else relevance[None]
        if relevance.dim() == 5:
            return relevance.sum(2).float().numpy(force=True)
    raise ValueError(
        "Heatmaps are drawn of inputs that are pictures (B, C, H, W); for others lrpwidgets.colours.picture(r) draws "
        "any array r (H, W)."
    )


def heatmap(explanation: Explained, sample: int, which: int, scale: float | None, colours: str, side: int) -> Image:
    """See :meth:`.Explanation.image`."""
    return picture(amounts(explanation)[which][sample], scale, colours, side)


def sheet(explanation: Explained, scale: float | None, colours: str, side: int, most: int | None = None) -> Image:
    """See :meth:`.Explanation.plot`; of the first `most` samples, or all."""
    from PIL import Image, ImageDraw

    maps = amounts(explanation)[:, :most]
    largest = float(np.abs(np.nan_to_num(maps, posinf=0.0, neginf=0.0)).max()) or 1.0
    tiles = [picture(each, scale or largest, colours, side) for of_sample in maps.swapaxes(0, 1) for each in of_sample]
    columns = len(maps) if explanation.several else min(COLUMNS, len(tiles))
    width, height = tiles[0].width + 2 * _MARGIN, tiles[0].height + 2 * _MARGIN + _LINE
    made = Image.new("RGB", (columns * width, -(-len(tiles) // columns) * height), WHITE)
    pen = ImageDraw.Draw(made)
    for place, (tile, caption) in enumerate(zip(tiles, captions(explanation, most), strict=True)):
        left, top = place % columns * width + _MARGIN, place // columns * height + _MARGIN
        made.paste(tile, (left, top))
        pen.text((left, top + tile.height + 3), caption, fill=(60, 60, 60), font_size=12)
    return made


def captions(explanation: Explained, most: int | None = None) -> list[str]:
    """What each heatmap explains, sample by sample, each under every target: ``"class 5, score 15.05"``."""
    targets = explanation.target if explanation.several else explanation.target[None]
    scores = (explanation.scores * targets).flatten(2).sum(2)
    return [
        f"{described(targets[which, sample : sample + 1])}, score {float(scores[which, sample]):.4g}"
        for sample in range(scores.shape[1])[:most]
        for which in range(len(scores))
    ]


def html(explanation: Explained) -> str:
    """What a notebook shows: heatmaps on one scale where the inputs are pictures, and where the scores went."""
    try:
        side = 224 if len(explanation.scores) == 1 else 112
        shown = f'<img alt="Heatmaps" src="{source(sheet(explanation, None, "red–blue", side, MOST))}">'
    except ValueError:  # no pictures: the numbers say enough
        shown = ""
    return f"<div>{shown}<br><code>{escape(repr(explanation))}</code>{_sums(explanation)}</div>"


def _sums(explanation: Explained) -> str:
    """A table of what became of each score."""
    ledger = explanation.ledger
    parts = (ledger.explained, ledger.reached_input, ledger.bias, ledger.stabilizer, ledger.rules)
    by_sample = [part.flatten() if part.dim() == 1 else part.T.flatten() for part in parts]
    heads = ("explained", "reached the input", "biases", "stabilizers", "rules")
    rows = [
        f"<tr><td>{escape(caption)}</td>{''.join(f'<td>{float(part[place]):.4g}</td>' for part in by_sample)}</tr>"
        for place, caption in enumerate(captions(explanation, MOST))
    ]
    more = len(explanation.scores) - MOST
    left = f"<p>and {more:,} more samples</p>" if more > 0 else ""
    head = "".join(f"<th>{each}</th>" for each in ("", *heads))
    return f"<table><tr>{head}</tr>{''.join(rows)}</table>{left}"
