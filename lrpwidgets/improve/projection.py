"""Projection in a layer: its output moved along a direction to where clean inputs lie, everything else as it was.

P-ClArC (Anders et al. 2022, "Finding and removing Clever Hans"): h′ = h + v (m − vᵀh), with a unit direction v and the
mean m of vᵀh over clean inputs. It is written in torch's own dense layers, so that it can be explained as they are.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import partial
from itertools import chain
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..lrp.hooks import copied
from ..lrp.outputs import module_of
from ..readable import Readable

PREFIX = "projection_"
"""What names of the buffers begin with that a layer gets; as a child, a `Sequential` would call the projection, too."""


@dataclass(frozen=True, eq=False, repr=False)
class Projection(Readable):
    """Moves activations along a direction to one place."""

    direction: Tensor
    """Unit vector (D,): over the channels, at each position; or, with `axis` None, over all units of the layer."""
    mean: Tensor
    """(), where activations lie along it afterwards."""
    axis: int | None = None
    """The axis of the channels, batch first; None: the direction goes through all units."""
    detector: Tensor | None = None
    """Weights (D,) of a linear detector: where it finds no more than the `threshold`, activations stay as they are: of
    the whole input, or position by position. None: all are moved."""
    threshold: Tensor | None = None
    """()"""

    def __call__(self, activation: Tensor) -> Tensor:
        """`activation` (B, ...), projected."""
        units = units_of(activation, self.axis)
        along = functional.linear(units, self.direction[None])
        moved = units - functional.linear(along, self.direction[:, None], -self.mean * self.direction)
        if self.detector is not None and self.threshold is not None:
            moved = torch.where(functional.linear(units, self.detector[None]) > self.threshold, moved, units)
        return moved.reshape(activation.shape) if self.axis is None else moved.movedim(-1, self.axis)

    @property
    def tensors(self) -> dict[str, Tensor]:
        """What it consists of, by field."""
        return {name: each for name, each in vars(self).items() if isinstance(each, Tensor)}


def units_of(activation: Tensor, axis: int | None) -> Tensor:
    """A layer's output (B, ...) with what a direction goes through as its last axis."""
    return activation.flatten(1) if axis is None else activation.movedim(axis, -1)


def summarized(activation: Tensor, axis: int | None) -> Tensor:
    """One number per unit, (B, D): its activation, or the largest of each channel at any position."""
    if axis is None:
        return activation.flatten(1)
    units = activation.movedim(axis, 1)
    return units.flatten(2).amax(2) if units.dim() > 2 else units


def projected(model: nn.Module, layer: str, projection: Projection) -> nn.Module:
    """A copy of `model` that projects what `layer` hands on, in the model's precision; names of its parameters stay.

    Raises
    ------
    NoOutputError
        If the layer is no module.
    ValueError
        If it projects already.
    """
    made = copied(model)
    module = module_of(made, layer)
    if hasattr(module, f"{PREFIX}direction"):
        raise ValueError(f"The layer {layer!r} projects already; take another layer, or repair the model before.")
    own = chain(module.parameters(), module.buffers(), made.parameters(), made.buffers())
    like = next(filter(torch.is_floating_point, own), projection.direction)
    for name, tensor in projection.tensors.items():
        module.register_buffer(f"{PREFIX}{name}", tensor.detach().to(like, copy=True))
    module.register_forward_hook(partial(_project, axis=projection.axis))
    return made


def _project(module: nn.Module, inputs: Any, output: Tensor, axis: int | None) -> Tensor:
    own = {name: buffer for name, buffer in module.named_buffers(recurse=False) if name.startswith(PREFIX)}
    return Projection(**{name.removeprefix(PREFIX): buffer for name, buffer in own.items()}, axis=axis)(output)
