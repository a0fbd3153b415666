"""Propagate relevance along a tape, from the scores to the inputs, and do again only what must be."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from typing import Any, Literal

import torch
from torch import Tensor

from ..readable import Readable
from . import attention, watching
from .attention import Attention, Later
from .call import Call
from .ledger import Handover, Row
from .operations import Gradient, Linear, Operation
from .places import Absorbed, Adding, adding
from .rules import LinearRule, Rule
from .tape import Step, Tape
from .weighted import EffectiveWeights

Keep = Literal["all", "layers", "input"]
"""What stays in memory: every activation and relevance, the relevance of the layers, or that of the input."""


class Sums(Mapping[int, Tensor]):
    """Tensors by number, of which only the terms are kept: those are there anyway, and summed soon enough.

    Some are computed when somebody looks at them.
    """

    def __init__(self) -> None:
        self._terms: dict[int, list[Tensor]] = {}
        self.later: dict[int, Later] = {}
        """Those, by number."""

    def __setitem__(self, number: int, terms: list[Tensor]) -> None:
        self._terms[number] = terms

    def __getitem__(self, number: int) -> Tensor:
        if number in self.later:
            return self.later[number].tensor()
        first, *others = self._terms[number]
        return sum(others, start=first)

    def __contains__(self, number: object) -> bool:
        return number in self._terms or number in self.later

    def __iter__(self) -> Iterator[int]:
        return chain(self._terms, self.later)

    def __len__(self) -> int:
        return len(self._terms) + len(self.later)

    def terms(self, number: int) -> list[Tensor]:
        """What the tensor of that number is the sum of; nothing if there is none."""
        return self._terms.get(number, [])

    def pop(self, number: int) -> None:
        """Forget the tensor of that number, if there is one."""
        self._terms.pop(number, None)
        self.later.pop(number, None)


class Plan:
    """What a composite makes of a tape: the rule of every step, and what that rule looked up of the step's weights.

    Neither depends on what is explained, so the next target finds both.
    """

    def __init__(self, rules: Sequence[Rule | None]) -> None:
        self.rules = rules
        """By index of the step, as the composite resolved them."""
        self._found: dict[int, dict[Any, Tensor]] = {}

    def found(self, index: int) -> dict[Any, Tensor]:
        """What the rule of a step has looked up, to be filled."""
        return self._found.setdefault(index, {})

    def switched(self, rules: Sequence[Rule | None]) -> Plan:
        """The plan for other `rules`, which knows what was found under those that stay."""
        plan = Plan(rules)
        plan._found = {index: found for index, found in self._found.items() if rules[index] == self.rules[index]}
        return plan

    def forget(self) -> None:
        """Let go of what was found."""
        self._found.clear()

    def __getstate__(self) -> dict[str, Any]:
        return {"rules": self.rules, "_found": {}}  # a copy finds it again


@dataclass(frozen=True, eq=False, repr=False)
class Relevance(Readable):
    """What a propagation leaves: the relevance of every value, and how every step handed its own over.

    Relevance above a step does not depend on the rule below it, which is why this is kept.
    """

    plan: Plan
    """The rules that were followed."""
    start: Mapping[int, Tensor]
    """The relevance that is propagated, by value: usually that of the scores, (B, C)."""
    of: Sums
    """Relevance by value; values that no relevance reaches are missing."""
    handovers: dict[int, Handover]
    """By index of the step."""
    again: set[int]
    """Indices of the steps that had to be computed for this one."""
    rows: dict[int, Row]
    """The accounts of the steps that were closed or computed at once, by index of the step."""
    places: dict[int, Absorbed]
    """What constants absorb at each place, by index of the step that adds them."""

    def reduced(self, values: Sequence[int]) -> Relevance:
        """The same of those `values` alone."""
        of = Sums()
        for value in values:
            if value in self.of:
                of[value] = [self.of[value]]
        return Relevance(Plan(self.plan.rules), self.start, of, {}, self.again, self.rows, self.places)


@torch.no_grad()
def propagate(
    tape: Tape,
    plan: Plan,
    starts: Sequence[Mapping[int, Tensor]],
    cache: EffectiveWeights,
    before: Sequence[Relevance] | None = None,
    keep: Keep = "all",
) -> list[Relevance]:
    """Propagate the relevance of each of `starts`, by value, down to the inputs.

    With `before`, propagations of the same tape, whatever cannot have changed is taken from there: a step is
    computed again if its rule differs, or if the relevance that it receives comes through such a step.

    `keep` tells what stays in memory: ``"all"``; ``"layers"``, the relevance of every value but no activation;
    or ``"input"``, that of the inputs alone. But for ``"all"``, the tape's activations are gone afterwards.

    Raises
    ------
    ValueError
        If a rule cannot be applied to its layer; the message names the layer.
    """
    readers = _readers(tape)
    earlier: Sequence[Relevance | None] = before or [None] * len(starts)
    adds = adding(tape, cache)
    # Relevance of all pairs of an attention is computed from its activations, so not if it is all that is kept.
    attentions = attention.found(tape.steps, tape.values, attention.JOINT, tape.output) if keep != "layers" else []
    jointly = {each.top: each for each in attentions if each.suits(plan.rules, starts, tape)}
    joint = {top: each.steps for top, each in jointly.items()}
    runs = [_Run(tape, plan.rules, s, readers, one, keep, joint) for s, one in zip(starts, earlier, strict=True)]
    # The numbers of 16-bit tensors are shared in 32 bits, whatever precision the model runs in.
    with torch.autocast(tape.scores.device.type, enabled=False):
        for index, step in reversed(list(enumerate(tape.steps))):
            watching.step(len(tape.steps) - 1 - index, len(tape.steps))
            waiting = [run for run in runs if run.arrive_at(index, step)]
            if waiting and index in jointly:
                waiting = _pass_jointly(jointly[index], tape, plan.rules, waiting)
            if waiting:
                call = tape.call(step, several=len(waiting) > 1, found=plan.found(index))
                for run in waiting:
                    received = tuple(None if value is None else run.of.get(value) for value in step.results)
                    try:
                        operation = step.operation or Gradient()
                        run.handovers[index] = operation.propagate(call, received, plan.rules[index], cache)
                    except ValueError as error:
                        raise ValueError(f"{step.name}: {error}") from error
                    if index in adds:
                        run.places[index] = _absorbed(
                            adds[index], call, received[0], operation, plan.rules[index], cache
                        )
            if keep != "all":
                for run in runs:
                    run.close(index, step, with_relevance=keep == "input")
                tape.forget(step)
        for run in runs:
            for value in tape.inputs:
                run.arrive(value)
    if keep != "all":
        plan.forget()
    return [Relevance(plan, run.start, run.of, run.handovers, run.again, run.rows, run.places) for run in runs]


def _pass_jointly(joint: Attention, tape: Tape, rules: Sequence[Rule | None], runs: list[_Run]) -> list[_Run]:
    """Pass the relevance of `runs` through an attention at once; gives those that have to go step by step."""
    (value,) = tape.steps[joint.top].results
    assert value is not None
    passed = joint.propagate(tape, rules, [run.of[value] for run in runs])
    if passed is None:
        return runs
    for run, one in zip(runs, passed, strict=True):
        run.handovers.update(one.handovers)
        run.rows.update(one.rows)
        run.of.later.update(one.later)
        run.again.update(one.handovers)
    return []


class _Run:
    """One target's way through the tape."""

    def __init__(
        self,
        tape: Tape,
        rules: Sequence[Rule | None],
        start: Mapping[int, Tensor],
        readers: Mapping[int, list[tuple[int, int]]],
        before: Relevance | None,
        keep: Keep,
        joint: Mapping[int, tuple[int, ...]],
    ) -> None:
        self.start = start
        self.of = Sums()
        self.handovers: dict[int, Handover] = {}
        self.again: set[int] = set()
        self.rows: dict[int, Row] = {}
        self.places: dict[int, Absorbed] = {}
        self._tape, self._rules, self._readers, self._before, self._keep = tape, rules, readers, before, keep
        self._joint = joint
        """By the last of them, the steps that are computed at once."""
        self._fresh = set(start) if before is None or not _same(before.start, start) else set()

    def arrive_at(self, index: int, step: Step) -> bool:
        """Sum up what the step's results receive; tells whether the step must be computed."""
        made = [value for value in step.results if value is not None]
        for value in made:
            self.arrive(value)
        if index in self.handovers:
            return False  # it was computed with a step above it
        before = self._before
        if not any(value in self.of for value in made):
            if before and index in before.handovers:
                self.again.add(index)  # it hands on nothing any more
            return False
        joint = self._joint.get(index, (index,))
        same = before and all(self._rules[each] == before.plan.rules[each] for each in joint)
        if before and same and self._fresh.isdisjoint(made):
            self._take_over(before, joint)
            return False
        self.again.add(index)
        return True

    def _take_over(self, before: Relevance, indices: Sequence[int]) -> None:
        """What these steps handed over `before`."""
        for index in set(indices) & before.handovers.keys():
            self.handovers[index] = before.handovers[index]
            if index in before.places:
                self.places[index] = before.places[index]
            if index in before.rows:
                self.rows[index] = before.rows[index]
            for value in self._tape.steps[index].inputs:
                if value in before.of.later:
                    self.of.later[value] = before.of.later[value]

    def arrive(self, value: int) -> None:
        """Sum what the start and the readers of `value` hand to it, unless that is known from before."""
        if value in self.of.later:
            return
        if not self.again.isdisjoint(index for index, _ in self._readers[value]):
            self._fresh.add(value)
        if self._before and value not in self._fresh:
            parts = [self._before.of[value]] if value in self._before.of else []
        else:
            parts = [self.start[value]] if value in self.start else []
            for index, slot in self._readers[value]:
                handed = self.handovers[index].inputs[slot] if index in self.handovers else None
                if handed is not None:
                    parts.append(handed)
        if parts:  # the handovers, which hold the terms, are kept with everything alone
            self.of[value] = parts if self._keep == "all" else [sum(parts[1:], start=parts[0])]

    def close(self, index: int, step: Step, *, with_relevance: bool) -> None:
        """Write the step's account, and let go of what no step below it needs."""
        handover, places = self.handovers.get(index), self.places.get(index)
        row = self.rows.get(index) or account(self._tape, step, self._rules[index], self.of, handover, places)
        if row:
            self.rows[index] = row
        for value in step.results:
            for reader, slot in self._readers[value] if value is not None else ():
                if reader in self.handovers:
                    self.handovers[reader] = self.handovers[reader].without(slot)
            if with_relevance and value is not None:
                self.of.pop(value)


def _absorbed(
    adds: Adding, call: Call, received: Tensor | None, operation: Operation, rule: Rule | None, cache: EffectiveWeights
) -> Absorbed:
    """What the constants of a step absorb at each place."""
    assert isinstance(operation, Linear)
    assert isinstance(rule, LinearRule)
    assert received is not None
    return adds.absorbed(rule, operation.step(call, cache), received)


class Totals:
    """Σ of relevance per sample, of the same numbers only once: most are handed from step to step unchanged.

    Whatever is asked for must live as long as this.
    """

    def __init__(self, tape: Tape) -> None:
        self._tape = tape
        self._known: dict[Any, Tensor] = {}

    def of(self, value: int, relevance: Tensor | None) -> Tensor:
        """The total of a value's `relevance`, (B,), in the ledger's precision; None counts as zeros."""
        if relevance is None:
            return self._tape.nothing
        place = relevance.data_ptr(), relevance.shape, relevance.stride(), relevance.dtype
        if place not in self._known:
            self._known[place] = self._tape.per_sample(value, relevance)
        return self._known[place]

    def received(self, value: int, of: Sums) -> Tensor:
        """The total of all that a value receives."""
        terms = of.terms(value)
        return self.of(value, terms[0]) if len(terms) == 1 else self._tape.per_sample(value, of.get(value))


def account(
    tape: Tape,
    step: Step,
    rule: Rule | None,
    of: Sums,
    handover: Handover | None,
    places: Absorbed | None = None,
    totals: Totals | None = None,
) -> Row | None:
    """The ledger's row for one step, `places` what its constants absorb at each; None if no relevance reached it."""
    if handover is None:
        return None
    totals = totals or Totals(tape)
    return Row(
        step.name,
        step.kind,
        type(rule).__name__ if rule else "",
        received=sum((totals.received(v, of) for v in step.results if v is not None), tape.nothing),
        handed=sum((totals.of(v, part) for v, part in zip(step.inputs, handover.inputs, strict=True)), tape.nothing),
        **{name: tape.nothing + _on_cpu(getattr(handover, name)) for name in ("bias", "stabilizer", "rules")},
        positions=tape.nothing if places is None else places.amounts.flatten(1).sum(1),
    )


def _on_cpu(amount: Tensor | float) -> Tensor | float:
    return amount.double().cpu() if isinstance(amount, Tensor) else amount


def _same(one: Mapping[int, Tensor], other: Mapping[int, Tensor]) -> bool:
    return one.keys() == other.keys() and all(torch.equal(one[value], other[value]) for value in one)


def _readers(tape: Tape) -> defaultdict[int, list[tuple[int, int]]]:
    """By value, the steps that read it and the slots where they do."""
    readers: defaultdict[int, list[tuple[int, int]]] = defaultdict(list)
    for index, step in enumerate(tape.steps):
        for slot, value in enumerate(step.inputs):
            readers[value].append((index, slot))
    return readers
