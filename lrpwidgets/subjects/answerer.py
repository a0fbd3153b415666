"""The network of the subject ``questions``, and what holds a question for it."""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise

import torch
from torch import Tensor, nn
from torch.nn import functional

CHANNELS = (3, 16, 24, 32, 48)
"""Of the input and of the layers that see the picture alone."""

HIDDEN = (96, 64)
"""Channels of the layers whose biases depend on the question."""


class Answerer(nn.Module):
    """Answers questions about pictures; 40 thousand parameters for 18 questions with 14 answers."""

    def __init__(self, questions: int, answers: int) -> None:
        super().__init__()
        self.eye = eye()
        self.conv5 = nn.Conv2d(CHANNELS[-1], HIDDEN[0], 1)
        self.question5 = _biases(questions, HIDDEN[0])
        self.conv6 = nn.Conv2d(HIDDEN[0], HIDDEN[1], 1)
        self.question6 = _biases(questions, HIDDEN[1])
        self.pool = nn.AdaptiveMaxPool2d(1)
        self.linear = nn.Linear(HIDDEN[1], answers)

    def forward(self, pictures: Tensor, questions: Tensor) -> Tensor:
        """Scores (B, answers) for pictures (B, 3, 64, 64) and numbers of questions (B,)."""
        return self.answer(self.eye(pictures), questions)

    def answer(self, seen: Tensor, questions: Tensor) -> Tensor:
        """Scores (B, answers) for what the eye has `seen`, (B, 48, 8, 8)."""
        hidden = functional.relu(self.conv5(seen) + self.question5(questions)[:, :, None, None])
        hidden = functional.relu(self.conv6(hidden) + self.question6(questions)[:, :, None, None])
        scores: Tensor = self.linear(self.pool(hidden).flatten(1))
        return scores


class Asking(nn.Module):
    """An `Answerer` that is always asked the same question, as constant as weights are: it takes the picture alone."""

    question: Tensor

    def __init__(self, network: Answerer, question: int) -> None:
        super().__init__()
        self.network = network
        self.register_buffer("question", torch.tensor([question]))

    def forward(self, pictures: Tensor) -> Tensor:
        """Scores (B, answers) for pictures (B, 3, 64, 64)."""
        scores: Tensor = self.network(pictures, self.question.expand(len(pictures)))
        return scores


def eye() -> nn.Sequential:
    """Half as large after the first layer and after each pooling, so that (B, 3, 64, 64) becomes (B, 48, 8, 8)."""
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (before, after) in enumerate(pairwise(CHANNELS), start=1):
        size, stride = (5, 2) if number == 1 else (3, 1)
        layers[f"conv{number}"] = nn.Conv2d(before, after, size, stride, padding=size // 2)
        layers[f"relu{number}"] = nn.ReLU()
        if number in (2, 3):
            layers[f"pool{number}"] = nn.MaxPool2d(2)
    return nn.Sequential(layers)


def _biases(questions: int, channels: int) -> nn.Embedding:
    biases = nn.Embedding(questions, channels)
    nn.init.normal_(biases.weight, std=0.3)
    return biases
