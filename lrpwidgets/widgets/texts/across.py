"""Words over many texts: habits of the model, beside the evidence in one sentence."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import traitlets

from ...lrp import Rather
from ...spray.word_relevance import Explained, explained, joined
from ...subjects.texts.words import is_mark
from ..base.answers import Answer
from ..base.sentences import sentence
from ..base.view import View, script, style
from ..explore import Exploration

MOST = 500
"""Texts that are looked at; of more, as many drawn at random."""

SHOWN = 24
"""Words that speak for a class, and as many against."""

LEAST = 4
"""Texts that must have a word."""


class AcrossTexts(View):
    """The words of the highest mean relevance over the texts of the subject, for and against what is explained.

    It is looked for when a person asks, while nothing else waits. Words of the sentence that is shown are framed.
    """

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    words: traitlets.List[Any] = traitlets.List(
        help="two lists, for and against: [word, mean relevance, texts that have it]"
    ).tag(sync=True)
    here: traitlets.List[Any] = traitlets.List(help="words of the sentence that is shown, in lower case").tag(sync=True)
    about = traitlets.Dict(
        help="done and total number of texts, the question as words, share of texts that are read right (None: "
        "unknown), and whether something else is asked by now"
    ).tag(sync=True)

    spray = traitlets.Bool(help="whether the page has a room that looks at all texts at once").tag(sync=True)

    _run = 0  # counts what was begun, and ended

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        self._asked: tuple[Any, ...] | None = None
        count = len(exploration.subject.dataset)
        super().__init__(exploration, about={"done": 0, "total": min(count, MOST)}, **traits)
        self.follow(self._show, "answer")
        self.follow(self._stand, "rooms")

    def close(self) -> None:
        """Stop looking and disappear from the page."""
        self._run += 1
        super().close()

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"look": True}`` begins, False ends it; ``{"spray": true}`` goes where all texts are looked at at once."""
        if "spray" in message:
            self.shared.enter("spray")
            return
        self._run += 1
        answer = self.shared.answer
        if message["look"] and answer is not None and answer.shown.outputs is not None:
            raise ValueError("An answer is a place in its own text, so there is no looking at it across texts.")
        if message["look"] and answer is not None:
            self._asked = _question(answer)
            self.shared.worker.when_idle(self._look(self._run, answer, self._drawn()))
        else:
            self.draw(about=self.about | {"done": self.about["total"]})

    def _stand(self) -> None:
        self.draw(spray=any(name == "spray" and not closed for name, _, closed in self.shared.rooms))

    def _drawn(self) -> list[int]:
        count = len(self.shared.subject.dataset)
        return sorted(np.random.default_rng(0).permutation(count)[:MOST].tolist())

    def _look(self, run: int, answer: Answer, numbers: list[int]) -> Iterator[Callable[[], None]]:
        """On the worker: explain a few texts at a time, and yield how to tell of all so far."""
        subject = self.shared.subject
        target = answer.target if answer.than is None else Rather(answer.target, than=answer.than)
        explainer = self.shared.explainer.under(answer.question.composite)
        parts: list[list[Explained]] = []
        try:
            for part in explained(subject, explainer, target, numbers):
                if run != self._run:
                    return
                parts.append(part)
                yield partial(self._tell, run, answer, list(parts), numbers)
        except Exception as error:  # whatever a stranger's data or model raises
            yield partial(self._fail, run, sentence(error))

    def _fail(self, run: int, why: str) -> None:
        if run == self._run:
            self.shared.error = why
            self.draw(about=self.about | {"total": self.about["done"]})

    def _tell(self, run: int, answer: Answer, parts: Sequence[Sequence[Explained]], numbers: Sequence[int]) -> None:
        if run != self._run:
            return
        found = joined(parts)
        ranked: list[list[Any]] = [
            [each.word, each.weight, each.texts]
            for each in found.ranked(least=LEAST)
            if not is_mark(each.word, (0, len(each.word)))
        ]
        speaking = [
            [row for row in ranked if row[1] > 0][:SHOWN],
            [row for row in ranked[::-1] if row[1] < 0][:SHOWN],
        ]
        class_name = self.shared.subject.class_name
        labels = self.shared.subject.labels()[list(numbers)][: len(found)]
        known = labels >= 0
        right = float((found.prediction == labels)[known].mean()) if known.any() else None
        about = {"done": len(found), "total": len(numbers), "target": class_name(answer.target), "right": right}
        about |= {"than": "" if answer.than is None else class_name(answer.than), "stale": False}
        self.draw(words=speaking, about=about | {"composite": answer.question.composite.name})
        self._show()

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None or answer.shown.text is None:
            return
        text = answer.shown.text
        read = sorted({text.word(word).lower() for word in text.word_of if word >= 0})
        stale = self._asked is not None and self._asked != _question(answer)
        self.draw(here=read, about=self.about | {"stale": stale})


def _question(answer: Answer) -> tuple[Any, ...]:
    return answer.target, answer.than, answer.question.composite
