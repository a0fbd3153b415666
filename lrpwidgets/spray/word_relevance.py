"""Relevance of words over many texts: which words a class lives on, and what texts look like by them.

After "What is relevant in a text document?" (Arras, Horn, Montavon, Müller, Samek 2017): a text is a sum over its
words, each weighted with its relevance; beside it TF–IDF, which sees no model. Texts of the same decision lie together
if the weights say what it depended on: how well a k-nearest-neighbour classifier tells them is that paper's explanatory
power.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import csr_array

from ..lrp import Composite, Explainer
from ..lrp.batch import unpacked
from ..lrp.targets import Target
from ..progress import Pace, Watcher, listening
from ..readable import Readable
from ..subjects import Subject
from ..subjects.modality import modality_of
from ..subjects.texts import Encoded
from ..tables import Table

Weight = Literal["relevance", "tf-idf"]
"""What a word counts in a text: its relevance, or how often it is there by how many texts have it."""

AT_ONCE = 16
"""Texts that are explained at once."""

FOLDS = 5
"""Parts of the texts of which each is told by the others."""


@dataclass(frozen=True)
class WordOfClass:
    """A word over all texts that have it."""

    word: str
    weight: float
    """Its mean over these texts: of relevance in units of the score, of TF–IDF in texts of unit length."""
    texts: int
    """How many have it."""


@dataclass(frozen=True, eq=False, repr=False)
class Corpus(Readable):
    """What was explained of many texts, word by word."""

    words: list[str]
    """In lower case, (W,)."""
    relevance: csr_array
    """Of each word in each text, summed over its occurrences, (N, W)."""
    counts: csr_array
    """How often each text has each word, (N, W)."""
    prediction: NDArray[np.int64]
    """The class on top, (N,)."""
    explained: NDArray[np.float64]
    """The score that was explained of each, (N,)."""

    def __len__(self) -> int:
        return len(self.prediction)

    @cached_property
    def tf_idf(self) -> csr_array:
        """Term frequency by inverse document frequency, each text of unit length, (N, W): scikit-learn's."""
        from sklearn.feature_extraction.text import TfidfTransformer

        return csr_array(TfidfTransformer().fit_transform(self.counts))

    def ranked(
        self, by: Weight = "relevance", *, texts: Sequence[int] | None = None, least: int = 4
    ) -> Table[WordOfClass]:
        """Words by their mean weight, those that speak for most first, and against most last.

        Parameters
        ----------
        by
            What a word counts.
        texts
            Numbers of the texts that count; by default all.
        least
            How many of these must have a word.
        """
        weights, counts = self._weights(by), self.counts
        if texts is not None:
            weights, counts = weights[list(texts)], counts[list(texts)]
        having = np.asarray((counts > 0).sum(0)).reshape(-1)
        sums = np.asarray(weights.sum(0)).reshape(-1)
        known = np.flatnonzero(having >= least)
        means = sums[known] / having[known]
        order = np.argsort(-means, kind="stable")
        return Table(WordOfClass(self.words[known[at]], float(means[at]), int(having[known[at]])) for at in order)

    def explanatory_power(self, by: Weight = "relevance", *, neighbors: int = 5, seed: int = 0) -> float:
        """How well the predicted class of a text is told by its nearest neighbours among others, 0 to 1.

        Texts are vectors of their words' weights, of unit length; each fifth of them is told by the rest.

        Raises
        ------
        ValueError
            If there are fewer than five texts, or all have one prediction.
        """
        from sklearn.model_selection import StratifiedKFold, cross_val_score
        from sklearn.neighbors import KNeighborsClassifier
        from sklearn.preprocessing import normalize

        if len(self) < FOLDS or len(set(self.prediction.tolist())) < 2:
            raise ValueError(
                f"How well predictions are told takes {FOLDS} texts at least, and two predictions among them; here are "
                f"{len(self)} texts with the predictions {sorted(set(self.prediction.tolist()))}."
            )
        vectors = normalize(self._weights(by))
        folds = StratifiedKFold(FOLDS, shuffle=True, random_state=seed)
        told = KNeighborsClassifier(min(neighbors, len(self) - len(self) // FOLDS))
        return float(cross_val_score(told, vectors, self.prediction, cv=folds).mean())

    def _weights(self, by: Weight) -> csr_array:
        known = {"relevance": lambda: self.relevance, "tf-idf": lambda: self.tf_idf}
        if by not in known:
            raise ValueError(f"by must be one of {', '.join(known)}, got {by!r}.")
        return known[by]()


def corpus(
    subject: Subject,
    composite: str | Composite = "auto",
    target: Target = None,
    *,
    texts: Sequence[int] | None = None,
    progress: bool | Watcher = True,
) -> Corpus:
    """Explain the texts of a subject, word by word.

    Parameters
    ----------
    target
        What is explained of each, as for :meth:`.Explainer.explain`: the class on top, one class for all, or
        ``Rather(1, than=0)``.
    texts
        Numbers of the texts; by default all.
    progress
        True writes a line; a function gets a :class:`.Progress` of the texts, and may raise to end it.

    Raises
    ------
    ValueError
        If the subject has no texts, or one of them cannot be explained.
    """
    numbers = list(range(len(subject.dataset)) if texts is None else texts)
    if subject.tokenizer is None or not numbers:
        raise ValueError(f"Words are told of texts, and {subject.title!r} has {'none' if not numbers else 'others'}.")
    with listening(progress) as tell:
        pace = Pace(tell, 0, len(numbers))
        parts = []
        for part in explained(subject, subject.explainer(composite), target, numbers):
            parts.append(part)
            pace.advance(len(part))
    return joined(parts)


@dataclass(frozen=True)
class Explained:
    """A text, and what was found of it."""

    words: dict[str, tuple[float, int]]
    """Relevance and number of each word."""
    prediction: int
    score: float


def explained(
    subject: Subject, explainer: Explainer, target: Target, numbers: Sequence[int]
) -> Iterator[list[Explained]]:
    """The texts of these numbers, a few at a time."""
    modality = modality_of(subject)
    for start in range(0, len(numbers), AT_ONCE):
        shown = [modality.sample(subject, number) for number in numbers[start : start + AT_ONCE]]
        explanation = explainer.explain(modality.batch(shown), target, keep="input")
        relevance, predictions = unpacked(explanation.relevance)[-1], explanation.scores.argmax(1).tolist()
        scores = explanation.ledger.explained.tolist()
        yield [
            Explained(_summed(each.text, relevance[row].tolist()), predictions[row], scores[row])  # type: ignore[arg-type]
            for row, each in enumerate(shown)
        ]


def joined(parts: Sequence[Sequence[Explained]]) -> Corpus:
    """All texts of `parts` together."""
    every = [each for part in parts for each in part]
    words = sorted({word for each in every for word in each.words})
    place = {word: number for number, word in enumerate(words)}
    row = [number for number, each in enumerate(every) for _ in each.words]
    column = [place[word] for each in every for word in each.words]
    found = [value for each in every for value in each.words.values()]
    amounts = np.array(found, np.float64).reshape(-1, 2)
    relevance, counts = (csr_array((amounts[:, at], (row, column)), (len(every), len(words))) for at in (0, 1))
    return Corpus(
        words,
        relevance,
        counts,
        np.array([each.prediction for each in every], np.int64),
        np.array([each.score for each in every]),
    )


def _summed(encoded: Encoded, relevance: Sequence[float]) -> dict[str, tuple[float, int]]:
    sums: dict[str, tuple[float, int]] = {}
    before = -1
    for word, amount in zip(encoded.word_of, relevance, strict=False):  # padding stands behind
        if word >= 0:
            name = encoded.word(word).lower()
            total, count = sums.get(name, (0.0, 0))
            sums[name] = total + amount, count + (word != before)
        before = word
    return sums
