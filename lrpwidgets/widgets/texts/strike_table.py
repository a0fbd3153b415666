"""A test beside the claim: the relevance of each word, and the score without it."""

from __future__ import annotations

from functools import partial
from typing import Any

import traitlets

from ...progress import Cancelled
from ...subjects.texts.printing import printable
from ..base.answers import Answer
from ..base.sentences import sentence
from ..base.view import View, script, style
from ..explore import Exploration
from .strikes import Strikes, strikes

_LANE = 900_002
"""Of the worker, behind all questions."""


class StrikeTable(View):
    """Words by the size of their relevance; what the score becomes when each is struck; how well the two agree."""

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    rows: traitlets.List[Any] = traitlets.List(
        help="[word, its number, relevance, score without it, change], by the size of relevance"
    ).tag(sync=True)
    agreement = traitlets.Float(None, allow_none=True, help="rank correlation of relevance with − change").tag(
        sync=True
    )
    struck: traitlets.List[Any] = traitlets.List(help="numbers and words that are struck").tag(sync=True)
    left_out = traitlets.Int(help="words that were not struck, as there are so many").tag(sync=True)
    waiting = traitlets.Bool(help="whether the words are being struck").tag(sync=True)
    moves = traitlets.Bool(help="whether outputs are places in the text, which move when a word is struck").tag(
        sync=True
    )

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, **traits)
        self._kept: tuple[object, Strikes] | None = None  # scores do not depend on rules or classes
        self.follow(self._ask, "answer", "error")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"strike": 3}`` strikes a word, or takes it back."""
        word = int(message["strike"])
        now = set(self.shared.struck)
        self.shared.struck = tuple(sorted(now ^ {word}))

    def _ask(self) -> None:
        answer = self.shared.answer
        moves = answer is not None and answer.shown.outputs is not None
        if answer is None or answer.shown.text is None or moves:
            self.draw(rows=[], agreement=None, struck=[], left_out=0, waiting=False, moves=moves)
        elif self._kept is not None and self._kept[0] == answer.question.input:
            self._came(answer, self._kept[1])
        else:
            self.draw(waiting=True)
            self.shared.worker.submit(partial(self._strike, answer), partial(self._came, answer), lane=_LANE)

    def _strike(self, answer: Answer) -> Strikes | str | None:
        """On the worker: strike every word; what went wrong, as a sentence; None if a question was more urgent."""

        def go_on() -> None:
            if self.shared.worker.waits_before(_LANE):
                raise Cancelled

        try:
            return strikes(self.shared.subject, self.shared.explainer, answer.shown, answer.tokens, go_on)
        except Cancelled:
            return None
        except Exception as error:  # whatever the model raises
            return sentence(error)

    def _came(self, answer: Answer, found: Strikes | str | None) -> None:
        if answer is not self.shared.answer:
            return
        if found is None:
            self._ask()
            return
        if isinstance(found, str):
            self.shared.error = found
            self.draw(waiting=False)
            return
        self._kept = answer.question.input, found
        told = found.told(answer.shown, answer.tokens, answer.scores, answer.target, answer.than)
        encoded = answer.text

        def word(number: int) -> str:
            return printable(encoded.word(number))

        self.draw(
            rows=[[word(row.word), row.word, row.relevance, row.score, row.change] for row in told.rows],
            agreement=told.agreement,
            struck=[[number, word(number)] for number in sorted(encoded.struck)],
            left_out=found.left_out,
            waiting=False,
        )
