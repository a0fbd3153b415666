"""Layers with weights as linear steps: convolutions and dense layers, constant scales and shifts folded in."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from functools import cached_property
from threading import Lock
from typing import Any
from weakref import ref

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from ..shelves import Shelf
from . import affine
from .call import Call, version
from .linear import ONES, Bound, Inputs, LinearStep, Term


class EffectiveWeights:
    """Effective weights (w⁺, w + γw⁺, folded batch norm, ...), kept until their parameter changes.

    As many as there is room for in this process: see :mod:`lrpwidgets.shelves`.

    A change is seen by torch's version counter, which every in-place call advances, optimizers and
    ``load_state_dict`` included. Writing through ``parameter.data`` goes past it: call :meth:`clear` then.
    """

    def __init__(self) -> None:
        self._kept: Any = WeakTensorKeyDictionary()  # of stamps and shelves
        self._lock = Lock()  # two threads may explain with one explainer

    def of(self, sources: Sequence[Any]) -> Callable[[Any, Callable[[], Tensor]], Tensor]:
        """Gives for a variant of ``sources[0]`` what a function builds, or built while all `sources` were the same."""
        # By weak references, not ids: a scale that the model computes anew each time may lie where the last one was.
        stamp = tuple([(ref(t), t.data_ptr(), version(t)) if isinstance(t, Tensor) else t for t in sources])
        with self._lock:
            if sources[0] not in self._kept or not _same(self._kept[sources[0]][0], stamp):
                self._kept[sources[0]] = stamp, Shelf()
            shelf: Shelf = self._kept[sources[0]][1]
        return shelf.find

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._kept.clear()

    def __reduce__(self) -> tuple[type[EffectiveWeights], tuple[()]]:
        return type(self), ()  # a copy finds them again


def _same(one: tuple[Any, ...], other: tuple[Any, ...]) -> bool:
    """Whether two stamps are of the same numbers and the same unchanged tensors."""
    if len(one) != len(other):
        return False
    return all(
        a[0]() is b[0]() is not None and a[1:] == b[1:] if isinstance(a, tuple) and isinstance(b, tuple) else a == b
        for a, b in zip(one, other, strict=True)
    )


class Weighted(LinearStep):
    """A convolution or dense layer, with the scales and shifts per output channel that follow it folded in."""

    def __init__(self, call: Call, weight: Tensor, bias: Tensor | None, cache: EffectiveWeights) -> None:
        super().__init__(call)
        (self.input,) = self.inputs
        self._weight, self._bias, self._cache = weight, bias, cache
        self._variants = call.found
        self.turned: Tensor | None = None
        """The parameter that the weight is the transpose of, if it is none itself."""
        self._folded = call.folded

    @abstractmethod
    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """W x + b for another `weight` of the same shape and a `bias` per output channel."""

    @abstractmethod
    def transposed(self, share: Tensor, weight: Tensor) -> Tensor:
        """Wᵀ s for another `weight` of the same shape."""

    setting: str = ""
    """What else the step depends on, beside weight and bias."""

    @property
    @abstractmethod
    def channels(self) -> int:
        """Number of output channels."""

    @abstractmethod
    def outer(self, x: Tensor, share: Tensor, weight: Tensor) -> Tensor:
        """Σ x_j s_k over everything that shares the weight w_jk, shaped like the `weight`."""

    @abstractmethod
    def along_outputs(self, values: Tensor) -> Tensor:
        """One value per output channel, shaped to multiply the weight."""

    @abstractmethod
    def across_output(self, values: Tensor) -> Tensor:
        """One value per output channel, shaped to add to the output."""

    def matrix(self, p: float, n: float) -> Tensor:
        if p == n == 1:
            return self._variant("folded", self._scaled_weight) if self._folded else self._weight
        # What is folded is not kept for the sake of its signs: as large as the weights, and soon made.
        return self._variant((p, n), lambda: self._signed_weight(p, n))

    def squares(self) -> Tensor:
        return self._variant("squares", lambda: self._scaled_weight() ** 2)

    def by_sign(self, share: Tensor, p: float, n: float) -> list[Term]:
        if p == n or self.nonnegative or self._input_axis is None:
            return super().by_sign(share, p, n)
        # Positive and negative inputs side by side, as twice as many channels: one kernel instead of two.
        axis = self._input_axis
        parts = (p, n), (n, p)
        stacked = self._variant(
            ("stacked", p, n), lambda: torch.cat([self._signed_weight(*part) for part in parts], axis)
        )
        return [Term(self._signs, stacked, share, self.signed_bias(p, n))]

    def hand(self, terms: Sequence[Term]) -> Inputs:
        axis, (first, *others) = self._input_axis, terms
        if not others or any(each.matrix is ONES for each in terms):
            return super().hand(terms)
        if first.inputs is not None and all(each.inputs is first.inputs for each in others):
            pulled = self.transposed(first.share, first.matrix)
            for each in others:
                pulled.add_(self.transposed(each.share, each.matrix))
            return (self._times(first.inputs[0], pulled),)
        if axis is None or any(each.share is not first.share for each in others):
            return super().hand(terms)
        # One kernel for all that gets the same share, as several times as many channels.
        pulled = self.transposed(first.share, torch.cat([term.matrix for term in terms], axis))
        widths = [term.matrix.shape[axis] for term in terms]
        parts = torch.split_with_sizes(pulled, widths, self.channel_axis)
        handed, *more = (
            c if term.inputs is None else self._times(term.inputs[0], c) for term, c in zip(terms, parts, strict=True)
        )
        return (sum(more, start=handed),)

    def least(self, low: Bound, high: Bound) -> Tensor:
        if self._at_bound(low) is not None:  # the model's own scales and shifts, which may change without the weight
            return super().least(low, high)
        variant = "least", low, high, self.input.shape[1:], self.setting
        return self._variant(variant, lambda: LinearStep.least(self, low, high))

    def bias(self) -> Tensor | None:
        if not self._folded:
            return None if self._bias is None else self.across_output(self._bias)
        if self._bias is None and not any(map(affine.shifts, self._folded)):
            return None
        return self.across_output(self._variant("bias", self._folded_bias))

    def signed_bias(self, p: float, n: float) -> Tensor | None:
        bias = self.bias()
        if bias is None or p == n == 1:
            return bias
        return self._variant(("bias", p, n), lambda: p * bias.clamp(min=0) + n * bias.clamp(max=0))

    def apply(self, matrix: Tensor, inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        if bias is not None:
            bias = bias.flatten()
            bias = bias.expand(self.channels) if len(bias) == 1 else bias
        return self.forward(inputs[0], matrix, bias)

    def pull(self, matrix: Tensor, share: Tensor) -> Inputs:
        return (self.transposed(share, matrix),)

    has_parameters = True

    def parameters(self, terms: Sequence[Term]) -> list[tuple[Tensor | None, Tensor]]:
        found: list[tuple[Tensor | None, Tensor]] = []
        for term in terms:
            x = torch.ones_like(self.input) if term.inputs is None else term.inputs[0]
            x = x.expand(len(self.input), *x.shape[1:])
            carried = self.outer(x, term.share, self._weight if term.matrix is ONES else term.matrix)
            carried = carried if term.matrix is ONES else term.matrix * carried
            if carried.shape != self._weight.shape:
                positive, negative = carried.chunk(2, self._input_axis or 0)
                carried = positive + negative
            if self.turned is not None:
                carried = carried.T
            found.append((self._weight if self.turned is None else self.turned, carried))
            if term.bias is not None:
                absorbed = (term.share * term.bias).sum_to_size(term.bias.shape).flatten()
                found += [(owner, absorbed * part) for owner, part in self._portions]
        return found

    @cached_property
    def _portions(self) -> list[tuple[Tensor | None, Tensor | float]]:
        """The parameters that the bias consists of, and their portions of it; a batch norm stands for all before it."""
        if not self._folded:
            return [(self._bias, 1.0)]
        parts: list[tuple[Tensor | None, Tensor]] = [] if self._bias is None else [(self._bias, self._bias)]
        for call in self._folded:
            read = affine.of(call)
            assert read is not None
            scale, shift = self._per_output(read.scale), self._per_output(read.shift)
            parts = [(owner, scale * part) for owner, part in parts]
            if affine.shifts(call):
                parts.append((affine.parameters(call)[1], shift))
            if affine.is_norm(call):
                parts = [(parts[-1][0], torch.stack([part for _, part in parts]).sum(0))]
        whole = self._folded_bias()
        return [(owner, torch.where(whole == 0, 0.0, part / whole)) for owner, part in parts]

    @cached_property
    def _scale_and_shift(self) -> tuple[Tensor, Tensor]:
        """All that is folded in, one number per output channel each."""
        total = affine.chain(self._folded)
        return self._per_output(total.scale), self._per_output(total.shift)

    def _per_output(self, value: Tensor | float) -> Tensor:
        values = torch.as_tensor(value, dtype=self._weight.dtype, device=self._weight.device).flatten()
        return values.expand(self.channels) if len(values) == 1 else values

    def _scaled_weight(self) -> Tensor:
        return self._weight * self.along_outputs(self._scale_and_shift[0]) if self._folded else self._weight

    def _signed_weight(self, p: float, n: float) -> Tensor:
        weight = self._scaled_weight()
        positive = weight.clamp(min=0)
        return positive if (p, n) == (1, 0) else positive.mul_(p - n).add_(weight, alpha=n)

    def _folded_bias(self) -> Tensor:
        scale, shift = self._scale_and_shift
        return shift if self._bias is None else self._bias * scale + shift

    @property
    @abstractmethod
    def channel_axis(self) -> int:
        """The axis of the input that counts its channels."""

    @property
    def _input_axis(self) -> int | None:
        """The axis of the weight that counts input channels; None where they come in several groups."""
        return 1

    @cached_property
    def _signs(self) -> Inputs:
        return (torch.cat([*self.positive, *self.negative], self.channel_axis),)

    def _times(self, x: Tensor, pulled: Tensor) -> Tensor:
        # Nobody else holds what was pulled.
        product = pulled.mul_(x) if x.dtype == pulled.dtype else x * pulled
        if product.shape == self.input.shape:
            return product
        positive, negative = product.chunk(2, self.channel_axis)
        return positive + negative

    @cached_property
    def _look_up(self) -> Callable[[Any, Callable[[], Tensor]], Tensor]:
        constants = [each for folded in self._folded for each in affine.constants(folded)]
        return self._cache.of([self._weight, self._bias, *constants])

    def _variant(self, variant: Any, build: Callable[[], Tensor]) -> Tensor:
        if variant not in self._variants:
            self._variants[variant] = self._look_up(variant, build)
        return self._variants[variant]


class Dense(Weighted):
    """``F.linear``: weight (outputs, inputs), the features in the last axis."""

    def __init__(self, call: Call, cache: EffectiveWeights) -> None:
        arguments = call.bind(_dense_arguments)
        super().__init__(call, arguments["weight"], arguments["bias"], cache)

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return F.linear(x, weight, bias)

    def transposed(self, share: Tensor, weight: Tensor) -> Tensor:
        return share @ weight

    def outer(self, x: Tensor, share: Tensor, weight: Tensor) -> Tensor:
        return share.flatten(0, -2).T @ x.flatten(0, -2)

    channel_axis = -1

    @property
    def channels(self) -> int:
        return len(self._weight)

    def along_outputs(self, values: Tensor) -> Tensor:
        return values[:, None]

    def across_output(self, values: Tensor) -> Tensor:
        return values

    def fan_in(self) -> Tensor:
        return self.output.new_tensor(float(self.input.shape[-1]))

    def spread(self, share: Tensor) -> Inputs:
        return (share.sum(-1, keepdim=True).expand(self.input.shape),)


def _dense_arguments(input: Tensor, weight: Tensor, bias: Tensor | None = None) -> dict[str, Any]:
    return locals()


class Convolution(Weighted):
    """Convolutions of 1 to 3 dimensions, transposed ones included, with all their settings."""

    def __init__(self, call: Call, cache: EffectiveWeights) -> None:
        self.is_transposed = "transpose" in call.function.__name__
        arguments = call.bind(_transposed_arguments if self.is_transposed else convolution_arguments)
        weight: Tensor = arguments["weight"]
        super().__init__(call, weight, arguments["bias"], cache)
        kernel = weight.shape[2:]
        self.groups: int = arguments["groups"]
        self.stride = _each(arguments["stride"], len(kernel))
        self.dilation = _each(arguments["dilation"], len(kernel))
        self.output_padding = _each(arguments.get("output_padding", 0), len(kernel))
        self.padding, self.extra = _padding(arguments["padding"], kernel, self.dilation)
        self.setting = str(self._geometry())

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return torch.convolution(self._padded(x), weight, bias, *self._geometry())

    def transposed(self, share: Tensor, weight: Tensor) -> Tensor:
        channels = weight.shape[0] if self.is_transposed else weight.shape[1] * self.groups
        shape = [size + extra for size, extra in zip(self.input.shape[2:], self.extra, strict=True)]
        # Only the shape and the memory layout of the input are read, so nothing is written into it.
        last = share.dim() == 4 and share.is_contiguous(memory_format=torch.channels_last)
        layout = torch.channels_last if last else torch.contiguous_format
        x = torch.empty(
            (share.shape[0], channels, *shape), dtype=share.dtype, device=share.device, memory_format=layout
        )
        pulled = self._backward(share, x, weight, (True, False, False))[0]
        for axis, size in enumerate(self.input.shape[2:], start=2):
            pulled = pulled.narrow(axis, 0, size)
        return pulled

    def outer(self, x: Tensor, share: Tensor, weight: Tensor) -> Tensor:
        return self._backward(share, self._padded(x), weight, (False, True, False))[1]

    channel_axis = 1

    @property
    def _input_axis(self) -> int | None:
        return None if self.groups > 1 else 0 if self.is_transposed else 1

    @property
    def channels(self) -> int:
        return self._weight.shape[1] * self.groups if self.is_transposed else self._weight.shape[0]

    def _padded(self, x: Tensor) -> Tensor:
        if not any(self.extra):
            return x
        return F.pad(x, [side for extra in reversed(self.extra) for side in (0, extra)])

    def _backward(self, share: Tensor, x: Tensor, weight: Tensor, wanted: tuple[bool, bool, bool]) -> Inputs:
        backward: Callable[..., Inputs] = torch.ops.aten.convolution_backward
        return backward(share, x, weight, None, *self._geometry(), wanted)

    def along_outputs(self, values: Tensor) -> Tensor:
        ones = [1] * (self._weight.dim() - 2)
        if not self.is_transposed:
            return values.reshape(-1, 1, *ones)
        per_group = values.reshape(self.groups, 1, -1)  # a transposed weight is (inputs, outputs / groups, ...)
        return per_group.expand(-1, self._weight.shape[0] // self.groups, -1).reshape(*self._weight.shape[:2], *ones)

    def across_output(self, values: Tensor) -> Tensor:
        return values.reshape(-1, *[1] * (self._weight.dim() - 2))

    def fan_in(self) -> Tensor:
        ones = self.input.new_ones(1, self.groups, *self.input.shape[2:])
        per_channel = self.forward(ones, self._box())[:, :1]
        return per_channel * (self.input.shape[1] // self.groups)

    def spread(self, share: Tensor) -> Inputs:
        # With a matrix of ones all channels of a group are alike: one box filter per group does for them all.
        summed = share.reshape(share.shape[0], self.groups, -1, *share.shape[2:]).sum(2)
        spread = self.transposed(summed, self._box()).unsqueeze(2)
        repeats = self.input.shape[1] // self.groups
        return (spread.expand(-1, -1, repeats, *spread.shape[3:]).reshape(self.input.shape),)

    def _box(self) -> Tensor:
        return self._weight.new_ones(self.groups, 1, *self._weight.shape[2:])

    def _geometry(self) -> tuple[Any, ...]:
        return self.stride, self.padding, self.dilation, self.is_transposed, self.output_padding, self.groups


def convolution_arguments(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> dict[str, Any]:
    """The layout of a convolution's arguments."""
    return locals()


def _transposed_arguments(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    output_padding: Any = 0,
    groups: int = 1,
    dilation: Any = 1,
) -> dict[str, Any]:
    return locals()


def _each(setting: int | Sequence[int], dimensions: int) -> list[int]:
    """One number per dimension."""
    return [setting] * dimensions if isinstance(setting, int) else list(setting) * (dimensions // len(setting))


def _padding(padding: Any, kernel: Sequence[int], dilation: Sequence[int]) -> tuple[list[int], list[int]]:
    """Padding on both sides, and what an even kernel under ``padding="same"`` needs at the end besides."""
    if padding == "same":
        totals = [d * (k - 1) for d, k in zip(dilation, kernel, strict=True)]
        return [total // 2 for total in totals], [total % 2 for total in totals]
    return _each(0 if padding == "valid" else padding, len(kernel)), [0] * len(kernel)
