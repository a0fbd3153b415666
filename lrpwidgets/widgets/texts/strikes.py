"""Striking every word of a text, one at a time, and how the score follows."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ...lrp import Explainer
from ...readable import Readable
from ...subjects import Subject
from ...subjects.modality import modality_of
from ...subjects.shown import Shown
from ...subjects.texts.words import is_mark
from .columns import Columns

MOST = 64
"""Words that are struck; of more, those of the largest relevance."""

_AT_ONCE = 16
"""Texts that are read at once."""


@dataclass(frozen=True)
class Row:
    """One word."""

    word: int
    relevance: float
    score: float
    """What is explained, without the word."""
    change: float
    """That, less what it is with the word."""


@dataclass(frozen=True)
class Told:
    """What striking says of an explanation."""

    rows: list[Row]
    """By the size of their relevance."""
    agreement: float | None
    """Spearman's rank correlation of relevance with − change; None of fewer than three words."""


@dataclass(frozen=True, eq=False, repr=False)
class Strikes(Readable):
    """Scores of a text without each of some words."""

    words: list[int]
    scores: Tensor
    """(words, C)."""
    left_out: int
    """Words that were not struck."""

    def told(
        self, shown: Shown, relevance: NDArray[np.float32], scores: list[float], target: int, than: int | None
    ) -> Told:
        """How the words' relevance (T,) and the changes of the explained score agree."""
        from scipy.stats import spearmanr

        if not self.words:
            return Told([], None)
        assert shown.text is not None
        sums = Columns(shown.text).by_word(relevance)
        contrast = self.scores[:, target] - (0 if than is None else self.scores[:, than])
        now = scores[target] - (0 if than is None else scores[than])
        rows = [
            Row(word, sums[word], value, value - now) for word, value in zip(self.words, contrast.tolist(), strict=True)
        ]
        told = [[row.relevance for row in rows], [-row.change for row in rows]]
        varied = len(rows) > 2 and all(len(set(each)) > 1 for each in told)
        agreement = float(spearmanr(*told).statistic) if varied else None
        return Told(sorted(rows, key=lambda row: -abs(row.relevance)), agreement)


def strikes(
    subject: Subject, explainer: Explainer, shown: Shown, relevance: NDArray[np.float32], go_on: Callable[[], None]
) -> Strikes:
    """Strike each word, but for marks, one at a time; beside those that are struck already.

    Parameters
    ----------
    relevance
        Of the tokens, (T,): says which words are struck if there are more than `MOST`.
    go_on
        Is called between batches; what it raises ends the work.
    """
    modality, encoded = modality_of(subject), shown.text
    assert encoded is not None
    sums = Columns(encoded).by_word(relevance)
    words = [word for word in sums if not (word in encoded.staying or is_mark(encoded.text, encoded.words[word]))]
    chosen = sorted(sorted(words, key=lambda word: -abs(sums[word]))[:MOST])
    if len(words) < 2:
        return Strikes([], torch.zeros(0, 1), len(words))
    found = []
    for start in range(0, len(chosen), _AT_ONCE):
        go_on()
        some = chosen[start : start + _AT_ONCE]
        without = [modality.changed(subject, shown, (*encoded.struck, word)) for word in some]
        found.append(explainer.scores(modality.batch(without)).double().cpu())
    return Strikes(chosen, torch.cat(found), len(words) - len(chosen))
