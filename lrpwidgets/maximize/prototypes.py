"""Prototypical concept explanations: by which mixtures of channels a class is recognized (Dreyer et al. 2024).

Every input of a class is described by how its relevance is spread over the channels of a layer. Inputs with the same
mixture share a strategy; those in the middle of a strategy are its prototypes, and an input whose mixture is like no
other's is an outlier, whatever its score says.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..lrp import Explanation

if TYPE_CHECKING:
    from .reference_samples import References
    from .reference_store import ReferenceStore

FEWEST = 10
"""Inputs of a class that can be clustered at least."""

MOST = 8
"""Strategies that are tried if their number is left open."""

AXES = 16
"""Principal components in which mixtures are compared at most: a class has fewer inputs than a layer has channels."""


@dataclass(frozen=True, eq=False, repr=False)
class Strategies:
    """The strategies of a class, the most frequent first: made by :func:`strategies`."""

    references: References = field(repr=False)
    """The layer and the data set."""
    label: int
    """The class that was explained."""
    samples: NDArray[np.int64]
    """Its inputs, numbers in the data set, (n,)."""
    strategy: NDArray[np.int64]
    """Which strategy each of them has, (n,)."""
    mixtures: NDArray[np.float32] = field(repr=False)
    """How the relevance of each is spread over the channels, (n, C); the sizes of a row add up to 1."""
    log_likelihoods: NDArray[np.float64] = field(repr=False)
    """How usual each mixture is, in nats, (n,)."""
    _space: Any = field(repr=False)
    _mixture: Any = field(repr=False)
    _order: NDArray[np.int64] = field(repr=False)

    def __repr__(self) -> str:
        shares = ", ".join(f"{share:.0%}" for share in self.shares)
        where = f"class {self.label} in {self.references.layer!r}"
        return f"Strategies({where}: {self.count} of {len(self.samples)} inputs, {shares})"

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self._order)

    @property
    def shares(self) -> NDArray[np.float64]:
        """Part of the class's inputs that has each strategy, (count,)."""
        shares: NDArray[np.float64] = np.bincount(self.strategy, minlength=self.count) / len(self.samples)
        return shares

    def prototypes(self, number: int, k: int = 6) -> NDArray[np.int64]:
        """The `k` inputs nearest to the middle of a strategy, numbers in the data set, the nearest first.

        Raises
        ------
        ValueError
            If there is no such strategy.
        """
        members = np.flatnonzero(self.strategy == self._checked(number))
        middle = self._mixture.means_[self._order[number]]
        far = np.linalg.norm(self._space.transform(self.mixtures[members]) - middle, axis=1)
        found: NDArray[np.int64] = self.samples[members[np.argsort(far, kind="stable")[:k]]]
        return found

    def channels(self, number: int, k: int = 6) -> list[tuple[int, float]]:
        """The `k` channels that carry most of a strategy, each with its mean part of the relevance."""
        mean = self.mixtures[self.strategy == self._checked(number)].mean(0)
        return [(int(each), float(mean[each])) for each in np.argsort(-mean, kind="stable")[:k]]

    def of(self, explanation: Explanation) -> NDArray[np.float32]:
        """The mixtures (B, C) of an explanation, to be held against those of the class; it must have the layer."""
        shape, layer = self.references.shape, self.references.layer
        relevance = shape.planes(explanation[layer].relevance).sum(2)
        return mixed(relevance.numpy(force=True))

    def nearest(self, mixtures: ArrayLike) -> NDArray[np.int64]:
        """Which strategy each of some mixtures (m, C) is nearest to, (m,)."""
        found = self._mixture.predict(self._space.transform(np.asarray(mixtures, np.float32)))
        nearest: NDArray[np.int64] = np.argsort(self._order)[found]
        return nearest

    def unusual(self, mixtures: ArrayLike) -> NDArray[np.float64]:
        """How unusual some mixtures (m, C) are for the class: the share of its inputs that are more usual, 0 to 1."""
        likely = self._mixture.score_samples(self._space.transform(np.asarray(mixtures, np.float32)))
        unusual: NDArray[np.float64] = (self.log_likelihoods[None] > likely[:, None]).mean(1)
        return unusual

    def _checked(self, number: int) -> int:
        if isinstance(number, bool) or not 0 <= number < self.count:
            raise ValueError(f"There is no strategy {number!r}; there are {self.count}, numbered from 0.")
        return number


def strategies(references: References, label: int, count: int | None = None, seed: int = 0) -> Strategies:
    """How the model recognizes a class, by the channels of a layer.

    A Gaussian mixture is fitted to how the relevance of the inputs is spread over the channels, in their first
    principal components.

    Parameters
    ----------
    references
        Of the layer; its pass was made for the data set.
    label
        The class: all inputs that were explained for it are looked at.
    count
        How many strategies; by default as many as the Bayesian information criterion prefers, up to eight.
    seed
        Same seed, same strategies.

    Raises
    ------
    ValueError
        If there are too few inputs of the class, or fewer than `count`.
    """
    from sklearn.decomposition import PCA
    from sklearn.mixture import GaussianMixture
    from threadpoolctl import threadpool_limits

    store = references.store
    rows = np.flatnonzero(store.done & (store.target == label))
    least = max(FEWEST, 2 * (count or 1))
    if isinstance(count, bool) or (count is not None and count < 1):
        raise ValueError(f"count must be a whole number from 1 on, or None, got {count!r}.")
    if len(rows) < least:
        raise ValueError(
            f"{len(rows)} input{' was' if len(rows) == 1 else 's were'} explained for {_named(store, label)}, and "
            f"{least} are needed at least; classes with most are {', '.join(_frequent(store))}."
        )
    mixtures = mixed(store.relevance(references.layer, rows))
    with threadpool_limits(1):  # see density.py
        axes = min(AXES, mixtures.shape[1], len(rows) // 5)
        space = PCA(axes, random_state=seed).fit(mixtures)
        points = space.transform(mixtures)
        spread = max(float(points.var(0).mean()), 1e-12)
        tried = [
            GaussianMixture(number, covariance_type="diag", reg_covar=1e-2 * spread, random_state=seed).fit(points)
            for number in ([count] if count else range(1, min(MOST, len(rows) // FEWEST) + 1))
        ]
        mixture = min(tried, key=lambda each: each.bic(points))
        found, likely = mixture.predict(points), mixture.score_samples(points)
    order = np.argsort(-np.bincount(found, minlength=mixture.n_components), kind="stable")
    return Strategies(references, label, rows, np.argsort(order)[found], mixtures, likely, space, mixture, order)


def mixed(relevance: NDArray[np.float32] | Tensor) -> NDArray[np.float32]:
    """Channel relevance (n, C) as parts of its size: each row over Σ|R|, zeros where nothing is relevant."""
    rows = np.asarray(relevance, np.float32)
    sizes = np.abs(rows).sum(1, keepdims=True)
    found: NDArray[np.float32] = np.divide(rows, sizes, out=np.zeros_like(rows), where=sizes > 0)
    return found


def _frequent(store: ReferenceStore) -> list[str]:
    """The three classes with most inputs."""
    labels, counts = np.unique(store.target[store.done], return_counts=True)
    return [_named(store, int(each)) for each in labels[np.argsort(-counts, kind="stable")][:3]]


def _named(store: ReferenceStore, label: int) -> str:
    """A class by number and, where it is known, name."""
    name = store.class_name(label) if 0 <= label < len(store.classes) else ""
    return f"class {label}" + (f" ({name})" if name not in {"", str(label)} else "")
