"""Ways to cut a neighbour graph into clusters; scikit-learn does the work."""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .spectral import Spectrum, eigengap

if TYPE_CHECKING:
    from scipy.sparse import csr_array

Method = Literal["spectral", "agglomerative", "hdbscan"]
METHODS: tuple[Method, ...] = get_args(Method)
"""k-means in the spectral embedding, Ward's method along the graph, and HDBSCAN, which finds k itself."""

NOISE = -1
"""The cluster of samples that HDBSCAN puts into none."""

_GRAIN = 0.05
"""Noise, in lengths of a sample's coordinates, below which HDBSCAN sees no structure."""


def clustered(
    spectrum: Spectrum, affinity: csr_array, method: Method, count: int | None, seed: int
) -> NDArray[np.int32]:
    """The cluster of each sample, (n,), numbered from the largest on.

    Parameters
    ----------
    spectrum, affinity
        Of the neighbour graph.
    method
        One of `METHODS`.
    count
        How many clusters; None for as many as the eigengap suggests. HDBSCAN takes none.
    seed
        For k-means, and for the noise that HDBSCAN needs.

    Raises
    ------
    ValueError
        If the method is unknown, or there are fewer samples than clusters.
    """
    if method not in METHODS:
        raise ValueError(f"There is no clustering {method!r}; choose one of {', '.join(METHODS)}.")
    samples = len(spectrum.vectors)
    if count is not None and (method == "hdbscan" or not 1 <= count <= samples):
        way = "hdbscan finds their number itself" if method == "hdbscan" else f"there are {samples} samples"
        raise ValueError(f"{count} clusters cannot be made: {way}.")
    wanted = min(count or eigengap(spectrum.eigenvalues), samples)
    if wanted == 1 and method != "hdbscan":
        return np.zeros(samples, np.int32)
    made = {"spectral": _spectral, "agglomerative": _agglomerative, "hdbscan": _hdbscan}[method]
    return _largest_first(made(spectrum, affinity, wanted, seed))


def coordinates(spectrum: Spectrum, count: int) -> NDArray[np.float64]:
    """The first `count` eigenvectors, each sample's row of length 1 (Ng, Jordan and Weiss 2002)."""
    rows = spectrum.vectors[:, :count]
    length = np.linalg.norm(rows, axis=1, keepdims=True)
    return rows / np.where(length > 0, length, 1)


def _spectral(spectrum: Spectrum, affinity: csr_array, count: int, seed: int) -> NDArray[np.int32]:
    from sklearn.cluster import KMeans

    found: NDArray[np.int32] = KMeans(count, n_init=10, random_state=seed).fit_predict(coordinates(spectrum, count))
    return found


def _agglomerative(spectrum: Spectrum, affinity: csr_array, count: int, seed: int) -> NDArray[np.int32]:
    from sklearn.cluster import AgglomerativeClustering

    ward = AgglomerativeClustering(count, connectivity=_in_one_piece(affinity))
    found: NDArray[np.int32] = ward.fit_predict(coordinates(spectrum, count))
    return found


def _in_one_piece(affinity: csr_array) -> csr_array:
    """The graph with an edge from each component to the next: for want of one, all pairs would be compared."""
    from scipy.sparse import csr_array
    from scipy.sparse.csgraph import connected_components

    first = np.unique(connected_components(affinity, directed=False)[1], return_index=True)[1]
    bridges = csr_array((np.ones(len(first) - 1), (first[:-1], first[1:])), shape=affinity.shape)
    return csr_array(affinity + bridges + bridges.T)


def _hdbscan(spectrum: Spectrum, affinity: csr_array, count: int, seed: int) -> NDArray[np.int32]:
    from sklearn.cluster import HDBSCAN

    least = max(5, len(spectrum.vectors) // 50)
    if len(spectrum.vectors) <= least:
        return np.zeros(len(spectrum.vectors), np.int32)
    space = coordinates(spectrum, count)
    # It compares densities by their quotients: a group whose samples nearly coincide would fall into specks.
    blurred = space + _GRAIN * np.random.default_rng(seed).standard_normal(space.shape)
    found: NDArray[np.int32] = HDBSCAN(min_cluster_size=least, copy=True).fit_predict(blurred)
    return found


def _largest_first(labels: NDArray[np.int32]) -> NDArray[np.int32]:
    """Numbers in the order of size, so that colours and cards come in the same order; noise stays noise."""
    sizes = np.bincount(labels[labels >= 0], minlength=1)
    rank = np.empty(len(sizes), np.int32)
    rank[np.argsort(-sizes, kind="stable")] = np.arange(len(sizes))
    return np.where(labels >= 0, rank[labels], NOISE).astype(np.int32)
