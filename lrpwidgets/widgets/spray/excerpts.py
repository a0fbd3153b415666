"""Texts of a store and their relevance, at the length of a line or two."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL.Image import Image

from ...readable import Readable
from ...spray import Atlas, RelevanceStore
from ...spray.atlas import ClusterWord
from ...subjects import Subject
from ...subjects.modality import modality_of
from ...subjects.texts import Encoded
from ...subjects.texts.levels import Cell, cells, items, limit
from ...subjects.texts.printing import printable
from ...subjects.texts.samples import name
from ...subjects.texts.still import still
from .captions import outcome
from .cards import Card

LONGEST = 28
"""Words of an excerpt, at most."""

WORDS = 8
"""Words of a cluster that its card has, at most."""


@dataclass(frozen=True, eq=False, repr=False)
class Excerpt(Readable):
    """The part of a text that has most relevance."""

    encoded: Encoded
    """The whole text."""
    relevance: NDArray[np.float32]
    """Of each of its tokens, (T,): that on the vocabulary, in equal shares for the token's places in the text."""
    caption: str

    @cached_property
    def cells(self) -> list[Cell]:
        """Its words, each with its relevance; outside the scale are tokens that the tokenizer adds, as ``[CLS]``.

        Marks are inside: they may be all that a cluster has in common.
        """
        found = cells(self.encoded, self.relevance.tolist(), "word")
        walked = zip(found, items(self.encoded), strict=True)
        return [replace(cell, sink=item.word < 0) for cell, item in walked]

    @property
    def said(self) -> list[Any]:
        """For the browser: caption, words with their relevance from −1 to 1, None outside the scale, and its ends.

        The scale is the text's own and ends at its largest relevance; the ends say whether more of the text is there.
        """
        start, stop = _densest([0.0 if cell.sink else abs(cell.relevance or 0.0) for cell in self.cells])
        end = limit(self.cells)
        words = [
            [printable(cell.text), None if cell.sink or cell.relevance is None else round(cell.relevance / end, 3)]
            for cell in self.cells[start:stop]
        ]
        return [self.caption, words, start > 0, stop < len(self.cells)]


@dataclass(frozen=True, eq=False, repr=False)
class Excerpts(Readable):
    """Excerpts of m points."""

    each: tuple[Excerpt, ...]

    def message(self, names: NDArray[np.int64]) -> tuple[dict[str, Any], list[bytes]]:
        """What the browser is sent: excerpts, and as raw bytes a number that names each."""
        return {"excerpts": [excerpt.said for excerpt in self.each]}, [names.astype(np.uint32).tobytes()]


@dataclass(frozen=True, eq=False)
class WordCard(Card):
    """One cluster of texts."""

    words: tuple[ClusterWord, ...]
    """Those on which it has more relevance than the others, the largest excess first."""
    examples: Excerpts = field(repr=False)
    """Of the samples nearest to its middle."""

    @property
    def said(self) -> dict[str, Any]:
        """Its words with their excess and how many texts have them, and the examples as those of `Excerpt.said`."""
        words = [[printable(each.word), each.excess, each.texts] for each in self.words]
        return {"words": words, "examples": [each.said for each in self.examples.each]}

    @property
    def still(self) -> Image:
        first = self.examples.each[0]
        return still(first.encoded, first.relevance)


class Library:
    """Makes excerpts of rows of a store."""

    def __init__(self, subject: Subject) -> None:
        self._subject, self._modality = subject, modality_of(subject)

    def tiles(self, store: RelevanceStore, rows: NDArray[np.int64]) -> Excerpts:
        """Excerpts of `rows`, each with a caption."""
        found = zip(rows.tolist(), store.relevance(rows), strict=True)
        return Excerpts(tuple(self._excerpt(store, row, relevance) for row, relevance in found))

    def cards(self, atlas: Atlas) -> tuple[WordCard, ...]:
        """A card for each cluster, the most separable first."""
        tokenizer = self._subject.tokenizer
        assert tokenizer is not None  # else there were no such store
        made = []
        for ranked in atlas.ranking:
            cluster = atlas.cluster(ranked.cluster)
            examples = self.tiles(atlas.store, cluster.prototypes)
            made.append(WordCard.of(ranked, atlas, words=tuple(cluster.words(tokenizer, WORDS)), examples=examples))
        return tuple(made)

    def _excerpt(self, store: RelevanceStore, row: int, relevance: NDArray[np.float32]) -> Excerpt:
        shown = self._modality.sample(self._subject, int(store.index[row]))
        assert shown.text is not None
        ids = np.array(shown.text.ids)
        _, place, counts = np.unique(ids, return_inverse=True, return_counts=True)
        called = f"text {store.index[row]}" if shown.name == name(shown.text.text) else shown.name
        return Excerpt(shown.text, relevance[ids] / counts[place], f"{called}: {outcome(store, row)}")


def _densest(amounts: Sequence[float]) -> tuple[int, int]:
    """First and last + 1 of the `LONGEST` neighbours that have most together; of a short text all."""
    if len(amounts) <= LONGEST:
        return 0, len(amounts)
    sums = np.convolve(amounts, np.ones(LONGEST), "valid")
    start = int(sums.argmax())
    return start, start + LONGEST
