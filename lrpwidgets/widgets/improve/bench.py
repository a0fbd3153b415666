"""What is computed in the room Improve: a concept found, how a layer carries it, repairs made and examined.

All of it runs on the solver's thread.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...evaluate.regions import summed
from ...improve import Concept, Direction, Training, ends, of_cluster, of_clusters, repair
from ...improve.proof import Examined, examine, right
from ...improve.repairs import usable
from ...lrp import Explainer
from ...progress import Watcher
from ...readable import Readable
from ...spray import Atlas, Features, spray
from ...spray.classes import atlases, ranked_class, suspicion
from ...spray.kept import kept
from ...spray.poison import of_other_classes
from ...subjects import Subject

NONE = ""
"""In the place of a repair: the model as it is."""

MOST_TESTED = 12
"""Clusters that are put to the poison tests before the search ends, the most separable ones."""

_SAMPLES = 500
_SHOWN = 5


@dataclass(frozen=True, eq=False, repr=False)
class Portrait(Readable):
    """What is to be forgotten, in pictures."""

    mean: Tensor = field(repr=False)
    """Mean of inputs with it, (C, H, W)."""
    beyond: Tensor = field(repr=False)
    """What that has beyond the mean of those without."""
    inputs: Tensor = field(repr=False)
    """Some inputs with it, (n, C, H, W)."""
    maps: NDArray[np.float32] = field(repr=False)
    """Relevance of its class for them, (n, H, W), each in shares of its Σ|R|."""


@dataclass(frozen=True, eq=False, repr=False)
class Ends(Readable):
    """Inputs at both ends of a direction, and which of their pixels show it."""

    inputs: Tensor = field(repr=False)
    """Furthest along first, then furthest back first, as many of each, (2 n, C, H, W)."""
    maps: NDArray[np.float32] = field(repr=False)
    """Relevance of how far they lie along it, (2 n, H, W), each in shares of its Σ|R|."""


@dataclass(frozen=True, eq=False, repr=False)
class Outcome(Readable):
    """What one repair did, by one seed."""

    name: str
    """Of the repair, or `NONE`."""
    seed: int
    examined: Examined = field(repr=False)
    seconds: float
    """The repair took."""
    cost: float
    """Clean accuracy, after minus before."""
    said: tuple[str, ...] = ()
    subject: Subject | None = field(default=None, repr=False)
    """The repaired subject; of the first seed only."""
    maps: NDArray[np.float32] | None = field(default=None, repr=False)
    """Relevance of the examples, (n, H, W), each in shares of its Σ|R|; of the first seed only."""
    says: tuple[tuple[int, float], ...] = ()
    """The class that the model says of each, and its probability."""


@dataclass(frozen=True, eq=False, repr=False)
class Example(Readable):
    """An input whose heatmap is shown before and after."""

    x: Tensor = field(repr=False)
    label: int
    """What it is."""
    planted: bool
    """Whether the artefact was put on it."""


def search(subject: Subject, explainer: Explainer, watch: Watcher) -> Iterator[Concept]:
    """Clusters of the whole data set, tested one by one, those of the most suspicious class first."""
    store = kept(subject, str(explainer.device), watch)
    found = sorted(atlases(store, progress=watch, embeddings=()), key=lambda each: -suspicion(ranked_class(each)))
    for number, concept in enumerate(of_clusters(found, explainer, subject, progress=watch), start=1):
        yield concept
        if number == MOST_TESTED:
            return


def again(subject: Subject, explainer: Explainer, origin: Mapping[str, Any], watch: Watcher) -> Concept:
    """The concept of the cluster that `origin` tells of; raises ValueError where it is not there."""
    store = kept(subject, str(explainer.device), watch)
    group, by = origin.get("group"), origin.get("by", "prediction")
    selection = store.select() if group is None else store.select(**{by: group})
    features = Features(sign=origin.get("sign", "signed"), layer=origin.get("layer", "auto"))
    method, count = origin.get("method", "spectral"), origin.get("count")
    atlas: Atlas = spray(selection, features=features, embeddings=(), progress=watch)
    if method != "spectral" or count is not None:
        atlas = atlas.recluster(method, count)
    return of_cluster(atlas, int(origin.get("cluster", 0)), explainer, subject, progress=watch)


def portrait(subject: Subject, explainer: Explainer, concept: Concept) -> Portrait:
    """What the concept looks like."""
    both = [inputs_of(subject, side)[:60] for side in (concept.with_artefact, concept.without)]
    shown = both[0][:_SHOWN]
    return Portrait(both[0].mean(0), both[0].mean(0) - both[1].mean(0), shown, shares(explainer, shown, concept.label))


def inputs_of(subject: Subject, side: Any, most: int = 60) -> Tensor:
    """Some inputs (n, C, H, W) of one side of a concept."""
    if isinstance(side, Tensor):
        return side[:most]
    return torch.stack([subject.item(int(number))[0] for number in side[:most]])


def ends_of(subject: Subject, explainer: Explainer, direction: Direction, count: int = 4) -> Ends:
    """The inputs of the data set that lie furthest along a direction, and furthest back."""
    back, along = ends(subject, direction, count=count, samples=_SAMPLES, explainer=explainer)
    inputs = inputs_of(subject, np.array([*along, *back]))
    return Ends(inputs, shares(direction.explainer(explainer), inputs, 0))


@dataclass(frozen=True)
class Obstacle:
    """Why a repair cannot be made, or examined."""

    name: str
    why: str


class Bench:
    """Repairs a subject of one concept at one layer, seed by seed, and examines what that did."""

    def __init__(
        self,
        subject: Subject,
        explainer: Explainer,
        concept: Concept,
        layer: str,
        method: Any,
        over: Any,
        judged: frozenset[int],
    ) -> None:
        self.concept, self.layer = concept, layer
        self._judged = judged
        self._subject, self._explainer, self._method, self._over = subject, explainer, method, over
        self._directions: dict[int, Direction] = {}
        self._before: dict[int, Outcome] = {}
        self._examples: tuple[Example, ...] = ()
        self._innocent: Subject | None = None

    @property
    def examples(self) -> tuple[Example, ...]:
        """The inputs whose heatmaps are shown; empty before the first outcome."""
        return self._examples

    def direction(self, seed: int) -> Direction:
        """From half of the inputs, by the seed."""
        if seed not in self._directions:
            self._directions[seed] = self.concept.direction(
                self._subject, self.layer, seed=seed, method=self._method, over=self._over, explainer=self._explainer
            )
        return self._directions[seed]

    def outcome(self, name: str, seed: int, watch: Watcher) -> Outcome:
        """What the repair of that name does; of `NONE`, what the model does as it is."""
        if name == NONE:
            return self.before(seed, watch)
        before = self.before(seed, watch)
        direction, artefact = self.direction(seed), self.concept.artefact
        mended = repair(
            self._subject,
            name,
            direction,
            artefact,
            training=Training(seed=seed),
            samples=self._used(seed),
            progress=watch,
        )
        explainer = self._explainer_of(mended)
        examined = examine(explainer, self._subject, artefact, seed, direction, _SAMPLES, self._known(seed), watch)
        cost = examined.clean.mean - before.examined.clean.mean
        last = mended.repair
        return Outcome(name, seed, examined, last.seconds, cost, last.said, *self._shown(mended, explainer, seed))

    def before(self, seed: int, watch: Watcher) -> Outcome:
        """What the model does as it is, on the inputs that no repair of that seed sees."""
        if seed not in self._before:
            examined = examine(
                self._explainer, self._subject, self.concept.artefact, seed, self.direction(seed), _SAMPLES,
                self._known(seed), watch,
            )  # fmt: skip
            if not self._examples:
                self._examples = self._chosen()
            shown = self._shown(self._subject, self._explainer, seed)
            self._before[seed] = Outcome(NONE, seed, examined, 0.0, 0.0, (), *shown)
        return self._before[seed]

    def control(self, name: str, watch: Watcher) -> float | None:
        """What the same repair costs an innocent model in clean accuracy, by the first seed; None without one."""
        if self._subject.innocent is None:
            return None
        innocent = self._innocent = self._innocent or self._subject.innocent()
        direction = self.concept.in_innocent(innocent, self.layer, 0, method=self._method, over=self._over)
        if direction is None:
            return None
        mended = repair(innocent, name, direction, self.concept.artefact, progress=watch)
        unseen = np.setdiff1d(np.flatnonzero(innocent.labels() >= 0), sorted(mended.used))
        rest = np.random.default_rng(0).permutation(unseen)[: 2 * _SAMPLES]
        after, before = (right(self._explainer_of(each), innocent, rest).mean() for each in (mended, innocent))
        return float(after - before)

    def _explainer_of(self, subject: Subject) -> Explainer:
        return subject.explainer(device=str(self._explainer.device))

    def _used(self, seed: int) -> NDArray[np.int64]:
        """What trainings of that seed may use."""
        return usable(self._subject, seed)

    def _known(self, seed: int) -> frozenset[int]:
        """What any repair of that seed may see, or the layer was chosen by: all are examined on the same others."""
        return self.direction(seed).used | frozenset(self._used(seed).tolist()) | self._judged

    def _chosen(self) -> tuple[Example, ...]:
        """An input with the artefact, and one of another class that the artefact turns, if it turns some."""
        concept, subject = self.concept, self._subject
        own = inputs_of(subject, concept.with_artefact, 1)[0]
        found = [Example(own, concept.label, planted=False)]
        numbers = np.random.default_rng(0).permutation(of_other_classes(subject, concept.label))[:64]
        plain = torch.stack([subject.item(int(number))[0] for number in numbers])
        planted = concept.artefact.taken(plain, np.random.default_rng(0))
        if planted is not None:
            turned = self._explainer.scores(planted).argmax(1).cpu() == concept.label
            turned &= self._explainer.scores(plain).argmax(1).cpu() != concept.label
            place = int(turned.int().argmax())
            found.append(Example(planted[place], int(subject.labels()[numbers[place]]), planted=True))
        return tuple(found)

    def _shown(
        self, subject: Subject, explainer: Explainer, seed: int
    ) -> tuple[Subject | None, NDArray[np.float32] | None, tuple[tuple[int, float], ...]]:
        if seed:
            return None, None, ()
        inputs = torch.stack([each.x for each in self._examples])
        chances = explainer.probabilities(explainer.scores(inputs)).cpu()
        says = tuple((int(each.argmax()), float(each.max())) for each in chances)
        return subject, shares(explainer, inputs, self.concept.label), says


def shares(explainer: Explainer, inputs: Tensor, label: int) -> NDArray[np.float32]:
    """Relevance of a class, (n, H, W), each in shares of its Σ|R|."""
    relevance = explainer.explain(inputs, label, keep="input").relevance
    assert isinstance(relevance, Tensor)  # of one input
    maps = summed(relevance).float().cpu()
    whole = maps.abs().flatten(1).sum(1).clamp(min=1e-30)
    found: NDArray[np.float32] = (maps / whole.reshape(-1, *[1] * (maps.dim() - 1))).numpy()
    return found
