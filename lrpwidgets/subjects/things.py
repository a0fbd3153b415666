"""Generated pictures for the subject ``questions``: a few plain things on grey ground, no two alike.

After CLEVR (Johnson et al. 2017): in a picture each shape and each colour occurs once at most, so that a shape or a
colour names one thing. Things never touch. `things` draws them: numpy only, the same for the same seed.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..readable import Readable
from .outlines import OUTLINES
from .scenes import SIZE, TURN, Floats, Ints, Objects, beside, inside

SHAPES = list(OUTLINES)
"""What a thing can be."""

COLOURS = {
    "red": (0.85, 0.15, 0.15),
    "green": (0.15, 0.7, 0.2),
    "blue": (0.2, 0.3, 0.9),
    "yellow": (0.9, 0.85, 0.15),
    "purple": (0.65, 0.2, 0.75),
    "cyan": (0.2, 0.8, 0.85),
}
"""What colour it can have: red, green and blue of 1."""

RADIUS = {"small": (5.5, 7.5), "large": (10.0, 12.0)}
"""How large it can be: radius in pixels, from, to."""

MOST = 4
"""Things in a picture, where there is room for all."""

SHADE, GRAIN = 0.1, 0.05
"""How far a thing's colour is from the one of that name in each channel, and a pixel's from that, at most."""

GROUND = (0.4, 0.6)
"""Grey of the ground, of 1: from, to."""


@dataclass(frozen=True, eq=False, repr=False)
class Things(Readable):
    """Pictures, and what is where in them; the large things come first."""

    pixels: NDArray[np.uint8]
    """Colours (N, 3, 64, 64), 0 to 255."""
    masks: NDArray[np.uint8]
    """Whose pixel it is, (N, 64, 64): 0 the ground, 1 to 4 the things."""
    shapes: Ints
    """Shape of each thing, (N, 4), an index into `SHAPES`; −1 where there was no room for it."""
    colours: Ints
    """Its colour, (N, 4), an index into `COLOURS`."""
    sizes: Ints
    """Its size, (N, 4), an index into `RADIUS`."""


def things(count: int, seed: int) -> Things:
    """Draw `count` pictures."""
    random = np.random.default_rng(seed)
    kinds, colours = (np.argsort(random.random((count, len(of))), axis=1)[:, :MOST] for of in (SHAPES, COLOURS))
    sizes = np.sort(random.integers(len(RADIUS), size=(count, MOST)))[:, ::-1]  # large ones find no room after others
    pixels = np.ones((count, 3, SIZE, SIZE), np.float32) * random.uniform(*GROUND, (count, 1, 1, 1))
    masks = np.zeros((count, SIZE, SIZE), np.uint8)
    placed = _placed(kinds, sizes, random)
    for number, objects in enumerate(placed):
        scene, row, column = inside(objects, random.uniform(-TURN, TURN, count))
        masks[scene, row, column] = number + 1
        pixels[scene, :, row, column] = _shaded(colours[:, number], random)[scene]
    pixels += random.uniform(-GRAIN, GRAIN, pixels.shape)
    there = np.stack([objects.kinds for objects in placed], axis=1)
    return Things((pixels.clip(0, 1) * 255).round().astype(np.uint8), masks, there, colours, sizes)


def _placed(kinds: Ints, sizes: Ints, random: np.random.Generator) -> list[Objects]:
    placed: list[Objects] = []
    for number in range(MOST):
        low, high = np.array(list(RADIUS.values()))[sizes[:, number]].T
        placed.append(beside(kinds[:, number], random.uniform(low, high), placed, random))
    return placed


def _shaded(colours: Ints, random: np.random.Generator) -> Floats:
    """Red, green and blue (N, 3) near those of the names."""
    return np.array(list(COLOURS.values()))[colours] + random.uniform(-SHADE, SHADE, (len(colours), 3))
