"""Methods that only look at what the score does when parts of the input are taken away."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..knobs import knob
from ..subjects.texts import PADDING
from . import baselines, draws
from .baselines import Baseline
from .captum_attr import attr
from .method import Cost, Found, Method
from .question import Question
from .spreading import patch_side, segments, shared_out


def _patch() -> Any:
    return knob(None, "p", "Larger: coarser and quicker, in pixels.", (1, 64), least=1, most=100_000, whole=True)


def _samples(default: int) -> Any:
    return knob(
        default, "n", "More: less noise, slower.", (10, 5000), logarithmic=True, least=1, most=10**7, whole=True
    )


class Perturbation(Method):
    """Takes parts of one input away, segment by segment: see :func:`.segments`."""

    alone: ClassVar[bool] = True
    captum: ClassVar[bool] = True
    patch: int | None
    baseline: Baseline

    def __post_init__(self) -> None:
        super().__post_init__()
        baselines.check(type(self).__name__, self.baseline)


@dataclass(frozen=True, repr=False)
class Occlusion(Perturbation):
    """How far the score falls if a patch is covered, the mean of those that cover a pixel (Zeiler & Fergus 2014).

    Of what a patch loses, each of its elements gets an even share: exact for linear models.
    """

    patch: int | None = _patch()
    """Side of the square, in pixels; by default an eighth of the longest side of the input."""
    stride: int | None = knob(None, "s", "Smaller: finer and slower, in pixels.", (1, 64), least=1, whole=True)
    """How far it moves; by default its side."""
    baseline: Baseline = "zero"

    def cost(self, x: Tensor) -> Cost:
        window, strides = self._window(x)
        counts = (math.ceil((n - w) / s) + 1 for n, w, s in zip(x.shape[1:], window, strides, strict=True))
        return Cost(math.prod(counts) + 1)

    def obstacle(self, question: Question) -> str | None:
        side = patch_side(question.x, self.patch)
        if self.stride is not None and self.stride > side:
            return f"a stride of {self.stride} leaves out what lies between patches of {side}."
        return None

    def attribute(self, question: Question) -> Found:
        window, strides = self._window(question.x)
        lost: Tensor = (
            attr()
            .Occlusion(question.forward)
            .attribute(
                question.x,
                window,
                strides,
                baselines=baselines.of(question.x, self.baseline),
                perturbations_per_eval=question.batch_size,
            )
        )
        return Found((lost / math.prod(window)).to(question.x))

    def _window(self, x: Tensor) -> tuple[tuple[int, ...], tuple[int, ...]]:
        """The sides of the patch, and how far it moves."""
        if x.dim() == 2:
            return (1,), (1,)
        side = patch_side(x, self.patch)
        sides = tuple(min(side, size) for size in x.shape[2:])
        return (x.shape[1], *sides), (x.shape[1], *(min(self.stride or side, each) for each in sides))


@dataclass(frozen=True, repr=False)
class Erasure(Method):
    """How far the score falls if a token is hidden, one after the other (Li et al. 2016).

    Hidden is what a model gives no weight, as it gives none to what stands behind shorter texts. Tokens that a model
    names in its `special_tokens`, as those of `lrpwidgets.subjects.describe` do, are no words: they stay and get 0.
    """

    alone: ClassVar[bool] = True
    whole_numbers: ClassVar[bool] = True

    def cost(self, x: Tensor) -> Cost:
        return Cost(x[0].numel())

    def obstacle(self, question: Question) -> str | None:
        if question.x.is_floating_point() or question.x.dim() != 2:
            return "it hides tokens, and the input holds none."
        if bool(((question.x != PADDING).sum(1) < 2).any()):
            return "there is but one token, and no model reads nothing."
        return None

    def trial(self, question: Question) -> None:
        if len(places := _words(question)):
            question.forward(_hidden(question.x[:1], places[:1]))

    @torch.no_grad()
    def attribute(self, question: Question) -> Found:
        places, found = _words(question), question.value.new_zeros(question.x.shape)
        for part in torch.split(places, question.batch_size) if len(places) else ():
            found[0, part] = question.value - question.forward(_hidden(question.x, part))
        stay = int((question.x[0] != PADDING).sum()) > len(places)
        return Found(found, ["Special tokens were not hidden, as models look for them: theirs is 0."] if stay else [])


def _words(question: Question) -> Tensor:
    """The places of a text (1, T) whose tokens can be hidden."""
    x = question.x[0]
    special = torch.tensor(sorted(getattr(question.explainer.model, "special_tokens", ())), dtype=x.dtype)
    return ((x != PADDING) & ~torch.isin(x, special.to(x.device))).nonzero().flatten()


def _hidden(x: Tensor, places: Tensor) -> Tensor:
    """Copies of a text (1, T), each without the token at one of the `places`: (n, T)."""
    return x.repeat(len(places), 1).scatter(1, places[:, None].to(x.device), PADDING)


class Coalitions(Perturbation):
    """Looks at inputs of which several segments are taken away at once."""

    samples: int
    seed: int

    def cost(self, x: Tensor) -> Cost:
        return Cost(self.samples)

    def obstacle(self, question: Question) -> str | None:
        if int(segments(question.x, self.patch).max()) < 1:
            return "there is but one patch; make patches smaller."
        return None

    def attribute(self, question: Question) -> Found:
        numbers = segments(question.x, self.patch)
        settings = {
            "baselines": baselines.of(question.x, self.baseline),
            "feature_mask": numbers,
            "n_samples": self.samples,
            "perturbations_per_eval": question.batch_size,
        }
        with draws.seeded(self.seed), torch.no_grad():
            values: Tensor = self.explainer(question).attribute(question.x, **settings)
        return Found(shared_out(values, numbers).to(question.x))

    def explainer(self, question: Question) -> Any:
        """Captum's."""
        raise NotImplementedError


@dataclass(frozen=True, repr=False)
class Lime(Coalitions):
    """A linear model of the score around the input, in which patches are there or not (Ribeiro et al. 2016).

    As in the authors' code for pictures: ridge regression, samples weighted by √exp(−d²/w²) with d the cosine distance
    to the whole picture; the patches are regular ones.
    """

    samples: int = _samples(1000)
    patch: int | None = _patch()
    width: float = knob(0.25, "w", "Smaller: only samples close to the input count.", (0.1, 2.0), above=0)
    baseline: Baseline = "mean"
    seed: int = draws.seed()

    def explainer(self, question: Question) -> Any:
        from captum._utils.models.linear_model import SkLearnRidge

        return attr().Lime(question.forward, SkLearnRidge(alpha=1.0), similarity_func=self.closeness)

    def closeness(self, _: Tensor, __: Tensor, there: Tensor, **___: Any) -> Tensor:
        """The weight of a sample in which patches are `there`, (1, n), as ones and zeros."""
        distance = 1 - there.float().mean().sqrt()  # of the cosine to all ones
        return torch.exp(-(distance**2) / self.width**2).sqrt()


@dataclass(frozen=True, repr=False)
class KernelShap(Coalitions):
    """Shapley values of the patches, by weighted regression over random coalitions (Lundberg & Lee 2017)."""

    samples: int = _samples(1000)
    patch: int | None = _patch()
    baseline: Baseline = "zero"
    seed: int = draws.seed()

    def explainer(self, question: Question) -> Any:
        return attr().KernelShap(question.forward)


@dataclass(frozen=True, repr=False)
class ShapleySampling(Coalitions):
    """Shapley values of the patches: what each adds in random orders, which adds up to the change (Strumbelj 2010)."""

    samples: int = _samples(25)
    """Random orders."""
    patch: int | None = _patch()
    baseline: Baseline = "zero"
    seed: int = draws.seed()

    def cost(self, x: Tensor) -> Cost:
        return Cost(self.samples * (int(segments(x[:1], self.patch).max()) + 1) + 1)

    def explainer(self, question: Question) -> Any:
        return attr().ShapleyValueSampling(question.forward)
