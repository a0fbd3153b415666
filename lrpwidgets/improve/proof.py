"""Proof that a repair mends: the model before and after, by the same figures, on inputs that no repair has seen.

Accuracy as it is, accuracy with the artefact on inputs of other classes, how many of those turn into its class, how
much relevance lies on it, what pasting and removing it do to the score, how the scores react along its direction; and
the verdict of the poison test. What the repair costs is told from the same inputs, too.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..evaluate.intervals import Interval, interval
from ..lrp import Explainer
from ..lrp.outputs import module_of, output_through
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..spray.poison import Suspect, Verdict, answers, of_other_classes
from ..subjects import Subject
from .directions import Direction
from .projection import units_of
from .repaired import Repaired

_EXPLAINED = 64
"""Inputs that are explained, of each seed."""
_MOST_AREA = 0.5
"""An artefact that changes a larger share of the pixels is no place, on which relevance could lie."""


@dataclass(frozen=True, eq=False, repr=False)
class Measured(Readable):
    """A figure of some inputs."""

    numbers: NDArray[np.int64]
    """Of the inputs, (n,)."""
    values: NDArray[np.float64]
    """The figure of each, (n,); of what is true or false 1 or 0."""

    def __len__(self) -> int:
        return len(self.numbers)

    @property
    def mean(self) -> float:
        """Over the inputs."""
        return float(self.values.mean())


@dataclass(frozen=True, eq=False)
class Examined:
    """What one model does with the artefact, by one seed."""

    verdict: Verdict
    """Of the poison test."""
    clean: Measured = field(repr=False)
    """Whether it reads inputs right as they are."""
    others: Measured = field(repr=False)
    """The same of inputs of other classes."""
    poisoned: Measured = field(repr=False)
    """Of these with the artefact."""
    turned: Measured = field(repr=False)
    """Whether the artefact turns them into its class."""
    shares: Measured | None = field(repr=False)
    """Share of Σ|R| that lies on the artefact, explaining its class on inputs of others with it; None where it has no
    place."""
    removed: Measured | None = field(repr=False)
    """Change of the class's score where it is taken away from inputs with it, in units of the score."""
    slopes: Measured | None = field(repr=False)
    """Change of the class's score from the clean mean to the artefact's along the direction, as its gradient tells, on
    inputs of other classes; None without a direction, or where its layer was cut."""
    own: int
    """Inputs of the artefact's class that no repair has seen."""


@dataclass(frozen=True, eq=False, repr=False)
class State(Readable):
    """What a model does with the artefact, over all seeds.

    Intervals are over inputs: seeds ask many of them again, so each counts once, with its mean over seeds.
    """

    seeds: tuple[Examined, ...] = field(repr=False)

    @cached_property
    def clean(self) -> Interval:
        """Accuracy on inputs as they are."""
        return _pooled([each.clean for each in self.seeds])

    @cached_property
    def poisoned(self) -> Interval:
        """Accuracy on inputs of other classes with the artefact."""
        return _pooled([each.poisoned for each in self.seeds])

    @cached_property
    def others(self) -> Interval:
        """Accuracy on the same inputs as they are."""
        return _pooled([each.others for each in self.seeds])

    @cached_property
    def turned(self) -> Interval:
        """Share of them that the artefact turns into its class."""
        return _pooled([each.turned for each in self.seeds])

    @cached_property
    def relevance(self) -> Interval | None:
        """Share of Σ|R| on the artefact; None where it has no place."""
        return _pooled_known([each.shares for each in self.seeds])

    @cached_property
    def pasted(self) -> float:
        """Mean change of the class's score by the artefact, in units of the score."""
        return float(np.mean([each.verdict.score_change for each in self.seeds]))

    @cached_property
    def removed(self) -> Interval | None:
        """Change of the class's score where the artefact is taken away; None where nobody knows how."""
        return _pooled_known([each.removed for each in self.seeds])

    @cached_property
    def sensitivity(self) -> Interval | None:
        """Change of the class's score along the direction, as the gradient tells; None without a direction."""
        return _pooled_known([each.slopes for each in self.seeds])

    @cached_property
    def tcav(self) -> float | None:
        """Share of inputs whose score of the class rises along the direction (Kim et al. 2018); None without one."""
        slopes = [each.slopes.values for each in self.seeds if each.slopes is not None]
        return float(np.mean(np.concatenate(slopes) > 0)) if slopes else None

    @property
    def convicted(self) -> int:
        """In how many seeds the poison test convicts it."""
        return sum(each.verdict.clever_hans for each in self.seeds)

    def __repr__(self) -> str:
        looks = "" if self.relevance is None else f", {self.relevance.value:.1%} of relevance on the artefact"
        return (
            f"State(clean {self.clean.value:.1%}, poisoned {self.poisoned.value:.1%}, turned {self.turned.value:.1%}"
            f"{looks}, convicted {self.convicted} of {len(self.seeds)})"
        )


@dataclass(frozen=True, eq=False)
class Proof:
    """A model before and after a repair."""

    before: State
    after: State
    cost: Interval
    """Clean accuracy after minus before, on the same inputs: below 0 where the repair harms."""

    @property
    def acquitted(self) -> int:
        """In how many seeds the poison test does not convict the repaired model."""
        return len(self.after.seeds) - self.after.convicted

    @property
    def mends(self) -> bool:
        """Whether the model was convicted in most seeds before and is in none after."""
        return 2 * self.before.convicted > len(self.before.seeds) and not self.after.convicted

    @property
    def caveat(self) -> str:
        """A sentence if something of the cost cannot be told; empty if all can."""
        if all(each.own for each in self.after.seeds):
            return ""
        return (
            "The repairs have seen every input of the artefact's class, so what they cost it is not told; make the "
            "direction from fewer."
        )

    def sentence(self, name: str) -> str:
        """The proof in words; `name` is that of the artefact's class."""
        seeds = len(self.after.seeds)

        def both(what: str) -> str:
            return " → ".join(f"{getattr(state, what).value:.1%}" for state in (self.before, self.after))

        return (
            f"Poisoned accuracy {both('poisoned')}, clean {both('clean')}; {both('turned')} turned into “{name}”. "
            f"The poison test acquits it in {self.acquitted} of {seeds} {'seeds' if seeds > 1 else 'seed'}"
            f"{'' if self.before.convicted else ', as it did before'}."
        )


def prove(
    before: Subject,
    after: Subject | Sequence[Subject],
    artefact: Suspect,
    seeds: int = 5,
    *,
    direction: Direction | None = None,
    samples: int = 500,
    composite: str = "auto",
    known: Iterable[int] = (),
    progress: bool | Watcher = True,
) -> Proof:
    """What a repair did, by figures over seeds, with intervals over inputs.

    Each seed draws inputs, none that the repair has seen.

    Parameters
    ----------
    after
        The repaired subject, or one for each seed, repaired with it.
    artefact
        What is put on inputs of other classes: what SpRAy found, see :func:`lrpwidgets.spray.candidate` and
        :func:`lrpwidgets.spray.poison_tests`, or one that you know, see :class:`.Planted`.
    direction
        For the sensitivity along it.
    samples
        Inputs of other classes, and inputs as they are, at most, of each seed.
    known
        Numbers of further inputs that are not to be asked, such as those by which the layer was chosen,
        :attr:`.Carrier.judged`.
    progress
        True writes a line; a function gets a :class:`.Progress`, and may raise to end it.

    Raises
    ------
    ValueError
        If `seeds` is below 1 or not the number of repaired subjects, there are no labels, or the repairs have seen all
        inputs.
    """
    if seeds < 1:
        raise ValueError(f"seeds must be 1 or more, got {seeds!r}.")
    each = [after] * seeds if isinstance(after, Subject) else list(after)
    if len(each) != seeds:
        raise ValueError(f"There must be one repaired subject, or one for each of the {seeds} seeds; got {len(each)}.")
    states: tuple[list[Examined], list[Examined]] = ([], [])
    with listening(progress) as watch:
        for seed, repaired in enumerate(each):
            seen = frozenset(known) | (repaired.used if isinstance(repaired, Repaired) else frozenset())
            for side, (subject, state) in enumerate(zip((before, repaired), states, strict=True)):
                watch(Progress(2 * seed + side, 2 * seeds, "proving"))
                explainer = subject.explainer(composite)
                state.append(examine(explainer, before, artefact, seed, direction, samples, seen))
    costs = [Measured(a.clean.numbers, b.clean.values - a.clean.values) for a, b in zip(*states, strict=True)]
    return Proof(State(tuple(states[0])), State(tuple(states[1])), _pooled(costs))


def examine(
    explainer: Explainer,
    subject: Subject,
    artefact: Suspect,
    seed: int = 0,
    direction: Direction | None = None,
    samples: int = 500,
    known: Iterable[int] = (),
    tell: Watcher = lambda progress: None,
) -> Examined:
    """What the explainer's model does with the artefact on inputs of the subject that are not `known`."""
    known = frozenset(known)
    labels = subject.labels()
    found = answers([artefact], explainer, subject, samples, seed, tell, known)[0]
    random = np.random.default_rng(seed)
    unseen = np.setdiff1d(np.flatnonzero(labels >= 0), np.fromiter(known, np.int64))
    chosen = random.permutation(unseen)[:samples]
    shown = random.permutation(of_other_classes(subject, artefact.label, known))[:_EXPLAINED]
    own = random.permutation(np.intersect1d(np.flatnonzero(labels == artefact.label), unseen))[:_EXPLAINED]
    figures = (*found.right[:2], found.turned[0])
    others, poisoned, turned = (Measured(found.numbers, each.astype(np.float64)) for each in figures)
    return Examined(
        found.verdict(artefact),
        Measured(chosen, right(explainer, subject, chosen).astype(np.float64)),
        others,
        poisoned,
        turned,
        _shares(explainer, subject, artefact, shown, random),
        _removed(explainer, subject, artefact, own, random),
        None if direction is None else _slopes(explainer, subject, direction, artefact.label, shown),
        int((labels[unseen] == artefact.label).sum()),
    )


def right(explainer: Explainer, subject: Subject, numbers: NDArray[np.int64]) -> NDArray[np.bool_]:
    """Which of those inputs the explainer's model reads right, (n,)."""
    labels = subject.labels()
    found = [explainer.scores(x).cpu().argmax(1).numpy() == labels[part] for part, x in _batches(subject, numbers)]
    return np.concatenate([np.zeros(0, bool), *found])


def _batches(subject: Subject, numbers: NDArray[np.int64]) -> Iterable[tuple[NDArray[np.int64], Tensor]]:
    """Numbers of inputs in parts, and the inputs (B, ...)."""
    for part in np.array_split(numbers, -(-len(numbers) // 64)) if len(numbers) else []:
        yield part, torch.stack([subject.item(int(i))[0] for i in part])


def _shares(
    explainer: Explainer, subject: Subject, artefact: Suspect, numbers: NDArray[np.int64], random: np.random.Generator
) -> Measured | None:
    """Of each input with the artefact, the share of Σ|R| where it lies; None where it has no place."""
    found: list[Measured] = []
    for part, x in _batches(subject, numbers):
        planted = artefact.taken(x, random)
        if planted is None:
            return None
        lies = (planted != x).any(1, keepdim=True)
        if float(lies.float().mean()) > _MOST_AREA:
            return None
        relevance = explainer.explain(planted, artefact.label, keep="input").relevance
        assert isinstance(relevance, Tensor)  # of one input
        amounts = relevance.detach().cpu().double().sum(1, keepdim=True).abs()
        total, on_it = (each.flatten(1).sum(1).numpy() for each in (amounts, amounts * lies))
        some = total > 0
        found.append(Measured(part[some], on_it[some] / total[some]))
    return _joined(found)


def _removed(
    explainer: Explainer, subject: Subject, artefact: Suspect, numbers: NDArray[np.int64], random: np.random.Generator
) -> Measured | None:
    """Change of the class's score on inputs of the class that have it planted and then removed."""
    changes: list[Measured] = []
    for part, x in _batches(subject, numbers):
        planted = artefact.taken(x, random)
        cleaned = None if planted is None else artefact.removed(planted, random)
        if planted is None or cleaned is None:
            return None
        scores = [explainer.scores(each)[:, artefact.label].double().cpu() for each in (planted, cleaned)]
        changes.append(Measured(part, (scores[1] - scores[0]).numpy()))
    return _joined(changes)


def _slopes(
    explainer: Explainer, subject: Subject, direction: Direction, label: int, numbers: NDArray[np.int64]
) -> Measured | None:
    """Change of the class's score from the clean mean to the artefact's along the direction.

    None where the model's layer has other units than the one that the direction is of.
    """
    found: list[Measured] = []
    leaves: list[Tensor] = []

    def leaf(output: Tensor) -> Tensor:
        leaves.append(output.detach().requires_grad_())
        return leaves[-1].clone()  # what comes next may change it in place

    for part, x in _batches(subject, numbers):
        with output_through(module_of(explainer.model, direction.layer), leaf):
            score = explainer.forward((x.to(explainer.device),))[:, label].sum()
        (gradient,) = torch.autograd.grad(score, leaves.pop())
        units = units_of(gradient, direction.axis)
        if units.shape[-1] != len(direction.vector):  # the layer was cut, and its units are others
            return None
        along = units @ direction.vector.to(gradient)
        slopes = along.reshape(len(x), -1).sum(1).double().cpu() * (direction.artefact - direction.clean)
        found.append(Measured(part, slopes.numpy()))
    return _joined(found)


def _joined(parts: Sequence[Measured]) -> Measured | None:
    """A figure of all inputs; None if there are none."""
    numbers = np.concatenate([np.zeros(0, np.int64), *(each.numbers for each in parts)])
    return Measured(numbers, np.concatenate([each.values for each in parts])) if len(numbers) else None


def _pooled(each: Sequence[Measured]) -> Interval:
    """A figure over several seeds, with its interval over inputs, each with its mean over the seeds that ask it."""
    every = _joined(each)
    assert every is not None  # there is a seed, and an input to ask
    _, which, counts = np.unique(every.numbers, return_inverse=True, return_counts=True)
    return interval(np.bincount(which, every.values) / counts)


def _pooled_known(each: Iterable[Measured | None]) -> Interval | None:
    """The same of the seeds that have the figure; None if none has."""
    known = [measured for measured in each if measured is not None]
    return _pooled(known) if known else None
