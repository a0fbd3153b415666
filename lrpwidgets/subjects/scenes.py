"""Generated pictures for the subjects ``shapes`` and ``clever-hans``: textured objects on a textured ground.

A scene has one large object near its middle, which gives it its class, and up to three small ones of any class, which
are there to distract. Objects never touch. `scenes` draws them: numpy only, the same for the same seed, some
thousand in a second.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from ..readable import Readable
from .outlines import OUTLINES

Floats: TypeAlias = NDArray[np.floating]
Ints: TypeAlias = NDArray[np.integer]

CLASSES = list(OUTLINES)
"""What the large object can be."""

SIZE = 64
"""Height and width of a scene in pixels."""

LARGE, SMALL = (13.0, 17.0), (5.0, 8.0)
"""Radius of the object that gives the class and of the others, in pixels: from, to."""

ASTRAY = 6.0
"""How far the large object may lie from the middle, in pixels along each axis."""

DISTRACTORS = 3
"""Most small objects in a scene."""

TRIES = 8
"""Places that are tried for an object; where it would touch another one at each, it is left out."""

TURN = 0.35
"""How far an object may be turned either way, in radians."""

CONTRAST = (0.12, 0.6)
"""How far an object's colour is from the ground's in each channel, of 1: from, to. Some are hard to see."""


@dataclass(frozen=True, eq=False)
class Scenes:
    """Pictures, and what is where in them."""

    pixels: NDArray[np.uint8] = field(repr=False)
    """Colours (N, 3, 64, 64), 0 to 255."""
    labels: Ints = field(repr=False)
    """Class of each, (N,): that of its large object, an index into `CLASSES`."""
    masks: NDArray[np.uint8] = field(repr=False)
    """Whose pixel it is, (N, 64, 64): 0 the ground, 1 the large object, 2 to 4 the small ones."""


@dataclass(frozen=True, eq=False, repr=False)
class Objects(Readable):
    """One object of each scene."""

    kinds: Ints
    """Class (N,); −1 where the scene has no such object."""
    radius: Floats
    """(N,), in pixels."""
    centre: Floats
    """Row and column (2, N), in pixels."""


def scenes(per_class: int, seed: int) -> Scenes:
    """Draw `per_class` scenes of each class; classes take turns."""
    random = np.random.default_rng(seed)
    labels = np.tile(np.arange(len(CLASSES)), per_class)
    ground = random.random((len(labels), 3), dtype=np.float32)
    pixels = _textured(ground, _everywhere(len(labels)), random)
    masks = np.zeros((len(labels), SIZE, SIZE), np.uint8)
    for number, objects in enumerate(_placed(labels, random), start=1):
        where = inside(objects, random.uniform(-TURN, TURN, len(labels)))
        masks[where] = number
        pixels[:, *where] = _textured(_contrasting(ground, random), where, random)
    return Scenes((pixels * 255).round().astype(np.uint8).swapaxes(0, 1), labels, masks)


def _placed(labels: Ints, random: np.random.Generator) -> list[Objects]:
    """The large objects, then small ones."""
    count = len(labels)
    middle = (SIZE - 1) / 2 + random.uniform(-ASTRAY, ASTRAY, (2, count))
    placed = [Objects(labels, random.uniform(*LARGE, count), middle)]
    wanted = random.integers(1, DISTRACTORS + 1, count)
    for number in range(DISTRACTORS):
        kinds = np.where(number < wanted, random.integers(len(CLASSES), size=count), -1)
        placed.append(beside(kinds, random.uniform(*SMALL, count), placed, random))
    return placed


def beside(kinds: Ints, radius: Floats, placed: Sequence[Objects], random: np.random.Generator) -> Objects:
    """Objects (N,) where they touch none that is placed and stay in the picture; of kind −1 where no place is free."""
    centre, free = np.zeros((2, len(kinds))), np.zeros(len(kinds), bool)
    for _ in range(TRIES):
        elsewhere = radius + (SIZE - 1 - 2 * radius) * random.random(centre.shape)
        centre = np.where(free, centre, elsewhere)
        gaps = [np.hypot(*(centre - other.centre)) - radius - other.radius for other in placed]
        free = np.all([gap > 2 for gap in gaps], axis=0)
    return Objects(np.where(free, kinds, -1), radius, centre)


def inside(objects: Objects, turn: Floats) -> tuple[Ints, Ints, Ints]:
    """Scene, row and column (P,) of the pixels in the objects, each turned by an angle (N,) in radians."""
    reach = int(np.ceil(objects.radius.max())) + 1
    around = np.rint(objects.centre).astype(int)[:, :, None] + np.arange(-reach, reach + 1)  # 2, N, window
    rows, columns = (around - objects.centre[:, :, None]) / objects.radius[:, None]
    cos, sin = np.cos(turn)[:, None, None], np.sin(turn)[:, None, None]
    x = cos * columns[:, None, :] - sin * rows[:, :, None]
    y = sin * columns[:, None, :] + cos * rows[:, :, None]
    found = np.zeros(x.shape, bool)
    for kind, outline in enumerate(OUTLINES.values()):
        of_kind = objects.kinds == kind
        found[of_kind] = outline(x[of_kind], y[of_kind])
    scene, row, column = np.nonzero(found)
    return scene, around[0, scene, row], around[1, scene, column]


def _everywhere(count: int) -> tuple[Ints, Ints, Ints]:
    """Scene, row and column of all pixels, to be broadcast."""
    scene, row, column = np.ogrid[:count, :SIZE, :SIZE]
    return scene, row, column


def _contrasting(ground: Floats, random: np.random.Generator) -> Floats:
    """Colours (N, 3) apart from the ground's in every channel."""
    away = random.uniform(*CONTRAST, ground.shape).astype(np.float32)
    return ground + np.where(ground < 0.5, away, -away)


def _textured(colour: Floats, where: tuple[Ints, Ints, Ints], random: np.random.Generator) -> Floats:
    """Colours (3, ...) at scene, row, column `where`, each (...): stripes about a scene's colour (N, 3), and grain."""
    count = len(colour)
    angle, phase = random.uniform(0, 2 * np.pi, (2, count))
    pace = 2 * np.pi / random.uniform(3, 12, count)  # stripes are 3 to 12 pixels apart
    down, right, start = np.asarray([pace * np.sin(angle), pace * np.cos(angle), phase], np.float32)
    strength = random.uniform(-0.1, 0.1, (3, count)).astype(np.float32)
    scene, row, column = where
    pattern = np.sin(down[scene] * row.astype(np.float32) + right[scene] * column.astype(np.float32) + start[scene])
    pattern = strength[:, scene] * pattern
    pattern += random.uniform(-0.05, 0.05, pattern.shape[1:]).astype(np.float32)
    clipped: Floats = np.clip(colour.T[:, scene] + pattern, 0, 1)
    return clipped
