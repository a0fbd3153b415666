"""Poison tests of an investigation, one after the other, and what came out."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ...progress import Watcher
from ...spray import poison
from .question import AtlasQuestion
from .solver import TESTS

if TYPE_CHECKING:
    from .state import Investigation

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


Find = Callable[[Watcher], tuple[poison.Artefact, int]]
"""Finds an artefact, and the cluster that it is of; gets whom to tell of its progress."""


class Tests:
    """The queue of tests of an investigation."""

    def __init__(self, state: Investigation) -> None:
        self._state = state
        self._queue: list[tuple[AtlasQuestion, str, Find]] = []
        self._running = self._fell = False

    def cluster(self, number: int) -> None:
        """Test a cluster of the atlas on the screen."""
        self._add(self._state.shown, number)
        self._next()

    def box(self, row: int, box: poison.Box) -> None:
        """Test what is in a box of an input."""
        state, atlas = self._state, self._state.answer
        if atlas is None:
            raise ValueError("There is no atlas yet; wait for it.")
        self._queue.append((state.shown, "a box", lambda watch: (poison.boxed(atlas, state.subject, row, box), BOX)))
        self._next()

    def all(self) -> None:
        """Test every cluster of the atlas on the screen that was not tested yet, the most separable first."""
        state = self._state
        for ranked in state.answer.ranking if state.answer else ():
            if (*state.shown.clustering, ranked.cluster) not in state.verdicts:
                self._add(state.shown, ranked.cluster)
        self._next()

    def classes(self) -> None:
        """Test every cluster of every ranked class, class by class in their order."""
        plain = replace(self._state.shown, composite="", method="spectral", count=None)
        for ranked in self._state.ranks:
            for number in range(ranked.clusters):
                question = replace(plain, group=ranked.label)
                if (*question.clustering, number) not in self._state.verdicts:
                    self._add(question, number)
        self._next()

    def forget(self) -> None:
        """Make none of those that wait."""
        self._queue.clear()

    def _add(self, question: AtlasQuestion, number: int) -> None:
        """Have a cluster tested."""
        state = self._state

        def find(watch: Watcher) -> tuple[poison.Artefact, int]:
            return poison.candidate(state.atlas_of(question, watch), number, state.subject), number

        shown = question.clustering == state.shown.clustering
        self._queue.append((question, state.name(number) if shown else f"cluster {number}", find))

    def _next(self) -> None:
        if self._running or not self._queue:
            self._fell = self._fell and self._running
            return
        self._running = True
        self._run(*self._queue.pop(0))

    def _run(self, question: AtlasQuestion, name: str, find: Find) -> None:
        state = self._state

        def job(watch: Watcher) -> Tested:
            artefact, cluster = find(watch)
            verdict = poison.poison_test(artefact, state.explainer, state.subject, progress=watch)
            return Tested(question, cluster, name, artefact, verdict, *_pictures(artefact, state))

        state.solver.submit(TESTS, job, self._judged, ended=self._ended)

    def _judged(self, tested: Tested) -> None:
        """Of several tests in a row one that fell stays to be looked at."""
        state = self._state
        state.verdicts = {**state.verdicts, tested.key: tested}
        if tested.verdict.clever_hans or not self._fell:
            state.verdict = tested
        self._fell = self._fell or tested.verdict.clever_hans

    def _ended(self) -> None:
        self._running = False
        self._next()


def _pictures(artefact: poison.Artefact, state: Investigation) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """The patch, and a picture of another class with it."""
    subject = state.subject
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
