"""The handwritten digits that come with scikit-learn, read without importing it: that takes a second."""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

FILE = Path("datasets", "data", "digits.csv.gz")
"""Where they are in scikit-learn's folder: a line for each, 64 pixels and the class."""


def handwritten() -> tuple[NDArray[np.float64], NDArray[np.int64]]:
    """All 1797: images (1797, 8, 8), in which 16 is full ink, and labels (1797,), as `load_digits` has them."""
    place = find_spec("sklearn")
    assert place is not None  # it is among the requirements
    assert place.origin is not None
    table = np.loadtxt(Path(place.origin).parent / FILE, delimiter=",")
    return table[:, :64].reshape(-1, 8, 8), table[:, 64].astype(np.int64)
