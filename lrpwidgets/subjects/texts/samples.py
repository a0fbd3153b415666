"""Texts as samples: token ids of each, made when they are asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

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
    def names(self) -> _Names:
        """How each text begins."""
        return _Names(self.texts)


@dataclass(frozen=True, eq=False)
class _Names(Sequence[str]):
    """Names of texts, made when they are asked for."""

    texts: Sequence[str]

    def __len__(self) -> int:
        return len(self.texts)

    def __getitem__(self, index):  # type: ignore[no-untyped-def]
        return [name(each) for each in self.texts[index]] if isinstance(index, slice) else name(self.texts[index])


def name(text: str) -> str:
    """What to call a text: how it begins."""
    line = " ".join(text[: 4 * _NAME].split())
    return line if len(line) <= _NAME else f"{line[: _NAME - 1].rstrip()}…"
