"""Channels that stay in the model and say nothing: a mask on what a module hands on, which is part of that module."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn


class Mask(nn.Module):
    """Hands on what it gets, but for some channels, which are 0: biases and all.

    It is the submodule ``mask`` of the module whose output it changes, and has a buffer, so it is copied, pickled and
    saved with it.
    """

    keep: Tensor

    def __init__(self, keep: Tensor) -> None:
        super().__init__()
        self.register_buffer("keep", keep)

    def forward(self, x: Tensor) -> Tensor:
        """`x`, with its masked channels at 0."""
        return x * self.keep

    @property
    def axis(self) -> int:
        """That of the channels, counted from the right."""
        return -self.keep.dim()

    def extra_repr(self) -> str:
        """How many are left."""
        return f"{int(self.keep.count_nonzero())} of {self.keep.numel()} channels"


def mask(module: nn.Module, channels: Sequence[int], *, of: int, axis: int) -> None:
    """Silence `channels` of what `module` hands on, in place; those that are silent already stay so.

    Parameters
    ----------
    channels
        Their places, each below the number of channels, `of`.
    axis
        That of the channels, counted from the right, -1 for the last.

    Raises
    ------
    ValueError
        If the module has something else by the name ``mask``.
    """
    found: Any = getattr(module, "mask", None)
    if found is None:
        number = next((each for each in module.parameters() if each.is_floating_point()), torch.ones(()))
        found = Mask(number.detach().new_ones([of, *[1] * (-1 - axis)]))
        module.mask = found
        module.register_forward_hook(_through_its_mask)
    if not isinstance(found, Mask):
        raise ValueError(f"{type(module).__name__} has a `mask` of its own, so its channels cannot be masked.")
    found.keep.view(-1)[list(channels)] = 0


def _through_its_mask(module: Any, inputs: Any, output: Tensor) -> Tensor:
    """What a masked module hands on; a function of this module, so that models with it can be pickled."""
    masked: Tensor = module.mask(output)
    return masked
