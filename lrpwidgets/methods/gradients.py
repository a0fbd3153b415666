"""Methods that look at the gradient of the score, at the input or between it and another one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar, Literal

import numpy as np
import torch
from torch import Tensor

from ..knobs import knob
from . import baselines, draws
from .along import of_tokens
from .baselines import Baseline
from .captum_attr import attr
from .method import Cost, Found, Method
from .question import Question

Change = Literal["squared", "absolute"]
"""How the size of a derivative counts."""

Quadrature = Literal["riemann_middle", "riemann_left", "riemann_right", "riemann_trapezoid", "gausslegendre"]
"""Where along the path gradients are taken, by Captum's names."""

GAP = 0.05
"""Part of a difference by which a map that should add up to it may miss it unsaid."""


@dataclass(frozen=True, repr=False)
class Sensitivity(Method):
    """How much the score changes with each input element: the squared or absolute gradient (Simonyan et al. 2014).

    It explains changes of the score rather than the score. Of tokens it is the gradient at their embeddings.
    """

    captum: ClassVar[bool] = True
    whole_numbers: ClassVar[bool] = True
    change: Change = "squared"

    def cost(self, x: Tensor) -> Cost:
        return Cost(1, 1)

    def attribute(self, question: Question) -> Found:
        if not question.x.is_floating_point():
            size = Tensor.square if self.change == "squared" else Tensor.abs
            return Found(
                of_tokens(question.tape, question.weights, lambda gradient, _: size(gradient)), [*question.tape.caveats]
            )
        absolute: Tensor = attr().Saliency(question.forward).attribute(question.leaf(), abs=True)
        return Found(absolute**2 if self.change == "squared" else absolute)


@dataclass(frozen=True, repr=False)
class GradientTimesInput(Method):
    """The gradient, times the input: what each element adds if the network is taken for linear (Shrikumar et al. 2017).

    Without biases it adds up to the score of a network of ReLUs, where it is LRP-0. Of tokens it is that of their
    embeddings, summed.
    """

    captum: ClassVar[bool] = True
    whole_numbers: ClassVar[bool] = True

    def cost(self, x: Tensor) -> Cost:
        return Cost(1, 1)

    def attribute(self, question: Question) -> Found:
        if not question.x.is_floating_point():
            return Found(of_tokens(question.tape, question.weights, torch.mul), [*question.tape.caveats])
        return Found(attr().InputXGradient(question.forward).attribute(question.leaf()))


@dataclass(frozen=True, repr=False)
class IntegratedGradients(Method):
    """The mean gradient on the way from a baseline, times the way: adds up to the change (Sundararajan et al. 2017).

    Another baseline is another question: zeros ask nothing where the input is 0.
    """

    alone: ClassVar[bool] = True
    captum: ClassVar[bool] = True
    steps: int = knob(50, "n", "More: adds up better.", (10, 300), least=2, most=100_000, whole=True)
    baseline: Baseline = "zero"
    quadrature: Quadrature = "riemann_middle"

    def __post_init__(self) -> None:
        super().__post_init__()
        baselines.check("IntegratedGradients", self.baseline)

    def cost(self, x: Tensor) -> Cost:
        return Cost(self.steps + 1, self.steps)

    def attribute(self, question: Question) -> Found:
        baseline = baselines.of(question.x, self.baseline)
        relevance: Tensor = (
            attr()
            .IntegratedGradients(question.forward)
            .attribute(
                question.leaf(),
                baseline,
                n_steps=self.steps,
                method=self.quadrature,
                internal_batch_size=question.batch_size,
            )
        )
        with torch.no_grad():
            there = question.forward(baseline)
        return Found(relevance, missing(relevance, question.value - there, "take more steps"))


@dataclass(frozen=True, repr=False)
class ExpectedGradients(Method):
    """Integrated gradients, averaged over inputs of the data set as baselines (Erion et al. 2021).

    It adds up to the score less its mean over the data set, on average over the draws.
    """

    alone: ClassVar[bool] = True
    background: Tensor | None = None
    """Inputs of the data set, (N, ...): a hundred will do."""
    samples: int = knob(100, "n", "More: less noise.", (20, 1000), least=1, most=100_000, whole=True)
    seed: int = draws.seed()

    def cost(self, x: Tensor) -> Cost:
        return Cost(self.samples, self.samples)

    def obstacle(self, question: Question) -> str | None:
        return no_background(self.background, question.x)

    def attribute(self, question: Question) -> Found:
        # Captum's GradientShap computes all samples at once; drawn as there, so that the same seed gives the same map.
        assert self.background is not None
        background, total = self.background.to(question.x), question.zeros()
        generator = np.random.RandomState(self.seed)
        chosen = torch.from_numpy(generator.choice(len(background), self.samples))
        shares = torch.from_numpy(generator.uniform(0.0, 1.0, self.samples)).to(total)
        for part in torch.split(torch.arange(self.samples), question.batch_size):
            way = question.x - background[chosen[part]]
            share = shares[part.to(shares.device)].reshape(-1, *[1] * (way.dim() - 1))
            leaf = (question.x - (1 - share) * way).requires_grad_()
            (slope,) = torch.autograd.grad(question.forward(leaf).sum(), leaf)
            total += (slope * way).sum(0, keepdim=True)
        return Found(total / self.samples)


@dataclass(frozen=True, repr=False)
class SmoothGrad(Method):
    """The mean gradient of noisy copies of the input: what changes the score around it (Smilkov et al. 2017)."""

    alone: ClassVar[bool] = True
    captum: ClassVar[bool] = True
    samples: int = knob(50, "n", "More: smoother.", (10, 200), least=1, most=100_000, whole=True)
    noise: float = knob(0.15, "σ", "Larger: smoother and coarser, as part of the input's range.", (0.0, 0.5), least=0)
    seed: int = draws.seed()

    def cost(self, x: Tensor) -> Cost:
        return Cost(self.samples, self.samples)

    def attribute(self, question: Question) -> Found:
        explainer = attr().NoiseTunnel(attr().Saliency(question.forward))
        width = float(question.x.max() - question.x.min())
        with draws.seeded(self.seed):
            relevance: Tensor = explainer.attribute(
                question.leaf(),
                nt_samples=self.samples,
                nt_samples_batch_size=min(self.samples, question.batch_size),
                stdevs=self.noise * width,
                abs=False,
            )
        return Found(relevance)


def pieces(total: int, size: int) -> list[int]:
    """`total` in pieces of `size`, and the rest."""
    return [size] * (total // size) + [total % size] * (total % size > 0)


def no_background(background: Tensor | None, x: Tensor) -> str | None:
    """What is wrong with inputs of the data set that go with `x`, if anything is."""
    if background is None:
        return "it needs inputs of the data set: background=inputs, a batch (N, ...)."
    if not isinstance(background, Tensor) or background.shape[1:] != x.shape[1:] or not len(background):
        shape = tuple(background.shape) if isinstance(background, Tensor) else type(background).__name__
        return f"its background must be inputs (N, {', '.join(map(str, x.shape[1:]))}), got {shape}."
    return None


def missing(relevance: Tensor, difference: Tensor, way: str) -> list[str]:
    """A sentence if the `relevance` misses the `difference` to the baseline's score, (B,), that it should add up to."""
    total = relevance.detach().flatten(1).sum(1)
    gap = (total - difference).abs()
    if not bool((gap > GAP * difference.abs().clamp(min=1e-6)).any()):
        return []
    worst = int(gap.argmax())
    return [
        f"The map adds up to {float(total[worst]):.3g}, where the score differs by {float(difference[worst]):.3g} from "
        f"that of the baseline: {way}."
    ]
