"""How sure a figure is: the spread of a mean over the samples that it was computed on."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike

LEVEL = 0.95


@dataclass(frozen=True)
class Interval:
    """A mean over samples, and where it would lie with other samples of the same kind."""

    value: float
    low: float
    """Infinite, as `high` is, for a single sample: one says nothing about others."""
    high: float
    samples: int

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g}, {self.samples} samples)"

    def apart(self, other: Interval) -> bool:
        """Whether the two do not overlap."""
        return self.low > other.high or self.high < other.low


def interval(values: ArrayLike, *, level: float = LEVEL, resamples: int = 2000, seed: int = 0) -> Interval:
    """The mean of `values` (n,) with its bootstrap interval (percentiles, Efron 1979), which covers `level` of draws.

    Raises
    ------
    ValueError
        If there is no value, or one is not finite.
    """
    from scipy.stats import bootstrap

    known = np.asarray(values, np.float64).reshape(-1)
    if not len(known) or not np.isfinite(known).all():
        raise ValueError(f"An interval needs finite values, at least one; got {np.size(known)}: {known[:5]}.")
    mean = float(known.mean())
    if len(known) == 1:
        return Interval(mean, -np.inf, np.inf, 1)
    found = bootstrap(
        (known,), np.mean, n_resamples=resamples, confidence_level=level, method="percentile", rng=seed, vectorized=True
    ).confidence_interval
    return Interval(mean, float(found.low), float(found.high), len(known))
