"""A referee: which of several methods orders what matters best, on as many inputs as it takes to tell."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from .. import methods as catalogue
from ..lrp import composites
from ..progress import Progress, Watcher, listening
from ..subjects import Subject
from ..tables import Table
from .fills import Fill
from .flipping import Flipping, srg
from .intervals import LEVEL, Interval, interval

FIRST = 20
"""Inputs before anything is said."""

ROUND = 20
"""Inputs that are added at a time."""


BASELINES = ("random", "edges")
"""Methods that know nothing of the model."""


@dataclass(frozen=True)
class Standing:
    """Where a method stands under one fill."""

    method: str
    fill: Fill
    gain: Interval
    """Symmetric relevance gain."""
    drop: Interval
    """Area over the curve of the most relevant regions first (AOPC)."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What came out."""

    standings: Table[Standing]
    """Under the first fill first; under each fill that with the largest gain first."""
    undecided: dict[Fill, list[tuple[str, str]]]
    """Neighbours in that order whose gains could not be told apart, by fill."""
    items: NDArray[np.int64] = field(repr=False)
    """Numbers of the inputs, (n,)."""
    obstacles: dict[str, str]
    """Methods that cannot explain this model, and why."""

    @property
    def conclusion(self) -> str:
        """What can be said of it, in words."""
        fills = list(dict.fromkeys(each.fill for each in self.standings))
        orders = {fill: [each.method for each in self.standings if each.fill == fill] for fill in fills}
        said = " ".join(self._told(fill, orders[fill]) for fill in fills)
        if not set.intersection(*(self._first(fill, orders[fill]) for fill in fills)):
            said += " The first is another one with another fill: none of them is the best as such."
        return f"On {len(self.items)} inputs: {said}"

    def _first(self, fill: Fill, order: list[str]) -> set[str]:
        """The first, and those after it down to where neighbours can be told apart."""
        apart = [pair not in self.undecided[fill] for pair in pairwise(order)]
        return set(order[: [*apart, True].index(True) + 1])

    def _told(self, fill: Fill, order: list[str]) -> str:
        alike = [f"{one} and {other}" for one, other in self.undecided[fill]]
        doubt = f"; {', '.join(alike)} cannot be told apart" if alike else ""
        return f"with {fill} the order is {', '.join(order)}{doubt}."


def compare(
    subject: Subject,
    methods: Sequence[str] | Mapping[str, Mapping[str, Any]],
    *,
    fills: Sequence[Fill] = ("uniform", "zero"),
    samples: int = 200,
    seed: int = 0,
    progress: bool | Watcher = True,
    **settings: Any,
) -> Comparison:
    """Compare methods by their symmetric relevance gain, on more and more inputs, until they can be told apart.

    After 20 inputs, and after each 20 more, neighbours in the order are compared on the same inputs: they are told
    apart if the bootstrap interval of their mean difference leaves out 0. As it is looked at several times, for several
    pairs, the level of these intervals is 0.95 corrected for all of them (Bonferroni).

    Parameters
    ----------
    methods
        Names, as of :func:`lrpwidgets.methods.names`, or settings by name; the bounds of the input are the subject's
        by default. ``"random"`` and ``"edges"`` are the baselines that any explanation must exceed, and are added.
        Those that cannot explain the model are left out.
    fills
        As for :class:`Flipping`; the order may depend on it.
    samples
        Inputs at most, drawn at random from those of the subject.
    progress
        True writes a line; a function gets a :class:`.Progress` of the inputs, and may raise to end it.
    settings
        As for :class:`Flipping`; `bounds` are the subject's by default.

    Raises
    ------
    ValueError
        If none of the methods can explain the model, or an argument is out of range.
    """
    how = {"bounds": subject.bounds, "seed": seed, **settings}
    for fill in fills:
        Flipping(fill=fill, **how)
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2 or not fills:
        raise ValueError(f"There must be two samples and one fill at least, got samples={samples!r}, fills={fills!r}.")
    asked: dict[str, Mapping[str, Any]] = {name: {} for name in (*BASELINES, *methods)}
    asked |= methods if isinstance(methods, Mapping) else {}
    asked = {name: preset_bounds(subject, name) | dict(settings) for name, settings in asked.items()}
    explainer = subject.explainer()
    able, obstacles = _able(explainer, subject.item(0)[0][None], asked)
    items = np.random.default_rng(seed).permutation(len(subject.dataset))[:samples]
    rounds = [part for part in np.split(items, range(FIRST, len(items), ROUND)) if len(part)]
    level = 1 - (1 - LEVEL) / (len(rounds) * len(fills) * (len(able) - 1))
    found: dict[tuple[Fill, str], list[NDArray[np.float64]]] = {(fill, name): [] for fill in fills for name in able}
    with listening(progress) as tell:
        for number, part in enumerate(rounds):
            x = torch.stack([subject.item(int(item))[0] for item in part])
            for key, values in _gains(explainer, x, able, fills, how | {"seed": seed + number * len(items)}):
                tell(_done(number, rounds))
                found[key].append(values)
            known = {key: np.concatenate(values, 1) for key, values in found.items()}
            undecided = {fill: _undecided(fill, able, known, level, seed) for fill in fills}
            tell(_done(number + 1, rounds))
            if not any(undecided.values()):
                break
    rows = [
        Standing(name, fill, *(interval(each, seed=seed) for each in known[fill, name]))
        for fill in fills
        for name in _order(fill, able, known)
    ]
    return Comparison(Table(rows), undecided, np.concatenate(rounds[: number + 1]), obstacles)


def preset_bounds(subject: Subject, name: str) -> dict[str, Any]:
    """What a preset needs that only the subject knows."""
    if subject.bounds is None or name not in composites.names() or not composites.requires_bounds(name):
        return {}
    low, high = subject.bounds
    return {"low": low, "high": high}


def _able(
    explainer: Any, x: torch.Tensor, asked: Mapping[str, Mapping[str, Any]]
) -> tuple[dict[str, Mapping[str, Any]], dict[str, str]]:
    """The methods that can explain the model, and why the others cannot."""
    obstacles: dict[str, str] = {}
    for name, settings in asked.items():
        obstacles |= catalogue.obstacles(explainer, x, [name], **settings)
    able = {name: settings for name, settings in asked.items() if name not in obstacles}
    if not able.keys() - set(BASELINES):
        why = "".join(f" {name}: {reason}" for name, reason in obstacles.items())
        raise ValueError(f"There is no method to compare with the baselines.{why}")
    return able, obstacles


def _gains(
    explainer: Any,
    x: torch.Tensor,
    able: Mapping[str, Mapping[str, Any]],
    fills: Sequence[Fill],
    how: Mapping[str, Any],
) -> Iterator[tuple[tuple[Fill, str], NDArray[np.float64]]]:
    """For each fill and method, gain and drop of each input, (2, n)."""
    target = explainer.scores(x).argmax(1)
    for name, settings in able.items():
        relevance = catalogue.explain(explainer, x, name, target, progress=False, **settings).relevance
        for fill in fills:
            gain = srg(explainer, x, relevance, target, fill=fill, progress=False, **how)
            yield (fill, name), np.stack([gain.values.numpy(), gain.most.aopc.numpy()])


def _order(fill: Fill, able: Mapping[str, Any], known: Mapping[tuple[Fill, str], NDArray[np.float64]]) -> list[str]:
    return sorted(able, key=lambda name: -float(known[fill, name][0].mean()))


def _undecided(
    fill: Fill, able: Mapping[str, Any], known: Mapping[tuple[Fill, str], NDArray[np.float64]], level: float, seed: int
) -> list[tuple[str, str]]:
    """Neighbours in the order of whose difference 0 is not left out."""

    def alike(one: str, other: str) -> bool:
        difference = interval(known[fill, one][0] - known[fill, other][0], level=level, resamples=5000, seed=seed)
        return difference.low <= 0 <= difference.high

    return [pair for pair in pairwise(_order(fill, able, known)) if alike(*pair)]


def _done(number: int, rounds: Sequence[NDArray[np.int64]]) -> Progress:
    return Progress(sum(map(len, rounds[:number])), sum(map(len, rounds)), "inputs")
