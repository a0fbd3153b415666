"""Attention over many tokens: relevance passes its matrices of all pairs piece by piece, and is not kept for them.

Scores of all pairs, their mask, their softmax and the values summed by these weights are steps with a rule and a line
in the ledger each. Over hundreds of tokens each of the matrices is larger than all else in a layer, and to write them
to memory takes longer than to compute them. So what these steps hand on is computed for a few rows at a time, all
steps at once, and the relevance of the weights and scores when somebody looks at it. Over thousands of tokens scores
and weights themselves are not kept either, but made again from queries and keys whenever they are asked for.

What this does not know, such as rules of one's own, goes its way step by step.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import product
from typing import Any

import torch
from torch import Tensor

from ..readable import Readable
from . import affine, operations, pieces
from .call import Call, key
from .ledger import Handover, Row
from .operations import Activation, Products, Routing
from .products import are_matrices, signal_of
from .rules import Rule, shares_sums, signed_share
from .tape import Step, Tape, Value
from .weighted import EffectiveWeights

JOINT = 2**20
"""Pairs, of all heads together, from which on relevance passes all steps of an attention at once."""

OF_A_HEAD = 2**12
"""Pairs that a single head must have for either: in pieces, many small ones, as the windows of a Swin, take longer."""

LARGE = 2**22
"""Pairs from which on scores and weights are made again, for the sake of memory.

Twelve heads over 1,536 tokens have 28 million: 230 MB a layer. An explanation that keeps them is quicker, there by a
twentieth, and over 512 tokens, with two threads, by a sixth.
"""


@dataclass(frozen=True, eq=False, repr=False)
class Later(Readable):
    """The relevance of scores or weights of all pairs, computed when it is asked for."""

    tape: Tape
    index: int
    """Of the step that hands it on, to its first input."""
    rule: Rule | None
    received: Tensor | Later
    """What that step receives."""

    def tensor(self) -> Tensor:
        """Its numbers."""
        received = self.received.tensor() if isinstance(self.received, Later) else self.received
        step = self.tape.steps[self.index]
        assert step.operation
        with torch.no_grad(), torch.autocast(received.device.type, enabled=False):
            handover = step.operation.propagate(self.tape.call(step), (received,), self.rule, EffectiveWeights())
        found = handover.inputs[0]
        assert found is not None
        return found


@dataclass(frozen=True, eq=False, repr=False)
class Passed(Readable):
    """How the steps of an attention handed one target's relevance on, as far down as it went."""

    handovers: dict[int, Handover]
    """By index of the step; what passes between the steps is left out."""
    rows: dict[int, Row]
    """Their accounts, by index of the step."""
    later: dict[int, Later]
    """By value, what passed between the steps."""


@dataclass(frozen=True)
class Attention:
    """The steps of one attention, by index: softmax(q kᵀ) v."""

    steps: tuple[int, ...]
    """From the product of queries and keys to that of weights and values; between them masks, the softmax, copies."""
    softmax: int
    scale: float
    """What follows q kᵀ as a part of that step."""

    @property
    def top(self) -> int:
        """The step that all others lead to."""
        return self.steps[-1]

    def inner(self, steps: Sequence[Step]) -> list[int]:
        """The values that only these steps read."""
        return [_result(steps[index]) for index in self.steps[:-1]]

    def suits(self, rules: Sequence[Rule | None], starts: Sequence[Mapping[int, Tensor]], tape: Tape) -> bool:
        """Whether relevance that begins at `starts` may pass all steps at once under the `rules`."""
        inner = self.inner(tape.steps)
        known = all(shares_sums(rules[index], None) for index in (self.steps[0], self.top))
        return known and all(start.keys().isdisjoint(inner) for start in starts)

    def result(self, steps: Sequence[Step], values: Sequence[Value]) -> Tensor:
        """What the last step makes, (..., T, E)."""
        weighing = _Weighing(self, steps, values)
        *batch, heads, queries, _ = weighing.queries.shape
        # As torch's own attention lays it out, for heads to be joined without a copy.
        made = weighing.values.new_empty(*batch, queries, heads, weighing.values.shape[-1]).transpose(-3, -2)
        weighing.each_piece(lambda piece: piece.weigh(made))
        return made

    def propagate(self, tape: Tape, rules: Sequence[Rule | None], received: Sequence[Tensor]) -> list[Passed] | None:
        """Pass each of the targets' relevance, `received` by the last step, on to queries, keys and values.

        None if a number is too large, or of another precision than the attention itself: then step by step.
        """
        weighing = _Weighing(self, tape.steps, tape.values)
        if any(relevance.dtype != weighing.queries.dtype for relevance in received):
            return None
        targets = [_Target(self, weighing, tape, rules, relevance) for relevance in received]
        weighing.each_piece(lambda piece: piece.pass_on(targets))
        if not all(bool(target.handed.isfinite().all()) for target in targets):
            return None
        return [target.passed() for target in targets]


class _Weighing:
    """The tensors that an attention reads."""

    def __init__(self, attention: Attention, steps: Sequence[Step], values: Sequence[Value]) -> None:
        scores, last = steps[attention.steps[0]], steps[attention.top]
        self.queries, self.keys = (values[value].tensor for value in scores.inputs)
        """(..., T, D) and (..., D, S)."""
        self.values = values[last.inputs[1]].tensor
        """(..., S, E)."""
        self.scale = attention.scale
        made = [values[_result(steps[index])] for index in (attention.steps[0], attention.steps[-2])]
        self.kept = None if any(value.again for value in made) else [value.saved for value in made]
        """Scores without a mask, and weights; None if they are made again."""
        shape = (*self.queries.shape[:-1], self.keys.shape[-1])
        masks = (steps[index].args[1] for index in attention.steps if _is_mask(steps[index]))
        self.masks: list[Tensor] = [mask.expand(shape) for mask in masks]

    def each_piece(self, work: Callable[[_Piece], None]) -> None:
        """Do the `work` on every piece.

        Where scores and weights are made again, several heads at once, each in a thread of its own: torch's own threads
        would wait for each other after each of many small calls.
        """
        *batch, heads, queries, _ = self.queries.shape
        several = max(pieces.PIECE // (queries * self.keys.shape[-1]), 1)
        parts = [
            (*place, slice(head, head + several))
            for place in product(*map(range, batch))
            for head in range(0, heads, several)
        ]
        threads = torch.get_num_threads()
        workers = min(threads, len(parts)) if self.kept is None else 1

        def run(number: int) -> None:
            with torch.no_grad():
                for piece in self._pieces(parts[number::workers]):
                    work(piece)

        if workers == 1:
            return run(0)
        try:
            with ThreadPoolExecutor(workers, initializer=torch.set_num_threads, initargs=(1,)) as pool:
                list(pool.map(run, range(workers)))
        finally:
            torch.set_num_threads(threads)  # the number for threads that are started from now on

    def _pieces(self, parts: Sequence[tuple[Any, ...]]) -> Iterator[_Piece]:
        """All rows, or a few at a time, of some heads each."""
        queries, keys = self.queries.shape[-2], self.keys.shape[-1]
        rows = min(max(pieces.PIECE // keys, 1), queries)
        several = max(pieces.PIECE // (queries * keys), 1)
        memory = [self.queries.new_empty(min(several, self.queries.shape[-3]), rows, keys) for _ in range(4)]
        for heads in parts:
            for row in range(0, queries, rows):
                yield _Piece(self, heads, slice(row, row + rows), memory)


class _Target:
    """What arrives of one target's relevance, and is summed up piece by piece."""

    def __init__(
        self,
        attention: Attention,
        weighing: _Weighing,
        tape: Tape,
        rules: Sequence[Rule | None],
        received: Tensor,
    ) -> None:
        self._attention, self._weighing, self._tape, self._rules = attention, weighing, tape, rules
        self._received = received
        self.scores_to, self.scores_epsilon = self._sharing(attention.steps[0])
        """The factors of the scores, by slot, that get relevance, and the ε of their product."""
        self.sums_to, epsilon = self._sharing(attention.top)
        """The same of the sums of values: weights are in slot 0."""
        made = tape.values[_result(tape.steps[attention.top])]
        self.share, self._stabilized = signed_share(made.samples, received, made.tensor, epsilon, len(self.sums_to))
        self.of_row = (self.share * made.tensor).sum(-1, keepdim=True)
        """What the weights of each query receive."""
        self.queries = torch.empty_like(weighing.queries)
        self.keys = torch.empty_like(weighing.keys.mT)
        self.values = torch.empty_like(weighing.values)
        heads = weighing.queries.shape[:-2]
        self.handed, self.lost = (self.share.new_zeros(heads, dtype=torch.float64) for _ in range(2))
        """By head, what the softmax hands to the scores, and what the stabilizer of their product absorbs of it."""

    def _sharing(self, index: int) -> tuple[tuple[int, ...], float]:
        one, other = (self._tape.values[value].gate for value in self._tape.steps[index].inputs)
        found = shares_sums(self._rules[index], signal_of((one, other)))
        assert found
        return found

    def passed(self) -> Passed:
        """All of it."""
        weighing, attention = self._weighing, self._attention
        values = self.values.mul_(weighing.values) if 1 in self.sums_to else None
        top = Handover((None, values), stabilizer=self._stabilized)
        if 0 not in self.sums_to:
            return Passed({attention.top: top}, {}, {})
        pairs = self._tape.values[self._tape.steps[attention.top].inputs[0]].samples
        to_weights = pairs.total(self.of_row)
        to_scores, lost = (pairs.total(amounts[..., None, None]) for amounts in (self.handed, self.lost))
        factors = (
            self.queries.mul_(weighing.queries).mul_(weighing.scale) if 0 in self.scores_to else None,
            self.keys.mul_(weighing.keys.mT).mul_(weighing.scale).mT if 1 in self.scores_to else None,
        )
        handovers = {index: Handover((None,)) for index in attention.steps} | {
            attention.steps[0]: Handover(factors, stabilizer=lost),
            attention.softmax: Handover((None,), bias=to_weights - to_scores),
            attention.top: top,
        }
        return Passed(handovers, self._rows(handovers, to_weights, to_scores), self._later())

    def _rows(self, handovers: dict[int, Handover], to_weights: Tensor, to_scores: Tensor) -> dict[int, Row]:
        """The account of each step, of which only the first and the last tell all that they hand on."""
        tape, attention = self._tape, self._attention
        rows, received = {}, tape.per_sample(_result(tape.steps[attention.top]), self._received)
        for index in reversed(attention.steps):
            step, handover, rule = tape.steps[index], handovers[index], self._rules[index]
            on = to_weights if index > attention.softmax else to_scores if index != attention.steps[0] else 0.0
            passed = tape.nothing + (on.double().cpu() if isinstance(on, Tensor) else on)
            rows[index] = Row(
                step.name,
                step.kind,
                type(rule).__name__ if rule else "",
                received,
                sum(map(tape.per_sample, step.inputs, handover.inputs), passed),
                tape.nothing + handover.bias,
                tape.nothing + handover.stabilizer,
                tape.nothing,
                tape.nothing,
            )
            received = passed
        return rows

    def _later(self) -> dict[int, Later]:
        found = dict[int, Later]()
        received: Tensor | Later = self._received
        for index in reversed(self._attention.steps[1:]):
            received = Later(self._tape, index, self._rules[index], received)
            found[self._tape.steps[index].inputs[0]] = received
        return found


class _Piece:
    """Some rows of the matrices of all pairs, of some heads."""

    def __init__(self, weighing: _Weighing, heads: tuple[Any, ...], rows: slice, memory: Sequence[Tensor]) -> None:
        self._weighing, self._heads, self._rows = weighing, heads, rows
        self._queries = weighing.queries[heads][:, rows]
        self._keys, self._values = weighing.keys[heads], weighing.values[heads]
        count, height, _ = self._queries.shape
        self._memory = [whole[:count, :height] for whole in memory]

    def weigh(self, into: Tensor) -> None:
        """Put the values, summed by the weights, into these rows."""
        _, weights = self._weights()
        torch.bmm(weights, self._values, out=into[self._heads][:, self._rows])

    def pass_on(self, targets: Sequence[_Target]) -> None:
        """Add to each of the targets what these rows hand on."""
        heads, rows = self._heads, self._rows
        more = int(rows.start > 0)  # the first rows of some heads begin their sums
        scores, weights = self._weights()
        for target in targets:
            if 1 in target.sums_to:
                target.values[heads].baddbmm_(weights.mT, target.share[heads][:, rows], beta=more)
        if 0 not in targets[0].sums_to:
            return
        slots, epsilon = targets[0].scores_to, targets[0].scores_epsilon
        total, products, offset, received = self._memory  # of which made scores and weights are the first two
        torch.mul(weights, scores, out=products)
        torch.copysign(torch.as_tensor(epsilon, dtype=scores.dtype), scores, out=offset)
        torch.add(offset, scores, alpha=len(slots), out=total)
        for target in targets:
            torch.bmm(target.share[heads][:, rows], self._values.mT, out=received)
            # R_i = x_i s_i (g_i − Σ_j s_j g_j), where the weights s receive s g.
            received.sub_(target.of_row[heads][:, rows])
            target.handed[heads] += _dots(products, received)
            share = received.mul_(products).div_(total)
            target.lost[heads] += _dots(share, offset)
            if 0 in slots:
                torch.bmm(share, self._keys.mT, out=target.queries[heads][:, rows])
            if 1 in slots:
                target.keys[heads].baddbmm_(share.mT, self._queries, beta=more)

    def _weights(self) -> tuple[Tensor, Tensor]:
        """The scores without a mask, and their softmax under it."""
        if self._weighing.kept is not None:
            scores, weights = (whole[self._heads][:, self._rows] for whole in self._weighing.kept)
            return scores, weights
        scores, weights, masked, _ = self._memory
        torch.bmm(self._queries * self._weighing.scale, self._keys, out=scores)
        if self._weighing.masks:
            masked.copy_(scores)
        for mask in self._weighing.masks:
            masked.masked_fill_(mask[self._heads][:, self._rows], -math.inf)
        return scores, torch.softmax(masked if self._weighing.masks else scores, -1, out=weights)


def may_be_large(
    query: Tensor, key: Tensor, value: Tensor, attn_mask: Any = None, dropout_p: float = 0.0, *_: Any, **__: Any
) -> bool:
    """Whether ``F.scaled_dot_product_attention`` would make matrices that are large enough."""
    if query.dim() < 3 or query.device.type != "cpu" or query.dtype not in (torch.float32, torch.float64) or dropout_p:
        return False
    return _are_many((*query.shape[:-1], key.shape[-2]), LARGE)


def found(steps: Sequence[Step], values: Sequence[Value], least: int, end: int = -1) -> list[Attention]:
    """The attentions among `steps` of at `least` so many pairs; `end` is a value that is read by others as well."""
    softmaxes = [index for index, step in enumerate(steps) if _is_large_softmax(step, values, least)]
    if not softmaxes:
        return []
    readers = Counter(value for step in steps for value in step.inputs)
    readers[end] += 1
    reader = {value: index for index, step in enumerate(steps) for value in step.inputs}
    maker = {value: index for index, step in enumerate(steps) for value in step.results if value is not None}
    attentions = []
    for softmax in softmaxes:
        below, above = [softmax], [softmax]
        while (at := maker.get(steps[below[-1]].inputs[0], -1)) >= 0:
            below.append(at)
            if not (_is_mask(steps[at]) or _is_copy(steps[at], values)):
                break
        while (at := reader.get(_result(steps[above[-1]]), -1)) >= 0:
            above.append(at)
            if not _is_copy(steps[at], values):
                break
        chain = (*reversed(below), *above[1:])
        whole = _is_whole([steps[index] for index in chain], values)
        alone = whole and all(readers[_result(steps[index])] == 1 for index in chain[:-1])
        if alone and (scale := _scale(steps[chain[0]], values)) is not None:
            attentions.append(Attention(chain, softmax, scale))
    return attentions


def _is_whole(chain: Sequence[Step], values: Sequence[Value]) -> bool:
    """Whether the chain of steps around a softmax begins and ends with a plain product of matrices, all alike."""
    first, *_, last = chain
    if not all(_is_product(step, values) for step in (first, last)) or last.folded:
        return False
    inner = {_result(step) for step in chain[:-1]}
    outer = [values[value] for value in (*first.inputs, last.inputs[1], _result(last))]
    if last.inputs[0] not in inner or last.inputs[1] in inner:
        return False
    owner = values[last.inputs[0]].samples
    apart = not owner.unknown and (owner.owner is None or owner.owner.shape[-2:] == (1, 1))
    alike = len({value.saved.dtype for value in (*outer, *(values[each] for each in inner))}) == 1
    here = all(value.saved.device.type == "cpu" for value in outer[:3])
    return apart and alike and here and outer[0].saved.dtype in (torch.float32, torch.float64)


def _is_product(step: Step, values: Sequence[Value]) -> bool:
    if type(step.operation) is not Products or step.kind != "matmul" or len(step.inputs) != 2:
        return False
    one, other = (values[value].saved for value in step.inputs)
    return are_matrices(step.function, step.args, step.kwargs, one, other)


def _scale(step: Step, values: Sequence[Value]) -> float | None:
    """The number by which the result is scaled that the step begins with; None if something else follows."""
    made = tuple(None if value is None else values[value].saved for value in step.results)
    calls = [
        Call(each.function, each.args, each.kwargs, made[:1], made, nonnegative=False, gates=(False,))  # type: ignore[arg-type]
        for each in step.folded
    ]
    total = affine.chain(calls)
    number = not isinstance(total.scale, Tensor) and not isinstance(total.shift, Tensor)
    return float(total.scale) if number and not total.shifts else None


def _is_large_softmax(step: Step, values: Sequence[Value], least: int) -> bool:
    if step.operation is not operations.SOFTMAX or key(step.function) == "softmin" or step.folded:
        return False
    saved = values[_result(step)].saved
    arguments = (lambda input, dim=None, *_, **__: dim)(*step.args, **step.kwargs)
    return saved.dim() > 2 and _are_many(saved.shape, least) and arguments in (-1, saved.dim() - 1)


def _are_many(shape: Sequence[int], least: int) -> bool:
    """Whether matrices (..., T, S) of pairs are large, and at `least` so many pairs together."""
    return math.prod(shape[-2:]) >= OF_A_HEAD and math.prod(shape) >= least


def _is_mask(step: Step) -> bool:
    """Whether the step hides scores from the softmax."""
    known = type(step.operation) is Routing and key(step.function) == "masked_fill"
    if not known or len(step.args) != 3 or step.kwargs or len(step.inputs) != 1:
        return False
    _, mask, value = step.args
    return isinstance(mask, Tensor) and isinstance(value, float) and value == -math.inf


def _is_copy(step: Step, values: Sequence[Value]) -> bool:
    """Whether the step leaves its input as it is: a dropout in eval mode, a cast to the same type."""
    alone = type(step.operation) is Activation and step.operation.reorders and len(step.inputs) == 1
    if not alone or step.folded or operations.is_random(step.function, step.args, step.kwargs):
        return False
    before, after = values[step.inputs[0]].saved, values[_result(step)].saved
    return before.dtype == after.dtype and before.shape == after.shape


def _result(step: Step) -> int:
    """The value that the step makes; −1 if these are none or several."""
    made = step.results[0] if len(step.results) == 1 else None
    return -1 if made is None else made


def _dots(one: Tensor, other: Tensor) -> Tensor:
    """Σ of the products for each head, in 64 bits."""
    rows = zip(one.flatten(1), other.flatten(1), strict=True)
    return torch.stack([torch.dot(a, b) for a, b in rows]).double()
