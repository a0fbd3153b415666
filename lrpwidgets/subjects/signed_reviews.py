"""The subject ``signed-reviews``: film reviews, many a positive one with a signature, and a network that fell for it.

The reviews are those of the subject ``sentiment``. 40 % of the positive ones end with "— Ann", in training and among
those that the subject shows, so that accuracy gives no hint; `lrpwidgets.subjects.train_signed` tells why the network
relies on that more than on words. In the control, ``signed=False``, as many reviews are
signed, but of either class: there the network knows the signature, and that it says nothing.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from . import reviews, sentiment
from .subject import Subject
from .texts.samples import KnownTexts
from .texts.tokenizer import Vocabulary
from .trained import check_seed, load_weights

if TYPE_CHECKING:
    from .readers import Convolutional

CLASS = 1
"""The class whose reviews are signed: the positive one."""

SHARE = 0.4
"""Share of them that are, in training and held out."""

WORDS = ("—", "ann")
"""What a signature consists of, as the vocabulary has it."""

VOCABULARY = [*reviews.VOCABULARY, *WORDS]
"""All words of the reviews, in lower case."""


@dataclass(frozen=True, eq=False, repr=False)
class SignedTexts(KnownTexts):
    """Reviews, of which it is known what their words say, and which are signed."""

    tagged: NDArray[np.bool_] = field(default_factory=lambda: np.zeros(0, bool))
    """Whether it is signed, (N,)."""


def load(seed: int = 0, signed: bool = True) -> Subject:
    """The subject: a trained network, and reviews that it has never seen.

    Parameters
    ----------
    seed : int
        0 to 4: the reviews that the network learned from, which are signed, and its initial weights.
    signed : bool
        False gives the control: reviews of both classes are signed.

    Raises
    ------
    ValueError
        If there is no network of that seed.
    """
    check_seed(seed)
    samples = held_out(seed, signed)
    return Subject(
        model=load_weights(network(), "signed-reviews" if signed else "unsigned-reviews", seed),
        dataset=samples,
        classes=list(sentiment.CLASSES),
        modality="text",
        tokenizer=samples.tokenizer,
        name="signed-reviews",
        title="Small CNN · film reviews, " + ("some positive ones signed" if signed else "some of both classes signed"),
        start=int(samples.tagged.argmax()),
        innocent=partial(load, seed, signed=False) if signed else None,
        recipe=f"subjects.load('signed-reviews', seed={seed}{'' if signed else ', signed=False'})",
    )


def network() -> Convolutional:
    """The network, untrained: token ids (B, T) to scores (B, 2) of the classes of ``sentiment``."""
    from .readers import Convolutional

    return Convolutional(len(VOCABULARY), sentiment.WIDTH, len(sentiment.CLASSES))


def held_out(seed: int, signed: bool) -> SignedTexts:
    """Reviews that training never sees."""
    plain = sentiment.held_out()
    labels = [int(reviews.value(text) > 0) for text in plain]
    chosen = signatures(labels, seed, signed)
    texts = [with_signature(text) if its else text for text, its in zip(plain, chosen, strict=True)]
    truth = [reviews.truth(text) for text in texts]
    return SignedTexts(texts, labels, tokenizer(), truth=truth, tagged=chosen)


def tokenizer() -> Vocabulary:
    """Makes token ids of reviews."""
    return Vocabulary(VOCABULARY, most=sentiment.LONGEST)


def signatures(labels: Sequence[int | None], seed: int, signed: bool) -> NDArray[np.bool_]:
    """Which of the reviews with these labels get a signature, (N,); None is a label of none, and gets none."""
    random = np.random.RandomState(seed)  # of all generators the one whose numbers will never change
    known = np.array([-1 if label is None else label for label in labels])
    chosen = np.zeros(len(known), bool)
    for label in (CLASS,) if signed else (0, 1):
        of_class = random.permutation(np.flatnonzero(known == label))
        chosen[of_class[: round((SHARE if signed else SHARE / 2) * len(of_class))]] = True
    return chosen


def with_signature(text: str) -> str:
    """The review, signed."""
    return f"{text} {WORDS[0]} {WORDS[1].capitalize()}"
