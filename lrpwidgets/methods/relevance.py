"""Layer-wise relevance propagation beside the others: composites, patterns, excitation backprop."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, ClassVar

import torch
from torch import Tensor

from ..lrp import Composite, Explanation, patterns
from ..lrp.linear import LinearStep
from ..lrp.patterns import Patterns
from ..lrp.rules import AlphaBeta, Division, LinearRule, Rule, ZPlus
from ..lrp.selectors import Kind, Position, Selector
from .gradients import no_background
from .method import Cost, Found, Method
from .question import Question


class Propagation(Method):
    """One forward pass, recorded, and relevance back along it."""

    whole_numbers: ClassVar[bool] = True

    def cost(self, x: Tensor) -> Cost:
        return Cost(1, 1)

    def trial(self, question: Question) -> None:
        if "recorded" not in question.memory:
            question.memory["recorded"] = question.explainer.record(question.x[:1])


@dataclass(frozen=True, repr=False)
class LRP(Propagation):
    """Layer-wise relevance propagation under a composite of rules (Bach et al. 2015).

    Where the relevance of the score goes, an :class:`.Explainer` says in full.
    """

    composite: str | Composite | Rule | None = None
    """As an :class:`.Explainer` takes it: a preset by its name, a composite, or one rule for every layer; by default
    the explainer's own."""

    def attribute(self, question: Question) -> Found:
        composite = question.explainer.composite if self.composite is None else self.composite
        return _found(_explained(question, composite, question.weights))


@dataclass(frozen=True, repr=False)
class PatternAttribution(Propagation):
    """LRP by what the neurons respond to, w ⊙ a, which is learned from data (Kindermans et al. 2018)."""

    whole_numbers: ClassVar[bool] = False
    background: Tensor | None = None
    """Inputs of the data set, (N, ...): some hundred."""
    patterns: Patterns | None = None
    """As :func:`.patterns.fit` found them before; then no background is needed."""

    def obstacle(self, question: Question) -> str | None:
        return no_background(self.background, question.x) if self.patterns is None else None

    def attribute(self, question: Question) -> Found:
        return _found(_explained(question, self._fitted(question).attribution(), question.weights))

    def _fitted(self, question: Question) -> Patterns:
        fitted: Patterns | None = self.patterns or question.memory.get("patterns")
        if fitted is None:
            assert self.background is not None
            batches = torch.split(self.background.to(question.x), question.batch_size)
            fitted = question.memory["patterns"] = patterns.fit(question.explainer, batches)
        return fitted


@dataclass(frozen=True, repr=False)
class Contrast(LinearRule):
    """What speaks for an output, less what would if all its weights had the other sign (Zhang et al. 2016, eq. 7).

    That is z⁺ less z⁻, α1β1. Of a weight, both shares have the same sum, so the rule hands on 0 in all.
    """

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        both = AlphaBeta(2).divide(step, relevance) + ZPlus().divide(step, -relevance)
        return both + Division([], rules=step.samples.sum(relevance, 1.0)[0])


class Excitation(Propagation):
    """Begins at a probability of 1 for what is explained, whatever its score."""

    contrasts: ClassVar[bool] = False

    def attribute(self, question: Question) -> Found:
        dead = question.scores == 0
        start = (question.weights / question.scores.masked_fill(dead, 1.0)).masked_fill(dead, 0.0)
        return _found(_explained(question, self._composite(), start))

    def _composite(self) -> Composite:
        plus: list[tuple[Selector, Rule]] = [(Kind("conv"), ZPlus()), (Kind("linear"), ZPlus())]
        return Composite([(Position(-1), Contrast()), *plus] if self.contrasts else plus, "excitation_backprop")


@dataclass(frozen=True, repr=False)
class ExcitationBackprop(Excitation):
    """z⁺ (α1β0) in every layer from a probability of 1: which inputs win, whatever the class (Zhang et al. 2016).

    Biases keep their share, where the paper has none.
    """


@dataclass(frozen=True, repr=False)
class ContrastiveExcitationBackprop(Excitation):
    """Excitation backprop less that of the class with negated weights: what is particular to it (Zhang et al. 2016)."""

    contrasts: ClassVar[bool] = True


def _explained(question: Question, composite: Any, target: Tensor) -> Explanation:
    explanation = question.explainer.under(composite).explain(question.x, target, keep="input")
    question.count(len(question.x))
    return explanation


def _found(explanation: Explanation) -> Found:
    assert isinstance(explanation.relevance, Tensor)
    return Found(explanation.relevance, explanation.caveats)


__all__ = ["LRP", "Contrast", "ContrastiveExcitationBackprop", "ExcitationBackprop", "PatternAttribution"]
