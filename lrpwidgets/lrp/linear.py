"""Linear steps z = W x + b: what a rule may ask of a convolution, a dense layer, a pooling or a sum.

Every rule of the LRP table is written with these few questions, so a rule never sees a kernel size and an
operation never sees a rule. Matrices are handed around as opaque `Matrix` objects: an effective weight for
convolutions and dense layers, plain numbers for poolings and sums.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from threading import Lock
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.utils.weak import WeakTensorKeyDictionary

from .call import Call, substitute, version
from .samples import Samples

Matrix = Any
Inputs = tuple[Tensor, ...]

ONES: Matrix = object()
"""The matrix of the step with 1 in place of every entry."""


@dataclass(frozen=True, eq=False)
class Term:
    """A part of what a step hands down: input j gets x_j (Wᵀ s)_j.

    Every rule is a sum of such terms. They hold all that the relevance of the inputs and of the parameters
    is made of: parameter w_jk gets x_j w_jk s_k.
    """

    inputs: Inputs | None
    """x: the step's inputs, their positive part, bounds, ...; None for ones."""
    matrix: Matrix
    """W: an effective weight."""
    share: Tensor
    """s: relevance per unit of output."""
    bias: Tensor | None = None
    """What the bias counts beside W x: it absorbs bias ⊙ s."""


class LinearStep(ABC):
    """z = W x + b with its actual input and output.

    A *contribution* is one term x_j w_jk of the sum z_k. ``p`` and ``n`` weigh contributions by their sign:
    (1, 1) is the step itself, (1, 0) its positive part, (1 + γ, 1) that of the γ-rule.
    """

    def __init__(self, call: Call) -> None:
        self.inputs: Inputs = call.inputs
        self.output: Tensor = call.output
        self.nonnegative = call.nonnegative
        self.samples: Samples = call.samples
        self._totals: dict[Any, Tensor] | None = {} if call.several else None

    @abstractmethod
    def matrix(self, p: float, n: float) -> Matrix:
        """W with its positive entries times `p` and its negative entries times `n`."""

    @abstractmethod
    def squares(self) -> Matrix:
        """W with every entry squared."""

    @abstractmethod
    def apply(self, matrix: Matrix, inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        """``matrix @ inputs + bias``, shaped like the output (or broadcastable to it)."""

    @abstractmethod
    def pull(self, matrix: Matrix, share: Tensor) -> Inputs:
        """``matrix.T @ share``, shaped like the inputs."""

    @abstractmethod
    def fan_in(self) -> Tensor:
        """How many inputs reach each output, padding left out; broadcastable to the output."""

    @abstractmethod
    def spread(self, share: Tensor) -> Inputs:
        """The sum, for every input, of the shares of the outputs that it reaches."""

    def bias(self) -> Tensor | None:
        """b, broadcastable to the output; None if there is none."""
        return None

    def signed_bias(self, p: float, n: float) -> Tensor | None:
        """The bias with its positive entries times `p` and its negative entries times `n`."""
        bias = self.bias()
        return bias if bias is None or p == n == 1 else p * bias.clamp(min=0) + n * bias.clamp(max=0)

    def total(self, p: float, n: float, offset: float = 0.0) -> tuple[Tensor, bool]:
        """Σ_j of the contributions, weighted by sign, the bias, weighted likewise, and an `offset`.

        Also tells whether the tensor may be overwritten: not if the next target wants it again.
        """
        if self._totals is None:
            return self._total(p, n, offset), p != n
        if (p, n, offset) not in self._totals:
            self._totals[p, n, offset] = self._total(p, n, offset)
        return self._totals[p, n, offset], False

    def _total(self, p: float, n: float, offset: float) -> Tensor:
        if p == n:
            total = self.output if p == 1 else p * self.output
            return total + offset if offset else total
        bias = self.signed_bias(p, n)
        if offset:
            bias = self.output.new_tensor(offset) if bias is None else bias + offset
        first, *others = self.by_sign(self.output, p, n)
        total = self.apply(first.matrix, first.inputs or (), bias)
        for term in others:
            total = total + self.apply(term.matrix, term.inputs or ())
        return total

    def by_sign(self, share: Tensor, p: float, n: float) -> list[Term]:
        """The terms that hand on each input's contributions, weighted by sign, times the `share`."""
        bias = self.signed_bias(p, n)
        if p == n or self.nonnegative:
            return [Term(self.inputs, self.matrix(p, n), share, bias)]
        return [Term(self.positive, self.matrix(p, n), share, bias), Term(self.negative, self.matrix(n, p), share)]

    def hand(self, terms: Sequence[Term]) -> Inputs:
        """The sum of what the `terms` hand to each input."""
        handed: list[Tensor] = []
        for term in terms:
            parts = self.spread(term.share) if term.matrix is ONES else self.pull(term.matrix, term.share)
            if term.inputs is not None:
                parts = tuple(self._times(x, c) for x, c in zip(term.inputs, parts, strict=True))
            handed = [a + b for a, b in zip(handed, parts, strict=True)] if handed else list(parts)
        return tuple(handed)

    has_parameters = False
    """Whether :meth:`parameters` knows any."""

    def parameters(self, terms: Sequence[Term]) -> list[tuple[Tensor | None, Tensor]]:
        """Each parameter with the relevance that the `terms` give it, shaped like it and summed over the batch."""
        return []

    @cached_property
    def positive(self) -> Inputs:
        """The inputs with 0 in place of negative elements."""
        return self.inputs if self.nonnegative else tuple(x.clamp(min=0) for x in self.inputs)

    @cached_property
    def negative(self) -> Inputs:
        """The inputs with 0 in place of positive elements."""
        return tuple(x.clamp(max=0) for x in self.inputs)

    def _times(self, x: Tensor, pulled: Tensor) -> Tensor:
        return x * pulled


class EffectiveWeights:
    """Effective weights (w⁺, w + γw⁺, folded batch norm, ...), kept until their parameter changes.

    A change is seen by torch's version counter, which every in-place call advances, optimizers and
    ``load_state_dict`` included. Writing through ``parameter.data`` goes past it: call :meth:`clear` then.
    """

    KEPT = 12  # per parameter: what one composite needs, and the last few stops of a slider

    def __init__(self) -> None:
        self._kept: Any = WeakTensorKeyDictionary()
        self._lock = Lock()  # two threads may explain with one explainer

    def get(self, sources: Sequence[Tensor | None], variant: Any, build: Callable[[], Tensor]) -> Tensor:
        """`build()` for `variant` of ``sources[0]``, or what it returned while `sources` are the same."""
        stamp = tuple((id(t), t.data_ptr(), version(t)) for t in sources if t is not None)
        with self._lock:
            kept: dict[Any, tuple[Any, Tensor]] = self._kept.setdefault(sources[0], {})
            found = kept.pop(variant, None)
        if found is None or found[0] != stamp:
            found = (stamp, build())
        with self._lock:
            kept[variant] = found  # at the end: the first one is always the least recently used
            while len(kept) > self.KEPT:
                del kept[next(iter(kept))]
        return found[1]

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()


class Weighted(LinearStep):
    """A convolution or dense layer, a batch norm that follows it folded in."""

    def __init__(self, call: Call, weight: Tensor, bias: Tensor | None, cache: EffectiveWeights) -> None:
        super().__init__(call)
        (self.input,) = self.inputs
        self._weight, self._bias, self._cache = weight, bias, cache
        self._variants: dict[Any, Tensor] = {}  # those that this step has looked up already
        self.turned: Tensor | None = None
        """The parameter that the weight is the transpose of, if it is none itself."""
        self._norm = call.norm.bind(batch_norm_arguments) if call.norm else None
        constants = [value for name, value in (self._norm or {}).items() if name != "input"]
        self._sources = [weight, bias, *(value for value in constants if isinstance(value, Tensor))]

    @abstractmethod
    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        """W x + b for another `weight` of the same shape and a `bias` per output channel."""

    @abstractmethod
    def transposed(self, share: Tensor, weight: Tensor) -> Tensor:
        """Wᵀ s for another `weight` of the same shape."""

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
        weight = self._weight
        if self._norm:
            weight = self._variant("folded", lambda: self._weight * self.along_outputs(self._scale_and_shift[0]))
        if p == n == 1:
            return weight
        if (p, n) == (1, 0):
            return self._variant("positive", lambda: weight.clamp(min=0))
        return self._variant((p, n), lambda: n * weight + (p - n) * weight.clamp(min=0))

    def squares(self) -> Tensor:
        weight = self.matrix(1, 1)
        return self._variant("squares", lambda: weight**2)

    def by_sign(self, share: Tensor, p: float, n: float) -> list[Term]:
        if p == n or self.nonnegative or self._input_axis is None:
            return super().by_sign(share, p, n)
        # Positive and negative inputs side by side, as twice as many channels: one kernel instead of two.
        axis = self._input_axis
        parts = self.matrix(p, n), self.matrix(n, p)
        stacked = self._variant(("stacked", p, n), lambda: torch.cat(parts, axis))
        return [Term((self._signs,), stacked, share, self.signed_bias(p, n))]

    def hand(self, terms: Sequence[Term]) -> Inputs:
        axis, (first, *_) = self._input_axis, terms
        together = all(each.share is first.share and each.matrix is not ONES for each in terms)
        if len(terms) == 1 or axis is None or not together:
            return super().hand(terms)
        # One kernel for all that gets the same share, as several times as many channels.
        pulled = self.transposed(first.share, torch.cat([term.matrix for term in terms], axis))
        widths = [term.matrix.shape[axis] for term in terms]
        parts = torch.split_with_sizes(pulled, widths, self.channel_axis)
        products = (
            c if term.inputs is None else self._times(term.inputs[0], c) for term, c in zip(terms, parts, strict=True)
        )
        return (sum(products, start=torch.zeros((), dtype=pulled.dtype, device=pulled.device)),)

    def bias(self) -> Tensor | None:
        if self._norm is None:
            return None if self._bias is None else self.across_output(self._bias)
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
                owner = self._bias if self._norm is None else self._norm["bias"]
                absorbed = (term.share * term.bias).sum_to_size(term.bias.shape).flatten()
                # What a folded norm without parameters shifts has no parameter; its running mean stands for it.
                found.append((self._norm["running_mean"] if owner is None and self._norm else owner, absorbed))
        return found

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
    def _signs(self) -> Tensor:
        return torch.cat([*self.positive, *self.negative], self.channel_axis)

    @cached_property
    def _scale_and_shift(self) -> tuple[Tensor, Tensor]:
        assert self._norm is not None
        return batch_norm_scale_and_shift(self._norm)

    def _times(self, x: Tensor, pulled: Tensor) -> Tensor:
        # Nobody else holds what was pulled.
        product = pulled.mul_(x) if x.dtype == pulled.dtype else x * pulled
        if product.shape == self.input.shape:
            return product
        positive, negative = product.chunk(2, self.channel_axis)
        return positive + negative

    def _variant(self, variant: Any, build: Callable[[], Tensor]) -> Tensor:
        if variant not in self._variants:
            self._variants[variant] = self._cache.get(self._sources, variant, build)
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
        arguments = call.bind(_transposed_arguments if self.is_transposed else _convolution_arguments)
        weight: Tensor = arguments["weight"]
        super().__init__(call, weight, arguments["bias"], cache)
        kernel = weight.shape[2:]
        self.groups: int = arguments["groups"]
        self.stride = _each(arguments["stride"], len(kernel))
        self.dilation = _each(arguments["dilation"], len(kernel))
        self.output_padding = _each(arguments.get("output_padding", 0), len(kernel))
        self.padding, self.extra = _padding(arguments["padding"], kernel, self.dilation)
        moves = {*kernel, *self.stride, self.groups} != {1} or any(self.padding)
        self._pointwise = not self.is_transposed and not moves

    def forward(self, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
        return torch.convolution(self._padded(x), weight, bias, *self._geometry())

    def transposed(self, share: Tensor, weight: Tensor) -> Tensor:
        if self._pointwise:  # the forward kernel is the faster one for small pictures
            return torch.convolution(share, weight.transpose(0, 1), None, *self._geometry())
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


def _convolution_arguments(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None = None,
    stride: Any = 1,
    padding: Any = 0,
    dilation: Any = 1,
    groups: int = 1,
) -> dict[str, Any]:
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


class Averaging(LinearStep):
    """A step whose every output weighs its inputs alike: average pooling, mean, sum over an axis."""

    def __init__(self, call: Call, function: Callable[[Tensor], Tensor] | None = None) -> None:
        super().__init__(call)
        (self.input,) = self.inputs
        self._function = function or (lambda x: call.replay(x)[0])

    def matrix(self, p: float, n: float) -> float:
        return p  # no entry is negative

    def squares(self) -> float:
        # Equal weights stay equal when squared; the factor cancels in any rule's quotient.
        return 1.0

    def apply(self, matrix: float, inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        pooled = self._function(inputs[0])
        pooled = pooled if matrix == 1 else matrix * pooled
        return pooled if bias is None else pooled + bias

    def pull(self, matrix: float, share: Tensor) -> Inputs:
        with torch.enable_grad():
            leaf = self.input.detach().requires_grad_()
            pooled = self._function(leaf)
        (pulled,) = torch.autograd.grad(pooled, leaf, share if matrix == 1 else matrix * share)
        return (pulled,)

    def fan_in(self) -> Tensor:
        # In units of the common weight, which cancels: see `spread`.
        return self._function(torch.ones_like(self.input[:1]))

    def spread(self, share: Tensor) -> Inputs:
        return self.pull(1.0, share)


class Resampling(Averaging):
    """Interpolation whose weights have both signs, as bicubic ones do."""

    def matrix(self, p: float, n: float) -> float:
        if p != n:
            raise ValueError("bicubic interpolation has weights of both signs that are not known apart; use Epsilon")
        return p


class Contraction(LinearStep):
    """A product with one constant tensor in any arrangement of axes: ``einsum``, ``bmm``, ``weight @ x``."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._call = call
        constants: list[Tensor] = []
        substitute((call.args, call.kwargs), lambda item: constants.append(item) if isinstance(item, Tensor) else None)
        (self._constant,) = constants

    def matrix(self, p: float, n: float) -> Tensor:
        scaled = _signed(self._constant, p, n)
        assert isinstance(scaled, Tensor)
        return scaled

    def squares(self) -> Tensor:
        return self._constant**2

    def apply(self, matrix: Tensor, inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        whole = tuple(given.expand(x.shape) for given, x in zip(inputs, self.inputs, strict=True))
        made = self._with(matrix).replay(*whole)[0]
        return made if bias is None else made + bias

    def pull(self, matrix: Tensor, share: Tensor) -> Inputs:
        return self._with(matrix).pull([share])

    def fan_in(self) -> Tensor:
        return self.apply(torch.ones_like(self._constant), tuple(torch.ones_like(x) for x in self.inputs))

    def spread(self, share: Tensor) -> Inputs:
        return self.pull(torch.ones_like(self._constant), share)

    def _with(self, constant: Tensor) -> Call:
        def exchange(item: Any) -> Any:
            return constant if item is self._constant else item

        args, kwargs = substitute((self._call.args, self._call.kwargs), exchange)
        return replace(self._call, args=args, kwargs=kwargs)


class Elementwise(LinearStep):
    """z = Σ_i c_i ⊙ x_i + b with broadcasting: sums, differences, a lone batch norm."""

    def __init__(
        self,
        call: Call,
        coefficients: Sequence[Tensor | float],
        bias: Tensor | None = None,
        norm: tuple[Tensor | None, Tensor | None] | None = None,
    ) -> None:
        super().__init__(call)
        self._coefficients = coefficients
        self._bias = bias
        self._norm = norm  # weight and bias of the batch norm that this is
        self.has_parameters = norm is not None

    def parameters(self, terms: Sequence[Term]) -> list[tuple[Tensor | None, Tensor]]:
        return [] if self._norm is None else norm_parameters(self, terms, *self._norm, by_channel=True)

    def matrix(self, p: float, n: float) -> list[Tensor | float]:
        return [_signed(c, p, n) for c in self._coefficients]

    def squares(self) -> list[Tensor | float]:
        return [c * c for c in self._coefficients]

    def bias(self) -> Tensor | None:
        return self._bias

    def apply(self, matrix: list[Tensor | float], inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        total, *others = (_scaled(c, x) for c, x in zip(matrix, inputs, strict=True))
        for term in others if bias is None else [*others, bias]:
            total = total + term
        return total.clone() if total is inputs[0] else total

    def pull(self, matrix: list[Tensor | float], share: Tensor) -> Inputs:
        return tuple(_scaled(c, share).sum_to_size(x.shape) for c, x in zip(matrix, self.inputs, strict=True))

    def fan_in(self) -> Tensor:
        return self.output.new_tensor(float(len(self.inputs)))

    def spread(self, share: Tensor) -> Inputs:
        return tuple(share.sum_to_size(x.shape) for x in self.inputs)


def norm_parameters(
    step: LinearStep, terms: Sequence[Term], weight: Tensor | None, bias: Tensor | None, *, by_channel: bool
) -> list[tuple[Tensor | None, Tensor]]:
    """What the weight and the bias of a norm carry: the weight, all that its outputs hand on."""

    def summed(carried: Tensor, parameter: Tensor) -> Tensor:
        if by_channel:
            return carried.transpose(0, 1).flatten(1).sum(1)
        return carried.sum_to_size(parameter.shape)

    found: list[tuple[Tensor | None, Tensor]] = []
    for term in terms:
        x = tuple(map(torch.ones_like, step.inputs)) if term.inputs is None else term.inputs
        if weight is not None:
            total = step.fan_in() if term.matrix is ONES else step.apply(term.matrix, x)
            found.append((weight, summed(total * term.share, weight)))
        if bias is not None and term.bias is not None:
            found.append((bias, summed(term.bias * term.share, bias)))
    return found


def _signed(coefficient: Tensor | float, p: float, n: float) -> Tensor | float:
    if isinstance(coefficient, Tensor):
        return p * coefficient.clamp(min=0) + n * coefficient.clamp(max=0)
    return coefficient * (p if coefficient > 0 else n)


def _scaled(coefficient: Tensor | float, x: Tensor) -> Tensor:
    return x if isinstance(coefficient, int | float) and coefficient == 1 else coefficient * x


def batch_norm_arguments(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> dict[str, Any]:
    """The arguments of ``F.batch_norm`` by name."""
    return locals()


def batch_norm_scale_and_shift(arguments: dict[str, Any]) -> tuple[Tensor, Tensor]:
    """Eval-mode batch norm as y = scale · x + shift, one number per channel each (Pahde et al. 2022)."""
    mean, variance = arguments["running_mean"], arguments["running_var"]
    scale = (variance + arguments["eps"]).rsqrt()
    if arguments["weight"] is not None:
        scale = scale * arguments["weight"]
    shift = -mean * scale
    return scale, shift if arguments["bias"] is None else shift + arguments["bias"]
