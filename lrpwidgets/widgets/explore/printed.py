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
from ...subjects.texts.levels import Cell, cells
from ...subjects.texts.printing import printable, to_html
from ..base.answers import Answer
from ..base.page import source
from .look import Look

_SIDE = 360  # pixels of a map on the page, about

Values = NDArray[np.float32]


class Printed(ABC):
    """What a report shows of an input."""

    input: ClassVar[str]
    """What it is."""
    changed: ClassVar[str]
    """What is said of one that was changed."""

    @abstractmethod
    def part(self, look: Look) -> str:
        """What of it has one colour."""

    @abstractmethod
    def unit(self, look: Look) -> str:
        """What a colour stands for."""

    @abstractmethod
    def of(self, answer: Answer) -> Values:
        """The relevance that is drawn of an answer."""

    @abstractmethod
    def original(self, answer: Answer, subject: Subject) -> Markup:
        """The input without relevance, as HTML."""

    @abstractmethod
    def amounts(self, answer: Answer, drawn: Values, look: Look) -> Values:
        """The relevance of each part that is in the scale."""

    @abstractmethod
    def drawn(self, answer: Answer, drawn: Values, look: Look, limit: float, title: str) -> Markup:
        """The relevance `drawn`, as HTML; `limit`: that at the end of the scale."""


class PrintedPicture(Printed):
    """Images of as many pixels as the page shows: a browser would leave out the others."""

    input = "picture"
    changed = "painted: not the original input"

    def part(self, look: Look) -> str:
        return "pixel"

    def unit(self, look: Look) -> str:
        return "relevance per pixel in units of the score"

    def of(self, answer: Answer) -> Values:
        return answer.pixels

    def original(self, answer: Answer, subject: Subject) -> Markup:
        image = subject.to_image(answer.image).convert("RGB").resize(self._fitted(answer.pixels).shape[::-1])
        return self._image(enlarged(np.asarray(image), _SIDE), "The picture")

    def amounts(self, answer: Answer, drawn: Values, look: Look) -> Values:
        return drawn

    def drawn(self, answer: Answer, drawn: Values, look: Look, limit: float, title: str) -> Markup:
        pixels = coloured(look.seen(self._fitted(drawn)), limit, MAPS[look.map])
        return self._image(enlarged(pixels, _SIDE), f"Relevance: {title}")

    @staticmethod
    def _fitted(pixels: Values) -> Values:
        share = min(1, _SIDE / max(pixels.shape))
        rows, columns = (max(1, round(share * side)) for side in pixels.shape)
        return averaged(pixels, (rows, columns))

    @staticmethod
    def _image(pixels: NDArray[np.uint8], words: str) -> Markup:
        return Markup(f'<img src="{source(pixels)}" alt="{escape(words)}">')


class PrintedText(Printed):
    """Words in the colours of their relevance, or tokens, or sentences."""

    input = "text"
    changed = "words are struck: not the original input"

    def part(self, look: Look) -> str:
        return look.level

    def unit(self, look: Look) -> str:
        sums = "" if look.level == "token" else ", sum of its tokens"
        hatched = "; hatched: sinks, outside the scale" if look.sinks else ""
        return f"relevance per {look.level}{sums}, in units of the score{hatched}"

    def of(self, answer: Answer) -> Values:
        return answer.tokens

    def original(self, answer: Answer, subject: Subject) -> Markup:
        return Markup(f'<p class="words" dir="auto">{escape(printable(answer.text.text))}</p>')

    def amounts(self, answer: Answer, drawn: Values, look: Look) -> Values:
        made = self._cells(answer, drawn, look)
        found = [each.relevance for each in made if each.relevance is not None and not each.sink]
        return np.array(found or [0.0], np.float32)

    def drawn(self, answer: Answer, drawn: Values, look: Look, limit: float, title: str) -> Markup:
        words = to_html(self._cells(answer, look.seen(drawn), look), limit, MAPS[look.map])
        return Markup(f'<p class="words">{words}</p>')

    @staticmethod
    def _cells(answer: Answer, drawn: Values, look: Look) -> list[Cell]:
        return cells(answer.text, drawn.tolist(), look.level, sinks=look.sinks)


class PrintedPair(PrintedPicture):
    """A picture and its heatmap, each with its text below; words have a scale of their own."""

    input = "picture with its text"
    changed = "painted over, or words are struck: not the original input"
    _words = PrintedText()

    def unit(self, look: Look) -> str:
        return f"{super().unit(look)}; {look.level}s have a scale of their own"

    def original(self, answer: Answer, subject: Subject) -> Markup:
        return super().original(answer, subject) + self._words.original(answer, subject)

    def drawn(self, answer: Answer, drawn: Values, look: Look, limit: float, title: str) -> Markup:
        end = float(np.abs(self._words.amounts(answer, answer.tokens, look)).max()) or 1.0
        words = self._words.drawn(answer, answer.tokens, look, end, title)
        apart = "" if np.array_equal(drawn, answer.pixels, equal_nan=True) else "; their own, no difference"
        scale = Markup(f"<p>{look.level}s: ±{end:.3g}{apart}</p>")
        return super().drawn(answer, drawn, look, limit, title) + words + scale


PRINTED: dict[str, Printed] = {"image": PrintedPicture(), "text": PrintedText(), "image and text": PrintedPair()}
"""By modality."""
