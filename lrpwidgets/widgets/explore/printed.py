"""How an input and its relevance are put into a report: pictures as images, texts as coloured words."""

from __future__ import annotations

from abc import ABC, abstractmethod
from html import escape
from typing import ClassVar

import numpy as np
from markupsafe import Markup
from numpy.typing import NDArray

from ...colours import MAPS, averaged, coloured, enlarged
from ...subjects import Subject
from ...subjects.modality import Array
from ...subjects.texts.levels import Cell, cells
from ...subjects.texts.printing import printable, to_html
from ..base.answers import Answer
from ..base.page import source
from .look import Look

_SIDE = 360  # pixels of a map on the page, about


class Printed(ABC):
    """What a report shows of an input."""

    input: ClassVar[str]
    """What it is."""
    part: ClassVar[str]
    """What of it has one colour."""
    unit: ClassVar[str]
    """What a colour stands for."""
    changed: ClassVar[str]
    """What is said of one that was changed."""

    @abstractmethod
    def values(self, answer: Answer) -> Array:
        """The relevance that is shown."""

    @abstractmethod
    def original(self, answer: Answer, subject: Subject) -> Markup:
        """The input without relevance, as HTML."""

    @abstractmethod
    def amounts(self, answer: Answer, drawn: Array) -> Array:
        """The relevance of each part that is in the scale."""

    @abstractmethod
    def drawn(self, answer: Answer, drawn: Array, look: Look, limit: float, title: str) -> Markup:
        """The relevance `drawn`, as HTML; `limit`: that at the end of the scale."""


class PrintedPicture(Printed):
    """Images of as many pixels as the page shows: a browser would leave out the others."""

    input, part = "picture", "pixel"
    unit = "relevance per pixel in units of the score"
    changed = "painted: not the original input"

    def values(self, answer: Answer) -> Array:
        return answer.pixels

    def original(self, answer: Answer, subject: Subject) -> Markup:
        image = subject.to_image(answer.image).convert("RGB").resize(self._fitted(answer.pixels).shape[::-1])
        return self._image(enlarged(np.asarray(image), _SIDE), "The picture")

    def amounts(self, answer: Answer, drawn: Array) -> Array:
        return drawn

    def drawn(self, answer: Answer, drawn: Array, look: Look, limit: float, title: str) -> Markup:
        pixels = coloured(look.seen(self._fitted(drawn)), limit, MAPS[look.map])
        return self._image(enlarged(pixels, _SIDE), f"Relevance: {title}")

    @staticmethod
    def _fitted(pixels: Array) -> Array:
        share = min(1, _SIDE / max(pixels.shape))
        rows, columns = (max(1, round(share * side)) for side in pixels.shape)
        return averaged(pixels, (rows, columns))

    @staticmethod
    def _image(pixels: NDArray[np.uint8], words: str) -> Markup:
        return Markup(f'<img src="{source(pixels)}" alt="{escape(words)}">')


class PrintedText(Printed):
    """Words in the colours of their relevance; sinks are outside the scale."""

    input, part = "text", "word"
    unit = "relevance per word, sum of its tokens, in units of the score; hatched: sinks, outside the scale"
    changed = "words are struck: not the original input"

    def values(self, answer: Answer) -> Array:
        return answer.tokens

    def original(self, answer: Answer, subject: Subject) -> Markup:
        assert answer.shown.text is not None
        return Markup(f'<p class="words" dir="auto">{escape(printable(answer.shown.text.text))}</p>')

    def amounts(self, answer: Answer, drawn: Array) -> Array:
        found = [each.relevance for each in self._cells(answer, drawn) if each.relevance is not None and not each.sink]
        return np.array(found or [0.0], np.float32)

    def drawn(self, answer: Answer, drawn: Array, look: Look, limit: float, title: str) -> Markup:
        words = to_html(self._cells(answer, look.seen(drawn)), limit, MAPS[look.map])
        return Markup(f'<p class="words">{words}</p>')

    @staticmethod
    def _cells(answer: Answer, drawn: Array) -> list[Cell]:
        assert answer.shown.text is not None
        return cells(answer.shown.text, drawn.tolist(), "word")


PRINTED = {"picture": PrintedPicture(), "text": PrintedText()}
"""By what a person brings."""
