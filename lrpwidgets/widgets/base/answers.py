"""Answers: an explanation with what it is an explanation of, and the worker's way to one.

What is live keeps its activations, and is asked on; of other answers the map and the ledger are enough.

An answer is asked on wherever that is possible: a new rule propagates again from its layer down, a new class needs
no forward.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ... import subjects
from ...lrp import Explainer, Explanation, StaleExplanationError
from ...readable import Readable
from ...subjects import Stroke, Subject
from ...subjects.pictures import not_finite
from .inputs import Upload
from .question import Question


@dataclass(frozen=True, eq=False, repr=False)
class Picture(Readable):
    """An input of the model that is being looked at."""

    x: Tensor
    """Ready for the model, (1, C, H, W)."""
    name: str
    label: int | None
    """Its true class, None where unknown."""


@dataclass(frozen=True, eq=False)
class Answer:
    """An explanation and what it is an explanation of."""

    question: Question
    picture: Picture
    """The input, with what was painted over it."""
    whole: Explanation
    """The explanation of the class, whatever channels are chosen."""
    explanation: Explanation
    """What the heatmap shows: the whole, or the relevance through the chosen channels only."""
    target: int
    """The class that is explained."""
    milliseconds: float
    """From the start of the computation to its end, ledger included."""
    forward: bool = True
    """Whether the network had to run; else a forward that was kept did for it."""
    before: list[float] | None = None
    """The scores of the input without paint; None where nothing is painted."""

    def __repr__(self) -> str:
        return f"Answer({self.picture.name!r}: {self.explanation!r})"

    def reduced(self) -> Answer:
        """The same without activations: those of ResNet-50 and their relevance take 300 MB."""
        whole = self.whole.reduced()
        return replace(
            self, whole=whole, explanation=whole if self.explanation is self.whole else self.explanation.reduced()
        )

    @cached_property
    def scores(self) -> list[float]:
        """The model's score for every class."""
        scores: list[float] = self.explanation.scores[0].tolist()
        return scores

    @property
    def than(self) -> int | None:
        """The class that it is contrasted with."""
        return self.question.than

    @cached_property
    def pixels(self) -> NDArray[np.float32]:
        """Relevance of the input summed over channels, (H, W), in units of the score."""
        relevance = self.explanation.relevance
        assert isinstance(relevance, Tensor)
        return np.ascontiguousarray(relevance[0].sum(0).float().numpy(force=True))


class Answering:
    """Answers questions about a subject, and remembers the last answer to ask it on. Lives on the worker."""

    def __init__(self, subject: Subject, explainer: Explainer) -> None:
        self._subject, self._explainer = subject, explainer
        self._last: Answer | None = None
        self._opened: tuple[object, Picture] | None = None
        self._clean: tuple[int | None, list[float]] | None = None  # an input and its scores without paint

    def open(self, item: int, uploads: tuple[Upload, ...]) -> Picture:
        """The input number `item`: a sample, or behind those an upload."""
        samples = len(self._subject.dataset)
        if not 0 <= item < samples + len(uploads):
            raise ValueError(f"There is no input {item}; here are {samples + len(uploads)}, counted from 0.")
        if item < samples:
            x, label = self._subject.item(item)
            return Picture(x[None], self._subject.item_name(item), label)
        return self._decoded(uploads[item - samples])[0]

    def read(self, upload: Upload) -> str:
        """Decode `upload`, which is going to be asked about; raises what its decoder raises.

        Returns
        -------
        str
            What a person should know of the picture, as a sentence; empty if it is as others.
        """
        picture, said = self._decoded(upload)
        self._opened = (upload, picture)
        return said

    def _decoded(self, upload: Upload) -> tuple[Picture, str]:
        if self._subject.from_image is None:
            raise ValueError(f"{self._subject.title} takes no pictures from outside.")
        picture = subjects.open_picture(upload.data, name=upload.name)
        return Picture(self._subject.from_image(picture)[None], upload.name, None), not_finite(picture, upload.name)

    def answer(self, question: Question, uploads: tuple[Upload, ...] = (), *, live: bool = True) -> Answer:
        """Answer `question`; what is `live` is remembered, and can be asked on and looked into."""
        started = time.perf_counter()
        asked_on = self._ask_on(question)
        forward = asked_on is None
        picture, whole = asked_on or self._explain(question, uploads)
        self._subject.check_scores(whole.scores.shape[1], picture.label)
        shown = whole
        if question.only and question.layer and question.channels:
            shown = whole.condition({question.layer: list(question.channels)})
        for each in {id(whole): whole, id(shown): shown}.values():
            each.ledger  # noqa: B018  # computed here, where it delays nobody
        target = whole.top_class if question.target is None else question.target
        before = self._before(question, uploads)
        made = Answer(question, picture, whole, shown, target, 1000 * (time.perf_counter() - started), forward, before)
        if not question.strokes:
            self._clean = question.item, made.scores
        if live:
            self._last = made
            return made
        return made.reduced()

    def _explain(self, question: Question, uploads: tuple[Upload, ...]) -> tuple[Picture, Explanation]:
        picture = self._painted(self._kept(question.item, uploads), question.strokes)
        self._explainer.composite = question.composite
        if question.than is None:
            return picture, self._explainer.explain(picture.x, question.target)
        if question.target is not None:
            return picture, self._explainer.explain(picture.x, question.target_of(question.target))
        explanation = self._explainer.explain(picture.x)
        return picture, explanation.retarget(question.target_of(explanation.top_class))

    def _ask_on(self, question: Question) -> tuple[Picture, Explanation] | None:
        """The last answer asked on; None if it is of another input, or of weights that have changed."""
        last = self._last
        if last is None or (last.question.item, last.question.strokes) != (question.item, question.strokes):
            return None
        explanation = last.whole
        wanted = question.target_of(explanation.top_class)
        try:
            if wanted != last.question.target_of(explanation.top_class):
                explanation = explanation.retarget(wanted)
            if question.composite != explanation.composite:
                explanation = explanation.switch(question.composite)
        except StaleExplanationError:
            return None
        return last.picture, explanation

    def _kept(self, item: int | None, uploads: tuple[Upload, ...]) -> Picture:
        """The input, decoded once while it is painted on."""
        assert item is not None
        samples = len(self._subject.dataset)
        kept = uploads[item - samples] if samples <= item < samples + len(uploads) else item
        if self._opened is None or self._opened[0] != kept:
            self._opened = (kept, self.open(item, uploads))
        return self._opened[1]

    def _before(self, question: Question, uploads: tuple[Upload, ...]) -> list[float] | None:
        if not question.strokes:
            return None
        if self._clean is None or self._clean[0] != question.item:
            scores = self._explainer.scores(self._kept(question.item, uploads).x)
            self._clean = question.item, scores[0].tolist()
        return self._clean[1]

    def _painted(self, picture: Picture, strokes: tuple[Stroke, ...]) -> Picture:
        if not strokes:
            return picture
        x = subjects.painted(picture.x[0], strokes, self._subject.bounds)
        return Picture(x[None], picture.name, picture.label)
