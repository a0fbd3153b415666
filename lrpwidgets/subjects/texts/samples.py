"""Texts as samples: token ids of each, made when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import overload

from ..samples import Sample
from .tokenizer import Tokenizer

_NAME = 48
"""Characters of a text's name."""


@dataclass(frozen=True, eq=False)
class TextSamples:
    """Texts with their labels."""

    texts: Sequence[str] = field(repr=False)
    labels: Sequence[int | None] = field(repr=False)
    """Class of each, None where unknown."""
    tokenizer: Tokenizer = field(repr=False)
    titles: Sequence[str] | None = field(default=None, repr=False)
    """What to call each; None for how it begins."""

    def __post_init__(self) -> None:
        if len(self.texts) != len(self.labels):
            raise ValueError(f"Each text needs a label; got {len(self.texts)} texts and {len(self.labels)} labels.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} texts)"

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index: int) -> Sample:
        """Token ids (T,) and label."""
        return self.tokenizer.encode(self.texts[index]).x, self.labels[index]

    @property
    def names(self) -> Sequence[str]:
        """What to call each text."""
        return _Names(self.texts) if self.titles is None else self.titles


@dataclass(frozen=True, eq=False, repr=False)
class KnownTexts(TextSamples):
    """Texts of which it is known what their words say, for figures that compare relevance with it."""

    truth: Sequence[Sequence[int]] = field(default=())
    """For each text a number for each word, those of `Encoded.words`: 1 if it speaks for class 1 rather than class 0,
    −1 if for class 0, and 0 if for neither."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.texts) != len(self.truth):
            raise ValueError(f"Each text needs its truth; got {len(self.texts)} texts and {len(self.truth)} truths.")


@dataclass(frozen=True, eq=False)
class _Names(Sequence[str]):
    """Names of texts, made when they are asked for."""

    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    @overload
    def __getitem__(self, index: int) -> str: ...

    @overload
    def __getitem__(self, index: slice) -> list[str]: ...

    def __getitem__(self, index: int | slice) -> str | list[str]:
        return [name(each) for each in self.texts[index]] if isinstance(index, slice) else name(self.texts[index])


def name(text: str) -> str:
    """What to call a text: how it begins."""
    line = " ".join(text[: 4 * _NAME].split())
    return line if len(line) <= _NAME else f"{line[: _NAME - 1].rstrip()}…"
