"""Colour maps for signed relevance: what speaks for a class, what against it, and nothing between them.

Every map has zero in the middle. The widgets' ``colours.js`` has the same numbers; tests hold the two against each
other.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

if TYPE_CHECKING:
    from PIL.Image import Image

GAMMA = 0.7
"""Strength of a colour is the amount of relevance to this power, which keeps faint relevance visible."""

DARK, SHINING = 383, 240
"""Paper whose parts sum to no more is dark; there the brightest part of a hue is this."""

RGB = tuple[float, float, float]
"""Red, green and blue from 0 to 255."""


@dataclass(frozen=True)
class ColourMap:
    """Colours from nothing to the strongest relevance, at equal distances."""

    positive: tuple[RGB, ...]
    """What speaks for the class."""
    negative: tuple[RGB, ...]
    """What speaks against it."""
    zero: RGB | None = None
    """The colour of no relevance; None for that of the paper, which is white in the light theme."""

    def on(self, paper: RGB) -> ColourMap:
        """The map for a page of this `paper`: on a dark one hues shine, each as bright as it gets."""
        if self.zero or sum(paper) > DARK:
            return self
        return ColourMap(tuple(map(_shining, self.positive)), tuple(map(_shining, self.negative)))


def _shining(colour: RGB) -> RGB:
    red, green, blue = (part * SHINING / max(colour) for part in colour)
    return red, green, blue


MAPS = {
    "red–blue": ColourMap(((178, 34, 34),), ((33, 102, 172),)),
    "orange–purple": ColourMap(((179, 88, 6),), ((84, 39, 136),)),
    "brown–teal": ColourMap(((140, 81, 10),), ((1, 102, 94),)),
    "magenta–green": ColourMap(((197, 27, 125),), ((77, 146, 33),)),
    "fire–ice": ColourMap(
        ((200, 30, 10), (255, 190, 30), (255, 255, 235)), ((15, 70, 220), (30, 200, 255), (235, 255, 255)), (0, 0, 0)
    ),
}
"""By name; the first three stay apart for the common colour blindnesses, "fire–ice" is for a dark room."""

RED_BLUE = MAPS["red–blue"]
WHITE = (255, 255, 255)


def coloured(
    relevance: ArrayLike, scale: float, colours: ColourMap = RED_BLUE, paper: RGB = WHITE
) -> NDArray[np.uint8]:
    """RGB colours (..., 3) of `relevance` (...).

    ±`scale` and beyond get the full hues; what is zero, or no number, gets the map's zero or the `paper`.
    """
    signed = np.nan_to_num(np.asarray(relevance, dtype=np.float64) / scale, nan=0.0)
    strength = np.clip(np.abs(signed), 0, 1) ** GAMMA
    colours, zero = colours.on(paper), colours.zero or paper
    ramps = [np.array([zero, *stops], dtype=np.float64) for stops in (colours.positive, colours.negative)]
    positive, negative = (_along(ramp, strength) for ramp in ramps)
    return np.rint(np.where(signed[..., None] > 0, positive, negative)).astype(np.uint8)


def picture(relevance: ArrayLike, scale: float | None = None, name: str = "red–blue", side: int = 224) -> Image:
    """A picture of `relevance` (H, W).

    Parameters
    ----------
    scale
        Where the full hues begin, as in :func:`coloured`; by default the largest amount.
    name
        Which of :data:`MAPS`.
    side
        Pixels are repeated until it is about so wide or high.

    Raises
    ------
    ValueError
        If there is no such map, or the scale is not above 0.
    """
    from PIL import Image

    if name not in MAPS:
        raise ValueError(f"There is no colour map {name!r}; there are {', '.join(map(repr, MAPS))}.")
    amounts = np.nan_to_num(np.asarray(relevance, dtype=np.float64), posinf=0.0, neginf=0.0)
    scale = (float(np.abs(amounts).max()) or 1.0) if scale is None else scale
    if not scale > 0:
        raise ValueError(f"scale must be above 0, got {scale!r}.")
    return Image.fromarray(enlarged(coloured(relevance, scale, MAPS[name]), side))


def averaged(relevance: ArrayLike, shape: tuple[int, int]) -> NDArray[np.float32]:
    """Relevance (..., H, W) with fewer pixels, (..., h, w) for a `shape` (h, w); that of larger maps stays as it is.

    A pixel is the average of those that fall into it: neighbours first, two by two, then by area. So stripes of one
    pixel with both signs vanish, at whatever ratio, where leaving pixels out would make other patterns of them; and
    the mean over all pixels stays what it is. What is not finite counts as 0. The widgets' ``averaging.js`` does
    the same.
    """
    numbers = np.nan_to_num(np.asarray(relevance, dtype=np.float64), posinf=0.0, neginf=0.0)
    sides = zip(numbers.shape[-2:], shape, strict=True)
    down, across = (_shares(before, min(before, after)) for before, after in sides)
    return np.asarray(down @ numbers @ across.T, dtype=np.float32)


def _shares(before: int, after: int) -> NDArray[np.float64]:
    """How much of each of `before` pixels is in each of `after`, (after, before)."""
    if after == before:
        return np.eye(before)
    edges = np.arange(before + 1)
    ends = np.linspace(0, before, after + 1)
    covered = np.minimum(ends[1:, None], edges + 0.5) - np.maximum(ends[:-1, None], edges - 0.5)
    neighbours = np.zeros((before + 1, before))
    for beside in (edges - 1, edges):
        neighbours[edges, beside.clip(0, before - 1)] += 0.5
    return np.asarray(covered.clip(min=0) @ neighbours * (after / before))


def enlarged(pixels: NDArray[np.uint8], side: int) -> NDArray[np.uint8]:
    """Pixels (H, W, ...) repeated until the picture is about `side` pixels wide or high."""
    times = max(1, round(side / max(pixels.shape[:2])))
    return pixels.repeat(times, 0).repeat(times, 1)


def _along(ramp: NDArray[np.float64], strength: NDArray[np.float64]) -> NDArray[np.float64]:
    at = np.linspace(0, 1, len(ramp))
    return np.stack([np.interp(strength, at, channel) for channel in ramp.T], axis=-1)
