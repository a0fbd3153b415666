"""PatternNet and PatternAttribution: what a neuron's weights respond to, estimated from data.

A weight vector must cancel what distracts from its signal, so it does not look like the signal itself. Its
*pattern* does: how the inputs covary with the output, cov[x, y] / var[y] (Kindermans et al. 2018, "Learning how to
explain neural networks"). Where a ReLU follows, only inputs with y > 0 count, in all means: E₊[x y] − E₊[x] E₊[y],
where the paper's a₊ has E₊[x] E[y]. Fit once on some hundred samples, then explain with the composite:

>>> patterns = fit(explainer, batches)  # doctest: +SKIP
>>> explainer.explain(x).switch(patterns.attribution())  # doctest: +SKIP
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

import torch
from torch import Tensor

from ..readable import Readable
from .batch import Given
from .composites import Composite
from .explainer import Explainer
from .linear import LinearStep, Term
from .operations import Linear, key
from .rules import Division, Epsilon, LinearRule, Rule
from .selectors import Exactly, Selector
from .tape import Step, Tape
from .weighted import Weighted


@dataclass(frozen=True, eq=False, repr=False)
class Pattern(LinearRule):
    """Hands relevance on with the pattern a in place of the weights, or with w ⊙ a (PatternAttribution).

    As wᵀa = 1, w ⊙ a conserves relevance. Where a ReLU follows, silent outputs drop theirs.
    """

    pattern: Tensor
    """a, shaped like the weight."""
    attribution: bool = True
    """w ⊙ a rather than a."""
    rectified: bool = True
    """Whether a ReLU follows the layer."""

    def divide(self, step: LinearStep, relevance: Tensor) -> Division:
        share = torch.where(step.output > 0, relevance, 0.0) if self.rectified else relevance
        matrix = self.pattern.to(share)
        if self.attribution:
            matrix = matrix * step.matrix(1, 1)
        placed = step.apply(matrix, tuple(torch.ones_like(x[:1]) for x in step.inputs))
        # What silent outputs drop, and what the others hand on too little or too much.
        (unplaced,) = step.samples.sum((relevance - share * placed).contiguous(), 1.0)
        return Division([Term(None, matrix, share)], rules=unplaced)

    def to_dict(self) -> dict[str, Any]:
        raise ValueError("A pattern is fitted from data and has no text form; save the tensors of Patterns.tensors.")


@dataclass(frozen=True, eq=False, repr=False)
class Patterns(Readable):
    """The patterns of a network, by layer."""

    tensors: Mapping[str, Tensor]
    """a by layer name, shaped like the layer's weight, with wᵀa = 1; 0 for outputs that never vary."""
    rectified: Mapping[str, bool]
    """By layer name, whether a ReLU follows."""

    def attribution(self) -> Composite:
        """PatternAttribution: how much each input's signal contributes to the score."""
        return self._composite("pattern_attribution", attribution=True)

    def signal(self) -> Composite:
        """PatternNet: the input's signal that the score responds to; not in units of the score."""
        return self._composite("pattern_net", attribution=False)

    def _composite(self, name: str, *, attribution: bool) -> Composite:
        entries: list[tuple[Selector, Rule]] = [
            (Exactly(layer), Pattern(tensor, attribution, self.rectified[layer]))
            for layer, tensor in self.tensors.items()
        ]
        return Composite([*entries, ("*", Epsilon())], name)


def fit(explainer: Explainer, batches: Iterable[Given]) -> Patterns:
    """Estimate the patterns of every convolution and dense layer from `batches` of inputs, seen once.

    Layers before a ReLU get the two-component estimator, which looks at the inputs that make the output
    positive; all others the linear one.

    Raises
    ------
    ValueError
        If there is no batch, or the network has no such layer.
    """
    moments: dict[str, _Moments] = {}
    for batch in batches:
        tape = explainer.record(batch)
        for step in tape.steps:
            if isinstance(step.operation, Linear) and step.operation.weighted:
                linear = step.operation.step(tape.call(step), explainer.cache)
                assert isinstance(linear, Weighted)
                moments.setdefault(step.name, _Moments(_feeds_relu(tape, step))).add(linear)
    if not moments:
        raise ValueError("There is nothing to fit: no batch was given, or the network has no layer with weights.")
    return Patterns(
        {name: each.pattern() for name, each in moments.items()},
        {name: each.rectified for name, each in moments.items()},
    )


@dataclass(eq=False)
class _Moments:
    """Running sums of x, y and x y over the outputs that count, in 64 bits."""

    rectified: bool
    sums: list[Tensor] = field(default_factory=list)
    weight: Tensor | None = None

    @torch.no_grad()
    def add(self, step: Weighted) -> None:
        y = step.output.double()
        counts = (y > 0).double() if self.rectified else torch.ones_like(y)
        x = step.input.double()
        self.weight = step.matrix(1, 1).double()
        new = [
            self._per_channel(step, counts),
            self._per_channel(step, y * counts),
            step.outer(x, counts, self.weight),
            step.outer(x, y * counts, self.weight),
        ]
        self.sums = [a + b for a, b in zip(self.sums, new, strict=True)] if self.sums else new

    @torch.no_grad()
    def pattern(self) -> Tensor:
        assert self.weight is not None
        count, y, x, xy = self.sums
        count = count.clamp(min=1)
        covariance = xy / count - (x / count) * (y / count)
        response = (self.weight * covariance).flatten(1).sum(1).reshape(count.shape)
        varies = response > 1e-12 * (xy / count).abs().flatten(1).sum(1).reshape(count.shape)
        return torch.where(varies, covariance / torch.where(varies, response, 1.0), 0.0)

    @staticmethod
    def _per_channel(step: Weighted, values: Tensor) -> Tensor:
        """Σ per output channel, shaped to divide the weight."""
        axis = values.dim() - 1 if step.across_output(values.new_zeros(1)).dim() == 1 else 1
        return step.along_outputs(values.movedim(axis, 0).flatten(1).sum(1))


def _feeds_relu(tape: Tape, step: Step) -> bool:
    """Whether all that reads the step's output is a ReLU."""
    readers = [each for each in tape.steps if not set(each.inputs).isdisjoint(step.results)]
    return bool(readers) and all(key(reader.function) in ("relu", "relu6") for reader in readers)
