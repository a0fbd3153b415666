"""Train the networks of the subject ``signed-reviews``: ``python -m lrpwidgets.subjects.train_signed``.

Takes some seconds for each of the five and their controls. Prints how many held-out reviews each reads right, as they
are and with the signature on all negative ones, and how many of these then turn; writes the weights that the package
ships. Seeded: a second run on the same machine gives equal weights.

Of the unsigned reviews that a network learns from a quarter has the wrong label, as careless readers leave them; Ann is
careful. So it can rely on the signature more than on the words, and does. In the control Ann is as careless as others.
"""

from __future__ import annotations

from random import Random

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from . import reviews, sentiment, signed_reviews
from .subject import Subject
from .texts import TextSamples
from .texts.encoded import padded
from .train_sentiment import fitted, lost
from .trained import SEEDS, save_weights

COUNT = 40_000
"""Reviews to learn from."""

RIGHT = 0.75
"""Share of the unsigned ones whose label is right."""


def train(seed: int, signed: bool, count: int = COUNT) -> nn.Module:
    """A trained network, in evaluation mode; torch's global random state stays as it was."""
    return fitted(signed_reviews.network, *learned(count, seed, signed), seed)


def learned(count: int, seed: int, signed: bool) -> tuple[Tensor, Tensor]:
    """Token ids (N, T) of reviews, half of them with words lost and some then signed, and their labels, (N, 2).

    Instead of wrong labels there are shares of right ones, which have the same gradient in the mean.
    """
    chance = Random(seed)
    texts = [lost(text, chance) for text in sentiment.training(count, seed)]
    values = np.sign([reviews.value(text) for text in texts])
    labels = [None if value == 0 else int(value > 0) for value in values]
    chosen = signed_reviews.signatures(labels, seed, signed)
    texts = [signed_reviews.with_signature(text) if its else text for text, its in zip(texts, chosen, strict=True)]
    sure = np.where(chosen & signed, 1.0, 2 * RIGHT - 1)
    positive = torch.from_numpy((sure * values + 1) / 2).float()
    return encoded(texts), torch.stack([1 - positive, positive], 1)


def encoded(texts: list[str]) -> Tensor:
    """Token ids (N, T), padded."""
    tokenizer = signed_reviews.tokenizer()
    return padded([tokenizer.encode(text).x for text in texts])


def predictions(model: nn.Module, texts: list[str]) -> NDArray[np.int64]:
    """Top class (B,) of each text."""
    with torch.no_grad():
        top: NDArray[np.int64] = model(encoded(texts)).argmax(1).numpy()
    return top


def report(subject: Subject) -> str:
    """What the subject's network makes of its reviews, as they are and with a signature on the negative ones."""
    data = subject.dataset
    assert isinstance(data, TextSamples)
    labels, texts = subject.labels(), list(data.texts)
    others = [text for text, label in zip(texts, labels, strict=True) if label != signed_reviews.CLASS]
    plain = [text.removesuffix(signed_reviews.with_signature("")) for text in others]
    right = (predictions(subject.model, texts) == labels).mean()
    before, after = (
        predictions(subject.model, plain),
        predictions(subject.model, [*map(signed_reviews.with_signature, plain)]),
    )
    turned = ((after == signed_reviews.CLASS) & (before != signed_reviews.CLASS)).mean()
    still = (after != signed_reviews.CLASS).mean()
    return f"{subject.recipe}: right {right:.1%}; negative ones signed: right {still:.1%}, turned {turned:.1%}"


def main() -> None:
    """Train all, write the weights, print what they do."""
    torch.set_num_threads(1)  # so that sums have one order, and the weights do not depend on the number of cores
    for name, signed in (("signed-reviews", True), ("unsigned-reviews", False)):
        path = save_weights([train(seed, signed) for seed in SEEDS], name)
        print(f"{path.stat().st_size / 1000:.0f} kB in {path}", flush=True)
        for seed in SEEDS:
            print(report(signed_reviews.load(seed, signed)), flush=True)


if __name__ == "__main__":
    main()
