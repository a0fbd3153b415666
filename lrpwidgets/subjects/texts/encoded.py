"""A text as a model reads it: token ids, and where each token stands in the text."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING

from ...readable import Readable
from .words import Span, holder, is_mark, sentences, words

if TYPE_CHECKING:
    from torch import Tensor

PADDING = -1
"""The token id that stands behind shorter texts of a batch, and in a text where a word is hidden.

It is none: models of texts give it no weight. A word that is hidden keeps its place.
"""


@dataclass(frozen=True, eq=False, repr=False)
class Encoded(Readable):
    """Token ids of a text."""

    text: str
    ids: tuple[int, ...]
    spans: tuple[Span, ...]
    """Where each token stands; an empty span for those that a tokenizer adds, such as ``[CLS]``."""
    pieces: tuple[str, ...]
    """What each token is called."""
    unknown: frozenset[int] = frozenset()
    """Tokens, by number, whose word the vocabulary does not have."""
    special: frozenset[int] = frozenset()
    """Tokens, by number, that are written in the text and are special, such as a mask: each is a word, and stays."""
    struck: frozenset[int] = frozenset()
    """Words, by number, that the model does not read."""
    attended: bool = True
    """Whether the model has attention, as far as it is known: then its first token is a sink, whatever it is."""

    def __post_init__(self) -> None:
        if not len(self.ids) == len(self.spans) == len(self.pieces):
            counts = f"{len(self.ids)} ids, {len(self.spans)} spans and {len(self.pieces)} names"
            raise ValueError(f"Each token needs an id, a span and a name; got {counts}.")

    def __len__(self) -> int:
        return len(self.ids)

    @property
    def x(self) -> Tensor:
        """The ids as the model takes them, int64 (T,)."""
        import torch

        return torch.tensor(self.ids, dtype=torch.int64)

    @cached_property
    def words(self) -> list[Span]:
        """Words of the text, those that are struck too."""
        return words(self.text, sorted({self.spans[place] for place in self.special}))

    @cached_property
    def staying(self) -> frozenset[int]:
        """Words, by number, that are special tokens: a model looks for them, so that they are never struck."""
        return frozenset(self.word_of[place] for place in self.special)

    @cached_property
    def sentences(self) -> list[Span]:
        """Sentences of the text."""
        return sentences(self.text)

    @cached_property
    def word_of(self) -> tuple[int, ...]:
        """The word that each token belongs to, by number; −1 for those that the tokenizer adds."""
        return self._holders(self.words)

    @cached_property
    def sentence_of(self) -> tuple[int, ...]:
        """The sentence that each token belongs to; −1 for those that the tokenizer adds."""
        return self._holders(self.sentences)

    @cached_property
    def sinks(self) -> frozenset[int]:
        """Tokens, by number, on which relevance piles up for no reason of the text.

        They are added tokens, marks and, under attention, the first.
        """
        marks = {number for number, span in enumerate(self.words) if is_mark(self.text, span)}
        found = {place for place, word in enumerate(self.word_of) if word < 0 or word in marks}
        return frozenset(found | {0} if self.attended else found)

    def tokens_of(self, word: int) -> list[int]:
        """Numbers of the tokens of a word."""
        return [place for place, owner in enumerate(self.word_of) if owner == word]

    def word(self, number: int) -> str:
        """A word as it is written."""
        return self.text[slice(*self.words[number])]

    def within(self, text: str, places: Sequence[int], struck: Collection[int]) -> Encoded:
        """The same tokens in the `text` it was cut from: at `places` of its characters, `struck` words left out."""
        spans = tuple((places[start], places[end - 1] + 1) if end > start else (0, 0) for start, end in self.spans)
        return replace(self, text=text, spans=spans, struck=frozenset(struck))

    def _holders(self, of: Sequence[Span]) -> tuple[int, ...]:
        return tuple(holder(of, start) if end > start else -1 for start, end in self.spans)


def last_places(tokens: Tensor) -> Tensor:
    """Where each text of a batch (B, T) ends, (B,): its last place that is no `PADDING`, whatever is hidden before."""
    import torch

    there = (tokens != PADDING).long()
    return (there * torch.arange(tokens.shape[1], device=tokens.device)).amax(1)


def padded(ids: Sequence[Tensor]) -> Tensor:
    """Token ids (T,) of several lengths as a batch, with `PADDING` behind shorter ones."""
    from torch.nn.utils.rnn import pad_sequence

    return pad_sequence(list(ids), batch_first=True, padding_value=PADDING)
