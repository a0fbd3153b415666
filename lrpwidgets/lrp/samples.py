"""Which sample of the batch every element of a tensor belongs to, so that amounts add up sample by sample.

Most tensors of a network have the batch in their first axis, but not all: attention folds it into its heads,
recurrent networks put time first, packed sequences mix lengths. So the owner of each element is followed
along the tape, as a small integer tensor that is as large as the value only where it must be.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..readable import Readable


class MixedSamplesError(ValueError):
    """A step computes from several samples at once, so their amounts cannot be told apart."""


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Readable):
    """The owners of a tensor's elements.

    Attributes
    ----------
    count
        Number of samples in the batch, B.
    owner
        Sample number of each element, with as many axes as the tensor, each of its size or of size 1 where
        the owner does not depend on it; −1 for constants. None for a batch of one, whose only sample owns all.
    """

    count: int
    owner: Tensor | None = None

    @classmethod
    def first_axis(cls, tensor: Tensor, count: int) -> Samples:
        """The samples of `tensor` (B, ...)."""
        if count == 1:
            return cls(1)
        numbers = torch.arange(count, device=tensor.device)
        return cls(count, numbers.reshape(-1, *[1] * (tensor.dim() - 1)))

    @property
    def unknown(self) -> bool:
        """Whether it was computed from several samples at once."""
        return self.owner is None and self.count > 1

    @cached_property
    def leading(self) -> bool:
        """Whether the first axis simply counts the samples."""
        if self.owner is None or self.owner.numel() != self.count or self.owner.shape[0] != self.count:
            return False
        return self.owner.flatten().tolist() == list(range(self.count))

    def sum(self, amounts: Tensor, *weights: Tensor | float) -> list[Tensor]:
        """For each of the `weights`, which broadcast to `amounts`, Σ amounts ⊙ weight per sample, (B,).

        Axes along which no weight and no owner changes are summed first, and once for all weights.
        """
        shapes = [w.shape for w in weights if isinstance(w, Tensor)]
        if self.owner is not None:
            shapes.append(self.owner.shape)
        # Axes are counted from the right, as broadcasting does.
        dimensions = amounts.dim()
        summable = [
            dimensions - k
            for k in range(dimensions, 0, -1)
            if amounts.shape[-k] != 1 and all(len(shape) < k or shape[-k] == 1 for shape in shapes)
        ]
        if not summable and len(weights) == 1 and isinstance(weights[0], Tensor) and amounts.is_contiguous():
            fused = self._product_sum(amounts, weights[0])
            if fused is not None:
                return [fused]
        wide = torch.promote_types(amounts.dtype, torch.float32)
        reduced = amounts.sum(summable, keepdim=True, dtype=wide) if summable else amounts.to(wide)
        return [self._own(reduced * weight) for weight in weights]

    def total(self, amounts: Tensor) -> Tensor:
        """Σ amounts per sample, (B,)."""
        return self.sum(amounts, 1.0)[0]

    def _product_sum(self, amounts: Tensor, weights: Tensor) -> Tensor | None:
        """Both of one shape: a dot product for each sample, without a tensor for the products."""
        if amounts.shape != weights.shape or amounts.dtype != weights.dtype or not weights.is_contiguous():
            return None
        if amounts.element_size() < 4 or not (self.owner is None or self.leading):
            return None
        rows = zip(amounts.reshape(self.count, -1), weights.reshape(self.count, -1), strict=True)
        return torch.stack([torch.dot(row, weight) for row, weight in rows])

    def _own(self, amounts: Tensor) -> Tensor:
        if self.owner is None:
            return amounts.sum().reshape(1)
        if self.leading:
            return amounts.flatten(1).sum(1) if amounts.dim() > 1 else amounts
        changing = [axis for axis, size in enumerate(self.owner.shape) if size == 1]
        amounts = amounts.sum(changing, keepdim=True) if changing else amounts
        owner = self.owner.clamp(min=0).flatten()  # a constant in a place of its own is nobody's
        return amounts.new_zeros(self.count).index_add_(0, owner, amounts.expand(self.owner.shape).flatten())


def broadcast(given: Sequence[Samples], shape: Sequence[int]) -> Samples:
    """The owners in a result of this `shape` whose axes are those of its inputs, aligned at the right."""
    first = given[0]
    if first.owner is None:
        return first
    for other in given[1:]:
        assert other.owner is not None
        if other.owner.shape != first.owner.shape or not torch.equal(other.owner, first.owner):
            first = Samples(first.count, _agreed(first.owner, other.owner))
    assert first.owner is not None
    missing = len(shape) - first.owner.dim()
    owner = first.owner.reshape(*[1] * missing, *first.owner.shape) if missing > 0 else first.owner
    if missing < 0 or any(own not in (1, size) for own, size in zip(owner.shape, shape, strict=True)):
        raise MixedSamplesError("its result has another shape than what it reads")
    return first if owner is first.owner else Samples(first.count, owner)


def moved(
    given: Sequence[Samples], shapes: Sequence[Sequence[int]], run: Callable[..., Sequence[Any]]
) -> list[Samples]:
    """The owners in the results of `run`, which takes elements to other places: found by moving their numbers.

    `run` gets the numbers from 1 on, and puts 0 where an element is constant.
    """
    count = given[0].count
    owners = [s.owner for s in given if s.owner is not None]
    small = torch.uint8 if count < 255 else torch.int32
    full = [(owner + 1).to(small).expand(tuple(shape)) for owner, shape in zip(owners, shapes, strict=True)]
    try:
        results = run(*full)  # most views cost nothing
    except RuntimeError:
        full = [numbers.contiguous() for numbers in full]
        try:
            results = run(*full)
        except RuntimeError:  # a kernel that knows no integers
            results = run(*(numbers.float() for numbers in full))
    return [Samples(count, _shrunk(numbers).long() - 1) for numbers in results]


def combined(given: Sequence[Samples], run: Callable[..., Tensor]) -> Samples:
    """The owners in the result of `run`, which is linear in each input and sums over axes within a sample."""
    owners = [s.owner for s in given if s.owner is not None]
    if not owners:
        return given[0]
    count = given[0].count
    ones = [torch.ones(owner.shape, dtype=torch.float64, device=owner.device) for owner in owners]
    found: Tensor | None = None
    for place, owner in enumerate(owners):
        result = run(*ones[:place], owner.double(), *ones[place + 1 :])
        squares = run(*ones[:place], owner.double() ** 2, *ones[place + 1 :])
        if not torch.equal(run(*ones), torch.ones_like(result)) or not torch.equal(squares, result**2):
            raise MixedSamplesError("it sums over the batch")
        found = result if found is None else _agreed(found, result)
    assert found is not None
    return Samples(count, found.long())


def weighed(given: Sequence[Samples], shapes: Sequence[Sequence[int]], run: Callable[..., Sequence[Any]]) -> Samples:
    """The owners in the first result of `run`, which is linear: by what it makes of their numbers, 0 for constants.

    Whatever axes it moves or sums, an element belongs to the sample from which all its terms come: then its terms
    times the numbers, and times their squares, are as those of one number.
    """
    owners = [s.owner for s in given if s.owner is not None]
    if not owners:
        return given[0]
    numbers = [(owner + 1).double().expand(tuple(shape)) for owner, shape in zip(owners, shapes, strict=True)]
    generator = torch.Generator().manual_seed(0)  # so that terms of both signs do not cancel
    terms = [(torch.rand(n.shape, generator=generator, dtype=n.dtype).to(n.device) + 0.5) * (n > 0) for n in numbers]
    total, once, twice = (
        run(*(t * n**power for t, n in zip(terms, numbers, strict=True)))[0].detach() for power in (0, 1, 2)
    )
    if not bool(twice.isfinite().all()):
        raise RuntimeError("the derivative is not finite")
    reached = total.abs() > torch.finfo(total.dtype).eps ** 0.5 * total.abs().amax()
    number = (once / total).where(reached, 0.0)
    if bool(((twice / total - number**2).where(reached, 0.0).abs() > 0.01 * (1 + number**2)).any()):
        raise MixedSamplesError("it sums over the batch")
    return Samples(given[0].count, _shrunk(number.round().long()) - 1)


def check_apart(given: Samples, axis: int) -> None:
    """Raise MixedSamplesError if samples differ along `axis`, which a function works along."""
    if given.owner is not None and given.owner.shape[axis] > 1:
        raise MixedSamplesError("it works along the batch")


def agreed(given: Sequence[Samples]) -> Samples:
    """The owners of elements that are made from elements of each of `given`, in the same places."""
    first, *others = given
    for other in others:
        if first.owner is not None and other.owner is not None:
            first = Samples(first.count, _agreed(first.owner, other.owner))
    return first


def merged(given: Samples, axis: int) -> Samples:
    """The owners where a sum over `axis` follows that keeps its place; constants are among its terms."""
    if given.owner is None or given.owner.shape[axis] == 1:
        return given
    largest = given.owner.amax(axis, keepdim=True)
    if bool(((given.owner != largest) & (given.owner >= 0)).any()):
        raise MixedSamplesError("it sums over the batch")
    return Samples(given.count, largest)


def reduced(given: Samples, shape: Sequence[int], axes: Any, *, keepdim: bool) -> Samples:
    """The owners in the result of a reduction of a tensor of this `shape` over `axes` (None: all)."""
    if given.owner is None:
        return given
    over = tuple(range(len(shape))) if axes is None else (axes,) if isinstance(axes, int) else tuple(axes)
    if any(given.owner.shape[axis] > 1 for axis in over):
        raise MixedSamplesError("it sums over the batch")
    return Samples(given.count, given.owner.amax(over, keepdim=keepdim))


def _agreed(one: Tensor, other: Tensor) -> Tensor:
    try:
        one, other = torch.broadcast_tensors(one, other)  # type: ignore[no-untyped-call]
    except RuntimeError:
        raise MixedSamplesError("the tensors it reads differ in their batch axes") from None
    if bool(((one != other) & (one >= 0) & (other >= 0)).any()):
        raise MixedSamplesError("it combines different samples")
    return _shrunk(torch.maximum(one, other) + 1) - 1


def _shrunk(numbers: Tensor) -> Tensor:
    """`numbers` with size 1 along every axis that they do not depend on.

    0, a constant's number, agrees with its neighbours if those tell the samples apart along other axes.
    """
    if numbers.numel() == 0:
        return numbers
    for axis, size in enumerate(numbers.shape):
        if size == 1:
            continue
        if numbers.stride(axis) == 0:
            numbers = numbers.narrow(axis, 0, 1)
            continue
        largest = numbers.amax(axis, keepdim=True)
        same = numbers == largest
        if bool(same.all()) or (bool((same | (numbers == 0)).all()) and bool(largest.amin() < largest.amax())):
            numbers = largest
    return numbers
