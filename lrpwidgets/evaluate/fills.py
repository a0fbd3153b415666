"""What stands in the place of what was taken away. It decides which method looks best, so that it is always named."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Literal

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .regions import space

Fill = Literal["uniform", "zero", "mean", "blur", "neighbours"]
"""Uniform noise in the valid range (Samek et al. 2017), zero, each channel's mean, the input blurred by as much as a
region is wide, or what its neighbours suggest (noisy linear imputation, Rong et al. 2022)."""

Filler = Callable[[Tensor, Tensor], Tensor]
"""Gets numbers of inputs (n,) and what of them is missing, (n, ...) bool; returns the inputs with it filled."""

Bound = Tensor | float | Sequence[float]
Bounds = tuple[Bound, Bound]

NOISE = 0.01
"""Of what neighbours suggest, as a share of an input's deviation: a smooth region would tell what was taken away."""


def filler(fill: Fill, x: Tensor, bounds: Bounds | None, region: int, seed: int) -> Filler:
    """How the missing parts of inputs `x` (B, C, ...) are filled.

    Parameters
    ----------
    bounds
        Lowest and highest valid value, numbers, one for each channel or (C, 1, ...); by default those of each channel
        of `x`.

    Raises
    ------
    ValueError
        If it needs pictures and these are none, or `bounds` are the wrong way round.
    """
    random = torch.Generator().manual_seed(seed)
    if fill == "neighbours":
        return _by_neighbours(x, random)
    if fill == "uniform":
        low, high = _bounds(x, bounds)
        other = low + (high - low) * torch.rand(x.shape, generator=random, dtype=x.dtype).to(x.device)
    elif fill == "zero":
        other = torch.zeros_like(x)
    elif fill == "mean":
        other = x.mean(_axes(x), keepdim=True).expand_as(x)
    else:
        other = _blurred(x, region)
    return lambda which, missing: torch.where(_over_channels(missing, x), other[which], x[which])


def _over_channels(missing: Tensor, x: Tensor) -> Tensor:
    return missing.unsqueeze(1) if x.dim() > 2 else missing


def _axes(x: Tensor) -> tuple[int, ...]:
    return tuple(range(x.dim()))[-len(space(x)) :]


def _bounds(x: Tensor, bounds: Bounds | None) -> tuple[Tensor, Tensor]:
    if bounds is None:
        every = (0, *_axes(x)) if x.dim() > 2 else (0,)
        return x.amin(every, keepdim=True)[0], x.amax(every, keepdim=True)[0]
    low, high = (_of_channels(torch.as_tensor(bound, dtype=x.dtype, device=x.device), x) for bound in bounds)
    if bool((low > high).any()):
        raise ValueError(f"bounds are the lowest and the highest valid value, got {bounds}.")
    return low, high


def _of_channels(bound: Tensor, x: Tensor) -> Tensor:
    return bound.reshape(-1, *[1] * (x.dim() - 2)) if bound.dim() == 1 else bound


def _blurred(x: Tensor, region: int) -> Tensor:
    from scipy.ndimage import gaussian_filter

    blurred = gaussian_filter(x.cpu().double().numpy(), region, axes=_axes(x))
    return torch.from_numpy(blurred).to(x)


def _by_neighbours(x: Tensor, random: torch.Generator) -> Filler:
    if len(space(x)) != 2:
        raise ValueError(f"The fill 'neighbours' needs pictures (B, C, H, W), got {tuple(x.shape)}.")
    noise = torch.randn(x.shape, generator=random, dtype=x.dtype).to(x.device) * NOISE * x.std(_axes(x), keepdim=True)

    def fill(which: Tensor, missing: Tensor) -> Tensor:
        filled = [_imputed(x[one], hole) for one, hole in zip(which.tolist(), missing.cpu().numpy(), strict=True)]
        return torch.where(missing[:, None], torch.stack(filled) + noise[which], x[which])

    return fill


def _imputed(x: Tensor, missing: NDArray[np.bool_]) -> Tensor:
    """Each missing pixel of x (C, H, W) as the mean of its neighbours, of which the diagonal ones count half."""
    from scipy.sparse import csc_array, eye_array
    from scipy.sparse.linalg import splu

    if missing.all() or not missing.any():
        return x.mean((-2, -1), keepdim=True).expand_as(x) if missing.all() else x
    place = np.full(missing.shape, -1)
    place[missing] = np.arange(missing.sum())
    rows, columns, shares = [], [], []
    known = np.zeros((int(missing.sum()), len(x)))
    total = np.zeros(len(known))
    pixels = x.cpu().double().numpy()
    for down, right, weight in _NEIGHBOURS:
        one, other = _shifted(missing.shape, down, right)
        mine, theirs = place[one], place[other]
        inside, edge = (mine >= 0) & (theirs >= 0), (mine >= 0) & (theirs < 0)
        rows.append(mine[inside])
        columns.append(theirs[inside])
        shares.append(np.full(int(inside.sum()), weight))
        np.add.at(known, mine[edge], weight * pixels[:, *other][:, edge].T)
        np.add.at(total, mine[mine >= 0], weight)
    beside = csc_array((np.concatenate(shares), (np.concatenate(rows), np.concatenate(columns))), (len(known),) * 2)
    solved = splu(csc_array(eye_array(len(known)).multiply(total[:, None]) - beside)).solve(known)
    filled = pixels.copy()
    filled[:, missing] = solved.T
    return torch.from_numpy(filled).to(x)


_NEIGHBOURS = [(0, 1, 1 / 6), (1, 0, 1 / 6), (1, 1, 1 / 12), (1, -1, 1 / 12)]
_NEIGHBOURS += [(-down, -right, weight) for down, right, weight in _NEIGHBOURS]
"""Rows down, columns to the right, weight."""


def _shifted(shape: tuple[int, ...], *by: int) -> tuple[tuple[slice, ...], tuple[slice, ...]]:
    """Slices of all pixels that have such a neighbour, and of these neighbours."""
    one = tuple(slice(max(0, -step), length - max(0, step)) for step, length in zip(by, shape, strict=True))
    other = tuple(slice(max(0, step), length - max(0, -step)) for step, length in zip(by, shape, strict=True))
    return one, other
