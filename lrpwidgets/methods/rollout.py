"""Attention rollout, from the attention weights that a tape recorded."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..lrp import operations
from ..lrp.tape import Tape
from .along import made_by
from .method import Cost, Found, Method
from .question import Question
from .spreading import enlarged, spread

_MOST_CLASS_TOKENS = 2
"""A class token, and one for distillation."""


@dataclass(frozen=True, repr=False)
class AttentionRollout(Method):
    """Where attention comes from, layer below layer, half of it passing by (Abnar & Zuidema 2020).

    Of each layer the mean over its heads; at the class token if there is one, else the mean over tokens. It is the same
    for all classes.
    """

    alone: ClassVar[bool] = True

    def cost(self, x: Tensor) -> Cost:
        return Cost(1)

    def obstacle(self, question: Question) -> str | None:
        layers = attentions(question)
        if not layers:
            return "the network has no self-attention over all of its tokens that torch shows."
        if len({layer.shape for layer in layers}) > 1:
            return "its layers attend to different numbers of tokens."
        if _grid(question, len(layers[0])) is None:
            return "its tokens are no patches of a picture, in rows and columns."
        return None

    def attribute(self, question: Question) -> Found:
        layers, x = attentions(question), question.x
        rolled = torch.eye(len(layers[0])).to(layers[0])
        for layer in layers:
            passed = (layer + torch.eye(len(layer)).to(layer)) / 2
            rolled = passed @ rolled
        grid = _grid(question, len(rolled))
        assert grid is not None
        first = len(rolled) - math.prod(grid)
        tokens = rolled[0, first:] if first else rolled.mean(0)
        told = "Attention rollout is the same for every class: it says where the network looks, not what for."
        return Found(spread(enlarged(tokens.reshape(1, 1, *grid), x), x), [told])


def attentions(question: Question) -> list[Tensor]:
    """The attention weights of every layer for one input, the mean over heads, (T, T)."""
    tape = question.rewritten
    found = []
    for step in tape.steps:
        if step.operation is operations.SOFTMAX:
            call = tape.call(step)
            weights = call.replay(*call.inputs)[0]
            if weights.dim() >= 3 and weights.shape[-1] == weights.shape[-2] and _mixes(tape, made_by(step)):
                found.append(weights.reshape(-1, *weights.shape[-2:]).mean(0))
    return found


def _mixes(tape: Tape, value: int) -> bool:
    """Whether tokens are mixed by these numbers: a product reads them, possibly after a dropout."""
    readers = [step for step in tape.steps if value in step.inputs]
    return any(
        step.kind == "matmul" or (step.kind in ("activation", "routing") and _mixes(tape, made_by(step)))
        for step in readers
    )


def _grid(question: Question, tokens: int) -> tuple[int, int] | None:
    """Rows and columns of the patches, as the convolution makes them that cuts the picture up."""
    if question.x.dim() != 4:
        return None
    tape = question.rewritten
    for step in tape.steps:
        shape = tape.values[made_by(step)].saved.shape
        if (
            step.kind in ("conv", "linear")
            and len(shape) == 4
            and 0 <= tokens - shape[2] * shape[3] <= _MOST_CLASS_TOKENS
        ):
            return int(shape[2]), int(shape[3])
    return None
