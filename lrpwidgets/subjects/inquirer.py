"""The network of the subject ``visual-questions``: it reads a question and looks at a picture."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional

from .answerer import CHANNELS, eye

HIDDEN = (96, 96)
"""Channels of the layers to which the question adds."""

WIDTH = 64
"""Of the words' embeddings."""


class Inquirer(nn.Module):
    """Answers questions in words about pictures.

    What is asked is added to what is seen before two ReLUs, which so open for some things and stay closed for others:
    there is no product of the two, so that relevance is shared between them by their contributions.
    """

    def __init__(self, words: int, answers: int) -> None:
        super().__init__()
        self.eye = eye()
        self.embedding = nn.Embedding(words, WIDTH)
        self.word = nn.Linear(WIDTH, WIDTH)
        self.conv5 = nn.Conv2d(CHANNELS[-1], HIDDEN[0], 1)
        self.question5 = nn.Linear(WIDTH, HIDDEN[0], bias=False)
        self.conv6 = nn.Conv2d(HIDDEN[0], HIDDEN[1], 1)
        self.question6 = nn.Linear(WIDTH, HIDDEN[1], bias=False)
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.hidden = nn.Linear(HIDDEN[1], WIDTH)
        self.question7 = nn.Linear(WIDTH, WIDTH, bias=False)
        self.linear = nn.Linear(WIDTH, answers)

    def forward(self, pictures: Tensor, tokens: Tensor) -> Tensor:
        """Scores (B, answers) for pictures (B, 3, 64, 64) and the ids of words (B, T), −1 behind shorter questions."""
        return self.answer(self.eye(pictures), tokens)

    def answer(self, seen: Tensor, tokens: Tensor) -> Tensor:
        """Scores (B, answers) for what the eye has `seen`, (B, 48, 8, 8)."""
        question = self.read(tokens)
        hidden = functional.relu(self.conv5(seen) + self.question5(question)[:, :, None, None])
        hidden = functional.relu(self.conv6(hidden) + self.question6(question)[:, :, None, None])
        hidden = functional.relu(self.hidden(self.pool(hidden).flatten(1)) + self.question7(question))
        scores: Tensor = self.linear(hidden)
        return scores

    def read(self, tokens: Tensor) -> Tensor:
        """What is asked, (B, 64): a sum over words."""
        there = tokens >= 0
        words = functional.relu(self.word(self.embedding(tokens.masked_fill(~there, 0))))
        return torch.sum(words * there.unsqueeze(-1).to(words.dtype), 1)
