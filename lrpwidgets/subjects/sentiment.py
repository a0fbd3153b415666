"""The subject ``sentiment``: film reviews of a small grammar, and networks that tell whether they are positive.

What the answer should depend on is known: words of sentiment, and negations that turn them round. ``dataset.truth`` has
it for each word, see `lrpwidgets.subjects.texts.KnownTexts`; the grammar is `lrpwidgets.subjects.reviews`. So here it
can be measured whether relevance is where it belongs, as Arras et al. (2022) do with pictures, and with its sign.

There are four networks, trained by `lrpwidgets.subjects.train_sentiment` on other reviews, each with five seeds: a
transformer, a long short-term memory, a convolutional network, and a bag of words. The last one cannot know what is
negated; it is there to be compared with.
"""

from __future__ import annotations

from difflib import get_close_matches
from functools import cache
from typing import TYPE_CHECKING, Literal, get_args

from . import reviews
from .subject import Subject
from .texts.samples import KnownTexts
from .texts.tokenizer import Vocabulary
from .trained import check_seed, load_weights

if TYPE_CHECKING:
    from torch import nn

Model = Literal["transformer", "lstm", "cnn", "bag_of_words"]
"""The networks there are."""

TITLES = {
    "transformer": "Small transformer",
    "lstm": "Small LSTM",
    "cnn": "Small CNN",
    "bag_of_words": "Bag of words",
}
"""What to call each."""

CLASSES = ["negative", "positive"]

HELD_OUT = 400
"""Reviews that training never sees."""

WIDTH = 32
"""Numbers that stand for a word."""

LONGEST = 64
"""Words, marks too, that the transformer has places for; reviews have up to 27."""


def load(model: Model = "transformer", seed: int = 0) -> Subject:
    """The subject: a trained network, and reviews that it has never seen.

    Parameters
    ----------
    model : {"transformer", "lstm", "cnn", "bag_of_words"}
        The network.
    seed : int
        0 to 4: its initial weights, and the reviews it learned from.

    Raises
    ------
    ValueError
        If there is no such network.
    """
    check_model(model, get_args(Model))
    check_seed(seed)
    texts = held_out()
    samples = KnownTexts(texts, [int(reviews.value(each) > 0) for each in texts], tokenizer(), truth=_truth())
    return Subject(
        model=load_weights(network(model), f"sentiment-{model}", seed),
        dataset=samples,
        classes=list(CLASSES),
        modality="text",
        tokenizer=samples.tokenizer,
        name="sentiment",
        title=f"{TITLES[model]} · film reviews",
        start=next(index for index, text in enumerate(texts) if "never" in text.split()),
        recipe=f"subjects.load('sentiment', model={model!r}, seed={seed})",
    )


def check_model(model: str, known: tuple[str, ...]) -> None:
    """ValueError if `model` is no name of `known` ones."""
    if model not in known:
        hint = "".join(f" Did you mean {close!r}?" for close in get_close_matches(str(model), known, n=1))
        raise ValueError(f"model must be one of {', '.join(known)}; got {model!r}.{hint}")


def network(model: Model) -> nn.Module:
    """The network, untrained: token ids (B, T) to scores (B, 2) of `CLASSES`."""
    from . import readers

    words = len(reviews.VOCABULARY)
    if model == "transformer":
        return readers.Transformer(words, WIDTH, len(CLASSES), LONGEST)
    kinds: dict[str, type[readers.Reader]] = {"lstm": readers.Recurrent, "cnn": readers.Convolutional}
    return kinds.get(model, readers.BagOfWords)(words, WIDTH, len(CLASSES))


def tokenizer() -> Vocabulary:
    """Makes token ids of reviews; a text of one's own may be as long as the transformer has places for."""
    return Vocabulary(reviews.VOCABULARY, most=LONGEST)


@cache
def held_out() -> list[str]:
    """Reviews that training never sees."""
    return reviews.reviews(HELD_OUT, seed=1_000_000)


def training(count: int, seed: int) -> list[str]:
    """Other reviews, to train on."""
    kept = set(held_out())
    return [text for text in reviews.reviews(count + HELD_OUT, seed) if text not in kept][:count]


@cache
def _truth() -> list[tuple[int, ...]]:
    return [reviews.truth(text) for text in held_out()]
