"""The graph of nearest neighbours, on which strategies are connected regions; never with an n × n matrix."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .nearest import among_all, in_cells

if TYPE_CHECKING:
    from scipy.sparse import csr_array

EXACT = 20_000
"""Samples up to which every pair is compared, block by block: about 8 s on two cores; beyond, those in near cells."""


def neighbor_graph(features: NDArray[np.float32], neighbors: int, seed: int) -> csr_array:
    """Affinity (n, n) of samples that are among each other's `neighbors` nearest (Euclidean distance).

    Mutual neighbours have affinity 1, one-sided ones ½, the rest 0: (W + Wᵀ)/2 of the directed graph W, as CoRelAy
    has it. Rows of `features` must differ from each other.

    Parameters
    ----------
    features
        (n, d), with n > `neighbors`.
    neighbors
        Neighbours of each sample, without itself; 0 for a single sample.
    seed
        For the approximate search, which takes over beyond `EXACT` samples.
    """
    from scipy.sparse import csr_array

    count = len(features)
    if not neighbors:
        return csr_array((count, count))
    exact = count <= EXACT
    nearest = among_all(features, neighbors) if exact else in_cells(features, neighbors, seed)
    ends = np.arange(0, count * neighbors + 1, neighbors)
    directed = csr_array((np.ones(nearest.size), nearest.ravel(), ends), shape=(count, count))
    return csr_array((directed + directed.T) / 2)
