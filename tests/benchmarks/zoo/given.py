"""Inputs for networks, and wrappers for those that take more than batches of numbers."""

from __future__ import annotations

from collections.abc import Callable
from importlib import import_module
from typing import Any

import torch
from torch import Tensor, nn

from .member import Setup

Select = Callable[[Any], Tensor] | None


def normal(*shape: int, seed: int = 1) -> Tensor:
    """Standard normal numbers."""
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def numbers(high: int, *shape: int, low: int = 0) -> Tensor:
    """Whole numbers from `low` on, below `high`."""
    return torch.randint(low, high, shape, generator=torch.Generator().manual_seed(1))


def given(
    path: str, *shapes: tuple[int, ...], select: Select = None, args: tuple[Any, ...] = (), **settings: Any
) -> Setup:
    """The network that ``module:name`` builds with `args` and `settings`, for normal inputs of these `shapes`."""
    module, _, name = path.partition(":")
    model = getattr(import_module(module), name)(*args, **settings)
    return Setup(model, tuple(normal(*shape) for shape in shapes), select)


class Around(nn.Module):
    """A network that is called in its own way."""

    def __init__(self, model: nn.Module, call: Callable[..., Any], *others: nn.Module) -> None:
        super().__init__()
        self.model, self.others, self.call = model, nn.ModuleList(others), call

    def forward(self, *inputs: Tensor) -> Any:
        return self.call(self.model, *inputs)


def pixels(output: Tensor) -> Tensor:
    """One score per class, of a map of scores."""
    return output.flatten(2).mean(2)


def first(output: Any) -> Tensor:
    """The first of several outputs."""
    return output[0]  # type: ignore[no-any-return]


def last(output: Tensor) -> Tensor:
    """The scores at the last position."""
    return output[:, -1]
