"""The gradient along a tape: back through every call, however the model makes it, and from tokens' embeddings."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace

import torch
from torch import Tensor

from ..lrp.call import Call
from ..lrp.families import Embedding, Operation, Relevances
from ..lrp.ledger import Handover
from ..lrp.propagation import Plan, propagate
from ..lrp.rules import Rule
from ..lrp.tape import Step, Tape
from ..lrp.weighted import EffectiveWeights


@dataclass(frozen=True)
class Derivative(Operation):
    """Hands on the gradient, as autograd does."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        return Handover(call.pull(relevance))


@dataclass(frozen=True)
class LookedUp(Derivative):
    """Of rows of a table: what is found of a row and its gradient, summed, goes to the token whose row it is."""

    found: Callable[[Tensor, Tensor], Tensor] = field(default=torch.mul, repr=False)
    """Gets gradients and rows of the same shape."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received, *_ = relevance
        assert received is not None
        return Embedding().propagate(call, (self.found(received, call.output),), rule, cache)


def gradient(
    tape: Tape, weights: Tensor, *, of: int | None = None, passing: Mapping[int, Operation] | None = None
) -> Tensor:
    """The gradient of the weighted scores by the input, or by what the step number `of` makes.

    Steps pass it on by other operations where `passing` has one for their number.
    """
    first, value = (0, tape.inputs[0]) if of is None else (of + 1, made_by(tape.steps[of]))
    others = passing or {}
    steps = [replace(tape.steps[i], operation=others.get(i, Derivative())) for i in range(first, len(tape.steps))]
    walked = replace(tape, steps=steps, inputs=(value,))
    (found,) = propagate(walked, Plan([None] * len(steps)), [{tape.output: weights}], EffectiveWeights())
    return walked.relevance_or_zero(value, found.of)


def made_by(step: Step) -> int:
    """The value that a step makes, the first of several."""
    return next(value for value in step.results if value is not None)


def of_tokens(tape: Tape, weights: Tensor, found: Callable[[Tensor, Tensor], Tensor]) -> Tensor:
    """For tokens (B, T) what is `found` of their embeddings and the gradients of these, summed: (B, T)."""
    looked = {
        number: LookedUp(found=found) for number, step in enumerate(tape.steps) if isinstance(step.operation, Embedding)
    }
    return gradient(tape, weights, passing=looked)
