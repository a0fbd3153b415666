"""A referee: which of several methods orders what matters best, on as many inputs as it takes to tell."""

from __future__ import annotations

import time
from collections.abc import Iterator, MutableMapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from .. import methods as catalogue
from ..lrp import Explainer, Rather
from ..lrp.targets import Target
from ..methods.method import Attribution, CannotExplainError
from ..progress import Pace, Progress, Watcher, duration, listening, say
from ..subjects import Subject
from ..subjects.shown import Shown
from ..tables import Table
from .contenders import BASELINES, Methods, Settings, contenders, none_left
from .flipping import Gain
from .intervals import LEVEL, Interval, interval
from .parts import Become, Parts, batch, opened, parts_of

FIRST = 20
"""Inputs before anything is said."""

ROUND = 20
"""Inputs that are added at a time."""

LONG = 60.0
"""Seconds from which on it is told before how long it takes."""

BRIEF = 0.2
"""Seconds that a trial of a batch takes, before none larger is tried."""


@dataclass(frozen=True)
class Estimate:
    """What a comparison takes at most: less if methods can be told apart sooner."""

    forwards: int
    """Inputs that go through the model."""
    seconds: float
    """On this machine, as busy as it is."""

    def __str__(self) -> str:
        return f"at most {self.forwards:,} inputs go through the model, in about {duration(self.seconds)}"


@dataclass(frozen=True)
class Standing:
    """Where a method stands under one fill."""

    method: str
    fill: Become
    gain: Interval
    """Symmetric relevance gain."""
    drop: Interval
    """Area over the curve of the most relevant parts first (AOPC)."""


@dataclass(frozen=True, eq=False)
class Comparison:
    """What is known: at the end, or while a :class:`Course` is under way."""

    gains: dict[tuple[Become, str], Gain] = field(repr=False)
    """Both curves of every input, by fill and method."""
    judged: int
    """How many inputs there were when methods were last told apart; 0: nothing can be said yet."""
    undecided: dict[Become, list[tuple[str, str]]]
    """Neighbours in the order whose gains could not be told apart then, by fill."""
    items: NDArray[np.int64] = field(repr=False)
    """Numbers of the inputs, (n,)."""
    obstacles: dict[str, str]
    """Methods that cannot explain this model, or one of the inputs, and why."""
    unreadable: dict[int, str] = field(default_factory=dict)
    """Inputs that could not be opened, and why; they do not count."""

    @cached_property
    def standings(self) -> Table[Standing]:
        """Under the first fill first; under each fill that with the largest gain first."""
        return Table(
            Standing(name, fill, gain.interval, interval(gain.most.aopc, seed=gain.most.how.seed))
            for fill in self.fills
            for name in self.order(fill)
            for gain in [self.gains[fill, name]]
        )

    @property
    def fills(self) -> list[Become]:
        """What became of parts."""
        return list(dict.fromkeys(fill for fill, _ in self.gains))

    def order(self, fill: Become) -> list[str]:
        """The methods under a fill, that with the largest gain first."""
        means = {name: float(gain.values.mean()) for (each, name), gain in self.gains.items() if each == fill}
        return sorted(means, key=lambda name: -means[name])

    @property
    def conclusion(self) -> str:
        """What can be said of it, in words."""
        if not self.judged:
            return f"On {len(self.items)} inputs: too few to tell methods apart."
        said = " ".join(self.told(fill) for fill in self.fills)
        if not set.intersection(*(self.foremost(fill) for fill in self.fills)):
            said += " The first is another one with another fill: none of them is the best as such."
        torn = f" {len(self.unreadable)} more could not be opened." if self.unreadable else ""
        return f"On {len(self.items)} inputs: {said}{torn}"

    def foremost(self, fill: Become) -> set[str]:
        """The first under a fill, and those after it down to where neighbours can be told apart."""
        order = self.order(fill)
        apart = [pair not in self.undecided[fill] for pair in pairwise(order)]
        return set(order[: [*apart, True].index(True) + 1])

    def told(self, fill: Become) -> str:
        """What can be said of the order under a fill."""
        alike = [f"{one} and {other}" for one, other in self.undecided[fill]]
        doubt = f"; {', '.join(alike)} cannot be told apart" if alike else ""
        return f"with {fill} the order is {', '.join(self.order(fill))}{doubt}."


def compare(
    subject: Subject,
    methods: Methods,
    *,
    fills: Sequence[Become] | None = None,
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
        by default. ``"random"`` and, of pictures, ``"edges"`` are the baselines that any explanation must exceed, and
        are added. Those that cannot explain the model are left out, and from then on those that fail on an input.
    fills
        As for :class:`Flipping`, by default uniform noise and zero; of texts the ways of :class:`WordFlipping`, by
        default both. The order may depend on it.
    samples
        Inputs at most, drawn at random from those of the subject.
    progress
        True writes a line, after another one that tells what :func:`estimate` finds if that is more than a minute; a
        function gets a :class:`.Progress` of forward passes, and may raise to end it.
    settings
        As for :class:`Flipping`, whose `bounds` are the subject's by default, or :class:`WordFlipping`.

    Raises
    ------
    ValueError
        If none of the methods can explain the model, or an argument is out of range.
    """
    course = Course(subject, methods, fills=fills, samples=samples, seed=seed, **settings)
    if progress is True and (estimated := course.estimate()).seconds > LONG:
        say(str(estimated))
    with listening(progress) as tell:
        pace = Pace(tell, 0, course.forwards * len(course.items))
        found = course.advance(FIRST, pace)
        while not course.ended:
            found = course.advance(ROUND, pace)
    return found


def estimate(
    subject: Subject,
    methods: Methods,
    *,
    fills: Sequence[Become] | None = None,
    samples: int = 200,
    seed: int = 0,
    **settings: Any,
) -> Estimate:
    """What :func:`compare` would take, if it needs all of the `samples`: found out in about a second for each fill.

    It is found out on one input: of texts, as if all were as long.

    Parameters and errors as for :func:`compare`.
    """
    return Course(subject, methods, fills=fills, samples=samples, seed=seed, **settings).estimate()


class Course:
    """A comparison under way: more and more inputs, as :func:`compare` adds them, from whose parameters it is made.

    The inputs that come next do not depend on how many come at a time.

    Parameters
    ----------
    target
        The class that is explained and followed, or :class:`.Rather` one than another; by default the class which the
        model predicts for each input.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    memory
        What is known already of a method, its settings and inputs that came together: a course with further methods
        need not find it out again. All else must be the same.
    """

    def __init__(
        self,
        subject: Subject,
        methods: Methods,
        *,
        fills: Sequence[Become] | None = None,
        samples: int = 200,
        seed: int = 0,
        target: int | Rather | None = None,
        device: str | None = None,
        memory: MutableMapping[tuple[Any, ...], dict[Become, Gain]] | None = None,
        **settings: Any,
    ) -> None:
        self._target, self._memory = target, {} if memory is None else memory
        self._subject, self._seed = subject, seed
        kind = parts_of(subject)
        fills = kind.usual if fills is None else fills
        self._parts = {fill: kind(subject, fill, seed=seed, **settings) for fill in fills}
        if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2 or not fills:
            raise ValueError(
                f"There must be two samples and one fill at least, got samples={samples!r}, fills={fills!r}."
            )
        self.items = np.random.default_rng(seed).permutation(len(subject.dataset))[:samples]
        """Numbers of the inputs at most, in their order."""
        self.done = self.items[:0]
        """Numbers of those that are done."""
        if len(self.items) < 2:
            raise ValueError(f"There must be two samples at least, and {subject.title!r} has {len(self.items)}.")
        self.unreadable: dict[int, str] = {}
        """Inputs that could not be opened, and why; they do not count."""
        self._first = self._opened(1)
        self._example = batch(subject, self._first)
        self._each = sum(parts.forwards(self._first) for parts in self._parts.values())
        self._explainer = subject.explainer(device=device)
        self._able, self.obstacles = contenders(subject, self._explainer, methods, self._example)
        looks = max(1, 1 + -(-(len(self.items) - FIRST) // ROUND))
        self._level = 1 - (1 - LEVEL) / (looks * len(fills) * (len(self._able) - 1))
        self._gains: dict[tuple[Become, str], list[Gain]] = {(fill, name): [] for fill in fills for name in self._able}
        self._judged = 0
        self._undecided: dict[Become, list[tuple[str, str]]] = {fill: [] for fill in fills}

    @property
    def forwards(self) -> int:
        """Inputs that go through the model for each input that is added, beyond what methods take."""
        return self._each * len(self._able)

    @property
    def ended(self) -> bool:
        """Whether all methods are told apart, or there is no further input."""
        told = self._judged > 0 and not any(self._undecided.values())
        return told or len(self.done) == len(self.items)

    def estimate(self) -> Estimate:
        """What it takes, if it needs all inputs."""
        costs = [catalogue.cost(self._example, name, **settings) for name, settings in self._able.items()]
        kinds = self._parts.values()
        flipped = len(costs) * np.array([parts.forwards(self._first) for parts in kinds])
        each = np.array([_seconds(self._explainer, self._first, parts) for parts in kinds])
        seconds = flipped @ each + sum(cost.seconds(each.min()) for cost in costs)
        passes = 1 + int(flipped.sum()) + sum(cost.forwards for cost in costs)  # the first finds the top class
        return Estimate(passes * len(self.items), float(seconds) * len(self.items))

    def advance(self, count: int, pace: Pace) -> Comparison:
        """Add the next `count` inputs; `pace` counts forward passes. If its watcher raises, none is added.

        A method that fails on them is left out; ValueError if no other is left but baselines.
        """
        shown = self._opened(count)
        if not shown:  # those that were left cannot be
            return self._comparison()
        x = batch(self._subject, shown)
        target = self._explainer.scores(x).argmax(1) if self._target is None else self._target
        found = {}
        for name in list(self._able):
            try:
                found[name] = self._known(name, x, shown, target, pace)
            except CannotExplainError as error:
                self._leave_out(name, str(error))
        for name, gains in found.items():
            for fill, gain in gains.items():
                self._gains[fill, name].append(gain)
        self.done = self.items[: len(self.done) + len(x)]
        return self._comparison()

    def _opened(self, count: int) -> list[Shown]:
        """The next inputs, without those that cannot be opened, which are left out for good; ValueError if none can."""
        found: list[Shown] = []
        for item in self.items[len(self.done) :].tolist():
            if len(found) == count:
                break
            try:
                found.append(opened(self._subject, item))
            except Exception as error:  # whatever a subject raises
                self.unreadable[item] = str(error) or type(error).__name__
        self.items = self.items[~np.isin(self.items, list(self.unreadable))]
        if not found and not len(self.items):
            raise ValueError(f"None of the inputs can be opened: {next(iter(self.unreadable.values()))}")
        return found

    def _leave_out(self, name: str, why: str) -> None:
        self._able = {each: settings for each, settings in self._able.items() if each != name}
        self.obstacles = {**self.obstacles, name: why}
        self._gains = {key: gains for key, gains in self._gains.items() if key[1] != name}
        if not self._able.keys() - set(BASELINES):
            raise ValueError(none_left(self.obstacles))

    def _known(self, name: str, x: Tensor, shown: list[Shown], target: Target, pace: Pace) -> dict[Become, Gain]:
        key = (name, repr(sorted(self._able[name].items())), len(self.done), len(x))
        if key not in self._memory:
            self._memory[key] = dict(self._gains_of(name, x, shown, target, pace))
        return self._memory[key]

    def _gains_of(
        self, name: str, x: Tensor, shown: list[Shown], target: Target, pace: Pace
    ) -> Iterator[tuple[Become, Gain]]:
        """By fill, both curves of each input."""
        seed = self._seed + len(self.done)
        settings = {**self._able[name], **({"seed": seed} if name == "random" else {})}  # other maps for other inputs
        told = self._explained(name, x, target, pace, settings)
        for fill, parts in self._parts.items():
            before = pace.done

            def advanced(progress: Progress, before: int = before) -> None:
                pace.advance(before + progress.done - pace.done)

            yield fill, parts.gain(self._explainer, shown, told.relevance, target, advanced, seed)

    def _explained(self, name: str, x: Tensor, target: Target, pace: Pace, settings: Settings) -> Attribution:
        """What a method says; CannotExplainError for all that it raises, but not for what the watcher does."""
        ends: list[Exception] = []

        def tell(_: Progress) -> None:
            try:
                pace.tell()
            except Exception as error:
                ends.append(error)
                raise

        try:
            return catalogue.explain(self._explainer, x, name, target, progress=tell, **settings)
        except Exception as error:  # whatever a model or a method of one's own raises: the others go on
            if any(error is each for each in ends):
                raise
            raise CannotExplainError(str(error) or type(error).__name__) from error

    def _comparison(self) -> Comparison:
        gains = {key: Gain.joined(parts) for key, parts in self._gains.items()}
        count = len(self.done)
        found = Comparison(gains, self._judged, self._undecided, self.done, self.obstacles, dict(self.unreadable))
        gone = {name for pairs in self._undecided.values() for pair in pairs for name in pair} - self._able.keys()
        further = count >= FIRST and (count - FIRST) // ROUND > (self._judged - FIRST) // ROUND
        if gone or further or count == len(self.items):
            undecided = {fill: self._alike(fill, found) for fill in self._parts}
            self._judged, self._undecided = count, undecided
            found = replace(found, judged=count, undecided=undecided)
        return found

    def _alike(self, fill: Become, found: Comparison) -> list[tuple[str, str]]:
        """Neighbours in the order of whose difference 0 is not left out."""

        def alike(one: str, other: str) -> bool:
            values = found.gains[fill, one].values - found.gains[fill, other].values
            difference = interval(values, level=self._level, resamples=5000, seed=self._seed)
            return difference.low <= 0 <= difference.high

        return [pair for pair in pairwise(found.order(fill)) if alike(*pair)]


def _seconds(explainer: Explainer, shown: Sequence[Shown], parts: Parts) -> float:
    """How long an input takes of which parts are gone, in a batch: larger ones are tried as long as that is quick."""
    parts.trial(explainer, shown, 1)  # what is done once for all does not count
    tried = 1
    while True:
        started = time.perf_counter()
        inputs = parts.trial(explainer, shown, tried)
        taken = time.perf_counter() - started
        if taken > BRIEF or inputs <= tried or tried >= parts.how.batch:
            return taken / inputs
        tried = min(4 * tried, parts.how.batch)
