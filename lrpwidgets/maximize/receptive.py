"""The receptive field of a position of a layer, measured on the tape: which part of the input it depends on.

No kernel sizes are looked up. A mark is put at the position and handed down the recorded steps, each of which hands it
to everything that it reads, whatever the values: a convolution to all of its window, a max pooling to losers too, a
product to both factors, a softmax to all along its axis.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import torch
import torch.nn.functional as F
from torch import Tensor

from ..lrp.arguments import dim
from ..lrp.call import Call, key
from ..lrp.conditions import channel_axis
from ..lrp.families import Extremum, Factors, Linear, MaxPool, Operation, Products, Relevances, Softmax, axis_or_all
from ..lrp.ledger import Handover
from ..lrp.propagation import Plan, propagate
from ..lrp.rules import Flat
from ..lrp.weighted import EffectiveWeights

if TYPE_CHECKING:
    from ..lrp import Explainer
    from ..lrp.rules import Rule
    from ..lrp.tape import Tape

Box = tuple[slice, ...]
"""Part of an input: a slice for each of its axes."""

AT_ONCE = 16
"""Positions that are followed together."""

FAINT = 1e-5
"""What is less than this part of the largest mark is rounding: fast convolutions leave some where there is nothing."""


def fields(explainer: Explainer, x: Tensor, layer: str, places: Sequence[tuple[int, tuple[int, ...]]]) -> list[Box]:
    """The smallest boxes of the input that contain all that some places of a layer depend on.

    Where the way of values depends on values (sorting, indices, masks that are computed), it is that of `x`.

    Parameters
    ----------
    explainer
        Has the model.
    x
        Any valid input (1, ...).
    layer
        Name of the layer.
    places
        Channel, and position within the other axes of the layer's output, of each.

    Returns
    -------
    list of tuples of slices
        For each place a slice for every axis of one input. Of pictures, and whatever has three axes or more, the first,
        the channels, is taken whole. Without any extent where nothing of the input arrives.

    Raises
    ------
    ValueError
        If the layer is not there, or has no such place.
    """
    found: list[Box] = []
    for first in range(0, len(places), AT_ONCE):
        part = places[first : first + AT_ONCE]
        found += _boxes(_reached(explainer.record(x.expand(len(part), *x.shape[1:]).contiguous()), layer, part))
    return found


def _reached(tape: Tape, layer: str, places: Sequence[tuple[int, tuple[int, ...]]]) -> Tensor:
    """Which elements of the input (n, ...) the i-th place depends on in the i-th sample."""
    index = tape.index(layer)
    value = next(value for value in tape.steps[index].results if value is not None)
    made, axis = tape.values[value].saved, channel_axis(tape, index)
    mark = torch.zeros(made.shape, dtype=torch.promote_types(made.dtype, torch.float32), device=tape.scores.device)
    by_channel = mark.movedim(axis, 1)
    sizes = tuple(by_channel.shape[1:])
    for sample, (channel, position) in enumerate(places):
        place = (channel, *position)
        if len(place) != len(sizes) or not all(0 <= each < size for each, size in zip(place, sizes, strict=True)):
            raise ValueError(
                f"The layer {layer!r} has channels 0 to {sizes[0] - 1} and positions within {sizes[1:]}; it has no "
                f"channel {channel} at {tuple(position)}."
            )
        by_channel[(sample, *place)] = 1
    marking = replace(
        tape, steps=[replace(step, operation=Mark(kind=step.kind, of=step.operation)) for step in tape.steps]
    )
    (relevance,) = propagate(marking, Plan([None] * len(tape.steps)), [{value: mark}], EffectiveWeights())
    return tape.relevance_or_zero(tape.inputs[0], relevance.of) > 0


def _boxes(reached: Tensor) -> list[Box]:
    whole = 1 if reached.dim() >= 4 else 0
    return [
        tuple(slice(0, size) if axis < whole else _extent(sample, axis) for axis, size in enumerate(sample.shape))
        for sample in reached.cpu()
    ]


def _extent(sample: Tensor, axis: int) -> slice:
    """From the first to the last place along an axis where anything is true."""
    others = [each for each in range(sample.dim()) if each != axis]
    inside = (sample.any(others) if others else sample).nonzero()[:, 0].tolist()
    return slice(inside[0], inside[-1] + 1) if inside else slice(0, 0)


@dataclass(frozen=True)
class Mark(Operation):
    """Hands a mark to everything that a step of the family `of` reads, whatever the values."""

    of: Operation | None = None

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        handed = self._handed(call, relevance, cache)
        return Handover(tuple(None if each is None else _marked(each) for each in handed))

    def _handed(self, call: Call, marks: Relevances, cache: EffectiveWeights) -> Relevances:
        of, several = self.of, len(call.inputs) > 1
        if isinstance(of, MaxPool) and not key(call.function).startswith("adaptive"):
            return (_windows(call, marks),)
        if isinstance(of, Linear | MaxPool):
            return of.propagate(call, marks, Flat(), cache).inputs
        if isinstance(of, Products):
            return replace(call, inputs=tuple(map(torch.ones_like, call.inputs))).pull(marks)
        if (isinstance(of, Extremum) and not of.gathers) or (key(call.function) in _EXTREMA and several):
            return tuple(_summed(marks).sum_to_size(x.shape) for x in call.inputs)
        if of is None or several:
            return call.pull(marks)
        if read := _axes(of, call):
            return (_everywhere(call, marks, call.bind(read)["dim"]),)
        return of.propagate(call, marks, None, cache).inputs


_EXTREMA = ("max", "min", "amax", "amin", "maximum", "minimum", "fmax", "fmin")


def _axes(of: Operation, call: Call) -> Callable[..., dict[str, Any]] | None:
    """What reads the axes along which each result of a call depends on everything; None if there are none."""
    if isinstance(of, Softmax):
        return dim
    if isinstance(of, Factors) or key(call.function) in _EXTREMA:
        return axis_or_all
    return of.along or getattr(of, "axes", None)


def _everywhere(call: Call, marks: Relevances, axes: int | Sequence[int] | None) -> Tensor:
    """The marks of a call's results, which may lack the `axes` of its input, at all places along these."""
    (x,) = call.inputs
    given = range(x.dim()) if axes is None else [axes] if isinstance(axes, int) else axes
    each = sorted(axis % x.dim() for axis in given)
    handed = x.new_zeros(1)
    for mark in marks:
        if mark is not None:
            for axis in each if mark.dim() < x.dim() else ():
                mark = mark.unsqueeze(axis)
            handed = handed + mark.sum(each, keepdim=True)
    return handed.expand(x.shape)


def _windows(call: Call, marks: Relevances) -> Tensor:
    """The marks of a max pooling in all of its windows: those of a convolution with ones, which may be dilated too."""
    (x,), (mark, *_) = call.inputs, marks
    assert mark is not None
    plane = int(key(call.function).partition("pool")[2][0])
    given = call.bind(_max_pool_arguments)
    kernel, stride, padding, dilation = (
        (each,) * plane if isinstance(each, int) else (*each,) * (plane // len(each))
        for each in (given["kernel_size"], given["stride"] or given["kernel_size"], given["padding"], given["dilation"])
    )
    # Rounded up, the last windows reach out of the input, by less than a stride.
    around = [size for pad, step in zip(padding[::-1], stride[::-1], strict=True) for size in (pad, pad + step)]
    convolve = getattr(F, f"conv{plane}d")
    with torch.enable_grad():
        source = torch.zeros_like(x).requires_grad_()
        padded = F.pad(source, around)
        planes = padded.reshape(-1, 1, *padded.shape[-plane:])
        sums = convolve(planes, x.new_ones(1, 1, *kernel), stride=stride, dilation=dilation)
        kept = sums[(..., *(slice(size) for size in mark.shape[-plane:]))].reshape(mark.shape)
    (handed,) = torch.autograd.grad(kept, source, mark)
    return handed


def _max_pool_arguments(
    input: Any, kernel_size: Any, stride: Any = None, padding: Any = 0, dilation: Any = 1, *_: Any, **__: Any
) -> dict[str, Any]:
    return locals()


def _summed(marks: Relevances) -> Tensor:
    """The marks of the results that have some, of one shape."""
    first, *others = [mark for mark in marks if mark is not None]
    return sum(others, start=first)


def _marked(handed: Tensor) -> Tensor:
    """1 where a mark arrives, else 0: so that the marks of a deep network neither vanish nor grow."""
    sizes = handed.abs()
    return (sizes > FAINT * sizes.max()).to(handed.dtype)
