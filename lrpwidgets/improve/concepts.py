"""What a model is to forget: an artefact, inputs with and without it, and what convicts it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor

from ..lrp import Explainer
from ..progress import Watcher, listening
from ..readable import Readable
from ..spray.placeless import Trial, suspects_of, tried
from ..spray.poison import Suspect, UntestableError, label_of, of_other_classes
from ..subjects import Subject
from ..subjects.modality import modality_of, readable
from .directions import Direction, Method, Over, Side, direction, sides

if TYPE_CHECKING:
    from ..spray import Atlas

_PAIRS = 200
"""Inputs of other classes that an artefact is put on where no inputs with it are known."""


@dataclass(frozen=True, eq=False, repr=False)
class Concept(Readable):
    """What is to be forgotten."""

    name: str
    """What it is called."""
    label: int
    """The class that it stands for."""
    artefact: Suspect = field(repr=False)
    """How it is taken to other inputs."""
    with_artefact: Side = field(repr=False)
    without: Side = field(repr=False)
    seen: tuple[int, ...] = field(default=(), repr=False)
    """Numbers of the inputs that sides which are inputs themselves were made of."""
    origin: Mapping[str, Any] = field(default_factory=dict, repr=False)
    """By what its cluster is found again, in plain values; empty if it is none, or nobody knows."""
    trial: Trial | None = None
    """What the poison tests said of it; None if it was not put to them."""

    @property
    def convicted(self) -> bool:
        """Whether the model falls for it, as a poison test found."""
        return self.trial is not None and self.trial.clever_hans

    def half(self, seed: int) -> tuple[Side, Side]:
        """A random half of either side, by a seed, to make a direction from: the others are left for a proof."""
        random = np.random.default_rng(seed)
        return _half(self.with_artefact, random), _half(self.without, random)

    def direction(
        self,
        subject: Subject,
        layer: str,
        *,
        seed: int | None = None,
        method: Method = "signal",
        over: Over | None = None,
        explainer: Explainer | None = None,
    ) -> Direction:
        """How a layer carries it: from both sides or, with a seed, from half of each; raises as :func:`.direction`."""
        both = (self.with_artefact, self.without) if seed is None else self.half(seed)
        how: dict[str, Any] = {"method": method, "over": over, "seen": self.seen, "source": self.name}
        return direction(subject, layer, *both, **how, explainer=explainer)

    def in_innocent(
        self, innocent: Subject, layer: str, seed: int, *, method: Method = "signal", over: Over | None = None
    ) -> Direction | None:
        """The direction in a model that never saw it: between inputs of the class with it and without.

        None where it is in no input, so that nobody can show it to that model.
        """
        numbers = np.random.default_rng(seed).permutation(np.flatnonzero(innocent.labels() == self.label))[:_PAIRS]
        inputs = torch.stack([innocent.item(int(i))[0] for i in numbers])
        first, second = inputs.tensor_split(2)
        shown = self.artefact.taken(first, np.random.default_rng(seed))
        if shown is None:
            return None
        how: dict[str, Any] = {"method": method, "over": over, "seen": numbers.tolist(), "source": self.name}
        return direction(innocent, layer, shown, second, **how)


def of_cluster(
    atlas: Atlas,
    number: int,
    explainer: Explainer,
    subject: Subject,
    *,
    name: str = "",
    samples: int = 500,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> Concept:
    """What a cluster suggests, put to all poison tests; its artefact is the one by which most inputs turn.

    Raises
    ------
    ValueError
        If there is no such cluster, no other one of its class, the subject has no labels, or no test can be made.
    """
    with listening(progress) as watch:
        suspects, missing = suspects_of(atlas, number, explainer, subject, watch)
        if not suspects:
            raise UntestableError(f"Cluster {number} cannot be tested: {'; '.join(missing.values())}.")
        trial = tried(suspects, missing, explainer, subject, samples, seed, watch)
    return of_trial(atlas, number, suspects, trial, name=name)


def of_trial(
    atlas: Atlas, number: int, suspects: Mapping[str, Suspect], trial: Trial, *, name: str = "", composite: str = ""
) -> Concept:
    """What a cluster suggests that was tested with these suspects; raises ValueError as :func:`.sides`.

    `composite` is that of the atlas if it is not the store's own; it cannot be found again from the store then.
    """
    called = name or f"cluster {number}"
    origin = {} if composite else _origin(atlas, number)
    with_it, without = sides(atlas, number)
    return Concept(called, label_of(atlas, number), suspects[trial.foremost], with_it, without, (), origin, trial)


def of_artefact(artefact: Suspect, subject: Subject, *, name: str = "", seed: int = 0) -> Concept:
    """What an artefact is, such as a box that was drawn: inputs of other classes with it, and others without.

    Raises
    ------
    ValueError
        If the subject has no input of another class, or the artefact is in no input but in a layer.
    """
    random, others = np.random.default_rng(seed), of_other_classes(subject, artefact.label)
    numbers = random.permutation(others)[: min(2 * _PAIRS, max(4, len(others) // 2))]  # a proof takes the rest
    read = [(number, x) for number, x, _ in readable(subject, numbers.tolist())]
    if not read:
        raise ValueError(f"None of {len(numbers):,} inputs of other classes can be read; mend them, or add others.")
    first, second = modality_of(subject).stacked([x for _, x in read]).tensor_split(2)
    shown = artefact.taken(first, random)
    if shown is None:
        raise ValueError(f"{artefact.what} is in no input but in a layer; take the cluster that it is of.")
    return Concept(name or artefact.what, artefact.label, artefact, shown, second, tuple(number for number, _ in read))


def of_clusters(
    atlases: Iterable[Atlas], explainer: Explainer, subject: Subject, *, progress: bool | Watcher = True
) -> Iterator[Concept]:
    """What each cluster of some atlases suggests, tested, as :func:`of_cluster` does it; nothing where it cannot be.

    The atlases are in the order in which they come, as of ``lrpwidgets.spray.classes.atlases``, one for each class; of
    each the most separable cluster goes first. ``next(each for each in … if each.convicted)`` is the first Clever Hans.
    """
    with listening(progress) as watch:
        for atlas in atlases:
            for ranked in atlas.ranking:
                try:
                    yield of_cluster(atlas, ranked.cluster, explainer, subject, progress=watch)
                except UntestableError:
                    continue


def _origin(atlas: Atlas, number: int) -> dict[str, Any]:
    """The parts of a question that find a cluster again; none if its maps were chosen by hand."""
    selection, (method, *count) = atlas.selection, atlas.clustering.split("-")
    if selection.by == "rows" or method == "chosen":
        return {}
    return {
        "group": selection.value,
        "by": selection.by if selection.value is not None else "prediction",
        "sign": atlas.features.sign,
        "layer": atlas.features.layer,
        "method": method,
        "count": int(count[0]) if count and count[0].isdigit() else None,
        "cluster": number,
    }


def _half(side: Side, random: np.random.Generator) -> Side:
    kept = np.sort(random.permutation(len(side))[: max(2, len(side) // 2)])
    return side[torch.from_numpy(kept)] if isinstance(side, Tensor) else np.asarray(side)[kept]
