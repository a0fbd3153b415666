"""Poison tests of an investigation, one after the other, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...improve import Concept
from ...lrp import Explainer
from ...progress import Watcher
from ...spray.inserted import Inserted
from ...spray.placeless import Trial, tried
from ...spray.poison import Box, Suspect
from ...subjects import Subject
from ...subjects.modality import readable
from ..base.solver import Solver
from .lanes import TESTS
from .question import AtlasQuestion

BOX = -2
"""In the place of a cluster's number: a box that a person drew."""

SELECTION = -3
"""In its place: points that a person selected."""

WORD = -4
"""In its place: a word that a person chose."""

SAMPLES = 500
"""Inputs of other classes, at most."""

Suspects = tuple[Mapping[str, Suspect], Mapping[str, str]]
"""What each test takes to other pictures, and of the others why they cannot be made."""

ToForget = Callable[[Trial], Concept]
"""What a model would have to forget, once it is tested; raises ValueError where nobody can say."""


@dataclass(frozen=True, eq=False)
class Tested:
    """A cluster, or a box, that was put to the poison tests."""

    question: AtlasQuestion
    cluster: int
    """Its number, `BOX`, `SELECTION` or `WORD`."""
    name: str
    """What it was called."""
    label: int
    """The class that it may stand for."""
    trial: Trial
    box: Box | None = None
    """Where a person drew it."""
    chosen: tuple[int, ...] = ()
    """The positions that a person selected."""
    concept: Concept | None = field(default=None, repr=False)
    """What a model would have to forget; None where nobody can say."""
    pictures: Mapping[str, list[NDArray[np.uint8]]] = field(default_factory=dict, repr=False)
    """Two pictures (h, w, c) that show what was tested, by test, where there are some."""
    quotes: Mapping[str, list[tuple[str, bool]]] = field(default_factory=dict, repr=False)
    """A text with the word that was tested, by test: its tokens, and whether each was put there."""

    @property
    def key(self) -> tuple[Any, ...]:
        """Under which it is kept: what clusters depend on and the cluster, or what a person chose in its place."""
        by_hand = (self.name, self.box, self.chosen) if self.cluster in (BOX, SELECTION, WORD) else ()
        return *self.question.clustering, self.cluster, *by_hand


@dataclass(frozen=True, eq=False)
class Wanted:
    """A cluster, or a box, that is to be put to the tests."""

    question: AtlasQuestion
    cluster: int
    """Its number, or what stands in its place."""
    name: str
    """What it is called."""
    find: Callable[[Watcher], tuple[int, Suspects, ToForget]] = field(repr=False)
    """Finds its class and what to test, on the solver's thread; gets whom to tell of its progress."""
    box: Box | None = None
    chosen: tuple[int, ...] = ()


class Tests:
    """Makes poison tests one after the other; `judged` gets each, and whether it is the one to look at."""

    def __init__(
        self, solver: Solver, explainer: Explainer, subject: Subject, judged: Callable[[Tested, bool], None]
    ) -> None:
        self._solver, self._explainer, self._subject, self._told = solver, explainer, subject, judged
        self._queue: list[Wanted] = []
        self._running = self._fell = False

    def make(self, wanted: Iterable[Wanted]) -> None:
        """Make these tests, after those that wait."""
        self._queue += wanted
        self._next()

    def forget(self) -> None:
        """Make none of those that wait."""
        self._queue.clear()

    def _next(self) -> None:
        if self._running or not self._queue:
            self._fell = self._fell and self._running
            return
        self._running = True
        self._run(self._queue.pop(0))

    def _run(self, wanted: Wanted) -> None:
        def job(watch: Watcher) -> Tested:
            label, (suspects, missing), to_forget = wanted.find(watch)
            trial = tried(suspects, missing, self._explainer, self._subject, SAMPLES, 0, watch)
            concept = None
            if suspects:
                with suppress(ValueError):  # the only cluster of its class
                    concept = to_forget(trial)
            asked = wanted.question, wanted.cluster, wanted.name, label, trial, wanted.box, wanted.chosen
            return Tested(*asked, concept, *_examples(suspects, label, self._subject))

        self._solver.submit(TESTS, job, self._judged, ended=self._ended)

    def _judged(self, tested: Tested) -> None:
        """Of several tests in a row one that fell stays to be looked at."""
        fell = tested.trial.clever_hans
        self._told(tested, fell or not self._fell)
        self._fell = self._fell or fell

    def _ended(self) -> None:
        self._running = False
        self._next()


def _examples(
    suspects: Mapping[str, Suspect], label: int, subject: Subject
) -> tuple[dict[str, list[NDArray[np.uint8]]], dict[str, list[tuple[str, bool]]]]:
    """Pictures and quotes that show each of the suspects on the first input of another class."""
    inputs = readable(subject, range(len(subject.dataset)))
    other = next((x for _, x, truth in inputs if truth not in (None, label)), None)
    if other is None:  # then nothing was tested
        return {}, {}
    with torch.no_grad():
        shown = {test: suspect.pictured(other) for test, suspect in suspects.items()}
    pictures = {test: [_pixels(subject.to_image(x)) for x in pair] for test, pair in shown.items() if pair}
    return pictures, {test: each.quoted(other) for test, each in suspects.items() if isinstance(each, Inserted)}


def _pixels(image: Any) -> NDArray[np.uint8]:
    pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    return pixels.reshape(*pixels.shape[:2], -1)
