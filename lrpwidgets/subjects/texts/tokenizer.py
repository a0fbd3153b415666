"""Tokenizers: what makes token ids of a text.

`Tokenizer` says what a subject of texts needs; `Vocabulary` is that of the built-in ones: a list of words.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Sequence
from functools import cached_property

from .encoded import Encoded
from .words import words

UNKNOWN = "[UNK]"
"""The word in a `Vocabulary` that stands for all it does not have."""


class Tokenizer(ABC):
    """Makes token ids of a text."""

    most: int | None = None
    """How many tokens the model takes; None for any number."""

    @property
    @abstractmethod
    def size(self) -> int:
        """How many tokens there are; ids are from 0 to below it."""

    @abstractmethod
    def encode(self, text: str) -> Encoded:
        """The tokens of `text`; ValueError if there are none, or more than the model has positions."""

    @abstractmethod
    def piece(self, token: int) -> str:
        """What the token of that id is called."""

    def part(self, text: str) -> Encoded:
        """The tokens of a part of a text, such as one word: it may lack what a whole text must have."""
        return self.encode(text)

    @cached_property
    def numbers(self) -> dict[str, int]:
        """Ids by what tokens are called; of several that are called alike the first."""
        return {self.piece(token): token for token in reversed(range(self.size))}

    @property
    def special(self) -> frozenset[int]:
        """Tokens that are no words, such as ``[CLS]``."""
        return frozenset()

    def gaps(self, ids: Sequence[int]) -> list[int]:
        """Places of a text's tokens before which there may be another word, `len(ids)` for behind them, in order."""
        return list(range(len(ids) + 1))


class Vocabulary(Tokenizer):
    """Words in lower case, each of which is a token.

    Parameters
    ----------
    known
        The words, by id; `UNKNOWN` must be among them.
    most
        Words that the model has places for; None for any number.
    """

    def __init__(self, known: Sequence[str], most: int | None = None) -> None:
        if UNKNOWN not in known:
            raise ValueError(f"The words must have {UNKNOWN!r} among them, for those that are not there.")
        self.known, self.most = list(known), most

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.size:,} words)"

    @property
    def size(self) -> int:
        return len(self.known)

    @cached_property
    def _ids(self) -> dict[str, int]:
        return {word: number for number, word in enumerate(self.known)}

    def encode(self, text: str) -> Encoded:
        spans = words(text)
        if not spans:
            raise ValueError(f"There is no word in the text {text[:40]!r}; type one.")
        if self.most is not None and len(spans) > self.most:
            raise ValueError(f"The text has {len(spans)} words and marks, the model reads {self.most}; shorten it.")
        written = [text[start:end] for start, end in spans]
        ids = [self._ids.get(word.lower(), self._ids[UNKNOWN]) for word in written]
        missing = frozenset(place for place, number in enumerate(ids) if number == self._ids[UNKNOWN])
        return Encoded(text, tuple(ids), tuple(spans), tuple(written), missing)

    def piece(self, token: int) -> str:
        return self.known[token]
