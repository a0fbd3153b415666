"""Rules for a network, by a figure: of all ways to give blocks of layers a rule, the one with the largest gain.

Which rules suit which layers is known for a few families of networks (Montavon et al. 2019, Kohlbrenner et al. 2020).
For others :func:`tune` tries all combinations. Relevance above a block does not depend on the rules below it, so the
candidates are walked as a tree, from the output down, and what they have in common is propagated once.

The best of many on some inputs is less good on others. So half of the inputs choose, and the other half judge.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from itertools import accumulate, pairwise, product
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..lrp import Composite, Explainer, Explanation, composites
from ..lrp.rules import AlphaBeta, Epsilon, Gamma, LinearRule, Rule, ZPlus, from_dict
from ..lrp.selectors import Layout, Position
from ..progress import Pace, Progress, Watcher, listening
from ..subjects import Subject
from ..tables import Table
from .contenders import preset_bounds
from .flipping import Flipping, srg
from .intervals import Interval, interval

RULES: tuple[Rule, ...] = (Epsilon(), Gamma(), AlphaBeta(2), ZPlus())
"""What composites consist of above the first layer: ε, γ = 0.25, α2β1 and z⁺. LRP-0 is nearly ε, and γ → ∞ is z⁺."""

BATCH = 16
"""Inputs that are explained at once, with all that switching needs: every activation and relevance, twice."""

MOST = 10_000
"""Candidates that are tried."""

ENOUGH = 6
"""Inputs that can judge: of fewer, all agree by chance in more than one case of 20 (sign test, 2 · 2⁻⁵)."""


@dataclass(frozen=True)
class Work:
    """What tuning takes."""

    layers: int
    """Layers that relevance is propagated through, for each input."""
    fresh: int
    """How many it would be if each candidate was explained on its own."""
    forwards: int
    """Inputs that go through the model with regions taken away."""

    def __str__(self) -> str:
        return (
            f"{self.layers:,} layers propagated (each candidate on its own: {self.fresh:,}), "
            f"{self.forwards:,} inputs through the model"
        )


@dataclass(frozen=True)
class Trial:
    """One candidate."""

    rules: tuple[str, ...]
    """By block, that nearest the input first."""
    gain: Interval
    """Symmetric relevance gain on the inputs that chose: that of the best is flattered by the choice."""


@dataclass(frozen=True)
class HeldOut:
    """Gains on inputs that had no part in the choice."""

    tuned: Interval
    start: Interval
    difference: Interval
    """Tuned less start, on the same inputs."""

    @property
    def verdict(self) -> str:
        """Whether tuning helped, in words."""
        if self.difference.samples < ENOUGH:
            return f"fewer than {ENOUGH} inputs cannot tell whether tuning helped"
        if self.difference.low <= 0 <= self.difference.high:
            return "the two cannot be told apart"
        return "tuning helped" if self.difference.low > 0 else "tuning made it worse"


@dataclass(frozen=True, eq=False)
class Tuning:
    """What came out."""

    composite: Composite
    """With the rules of the best candidate in front of the entries of `start`."""
    start: Composite
    blocks: tuple[tuple[str, ...], ...]
    """Names of the layers of each block, that nearest the input first."""
    trials: Table[Trial]
    """That with the largest gain first."""
    held_out: HeldOut
    layers: int
    """Layers that relevance was propagated through, for each input."""
    fresh: int
    """How many it would have been if each candidate was explained on its own."""
    unfit: int
    """Maps that were not finite; they count as maps of zeros."""
    how: Flipping = field(repr=False)

    @property
    def conclusion(self) -> str:
        """What can be said of it, in words."""
        best, held = self.trials[0], self.held_out
        unfit = f" {self.unfit:,} maps were not finite and count as maps of zeros." if self.unfit else ""
        return (
            f"Of {len(self.trials)} candidates {', '.join(best.rules)}, from the input up, has the largest gain with "
            f"{self.how.fill} on {best.gain.samples} inputs. On others it has {held.tuned}, and {self.start.name} "
            f"{held.start}; the difference is {held.difference}: {held.verdict}.{unfit}"
        )


def tune(
    subject: Subject,
    rules: Sequence[str | Rule] = RULES,
    *,
    blocks: int | Sequence[int] = 3,
    samples: int = 100,
    start: str | Composite | Rule = "auto",
    seed: int = 0,
    progress: bool | Watcher = True,
    **settings: Any,
) -> Tuning:
    """Choose a rule for each block of layers by the symmetric relevance gain, and judge the choice on other inputs.

    All combinations are tried. What it will take, :func:`tuning_cost` says before.

    Parameters
    ----------
    rules
        Rules or their names, two at least; by default ε, γ = 0.25, α2β1 and z⁺.
    blocks
        How many blocks there are, or how many convolutions and dense layers deep each is, from the input up. The layers
        next to the input belong to none: they keep the rule that they have in `start`, as do pools, sums and products.
        By default each block is about twice as deep as the one below it: what lies lowest is propagated for every
        candidate.
    samples
        Inputs at most, drawn at random from those of the subject: the first half chooses, the second judges.
    start
        What is compared with, and what the layers outside of all blocks get, as for an :class:`.Explainer`; a preset
        that needs the bounds of the input gets the subject's.
    progress
        True writes a line; a function gets a :class:`.Progress` of the inputs that went through the model, and may
        raise to end it.
    settings
        As for :class:`Flipping`. `bounds` are the subject's by default, and `batch`, by default 16, is the number of
        inputs that are explained at once, too.

    Raises
    ------
    ValueError
        If a rule is unknown or does not fit a layer, there are more blocks than layers, more than 10,000 candidates,
        fewer than four inputs, or an argument is out of range; or if a batch does not fit memory with all that
        switching needs.
    """
    search = _prepared(subject, rules, blocks, samples, start, seed, settings)
    with listening(progress) as tell:
        pace = Pace(tell, 0, search.work.forwards)
        chosen = [_chosen(search, *batch, pace) for batch in _batches(subject, search, search.choosing, 0)]
        gains = np.concatenate([scored.gains for scored in chosen], 1)
        best = search.candidates[int(gains.mean(1).argmax())]
        held = _batches(subject, search, search.judging, len(search.choosing))
        judged = [_judged(search, best, *batch, pace) for batch in held]
    return _told(search, best, gains, chosen, judged)


def tuning_cost(
    subject: Subject,
    rules: Sequence[str | Rule] = RULES,
    *,
    blocks: int | Sequence[int] = 3,
    samples: int = 100,
    start: str | Composite | Rule = "auto",
    seed: int = 0,
    **settings: Any,
) -> Work:
    """What :func:`tune` will take, which raises as this does; explains one input under each rule to find out."""
    return _prepared(subject, rules, blocks, samples, start, seed, settings).work


Choice = tuple[Rule, ...]
"""A rule for each block, that nearest the output first."""


@dataclass(frozen=True, eq=False)
class _Search:
    explainer: Explainer
    start: Composite
    layout: Layout
    blocks: tuple[Position, ...]
    """That nearest the output first."""
    candidates: list[Choice]
    """In the order of a walk along the tree: the rule of the last block, nearest the input, changes fastest."""
    how: Flipping
    choosing: NDArray[np.int64]
    judging: NDArray[np.int64]
    work: Work

    def composite(self, choice: Choice) -> Composite:
        """The composite of a candidate."""
        return _composite(self.start, self.blocks, choice)


@dataclass(frozen=True, eq=False)
class _Scored:
    """Gains of some maps of some inputs, (maps, inputs), and what they took."""

    gains: NDArray[np.float64]
    layers: int
    unfit: int


def _prepared(
    subject: Subject,
    rules: Sequence[str | Rule],
    blocks: int | Sequence[int],
    samples: int,
    start: str | Composite | Rule,
    seed: int,
    settings: dict[str, Any],
) -> _Search:
    """All that is known before any map is scored; raises as :func:`tune` does."""
    known = _known(rules)
    how = Flipping(**{"bounds": subject.bounds, "seed": seed, "batch": BATCH, **settings})
    choosing, judging = np.array_split(_items(subject, samples, seed), 2)
    x = subject.item(int(choosing[0]))[0][None]
    explainer = _explainer(subject, start)
    first = explainer.explain(x)
    parts = _blocks(first.layout, blocks)
    if (count := len(known) ** len(parts)) > MOST:
        raise ValueError(
            f"{len(known)} rules in {len(parts)} blocks make {count:,} candidates, and {MOST:,} are the most that are "
            "tried; take fewer rules or blocks."
        )
    for rule in known:
        first.switch(_composite(first.composite, parts, [rule] * len(parts)))  # raises where it does not fit
    candidates = list(product(known, repeat=len(parts)))
    maps = len(choosing) * len(candidates) + 2 * len(judging)
    full = len(first.recomputed)
    layers = len(choosing) * _walked(first, parts, len(known)) + 2 * len(judging) * full
    work = Work(layers, maps * full, maps * how.forwards(x, 2))
    return _Search(explainer, first.composite, first.layout, parts, candidates, how, choosing, judging, work)


def _known(rules: Sequence[str | Rule]) -> list[Rule]:
    if isinstance(rules, str):
        raise ValueError(f"rules must be a list of rules, got {rules!r}.")
    known = [from_dict({"rule": rule}) if isinstance(rule, str) else rule for rule in rules]
    for number, rule in enumerate(known):
        if not isinstance(rule, LinearRule):
            raise ValueError(f"rules must be for convolutions and dense layers, got {rule!r}.")
        if rule in known[:number]:
            raise ValueError(f"rules must differ, got {rule!r} twice.")
    if len(known) < 2:
        raise ValueError(f"There must be two rules to choose from, got {len(known)}.")
    return known


def _items(subject: Subject, samples: int, seed: int) -> NDArray[np.int64]:
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 4:
        raise ValueError(f"samples must be a whole number from 4 on: half of them judge the choice; got {samples!r}.")
    if (count := len(subject.dataset)) < 4:
        raise ValueError(f"Tuning needs four inputs, two that choose and two that judge; the subject has {count}.")
    return np.random.default_rng(seed).permutation(count)[:samples]


def _explainer(subject: Subject, start: str | Composite | Rule) -> Explainer:
    if isinstance(start, str) and start != "auto":
        start = composites.get(start, **preset_bounds(subject, start))
    return subject.explainer().under(start)


def _blocks(layout: Layout, blocks: int | Sequence[int]) -> tuple[Position, ...]:
    """The blocks of a network, that nearest the output first; the layers next to the input belong to none."""
    levels = max((place.weighted_before for place in layout.places if place.weighted), default=0)
    sizes = list(blocks) if isinstance(blocks, Sequence) else _sizes(levels, blocks)
    if not sizes or any(not isinstance(size, int) or size < 1 for size in sizes) or sum(sizes) != levels:
        raise ValueError(
            f"blocks must be a whole number from 1 to {levels}, how deep the network is above its first layer, or "
            f"whole numbers from 1 on that add up to {levels}; got {blocks!r}."
        )
    ends = accumulate(sizes, initial=0)
    return tuple(Position(below + 1, end) for below, end in pairwise(ends))[::-1]


def _sizes(levels: int, count: int) -> list[int]:
    """How deep each of `count` blocks is, that nearest the input first; [] if there are none, or too many."""
    sizes: list[int] = []
    for above in range(count, 0, -1) if isinstance(count, int) and count <= levels else ():
        sizes.append(max(1, round((levels - sum(sizes)) / (2**above - 1))))
    return sizes


def _composite(start: Composite, blocks: Sequence[Position], choice: Sequence[Rule]) -> Composite:
    own = list(zip(blocks, choice, strict=True))[::-1]
    return Composite([*own, *start.entries], "tuned")


def _walked(first: Explanation, blocks: Sequence[Position], rules: int) -> int:
    """Layers that one input's relevance is propagated through, on a walk along the tree of all candidates."""
    switches: list[int] = [rules ** (depth + 1) - rules**depth for depth in range(len(blocks))]
    below = [_below(first, block) for block in blocks]
    return len(first.recomputed) + sum(count * layers for count, layers in zip(switches, below, strict=True))


def _below(first: Explanation, block: Position) -> int:
    """Layers whose relevance, or what they make of it, depends on the rules of `block`."""
    reached = set(first.recomputed)
    places = [place for place in first.layout.places if place.name in reached]
    inside = [place.name for place in places if block(place)]
    return sum(any(place.goes_to(name) for name in inside) for place in places)


def _batches(
    subject: Subject, search: _Search, items: NDArray[np.int64], before: int
) -> Iterator[tuple[Tensor, Tensor, int]]:
    """Inputs, the classes that the model predicts for them, and a seed, batch by batch."""
    for first in range(0, len(items), search.how.batch):
        x = torch.stack([subject.item(int(item))[0] for item in items[first : first + search.how.batch]])
        yield x, search.explainer.scores(x).argmax(1), search.how.seed + before + first


def _chosen(search: _Search, x: Tensor, target: Tensor, seed: int, pace: Pace) -> _Scored:
    """All candidates on one batch."""
    return _scored(search, x, target, seed, _walk(search, x, target), pace)


def _judged(search: _Search, best: Choice, x: Tensor, target: Tensor, seed: int, pace: Pace) -> _Scored:
    """The best candidate and the start on one batch, each explained on its own."""
    explained = (
        search.explainer.under(composite).explain(x, target, keep="input")
        for composite in (search.composite(best), search.start)
    )
    return _scored(search, x, target, seed, explained, pace)


def _walk(search: _Search, x: Tensor, target: Tensor) -> Iterator[Explanation]:
    """The explanation of `x` under each candidate, each of which does only what the one before it has not."""
    explanation = None
    for composite in map(search.composite, search.candidates):
        if explanation is None:
            explanation = search.explainer.under(composite).explain(x, target)
        elif explanation.keep == "all":
            explanation = explanation.switch(composite)
        else:
            raise ValueError(f"{len(x)} inputs do not fit memory with all that switching needs; give a smaller batch.")
        yield explanation


def _scored(
    search: _Search, x: Tensor, target: Tensor, seed: int, explained: Iterator[Explanation], pace: Pace
) -> _Scored:
    gains, layers, unfit = [], 0, 0
    for explanation in explained:
        assert isinstance(explanation.relevance, Tensor)
        finite = explanation.relevance.isfinite().flatten(1).all(1)
        relevance = explanation.relevance.clone()
        relevance[~finite] = 0.0
        watch = partial(_tell, pace, pace.done)
        found = srg(search.explainer, x, relevance, target, progress=watch, **vars(search.how) | {"seed": seed})
        gains.append(found.values.numpy())
        layers += len(explanation.recomputed) * len(x)
        unfit += int((~finite).sum())
    return _Scored(np.stack(gains), layers, unfit)


def _tell(pace: Pace, before: int, progress: Progress) -> None:
    pace.advance(before + progress.done - pace.done)


def _told(
    search: _Search,
    best: Choice,
    gains: NDArray[np.float64],
    chosen: Sequence[_Scored],
    judged: Sequence[_Scored],
) -> Tuning:
    order = np.argsort(-gains.mean(1), kind="stable")
    seed = search.how.seed
    trials = [Trial(_named(search.candidates[which]), interval(gains[which], seed=seed)) for which in order]
    tuned, start = np.concatenate([scored.gains for scored in judged], 1)
    held = HeldOut(*(interval(values, seed=seed) for values in (tuned, start, tuned - start)))
    scored = [*chosen, *judged]
    return Tuning(
        search.composite(best),
        search.start,
        tuple(tuple(place.name for place in search.layout.places if block(place)) for block in search.blocks[::-1]),
        Table(trials),
        held,
        sum(each.layers for each in scored),
        search.work.fresh,
        sum(each.unfit for each in scored),
        search.how,
    )


def _named(choice: Choice) -> tuple[str, ...]:
    return tuple(map(repr, choice[::-1]))
