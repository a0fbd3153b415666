"""The spectrum of the neighbour graph: how many strategies there are, and coordinates in which they lie apart.

The normalised Laplacian is L = I − D^−½ A D^−½ (Ng, Jordan and Weiss 2002; von Luxburg 2007). Its eigenvalue 0 has one
eigenvector for each connected component, so each component is solved on its own: an iterative solver finds repeated
eigenvalues by luck only.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..readable import Readable

if TYPE_CHECKING:
    from scipy.sparse import csr_array

EIGENVALUES = 32
"""How many are found at least, where there are so many."""

EIGENGAPS = 16
"""Clusters that the largest relative gap of the eigenvalues suggests at most."""

MOST = 64
"""How many are found at most, also for a graph of more components."""

_DENSE = 300
"""Samples of a component up to which all its eigenvectors are found at once."""

_ZERO = 1e-9
"""Eigenvalues below are 0."""

_NEARLY = 0.9
"""A gap that is so much of the largest is nearly as large."""

_SOFT = 0.005
"""Eigenvalues below differ by noise only."""


@dataclass(frozen=True, eq=False, repr=False)
class Spectrum(Readable):
    """The smallest eigenpairs of the normalised Laplacian."""

    eigenvalues: NDArray[np.float64]
    """(m,), ascending, from 0 to 2."""
    vectors: NDArray[np.float64]
    """(n, m): column i belongs to eigenvalue i and has length 1."""
    components: int
    """Connected components of the graph, which is also how many eigenvalues are 0."""
    degrees: NDArray[np.float64]
    """Sum of affinities of each sample, (n,)."""


def spectrum(affinity: csr_array, seed: int, wanted: int = EIGENVALUES) -> Spectrum:
    """The smallest eigenpairs of the normalised Laplacian of `affinity`, symmetric, (n, n).

    There are `wanted`, or one more than there are components, but never more than `MOST` or n. Signs of
    eigenvectors are fixed: the largest entry is positive.
    """
    from scipy.sparse.csgraph import connected_components

    degrees = np.asarray(affinity.sum(1)).ravel()
    scale = 1 / np.sqrt(np.where(degrees > 0, degrees, 1))
    similarity = affinity.multiply(scale[:, None]).multiply(scale[None]).tocsr()
    components, member = connected_components(affinity, directed=False)
    count = min(max(wanted, components + 1), MOST, len(degrees))
    values, vectors = [], []
    for each in np.argsort(-np.bincount(member), kind="stable")[:count]:  # the largest first
        inside = np.flatnonzero(member == each)
        trivial = np.sqrt(degrees[inside]) if len(inside) > 1 else np.ones(1)
        found, columns = _smallest(similarity[inside][:, inside], count, seed, trivial)
        values.append(found)
        vectors.append((inside, columns))
    order = np.argsort(np.concatenate(values), kind="stable")[:count]
    return Spectrum(np.concatenate(values)[order], _columns(vectors, order, len(degrees)), components, degrees)


def eigengap(eigenvalues: NDArray[np.float64], most: int = EIGENGAPS) -> int:
    """How many clusters the eigenvalues suggest: those before the largest relative gap, 2 to `most` of them.

    A gap counts by how many times larger the next eigenvalue is, so that a small one among small eigenvalues is
    seen; of gaps that are nearly as large the first, which makes fewer clusters. Zero eigenvalues are components,
    and there are at least as many clusters as these.
    """
    zeros = int((eigenvalues < _ZERO).sum())
    least = max(2, zeros)
    last = min(max(most, least), len(eigenvalues) - 1)
    if last < least:
        return max(1, last, zeros)
    ratios = (eigenvalues[least : last + 1] + _SOFT) / (eigenvalues[least - 1 : last] + _SOFT)
    return least + int(np.argmax(ratios >= _NEARLY * ratios.max()))


def _smallest(
    similarity: csr_array, count: int, seed: int, trivial: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """The smallest eigenpairs of I − `similarity`, of one component whose eigenvector of 0 is `trivial`."""
    from scipy.linalg import eigh
    from scipy.sparse.linalg import eigsh
    from threadpoolctl import threadpool_limits

    size = similarity.shape[0]
    count = min(count, size)
    if size <= max(_DENSE, 2 * count):
        values, vectors = eigh(similarity.toarray())
        values, vectors = values[::-1][:count], vectors[:, ::-1][:, :count]
    else:
        start = np.random.default_rng(seed).standard_normal(size)
        with threadpool_limits(1, "blas"):  # its vectors are so short that threads would take ten times as long
            values, vectors = eigsh(similarity, k=count, which="LA", v0=start, ncv=max(2 * count + 1, 64), tol=1e-6)
        order = np.argsort(-values, kind="stable")
        values, vectors = values[order], vectors[:, order]
    values, vectors = np.maximum(1 - values, 0), _signed(vectors)
    values[0], vectors[:, 0] = 0.0, trivial / np.linalg.norm(trivial)  # known exactly
    return values, vectors


def _signed(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    largest = np.abs(vectors).argmax(0)
    return vectors * np.where(vectors[largest, np.arange(vectors.shape[1])] < 0, -1.0, 1.0)


def _columns(
    parts: list[tuple[NDArray[np.intp], NDArray[np.float64]]], order: NDArray[np.intp], samples: int
) -> NDArray[np.float64]:
    """The columns `order` of all `parts` side by side, each zero outside of its component."""
    whole = np.zeros((samples, len(order)))
    place = {int(column): number for number, column in enumerate(order)}
    first = 0
    for inside, columns in parts:
        for own in range(columns.shape[1]):
            if first + own in place:
                whole[inside, place[first + own]] = columns[:, own]
        first += columns.shape[1]
    return whole
