"""Train the networks of the subject ``sentiment``: ``python -m lrpwidgets.subjects.train_sentiment [MODEL ...]``.

Takes about a minute for each transformer and some seconds for each of the others, of which there are five each; prints
the accuracy on held-out reviews, and writes the weights that the package ships. Seeded: a second run on the same
machine gives equal weights.

Half of the reviews that the networks learn from have lost some words, as notes do, and the label is that of what is
left; where that says nothing, both classes are right by half. From whole reviews alone they learn what a review with a
word less never shows: that nothing but words of sentiment counts.

No label is quite sure: `LOG_ODDS` tells how much surer each point of a review's value makes it. A network that learns
from sure labels alone is free to say of two clear reviews that either is the clearer one, and then its score without a
word tells little of that word.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Sequence
from functools import partial
from random import Random
from typing import Any, get_args

import torch
from torch import Tensor, nn
from torch.nn import functional
from torch.nn.utils.rnn import pad_sequence

from . import reviews, sentiment
from .texts.encoded import PADDING
from .trained import SEEDS, save_weights

COUNT = {"transformer": 130_000, "lstm": 40_000, "cnn": 40_000, "bag_of_words": 40_000}
"""Reviews to learn from."""

BATCH = 128

EPOCHS = 2
"""How often each is seen."""

LOG_ODDS = 6
"""Of the label that is right, for each point of value: one point is right 400 times as often as wrong."""

LOST = (0, 0, 0, 1, 2, 3)
"""How many words a review loses, one of these at random."""


def train(model: sentiment.Model, seed: int = 0) -> nn.Module:
    """A trained network, in evaluation mode; torch's global random state stays as it was."""
    return fitted(partial(sentiment.network, model), *learned(COUNT[model], seed), seed)


def fitted(network: Callable[[], nn.Module], x: Tensor, targets: Tensor, seed: int) -> nn.Module:
    """A network, trained on token ids (N, T) and what is right of each, (N, 2). Torch's random state stays."""
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        made = network()
        optimizer = torch.optim.AdamW(made.parameters(), weight_decay=0.05)
        steps = EPOCHS * -(-len(x) // BATCH)
        schedule = torch.optim.lr_scheduler.OneCycleLR(optimizer, max_lr=8e-3, total_steps=steps)
        lengths = (x != PADDING).sum(1)
        for _ in range(EPOCHS):
            for batch in batches(lengths):
                tokens = x[batch, : int(lengths[batch].max())]
                loss = functional.cross_entropy(made(tokens), targets[batch])
                optimizer.zero_grad()
                loss.backward()  # type: ignore[no-untyped-call]
                optimizer.step()
                schedule.step()
    return made.eval()


def batches(lengths: Tensor) -> list[Tensor]:
    """Numbers of texts in random order, in batches of texts that are about as long, so that there is little padding."""
    parts = torch.randperm(len(lengths)).split(64 * BATCH)  # type: ignore[no-untyped-call]
    alike = [batch for part in parts for batch in part[lengths[part].argsort()].split(BATCH)]
    return [alike[place] for place in torch.randperm(len(alike)).tolist()]


def learned(count: int, seed: int) -> tuple[Tensor, Tensor]:
    """Token ids (N, T) of reviews, half of them with words lost, and what is right of each, (N, 2)."""
    chance = Random(seed)
    texts = [lost(text, chance) for text in sentiment.training(count, seed)]
    positive = (LOG_ODDS * torch.tensor([reviews.value(text) for text in texts])).sigmoid()
    return encoded(texts), torch.stack([1 - positive, positive], 1)


def lost(text: str, chance: Random) -> str:
    """A review without some of its words or marks, one of which stays."""
    left = reviews.written(text)
    for _ in range(min(chance.choice(LOST), len(left) - 1)):
        del left[chance.randrange(len(left))]
    return " ".join(left)


def encoded(texts: list[str]) -> Tensor:
    """Token ids (N, T), padded."""
    tokenizer = sentiment.tokenizer()
    return pad_sequence([tokenizer.encode(text).x for text in texts], batch_first=True, padding_value=PADDING)


def accuracy(model: nn.Module) -> float:
    """Share of the held-out reviews that `model` reads right."""
    texts = sentiment.held_out()
    labels = torch.tensor([int(reviews.value(text) > 0) for text in texts])
    with torch.no_grad():
        return float((model(encoded(texts)).argmax(1) == labels).float().mean())


def main() -> None:
    """Train, write the weights, print the held-out accuracies with these."""
    torch.set_num_threads(1)  # so that sums have one order, and the weights do not depend on the number of cores
    names: Sequence[Any] = sys.argv[1:] or get_args(sentiment.Model)
    for name in names:
        path = save_weights([train(name, seed) for seed in SEEDS], f"sentiment-{name}")
        shares = [accuracy(sentiment.load(name, seed).model) for seed in SEEDS]
        told = ", ".join(f"{share:.1%}" for share in shares)
        print(f"{name}: held-out accuracies {told}; {path.stat().st_size / 1000:.0f} kB in {path}", flush=True)


if __name__ == "__main__":
    main()
