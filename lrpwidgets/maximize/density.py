"""How likely an input is: a Gaussian mixture, fitted by scikit-learn to real inputs or to patches of them."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor

from ..readable import Readable

WHOLE = 256
"""Numbers per input up to which it is modelled as a whole; larger ones by patches."""

PATCH = 6
"""Side of a patch in pixels; less where a picture is smaller."""

COMPONENTS = 8
"""Gaussians of a mixture for patches; where whole inputs are modelled, one for about thirty of them, but no more than
three times as many."""

_PATCHES = 4_000
"""Patches that the mixture is fitted to."""


@dataclass(frozen=True, eq=False, repr=False)
class Density(Readable):
    """log p(x) under a Gaussian mixture (Montavon et al. 2018), in nats per number that an input consists of."""

    weights: Tensor
    """(K,): logarithms of the components' shares."""
    means: Tensor
    """(K, D)."""
    roots: Tensor
    """(K, D, D): Cholesky factors of the precisions."""
    patch: int | None
    """Side of the patches that are modelled; None for whole inputs."""

    @classmethod
    def fitted(cls, inputs: Tensor, seed: int = 0) -> Density:
        """The density of real `inputs` (N, C, H, W)."""
        from sklearn.mixture import GaussianMixture
        from threadpoolctl import threadpool_limits

        patch = None if inputs[0].numel() <= WHOLE else min(PATCH, *inputs.shape[2:])
        rows = inputs.flatten(1) if patch is None else _sampled(inputs, patch, seed)
        count = COMPONENTS if patch else min(max(len(rows) // 30, 1), 3 * COMPONENTS)
        variance = float(rows.var(0).mean())
        # A hundred digits are too few for a covariance of each Gaussian: they share one.
        shared, regular = ("full" if patch else "tied"), max(1e-2 * variance, 1e-8)
        mixture = GaussianMixture(count, covariance_type=shared, reg_covar=regular, random_state=seed)
        with threadpool_limits(1):  # with more, BLAS waits for torch's threads: fifty times as long on two cores
            mixture.fit(rows.double().numpy())
        return cls(
            torch.tensor(mixture.weights_).log().to(inputs.dtype),
            torch.tensor(mixture.means_).to(inputs.dtype),
            torch.tensor(mixture.precisions_cholesky_).to(inputs.dtype).expand(count, -1, -1),
            patch,
        )

    def log_density(self, x: Tensor, offset: tuple[int, int] = (0, 0)) -> Tensor:
        """(B,) for inputs (B, C, H, W); of patches, those on a grid that begins at `offset`, down and right.

        Where a picture ends before such a grid has a patch, the grid begins as late as one fits.
        """
        if self.patch is None:
            return self._of(x.flatten(1)) / x[0].numel()
        down, right = (min(each, side - self.patch) for each, side in zip(offset, x.shape[2:], strict=True))
        patches = F.unfold(x[..., down:, right:], self.patch, stride=self.patch)
        rows = patches.movedim(1, 2)
        return (self._of(rows.flatten(0, 1)) / rows.shape[2]).reshape(len(x), -1).mean(1)

    def _of(self, rows: Tensor) -> Tensor:
        roots, means = self.roots.to(rows), self.means.to(rows)
        whitened = torch.einsum("nd,kde->kne", rows, roots) - torch.einsum("kd,kde->ke", means, roots)[:, None]
        volume = roots.diagonal(dim1=1, dim2=2).log().sum(1)
        constant = volume - rows.shape[1] / 2 * math.log(2 * math.pi) + self.weights.to(rows)
        return torch.logsumexp(constant[:, None] - whitened.square().sum(2) / 2, 0)


def _sampled(inputs: Tensor, patch: int, seed: int) -> Tensor:
    """Patches (N, D) from random places of the inputs."""
    generator = torch.Generator().manual_seed(seed)
    each = -(-_PATCHES // len(inputs))
    found = []
    for x in inputs:
        down = torch.randint(x.shape[1] - patch + 1, (each,), generator=generator).tolist()
        right = torch.randint(x.shape[2] - patch + 1, (each,), generator=generator).tolist()
        found += [x[:, i : i + patch, j : j + patch].flatten() for i, j in zip(down, right, strict=True)]
    return torch.stack(found)
