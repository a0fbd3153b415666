"""Which channels of a network belong together, so that they can only be cut at once.

Every channel that a layer makes gets a number. The numbers go along a recorded tape as values do: what moves values
moves them, by the very same call; a sum or product of two values ties the numbers that meet; a layer that reads them
tells along which of its weight's slices they lie. What is tied together is a group, which is cut from all of its layers
or from none. A function that is not understood locks the groups that it reads: they can only be masked.

The object to know is :class:`Channels`, made by :func:`channels`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components
from torch import Tensor, nn

from ..lrp import operations
from ..lrp.call import fill, results, tensors
from ..lrp.operations import Activation, Extremum, Linear, Products, Routing
from ..lrp.tape import Step, Tape
from .masks import Mask

Numbers = NDArray[np.int64]

_CONVOLUTIONS = (nn.Conv1d, nn.Conv2d, nn.Conv3d, nn.ConvTranspose1d, nn.ConvTranspose2d, nn.ConvTranspose3d)
_NORMS = (nn.modules.batchnorm._BatchNorm, nn.modules.instancenorm._InstanceNorm)


def weighted(module: nn.Module) -> bool:
    """Whether it is a convolution or dense layer of torch's own making, whose weight can be cut."""
    forwards = {kind.forward for kind in (*_CONVOLUTIONS, nn.Linear)}
    return isinstance(module, (*_CONVOLUTIONS, nn.Linear)) and _plain(module) and type(module).forward in forwards


def per_channel(module: nn.Module) -> bool:
    """Whether it treats every channel by itself, by numbers of its own that can be cut."""
    if isinstance(module, nn.PReLU):
        return module.num_parameters > 1 and _plain(module)
    return isinstance(module, (*_NORMS, Mask))


def _plain(module: nn.Module) -> bool:
    """Whether its weight is its own, and not made of others as by a parametrization."""
    return isinstance(module._parameters.get("weight"), nn.Parameter)


@dataclass(frozen=True, eq=False)
class Channels:
    """The channels of a network by their numbers, from 1 on; 0 is no channel."""

    layers: dict[str, Numbers]
    """By the name of each layer with weights, the numbers of the channels that it makes (C,)."""
    columns: dict[str, Numbers]
    """By the name of each such layer, the numbers along its input (channels, or features)."""
    rows: dict[str, Numbers]
    """By the name of each module that treats channels by themselves, their numbers (C,)."""
    places: dict[str, tuple[int, Numbers]]
    """By the name of each module whose output has to be masked for a channel to be silent: the axis of the channels,
    counted from the right, and their numbers."""
    scoring: frozenset[str]
    """The layers that make the scores, which nobody prunes."""
    masked: dict[str, Numbers]
    """By the name of each layer, those of its channels that are masked already."""
    group: Numbers
    """By number, the group of a channel."""
    locks: dict[int, str]
    """By group, why it cannot be cut."""

    @cached_property
    def prunable(self) -> dict[str, Numbers]:
        """By layer, the numbers of the channels that may go: without those that are masked already."""
        found = {name: np.setdiff1d(own, self.masked[name]) for name, own in self.layers.items()}
        return {name: own for name, own in found.items() if name not in self.scoring and len(own)}

    def lock(self, number: int) -> str | None:
        """Why the channel of that number cannot be cut; None if it can."""
        return self.locks.get(int(self.group[number]))


def layers(model: nn.Module, tape: Tape) -> list[str]:
    """Names of the layers whose channels are known: convolutions and dense layers that take part, in their order."""
    modules = dict(model.named_modules())
    taking_part = (step.module for step in tape.steps if step.kind in ("conv", "linear"))
    return [name for name in dict.fromkeys(taking_part) if name in modules and weighted(modules[name])]


def channels(model: nn.Module, tape: Tape) -> Channels:
    """The channels of `model`, whose own calls `tape` has (``rewritten=False``)."""
    walk = _Walk(model, tape)
    for step in tape.steps:
        walk.take(step)
    return walk.found()


@dataclass(frozen=True, eq=False)
class _Carried:
    """What is known of a value."""

    numbers: Tensor
    """The number of each of its elements, of its shape, in float64: functions of torch's that move values take it."""
    silent: bool = True
    """Whether its elements are 0 where their channel is masked."""


class _Walk:
    """Numbers on their way along a tape."""

    def __init__(self, model: nn.Module, tape: Tape) -> None:
        self._tape = tape
        self._modules = dict(model.named_modules())
        self._visits = Counter(path for path, _ in {(step.module, step.visit) for step in tape.steps})
        self._calls = Counter((step.module, step.visit) for step in tape.steps)
        shared = Counter(id(each) for _, each in model.named_parameters(remove_duplicate=False))
        self._shared = {number for number, count in shared.items() if count > 1}
        self._values = {value: _Carried(torch.zeros(self._shape(value)).double()) for value in tape.inputs}
        self._count = 1
        self._ties: list[Numbers] = []
        self._locked: list[tuple[Numbers, str]] = []
        self._layers: dict[str, Numbers] = {}
        self._columns: dict[str, Numbers] = {}
        self._rows: dict[str, Numbers] = {}
        self._places: dict[str, tuple[int, Numbers]] = {}

    def take(self, step: Step) -> None:
        """Carry the numbers over one step."""
        given = [self._values[value] for value in step.inputs]
        module = self._modules.get(step.module, nn.Identity())
        if weighted(module) and any(each is module.weight for each in tensors((step.args, step.kwargs))):
            made: Sequence[_Carried | None] = [self._weighted(step, module, given[0])]
        elif per_channel(module) and len(given) == 1 and self._alone(step):
            made = [self._by_channel(step, given[0])]
        else:
            made = self._otherwise(step, given)
        for value, carried in zip(step.outputs, made, strict=False):
            if value is not None:
                self._values[value] = carried or _Carried(torch.zeros(self._shape(value)).double())

    def found(self) -> Channels:
        """All that the steps told."""
        ends = frozenset(scoring(self._tape) & self._layers.keys())
        for name in ends:
            self._lock(self._layers[name], "makes the scores")
        group = self._grouped()
        locks: dict[int, str] = {}
        for numbers, reason in self._locked:
            for each in np.unique(group[numbers[numbers > 0]]).tolist():
                locks.setdefault(each, reason)
        masked = {name: self._silenced(name) for name in self._layers}
        return Channels(self._layers, self._columns, self._rows, self._places, ends, masked, group, locks)

    def _grouped(self) -> Numbers:
        ties = np.concatenate(self._ties or [np.zeros((0, 2), np.int64)])
        graph = coo_array((np.ones(len(ties)), (ties[:, 0], ties[:, 1])), shape=(self._count, self._count))
        labels: Numbers = connected_components(graph, directed=False)[1].astype(np.int64)
        return labels

    def _silenced(self, name: str) -> Numbers:
        """Channels of a layer that it masks itself."""
        mask = self._modules[name]._modules.get("mask")
        silent = np.zeros(0, np.int64) if mask is None else np.flatnonzero(mask.keep.flatten().cpu().numpy() == 0)
        return self._layers[name][silent]

    # One step

    def _weighted(self, step: Step, module: Any, given: _Carried) -> _Carried:
        name, convolves = step.module, isinstance(module, _CONVOLUTIONS)
        (value,) = (each for each in step.outputs if each is not None)
        axis = 1 if convolves else -1
        own = module.out_channels if convolves else module.out_features
        columns, rows = _along(given.numbers, axis), self._fresh(own)
        if columns is None:
            self._lock(_numbers(given.numbers), f"{name} reads several of its channels at one place")
            columns = np.zeros(given.numbers.shape[axis], np.int64)
        if not given.silent:
            self._lock(columns, f"what {name} reads of it is not 0 where it is masked")
        if id(module.weight) in self._shared:
            self._lock(columns, f"{name} shares its weight")
            self._lock(rows, f"{name} shares its weight")
        if convolves and module.groups > 1:
            for part in zip(np.split(columns, module.groups), np.split(rows, module.groups), strict=True):
                self._tie(np.concatenate(part))
        self._meet(self._columns, name, columns)
        self._meet(self._layers, name, rows)
        made = _spread(rows, self._shape(value), axis)
        self._place(name, made)
        return _Carried(made)

    def _by_channel(self, step: Step, given: _Carried) -> _Carried | None:
        module: Any = self._modules[step.module]
        axis, size = (module.axis, module.keep.numel()) if isinstance(module, Mask) else (1, _size(module))
        rows = _along(given.numbers, axis) if given.numbers.dim() > 1 else None
        if rows is None or len(rows) != size:
            self._stop([given], f"{step.module} reads several of its channels at one place")
            return None
        self._meet(self._rows, step.module, rows)
        if isinstance(module, _NORMS):
            return _Carried(given.numbers, self._place(step.module, given.numbers))
        return given

    def _otherwise(self, step: Step, given: list[_Carried]) -> Sequence[_Carried | None]:
        operation, reason = step.operation, f"{operations.key(step.function)} in {step.module or 'the model'}"
        many = [None] * len(step.outputs)
        if isinstance(operation, Extremum) or type(operation) is Activation:
            found = self._elementwise(step, given, reason) if self._keeps_shape(step) else None
        elif type(operation) is Products or (step.kind == "sum" and isinstance(operation, Linear)):
            elementwise = step.kind in ("sum", "product") and not getattr(operation, "gathers", False)
            found = self._elementwise(step, given, reason) if elementwise else None
        elif step.kind in ("pool", "maxpool") and len(given) == 1:
            found = self._pooled(step, given[0])
        elif isinstance(operation, Routing):
            moved = self._routed(step, given)
            if moved is not None:
                return [self._heard(step, given, place, each) for place, each in enumerate(moved)]
            found = None
        else:
            found = None
        if found is None:
            self._stop(given, reason)
            return many
        return [self._heard(step, given, 0, found), *many[1:]]

    def _elementwise(self, step: Step, given: list[_Carried], reason: str) -> Tensor | None:
        (value,) = (each for each in step.outputs if each is not None)
        shape = self._shape(value)
        operands = [each.numbers.expand(shape) for each in given]
        axes = sorted({axis for each in operands for axis in _varying(each)})
        if len(axes) > 1:
            return None
        for each in tensors((step.args, step.kwargs)):
            if axes and each.dim() >= len(shape) - axes[0] and each.shape[axes[0] - len(shape)] > 1:
                return None
        if axes:
            for each in (each for each in operands if not _varying(each)):
                self._lock(_numbers(each), f"{reason} applies it to all channels of another")
            operands = [each for each in operands if _varying(each)]
        if len(operands) == 1:
            return operands[0]
        axis = axes[0] if axes else 0
        lines = [np.asarray(_along(each, axis)) for each in operands]
        pairs, which = np.unique(np.stack(lines), axis=1, return_inverse=True)
        fresh = self._fresh(pairs.shape[1])
        for line in pairs:
            self._ties.append(np.stack([line, fresh], 1)[line > 0])
            self._lock(fresh[line == 0], f"{reason} takes it together with what cannot be cut")
        return _spread(fresh[which.reshape(-1)], shape, axis)

    def _pooled(self, step: Step, given: _Carried) -> Tensor | None:
        numbers, name = given.numbers, operations.key(step.function)
        (value, *_) = (each for each in step.outputs if each is not None)
        shape, axes = self._shape(value), _varying(numbers)
        if name in ("mean", "sum"):
            dims = _reduced(*fill(step.args, [numbers]), **fill(step.kwargs, [numbers]))
            gone = range(numbers.dim()) if dims is None else [dim % numbers.dim() for dim in dims]
            if not axes or axes[0] in gone:
                return numbers.new_full(shape, float(numbers.flatten()[0])) if not axes else None
            line, kept = _along(numbers, axes[0]), [axis for axis in range(numbers.dim()) if axis not in gone]
            same = len(shape) == numbers.dim()
            return _spread(np.asarray(line), shape, axes[0] if same else kept.index(axes[0]))
        digits = re.search(r"(\d)d", name)
        plane = int(digits[1]) if digits else numbers.dim() - 2
        if len(shape) != numbers.dim() or any(axis >= numbers.dim() - plane for axis in axes) or len(axes) > 1:
            return None
        axis = axes[0] if axes else 0
        return _spread(np.asarray(_along(numbers, axis)), shape, axis)

    def _routed(self, step: Step, given: list[_Carried]) -> list[Tensor] | None:
        """The numbers in their new places; None if they do not keep apart, or some are chosen by their place."""
        apart = float(self._count)

        def run(scale: float, shift: float) -> list[Tensor]:
            moved = [(each.numbers * scale + shift).contiguous() for each in given]
            return list(results(step.function(*fill(step.args, moved), **fill(step.kwargs, moved))))

        try:
            plain, shifted, turned = run(1, 0), run(1, apart), run(-1, 0)
        except (RuntimeError, TypeError, IndexError, ValueError):
            return None
        before = {number for each in given for number in _numbers(each.numbers).tolist()} - {0}
        found = []
        for value, numbers, moved, negative in zip(step.outputs, plain, shifted, turned, strict=False):
            if value is None:
                continue
            constant = moved - numbers != apart
            after = numbers.masked_fill(constant, 0)
            mixed = bool(((negative != -numbers) & ~constant).any())
            if mixed or len(_varying(after)) > 1 or before - set(_numbers(after).tolist()):
                return None
            found.append(after)
        return found

    # What all steps need

    def _heard(self, step: Step, given: list[_Carried], place: int, numbers: Tensor) -> _Carried:
        """Numbers with what is known of the sound of masked channels; a module of its own can be masked."""
        silent = self._silent(step, given, place, numbers)
        if not silent and self._alone(step) and self._visits[step.module] == 1 and step.module:
            silent = self._place(step.module, numbers)
        return _Carried(numbers, silent)

    def _silent(self, step: Step, given: list[_Carried], place: int, numbers: Tensor) -> bool:
        """Whether the step makes 0 of masked channels."""
        inputs = []
        for value, each in zip(step.inputs, given, strict=True):
            saved = self._tape.values[value].saved
            shape, dtype = saved.shape, saved.dtype
            inputs.append(torch.zeros(shape, dtype=dtype) if each.silent else (torch.rand(shape) + 0.5).to(dtype))
        try:
            made = results(step.function(*fill(step.args, inputs), **fill(step.kwargs, inputs)))[place]
        except (RuntimeError, TypeError, IndexError, ValueError):
            return False
        return not bool((made[numbers != 0] != 0).any())

    def _place(self, name: str, numbers: Tensor) -> bool:
        """Let a module be masked; whether it can be."""
        axes = _varying(numbers)
        axis = axes[0] if axes else min(1, numbers.dim() - 1)
        line = _along(numbers, axis)
        if line is None:
            return False
        self._places.setdefault(name, (axis - numbers.dim(), line))
        return True

    def _alone(self, step: Step) -> bool:
        """Whether its module makes no other call."""
        return self._calls[step.module, step.visit] == 1

    def _keeps_shape(self, step: Step) -> bool:
        made = [value for value in step.outputs if value is not None]
        return len(made) == 1 and len(step.inputs) == 1 and self._shape(made[0]) == self._shape(step.inputs[0])

    def _shape(self, value: int) -> tuple[int, ...]:
        return tuple(self._tape.values[value].saved.shape)

    def _fresh(self, count: int) -> Numbers:
        first, self._count = self._count, self._count + count
        return np.arange(first, self._count)

    def _meet(self, known: dict[str, Numbers], name: str, numbers: Numbers) -> None:
        """A module is called once more: what it reads each time goes with what it read before."""
        before = known.setdefault(name, numbers)
        if before is numbers:
            return
        both = (before > 0) & (numbers > 0)
        self._ties.append(np.stack([before, numbers], 1)[both])
        for each in (before, numbers):
            self._lock(each[~both], f"{name} also reads what cannot be cut")

    def _tie(self, numbers: Numbers) -> None:
        there = numbers[numbers > 0]
        if len(there):
            self._ties.append(np.stack([np.full(len(there), there[0]), there], 1))
        if len(there) < len(numbers):
            self._lock(there, "its convolution reads channels that cannot be cut")

    def _lock(self, numbers: Numbers, reason: str) -> None:
        if len(numbers):
            self._locked.append((np.asarray(numbers), reason))

    def _stop(self, given: Sequence[_Carried], reason: str) -> None:
        for each in given:
            self._lock(_numbers(each.numbers), reason)


def _size(module: Any) -> int:
    """How many channels a norm or PReLU has."""
    return int(module.num_parameters if isinstance(module, nn.PReLU) else module.num_features)


def _reduced(input: Tensor, dim: Any = None, keepdim: bool = False, **_: Any) -> list[int] | None:
    """The axes of ``mean`` and ``sum``; None for all."""
    return None if dim is None else [dim] if isinstance(dim, int) else list(dim)


def scoring(tape: Tape) -> set[str]:
    """Modules that make the scores, or a summand of them: behind them come no more weights."""
    maker = {value: step for step in tape.steps for value in step.outputs if value is not None}
    found, seen, left = set[str](), {tape.output}, [tape.output]
    while left:
        step = maker.get(left.pop())
        if step is None:
            continue
        if step.kind in ("conv", "linear"):
            found.add(step.module)
            continue
        left += [value for value in step.inputs if value not in seen]
        seen.update(step.inputs)
    return found


def _compact(numbers: Tensor) -> Tensor:
    """One of each of what is only repeated."""
    for axis in range(numbers.dim()):
        if numbers.stride(axis) == 0:
            numbers = numbers.narrow(axis, 0, 1)
    return numbers


def _numbers(numbers: Tensor) -> Numbers:
    """All numbers there are."""
    found: Numbers = np.unique(_compact(numbers).numpy()).astype(np.int64)
    return found


def _varying(numbers: Tensor) -> list[int]:
    """The axes along which numbers differ."""
    few = _compact(numbers)
    return [axis for axis in range(few.dim()) if few.shape[axis] > 1 and bool((few != few.narrow(axis, 0, 1)).any())]


def _along(numbers: Tensor, axis: int) -> Numbers | None:
    """The numbers along an axis, if they differ along no other."""
    axis %= numbers.dim()
    if set(_varying(numbers)) - {axis}:
        return None
    line: Numbers = numbers[tuple(slice(None) if each == axis else 0 for each in range(numbers.dim()))].long().numpy()
    return line


def _spread(line: Numbers, shape: tuple[int, ...], axis: int) -> Tensor:
    """The numbers of a value of that shape whose channels lie along an axis."""
    sizes = [1] * len(shape)
    sizes[axis] = len(line)
    return torch.from_numpy(np.ascontiguousarray(line)).double().reshape(sizes).expand(shape)
