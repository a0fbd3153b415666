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
from typing import Any

import torch
from torch import Tensor

from ..readable import Readable
from . import affine
from .call import Call, key, substitute
from .samples import Samples

Matrix = Any
Bound = float | Sequence[float]
Inputs = tuple[Tensor, ...]

ONES: Matrix = object()
"""The matrix of the step with 1 in place of every entry."""


@dataclass(frozen=True, eq=False, repr=False)
class Term(Readable):
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
        self._at_bound = call.at_bound
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

    def box(self, low: Bound, high: Bound) -> tuple[Inputs, Inputs]:
        """The least and the largest inputs, where `low` and `high` bound those of the model."""
        one, other = self._at_bound(low), self._at_bound(high)
        if one is None or other is None:
            return tuple(per_channel(low, x) for x in self.inputs), tuple(per_channel(high, x) for x in self.inputs)
        return (torch.minimum(one, other),), (torch.maximum(one, other),)  # a negative scale exchanges them

    def least(self, low: Bound, high: Bound) -> Tensor:
        """The least output, W⁺ l + W⁻ h + b, where `low` and `high` bound the model's inputs; of one sample."""
        least, largest = self.box(low, high)
        total, bias = self.apply(self.matrix(1, 0), least) + self.apply(self.matrix(0, 1), largest), self.bias()
        return total if bias is None else total + bias

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


class Summation(LinearStep):
    """Elements of the inputs, from wherever they come, added to each other and to constants: ``index_add``."""

    def __init__(self, call: Call) -> None:
        super().__init__(call)
        self._call = call
        self._constants = call.replay(*map(torch.zeros_like, call.inputs))[0]

    def matrix(self, p: float, n: float) -> float:
        return p  # no entry is negative

    def squares(self) -> float:
        return 1.0

    def bias(self) -> Tensor | None:
        return self._constants

    def apply(self, matrix: float, inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        whole = tuple(given.expand(x.shape) for given, x in zip(inputs, self.inputs, strict=True))
        made = matrix * (self._call.replay(*whole)[0] - self._constants)
        return made if bias is None else made + bias

    def pull(self, matrix: float, share: Tensor) -> Inputs:
        return self._call.pull([share if matrix == 1 else matrix * share])

    def fan_in(self) -> Tensor:
        return self.apply(1.0, tuple(map(torch.ones_like, self.inputs)))

    def spread(self, share: Tensor) -> Inputs:
        return self.pull(1.0, share)


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
    """z = Σ_i c_i ⊙ x_i + b with broadcasting: sums, differences, a constant scale and shift."""

    def __init__(
        self,
        call: Call,
        coefficients: Sequence[Tensor | float],
        bias: Tensor | None = None,
        owners: Sequence[Owner] = (),
    ) -> None:
        super().__init__(call)
        self._coefficients = coefficients
        self._bias = bias
        self._owners = owners
        self.has_parameters = bool(owners)

    def parameters(self, terms: Sequence[Term]) -> list[tuple[Tensor | None, Tensor]]:
        return [found for owner in self._owners for found in owner.carried(self, terms)]

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


class Folded(LinearStep):
    """g ⊙ z + c for another linear step z = W x + b and constants g and c: diag(g) W with all its signs.

    Its matrices are sums of products of a factor per output and a matrix of the inner step.
    """

    def __init__(
        self,
        call: Call,
        inner: LinearStep,
        scale: Tensor | float,
        shift: Tensor | float,
        owners: Sequence[Owner] = (),
    ) -> None:
        super().__init__(call)
        self._inner, self._owners = inner, owners
        self._scale = torch.as_tensor(scale, dtype=self.output.dtype, device=self.output.device)
        self._shift = None if isinstance(shift, float | int) and shift == 0 else torch.as_tensor(shift).to(self._scale)
        self.has_parameters = inner.has_parameters or bool(owners)

    @cached_property
    def _positive(self) -> bool:
        return bool((self._scale >= 0).all())

    def matrix(self, p: float, n: float) -> list[tuple[Tensor, Matrix]]:
        if p == n or self._positive:
            return [(self._scale, self._inner.matrix(p, n))]
        # Where g is negative, a positive entry of W counts as a negative one.
        positive, negative = self._scale.clamp(min=0), self._scale.clamp(max=0)
        return [(positive, self._inner.matrix(p, n)), (negative, self._inner.matrix(n, p))]

    def squares(self) -> list[tuple[Tensor, Matrix]]:
        return [(self._scale**2, self._inner.squares())]

    def bias(self) -> Tensor | None:
        inner = self._inner.bias()
        if inner is None:
            return self._shift
        return self._scale * inner if self._shift is None else self._scale * inner + self._shift

    def apply(self, matrix: list[tuple[Tensor, Matrix]], inputs: Inputs, bias: Tensor | None = None) -> Tensor:
        total, *others = (factor * self._inner.apply(part, inputs) for factor, part in matrix)
        for term in others if bias is None else [*others, bias]:
            total = total + term
        return total

    def pull(self, matrix: list[tuple[Tensor, Matrix]], share: Tensor) -> Inputs:
        first, *others = (self._inner.pull(part, factor * share) for factor, part in matrix)
        for other in others:
            first = tuple(a + b for a, b in zip(first, other, strict=True))
        return first

    def fan_in(self) -> Tensor:
        return self._inner.fan_in()

    def spread(self, share: Tensor) -> Inputs:
        return self._inner.spread(share)

    def parameters(self, terms: Sequence[Term]) -> list[tuple[Tensor | None, Tensor]]:
        parts = [
            Term(term.inputs, part, factor * term.share)
            for term in terms
            for factor, part in ([(1.0, ONES)] if term.matrix is ONES else term.matrix)
        ]
        own = [found for owner in self._owners for found in owner.carried(self, terms)]
        return self._inner.parameters(parts) + own


@dataclass(frozen=True, eq=False, repr=False)
class Owner(Readable):
    """The parameters of a constant scale and shift: the scale carries all that outputs hand on, the shift its own."""

    scale: Tensor | None
    shift: Tensor | None
    by_channel: bool
    """Whether they count the channels in the second axis; else they are aligned at the right."""

    def carried(self, step: LinearStep, terms: Sequence[Term]) -> list[tuple[Tensor | None, Tensor]]:
        """What each carries of the `terms` of a `step`."""
        found: list[tuple[Tensor | None, Tensor]] = []
        for term in terms:
            x = tuple(map(torch.ones_like, step.inputs)) if term.inputs is None else term.inputs
            if self.scale is not None:
                total = step.fan_in() if term.matrix is ONES else step.apply(term.matrix, x)
                found.append((self.scale, self._summed(total * term.share, self.scale)))
            if self.shift is not None and term.bias is not None:
                found.append((self.shift, self._summed(term.bias * term.share, self.shift)))
        return found

    def _summed(self, carried: Tensor, parameter: Tensor) -> Tensor:
        if self.by_channel:
            return carried.transpose(0, 1).flatten(1).sum(1)
        return carried.sum_to_size(parameter.shape)


def owners(calls: Sequence[Call]) -> list[Owner]:
    """Whose relevance a chain of scales and shifts is: that of the last scale and the last shift with a tensor."""
    found: list[Owner] = []
    for each in calls:
        scale, shift = affine.parameters(each)
        if scale is not None or shift is not None:
            found.append(Owner(scale, shift, by_channel=key(each.function) == "batch_norm"))
    scales = [replace(owner, shift=None) for owner in found if owner.scale is not None]
    shifts = [replace(owner, scale=None) for owner in found if owner.shift is not None]
    return scales[-1:] + shifts[-1:]


def _signed(coefficient: Tensor | float, p: float, n: float) -> Tensor | float:
    if isinstance(coefficient, Tensor):
        return p * coefficient.clamp(min=0) + n * coefficient.clamp(max=0)
    return coefficient * (p if coefficient > 0 else n)


def _scaled(coefficient: Tensor | float, x: Tensor) -> Tensor:
    return x if isinstance(coefficient, int | float) and coefficient == 1 else coefficient * x


def per_channel(bound: Bound, x: Tensor) -> Tensor:
    """`bound` as one sample shaped like those of `x` (B, C, ...)."""
    values = torch.as_tensor(bound, dtype=x.dtype, device=x.device)
    if values.dim() and len(values) != x.shape[1]:
        raise ValueError(
            f"ZBox has bounds for {len(values)} channels, but its input {tuple(x.shape)} has {x.shape[1]}."
        )
    return values.reshape(1, -1, *[1] * (x.dim() - 2)).expand(1, *x.shape[1:])
