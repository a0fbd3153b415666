"""Nearest neighbours (Euclidean distance), with no table of all pairs: among all samples, or only in near cells.

In cells (an inverted file, Jégou et al. 2011) time grows about as the number of samples does: k-means on a part of
them divides space into cells of some `CELL` samples, and each looks for its neighbours in the `PROBES` cells whose
centres are nearest to it. On relevance maps of ten thousand digits it finds 99 of 100 neighbours.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

CELL = 200
PROBES = 8

MANY = 1024
"""Centres of cells beyond which these have cells of their own: else time would grow as the square of the samples."""

_PAIRS = 2**22
"""Distances that are held at once."""

_GROUP = 32
"""Columns of which the lowest is looked at first."""

_ROUNDS = 5
"""Of k-means: cells need not be good clusters, only of similar size."""

Floats = NDArray[np.float32]
Ints = NDArray[np.intp]
Number = TypeVar("Number", np.float32, np.intp)


def among_all(samples: Floats, neighbors: int, rows: Ints | None = None) -> Ints:
    """The `neighbors` nearest others of each sample (n, d), or of those in `rows`, in no order."""
    rows = np.arange(len(samples)) if rows is None else rows
    found = np.empty((len(rows), neighbors), np.intp)
    half = _half_squares(samples)
    for part in _blocks(len(rows), len(samples)):
        far = half - samples[rows[part]] @ samples.T
        far[np.arange(len(far)), rows[part]] = np.inf  # not itself
        found[part] = _lowest(far, neighbors)
    return found


def in_cells(samples: Floats, neighbors: int, seed: int) -> Ints:
    """Most of the `neighbors` nearest others of each sample (n, d), in no order; the same for the same seed."""
    random = np.random.default_rng(seed)
    centres = _centres(samples, max(1, len(samples) // CELL), random)
    found, _ = _in_cells(samples, samples, *_cells(samples, centres, random), neighbors)
    few = np.flatnonzero((found < 0).any(1))  # whose cells have too few samples
    found[few] = among_all(samples, neighbors, few)
    return found


def _in_cells(samples: Floats, points: Floats, home: Ints, asked: Ints, count: int) -> tuple[Ints, Floats]:
    """The `count` nearest of `points` (m, d) that each sample (n, d) finds, and how far they are, (n, count) each.

    Each point is in the cell `home` (m,), and a sample looks into the cells `asked` (n, p). Where it finds fewer there
    is -1. Samples that are the points themselves do not count as their own neighbours.
    """
    cells = int(max(home.max(), asked.max())) + 1
    found = np.full((len(samples), count), -1, np.intp)
    distance = np.full(found.shape, np.inf, np.float32)
    half = _half_squares(points)
    for inside, places in zip(_grouped(home, cells), _grouped(asked.ravel(), cells), strict=True):
        visitors = places // asked.shape[1]
        for part in _blocks(len(visitors), max(len(inside), samples.shape[1])):
            asking = visitors[part]
            far = half[inside] - samples[asking] @ points[inside].T
            if samples is points:
                far[asking[:, None] == inside] = np.inf
            if len(inside):
                _keep_nearest(found, distance, asking, inside, far)
    return found, distance


def _keep_nearest(found: Ints, distance: Floats, asking: Ints, inside: Ints, far: Floats) -> None:
    """Merge what samples `asking` found so far with samples `inside`, which are `far` (asking, inside) from them."""
    near = _lowest(far, min(found.shape[1], len(inside)))
    who = np.concatenate([found[asking], np.where(np.isfinite(_at(far, near)), inside[near], -1)], 1)
    how_far = np.concatenate([distance[asking], _at(far, near)], 1)
    best = _lowest(how_far, found.shape[1])
    found[asking], distance[asking] = _at(who, best), _at(how_far, best)


def _centres(samples: Floats, count: int, random: np.random.Generator) -> Floats:
    """Centres of cells, (count, d), by k-means on a part of the samples."""
    part = samples[np.sort(random.permutation(len(samples))[: 40 * count])]
    centres = part[random.permutation(len(part))[:count]]
    for _ in range(_ROUNDS):
        home, _ = _cells(part, centres, random)
        order = np.argsort(home, kind="stable")
        starts = np.flatnonzero(np.diff(home[order], prepend=-1))
        sizes = np.diff(starts, append=len(order))
        centres[home[order[starts]]] = np.add.reduceat(part[order], starts) / sizes[:, None]
    return centres


def _cells(samples: Floats, centres: Floats, random: np.random.Generator) -> tuple[Ints, Ints]:
    """The nearest centre of each sample, (n,), and the `PROBES` nearest ones, (n, PROBES), in no order."""
    return _near_cells(samples, centres, random) if len(centres) > MANY else _all_cells(samples, centres)


def _all_cells(samples: Floats, centres: Floats) -> tuple[Ints, Ints]:
    home = np.empty(len(samples), np.intp)
    asked = np.empty((len(samples), min(PROBES, len(centres))), np.intp)
    half = _half_squares(centres)
    for part in _blocks(len(samples), len(centres)):
        far = half - samples[part] @ centres.T
        home[part], asked[part] = far.argmin(1), _lowest(far, asked.shape[1])
    return home, asked


def _near_cells(samples: Floats, centres: Floats, random: np.random.Generator) -> tuple[Ints, Ints]:
    """As `_all_cells`, but a sample is compared only with the centres that are in cells near to it."""
    coarse = _centres(centres, round(len(centres) ** 0.5), random)
    home, _ = _cells(centres, coarse, random)
    _, asked = _cells(samples, coarse, random)
    found, distance = _in_cells(samples, centres, home, asked, PROBES)
    nearest = _at(found, distance.argmin(1)[:, None])[:, 0]
    few = np.flatnonzero((found < 0).any(1))  # whose cells have too few centres
    nearest[few], found[few] = _all_cells(samples[few], centres)
    return nearest, found


def _half_squares(samples: Floats) -> Floats:
    """Half of |y|², (n,): less x·y this orders y as the distance from x does."""
    squares: Floats = np.einsum("ij,ij->i", samples, samples) / 2
    return squares


def _blocks(rows: int, columns: int) -> Iterator[slice]:
    """Parts of `rows` that have no more than `_PAIRS` pairs with `columns`."""
    size = max(1, _PAIRS // columns)
    return (slice(first, first + size) for first in range(0, rows, size))


def _lowest(values: Floats, count: int) -> Ints:
    """Columns of the `count` lowest in each row, in no order."""
    width = values.shape[1] // _GROUP
    if width <= 2 * count:
        return np.argpartition(values, count - 1, axis=1)[:, :count]
    # The lowest of all are in those groups of columns that have the lowest minima. Minima cost a tenth of a partition.
    grouped = _GROUP * width
    near = _lowest(values[:, :grouped].reshape(len(values), _GROUP, width).min(1), count)
    rest = np.broadcast_to(np.arange(grouped, values.shape[1]), (len(values), values.shape[1] - grouped))
    columns = np.concatenate([near + first for first in range(0, grouped, width)] + [rest], 1)
    return _at(columns, _lowest(_at(values, columns), count))


def _at(values: NDArray[Number], columns: Ints) -> NDArray[Number]:
    return np.take_along_axis(values, columns, 1)


def _grouped(numbers: Ints, count: int) -> list[Ints]:
    """For each of `count` numbers where it stands in `numbers`, in order."""
    order = np.argsort(numbers, kind="stable")
    return np.split(order, np.searchsorted(numbers[order], np.arange(1, count)))
