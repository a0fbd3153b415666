"""Maps that know nothing of the network: what a method must beat."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from zlib import crc32

import torch
import torch.nn.functional as F
from torch import Tensor

from . import draws
from .method import Cost, Found, Method
from .question import Question
from .spreading import spread

BLIND = "A control: it knows nothing of the network."


class Control(Method):
    """Never looks at the network."""

    def cost(self, x: Tensor) -> Cost:
        return Cost(0)


@dataclass(frozen=True, repr=False)
class Noise(Control):
    """Random numbers: what is no better explains nothing.

    They are the same whenever the same input comes, and others for every other input: a map that all inputs share would
    measure which places matter on average, and no order at random.
    """

    alone: ClassVar[bool] = True
    whole_numbers: ClassVar[bool] = True
    seed: int = draws.seed()

    def attribute(self, question: Question) -> Found:
        numbers = question.x.cpu().contiguous().view(torch.uint8).numpy().tobytes()
        generator = torch.Generator().manual_seed(crc32(numbers, self.seed))
        wide = torch.promote_types(question.scores.dtype, torch.float32)
        return Found(torch.randn(question.x.shape, generator=generator).to(question.x.device, wide), [BLIND])


@dataclass(frozen=True, repr=False)
class Edges(Control):
    """Sobel's edges of the picture: many maps that please the eye are little more (Adebayo et al. 2018)."""

    def obstacle(self, question: Question) -> str | None:
        return None if question.x.dim() == 4 else _no_picture(question.x)

    def attribute(self, question: Question) -> Found:
        across = question.x.new_tensor([[1.0, 0.0, -1.0], [2.0, 0.0, -2.0], [1.0, 0.0, -1.0]])
        grey = F.pad(question.x.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
        both = F.conv2d(grey, torch.stack([across, across.T])[:, None])
        return Found(spread(both.square().sum(1, keepdim=True).sqrt(), question.x), [BLIND])


@dataclass(frozen=True, repr=False)
class Magnitude(Control):
    """The size of the input's own numbers: what a method says that only multiplies by them."""

    def attribute(self, question: Question) -> Found:
        return Found(question.x.abs(), [BLIND])


def _no_picture(x: Tensor) -> str:
    return f"the inputs {tuple(x.shape)} are no pictures (B, C, H, W)."
