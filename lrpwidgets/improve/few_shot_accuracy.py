"""How well a network tells new classes apart, over thousands of episodes."""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..evaluate import Interval, interval
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..subjects import Subject
from ..subjects.samples import Samples
from .episodes import Episode, Pool, check_counts
from .relation_network import RelationNetwork

BATCH = 256
"""Inputs that features are made of at once."""

TOLD = 100
"""Episodes between two times that progress is told."""


@dataclass(frozen=True, eq=False, repr=False)
class EpisodeAccuracy(Readable):
    """Share of the queries that were classified rightly, for every episode."""

    values: NDArray[np.float64]
    """Of each episode, (E,), from 0 to 1."""
    way: int
    shot: int
    drawn: str = field(default="", repr=False)
    """A fingerprint of the episodes: two accuracies can be compared pair by pair if it is the same."""

    @property
    def chance(self) -> float:
        """What a network has that knows nothing."""
        return 1 / self.way

    @property
    def interval(self) -> Interval:
        """The mean, and where it would lie with other episodes of the same samples; the network stays."""
        return interval(self.values)

    def minus(self, other: EpisodeAccuracy) -> NDArray[np.float64]:
        """How much larger each is than that of the `other` in the same episode, (E,).

        Raises
        ------
        ValueError
            If the episodes are not the same.
        """
        if self.drawn != other.drawn:
            raise ValueError("These accuracies are of different episodes; measure both with the same samples and seed.")
        return self.values - other.values


def episode_accuracy(
    network: RelationNetwork,
    samples: Samples | Subject,
    classes: Sequence[int] | None = None,
    *,
    way: int = 5,
    shot: int = 1,
    query: int = 10,
    episodes: int = 2000,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> EpisodeAccuracy:
    """Accuracy of a `network` in many episodes, which are the same for every network.

    Features of every sample are made once, so an episode takes no more than its pairs. Nothing is explained.

    Parameters
    ----------
    samples
        Inputs with labels; of a subject its dataset.
    classes
        Labels of the classes; all by default. A network that was trained on them knows them.
    query
        Samples of each class to classify.
    progress
        Whether to write how far it is, or whom to tell.

    Raises
    ------
    ValueError
        If there are too few classes or samples, or a score is no number.
    """
    check_counts(way=way, shot=shot, query=query, episodes=episodes)
    pool = Pool(samples, classes)
    pool.check(way, shot, query)
    random, drawn, values = np.random.default_rng(seed), hashlib.sha256(), []
    still = copy.deepcopy(network).eval() if network.training else network
    with listening(progress) as watch, torch.no_grad():
        features = _Features(still, pool)
        for number in range(1, episodes + 1):
            episode = pool.draw(random, way, shot, query)
            drawn.update(episode.support.tobytes() + episode.query.tobytes())
            values.append(_accuracy(still, features, episode))
            if number % TOLD == 0 or number == episodes:
                watch(Progress(number, episodes, "test episodes"))
    return EpisodeAccuracy(np.array(values), way, shot, drawn.hexdigest())


class _Features:
    """Features of every sample of a pool."""

    def __init__(self, network: RelationNetwork, pool: Pool) -> None:
        numbers = np.concatenate(list(pool.numbers.values()))
        self._row = np.full(numbers.max() + 1, -1)
        self._row[numbers] = np.arange(len(numbers))
        device = next((each.device for each in network.parameters()), torch.device("cpu"))
        parts = np.array_split(numbers, -(-len(numbers) // BATCH))
        self._all = torch.cat([network.embedding(pool.inputs(part).to(device)) for part in parts])

    def of(self, numbers: NDArray[np.int64]) -> Tensor:
        return self._all[torch.from_numpy(self._row[numbers])]


def _accuracy(network: RelationNetwork, features: _Features, episode: Episode) -> float:
    pairs = network.pairs(features.of(episode.support), features.of(episode.query.ravel()))
    scores = network.scores(pairs)
    if not bool(scores.isfinite().all()):
        raise ValueError("The network's scores contain NaN or infinity: its weights or the inputs are no good.")
    return float((scores.argmax(1).cpu() == episode.labels).float().mean())
