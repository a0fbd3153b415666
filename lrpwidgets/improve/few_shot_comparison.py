"""Is a guided training better than a plain one? Several seeds, thousands of episodes, the same for both.

Two things vary: the networks, of which each seed makes another, and the episodes. The question is about networks that
*would* be trained so, and of those there are only as many as there are seeds; more episodes do not make up for it.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import permutations, product
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from .. import tables
from ..evaluate import Interval, interval
from ..evaluate.intervals import LEVEL
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..subjects import Subject
from ..subjects.samples import Samples
from .episodes import Pool, check_counts
from .episodic import EpisodicTraining, Network, few_shot, prepared, seeded
from .few_shot_accuracy import EpisodeAccuracy, episode_accuracy
from .guided import Guidance

if TYPE_CHECKING:
    import pandas as pd

PLAIN = "plain"
"""What others are compared with, if nothing else is said."""

VARIANTS: Mapping[str, Guidance | None] = {
    PLAIN: None,
    "LRP": Guidance(),
    "LRP permuted": Guidance(permuted=True),
    "LRP-ε": Guidance("epsilon"),
}
"""Plain training, guided training, and two that tell whether it is the explanation that helps."""

POWER = 1.96 + 0.84
"""Standard errors that a difference must have for its 95 % interval to exclude 0 in four of five experiments."""


@dataclass(frozen=True, eq=False, repr=False)
class AccuracyGain(Readable):
    """How much more accurate one training is than another, in shares of the queries: 0.01 is a point of per cent."""

    name: str
    baseline: str
    per_seed: tuple[float, ...]
    """Mean difference of the two networks of each seed, over the same episodes."""
    over_seeds: Interval
    """Student's interval of the mean, for networks of other seeds: the one that decides. Infinite for a single seed."""
    bootstrap: Interval
    """The same by bootstrap over seeds. Of five numbers that one is too narrow, so it decides nothing."""
    over_episodes: Interval
    """For other episodes and these very networks."""
    spread: float
    """Standard deviation of `per_seed`; infinite for a single seed."""
    noise: float
    """What of it comes from the number of episodes alone."""

    @property
    def is_there(self) -> bool:
        """Whether the interval over seeds excludes 0."""
        return self.over_seeds.low > 0 or self.over_seeds.high < 0

    def seeds_for(self, gain: float) -> int:
        """Seeds that would show a `gain` of that size in four of five experiments, at this spread; at least 3.

        Raises
        ------
        ValueError
            If the gain is 0, or there is one seed only.
        """
        if gain == 0 or not math.isfinite(self.spread):
            raise ValueError(f"It takes two seeds and a gain other than 0, got {len(self.per_seed)} and {gain}.")
        return max(3, math.ceil((POWER * self.spread / gain) ** 2))

    @property
    def verdict(self) -> str:
        """What can be said, in a sentence."""
        mean, low, high = (100 * each for each in (self.over_seeds.value, self.over_seeds.low, self.over_seeds.high))
        told = f"{mean:+.2f} points ({low:+.2f} to {high:+.2f}) over {len(self.per_seed)} seeds"
        if not self.is_there:
            return f"{self.name} cannot be told apart from {self.baseline}: {told}."
        return f"{self.name} is {'better' if mean > 0 else 'worse'} than {self.baseline}: {told}."


@dataclass(frozen=True, eq=False, repr=False)
class FewShotComparison(Readable):
    """Trainings side by side: of each, a network per seed, tested in the same episodes."""

    variants: Mapping[str, Guidance | None]
    """What guided each training, by its name; None where nothing did."""
    accuracies: dict[str, tuple[EpisodeAccuracy, ...]] = field(repr=False)
    """By the same names; one for each seed."""
    training: EpisodicTraining
    way: int
    """Of the test episodes, as `shot`."""
    shot: int
    said: tuple[str, ...] = ()
    """What a person should know, each a sentence: a training that broke off, classes that may not be new."""

    def accuracy(self, name: str) -> Interval:
        """Mean accuracy of a training, with Student's interval over seeds."""
        return student([each.values.mean() for each in self.accuracies[name]])

    def gain(self, name: str, baseline: str = PLAIN) -> AccuracyGain:
        """How much better `name` is than `baseline`.

        Raises
        ------
        KeyError
            If one of them is not there.
        """
        pairs = zip(self.accuracies[name], self.accuracies[baseline], strict=True)
        values = np.stack([one.minus(other) for one, other in pairs])  # (seeds, episodes)
        per_seed = values.mean(1)
        spread = float(per_seed.std(ddof=1)) if len(per_seed) > 1 else math.inf
        noise = float(np.sqrt((values.var(1) / values.shape[1]).mean()))
        seeds, episodes = interval(per_seed), interval(values.mean(0))
        return AccuracyGain(name, baseline, tuple(per_seed.tolist()), student(per_seed), seeds, episodes, spread, noise)

    @property
    def gains(self) -> tuple[AccuracyGain, ...]:
        """Of all others over the first, and of each over its control, which has the same relevance permuted."""
        baseline, *others = self.variants
        pairs = [(name, baseline) for name in others]
        pairs += [pair for pair in permutations(others, 2) if self._is_control(*pair)]
        return tuple(self.gain(*pair) for pair in pairs)

    def _is_control(self, name: str, other: str) -> bool:
        """Whether the `other` is the control of `name`."""
        one = self.variants[name]
        return one is not None and not one.permuted and replace(one, permuted=True) == self.variants[other]

    @property
    def verdict(self) -> str:
        """What can be said of all, in sentences."""
        return " ".join([*(each.verdict for each in self.gains), *self.said])

    def to_frame(self) -> pd.DataFrame:
        """A row for each training and seed; raises ImportError as :func:`.tables.frame`."""
        return tables.frame(
            {"training": name, "seed": seed, "accuracy": float(each.values.mean()), "episodes": len(each.values)}
            for name, of in self.accuracies.items()
            for seed, each in enumerate(of)
        )


def compare_few_shot(
    train: tuple[Samples | Subject, Sequence[int]],
    test: tuple[Samples | Subject, Sequence[int]],
    variants: Mapping[str, Guidance | None] = VARIANTS,
    network: Network = None,
    *,
    training: EpisodicTraining | None = None,
    way: int | None = None,
    shot: int | None = None,
    seeds: int = 5,
    episodes: int = 2000,
    progress: bool | Watcher = True,
) -> FewShotComparison:
    """Train each variant with several seeds, and test all on new classes in the same episodes.

    Parameters
    ----------
    train
        Samples, and labels of the classes to train on.
    test
        Samples, and labels of the classes to test on: others. Samples may be the same or of another domain.
    variants
        Guidance by name, None for plain training; the first is what others are compared with.
    network
        As for :func:`few_shot`.
    way
        Of the test episodes, as `shot`; by default those of the training.
    seeds
        Networks of each variant, from 0 on.
    episodes
        Test episodes of each network.

    Raises
    ------
    ValueError
        If there are less than two variants, too few classes or samples, or the two have a class of the same samples in
        common. Of other samples the same number may mean another class, so that is said only.
    """
    kind = training or EpisodicTraining()
    way, shot = way or kind.way, shot or kind.shot
    check_counts(way=way, shot=shot, seeds=seeds, episodes=episodes)
    if len(variants) < 2:
        raise ValueError(f"A comparison needs two variants at least, got {len(variants)}.")
    said = _overlap(train, test)
    pool = Pool(*train)  # all is looked at before any work is lost
    pool.check(kind.way, kind.shot, kind.query)
    Pool(*test).check(way, shot, kind.query)
    with seeded(0):
        for guidance in variants.values():
            prepared(network, pool, guidance, 0)
    accuracies: dict[str, list[EpisodeAccuracy]] = {name: [] for name in variants}
    how: dict[str, Any] = {"way": way, "shot": shot, "query": kind.query, "episodes": episodes}
    each = kind.episodes + episodes
    with listening(progress) as watch:
        for number, (seed, (name, guidance)) in enumerate(product(range(seeds), variants.items())):
            tell = _part(watch, number * each, seeds * len(variants) * each, f"{name}, seed {seed}")
            made = few_shot(*train, network, training=kind, guidance=guidance, seed=seed, progress=tell)
            if made.history.stopped:
                said.append(f"{name}, seed {seed}: {made.history.stopped}")
            after = _part(tell, kind.episodes)
            accuracies[name].append(episode_accuracy(made.network, *test, seed=seed, progress=after, **how))
    found = {name: tuple(of) for name, of in accuracies.items()}
    return FewShotComparison(dict(variants), found, kind, way, shot, tuple(said))


def student(values: NDArray[np.float64] | Sequence[float]) -> Interval:
    """The mean of a few values with Student's interval, which is wide enough for as few as two; infinite for one."""
    from scipy.stats import t

    known = np.asarray(values, np.float64)
    mean = float(known.mean())
    if len(known) == 1:
        return Interval(mean, -np.inf, np.inf, 1)
    half = float(t.ppf((1 + LEVEL) / 2, len(known) - 1) * known.std(ddof=1) / math.sqrt(len(known)))
    return Interval(mean, mean - half, mean + half, len(known))


def _overlap(
    train: tuple[Samples | Subject, Sequence[int]], test: tuple[Samples | Subject, Sequence[int]]
) -> list[str]:
    """What to say of classes that both have; raises ValueError if they are of the same samples."""
    if not (both := sorted({*train[1]} & {*test[1]})):
        return []
    named = ", ".join(map(str, both))
    if train[0] is test[0]:
        raise ValueError(f"Classes to train on and to test on must be different ones; both have {named}.")
    return [f"Training and test both have classes numbered {named}: if they are the same, nothing was new in the test."]


def _part(watch: Watcher, done: int, total: int | None = None, stage: str = "") -> Watcher:
    """Tells `watch` of a part of the whole, before which so much was `done`."""
    return lambda part: watch(Progress(done + part.done, total or part.total, stage or part.stage))
