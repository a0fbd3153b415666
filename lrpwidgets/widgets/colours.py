"""The diverging colour map: red speaks for the class, blue against it, white is nothing.

``common.js`` draws with the same numbers; the browser tests hold the two against each other.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

FOR = (178, 34, 34)
AGAINST = (33, 102, 172)
GAMMA = 0.7
"""Strength of a colour is |r| to this power, which keeps faint relevance visible."""


def diverging(relevance: ArrayLike, scale: float) -> NDArray[np.uint8]:
    """RGB colours (..., 3) of `relevance` (...).

    ±`scale` and beyond get the full hues, which stay apart for the common colour blindnesses.
    """
    signed = np.asarray(relevance, dtype=np.float64) / scale
    strength = np.clip(np.abs(signed), 0, 1)[..., None] ** GAMMA
    hue = np.where(signed[..., None] > 0, FOR, AGAINST)
    return np.rint(255 + (hue - 255) * strength).astype(np.uint8)
