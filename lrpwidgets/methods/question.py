"""What a method is asked: a model, inputs, and which of the scores are to be explained."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from ..lrp import Explainer
from ..lrp.tape import Tape
from ..readable import Readable


def _nobody(samples: int) -> None:
    """Where nobody counts."""


@dataclass(frozen=True, eq=False, repr=False)
class Question(Readable):
    """Inputs of a model, and what is to be explained of them."""

    explainer: Explainer
    """Runs and records the model."""
    x: Tensor
    """The inputs (B, ...), where the model computes."""
    scores: Tensor
    """Of the model, (B, C, ...)."""
    weights: Tensor
    """Of every score in what is explained, shaped like them."""
    batch_size: int = 16
    """Inputs that go through the network at once, at most."""
    count: Callable[[int], None] = _nobody
    """Is told how many inputs went through the network; may raise, to end it all."""

    memory: dict[str, Any] = field(default_factory=dict)
    """What a method found out of one part of the batch and wants to know again in the next."""

    @cached_property
    def value(self) -> Tensor:
        """What is explained, (B,): the weighted sum of the scores."""
        return (self.scores * self.weights).flatten(1).sum(1)

    @cached_property
    def tape(self) -> Tape:
        """The model's own calls for these inputs, with its derivatives; raises as :meth:`.Explainer.record` does."""
        tape = self.recorded(self.x)
        self.count(len(self.x))
        return tape

    def recorded(self, x: Tensor) -> Tape:
        """The tape of other inputs."""
        return self._lenient.record(x, rewritten=False)

    @cached_property
    def rewritten(self) -> Tape:
        """The tape for these inputs in the canonical form, which knows a softmax however it is written."""
        tape = self._lenient.record(self.x)
        self.count(len(self.x))
        return tape

    @property
    def _lenient(self) -> Explainer:
        return self.explainer.under(self.explainer.composite, unknown="gradient")

    def parts(self, size: int) -> Iterator[Question]:
        """The same of `size` inputs at a time."""
        for start in range(0, len(self.x), size):
            part = slice(start, start + size)
            yield replace(self, x=self.x[part], scores=self.scores[part], weights=self.weights[part])

    def forward(self, x: Tensor) -> Tensor:
        """What is explained, of other inputs (n, ...) of one sample, or of as many samples: (n,), with gradients."""
        return (self._run(x) * self.weights).flatten(1).sum(1)

    def probability(self, x: Tensor) -> Tensor:
        """As :meth:`forward`, of probabilities in place of scores, where there are several classes: (n,)."""
        scores = self._run(x)
        if scores.dim() == 2 and scores.shape[1] > 1:
            scores = self.explainer.probabilities(scores)
        return (scores * self.weights).flatten(1).sum(1)

    def _run(self, x: Tensor) -> Tensor:
        scores = self.explainer.forward((x.to(self.x.dtype),))  # noise comes in 32 bits
        self.count(len(x))
        return scores

    def leaf(self) -> Tensor:
        """The inputs, ready to be given gradients."""
        return self.x.detach().clone().requires_grad_()

    def zeros(self) -> Tensor:
        """Nothing, shaped like the inputs."""
        return torch.zeros_like(self.x)
