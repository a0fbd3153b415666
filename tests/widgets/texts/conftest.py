"""A subject of texts whose model is exact: words have values, and "not" turns that of the next word."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor, nn

from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.texts import UNKNOWN, TextSamples, Vocabulary
from lrpwidgets.widgets import Exploration
from tests.widgets.texts.toy import make

VALUES = {UNKNOWN: 0.0, "the": 0.0, "film": 0.25, "is": 0.0, "good": 1.0, "bad": -1.5, "warm": 0.5, ".": 0.0}

TEXTS = ["The film is good.", "The film is bad.", "Good warm film. Bad film!", "the bad film is warm ."]


class Sum(nn.Module):
    """Scores (−s, s) of the sum of values."""

    def __init__(self) -> None:
        super().__init__()
        self.value = nn.Embedding.from_pretrained(torch.tensor([[-v, v] for v in VALUES.values()]))

    def forward(self, tokens: Tensor) -> Tensor:
        there = tokens >= 0
        return (self.value(tokens.masked_fill(~there, 0)) * there.unsqueeze(-1)).sum(1)


class Attentive(nn.Module):
    """Two blocks of attention with four heads, untrained."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embed = nn.Embedding(len(VALUES), 16)
        self.blocks = nn.ModuleList(Block() for _ in range(2))
        self.out = nn.Linear(16, 2)

    def forward(self, tokens: Tensor) -> Tensor:
        there = tokens >= 0
        x = self.embed(tokens.masked_fill(~there, 0))
        for block in self.blocks:
            x = block(x, there)
        kept = there.unsqueeze(-1).to(x.dtype)
        return self.out((x * kept).sum(1) / kept.sum(1))


class Block(nn.Module):
    """Attention and a dense layer, each added."""

    def __init__(self) -> None:
        super().__init__()
        self.norm, self.attend = nn.LayerNorm(16), nn.MultiheadAttention(16, 4, batch_first=True)
        self.mlp = nn.Sequential(nn.LayerNorm(16), nn.Linear(16, 32), nn.GELU(), nn.Linear(32, 16))

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        read = self.norm(x)
        x = x + self.attend(read, read, read, key_padding_mask=~there, need_weights=False)[0]
        return x + self.mlp(x)


def subject_of(model: nn.Module) -> Subject:
    vocabulary = Vocabulary(list(VALUES))
    samples = TextSamples(TEXTS, [1, 0, 1, 0], vocabulary)
    classes = ["negative", "positive"]
    return Subject(model.eval(), samples, classes, modality="text", tokenizer=vocabulary, name="reviews", title="Sum")


@pytest.fixture
def reviews() -> Subject:
    """Texts, and the sum of their words' values."""
    return subject_of(Sum())


@pytest.fixture
def attentive() -> Subject:
    """The same texts, and a small transformer."""
    return subject_of(Attentive())


@pytest.fixture
def toy() -> Subject:
    """Texts behind a ``[CLS]``, one of them long and one hostile; relevance of each token is its value."""
    return make()


@pytest.fixture
def reading(explore, toy) -> Exploration:
    """The first of them, explained."""
    return explore(toy)
