"""What stands for "nothing there": the input that others are compared with."""

from __future__ import annotations

from typing import Any, Literal

import torch
from torch import Tensor
from torchvision.transforms import functional

Baseline = Literal["zero", "mean", "blur"] | Tensor
"""Zeros (after normalization, often the mean of the data); each input's mean over all but channels; each picture
blurred; or a tensor that is broadcast to the inputs."""

_NAMES = ("zero", "mean", "blur")


def check(owner: str, baseline: Any) -> None:
    """Raise ValueError if it is no baseline."""
    if not isinstance(baseline, Tensor) and baseline not in _NAMES:
        names = ", ".join(map(repr, _NAMES))
        raise ValueError(f"{owner}: baseline must be one of {names} or a tensor like the inputs, got {baseline!r}.")


def of(x: Tensor, baseline: Baseline) -> Tensor:
    """The baseline of each input, shaped like `x`; raises ValueError if it does not fit."""
    if isinstance(baseline, Tensor):
        try:
            return baseline.to(x).expand_as(x)
        except RuntimeError as error:
            raise ValueError(
                f"a baseline of shape {tuple(baseline.shape)} does not fit inputs {tuple(x.shape)}."
            ) from error
    if baseline == "zero":
        return torch.zeros_like(x)
    if baseline == "blur":
        return blurred(x)
    axes = tuple(range(2 if x.dim() > 2 else 1, x.dim()))
    return x.mean(axes, keepdim=True).expand_as(x)


def blurred(x: Tensor, sigma: float | None = None) -> Tensor:
    """Pictures (B, C, H, W), blurred by a Gaussian of `sigma` pixels, by default a twentieth of the shorter side.

    Raises
    ------
    ValueError
        If these are no pictures.
    """
    if x.dim() != 4:
        raise ValueError(f"only pictures (B, C, H, W) can be blurred, got {tuple(x.shape)}.")
    shorter = min(x.shape[2:])
    sigma = max(shorter / 20, 0.5) if sigma is None else sigma
    reach = min(round(3 * sigma) or 1, shorter - 1)
    blurry: Tensor = functional.gaussian_blur(x, [2 * reach + 1] * 2, [sigma] * 2) if reach else x
    return blurry
