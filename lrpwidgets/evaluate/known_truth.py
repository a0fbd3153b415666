"""Is relevance on what the answer depends on, where that is known? Several methods against masks, as in CLEVR-XAI.

Of texts these are the words that decide, and a word counts as a pixel does.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .. import methods as catalogue
from ..lrp import Explainer
from ..progress import Progress, Watcher, listening
from ..subjects import Subject
from ..subjects.masks import Of
from ..subjects.shown import Shown
from ..tables import Table
from .contenders import Methods, Settings, contenders
from .intervals import Interval, interval
from .localization import Pool, area, mass, pooled, rank
from .parts import Parts, batch, opened, parts_of

BATCH = 64
"""Inputs that are answered at once."""

Known: TypeAlias = Sequence[NDArray[np.bool_]]
"""Where relevance of each input should be."""


@dataclass(frozen=True)
class Located:
    """How much of a method's relevance is where it should be."""

    method: str
    mass: Interval
    """Relevance mass accuracy, 0 to 1; low also for a map in the right order with a constant added, as RISE's are."""
    rank: Interval
    """Relevance rank accuracy, 0 to 1."""
    area: float
    """The share of pixels, or words, in the masks: what both are of a random map."""
    blank: int
    """Maps among these in which nothing was left by the pooling; such a one says nothing, so its mass is its area."""


@dataclass(frozen=True, eq=False)
class GroundTruth:
    """What came out."""

    standings: Table[Located]
    """The method with the largest mass first."""
    masks: Of
    pool: Pool
    samples: int
    """Inputs that count: those that were answered correctly."""
    left_out: int
    """Inputs that were drawn and do not count, as they were answered wrong: nobody knows what these answers are of."""
    obstacles: dict[str, str]
    """Methods that cannot explain this model, and why."""

    @property
    def conclusion(self) -> str:
        """What can be said of it, in words."""
        share = self.standings[0].area
        order = ", ".join(f"{each.method} {each.mass.value:.2f}" for each in self.standings)
        blind = [each.method for each in self.standings if each.mass.low <= each.area]
        low = f" Not above a random map: {', '.join(blind)}." if blind else ""
        return (
            f"On {self.samples} inputs, {self.left_out} more were answered wrong and do not count, the masks "
            f"{self.masks!r} cover {share:.1%}. Mass in them with {self.pool}: {order}.{low}"
        )


@dataclass(frozen=True, eq=False)
class _Part:
    """Inputs of one subject, answered correctly, and where relevance should be."""

    explainer: Explainer
    kind: type[Parts]
    shown: list[Shown]
    x: Tensor
    labels: Tensor
    inside: Known


def ground_truth(
    subject: Subject | Sequence[Subject],
    methods: Methods,
    *,
    masks: Of = "single",
    pool: Pool = "l2-norm,sq",
    samples: int = 100,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> GroundTruth:
    """Compare methods by how much of their relevance is on what the answer depends on (Arras, Osman, Samek 2022).

    Each input is explained for its label, and those alone count that the model answers correctly: a wrong answer may
    depend on anything.

    Parameters
    ----------
    subject
        A subject whose dataset has masks, see :func:`lrpwidgets.subjects.masks.masks`: ``questions``, ``shapes``,
        ``clever-hans``, ``tagged-digits``; or texts that are `lrpwidgets.subjects.texts.KnownTexts`: ``sentiment``,
        ``signed-reviews``. Or several, whose inputs count together, such as all
        :func:`lrpwidgets.subjects.questions.every`.
    methods
        Names, as of :func:`lrpwidgets.methods.names`, or settings by name; the bounds of the input are the subject's
        by default. ``"random"`` and, of pictures, ``"edges"`` are the baselines that any explanation must exceed, and
        are added. Those that cannot explain the model are left out.
    masks
        ``"single"`` is the object that gives the label, ``"all"`` all objects, ``"tag"`` the tag on the inputs that
        carry one; of texts there is ``"single"`` only, the words that decide. A model that fell for a tag may see the
        object, too, so that less than all relevance on the tag can be right; compare with what methods find of a model
        that never saw one, ``dataclasses.replace(subject, model=control.model)``.
    pool
        How channels become one number; the order may depend on it.
    samples
        Inputs at most, drawn at random from those that have such a mask.
    progress
        True writes a line; a function gets a :class:`.Progress` of the maps, and may raise to end it.

    Raises
    ------
    ValueError
        If the subject has no such masks or they do not fit, nothing was answered correctly, none of the methods can
        explain the model, a map is not finite, or an argument is out of range.
    """
    subjects = [subject] if isinstance(subject, Subject) else list(subject)
    _check(subjects, samples)
    pooled(torch.zeros(1, 1, 1), pool)  # says what is wrong
    known = [parts_of(each).known(each, masks) for each in subjects]
    drawn = _drawn(known, samples, seed)
    if not len(drawn):
        raise ValueError(f"No input of {subjects[0].name!r} has a mask of {masks!r}; choose other masks.")
    parts = list(_answered(subjects, drawn, known))
    count = sum(len(part.x) for part in parts)
    if not count:
        raise ValueError(
            f"None of the {len(drawn)} inputs was answered correctly, so none counts: see whether the labels are "
            "numbers of the model's outputs, or try more samples."
        )
    able, obstacles = contenders(subjects[0], subjects[0].explainer(), methods, parts[0].x[:1])
    rows = []
    with listening(progress) as tell:
        for number, (name, settings) in enumerate(able.items()):
            figures: list[NDArray[np.float64]] = []
            for part in parts:
                tell(Progress(number * count + sum(each.shape[1] for each in figures), len(able) * count, "maps"))
                figures.append(_figures(part, name, settings, pool))
            rows.append(_located(name, np.concatenate(figures, axis=1), seed))
        tell(Progress(len(able) * count, len(able) * count, "maps"))
    rows.sort(key=lambda each: -each.mass.value)
    return GroundTruth(Table(rows), masks, pool, count, len(drawn) - count, obstacles)


def _check(subjects: Sequence[Subject], samples: int) -> None:
    if isinstance(samples, bool) or not isinstance(samples, int) or samples < 2:
        raise ValueError(f"There must be two samples at least, got samples={samples!r}.")
    if not subjects:
        raise ValueError("There must be one subject at least, got none.")
    for each in subjects[1:]:
        if (each.bounds, each.classes) != (subjects[0].bounds, subjects[0].classes):
            raise ValueError(
                f"Subjects that count together need the same bounds and classes; those of {each.title!r} are not those "
                f"of {subjects[0].title!r}. Call ground_truth for each."
            )


def _drawn(known: Sequence[Known], samples: int, seed: int) -> NDArray[np.int64]:
    """Numbers of subjects and of their inputs with a mask, (n, 2), sorted."""
    found = [(number, item) for number, each in enumerate(known) for item, mask in enumerate(each) if mask.any()]
    return np.array(sorted(found[i] for i in np.random.default_rng(seed).permutation(len(found))[:samples]))


def _answered(subjects: Sequence[Subject], drawn: NDArray[np.int64], known: Sequence[Known]) -> Iterator[_Part]:
    """Those of them that the models answer correctly, subject by subject."""
    for number, group in groupby(drawn.tolist(), key=lambda each: each[0]):
        subject, items = subjects[number], [item for _, item in group]
        explainer = subject.explainer()
        labels = [_label(subject, item) for item in items]
        shown = [opened(subject, item) for item in items]
        said = [each for first in range(0, len(items), BATCH) for each in _said(subject, shown[first : first + BATCH])]
        right = [place for place, label in enumerate(labels) if said[place] == label]
        if right:
            kept = [shown[place] for place in right]
            yield _Part(
                explainer,
                parts_of(subject),
                kept,
                batch(subject, kept),
                torch.tensor([labels[place] for place in right]),
                [known[number][items[place]] for place in right],
            )


def _said(subject: Subject, shown: Sequence[Shown]) -> list[int]:
    """The classes that the model predicts for inputs."""
    found: list[int] = subject.explainer().scores(batch(subject, shown)).argmax(1).tolist()
    return found


def _label(subject: Subject, item: int) -> int:
    label = subject.item(item)[1]
    if label is None:
        raise ValueError(f"{subject.item_name(item)!r} of {subject.name!r} has no label, so no answer to it is right.")
    return label


def _figures(part: _Part, name: str, settings: Settings, pool: Pool) -> NDArray[np.float64]:
    """Mass, rank accuracy, area and whether the map is blank, of each input, (4, n)."""
    found = catalogue.explain(part.explainer, part.x, name, part.labels, progress=False, **settings)
    if not bool(found.relevance.isfinite().all()):
        raise ValueError(f"Relevance by {name!r} is not finite: the numbers overflowed. Leave that method out.")
    pairs = list(part.kind.located(part.shown, found.relevance, part.inside))
    masses, ranks = (torch.cat([figure(*pair, pool) for pair in pairs]) for figure in (mass, rank))
    share, blank = torch.cat([area(inside) for _, inside in pairs]), masses.isnan()
    return torch.stack([torch.where(blank, share, masses), ranks, share, blank.double()]).numpy()


def _located(name: str, figures: NDArray[np.float64], seed: int) -> Located:
    masses, ranks, shares, blank = figures
    return Located(
        name, interval(masses, seed=seed), interval(ranks, seed=seed), float(shares.mean()), int(blank.sum())
    )
