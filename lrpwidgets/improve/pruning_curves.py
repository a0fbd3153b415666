"""What is left of a model's accuracy, size and time as more and more of its channels go."""

from __future__ import annotations

import statistics
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.utils.flop_counter import FlopCounterMode

from ..evaluate import Interval, interval
from ..lrp import Composite, Explainer
from ..lrp.recorder import eval_mode
from ..lrp.rules import Rule
from ..lrp.scores import taken
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..subjects import Samples, Subject
from ..subjects.samples import Sample
from ..tables import Table
from .pruning import Cut, parameters, prune
from .scoring import BATCH, By, labels_of, network
from .training import Training, fit

FRACTIONS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
"""Of all channels, how many are gone at each step."""

PASSES = 5
"""Passes that are timed; the median counts."""


@dataclass(frozen=True, repr=False)
class Pruned(Readable):
    """A model that has lost a part of its channels."""

    fraction: float
    """How many of all channels are gone; 0 for the model as it was."""
    parameters: int
    """Numbers that it has learned."""
    multiply_adds: int
    """For one input: half the floating point operations of its convolutions and matrix products."""
    seconds: float
    """One pass of one input, as a median."""
    accuracy: Interval
    """Share of inputs that it gets right, of those that it was neither pruned nor tuned by."""
    subject: Subject = field(compare=False)
    """The subject with this model."""


def pruning_curve(
    subject: Subject,
    by: By = "relevance",
    fractions: Sequence[float] = FRACTIONS,
    *,
    fine_tune: Training | None = None,
    iterative: bool = True,
    data: Samples | None = None,
    progress: bool | Watcher = True,
    **settings: Any,
) -> Table[Pruned]:
    """The model as it is and with more and more of its channels gone; :func:`pruning_steps` gives one after the other.

    Parameters
    ----------
    by
        What channels are compared by: see :func:`unit_scores`.
    fractions
        Of all channels, how many are gone at each step; between 0 and 1, growing.
    fine_tune
        How the model is trained after each step; by default it is not.
    iterative
        Whether each step prunes the model of the step before it, by scores of that model; else the first one, by
        its own.
    data
        Samples with labels for scores and training. By default half of the subject's own, drawn by the `seed`, and
        the other half is what accuracy is of; with `data`, all of the subject's own are.
    progress
        See :mod:`lrpwidgets.progress`.
    **settings
        Of :func:`prune`: `per_layer`, `layers`, `samples`, `composite`, `absolute`, `cut`, `least`, `seed`.

    Raises
    ------
    ValueError
        If the fractions do not grow from 0 to 1, nothing is left to measure accuracy with, and as :func:`prune` does.
    """
    steps = pruning_steps(
        subject, by, fractions, fine_tune=fine_tune, iterative=iterative, data=data, progress=progress, **settings
    )
    return Table(steps)


def pruning_steps(
    subject: Subject,
    by: By = "relevance",
    fractions: Sequence[float] = FRACTIONS,
    *,
    fine_tune: Training | None = None,
    iterative: bool = True,
    data: Samples | None = None,
    progress: bool | Watcher = True,
    per_layer: bool = False,
    layers: Sequence[str] | None = None,
    samples: int = 10,
    composite: str | Composite | Rule | None = None,
    absolute: bool = False,
    cut: Cut = "possible",
    least: int = 1,
    seed: int = 0,
) -> Iterator[Pruned]:
    """The rows of :func:`pruning_curve`, each as soon as it is there; the parameters are the same."""
    wanted = _growing(fractions)
    learned, judges = _parted(subject, data, seed)
    settings: dict[str, Any] = {
        **{"per_layer": per_layer, "layers": layers, "samples": samples, "composite": composite},
        **{"absolute": absolute, "cut": cut, "least": least, "seed": seed},
    }
    with listening(progress) as tell:
        total = _channels(subject, layers)
        current, gone = subject, 0
        yield _measured(subject, 0.0, judges)
        for number, fraction in enumerate(wanted, start=1):
            tell(Progress(number - 1, len(wanted), f"{fraction:.0%} of the channels go"))
            base, before = (current, gone) if iterative else (subject, 0)
            share = (round(fraction * total) - before) / (total - before)
            made = prune(base, by, share, data=learned, progress=tell, **settings)
            if data is None:
                used = frozenset(learned.rows)
                repairs = (*made.repairs[:-1], replace(made.repair, used=used))
                made = replace(made, repairs=repairs)
            if fine_tune is not None:
                history = _tuned(made, learned, fine_tune, tell)
                made = replace(made, repairs=(*made.repairs[:-1], replace(made.repair, history=history)))
            made.title = f"{subject.title} · pruning"
            gone = total - _channels(made, layers)
            current = made
            yield _measured(made, gone / total, judges)
        tell(Progress(len(wanted), len(wanted), "pruned"))


def _growing(fractions: Sequence[float]) -> list[float]:
    found = [float(each) for each in fractions]
    if not found or sorted(set(found)) != found or not (found[0] > 0 and found[-1] < 1):
        raise ValueError(f"fractions grow, from above 0 to below 1, as in (0.1, 0.2, 0.5); got {fractions!r}.")
    return found


@dataclass(frozen=True, eq=False)
class _Part:
    """Some of the samples."""

    whole: Samples
    rows: NDArray[np.int64]
    labels: NDArray[np.int64]
    """Of these."""

    def __len__(self) -> int:
        return len(self.rows)

    def __getitem__(self, index: int) -> Sample:
        return self.whole[int(self.rows[index])][0], int(self.labels[index])

    def inputs(self, numbers: NDArray[np.int64]) -> Tensor:
        """Those inputs (B, ...)."""
        return torch.stack([self[int(number)][0] for number in numbers])


def _parted(subject: Subject, data: Samples | None, seed: int) -> tuple[_Part, _Part]:
    """What a model is pruned and tuned by, and what its accuracy is measured with."""
    labels = subject.labels()
    used: frozenset[int] = getattr(subject, "used", frozenset())
    known = np.array([row for row in np.flatnonzero(labels >= 0) if int(row) not in used], np.int64)
    if data is None:
        order = np.random.default_rng(seed).permutation(known)
        known, rows = np.sort(order[: len(order) // 2]), np.sort(order[len(order) // 2 :])
        learned = _Part(subject.dataset, rows, labels[rows])
    else:
        _, others = labels_of(subject, data)
        rows = np.flatnonzero(others >= 0)
        learned = _Part(data, rows, others[rows])
    if not len(known) or not len(learned):
        raise ValueError(
            f"A curve needs inputs with labels to prune by and others to judge by; there are {len(learned)} and "
            f"{len(known)}. Give the subject a dataset with labels, or `data`."
        )
    return learned, _Part(subject.dataset, known, labels[known])


def _channels(subject: Subject, layers: Sequence[str] | None) -> int:
    """How many channels there are to prune."""
    prunable = network(subject).channels.prunable
    return sum(len(own) for name, own in prunable.items() if layers is None or name in layers)


def _tuned(subject: Subject, learned: _Part, training: Training, tell: Watcher) -> Any:
    """Train the model, which is its own, in place."""

    def loss(x: Tensor, y: Tensor) -> Tensor:
        return F.cross_entropy(taken(subject.model(x), subject.select), y)

    for parameter in subject.model.parameters():
        parameter.requires_grad_(parameter.is_floating_point())
    return fit(subject.model, loss, learned.inputs, learned.labels, training, tell)


@torch.no_grad()
def _measured(subject: Subject, fraction: float, judges: _Part) -> Pruned:
    explainer = subject.explainer()
    right: list[bool] = []
    for numbers in np.array_split(np.arange(len(judges)), -(-len(judges) // BATCH)):
        x = judges.inputs(numbers).to(explainer.device)
        right += (explainer.forward((x,)).argmax(1).cpu().numpy() == judges.labels[numbers]).tolist()
    one = judges.inputs(np.arange(1)).to(explainer.device)
    return Pruned(
        fraction,
        parameters(subject.model),
        multiply_adds(subject.model, one),
        _seconds(explainer, one),
        interval(right),
        subject,
    )


def _seconds(explainer: Explainer, x: Tensor) -> float:
    def once() -> float:
        started = time.perf_counter()
        explainer.forward((x,)).cpu()
        return time.perf_counter() - started

    return statistics.median([once() for _ in range(PASSES)])


@torch.no_grad()
def multiply_adds(model: nn.Module, x: Tensor) -> int:
    """How many products a model adds up for inputs `x`, as torch counts them: in convolutions and matrix products."""
    with eval_mode(model), FlopCounterMode(display=False) as counter:
        model(x)
    return int(counter.get_total_flops()) // 2
