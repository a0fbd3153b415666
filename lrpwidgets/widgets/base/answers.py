"""Answers: an explanation with what it is an explanation of, and the worker's way to one.

What is live keeps its activations, and is asked on; of other answers the map and the ledger are enough.

An answer is asked on wherever that is possible: a new rule propagates again from its layer down, a new class needs
no forward.
"""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from functools import cached_property

from torch import Tensor

from ...lrp import Explainer, Explanation, StaleExplanationError
from ...lrp.batch import unpacked
from ...subjects import Subject
from ...subjects.modality import Modality, modality_of
from ...subjects.shown import Array, Drawn, Shown
from ...subjects.texts import Encoded
from .inputs import Upload
from .question import Question


@dataclass(frozen=True, eq=False)
class Answer:
    """An explanation and what it is an explanation of."""

    question: Question
    shown: Shown
    """The input, with what was changed on it."""
    whole: Explanation
    """The explanation of the class, whatever channels are chosen."""
    explanation: Explanation
    """What the heatmap shows: the whole, or the relevance through the chosen channels only."""
    target: int
    """The class that is explained."""
    milliseconds: float
    """From the start of the computation to its end, ledger included."""
    modality: Modality
    forward: bool = True
    """Whether the network had to run; else a forward that was kept did for it."""
    before: list[float] | None = None
    """The scores of the input without changes; None where nothing is changed."""

    def __repr__(self) -> str:
        return f"Answer({self.shown.name!r}: {self.explanation!r})"

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
    def drawn(self) -> Drawn:
        """Relevance of the input as it is drawn."""
        return self.modality.drawn(unpacked(self.explanation.relevance))

    @property
    def image(self) -> Tensor:
        """The picture, (C, H, W)."""
        assert self.shown.image is not None
        return self.shown.image

    @property
    def text(self) -> Encoded:
        """The text, with its tokens."""
        assert self.shown.text is not None
        return self.shown.text

    @property
    def pixels(self) -> Array:
        """Relevance of the picture, (H, W)."""
        assert self.drawn.pixels is not None
        return self.drawn.pixels

    @property
    def tokens(self) -> Array:
        """Relevance of the tokens of the text, (T,)."""
        assert self.drawn.tokens is not None
        return self.drawn.tokens


def _check_outputs(question: Question, shown: Shown) -> None:
    """Raise ValueError if an output is asked for that is none of this input."""
    for number in (question.target, question.than):
        if shown.outputs is not None and number is not None and not shown.outputs[number]:
            raise ValueError(f"Number {number} is no answer in {shown.name!r}; choose another, or explain the top one.")


class RemovedError(ValueError):
    """An upload was removed before it was opened."""


class Answering:
    """Answers questions about a subject, and remembers the last answer to ask it on. Lives on the worker."""

    def __init__(self, subject: Subject, explainer: Explainer) -> None:
        self._subject, self._explainer = subject, explainer
        self.modality = modality_of(subject)
        self._last: Answer | None = None
        self._opened: tuple[object, Shown] | None = None
        self._clean: tuple[object, list[float]] | None = None  # an input and its scores without changes

    def open(
        self, item: int, uploads: tuple[Upload, ...], *, fit: bool = False, window: tuple[float, float] | None = None
    ) -> Shown:
        """The input number `item`: a sample, or behind those an upload, seen as the question says."""
        samples = len(self._subject.dataset)
        if not 0 <= item < samples + len(uploads):
            raise ValueError(f"There is no input {item}; here are {samples + len(uploads)}, counted from 0.")
        if item < samples:
            return self.modality.sample(self._subject, item)
        return self.decoded(uploads[item - samples], fit=fit, window=window)[0]

    def read(self, upload: Upload) -> str:
        """Decode `upload`, which is going to be asked about; raises what its decoder raises.

        Returns
        -------
        str
            What a person should know of it, as a sentence; empty if it is as others.
        """
        shown, said = self.decoded(upload)
        self._opened = ((upload, False, None, None), shown)
        return said

    def decoded(
        self, upload: Upload, *, fit: bool = False, window: tuple[float, float] | None = None
    ) -> tuple[Shown, str]:
        """The input, and what a person should know of it as :meth:`read` says it; on any thread."""
        if upload.data is None:
            raise RemovedError(f"The {self.modality.brought} {upload.name!r} is not here any more: upload it again.")
        return self.modality.opened(self._subject, upload.data, upload.name, fit=fit, window=window)

    def forget_all(self) -> None:
        """Let go of all that is kept."""
        self._last = self._opened = self._clean = None

    def forget(self, item: int) -> None:
        """Let go of what is kept of the input number `item`."""
        self._opened = None
        if self._last is not None and self._last.question.item == item:
            self._last = None

    def answer(self, question: Question, uploads: tuple[Upload, ...] = (), *, live: bool = True) -> Answer:
        """Answer `question`; what is `live` is remembered, and can be asked on and looked into."""
        started = time.perf_counter()
        asked_on = self._ask_on(question)
        forward = asked_on is None
        shown, whole = asked_on or self._explain(question, uploads)
        self._subject.check_scores(whole.scores.shape[1], shown.label)
        _check_outputs(question, shown)
        part = whole
        if question.only and question.layer and question.channels:
            part = whole.condition({question.layer: list(question.channels)})
        for each in {id(whole): whole, id(part): part}.values():
            each.ledger  # noqa: B018  # computed here, where it delays nobody
        target = whole.top_class if question.target is None else question.target
        before = self._before(question, uploads)
        took = 1000 * (time.perf_counter() - started)
        made = Answer(question, shown, whole, part, target, took, self.modality, forward, before)
        if not question.changes:
            self._clean = question.clean, made.scores
        if live:
            self._last = made
            return made
        return made.reduced()

    def _explain(self, question: Question, uploads: tuple[Upload, ...]) -> tuple[Shown, Explanation]:
        shown = self._kept(question, uploads)
        if question.changes:
            shown = self.modality.changed(self._subject, shown, question.changes)
        self._explainer.composite = question.composite
        if question.than is None:
            return shown, self._explainer.explain(shown.x, question.target)
        if question.target is not None:
            return shown, self._explainer.explain(shown.x, question.target_of(question.target))
        explanation = self._explainer.explain(shown.x)
        return shown, explanation.retarget(question.target_of(explanation.top_class))

    def _ask_on(self, question: Question) -> tuple[Shown, Explanation] | None:
        """The last answer asked on; None if it is of another input, or of weights that have changed."""
        last = self._last
        if last is None or last.question.input != question.input:
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
        return last.shown, explanation

    def _kept(self, question: Question, uploads: tuple[Upload, ...]) -> Shown:
        """The input, decoded once while it is changed."""
        item = question.item
        assert item is not None
        samples = len(self._subject.dataset)
        _, *view = question.clean
        kept = (uploads[item - samples] if samples <= item < samples + len(uploads) else item, *view)
        if self._opened is None or self._opened[0] != kept:
            self._opened = (kept, self._open(question, uploads))
        return self._opened[1]

    def _open(self, question: Question, uploads: tuple[Upload, ...]) -> Shown:
        assert question.item is not None
        shown = self.open(question.item, uploads, fit=question.fit, window=question.window)
        return shown if question.typed is None else self.modality.typed(self._subject, shown, question.typed)

    def _before(self, question: Question, uploads: tuple[Upload, ...]) -> list[float] | None:
        if not question.changes:
            return None
        if self._clean is None or self._clean[0] != question.clean:
            scores = self._explainer.scores(self._kept(question, uploads).x)
            self._clean = question.clean, scores[0].tolist()
        return self._clean[1]
