"""Outlines of the shapes in `lrpwidgets.subjects.scenes`: which points of the plane lie inside.

Each takes coordinates of any one shape, from the centre and in units of the shape's radius, and gives a bool for
each point. Every shape lies in the unit disc and touches its rim.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Bools = NDArray[np.bool_]


def disc(x: Floats, y: Floats) -> Bools:
    """All within the radius."""
    return x**2 + y**2 <= 1


def ring(x: Floats, y: Floats) -> Bools:
    """The disc without a hole of half its radius."""
    square = x**2 + y**2
    return (square <= 1) & (square > 0.25)


def square(x: Floats, y: Floats) -> Bools:
    """Its corners touch the rim."""
    return np.asarray((np.abs(x) <= 0.5**0.5) & (np.abs(y) <= 0.5**0.5))


def triangle(x: Floats, y: Floats) -> Bools:
    """Equilateral, one corner up; y points down, as in pictures."""
    return np.asarray((y <= 0.5) & (3**0.5 * np.abs(x) - y <= 1))


def cross(x: Floats, y: Floats) -> Bools:
    """Two bars of 0.6 times the radius, a plus sign."""
    x, y = np.abs(x), np.abs(y)
    return (np.minimum(x, y) <= 0.3) & (np.maximum(x, y) <= 0.95)


def star(x: Floats, y: Floats) -> Bools:
    """Five points, one up."""
    points = np.arange(5) * 0.4 * np.pi
    lines = [np.sin(angle) * x + np.cos(angle) * y <= np.cos(0.4 * np.pi) for angle in points]  # sides of a pentagon
    # in the pentagon it is inside of all five, in a point of four
    return np.asarray(np.sum(lines, axis=0, dtype=np.int8) >= 4)


OUTLINES: dict[str, Callable[[Floats, Floats], Bools]] = {
    outline.__name__: outline for outline in (disc, ring, square, triangle, cross, star)
}
"""By name, in the order of the classes."""
