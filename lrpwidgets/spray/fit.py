"""What a SpRAy analysis found: the numbers of an atlas, which files of atlases keep."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .features import Features
from .spectral import Spectrum

if TYPE_CHECKING:
    from scipy.sparse import csr_array

    from .store import RelevanceStore, Selection
    from .views import View


@dataclass(frozen=True, eq=False, repr=False)
class Fit:
    """Numbers of an analysis; :class:`.Atlas` answers questions about them."""

    selection: Selection = field(repr=False)
    """What was asked for."""
    rows: NDArray[np.int64] = field(repr=False)
    """Rows of the store that were analysed, (n,)."""
    excluded: dict[str, int]
    """How many rows of the selection were left out, by reason."""
    features: Features
    neighbors: int
    seed: int
    spectrum: Spectrum = field(repr=False)
    """Of the neighbour graph, (n, ...)."""
    affinity: csr_array = field(repr=False)
    """The neighbour graph over samples that differ."""
    inverse: NDArray[np.intp] = field(repr=False)
    """Which sample of the graph each row is, (n,): equal maps share one."""
    clusters: NDArray[np.int32] = field(repr=False)
    """The cluster of each row, (n,), from the largest, 0, on; −1 for the noise of HDBSCAN."""
    clustering: str
    """How they were made, such as "spectral-4"."""
    notes: tuple[str, ...] = ()
    """Sentences to read before trusting it."""
    views: tuple[View, ...] = ()
    """What was looked at to find where clusters stand apart, that which was taken first; empty if it was given."""
    seconds: float = 0.0
    """What :func:`spray` took, without t-SNE and UMAP; 0 for an atlas from a file."""
    _made: dict[str, NDArray[np.float32]] = field(default_factory=dict, repr=False)

    @property
    def store(self) -> RelevanceStore:
        """Where the maps are."""
        return self.selection.store
