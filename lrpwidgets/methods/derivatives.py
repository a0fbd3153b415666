"""Methods that change how a gradient passes a network, along its tape.

Captum changes it by hooks on modules, which see neither functions nor a module that is called twice. A tape has every
call, however it is written, so these methods are other operations in place of its own: see :mod:`.along`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import torch
from torch import Tensor

from ..lrp.call import Call, key
from ..lrp.families import Activation, Extremum, Linear, MaxPool, Operation, Relevances, Routing
from ..lrp.ledger import Handover
from ..lrp.rules import Rule
from ..lrp.tape import Step, Tape
from ..lrp.weighted import EffectiveWeights
from . import baselines
from .along import Derivative, gradient, made_by
from .baselines import Baseline
from .gradients import missing
from .method import CannotExplainError, Cost, Found, Method
from .question import Question


@dataclass(frozen=True)
class Guided(Derivative):
    """Of a ReLU: the gradient where it is positive and the input, too."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        return Handover(tuple(handed.clamp(min=0) for handed in call.pull(relevance)))


@dataclass(frozen=True)
class Deconvolved(Derivative):
    """Of a ReLU: the gradient where it is positive, whatever the input."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received, *_ = relevance
        assert received is not None
        return Handover((received.clamp(min=0),))


@dataclass(frozen=True)
class Rescaled(Derivative):
    """Of a nonlinearity: how much the output changes from the baseline's, by how much the input does."""

    there: Call | None = None
    """The same call for the baseline."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received, *_ = relevance
        assert received is not None
        assert self.there is not None
        (x,), (x0,) = call.inputs, self.there.inputs
        changes = self.changes(call, received, call.replay(x)[0], self.there.replay(x0)[0])
        none = (x - x0).abs() <= _NO_CHANGE * (1 + x.abs().maximum(x0.abs()))
        slopes = changes / (x - x0).masked_fill(none, 1.0)
        return Handover((torch.where(none, call.pull(relevance)[0], slopes),))

    def changes(self, call: Call, received: Tensor, y: Tensor, y0: Tensor) -> Tensor:
        """What of the output's change comes from each input, times the gradient."""
        return received * (y - y0)


@dataclass(frozen=True)
class RescaledMaximum(Rescaled):
    """Of a max pooling: the winner answers for what it gains, the baseline's for what is lost (as SHAP has it)."""

    def changes(self, call: Call, received: Tensor, y: Tensor, y0: Tensor) -> Tensor:
        assert self.there is not None
        larger, places = torch.maximum(y, y0), len(call.outputs) - 1
        gained = call.pull([received * (larger - y0), *[None] * places])
        lost = self.there.pull([received * (y - larger), *[None] * places])
        return gained[0] + lost[0]


_NO_CHANGE = 1e-7
"""Below, a difference of inputs is rounding, as part of their size: then the derivative counts."""


def rectifies(tape: Tape, step: Step) -> bool:
    """Whether the step is a ReLU (or one with an upper bound, such as ReLU6), in whatever way it is written."""
    if len(step.inputs) != 1 or step.operation is None or step.operation.weighted:
        return False
    if key(step.function) in ("relu", "relu6"):
        return True
    call = tape.call(step)
    (x,) = call.inputs
    made = call.replay(x)[0]
    if made.shape != x.shape or not (x.is_floating_point() and made.is_floating_point()):
        return False
    probe = (x.abs() + 1) * (1 - 2 * (torch.arange(x.numel(), device=x.device) % 2)).reshape(x.shape)
    return _is_positive_part(x, made) or _is_positive_part(probe, call.replay(probe)[0])


def _is_positive_part(x: Tensor, made: Tensor) -> bool:
    """Whether `made` is what is positive of `x`, some of which is not; it may be bounded above."""
    most = made.amax()
    return bool(x.amin() < 0 < most) and torch.equal(made, x.clamp(min=0).minimum(most))


class Rectified(Method):
    """Passes ReLUs in another way than the gradient does."""

    passing: ClassVar[Operation]

    def cost(self, x: Tensor) -> Cost:
        return Cost(1, 1)

    def obstacle(self, question: Question) -> str | None:
        tape = question.tape
        if any(rectifies(tape, step) for step in tape.steps):
            return None
        return "the network has no ReLU, so it would be the plain gradient."

    def attribute(self, question: Question) -> Found:
        tape = question.tape
        rectifiers = {i for i, step in enumerate(tape.steps) if rectifies(tape, step)}
        others = {key(s.function) for i, s in enumerate(tape.steps) if i not in rectifiers and _is_smooth(s)}
        relevance = gradient(tape, question.weights, passing=dict.fromkeys(rectifiers, self.passing))
        named = ", ".join(sorted(others))
        told = [f"Only ReLUs are passed in another way; {named} as the gradient does."] if others else []
        return Found(relevance, [*tape.caveats, *told])


@dataclass(frozen=True, repr=False)
class GuidedBackprop(Rectified):
    """The gradient without what is negative at any ReLU: sharp, alike for all classes (Springenberg et al. 2015)."""

    passing: ClassVar[Operation] = Guided()


@dataclass(frozen=True, repr=False)
class Deconvnet(Rectified):
    """The way back through ReLUs that look at the gradient alone, and through max pools (Zeiler & Fergus 2014)."""

    passing: ClassVar[Operation] = Deconvolved()


@dataclass(frozen=True, repr=False)
class DeepLift(Method):
    """Slopes between the input and a baseline, by the rescale rule: adds up to the change (Shrikumar et al. 2017)."""

    baseline: Baseline = "zero"

    def __post_init__(self) -> None:
        super().__post_init__()
        baselines.check("DeepLift", self.baseline)

    def cost(self, x: Tensor) -> Cost:
        return Cost(2, 1)

    def obstacle(self, question: Question) -> str | None:
        tape = question.tape
        for step in tape.steps:
            if _passing(tape, step) is None:
                return f"it has no rule for `{key(step.function)}` ({step.name})."
        return None

    def attribute(self, question: Question) -> Found:
        baseline, here = baselines.of(question.x, self.baseline), question.tape
        there = question.recorded(baseline)
        question.count(len(baseline))
        if [key(step.function) for step in here.steps] != [key(step.function) for step in there.steps]:
            raise CannotExplainError(_ANOTHER_WAY)
        passing: dict[int, Operation] = {}
        for index, (step, twin) in enumerate(zip(here.steps, there.steps, strict=True)):
            kind = _passing(here, step)
            if kind is not None and issubclass(kind, Rescaled):
                passing[index] = kind(there=there.call(twin))
        relevance = gradient(here, question.weights, passing=passing) * (question.x - baseline)
        way = "the network computes with more than slopes can tell"
        difference = ((here.scores - there.scores) * question.weights).flatten(1).sum(1)
        return Found(relevance, [*here.caveats, *missing(relevance, difference, way)])


_ANOTHER_WAY = "The model goes another way for the baseline than for the input, so slopes between them mean nothing."


def _passing(tape: Tape, step: Step) -> type[Derivative] | None:
    """How slopes pass a step: as gradients where it is linear, as far as the table tells; None if nobody knows."""
    operation, name = step.operation, key(step.function)
    if isinstance(operation, MaxPool):
        return RescaledMaximum
    if isinstance(operation, Linear):
        return None if operation.kind == "norm" and name not in ("batch_norm", "centred") else Derivative
    if type(operation) in (Activation, Extremum):
        one, same = len(step.inputs) == 1, _keeps_shape(tape, step)
        return Rescaled if one and same else Derivative if name in _SCALING else None
    if isinstance(operation, Routing) and name not in _CHOOSING:
        return Rescaled if rectifies(tape, step) else Derivative
    return None


def _keeps_shape(tape: Tape, step: Step) -> bool:
    return tape.values[step.inputs[0]].saved.shape == tape.values[made_by(step)].saved.shape


def _is_smooth(step: Step) -> bool:
    """Whether it is another nonlinearity of single numbers than a ReLU."""
    plain = type(step.operation) is Activation and not step.operation.reorders
    return plain and key(step.function) not in _SCALING


_CHOOSING = {
    *("max", "min", "amax", "amin", "maximum", "minimum", "fmax", "fmin"),
    *("sort", "median", "topk", "kthvalue", "cummax", "cummin"),
}
_SCALING = {
    *("add", "sub", "subtract", "rsub", "mul", "multiply", "__rmul__"),
    *("neg", "negative", "div", "divide", "true_divide"),
}
