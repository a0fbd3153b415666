"""Propagate relevance along a tape, from the scores to the inputs, and do again only what must be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from .ledger import Handover
from .linear import EffectiveWeights
from .operations import Gradient
from .rules import Rule
from .tape import Tape


@dataclass(frozen=True, eq=False)
class Relevance:
    """What a propagation leaves: the relevance of every value, and how every step handed its own over.

    Relevance above a step does not depend on the rule below it, which is why this is kept.
    """

    rules: Sequence[Rule | None]
    """The rule of every step, as the composite resolved it."""
    start: Tensor
    """Relevance of the scores, (B, C)."""
    of: dict[int, Tensor]
    """Relevance by value; values that no relevance reaches are missing."""
    handovers: dict[int, Handover]
    """By index of the step."""
    again: frozenset[int]
    """Indices of the steps that had to be computed for this one."""


@torch.no_grad()
def propagate(
    tape: Tape,
    rules: Sequence[Rule | None],
    start: Tensor,
    cache: EffectiveWeights,
    before: Relevance | None = None,
) -> Relevance:
    """Propagate `start`, the relevance of the scores (B, C), down to the inputs.

    With `before`, a propagation of the same tape, whatever cannot have changed is taken from there: a step is
    computed again if its rule differs, or if the relevance that it receives comes through such a step.

    Raises
    ------
    ValueError
        If a rule cannot be applied to its layer; the message names the layer.
    """
    readers = _readers(tape)
    of: dict[int, Tensor] = {}
    handovers: dict[int, Handover] = {}
    again: set[int] = set()
    fresh = {tape.output} if before is None or not torch.equal(before.start, start) else set()

    def arrive(value: int) -> None:
        """Sum what the start and the readers of `value` hand to it, unless that is known from before."""
        if not again.isdisjoint(index for index, _ in readers[value]):
            fresh.add(value)
        if before and value not in fresh:
            parts = [before.of[value]] if value in before.of else []
        else:
            handed = [handovers[index].inputs[slot] for index, slot in readers[value] if index in handovers]
            parts = [start, *handed] if value == tape.output else handed
        if parts:
            of[value] = sum(parts[1:], start=parts[0])

    for index, step in reversed(list(enumerate(tape.steps))):
        made = [value for value in step.results if value is not None]
        for value in made:
            arrive(value)
        if of.keys().isdisjoint(made):
            continue
        if before and fresh.isdisjoint(made) and rules[index] == before.rules[index]:
            handovers[index] = before.handovers[index]
            continue
        again.add(index)
        received = tuple(None if value is None else of.get(value) for value in step.results)
        try:
            handovers[index] = (step.operation or Gradient()).propagate(tape.call(step), received, rules[index], cache)
        except ValueError as error:
            raise ValueError(f"{step.name}: {error}") from error
    for value in tape.inputs:
        arrive(value)
    return Relevance(rules, start, of, handovers, frozenset(again))


def _readers(tape: Tape) -> defaultdict[int, list[tuple[int, int]]]:
    """By value, the steps that read it and the slots where they do."""
    readers: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for index, step in enumerate(tape.steps):
        for slot, value in enumerate(step.inputs):
            readers[value].append((index, slot))
    return readers
