"""Where a strategy shows: in the relevance of the input, or in that of a layer's channels.

The separability τ cannot say: k-means finds clusters also where there are none, and in the spectral embedding, where τ
is measured, the pieces of one elongated group stand as far apart as clusters do. So the same discriminant is taken in
the principal components of what is compared, where the halves of a Gaussian have about 2, however long it is, and held
against chance: as many samples of one Gaussian with the same covariance, which has no clusters, cut in the same way
(SigClust, Liu et al. 2008, with another statistic). How far it exceeds those compares across views and classes.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Watcher, listening
from .channels import INPUT
from .clusters import clustered
from .features import Features, NothingToCompareError, distinct, usable
from .neighbors import neighbor_graph
from .separability import separability
from .spectral import EIGENGAPS, spectrum

if TYPE_CHECKING:
    from .store import Selection

COMPONENTS = 8
"""Principal components in which it is measured how far clusters stand apart."""

MOST = 300
"""Maps that a view is judged by; of more, as many are drawn at random."""

DRAWS = 10
"""Samples without clusters; where maps are not even above their mean after `FIRST` of them, no more are drawn."""

FIRST = 4

SEEN = 0.9
"""Share of maps that must have relevance in a layer, so that it is looked at."""

STANDS_OUT = 0.01
"""Probability up to which chance is no explanation.

Of 200 selections of noise that it was not set on one had less, of 200 of one long group nine: maps are divided by
Σ|R|, which bends a Gaussian. None had less than a tenth of it, which is what a class among ten must have.
"""


@dataclass(frozen=True)
class View:
    """How clearly clusters stand apart in what is compared."""

    layer: str
    """``"input"``, or the layer whose channels are compared."""
    apart: float
    """Fisher's discriminant of the cluster that stands apart most, in the principal components of 300 maps at most."""
    ordinary: float
    """What that is where there are no clusters: the geometric mean over samples of a Gaussian."""
    chance: float
    """Probability that it is so large in any of the views that were looked at, if none of them has clusters."""

    @property
    def times(self) -> float:
        """How far the clusters stand apart in units of what is ordinary; compares across views and classes."""
        return self.apart / self.ordinary

    @property
    def stands_out(self) -> bool:
        """Whether chance is no explanation."""
        return self.chance <= STANDS_OUT


def looked(
    selection: Selection, features: Features, layers: Sequence[str], neighbors: int, seed: int, tell: Watcher
) -> tuple[View, ...]:
    """The view of `selection` at each of `layers`, that in which clusters stand apart most clearly first.

    Where they stand out in none of them, the order is that of `layers`.

    Raises
    ------
    NothingToCompareError
        If there is nothing to compare in any of them.
    """
    from threadpoolctl import threadpool_limits

    rows = np.sort(np.random.default_rng(seed).permutation(selection.rows)[:MOST])
    some = replace(selection, rows=rows)
    found: list[View] = []
    for number, layer in enumerate(layers):
        tell(Progress(number, len(layers), "looking at layers"))
        try:
            with listening(False) as nobody:  # the reading of a few maps is not worth telling
                known = usable(some, replace(features, layer=layer), nobody)
        except NothingToCompareError:
            if layer == layers[-1] and not found:
                raise
            continue
        if len(known.rows) >= SEEN * len(rows) or layer == INPUT:  # else it would tell of few maps only
            with threadpool_limits(1):  # k-means of so few maps would mostly wait for threads
                found.append(_held_against_chance(layer, known.features, len(layers), neighbors, seed))
    return tuple(sorted(found, key=lambda each: -each.times if each.stands_out else 0))  # sorting is stable


def _held_against_chance(layer: str, vectors: NDArray[np.float32], views: int, neighbors: int, seed: int) -> View:
    first, _ = distinct(vectors)
    samples = _turned(vectors[first].astype(np.float64))
    if len(samples) < 3:
        return View(layer, 0.0, 1.0, 1.0)
    apart, deviations = _apart(samples, neighbors, seed), samples.std(0)
    random = np.random.default_rng(seed)
    drawn: list[float] = []
    while len(drawn) < DRAWS and (len(drawn) != FIRST or np.log(apart) > np.mean(drawn)):
        gaussian = random.standard_normal(samples.shape) * deviations
        drawn.append(float(np.log(_apart(gaussian, neighbors, seed))))
    chance = min(1.0, views * _beyond(float(np.log(apart)), drawn))
    return View(layer, apart, float(np.exp(np.mean(drawn))), chance)


def _beyond(value: float, drawn: Sequence[float]) -> float:
    """Probability that one more of `drawn`, which are taken to be normal, is as large as `value`."""
    from scipy.stats import t

    spread = max(float(np.std(drawn, ddof=1)), 1e-9) * (1 + 1 / len(drawn)) ** 0.5
    return float(t.sf((value - np.mean(drawn)) / spread, len(drawn) - 1))


def _turned(vectors: NDArray[np.float64]) -> NDArray[np.float64]:
    """The same samples along their principal axes: with the same distances, and no two axes that correlate."""
    left, size, _ = np.linalg.svd(vectors - vectors.mean(0), full_matrices=False)
    turned: NDArray[np.float64] = left * size
    return turned


def _apart(samples: NDArray[np.float64], neighbors: int, seed: int) -> float:
    """How far that cluster stands apart which does most, of as many as the eigengap suggests."""
    affinity = neighbor_graph(samples.astype(np.float32), min(neighbors, len(samples) - 1), seed)
    found = spectrum(affinity, seed, EIGENGAPS + 1)
    labels, leading = clustered(found, affinity, "spectral", None, seed), _leading(samples)
    return max(1e-9, *(separability(leading, labels == number) for number in range(int(labels.max()) + 1)))


def _leading(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    """The samples' leading principal components, (n, k)."""
    from scipy.linalg import eigh

    centred, last = samples - samples.mean(0), len(samples) - 1
    sizes, found = eigh(centred @ centred.T, subset_by_index=(max(0, last - COMPONENTS + 1), last))
    leading: NDArray[np.float64] = found * np.sqrt(sizes.clip(min=0))
    return leading
