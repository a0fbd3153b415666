"""The result of an explanation: scores, relevance at every layer, the ledger, and ways to ask on."""

from __future__ import annotations

import difflib
import operator
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

import torch
from torch import Tensor

from . import composites
from .composites import Composite
from .ledger import Ledger, Row, per_sample
from .linear import EffectiveWeights
from .propagation import Relevance, propagate
from .rules import Rule
from .selectors import KINDS, Layout
from .tape import Step, Tape

Target = int | Sequence[int] | Tensor | None


@dataclass(frozen=True, eq=False)
class Layer:
    """One step of the network in an explanation."""

    name: str
    """The module's path, with the function's name where the module makes several calls."""
    kind: str
    """Family: one of :data:`~.selectors.KINDS`, or ``"activation"``, ``"routing"``, ..."""
    rule: Rule | None
    """The rule that hands its relevance on; None where the operation needs none."""
    shape: tuple[int, ...]
    """Shape of its output, batch first."""
    activation: Tensor
    """Its output."""
    relevance: Tensor
    """The relevance of its output, shaped like it."""

    @property
    def takes_rule(self) -> bool:
        """Whether a rule may be given to it."""
        return self.kind in KINDS


class Explanation:
    """Why the network gave these scores: made by :meth:`Explainer.explain`, never changed.

    :meth:`switch` and :meth:`retarget` give new explanations that share everything that stays the same.
    An explanation keeps all activations and relevances of its batch, about twice the memory of a forward in
    training.
    """

    def __init__(
        self,
        tape: Tape,
        layout: Layout,
        composite: Composite,
        target: Tensor,
        cache: EffectiveWeights,
        before: Relevance | None = None,
    ) -> None:
        self.composite = composite
        """Which rule each layer got."""
        self.target = target
        """Weight of every score in what is explained, (B, C)."""
        self.layout = layout
        """The network as the selectors of a composite see it."""
        self._tape, self._cache = tape, cache
        if before:
            tape.check_weights()
        resolved = composite.resolve(tape.steps, layout)
        self._relevance = propagate(tape, resolved, tape.scores * target, cache, before)

    @property
    def scores(self) -> Tensor:
        """The model's output, (B, C)."""
        return self._tape.scores

    @property
    def top_class(self) -> int:
        """The class with the highest score in the first sample."""
        return int(self.scores[0].argmax())

    @property
    def relevance(self) -> Tensor | tuple[Tensor, ...]:
        """Relevance of the input, shaped like it; a tuple for several inputs."""
        found = tuple(self._relevance_of(value) for value in self._tape.inputs)
        return found[0] if len(found) == 1 else found

    @cached_property
    def layers(self) -> list[Layer]:
        """Every step of the network in execution order; ``explanation["features.0"]`` finds one by name."""
        return [self._layer(index, step) for index, step in enumerate(self._tape.steps)]

    def __getitem__(self, name: str) -> Layer:
        """The layer `name`; a batch norm that was folded is found in the layer before it."""
        return self.layers[self._index(name)]

    @property
    def recomputed(self) -> list[str]:
        """Names of the layers whose relevance this explanation had to propagate again, in execution order."""
        return [step.name for index, step in enumerate(self._tape.steps) if index in self._relevance.again]

    @cached_property
    def ledger(self) -> Ledger:
        """Where the explained score went."""
        rows = [self._row(index, step) for index, step in reversed(list(enumerate(self._tape.steps)))]
        arrived = torch.stack([self._per_sample(self._relevance_of(value)) for value in self._tape.inputs])
        return Ledger([row for row in rows if row], self._per_sample(self._relevance.start), arrived.sum(0))

    @cached_property
    def caveats(self) -> list[str]:
        """Sentences to read before trusting the picture; empty if there is nothing to say."""
        found = list(self._tape.caveats)
        unknown = [step.name for step in self._tape.steps if step.operation is None]
        if unknown:
            found.append(f"No rule is known for {', '.join(unknown)}: gradient × input was used there.")
        explained = self.ledger.explained
        if bool((explained == 0).any()):
            found.append("An explained score is 0: there is nothing to share out.")
        if bool((explained < 0).any()):
            found.append(
                "An explained score is negative: rules that see positive contributions only, such as z⁺, "
                "then mark supporting evidence as negative."
            )
        if not all(bool(self._relevance_of(value).isfinite().all()) for value in self._tape.inputs):
            found.append("Relevance is not finite: the numbers overflowed; try a larger ε or float32.")
        return found

    @torch.inference_mode(False)
    def switch(
        self, composite: str | Composite | Rule | None = None, rules: Mapping[str, Rule] | None = None
    ) -> Explanation:
        """The explanation under another `composite`, or with other `rules` for some layers by name, or both.

        Only layers below the topmost changed rule are propagated again.

        Raises
        ------
        ValueError
            If a layer name is unknown or its operation takes no rule.
        StaleExplanationError
            If the model's weights changed since they were used.
        """
        new = self.composite if composite is None else composites.chosen(composite, self._tape.steps)
        for name in rules or {}:
            if not self[name].takes_rule:
                raise ValueError(f"The layer {name!r} takes no rule: it is of kind {self[name].kind!r}.")
        named = {self._tape.steps[self._index(name)].name: rule for name, rule in (rules or {}).items()}
        new = new.overridden(named) if named else new
        return Explanation(self._tape, self.layout, new, self.target, self._cache, self._relevance)

    @torch.inference_mode(False)
    def retarget(self, target: Target) -> Explanation:
        """The explanation of another `target` (see :meth:`Explainer.explain`) without a new forward."""
        weights = target_weights(target, self.scores)
        return Explanation(self._tape, self.layout, self.composite, weights, self._cache, self._relevance)

    def _index(self, name: str) -> int:
        for index, step in enumerate(self._tape.steps):
            if name == step.name or (step.norm and name == step.norm.name):
                return index
        near = difflib.get_close_matches(name, [step.name for step in self._tape.steps], n=3, cutoff=0.3)
        raise ValueError(f"There is no layer {name!r}; the nearest names are {', '.join(map(repr, near)) or 'none'}.")

    def _layer(self, index: int, step: Step) -> Layer:
        value = next(value for value in step.results if value is not None)
        activation = self._tape.values[value].tensor
        rule = self._relevance.rules[index]
        return Layer(step.name, step.kind, rule, tuple(activation.shape), activation, self._relevance_of(value))

    def _relevance_of(self, value: int) -> Tensor:
        found = self._relevance.of.get(value)
        return torch.zeros_like(self._tape.values[value].tensor) if found is None else found

    def _row(self, index: int, step: Step) -> Row | None:
        handover = self._relevance.handovers.get(index)
        if handover is None:
            return None
        rule = self._relevance.rules[index]
        return Row(
            step.name,
            step.kind,
            type(rule).__name__ if rule else "",
            sum(
                (self._per_sample(self._relevance_of(v)) for v in step.results if v is not None),
                self._nothing(),
            ),
            sum((self._per_sample(part) for part in handover.inputs), self._nothing()),
            self._amount(handover.bias),
            self._amount(handover.stabilizer),
            self._amount(handover.rules),
        )

    def _nothing(self) -> Tensor:
        return torch.zeros(len(self.scores), dtype=torch.float64)

    def _per_sample(self, relevance: Tensor) -> Tensor:
        return self._amount(per_sample(relevance))

    def _amount(self, amount: Tensor | float) -> Tensor:
        """`amount`, one number per index of the first axis, summed to one float64 number per sample."""
        if not isinstance(amount, Tensor):
            return self._nothing()
        samples = len(self.scores)
        if len(amount) % samples:
            raise ValueError(
                f"A step has {len(amount)} entries in its first axis for {samples} samples: the model moves "
                "the batch to another axis, so amounts per sample are unknown. Explain one sample at a time."
            )
        return amount.cpu().double().reshape(samples, -1).sum(1)


def target_weights(target: Target, scores: Tensor) -> Tensor:
    """Weight of every score in what is explained, (B, C).

    Raises
    ------
    ValueError
        If `target` is out of range or of the wrong shape.
    TypeError
        If it is no class number.
    """
    samples, classes = scores.shape
    if isinstance(target, Tensor) and target.is_floating_point():
        if target.shape not in (scores.shape, scores.shape[1:]):
            raise ValueError(
                f"target weights must have the shape of the scores {tuple(scores.shape)}, got {tuple(target.shape)}."
            )
        if not bool(target.isfinite().all()):
            raise ValueError("target weights contain NaN or infinity.")
        return target.to(scores).expand(scores.shape)
    if target is None:
        chosen = scores.argmax(1)
    else:
        try:
            chosen = torch.as_tensor([_class_number(each) for each in _listed(target)], device=scores.device)
        except TypeError:
            raise TypeError(
                f"target must be None, a class number, one per sample, or weights (B, C), got {target!r}."
            ) from None
        if len(chosen) not in (1, samples):
            raise ValueError(f"target has {len(chosen)} class numbers for a batch of {samples}; give one, or one each.")
        outside = [int(each) for each in chosen if not 0 <= each < classes]
        if outside:
            raise ValueError(
                f"target {outside[0]} is out of range: the model has {classes} classes, 0 to {classes - 1}."
            )
    return torch.nn.functional.one_hot(chosen.expand(samples), classes).to(scores)


def _class_number(item: Any) -> int:
    if isinstance(item, bool):
        raise TypeError("True and False are no class numbers")
    return operator.index(item)


def _listed(target: int | Sequence[int] | Tensor) -> Sequence[int]:
    if isinstance(target, Tensor):
        return target.reshape(-1).tolist()
    return list(target) if isinstance(target, Sequence) else [target]
