"""Goes through the data once, whenever no film runs, and finds the samples in which channels mattered and fired."""

from __future__ import annotations

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ...lrp import Cancelled, Composite, Explanation
from ...maximize import References, ReferenceStore, Strategies, references, strategies
from ...progress import Progress
from ...spray.channels import LayerShape
from ..base.answers import Answer
from ..base.sentences import sentence, told
from .reel import SAMPLES
from .samples import MOST, Gathering, Recognized, faces, recognized, samples
from .wishing import Wishing

UNASKED = 60.0
"""Seconds that a pass may take, as far as its first batch can tell, to go on by itself."""

ROOM = 2**29
"""Bytes that numbers of all layers may take in a temporary folder; beyond, each layer has a pass of its own."""

SLOW = 50
"""Milliseconds for one input from which on few are explained at once, so that one sees how far it is."""

IN_ALL, IN_LAYER, IN_CLASS = range(5, 8)
"""Lanes of the worker: samples of a channel, one of each channel in the list, strategies of a class."""


class Collector:
    """Collects the reference samples of a studio's channels, once a view wants them."""

    def __init__(self, studio: Wishing, path: Path | None) -> None:
        self._studio, self._path = studio, path
        self._folder: tempfile.TemporaryDirectory[str] | None = None
        self._found: dict[str, References] = {}
        self._strategies: dict[tuple[str, int], Strategies] = {}
        self._explanation: Explanation | None = None
        self._at_once = 64
        self._wanted = self._at_work = self._paused = False
        self._asked_for = path is not None  # however long it takes
        self._asked: dict[int, Any] = {}  # by lane

    def want(self) -> None:
        """Somebody looks: begin, unless it would take long, and go on."""
        self._wanted = True
        self.look()

    def know(self, answer: Answer) -> None:
        """Learn from an answer which layers there are, and whether explanations take their time."""
        if self._explanation is None:
            self._explanation = answer.whole.reduced()  # its layers are enough, and it stays
            self._at_once = 8 if answer.milliseconds > SLOW else 64
        self.look()

    def go(self, *, on: bool) -> None:
        """Let the pass go on, or wait."""
        self._paused, self._asked_for = not on, True
        self._tell()
        self.look()

    def look(self) -> None:
        """Show the samples of what is wished for, or go on with the pass that finds them."""
        layer = self._layer
        if not self._wanted or layer is None:
            return
        if layer in self._found:
            self._show(layer)
        elif self._path is not None and self._found:
            known = ", ".join(self._found)
            self._studio.sample_problem = f"The store {str(self._path)!r} has no layer {layer!r}, it has {known}."
        elif not self._at_work:
            self._tell()
            if not self._paused:
                self._at_work = True
                names = self._names(layer)
                self._studio.films.submit(lambda: self._gather(names), self._gathered, lane=SAMPLES)

    @property
    def _layer(self) -> str | None:
        """The layer whose channel is wished for; for a class that which gives the scores."""
        studio, explanation = self._studio, self._explanation
        if explanation is None or studio.layer is not None:
            return studio.layer if explanation is not None else None
        last = studio.layers[0] if studio.layers else None
        return last.name if last is not None and last.channels == explanation.scores.shape[1] else None

    def _names(self, layer: str) -> list[str]:
        """The layers of one pass: all, as looking costs the same, unless their numbers take too much room."""
        shapes = {each.name: _shape(self._explanation, each.name) for each in self._studio.layers}
        there = {name: shape for name, shape in shapes.items() if shape is not None}
        room = 16 * sum(shape.channels for shape in there.values()) * len(self._studio.subject.dataset)
        fits = layer in there and (room <= ROOM or self._path is not None)
        return list(there) if fits else [layer]

    # -- the pass, on the thread of the films -----------------------------------------------------------------------

    def _gather(self, names: list[str]) -> dict[str, References] | str | None:
        """The references; None if something else goes first, a sentence if there is something wrong."""
        studio = self._studio

        def watch(*_: Any) -> None:
            if studio.films.waits_before(SAMPLES) or self._paused or not studio.films.open:
                raise Cancelled

        def tell(progress: Progress) -> None:
            self._paused |= not self._asked_for and (progress.seconds_left or 0) > UNASKED
            studio.worker.at_home(lambda: self._tell(progress))
            watch()

        gather = told(lambda: references(studio.subject, k=MOST, progress=tell, **self._settings(names)), watch)
        return gather()

    def _settings(self, names: list[str]) -> dict[str, Any]:
        """How the pass is made: as one that was begun, if it was."""
        path = self._place(names)
        if not path.exists() or not any(path.iterdir()):
            return {"layer": names, "composite": self._studio.composite, "batch_size": self._at_once, "path": path}
        begun = ReferenceStore.open(path).info
        return {
            "layer": list(begun.layers),
            "composite": Composite.from_dict(begun.composite),
            "targets": begun.targets,
            "batch_size": begun.batch_size,
            "path": path,
        }

    def _place(self, names: list[str]) -> Path:
        if self._path is not None:
            return self._path
        if self._folder is None:
            self._folder = tempfile.TemporaryDirectory(prefix="lrpwidgets-references-", ignore_cleanup_errors=True)
        number = [each.name for each in self._studio.layers].index(names[0]) if len(names) == 1 else "all"
        return Path(self._folder.name) / str(number)

    def _gathered(self, outcome: dict[str, References] | str | None) -> None:
        self._at_work = False
        if isinstance(outcome, str):
            self._paused = True
            self._studio.sample_problem = outcome
            self._tell()
            return
        if outcome is not None:
            self._found.update(outcome)
            self._studio.gathering = None
        self.look()

    def _tell(self, progress: Progress | None = None) -> None:
        studio, before = self._studio, self._studio.gathering
        total = len(studio.subject.dataset)
        done, left = (before.done, before.seconds) if before is not None else (0, None)
        if progress is not None:
            done, left = progress.done, progress.seconds_left
        studio.gathering = Gathering(done, total, not self._paused, left)

    # -- what is shown, on the worker -------------------------------------------------------------------------------

    def _show(self, layer: str) -> None:
        studio, found = self._studio, self._found[layer]
        number, subject = studio.number, studio.subject
        self._submit(IN_ALL, (layer, number), lambda: samples(found, number, subject), "samples")
        listed = studio.concepts
        if listed is None or listed.layer not in self._found:
            return
        of = self._found[listed.layer]
        channels = tuple(each.channel for each in listed.concepts)
        self._submit(IN_LAYER, (listed.layer, channels), lambda: {listed.layer: faces(of, channels, subject)}, "faces")
        label = studio.number if studio.layer is None else listed.says
        here = (listed.item, listed.sums) if label == listed.says else (None, None)
        self._submit(IN_CLASS, (listed.layer, label, here[0]), lambda: self._recognized(of, label, *here), "recognized")

    def _submit(self, lane: int, asked: Any, job: Callable[[], Any], trait: str) -> None:
        """Have `job` done for the trait, unless that was asked before."""
        if self._asked.get(lane) == asked:
            return
        self._asked[lane] = asked

        def arrived(outcome: Any) -> None:
            if self._asked.get(lane) != asked:
                return
            if isinstance(outcome, str):
                self._asked.pop(lane)
                self._studio.sample_problem = outcome
                return
            with self._studio.hold_trait_notifications():
                self._studio.sample_problem = ""
                setattr(self._studio, trait, outcome)

        self._studio.worker.submit(told(job), arrived, lane=lane)

    def _recognized(self, of: References, label: int, item: int | None, sums: Any) -> Recognized:
        try:
            if (of.layer, label) not in self._strategies:
                self._strategies[of.layer, label] = strategies(of, label)
        except ValueError as error:  # too few inputs of the class: that is to be said where strategies would be
            return Recognized(of.layer, label, int((of.store.target == label).sum()), problem=sentence(error))
        return recognized(of, self._strategies[of.layer, label], self._studio.subject, item, sums)


def _shape(explanation: Explanation | None, name: str) -> LayerShape | None:
    """How a layer is laid out; None if its first axis does not count inputs."""
    try:
        return LayerShape.of(explanation, name) if explanation is not None else None
    except ValueError:
        return None
