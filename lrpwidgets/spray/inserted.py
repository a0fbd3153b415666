"""The poison test of words: put what a cluster of texts reads beyond the others into texts of other classes.

As a box is pasted on pictures, a word is inserted into texts, somewhere between two words, as often as a text of the
cluster has it. That alone says little, as every word that speaks for a class turns some texts into it. So in the
control words of the same class are inserted at the same places in the same texts: of texts of the other clusters that
which speaks most for the class, as often as they have it. What is evidence of the class does not much more than other
evidence.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..subjects.texts.encoded import PADDING, padded
from ..subjects.texts.pieces import SPACE
from .poison import MEMBERS, UntestableError, label_of, other_clusters

if TYPE_CHECKING:
    from ..lrp import Explainer
    from ..subjects import Subject
    from ..subjects.texts import Tokenizer
    from .atlas import Atlas

TURNS = 0.3
"""Share of other texts that a word turns into its class, beyond what its control does, if it is an artefact.

More than of a box: each word that speaks for a class turns texts in which little speaks against it. In reviews strong
words as "horrible" up to 0.18 beyond the weaker ones of the control; the signature of `signed-reviews` from 0.68 on.
"""

EXPLAINED = 0.5
"""Share of the texts that a word turns which its control may turn, too; there the signature up to 0.30."""

Ids = tuple[int, ...]

Lent = tuple[int, int]
"""A token and how often it is inserted."""


@dataclass(frozen=True, eq=False)
class Inserted:
    """A word that the model may have learnt instead of the class; two if neither is ever without the other."""

    turns: ClassVar[float] = TURNS
    explained: ClassVar[float] = EXPLAINED
    phrase: Ids
    """Its tokens."""
    counts: NDArray[np.int64] = field(repr=False)
    """How often those texts of the cluster have it that do, (m,)."""
    label: int
    """The class that it may stand for."""
    controls: tuple[list[Lent], ...] = field(repr=False)
    """Of texts of each other cluster of the class that which speaks most for it, as often as they have it; where there
    is no other, of texts of other classes."""
    tokenizer: Tokenizer = field(repr=False)
    of_class: bool = True
    """Whether the controls are of the class."""

    @property
    def written(self) -> str:
        """The word, as it is read."""
        return " ".join(map(self.tokenizer.piece, self.phrase))

    @property
    def what(self) -> str:
        """See :class:`lrpwidgets.spray.poison.Suspect`."""
        return f"the word “{self.written}”"

    def scores(self, inputs: Tensor, explainer: Explainer, random: np.random.Generator) -> Tensor:
        """See :class:`lrpwidgets.spray.poison.Suspect`."""
        texts = _texts(inputs)
        wanted = [
            [self._own(random) for _ in texts],
            *([self._lent(each, random) for _ in texts] for each in self.controls),
        ]
        places = self._places(texts, wanted, random)
        return torch.stack([explainer.scores(self._with(texts, places, each)).float().cpu() for each in wanted])

    def taken(self, inputs: Tensor, random: np.random.Generator) -> Tensor:
        """Texts (B, T) with the word between others, as often as a text of the cluster has it."""
        texts = _texts(inputs)
        own = [self._own(random) for _ in texts]
        return self._with(texts, self._places(texts, [own], random), own)

    def removed(self, inputs: Tensor, random: np.random.Generator) -> Tensor | None:
        """Those of the texts (B, T) that have the word, without it; None if none has it."""
        texts = _texts(inputs)
        left = [_without(text, self.phrase) for text in texts if _found(text, self.phrase)]
        left = [text for text in left if text]
        return padded([torch.tensor(text) for text in left]) if left else None

    def pictured(self, x: Tensor) -> list[Tensor]:
        """Nothing: a word is in no picture."""
        return []

    def quoted(self, x: Tensor) -> list[tuple[str, bool]]:
        """A text (T,) with the word, as `taken` puts it there: what each token is called, and whether it was put."""
        (text,), random = _texts(x[None]), np.random.default_rng(0)
        own = [self._own(random)]
        (places,) = self._places([text], [own], random)
        text, places, words = self._fitted(text, places, own[0])
        pieces: list[tuple[str, bool]] = []
        for place in range(len(text) + 1):
            put = [word for at, word in zip(places, words, strict=False) if at == place]
            pieces += [(self.tokenizer.piece(token), True) for word in put for token in word]
            pieces += [(self.tokenizer.piece(token), False) for token in text[place : place + 1]]
        return pieces

    def _own(self, random: np.random.Generator) -> list[Ids]:
        """What is inserted, place by place: the word, as often as one of the texts has it."""
        return [self.phrase] * int(random.choice(self.counts))

    def _lent(self, control: list[Lent], random: np.random.Generator) -> list[Ids]:
        """The same of a control: of as many of its texts as the word has tokens."""
        drawn = [control[int(random.integers(len(control)))] for _ in self.phrase]
        most = max(count for _, count in drawn)
        return [tuple(token for token, count in drawn if count > place) for place in range(most)]

    def _places(
        self, texts: list[list[int]], wanted: list[list[list[Ids]]], random: np.random.Generator
    ) -> list[list[int]]:
        """Before which tokens of each text something goes, in random order: the same of all that is `wanted`."""
        sizes = [max(map(len, each)) for each in zip(*wanted, strict=True)]
        return [
            random.choice(self.tokenizer.gaps(text), size).tolist() for text, size in zip(texts, sizes, strict=True)
        ]

    def _with(self, texts: list[list[int]], places: list[list[int]], words: list[list[Ids]]) -> Tensor:
        each = zip(texts, places, words, strict=True)
        return padded([torch.tensor(_inserted(*self._fitted(text, where, what))) for text, where, what in each])

    def _fitted(self, text: list[int], places: list[int], words: list[Ids]) -> tuple[list[int], list[int], list[Ids]]:
        """A text, and the words that go before its tokens at `places`, so that the model has places for all.

        Of one that gets too long its own last words go, as many as need be. Of the inserted ones each is there whole;
        the last are left out where there is no place for so many.
        """
        if self.tokenizer.most is None:
            return text, places, words
        gaps, special = self.tokenizer.gaps(text), self.tokenizer.special
        own = [place for place in range(gaps[0], gaps[-1]) if text[place] not in special]
        sizes = np.cumsum([len(word) for word in words])
        words = words[: int((sizes <= self.tokenizer.most - len(text) + len(own)).sum())]
        beyond = len(text) + sum(map(len, words)) - self.tokenizer.most
        gone = set(own[-beyond:] if beyond > 0 else ())
        left = [token for place, token in enumerate(text) if place not in gone]
        return left, [place - sum(each < place for each in gone) for place in places], words


def word_of(atlas: Atlas, number: int, subject: Subject, token: int | None = None) -> Inserted:
    """The word that a cluster suggests: on which it has most relevance beyond the others.

    Parameters
    ----------
    token
        Another word instead, such as that of one of `Cluster.words`.

    Raises
    ------
    ValueError
        If there is no cluster of that number, the subject has no tokenizer, or the store is not of its vocabulary.
    UntestableError
        If no word is given, and on none the cluster has more relevance than the others, or there is nothing to compare
        with.
    """
    cluster, label, tokenizer = atlas.cluster(number), label_of(atlas, number), subject.tokenizer
    if tokenizer is None:
        raise ValueError(f"{subject.title!r} has texts and no tokenizer; give it one: Subject(..., tokenizer=).")
    excess = cluster.excess_on(tokenizer)
    if token is None:
        token = int(excess.argmax())
        if not excess[token] > 0:
            raise UntestableError("it has no word more than the other clusters")
    others = other_clusters(atlas, number, label)
    members = _read(atlas, subject, cluster.rows[:MEMBERS])
    seen = [*members, *(text for rows in others for text in _read(atlas, subject, rows[:MEMBERS]))]
    phrase = _phrase(token, seen)
    lenders = others or (np.flatnonzero(atlas.store.done & (atlas.store.target != label)),)
    if not others and not len(lenders[0]):
        raise UntestableError("there is no other cluster of its class, and no text of another one, to compare with")
    whose = "another cluster" if others else "other classes"
    controls = tuple(_foremost(atlas, subject, rows, phrase, whose) for rows in lenders)
    counts = np.array([count for text in members if (count := len(_found(text, phrase)))] or [1])
    return Inserted(phrase, counts, label, controls, tokenizer, bool(others))


def token_of(word: str, subject: Subject) -> int:
    """The token that a word is, as a person types it: that of the word behind another one, if there are two.

    A piece of the vocabulary that nobody types, such as "##ly" or "▁is", is that token.

    Raises
    ------
    ValueError
        If the vocabulary does not have it, it is several tokens, or the subject has no texts.
    """
    tokenizer = subject.tokenizer
    if tokenizer is None:
        raise ValueError(f"{subject.title!r} has no texts, and so no words.")
    word = word.strip()
    if not word:
        raise ValueError("No word is given to be tested; take one of the words of the cards.")
    if word.startswith(SPACE) and word in tokenizer.numbers:
        return tokenizer.numbers[word]
    for written in (f" {word}", word):
        encoded = tokenizer.part(written)
        read = [place for place, (start, end) in enumerate(encoded.spans) if end > start]
        if len(read) == 1 and read[0] not in encoded.unknown:
            return encoded.ids[read[0]]
    if word in tokenizer.numbers:
        return tokenizer.numbers[word]
    if any(place in encoded.unknown for place in read):
        raise ValueError(f"The model's vocabulary does not have {word!r}; take one of the words of the cards.")
    parts = ", ".join(repr(encoded.pieces[place]) for place in read)
    raise ValueError(f"{word!r} is {len(read)} tokens to the model ({parts}); take one of them.")


def _foremost(atlas: Atlas, subject: Subject, rows: NDArray[np.int64], phrase: Ids, whose: str) -> list[Lent]:
    """Of texts of `rows`, those of `whose`, the token that speaks most for the class, and how often they have it.

    The word itself does not count: where it is in other clusters, too, there are other reasons for the class as well.
    """
    some = rows[:: max(1, len(rows) // MEMBERS)]
    maps = atlas.store.relevance(some)
    maps[:, list(phrase)] = 0
    maps[maps == 0] = -np.inf  # of a token that a text does not have
    found = zip(_read(atlas, subject, some), maps, strict=True)
    lent = [(token := int(each.argmax()), text.count(token)) for text, each in found if each.max() > -np.inf]
    if not lent:
        raise UntestableError(f"the texts of {whose} have no other words to compare with")
    return lent


def _phrase(token: int, texts: list[list[int]]) -> Ids:
    """The token, with that before or behind it if in these texts neither is ever without the other."""
    alone = [place for text in texts for place in range(len(text)) if text[place] == token]
    if not alone:
        return (token,)
    for step in (-1, 1):
        beside = {
            text[place + step] if 0 <= place + step < len(text) else PADDING
            for text in texts
            for place in range(len(text))
            if text[place] == token
        }
        if len(beside) == 1 and PADDING not in beside and token not in beside:
            (other,) = beside
            if sum(text.count(other) for text in texts) == len(alone):
                return (other, token) if step < 0 else (token, other)
    return (token,)


def _read(atlas: Atlas, subject: Subject, rows: NDArray[np.int64]) -> list[list[int]]:
    """The token ids of those rows of the store."""
    return [subject.item(int(item))[0].tolist() for item in atlas.store.index[rows]]


def _texts(inputs: Tensor) -> list[list[int]]:
    """Token ids of each text of a batch (B, T), without padding."""
    return [text[text != PADDING].tolist() for text in inputs]


def _found(text: Sequence[int], phrase: Ids) -> list[int]:
    """Where a phrase begins in a text."""
    size = len(phrase)
    return [place for place in range(len(text) - size + 1) if tuple(text[place : place + size]) == phrase]


def _without(text: Sequence[int], phrase: Ids) -> list[int]:
    gone = {place + step for place in _found(text, phrase) for step in range(len(phrase))}
    return [token for place, token in enumerate(text) if place not in gone]


def _inserted(text: Sequence[int], places: Sequence[int], words: Sequence[Ids]) -> list[int]:
    """A text with words before some of its tokens; there may be more places than words."""
    made: list[int] = []
    before = 0
    for place, word in sorted(zip(places, words, strict=False), key=lambda each: each[0]):
        made += [*text[before:place], *word]
        before = place
    return [*made, *text[before:]]
