"""From maps to relevance that is shaped like the input, and from pixels to patches."""

from __future__ import annotations

import math

import torch
import torch.nn.functional as F
from torch import Tensor

_ALONG = 8
"""Patches along the longest side, by default."""

_MODES = {3: "linear", 4: "bilinear", 5: "trilinear"}


def spread(planes: Tensor, x: Tensor) -> Tensor:
    """A map (B, 1, ...) as relevance shaped like `x` (B, C, ...): an even share to every channel."""
    return (planes / x.shape[1]).expand_as(x).to(x.dtype)


def enlarged(planes: Tensor, x: Tensor) -> Tensor:
    """A coarse map (B, 1, h, w) as fine as `x` (B, C, H, W), interpolated linearly; also in one or three dimensions."""
    return F.interpolate(planes, x.shape[2:], mode=_MODES[x.dim()], align_corners=False)


def patch_side(x: Tensor, patch: int | None) -> int:
    """The side of a patch: an eighth of the longest side of `x` (B, C, ...), if none is asked for."""
    return patch if patch is not None else max(1, math.ceil(max(x.shape[2:], default=1) / _ALONG))


def segments(x: Tensor, patch: int | None) -> Tensor:
    """The number of the segment of every element of one input: whole numbers (1, ...), shaped like it.

    Regular patches over all channels of pictures, signals and volumes; every element by itself in (B, F).
    """
    if x.dim() == 2:
        return torch.arange(x.shape[1], device=x.device)[None]
    side, number = patch_side(x, patch), torch.zeros((), dtype=torch.long, device=x.device)
    for axis, size in enumerate(x.shape[2:]):
        place = torch.arange(size, device=x.device) // side
        number = number * math.ceil(size / side) + place.reshape(-1, *[1] * (x.dim() - 3 - axis))
    return number.expand(1, *x.shape[1:]).contiguous()


def shared_out(values: Tensor, numbers: Tensor) -> Tensor:
    """`values` that are the same all over a segment, an even part of it to each of its elements."""
    sizes = numbers.flatten().bincount()
    return values / sizes[numbers].to(values)
