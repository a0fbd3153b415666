"""Poison tests of an investigation, one after the other, and what came out."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...lrp import Explainer
from ...progress import Watcher
from ...spray import poison
from ...subjects import Subject
from .question import AtlasQuestion
from .solver import TESTS, Solver

BOX = -2
"""In the place of a cluster's number: a box that a person drew."""


@dataclass(frozen=True, eq=False)
class Tested:
    """A poison test that was made."""

    question: AtlasQuestion
    cluster: int
    """Its number, or `BOX`."""
    name: str
    """What the cluster was called."""
    artefact: poison.Artefact
    verdict: poison.Verdict
    patch: NDArray[np.uint8] = field(repr=False)
    """What was pasted, (h, w, c)."""
    poisoned: NDArray[np.uint8] = field(repr=False)
    """It on a picture of another class, (h, w, c)."""

    @property
    def key(self) -> tuple[Any, ...]:
        """Under which the verdict is kept: what clusters depend on and the cluster, or the box and its picture."""
        box = (self.artefact.source, self.artefact.box) if self.cluster == BOX else ()
        return *self.question.clustering, self.cluster, *box


@dataclass(frozen=True, eq=False)
class Wanted:
    """A poison test that is to be made."""

    question: AtlasQuestion
    cluster: int
    """Its number, or `BOX`."""
    name: str
    """What it is called."""
    find: Callable[[Watcher], poison.Artefact] = field(repr=False)
    """Finds what to test, on the solver's thread; gets whom to tell of its progress."""


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
            artefact = wanted.find(watch)
            verdict = poison.poison_test(artefact, self._explainer, self._subject, progress=watch)
            pictures = _pictures(artefact, self._subject)
            return Tested(wanted.question, wanted.cluster, wanted.name, artefact, verdict, *pictures)

        self._solver.submit(TESTS, job, self._judged, ended=self._ended)

    def _judged(self, tested: Tested) -> None:
        """Of several tests in a row one that fell stays to be looked at."""
        fell = tested.verdict.clever_hans
        self._told(tested, fell or not self._fell)
        self._fell = self._fell or fell

    def _ended(self) -> None:
        self._running = False
        self._next()


def _pictures(artefact: poison.Artefact, subject: Subject) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The patch, and a picture of another class with it."""
    other = next(
        (x for x, label in map(subject.item, range(len(subject.dataset))) if label not in (None, artefact.label)), None
    )
    assert other is not None  # else the test has raised
    shown = _pixels(subject.to_image(artefact.pasted(other[None])[0]))
    top, left, height, width = artefact.box
    return shown[top : top + height, left : left + width], shown


def _pixels(image: Any) -> NDArray[np.uint8]:
    pixels = np.asarray(image if image.mode == "L" else image.convert("RGB"))
    return pixels.reshape(*pixels.shape[:2], -1)
