"""Few-shot episodes: a few labelled samples of each of some classes, and others that are to be told apart by them.

An N-way K-shot episode has N classes, K labelled samples of each, its *support*, and samples of the same classes whose
labels are asked, its *query* (Vinyals et al. 2016, "Matching networks for one shot learning").
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..knobs import Number
from ..readable import Readable
from ..subjects import Subject
from ..subjects.samples import Samples

Ints = NDArray[np.int64]


@dataclass(frozen=True, eq=False, repr=False)
class Episode(Readable):
    """One task, as numbers of samples; no sample is in it twice."""

    classes: tuple[int, ...]
    """Labels of its classes, in its own order: N of them."""
    support: Ints
    """Samples whose class is told, (N, K)."""
    query: Ints
    """Samples whose class is asked, (N, Q)."""

    @property
    def labels(self) -> Tensor:
        """Place among `classes` of each sample of the query, row by row, (N · Q,)."""
        return torch.arange(len(self.query)).repeat_interleave(self.query.shape[1])


class Pool:
    """Labelled samples of some classes, which episodes are drawn from.

    Raises
    ------
    ValueError
        If `classes` has one twice, or one that no sample has.
    """

    def __init__(self, samples: Samples | Subject, classes: Sequence[int] | None = None) -> None:
        self.samples: Samples = samples.dataset if isinstance(samples, Subject) else samples
        labels = _labels(self.samples)
        known = sorted({*labels.tolist()} - {-1})
        self.classes = tuple(known if classes is None else map(int, classes))
        if len(set(self.classes)) < len(self.classes):
            raise ValueError(f"classes must be different ones, got {list(self.classes)}.")
        if missing := [each for each in self.classes if each not in known]:
            there = ", ".join(map(str, known)) or "none"
            raise ValueError(f"No sample is of class {missing[0]}; there are {there}.")
        self.numbers = {each: np.flatnonzero(labels == each) for each in self.classes}

    def check(self, way: int, shot: int, query: int) -> None:
        """Raise ValueError if there are too few classes, or samples of one, for such episodes."""
        if len(self.classes) < way:
            raise ValueError(
                f"Episodes of {way} ways need {way} classes, and there are {len(self.classes)}; take fewer ways."
            )
        for each, numbers in self.numbers.items():
            if len(numbers) < shot + query:
                raise ValueError(
                    f"Episodes with {shot} labelled samples of each class and {query} to classify need {shot + query}, "
                    f"and class {each} has {len(numbers)}; take a smaller query, or leave the class out."
                )

    def draw(self, random: np.random.Generator, way: int, shot: int, query: int) -> Episode:
        """One episode; its classes and samples without replacement."""
        chosen = random.choice(len(self.classes), way, replace=False)
        classes = tuple(self.classes[each] for each in chosen)
        rows = [random.choice(self.numbers[each], shot + query, replace=False) for each in classes]
        both = np.stack(rows).astype(np.int64)
        return Episode(classes, both[:, :shot], both[:, shot:])

    def inputs(self, numbers: Ints) -> Tensor:
        """Inputs of those samples, (*numbers.shape, ...)."""
        found = torch.stack([self.samples[int(number)][0] for number in numbers.ravel()])
        return found.reshape(*numbers.shape, *found.shape[1:])


def draw_episodes(
    samples: Samples | Subject,
    classes: Sequence[int] | None = None,
    *,
    way: int = 5,
    shot: int = 1,
    query: int = 10,
    episodes: int = 1,
    seed: int = 0,
) -> Iterator[Episode]:
    """Episodes, one after the other; the first ones are the same however many follow.

    Parameters
    ----------
    samples
        Inputs with labels; of a subject its dataset. Those without a label are left out.
    classes
        Labels that classes are drawn from; all by default.
    way
        Classes of an episode, N.
    shot
        Labelled samples of each, K.
    query
        Samples of each class that are to be classified.

    Raises
    ------
    ValueError
        If there are too few classes or samples, or a number is no whole one from 1 on.
    """
    check_counts(way=way, shot=shot, query=query, episodes=episodes)
    pool = Pool(samples, classes)
    pool.check(way, shot, query)
    random = np.random.default_rng(seed)
    return (pool.draw(random, way, shot, query) for _ in range(episodes))


def check_counts(**counts: Any) -> None:
    """Raise ValueError unless all are whole numbers from 1 on, and ways from 2 on."""
    for name, count in counts.items():
        Number(name=name, least=2 if name == "way" else 1, whole=True).checked("few-shot episodes", count)


def _labels(samples: Samples) -> Ints:
    """Label of every sample, (N,), −1 where unknown."""
    told = getattr(samples, "labels", None)
    found = [samples[number][1] for number in range(len(samples))] if told is None else told
    return np.array([-1 if each is None else int(each) for each in found], np.int64)
