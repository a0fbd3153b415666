"""Conditions: relevance that flows through chosen channels or positions of a layer only.

Achtibat et al. 2023, "From attribution maps to human-understandable explanations through Concept Relevance
Propagation".
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .tape import Tape

Channels = int | Sequence[int] | Tensor | None
Positions = Sequence[tuple[int, ...]]

_CHANNELS_LAST = ("linear", "matmul", "softmax", "embedding")


@dataclass(frozen=True, eq=False)
class Condition:
    """A mask on the relevance of one layer's output."""

    layer: str
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
    if isinstance(channels, Tensor) and not (channels.dim() == 1 and not channels.is_floating_point()):
        mask = _given_mask(name, channels, tensor)
    elif channels is not None:
        numbers = [channels] if isinstance(channels, int) else [int(number) for number in channels]
        mask = _channel_mask(name, numbers, tensor, axis)
    if positions is not None:
        mask = mask * _position_mask(name, positions, tensor, axis)
    return Condition(name, value, mask.to(torch.promote_types(tensor.dtype, torch.float32)))


def channel_axis(tape: Tape, index: int) -> int:
    """The axis of a step's output that counts channels: the last one behind dense layers, else the second."""
    step = tape.steps[index]
    value = next(value for value in step.results if value is not None)
    dimensions = tape.values[value].tensor.dim()
    if step.kind in ("conv", "pool", "maxpool") or dimensions == 2:
        return 1
    if step.kind in _CHANNELS_LAST:
        return dimensions - 1
    function = getattr(step.function, "__name__", "")
    if step.kind == "norm":
        return dimensions - 1 if function in ("layer_norm", "rms_norm") else 1
    makers = {v: i for i, each in enumerate(tape.steps[:index]) for v in each.results if v is not None}
    before = [makers[v] for v in step.inputs if v in makers]
    # Where the shape is that of what it was made from, so is the meaning of its axes.
    same = [i for i in before if tape.values[step.inputs[0]].tensor.shape == tape.values[value].tensor.shape]
    return channel_axis(tape, same[0]) if same else min(1, dimensions - 1)


def _given_mask(name: str, mask: Tensor, tensor: Tensor) -> Tensor:
    try:
        fits = torch.broadcast_shapes(mask.shape, tensor.shape) == tensor.shape
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
        place = tuple(position)
        if len(place) != len(axes) or not all(0 <= i < n for i, n in zip(place, mask.shape, strict=True)):
            raise ValueError(f"The layer {name!r} has positions within {tuple(mask.shape)}, there is no {position}.")
        mask[place] = 1
    return mask.reshape(shape)
