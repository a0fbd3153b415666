"""The poison test: paste what a cluster looks at on pictures of other classes, and see what the model says.

Separability only ranks clusters; a way of writing a seven is as separate as a copyright tag. Only the test tells
whether the model falls for it (Anders et al. 2022): an artefact turns other classes into the one that it was found
in, and accuracy falls. Part of an object does so too, as it is evidence. So there is a control: the same box of
pictures of the same class in another cluster. What is an artefact is in one cluster and not in the other.

The control and the limits below are ours, set by looking at small networks; Anders et al. have neither.
"""

from __future__ import annotations

import copy
from collections.abc import Iterable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, ClassVar, Protocol

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Watcher, listening
from ..subjects.modality import modality_of, readable
from .batch import FAULTS

if TYPE_CHECKING:
    from torch import Tensor

    from ..lrp import Explainer
    from ..subjects import Subject
    from .atlas import Atlas

Box = tuple[int, int, int, int]
"""Top, left, height and width in pixels of the input."""

TURNS = 0.05
"""Share of other pictures that an artefact turns into its class, beyond what the control does."""

EXPLAINED = 0.175
"""Share of the classes that an artefact turns which the control may turn, too, where a box of one place is pasted.

Tags of the subjects with known truth: up to 0.16; strokes that one style of a digit has and another has not: 0.19 on.
"""

TAKEN = 0.85
"""Share of the pictures which it makes the model read wrong that an artefact turns into its class, at least.

Tags: 0.93 on; strokes: up to 0.76. What only hides the other classes sends them anywhere.
"""

CHANCE = 1e-3
"""Probability up to which chance is no explanation (McNemar's exact test, one-sided, times the number of controls)."""

_MOST_AREA = 0.15
"""A candidate box covers no more of the picture: what is larger is no mark but the picture itself."""

MEMBERS = 100
"""Pictures of a cluster, the most typical ones, whose box is pasted."""

_CONTROLS = 3
"""Other clusters that serve as controls, the largest ones."""

_FEWEST = 5
"""Pictures of a control."""


class UntestableError(ValueError):
    """A test that a cluster, a model or a kind of input does not allow; the message is the reason."""


class Suspect(Protocol):
    """Something that the model may have learnt instead of the class, and how it is taken to other pictures."""

    turns: ClassVar[float]
    """Share of other pictures that it turns into its class, beyond what its control does, if it is an artefact."""
    explained: ClassVar[float]
    """Share of those that its control may turn, too."""

    @property
    def label(self) -> int:
        """The class that it may stand for."""

    @property
    def what(self) -> str:
        """What is taken to other pictures, in words."""

    @property
    def of_class(self) -> bool:
        """Whether its controls are of other pictures of the class; else they are of other classes."""

    def scores(self, inputs: Tensor, explainer: Explainer, random: np.random.Generator) -> Tensor:
        """Scores (1 + controls, B, C) of `inputs` (B, ...) with it, and with each control instead."""

    def taken(self, inputs: Tensor, random: np.random.Generator) -> Tensor | None:
        """`inputs` (B, ...) with it, as `scores` takes it to them; None if it is in no input."""

    def removed(self, inputs: Tensor, random: np.random.Generator) -> Tensor | None:
        """`inputs` (B, ...) that have it, without it; None where that is not known."""

    def pictured(self, x: Tensor) -> list[Tensor]:
        """Two pictures (C, h, w) that show it: what is taken, or `x`, and `x` with it; none if it is in no picture."""


@dataclass(frozen=True, eq=False)
class Artefact:
    """Something that the model may have learnt instead of the class: pixels at a place."""

    turns: ClassVar[float] = TURNS
    explained: ClassVar[float] = EXPLAINED
    patches: Tensor = field(repr=False)
    """What is pasted, (m, C, height, width), as the model takes it: the same box of several pictures."""
    box: Box
    """Where."""
    label: int
    """The class that it may stand for."""
    source: str
    """Where it comes from, in words."""
    controls: tuple[NDArray[np.int64], ...] = field(repr=False)
    """Numbers of inputs whose box is pasted instead: those of the same class in each of the other clusters; where there
    is no other, those of other classes."""
    subject: Subject = field(repr=False)
    """What they are of."""
    of_class: bool = True
    """Whether the controls are of the class."""
    what: str = "what it looks at, at its place"

    def scores(self, inputs: Tensor, explainer: Explainer, random: np.random.Generator) -> Tensor:
        """See :class:`lrpwidgets.spray.poison.Suspect`."""
        import torch

        variants = [self.taken(inputs, random), *(self._lent(inputs, each, random) for each in self.controls)]
        return torch.stack([explainer.scores(each).float().cpu() for each in variants])

    def taken(self, inputs: Tensor, random: np.random.Generator) -> Tensor:
        """Inputs with one of the patches on each, drawn at random."""
        import torch

        drawn = self.patches[torch.from_numpy(random.integers(len(self.patches), size=len(inputs)))]
        return _pasted(inputs, drawn, self.box)

    def removed(self, inputs: Tensor, random: np.random.Generator) -> Tensor | None:
        """Inputs with the box of another picture of the class; None if there are no others in the control."""
        return self._lent(inputs, self.controls[0], random) if self.of_class else None

    def _lent(self, inputs: Tensor, control: NDArray[np.int64], random: np.random.Generator) -> Tensor:
        """Inputs with the box of one of the `control` on each."""
        import torch

        lent = [_cut(self.subject.item(int(item))[0], self.box) for item in random.choice(control, len(inputs))]
        return _pasted(inputs, torch.stack(lent), self.box)

    def pasted(self, inputs: Tensor) -> Tensor:
        """Inputs (B, C, H, W) with the first patch on each; they stay as they are."""
        return _pasted(inputs, self.patches[:1], self.box)

    def pictured(self, x: Tensor) -> list[Tensor]:
        """The first patch, and `x` with it; see :class:`lrpwidgets.spray.poison.Suspect`."""
        return [self.patches[0], self.pasted(x[None])[0]]


@dataclass(frozen=True)
class Verdict:
    """What the model says when the artefact is pasted on pictures of other classes."""

    samples: int
    """Pictures of other classes."""
    before: float
    """Share of them that the model reads right."""
    after: float
    """The same with the artefact."""
    control: float
    """The same with the control instead."""
    turned: int
    """How many turned into the artefact's class; those that were taken for it before do not count."""
    turned_by_control: int
    score_change: float
    """Mean change of the class's score by the artefact, in units of the score."""
    chance: float
    """Probability of so many more turning than with the control, if the artefact did what the controls do.

    McNemar's exact test against the control of which the fewest turn, times the number of controls (Bonferroni), as
    each of them might have been that one.
    """
    counted: int = 1
    """By how many the probability was multiplied: controls, and tests where there were several."""
    limit: float = TURNS
    """Share that must turn beyond what the control does."""
    explained: float = EXPLAINED
    """Share of those that turn which the control may turn, too."""
    what: str = "what it looks at"
    """What was taken to other pictures, in words."""
    of_class: bool = True
    """Whether the control is of others of the class; else it is of other classes."""
    inputs: str = "pictures"
    """What it was taken to."""

    def __repr__(self) -> str:
        verdict = f"not convicted, {self.acquittal}" if self.acquittal else "a Clever Hans"
        return (
            f"Verdict({verdict}: {self.turned} of {self.samples} turned, {self.turned_by_control} by the control; "
            f"accuracy {self.before:.1%} → {self.after:.1%}, control {self.control:.1%}; chance {self.chance:.1g})"
        )

    @property
    def acquittal(self) -> str:
        """Why it is no Clever Hans, as the end of a sentence; empty if it is one."""
        if (self.turned - self.turned_by_control) / self.samples < self.limit:
            return "it turns hardly more of them than the control does"
        if self.chance > CHANCE:
            return "so few more can have turned by chance"
        if self.turned_by_control > self.explained * self.turned:
            return "the control turns many of them, too: it is part of the class"
        if self.turned < TAKEN * (self.before - self.after) * self.samples:
            return "most that are read wrong then are taken for other classes: it hides theirs"
        return ""

    @property
    def clever_hans(self) -> bool:
        """Whether the model falls for the artefact: far more turn than with the control, and accuracy falls."""
        return not self.acquittal

    @property
    def detectable(self) -> float:
        """The smallest share of other pictures whose turning would have convicted it, if the control turned none."""
        least = next(turned for turned in range(1, 64) if 0.5**turned * self.counted <= CHANCE)
        return min(1.0, max(self.limit, least / self.samples))

    @property
    def _conviction(self) -> str:
        if self.of_class:
            return "A Clever Hans: the model falls for it."
        return "A Clever Hans, unless it is a part of what it turns them into: no other cluster of that was there."

    def among(self, tests: int) -> Verdict:
        """The verdict as one of so many tests: by one of several something seems to turn more easily by chance."""
        return replace(self, chance=min(1.0, tests * self.chance), counted=tests * self.counted)

    def lender(self, name: str) -> str:
        """What the control is of, in words; `name` is that of the class."""
        return f"other {self.inputs} of “{name}”" if self.of_class else f"{self.inputs} of other classes"

    def sentence(self, name: str) -> str:
        """The verdict in words; `name` is that of the class."""
        return (
            f"{self.what[0].upper()}{self.what[1:]}, taken to {self.samples} {self.inputs} of other classes: "
            f"accuracy {self.before:.1%} → {self.after:.1%}, {self.turned} turned into “{name}”. "
            f"The same of {self.lender(name)}: {self.control:.1%}, {self.turned_by_control} turned. "
            + (f"Not convicted: {self.acquittal}." if self.acquittal else self._conviction)
        )


def box_of(atlas: Atlas, number: int, subject: Subject) -> Artefact:
    """The artefact that a cluster suggests: what its pictures have where its relevance exceeds the others' most.

    Raises
    ------
    ValueError
        If there is no cluster of that number, or the inputs are no pictures.
    """
    import torch

    cluster = atlas.cluster(number)
    x, _ = subject.item(int(atlas.store.index[cluster.rows[0]]))
    if x.dim() != 3:
        raise ValueError(f"The poison test pastes boxes of pictures (C, H, W); these inputs are {tuple(x.shape)}.")
    box = suspicious_box(cluster.heatmap - cluster.others, tuple(x.shape[1:]))
    members = atlas.store.index[cluster.rows[:MEMBERS]]
    patches = torch.stack([_cut(subject.item(int(item))[0], box) for item in members])
    label = label_of(atlas, number)
    return Artefact(patches, box, label, f"pictures of cluster {number}", *_controls(atlas, number, label, subject))


def boxed(atlas: Atlas, subject: Subject, row: int, box: Box) -> Artefact:
    """The artefact in a box of the input at `row` of the store.

    Raises
    ------
    ValueError
        If there is no such row, or the box is empty or leaves the picture.
    """
    atlas.store.checked([row])
    place = np.flatnonzero(atlas.rows == row)
    x, _ = subject.item(int(atlas.store.index[row]))
    top, left, height, width = box
    if height < 1 or width < 1 or top < 0 or left < 0 or top + height > x.shape[-2] or left + width > x.shape[-1]:
        raise ValueError(f"The box {box} (top, left, height, width) is not inside a picture of {tuple(x.shape[-2:])}.")
    number = int(atlas.clusters[place[0]]) if len(place) else -1
    label = int(atlas.store.target[row])
    source = subject.item_name(int(atlas.store.index[row]))
    controls, _, of_class = _controls(atlas, number, label, subject)
    return Artefact(_cut(x, box)[None], box, label, f"box in {source}", controls, subject, of_class, "the box")


def poison_test(
    artefact: Suspect,
    explainer: Explainer,
    subject: Subject,
    *,
    samples: int = 500,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> Verdict:
    """Paste an artefact on inputs of other classes, and a control in its place; say what the model makes of both.

    Parameters
    ----------
    artefact
        What to paste or insert; see :func:`lrpwidgets.spray.candidate` and :func:`boxed`.
    samples
        How many inputs of other classes, at most; drawn at random.
    progress
        True writes a line; a function gets a :class:`.Progress` of the inputs, and may raise to end the test.

    Raises
    ------
    ValueError
        If the subject has no labels, or no input of another class, or the model does not give a score for each class.
    """
    with listening(progress) as tell:
        return judged([artefact], explainer, subject, samples, seed, tell)[0]


def judged(
    suspects: Sequence[Suspect],
    explainer: Explainer,
    subject: Subject,
    samples: int,
    seed: int,
    tell: Watcher,
    known: Iterable[int] = (),
) -> list[Verdict]:
    """The verdict on each of `suspects`, which are of one class, by the same pictures; as :func:`answers`."""
    each = answers(suspects, explainer, subject, samples, seed, tell, known)
    return [found.verdict(suspect) for suspect, found in zip(suspects, each, strict=True)]


@dataclass(frozen=True, eq=False)
class Answers:
    """What the model says of inputs of other classes as they are, with a suspect, and with each of its controls."""

    numbers: NDArray[np.int64] = field(repr=False)
    """Of the inputs, (n,)."""
    right: NDArray[np.bool_] = field(repr=False)
    """Whether it reads them right, (2 + controls, n)."""
    taken: NDArray[np.bool_] = field(repr=False)
    """Whether it takes them for the suspect's class, (2 + controls, n)."""
    change: NDArray[np.float64] = field(repr=False)
    """Change of that class's score by the suspect, (n,)."""
    inputs: str = "pictures"
    """What they are."""

    @property
    def turned(self) -> NDArray[np.bool_]:
        """Which of them the suspect and each control turns into its class, (1 + controls, n)."""
        turned: NDArray[np.bool_] = self.taken[1:] & ~self.taken[0]
        return turned

    def verdict(self, suspect: Suspect) -> Verdict:
        """What follows for the suspect.

        Of the controls that of which the fewest turn counts: the others may have the artefact as well. The fewest of
        several are few by chance, too, so its probability is taken times the number of controls.
        """
        from scipy.stats import binomtest

        turns = self.turned
        turned, least = turns[0], 1 + int(turns[1:].sum(1).argmin())
        more, fewer = int((turned & ~turns[least]).sum()), int((turns[least] & ~turned).sum())
        chance = float(binomtest(more, more + fewer, 0.5, "greater").pvalue) if more + fewer else 1.0
        before, after, control = self.right[[0, 1, 1 + least]].mean(1).tolist()
        return Verdict(
            len(self.numbers),
            before,
            after,
            control,
            int(turned.sum()),
            int(turns[least].sum()),
            float(self.change.mean()),
            min(1.0, (len(turns) - 1) * chance),
            len(turns) - 1,
            suspect.turns,
            suspect.explained,
            suspect.what,
            suspect.of_class,
            self.inputs,
        )


def answers(
    suspects: Sequence[Suspect],
    explainer: Explainer,
    subject: Subject,
    samples: int,
    seed: int,
    tell: Watcher,
    known: Iterable[int] = (),
) -> list[Answers]:
    """What the model says with each of `suspects`, which are of one class, on the same pictures.

    None of the inputs `known`, by their numbers, is asked: a model that was repaired has seen them. Inputs that cannot
    be read, or that the model refuses, are left out, as in a store.

    Raises
    ------
    ValueError
        As :func:`poison_test`, or if none of the inputs can be read.
    """
    import torch

    label, random, modality = suspects[0].label, np.random.default_rng(seed), modality_of(subject)
    chosen = np.sort(random.permutation(of_other_classes(subject, label, known))[:samples])
    draws = [copy.deepcopy(random) for _ in suspects]  # so that a verdict does not depend on the others
    told: list[list[Tensor]] = [[] for _ in suspects]
    changes: list[list[Tensor]] = [[] for _ in suspects]
    kept: list[int] = []
    done = 0
    like = next((x for _, x, _ in readable(subject, chosen.tolist())), None)
    for part in np.array_split(chosen, -(-len(chosen) // 64)):
        done += len(part)
        asked, plain = _asked(explainer, subject, part.tolist(), like)
        if not asked:
            continue
        numbers, inputs, labels = zip(*asked, strict=True)
        kept += numbers
        batch, truth = modality.stacked(inputs), torch.tensor(labels)
        for suspect, draw, found, change in zip(suspects, draws, told, changes, strict=True):
            scores = torch.cat([plain[None], suspect.scores(batch, explainer, draw)])
            says = scores.argmax(-1)
            change.append(scores[1, :, label] - plain[:, label])
            found.append(torch.stack([says == truth, says == label]))
        tell(Progress(done, len(chosen), "poison test"))
    of = f"{modality.brought}s"
    if not kept:
        raise ValueError(f"None of {len(chosen):,} {of} of other classes can be read; mend them, or add others.")
    each = ((torch.cat(found, -1).numpy(), torch.cat(change)) for found, change in zip(told, changes, strict=True))
    return [Answers(np.array(kept), found[0], found[1], change.double().numpy(), of) for found, change in each]


def _asked(
    explainer: Explainer, subject: Subject, numbers: list[int], like: Tensor | None
) -> tuple[list[tuple[int, Tensor, int]], Tensor]:
    """Number, input and label of those that can be read, are as `like`, and can be asked, and their scores (n, C)."""
    import torch

    modality = modality_of(subject)
    read = [(number, x, label) for number, x, label in readable(subject, numbers, like) if label is not None]
    if not read:
        return [], torch.empty(0)
    try:
        return read, _class_scores(explainer, modality.stacked([x for _, x, _ in read]))
    except FAULTS as error:
        fault = error
    found: list[tuple[tuple[int, Tensor, int], Tensor]] = []
    for each in read:
        with suppress(*FAULTS):
            found.append((each, _class_scores(explainer, modality.stacked([each[1]]))))
    if not found:  # then it is not the inputs that are at fault
        raise fault
    return [each for each, _ in found], torch.cat([scores for _, scores in found])


def _class_scores(explainer: Explainer, inputs: Tensor) -> Tensor:
    """Scores (B, C), of which the largest is the class; ValueError if there are no two classes."""
    scores = explainer.scores(inputs).float().cpu()
    if scores.dim() != 2 or scores.shape[1] < 2:
        raise ValueError(
            "A poison test counts inputs that turn into another class, and needs scores (B, classes), got "
            f"{tuple(scores.shape)}; give the subject a `select` that returns those. Of one score that is above 0 "
            "for class 1, select=lrp.TwoClasses() makes two."
        )
    return scores


def suspicious_box(excess: NDArray[np.float32], size: tuple[int, ...]) -> Box:
    """The box around the strongest spot of `excess`, (h, w), in pixels of a picture of `size` (H, W).

    The spot is where the excess, smoothed a little, is at least a third of its maximum, or more where that is much of
    the map. The box has a margin of a pixel of the map, and no more than 15 % of the picture.
    """
    from scipy.ndimage import find_objects, gaussian_filter, label

    smooth = gaussian_filter(np.asarray(excess, np.float64), 0.5 + max(excess.shape) / 64)
    peak = np.unravel_index(int(smooth.argmax()), smooth.shape)
    for share in np.arange(0.35, 1.0, 0.05):
        spots, _ = label(smooth >= share * smooth[peak])
        rows, columns = find_objects((spots == spots[peak]).astype(np.int8))[0]
        box = _scaled((rows.start, columns.start, rows.stop, columns.stop), excess.shape, size)
        if box[2] * box[3] <= _MOST_AREA * size[0] * size[1]:
            return box
    return _around(peak, excess.shape, size)


def _around(peak: tuple[np.intp, ...], shape: tuple[int, ...], size: tuple[int, ...]) -> Box:
    """The largest box that may be, around a point of a map of `shape`, in a picture of `size`."""
    sides = [max(1, int(_MOST_AREA**0.5 * length)) for length in size]
    middles = [(float(place) + 0.5) * length / cells for place, length, cells in zip(peak, size, shape, strict=True)]
    corners = [
        min(max(0, int(middle - side / 2)), length - side)
        for middle, side, length in zip(middles, sides, size, strict=True)
    ]
    return corners[0], corners[1], sides[0], sides[1]


def _scaled(corners: Box, shape: tuple[int, ...], size: tuple[int, ...]) -> Box:
    """A box of a map of `shape`, given by its corners, with a margin, in a picture of `size`."""
    height, width = size[0] / shape[0], size[1] / shape[1]
    top, left = max(0, int((corners[0] - 1) * height)), max(0, int((corners[1] - 1) * width))
    bottom = min(size[0], int(np.ceil((corners[2] + 1) * height)))
    right = min(size[1], int(np.ceil((corners[3] + 1) * width)))
    return top, left, bottom - top, right - left


def label_of(atlas: Atlas, number: int) -> int:
    """The class that is explained for most of a cluster's rows."""
    values, counts = np.unique(atlas.store.target[atlas.rows[atlas.clusters == number]], return_counts=True)
    return int(values[counts.argmax()])


def _controls(
    atlas: Atlas, number: int, label: int, subject: Subject
) -> tuple[tuple[NDArray[np.int64], ...], Subject, bool]:
    """Inputs of that class in each of the largest other clusters; else those of other classes, and False."""
    others = other_clusters(atlas, number, label)
    found = tuple(atlas.store.index[rows].astype(np.int64) for rows in others)
    return found or (_stored(atlas, of_other_classes(subject, label)),), subject, bool(others)


def _stored(atlas: Atlas, numbers: NDArray[np.int64]) -> NDArray[np.int64]:
    """Those of the inputs of which the store has relevance, as others cannot be read; UntestableError if none."""
    found = np.intersect1d(numbers, atlas.store.index[atlas.store.done])
    if not len(found):
        raise UntestableError("the store has relevance of no input of another class to compare with")
    return found


def other_clusters(atlas: Atlas, number: int, label: int) -> tuple[NDArray[np.int64], ...]:
    """Rows of the store of that class in the largest other clusters of the atlas."""
    same = atlas.store.target[atlas.rows] == label
    found = [np.flatnonzero(same & (atlas.clusters == other)) for other in range(atlas.count) if other != number]
    enough = sorted((each for each in found if len(each) >= _FEWEST), key=len, reverse=True)
    return tuple(atlas.rows[each] for each in enough[:_CONTROLS])


def of_other_classes(subject: Subject, label: int, without: Iterable[int] = ()) -> NDArray[np.int64]:
    """Numbers of the inputs of other classes, but those `without`; ValueError if there are none."""
    known = subject.labels()
    others = np.flatnonzero((known >= 0) & (known != label))
    found = np.setdiff1d(others, np.fromiter(without, np.int64))
    if len(others) and not len(found):
        raise ValueError("The repairs have seen all labelled inputs of other classes; repair with fewer.")
    if not len(found):
        of = modality_of(subject).brought
        what = "has no labels" if not (known >= 0).any() else f"has {of}s of {subject.class_name(label)!r} only"
        raise ValueError(f"The poison test needs labelled {of}s of other classes; {subject.title} {what}.")
    return found


def _cut(x: Tensor, box: Box) -> Tensor:
    top, left, height, width = box
    return x[..., top : top + height, left : left + width]


def _pasted(inputs: Tensor, patches: Tensor, box: Box) -> Tensor:
    """Inputs (B, C, H, W) with `patches` (B or 1, C, height, width) in the box."""
    made = inputs.clone()
    _cut(made, box)[:] = patches
    return made
