"""Which points lie inside a polygon; ``lasso.js`` asks the same question of the same numbers in the same order."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray


def inside(xy: ArrayLike, polygon: ArrayLike) -> NDArray[np.bool_]:
    """Whether points are inside a polygon, by the even-odd rule in float64.

    Parameters
    ----------
    xy : array-like of shape (n, 2)
        The points. One that is no number is outside.
    polygon : array-like of shape (k, 2)
        The corners in order; the last is joined to the first. Fewer than three have nothing inside.

    Returns
    -------
    ndarray of bool, shape (n,)
        A point is inside if a ray from it to the right crosses the polygon an odd number of times.
    """
    x, y = np.asarray(xy, dtype=np.float64).reshape(-1, 2).T
    corners = np.asarray(polygon, dtype=np.float64).reshape(-1, 2)
    found = np.zeros(len(x), dtype=np.bool_)
    if not len(corners):
        return found
    (left, bottom), (right, top) = corners.min(axis=0), corners.max(axis=0)
    for (x1, y1), (x2, y2) in zip(corners, np.roll(corners, 1, axis=0), strict=True):
        level = np.flatnonzero((y1 > y) != (y2 > y))  # the edge passes the points' height, so y1 is not y2
        found[level] ^= x[level] < (x2 - x1) * (y[level] - y1) / (y2 - y1) + x1
    # beside the polygon nothing is inside, whatever was rounded
    found &= (x >= left) & (x <= right) & (y >= bottom) & (y < top)
    return found
