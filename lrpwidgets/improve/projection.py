"""Projection in a layer: its output moved along a direction to where clean inputs lie, everything else as it was.

P-ClArC (Anders et al. 2022, "Finding and removing Clever Hans"): h′ = h + v (m − vᵀh), with a unit direction v and the
mean m of vᵀh over clean inputs. It is written in torch's own dense layers, so that it can be explained as they are.
"""

from __future__ import annotations

import copy
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from ..lrp.outputs import module_of

CHILD = "projection"
"""Name of the module that projects, below the one whose output it changes."""


class Projection(nn.Module):
    """Moves activations along a direction to one place.

    Parameters
    ----------
    direction
        Unit vector (D,): over the channels, at each position; or, with `axis` None, over all units of the layer.
    mean
        Where activations lie along it afterwards.
    axis
        The axis of the channels, batch first; None: the direction goes through all units.
    detector
        Weights (D,) and threshold of a linear detector; where it finds less, activations stay as they are: of the
        whole input, or position by position.
    """

    direction: Tensor
    mean: Tensor
    detector: Tensor
    threshold: Tensor

    def __init__(
        self,
        direction: Tensor,
        mean: float | Tensor,
        axis: int | None = None,
        detector: tuple[Tensor, float | Tensor] | None = None,
    ) -> None:
        super().__init__()
        self.axis = axis
        self.register_buffer("direction", direction.detach().clone())
        self.register_buffer("mean", torch.as_tensor(mean).detach().to(direction))
        self.reactive = detector is not None
        if detector is not None:
            self.register_buffer("detector", detector[0].detach().to(direction))
            self.register_buffer("threshold", torch.as_tensor(detector[1]).detach().to(direction))

    def extra_repr(self) -> str:
        """How it prints."""
        where = "all units" if self.axis is None else f"channels of axis {self.axis}"
        return f"{len(self.direction)} {where}{', where detected' if self.reactive else ''}"

    def forward(self, activation: Tensor) -> Tensor:
        """`activation` (B, ...), projected."""
        units = units_of(activation, self.axis)
        along = functional.linear(units, self.direction[None])
        moved = units - functional.linear(along, self.direction[:, None], -self.mean * self.direction)
        if self.reactive:
            moved = torch.where(functional.linear(units, self.detector[None]) > self.threshold, moved, units)
        return moved.reshape(activation.shape) if self.axis is None else moved.movedim(-1, self.axis)


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
    """A copy of `model` that projects what `layer` hands on; names of its parameters stay.

    Raises
    ------
    NoOutputError
        If the layer is no module.
    ValueError
        If it projects already.
    """
    made = copy.deepcopy(model)
    module = module_of(made, layer)
    if hasattr(module, CHILD):
        raise ValueError(f"The layer {layer!r} projects already; take another layer, or repair the model before.")
    module.add_module(CHILD, projection.train(module.training))
    module.register_forward_hook(_project)
    return made


def _project(module: nn.Module, inputs: Any, output: Tensor) -> Tensor:
    found: Tensor = module.get_submodule(CHILD)(output)
    return found
