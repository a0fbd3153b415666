"""Words of a text as columns: relevance of its tokens summed, those that a tokenizer adds by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...readable import Readable
from ...subjects.texts import Encoded
from ...subjects.texts.printing import printable


@dataclass(frozen=True, eq=False, repr=False)
class Columns(Readable):
    """Words that are read and added tokens, in their order."""

    encoded: Encoded

    @cached_property
    def of_token(self) -> NDArray[np.intp]:
        """The column of each token, (T,)."""
        words = self.encoded.word_of
        begins = [not at or word < 0 or word != words[at - 1] for at, word in enumerate(words)]
        return np.cumsum(begins, dtype=np.intp) - 1

    @cached_property
    def first(self) -> NDArray[np.intp]:
        """The first token of each column."""
        return np.unique(self.of_token, return_index=True)[1]

    def summed(self, relevance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Relevance (..., T) of tokens as that of columns (..., C)."""
        return np.add.reduceat(relevance, self.first, -1)

    @cached_property
    def words(self) -> list[int]:
        """The word of each column, −1 for added tokens."""
        return [self.encoded.word_of[at] for at in self.first]

    @cached_property
    def sinks(self) -> NDArray[np.bool_]:
        """Whether all tokens of a column are sinks, (C,)."""
        sinks = [at in self.encoded.sinks for at in range(len(self.encoded))]
        return np.logical_and.reduceat(np.array(sinks), self.first)

    @cached_property
    def described(self) -> list[dict[str, Any]]:
        """Name, word and whether it is a sink, of each column, for the browser."""
        encoded = self.encoded
        named = [encoded.pieces[at] if word < 0 else encoded.word(word) for at, word in self._places]
        kinds = zip(map(printable, named), self.words, self.sinks.tolist(), strict=True)
        return [{"name": name, "word": word, "sink": sink} for name, word, sink in kinds]

    @property
    def _places(self) -> list[tuple[int, int]]:
        """First token and word of each column."""
        return list(zip(self.first.tolist(), self.words, strict=True))
