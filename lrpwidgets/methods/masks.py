"""Methods that look through masks at a picture: random ones, and the smallest that turns the decision."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import ClassVar, Literal

import torch
import torch.nn.functional as F
from torch import Tensor

from ..knobs import knob
from . import baselines, draws
from .baselines import Baseline
from .gradients import pieces
from .method import Cost, Found, Method
from .question import Question
from .spreading import enlarged, spread

Output = Literal["probability", "score"]
"""What is looked at: the papers take probabilities, by a softmax where there are several classes."""


class Masking(Method):
    """Hides parts of pictures."""

    output: Output
    baseline: Baseline

    def __post_init__(self) -> None:
        super().__post_init__()
        baselines.check(type(self).__name__, self.baseline)

    def obstacle(self, question: Question) -> str | None:
        shape = tuple(question.x.shape)
        return None if len(shape) == 4 else f"the inputs {shape} are no pictures (B, C, H, W)."

    def seen(self, question: Question, x: Tensor) -> Tensor:
        """What is looked at, of pictures `x`."""
        return question.probability(x) if self.output == "probability" else question.forward(x)


@dataclass(frozen=True, repr=False)
class Rise(Masking):
    """The mean of random masks, weighted by what the network says to the picture through each (Petsiuk et al. 2018)."""

    alone: ClassVar[bool] = True
    samples: int = knob(1000, "n", "More: less noise.", (100, 8000), logarithmic=True, least=1, most=10**7, whole=True)
    cells: int = knob(7, "s", "Cells of a mask along a side; more: finer.", (3, 16), least=1, most=1000, whole=True)
    share: float = knob(0.5, "p", "How much of the picture is seen.", (0.1, 0.9), above=0, most=1)
    output: Output = "probability"
    baseline: Baseline = "zero"
    seed: int = draws.seed()

    def cost(self, x: Tensor) -> Cost:
        return Cost(self.samples)

    @torch.no_grad()
    def attribute(self, question: Question) -> Found:
        x, generator = question.x, torch.Generator().manual_seed(self.seed)
        hidden, total = baselines.of(x, self.baseline), x.new_zeros(1, 1, *x.shape[2:])
        for size in pieces(self.samples, question.batch_size):
            masks = self.masks(size, x, generator)
            said = self.seen(question, masks * x + (1 - masks) * hidden)
            total += (said[:, None, None, None] * masks).sum(0, keepdim=True)
        return Found(spread(total / (self.samples * self.share), x))

    def masks(self, count: int, x: Tensor, generator: torch.Generator) -> Tensor:
        """Random masks (count, 1, H, W): coarse cells that are there or not, enlarged and shifted by part of a cell."""
        height, width = x.shape[2:]
        tall, wide = math.ceil(height / self.cells), math.ceil(width / self.cells)
        # One after the other, so that they are the same however many are made at once.
        drawn = torch.stack([torch.rand(self.cells**2 + 2, generator=generator) for _ in range(count)])
        cells = (drawn[:, 2:] < self.share).reshape(count, 1, self.cells, self.cells).to(x)
        large = F.interpolate(cells, ((self.cells + 1) * tall, (self.cells + 1) * wide), mode="bilinear")
        shifts = (drawn[:, :2] * torch.tensor([tall, wide])).long().tolist()
        return torch.stack([m[:, i : i + height, j : j + width] for m, (i, j) in zip(large, shifts, strict=True)])


_IDLE = "A mask hides nothing. A probability of almost 1 has no slope to follow; output='score' has one."


@dataclass(frozen=True, repr=False)
class MeaningfulPerturbation(Masking):
    """The smallest smooth mask behind which the network no longer sees the class (Fong & Vedaldi 2017).

    Minimizes λ₁·mean(1 − m) + λ₂·TV(m) + f(m ⊙ x + (1 − m) ⊙ baseline) by Adam, with noise on the picture so that no
    artefact does it; the relevance is 1 − m.
    """

    steps: int = knob(150, "n", "More: closer to the minimum.", (50, 500), least=0, most=100_000, whole=True)
    cells: int = knob(
        28, "s", "Cells of the mask along a side; fewer: smoother.", (4, 56), least=2, most=1000, whole=True
    )
    area: float = knob(0.01, "λ₁", "Larger: less is hidden.", (1e-3, 10.0), logarithmic=True, least=0)
    variation: float = knob(0.2, "λ₂", "Larger: smoother.", (1e-3, 10.0), logarithmic=True, least=0)
    power: float = knob(3.0, "β", "Of the differences between neighbours.", (1.0, 4.0), least=1, most=10)
    rate: float = knob(0.1, "η", "Step size of Adam.", (1e-3, 0.5), logarithmic=True, above=0)
    noise: float = knob(0.2, "σ", "Of the noise on the picture.", (0.0, 0.5), least=0)
    output: Output = "probability"
    baseline: Baseline = "blur"
    seed: int = draws.seed()

    def cost(self, x: Tensor) -> Cost:
        return Cost(self.steps, self.steps)

    def attribute(self, question: Question) -> Found:
        x, generator = question.x, torch.Generator().manual_seed(self.seed)
        hidden = baselines.of(x, self.baseline)
        cells = (min(self.cells, x.shape[2]), min(self.cells, x.shape[3]))
        mask = x.new_ones(len(x), 1, *cells).requires_grad_()
        optimizer = torch.optim.Adam([mask], self.rate)
        for _ in range(self.steps):
            fine = enlarged(mask, x)
            shaken = x + self.noise * torch.randn(x.shape[1:], generator=generator).to(x)
            said = self.seen(question, fine * shaken + (1 - fine) * hidden)
            (mask.grad,) = torch.autograd.grad((said + self._penalty(mask)).sum(), mask)
            optimizer.step()
            with torch.no_grad():
                mask.clamp_(0, 1)
        hides = 1 - enlarged(mask.detach(), x)
        idle = self.steps > 0 and bool((hides.flatten(1).amax(1) == 0).any())
        told = [_IDLE] if idle else []
        return Found(spread(hides, x), told)

    def _penalty(self, mask: Tensor) -> Tensor:
        """Of every mask, (B,): its area and its roughness."""
        down, right = mask.diff(dim=2).abs(), mask.diff(dim=3).abs()
        rough = (down**self.power).flatten(1).mean(1) + (right**self.power).flatten(1).mean(1)
        return self.area * (1 - mask).abs().flatten(1).mean(1) + self.variation * rough
