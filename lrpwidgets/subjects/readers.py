"""Small networks that read texts: token ids (B, T), `PADDING` behind shorter ones, to scores (B, classes).

What stands behind a text changes nothing of its scores. A word that is hidden, `PADDING` in the midst of a text, is 0,
and all others keep their places.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional

from .texts.encoded import PADDING, last_places


class Reader(nn.Module):
    """What the networks have in common: a vector for each word, and one score per class of a vector of the text."""

    def __init__(self, words: int, width: int, classes: int) -> None:
        super().__init__()
        self.embedding = nn.Embedding(words, width)
        self.classify = nn.Linear(width, classes)

    def embedded(self, tokens: Tensor) -> tuple[Tensor, Tensor]:
        """Vectors (B, T, D), 0 behind shorter texts, and what is a word, (B, T, 1) of ones and zeros."""
        there = (tokens != PADDING).unsqueeze(-1)
        vectors = self.embedding(tokens.clamp_min(0))
        there = there.to(vectors.dtype)
        return vectors * there, there


class BagOfWords(Reader):
    """Each word has a score for each class; those of the text are their mean, whatever their order."""

    def forward(self, tokens: Tensor) -> Tensor:
        vectors, there = self.embedded(tokens)
        scores: Tensor = self.classify(vectors.sum(1) / there.sum(1))
        return scores


class Convolutional(Reader):
    """Two convolutions along the text, and the mean over its words."""

    def __init__(self, words: int, width: int, classes: int, reach: int = 5) -> None:
        super().__init__(words, width, classes)
        self.conv1 = nn.Conv1d(width, width, reach, padding=reach // 2)
        self.conv2 = nn.Conv1d(width, width, reach, padding=reach // 2)

    def forward(self, tokens: Tensor) -> Tensor:
        vectors, there = self.embedded(tokens)
        along = there.movedim(1, 2)
        h = functional.relu(self.conv1(vectors.movedim(1, 2))) * along  # a bias would speak behind the text
        h = functional.relu(self.conv2(h)) * along
        scores: Tensor = self.classify(h.sum(2) / along.sum(2))
        return scores


class Recurrent(Reader):
    """A long short-term memory (Hochreiter, Schmidhuber 1997) that reads from left to right; its last state counts."""

    def __init__(self, words: int, width: int, classes: int) -> None:
        super().__init__(words, width, classes)
        self.memory = nn.LSTM(width, width, batch_first=True)

    def forward(self, tokens: Tensor) -> Tensor:
        vectors, _ = self.embedded(tokens)
        states, _ = self.memory(vectors)
        rows = torch.arange(len(tokens), device=tokens.device)
        scores: Tensor = self.classify(states[rows, last_places(tokens)])
        return scores


class Block(nn.Module):
    """Attention and two layers at each place (Vaswani et al. 2017), norms first; no biases."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.norm1, self.norm2 = nn.LayerNorm(width, bias=False), nn.LayerNorm(width, bias=False)
        self.query, self.key, self.value, self.out = (nn.Linear(width, width, bias=False) for _ in range(4))
        self.up, self.down = nn.Linear(width, 2 * width, bias=False), nn.Linear(2 * width, width, bias=False)

    def forward(self, h: Tensor, mask: Tensor) -> Tensor:
        """States (B, T, D); `mask` (B, 1, 1, T) is −∞ behind texts."""
        a = self.norm1(h)
        h = h + self.out(self._attended(self.query(a), self.key(a), self.value(a), mask))
        last: Tensor = h + self.down(functional.gelu(self.up(self.norm2(h))))
        return last

    def _attended(self, query: Tensor, key: Tensor, value: Tensor, mask: Tensor) -> Tensor:
        q, k, v = (each.view(*each.shape[:2], self.heads, -1).transpose(1, 2) for each in (query, key, value))
        weights = (q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]) + mask).softmax(-1)
        together: Tensor = (weights @ v).transpose(1, 2).flatten(-2)
        return together


class Transformer(Reader):
    """Blocks of attention, and the mean over the words.

    Embeddings of positions begin small beside those of words, as usual; so each word is what it is at first.
    """

    def __init__(self, words: int, width: int, classes: int, longest: int, blocks: int = 3, heads: int = 4) -> None:
        super().__init__(words, width, classes)
        self.position = nn.Embedding(longest, width)
        nn.init.normal_(self.position.weight, std=0.4)
        self.blocks = nn.ModuleList(Block(width, heads) for _ in range(blocks))
        self.norm = nn.LayerNorm(width, bias=False)

    def forward(self, tokens: Tensor) -> Tensor:
        vectors, there = self.embedded(tokens)
        mask = (tokens == PADDING)[:, None, None].to(vectors.dtype) * torch.finfo(vectors.dtype).min
        h = vectors + self.position(torch.arange(tokens.shape[1], device=tokens.device))
        for block in self.blocks:
            h = block(h, mask)
        scores: Tensor = self.classify((self.norm(h) * there).sum(1) / there.sum(1))
        return scores
