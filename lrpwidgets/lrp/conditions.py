"""Conditions: relevance that flows through chosen channels or positions of a layer only.

Achtibat et al. 2023, "From attribution maps to human-understandable explanations through Concept Relevance
Propagation".
"""

from __future__ import annotations

import operator
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor

from ..readable import Readable
from .operations import CENTRED, NORM_SCALE
from .tape import Step, Tape

Channels = int | Sequence[int] | Tensor | None
Positions = Sequence[tuple[int, ...] | int]


@dataclass(frozen=True, eq=False, repr=False)
class Condition(Readable):
    """A mask on the relevance of one layer's output."""

    layer: str
    step: int
    value: int
    mask: Tensor

    def start(self, of: Mapping[int, Tensor]) -> dict[int, Tensor]:
        """The relevance that meets the condition, to be propagated on.

        Raises
        ------
        ValueError
            If no relevance arrives here.
        """
        if self.value not in of:
            raise ValueError(f"No relevance flows to the layer {self.layer!r}, so there is nothing to condition on it.")
        return {self.value: of[self.value] * self.mask}


def conditions(
    tape: Tape,
    index_of: Callable[[str], int],
    channels: Mapping[str, Channels],
    positions: Mapping[str, Positions],
) -> list[Condition]:
    """The conditions in the order in which relevance meets them.

    Raises
    ------
    ValueError
        If there are none, or a layer, channel or position does not exist.
    """
    names = dict.fromkeys([*channels, *positions])
    if not names:
        raise ValueError("A condition names at least one layer, as in condition({'features.28': [17]}).")
    ordered = sorted(names, key=index_of, reverse=True)
    return [_condition(tape, name, index_of(name), channels.get(name), positions.get(name)) for name in ordered]


def _condition(tape: Tape, name: str, index: int, channels: Channels, positions: Positions | None) -> Condition:
    step = tape.steps[index]
    value = next(value for value in step.results if value is not None)
    tensor = tape.values[value].tensor
    axis = channel_axis(tape, index)
    mask = torch.ones((1,) * tensor.dim(), device=tensor.device)
    if isinstance(channels, Tensor) and (channels.is_floating_point() or channels.dtype == torch.bool):
        mask = _given_mask(name, channels, tensor, axis)
    elif channels is not None:
        mask = _channel_mask(name, _numbers(name, channels), tensor, axis)
    if positions is not None:
        mask = mask * _position_mask(name, positions, tensor, axis)
    return Condition(name, index, value, mask.to(torch.promote_types(tensor.dtype, torch.float32)))


def channel_axis(tape: Tape, index: int) -> int:
    """The axis of a step's output that counts channels: the last one around dense layers, else the second.

    Where the step itself does not tell, the nearest step does whose input or output has the same shape.
    """
    values = [next(value for value in step.results if value is not None) for step in tape.steps]
    shape = tape.values[values[index]].saved.shape
    if len(shape) <= 2:
        return len(shape) - 1
    seen, waiting = {values[index]}, [values[index]]
    while waiting:
        value = waiting.pop(0)
        for step, made in zip(tape.steps, values, strict=True):
            if value != made and value not in step.inputs:
                continue
            if axis := _tells(step, len(shape)):
                return axis
            for other in (made, *step.inputs):
                if other not in seen and tape.values[other].saved.shape == shape:
                    seen.add(other)
                    waiting.append(other)
    return 1


def _tells(step: Step, dimensions: int) -> int | None:
    """The channels' axis in the input and the output of a step, if it is one that sums over channels."""
    function = getattr(step.function, "__name__", "")
    if step.kind == "maxpool" or "pool" in function or "conv" in function:  # one that covers its input is dense by kind
        return 1
    if (
        step.kind in ("linear", "embedding")
        or function in ("layer_norm", "rms_norm")
        or _norms_last_axis(step, dimensions)
    ):
        return dimensions - 1
    return 1 if step.kind == "norm" else None


def _norms_last_axis(step: Step, dimensions: int) -> bool:
    """Whether it is a part of a norm, written by hand, over the last axis and no other."""
    if step.operation is CENTRED:
        return tuple(step.args[1]) in ((-1,), (dimensions - 1,))
    scale = step.args[1] if step.operation is NORM_SCALE else None
    return isinstance(scale, Tensor) and scale.dim() == dimensions and scale.shape[-1] == 1 < scale.shape[1]


def _numbers(name: str, channels: Any) -> list[int]:
    numbers = channels.tolist() if isinstance(channels, Tensor) else channels
    try:
        return [operator.index(each) for each in (numbers if isinstance(numbers, Iterable) else [numbers])]
    except TypeError:
        raise ValueError(f"Channels of {name!r} are numbers or a mask, got {channels!r}.") from None


def _given_mask(name: str, mask: Tensor, tensor: Tensor, axis: int) -> Tensor:
    if mask.dim() == 1 and len(mask) == tensor.shape[axis]:
        mask = mask.reshape([-1 if each == axis else 1 for each in range(tensor.dim())])
    try:
        fits = mask.expand(tensor.shape).shape == tensor.shape
    except RuntimeError:
        fits = False
    if not fits:
        raise ValueError(f"The mask for {name!r} has shape {tuple(mask.shape)}; the layer has {tuple(tensor.shape)}.")
    return mask.to(tensor.device)


def _channel_mask(name: str, numbers: Sequence[int], tensor: Tensor, axis: int) -> Tensor:
    channels = tensor.shape[axis]
    for number in numbers:
        if not 0 <= number < channels:
            raise ValueError(f"The layer {name!r} has channels 0 to {channels - 1}, there is no {number}.")
    mask = torch.zeros(channels, device=tensor.device)
    mask[list(numbers)] = 1
    return mask.reshape([channels if each == axis else 1 for each in range(tensor.dim())])


def _position_mask(name: str, positions: Positions, tensor: Tensor, axis: int) -> Tensor:
    axes = [each for each in range(1, tensor.dim()) if each != axis]
    shape = [tensor.shape[each] if each in axes else 1 for each in range(tensor.dim())]
    mask = torch.zeros([tensor.shape[each] for each in axes], device=tensor.device)
    for position in positions:
        place = tuple(position) if isinstance(position, Iterable) else (position,)
        if len(place) != len(axes) or not all(0 <= i < n for i, n in zip(place, mask.shape, strict=True)):
            raise ValueError(f"The layer {name!r} has positions within {tuple(mask.shape)}, there is no {position}.")
        mask[place] = 1
    return mask.reshape(shape)
