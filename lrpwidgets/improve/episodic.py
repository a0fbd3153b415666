"""Train a network for few-shot classification, in episodes that are like those that it will meet."""

from __future__ import annotations

import copy
import math
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import nn

from ..knobs import Turnable, knob
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..subjects import Subject
from ..subjects.samples import Samples
from .episodes import Episode, Pool
from .guided import Guidance, GuidedLoss
from .relation_network import RelationNetwork
from .training import History

Network = nn.Module | Callable[[], nn.Module] | None
"""What to train: a :class:`RelationNetwork`, another module as its embedding, or a function that makes one of these."""

BLOCK = 50
"""Episodes that count as one epoch in the history."""


@dataclass(frozen=True, repr=False)
class EpisodicTraining(Turnable):
    """The episodes of a training."""

    way: int = knob(5, "way", "Classes of an episode.", (2, 20), least=2, whole=True)
    shot: int = knob(1, "shot", "Labelled samples of each of them: the support.", (1, 20), least=1, whole=True)
    query: int = knob(10, "query", "Samples of each class to classify.", (1, 30), least=1, whole=True)
    episodes: int = knob(1000, "episodes", "Episodes, a step for each.", (100, 10_000), least=1, whole=True)
    rate: float = knob(1e-3, "step", "Step size of AdamW.", (1e-5, 1e-1), logarithmic=True, above=0)


@dataclass(frozen=True, eq=False, repr=False)
class FewShot(Readable):
    """A network that was trained in episodes."""

    network: RelationNetwork
    """In evaluation mode."""
    training: EpisodicTraining
    guidance: Guidance | None
    """None: plain training."""
    classes: tuple[int, ...]
    """Labels of the classes that it was trained on."""
    seed: int
    history: History
    """Of which an epoch is 50 episodes, and `best` the number of episodes after which the weights were as they are."""


def few_shot(
    samples: Samples | Subject,
    classes: Sequence[int] | None = None,
    network: Network = None,
    *,
    training: EpisodicTraining | None = None,
    guidance: Guidance | None = None,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> FewShot:
    """Train a relation network in episodes, guided by explanations or plainly.

    With the same seed, both begin with the same weights and see the same episodes.

    Parameters
    ----------
    samples
        Inputs with labels; of a subject its dataset.
    classes
        Labels of the classes to train on; all by default. Keep others to test on.
    network
        A :class:`RelationNetwork`, or an embedding that makes features (B, C, ...) of inputs; it is copied, and its
        weights are where the training begins. A function that makes one draws them by the seed. By default a small
        network that suits the inputs.
    training
        How many episodes, and of what kind.
    guidance
        How explanations guide it (Sun et al. 2020); None for a plain training.
    seed
        Of the initial weights, the episodes, and what else is drawn.
    progress
        Whether to write how far it is, or whom to tell.

    Returns
    -------
    FewShot
        If the loss is no number any more, the network is that of the last episode where it was one, and the history
        says so.

    Raises
    ------
    ValueError
        If there are too few classes or samples, nothing can be trained, or the first loss is no number already.
    TypeError
        If `network` or `guidance` is none of these.
    """
    kind = training or EpisodicTraining()
    pool = Pool(samples, classes)
    pool.check(kind.way, kind.shot, kind.query)
    with seeded(seed), listening(progress) as watch:
        loss = prepared(network, pool, guidance, seed)
        history = _train(loss, pool, kind, seed, watch)
    return FewShot(loss.network.eval(), kind, guidance, pool.classes, seed, history)


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """Torch's random numbers begin with `seed`, and go on afterwards as if nothing had been drawn."""
    with torch.random.fork_rng(range(torch.cuda.device_count())):
        torch.manual_seed(seed)
        yield


def prepared(network: Network, pool: Pool, guidance: Guidance | None, seed: int) -> GuidedLoss:
    """The loss with an untrained copy of the network, whose weights torch's random numbers draw; raises as few_shot."""
    if not isinstance(guidance, Guidance | None):
        raise TypeError(f"guidance must be a Guidance, or None for plain training, got {guidance!r}.")
    made = _network(network, pool)
    if not any(each.requires_grad for each in made.parameters()):
        raise ValueError("The network has no parameters that can be trained; set requires_grad on some.")
    return GuidedLoss.of(made, guidance, seed)


def _network(network: Network, pool: Pool) -> RelationNetwork:
    """What is trained, a copy of what was given."""
    made: Any = copy.deepcopy(network) if isinstance(network, nn.Module) or not callable(network) else network()
    if made is not None and not isinstance(made, nn.Module):
        raise TypeError(f"network must be an nn.Module or a function that makes one, got {type(made).__name__}.")
    if isinstance(made, RelationNetwork):
        return made
    first = int(pool.numbers[pool.classes[0]][0])
    return RelationNetwork.of(pool.samples[first][0], made)


def _train(loss: GuidedLoss, pool: Pool, kind: EpisodicTraining, seed: int, watch: Watcher) -> History:
    """Train in place; the network ends with weights whose loss was a number."""
    random, started, losses, stopped = np.random.default_rng(seed), time.perf_counter(), list[float](), ""
    course = _Course(loss, kind.rate)
    loss.network.train()
    for number in range(1, kind.episodes + 1):
        value = course.step(pool, pool.draw(random, kind.way, kind.shot, kind.query))
        if not math.isfinite(value):
            if number == 1:
                raise ValueError(f"The first loss was {value}: inputs or initial weights are no good.")
            stopped = f"The loss was {value} in episode {number}: steps are too large."
            break
        losses.append(value)
        watch(Progress(number, kind.episodes, "training in episodes"))
    if not stopped and not course.is_good:
        stopped = f"Weights were no numbers after episode {kind.episodes}: steps are too large."
    if stopped:
        course.restore()
    steps = len(losses) - bool(stopped)
    return History(_means(losses), (), steps, time.perf_counter() - started, stopped)


class _Course:
    """Steps of a training; and the state of its network, norms and all, when the loss was last a number."""

    def __init__(self, loss: GuidedLoss, rate: float) -> None:
        self._loss, self._trained = loss, [each for each in loss.network.parameters() if each.requires_grad]
        self._optimizer = torch.optim.AdamW(self._trained, lr=rate)
        self._state = list(loss.network.state_dict(keep_vars=True).values())
        self._good = [each.detach().clone() for each in self._state]

    def step(self, pool: Pool, episode: Episode) -> float:
        """The loss of an episode, and a step along its gradient if it is a number."""
        device = self._trained[0].device
        support, query = (pool.inputs(each).to(device) for each in (episode.support, episode.query.ravel()))
        found = self._loss(support, query, episode.labels.to(device))
        if math.isfinite(value := float(found.detach())):
            self._keep()
            found.backward()  # type: ignore[no-untyped-call]
            self._optimizer.step()
            self._optimizer.zero_grad()
        return value

    def _keep(self) -> None:
        for good, each in zip(self._good, self._state, strict=True):
            good.copy_(each.detach())

    @property
    def is_good(self) -> bool:
        """Whether all weights are numbers."""
        return all(bool(each.isfinite().all()) for each in self._state)

    def restore(self) -> None:
        """Go back to where the loss was last a number."""
        with torch.no_grad():
            for good, each in zip(self._good, self._state, strict=True):
                each.copy_(good)


def _means(losses: Sequence[float]) -> tuple[float, ...]:
    """Mean of each block of losses."""
    blocks = (losses[start : start + BLOCK] for start in range(0, len(losses), BLOCK))
    return tuple(sum(block) / len(block) for block in blocks)
