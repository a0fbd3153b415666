"""What constants add at each place of a sequence or picture: embeddings of positions and types, which absorb relevance.

A linear step is said to add at places if the constants in its sum, all of them together, differ from place to place:
x + pos, pos + x, rows of a table by number, a slice of a parameter, the three-way sum of BERT in any order. Then all
that its constants absorb counts, also what is the same everywhere, since a sum tells no more than what was added: a
table that is shifted by a vector, and another one by its opposite, are the same program. What is added to scores of
attention (T5, ALiBi, Swin) belongs to pairs of places and does not count; nor do tokens of the model's own that stand
at a place alone, such as a class token, and what multiplies, such as rotary embeddings, absorbs nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ..readable import Readable
from . import affine
from .call import key
from .canonical import is_alone, is_sum
from .conditions import channel_axis
from .linear import LinearStep
from .operations import Linear
from .rules import LinearRule, Pass, finite
from .tape import Step, Tape
from .weighted import EffectiveWeights


@dataclass(frozen=True, eq=False, repr=False)
class Absorbed(Readable):
    """What the constants of a step absorb at each place."""

    input: int
    """The explained input, by number, whose places they are."""
    amounts: Tensor
    """(B, places...), in the ledger's precision."""


@dataclass(frozen=True)
class Adding:
    """A step that adds constants which differ from place to place."""

    input: int
    """The explained input, by number, whose places they are."""
    shape: tuple[int, ...]
    """Of the places."""
    samples: int | None
    """The axis of the step's output that counts the samples; None if there is none, in a batch of one."""
    channels: int
    """The axis whose elements are all at one place."""

    def absorbed(self, rule: LinearRule, step: LinearStep, relevance: Tensor) -> Absorbed:
        """What the constants absorb of the `relevance` at each place."""
        found = relevance.new_zeros(())
        for term in [] if isinstance(rule, Pass) else rule.divide(step, relevance).terms:
            if term.bias is not None:
                found = found + (term.share * finite(term.bias)).expand(relevance.shape).sum(
                    self.channels, keepdim=True
                )
        found = found.expand([1 if axis == self.channels else size for axis, size in enumerate(relevance.shape)])
        found = found if self.samples is None else found.movedim(self.samples, 0)
        return Absorbed(self.input, found.reshape(step.samples.count, *self.shape).double().cpu())


def adding(tape: Tape, cache: EffectiveWeights) -> dict[int, Adding]:
    """By index, the steps of the `tape` that add at places."""
    reached = _reached(tape)
    scores = _scores_of_attention(tape.steps)
    found = {}
    for index, step in enumerate(tape.steps):
        if step.results[0] in scores or not isinstance(step.operation, Linear):
            continue
        if (step.folded and not step.channelwise) or is_alone(step) or is_sum(step):
            one = _adding(tape, index, step, reached, cache)
            if one:
                found[index] = one
    return found


def _adding(
    tape: Tape, index: int, step: Step, reached: Mapping[int, frozenset[int]], cache: EffectiveWeights
) -> Adding | None:
    value = step.results[0]
    assert value is not None
    shape = tape.values[value].saved.shape
    if len(shape) < 3 and len(reached[value]) != 1:
        return None
    call = tape.call(step)
    own = () if step.folded and not (is_alone(step) or is_sum(step)) else (call,)
    varying = set[int]().union(*(affine.axes(each) for each in (*own, *call.folded)))
    if not varying:
        return None
    channels = channel_axis(tape, index)
    samples = _sample_axis(tape, value, channels)
    axes = [axis for axis in range(len(shape)) if axis not in (samples, channels)]
    if samples == -1 or varying.isdisjoint(axes):
        return None
    assert isinstance(step.operation, Linear)
    bias = step.operation.step(call, cache).bias()
    if bias is None or not any(_differs(bias, axis - len(shape)) for axis in axes):
        return None
    places = tuple(shape[axis] for axis in axes)
    owner = _owner(tape, places, reached[value])
    return None if owner is None else Adding(owner, places, samples, channels)


def _differs(bias: Tensor, axis: int) -> bool:
    """Whether `bias` is not the same along an `axis`, counted from the right."""
    if bias.dim() < -axis or bias.shape[axis] == 1:
        return False
    return bool((bias != bias.narrow(axis, 0, 1)).any())


def _sample_axis(tape: Tape, value: int, channels: int) -> int | None:
    """The axis that counts the samples, None if there is none, −1 if it cannot be told."""
    made = tape.values[value]
    shape, owner = made.saved.shape, made.samples.owner
    if made.samples.count == 1:
        return next((axis for axis in (0, 1) if axis < len(shape) and shape[axis] == 1 and axis != channels), None)
    axes = [] if owner is None else [axis for axis, size in enumerate(owner.shape) if size > 1]
    return axes[0] if len(axes) == 1 and shape[axes[0]] == made.samples.count else -1


def _owner(tape: Tape, places: tuple[int, ...], inputs: frozenset[int]) -> int | None:
    """The input, of those that the value is made of, whose places these are: tokens before numbers."""
    tensors = {number: tape.values[tape.inputs[number]].saved for number in sorted(inputs)}
    tokens = [n for n, x in tensors.items() if not x.is_floating_point() and tuple(x.shape[1:]) == places]
    return next(iter([*tokens, *(number for number, x in tensors.items() if x.is_floating_point())]), None)


def _reached(tape: Tape) -> dict[int, frozenset[int]]:
    """By value, the explained inputs that it is made of."""
    found = {value: frozenset([number]) for number, value in enumerate(tape.inputs)}
    for step in tape.steps:
        whole = frozenset[int]().union(*(found[value] for value in step.inputs))
        found.update((value, whole) for value in (*step.outputs, *step.results) if value is not None)
    return found


def _scores_of_attention(steps: Sequence[Step]) -> set[int]:
    """The values that a softmax is taken of, maybe moved or masked before."""
    found = set[int]()
    for step in reversed(steps):
        passes = step.kind == "routing" and not found.isdisjoint(v for v in step.results if v is not None)
        if step.kind == "softmax" or passes or (found.intersection(step.results) and key(step.function) == "to"):
            found.update(step.inputs)
    return found


def at_places(found: Mapping[int, Absorbed], number: int, x: Tensor, like: Tensor) -> Tensor:
    """The sum of what was `found`, by step, at the places of input `number`, which is `x`; zeros if that is nothing.

    Where other places follow than those found first, as in a pyramid of pictures, they are left out.
    """
    amounts = [found[index].amounts for index in sorted(found) if found[index].input == number]
    first = amounts[0] if amounts else like.new_zeros(len(x), *_places(x))
    return sum((each for each in amounts[1:] if each.shape == first.shape), start=first).to(like)


def _places(x: Tensor) -> tuple[int, ...]:
    """Of the input itself: tokens (B, ...), rows of numbers (B, T, D), pictures and signals (B, C, ...)."""
    if not x.is_floating_point():
        return tuple(x.shape[1:])
    return tuple(x.shape[1:-1] if x.dim() == 3 else x.shape[2:])
