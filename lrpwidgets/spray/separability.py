"""How clearly a cluster stands apart: Fisher's discriminant in the spectral embedding (Anders et al. 2022).

τ ranks what to look at first; it proves nothing. A way of writing can be as separate as a copyright tag.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

RIDGE = 0.01
"""Added to the variance within, in shares of the mean total variance: a cluster without any has a finite τ then."""


def separability(embedding: NDArray[np.float64], inside: NDArray[np.bool_]) -> float:
    """τ = wᵀS_b w / wᵀS_w w along the best direction w = S_w⁻¹(m₁ − m₂), for samples `inside` against the others.

    S_w has a ridge: `RIDGE` times the mean total variance on its diagonal.

    Parameters
    ----------
    embedding
        Spectral embedding, (n, m).
    inside
        Which samples are in the cluster, (n,).

    Returns
    -------
    float
        Variance between over variance within, from 0 (the means are equal); 0 where one side is empty.
    """
    share = float(inside.mean())
    if not 0 < share < 1:
        return 0.0
    one, other = embedding[inside], embedding[~inside]
    difference = one.mean(0) - other.mean(0)
    within = share * _covariance(one) + (1 - share) * _covariance(other)
    total = np.trace(within) + share * (1 - share) * float(difference @ difference)
    within += np.eye(len(within)) * max(RIDGE * total / len(within), np.finfo(float).tiny)
    return float(share * (1 - share) * difference @ np.linalg.solve(within, difference))


def _covariance(samples: NDArray[np.float64]) -> NDArray[np.float64]:
    centred = samples - samples.mean(0)
    covariance: NDArray[np.float64] = centred.T @ centred / len(samples)
    return covariance
