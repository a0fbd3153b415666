"""Words of a text as columns: relevance of its tokens summed, those that a tokenizer adds by themselves."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...readable import Readable
from ...subjects.texts import Encoded, levels
from ...subjects.texts.printing import printable


@dataclass(frozen=True, eq=False, repr=False)
class Columns(Readable):
    """Words that are read and added tokens, in their order."""

    encoded: Encoded

    @cached_property
    def items(self) -> list[levels.Item]:
        """What each column is of."""
        return [item for item in levels.items(self.encoded) if item.places]

    def summed(self, relevance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Relevance (..., T) of tokens as that of columns (..., C)."""
        return np.add.reduceat(relevance, [item.places[0] for item in self.items], -1)

    @property
    def words(self) -> list[int]:
        """The word of each column, −1 for added tokens."""
        return [item.word for item in self.items]

    def by_word(self, relevance: NDArray[np.float32]) -> dict[int, float]:
        """Relevance (T,) of tokens as that of each word that is read."""
        sums = self.summed(relevance).tolist()
        return {word: amount for word, amount in zip(self.words, sums, strict=True) if word >= 0}

    @cached_property
    def described(self) -> list[dict[str, Any]]:
        """Name, word and whether it is a sink, of each column, for the browser."""
        return [{"name": printable("".join(item.texts)), "word": item.word, "sink": item.sink} for item in self.items]
