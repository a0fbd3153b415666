"""What a model ends in, where that changes the meaning of the explained score."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor

from . import operations, scores
from .rules import AlphaBeta, Rule, ZPlus
from .tape import Step, Tape

_SCALES = "mul multiply __rmul__ neg negative div divide true_divide add __radd__ sub subtract rsub __rsub__"
_CLAMPS = "clamp clip clamp_min clamp_max nan_to_num"
_COPIES = "clone contiguous detach detach_ data requires_grad_ to float double half bfloat16 type_as"
_KEPT = frozenset(f"{_SCALES} {_CLAMPS} {_COPIES}".split())
"""Functions that scale, shift or copy a value, if nothing else in their arguments depends on the input."""

_SIGNS = ("mul", "multiply", "__rmul__", "neg", "negative")
"""Those of them that may turn the sign."""

_SIGMOIDS = frozenset({"sigmoid", "special.expit", "hardsigmoid"})
_SOFTMAXES = frozenset({"softmax", "log_softmax", "softmin"})

_PROBABILITY = (
    "so a probability is explained, which is positive also where the logit before it is negative (below ½): there "
    "signs turn, and evidence against gets positive relevance; explain the logit, as with "
    "select=lambda output: output.logit(1e-6)."
)
_POSITIVE = (
    "so a positive number is explained also where the number before it is negative: there signs turn, and evidence "
    "against gets positive relevance; explain the number before it, as with select=lambda output: output{}."
)

_CAVEATS = {
    **dict.fromkeys(_SOFTMAXES, "so evidence for other classes counts too; explain the scores before it."),
    **dict.fromkeys(_SIGMOIDS, _PROBABILITY),
    "logsigmoid": (
        "so the logarithm of a probability is explained, which is negative whatever the logit before it: where that is "
        "positive signs turn, and evidence for gets negative relevance; explain the logit, as with "
        "select=lambda output: output.exp().logit(1e-6)."
    ),
    "exp": _POSITIVE.format(".log()"),
    "exp2": _POSITIVE.format(".log2()"),
    "softplus": _POSITIVE.format(".expm1().log()"),
}

_ARTICLES = dict.fromkeys(_SOFTMAXES, "a softmax") | dict.fromkeys(_SIGMOIDS, "a sigmoid")


def caveats(tape: Tape) -> list[str]:
    """Sentences on what the scores are, empty if they are plain ones."""
    ends = _ends(tape)
    found = {
        f"The model ends in {_ARTICLES.get(end, end)}, {_CAVEATS[end]}": None for end in sorted(ends & _CAVEATS.keys())
    }
    if tape.scores.dim() > 2 and operations.key(tape.steps[-1].function) == "linear":
        found[f"The model ends in a dense layer over the last axis. {scores.axes_read(tuple(tape.scores.shape))}"] = (
            None
        )
    return list(found)


def is_probability(tape: Tape) -> bool:
    """Whether all scores are probabilities: outputs of a sigmoid, or of a softmax."""
    return _ends(tape) <= _SIGMOIDS | {"softmax"}


def is_turned(tape: Tape, rules: Sequence[Rule | None], weights: Tensor) -> bool:
    """Whether a last layer whose rule sees positive contributions only has a negative output that counts as positive.

    So does the second score of a contrast, or the one score of two classes. `weights` are those of the scores.
    """
    index, factor = _unscaled(tape)
    if index is None or not isinstance(rules[index], ZPlus | AlphaBeta):
        return False
    scores = tape.scores
    return bool(((scores * factor.to(scores) < 0) & (scores * weights > 0)).any())


def _unscaled(tape: Tape) -> tuple[int | None, Tensor]:
    """The number of the step that made the scores before they were multiplied with constants, and those."""
    maker, value, factor, moved = _makers(tape), tape.output, torch.ones(()), False
    while (index := maker.get(value)) is not None:
        step = tape.steps[index]
        if len(step.inputs) > 1 or (step.kind != "routing" and operations.key(step.function) not in _SIGNS):
            break
        constant = _constant(step)
        if moved and constant.numel() > 1:  # its axes are not those of the scores
            return None, factor
        factor, moved = factor * constant, moved or step.kind == "routing"
        (value,) = step.inputs
    return index, factor


def _constant(step: Step) -> Tensor:
    """What the step multiplies its only input with."""
    name = operations.key(step.function)
    if name not in _SIGNS or name in ("neg", "negative"):
        return torch.tensor(-1.0 if name in _SIGNS else 1.0)
    given = (each for each in (*step.args, *step.kwargs.values()) if isinstance(each, Tensor | int | float))
    return torch.as_tensor(next(given), device="cpu")


def _ends(tape: Tape) -> set[str]:
    """The functions that made the scores, apart from their order, shape, scale and precision."""
    maker = _makers(tape)
    found: set[str] = set()
    seen, left = {tape.output}, [tape.output]
    while left:
        index = maker.get(left.pop())
        if index is None:
            continue
        step = tape.steps[index]
        name = operations.key(step.function)
        if step.kind == "routing" or (name in _KEPT and len(step.inputs) == 1):
            left += [value for value in dict.fromkeys(step.inputs) if value not in seen]
            seen.update(step.inputs)
        else:
            found.add(name)
    return found


def _makers(tape: Tape) -> dict[int, int]:
    """By value the number of the step that made it."""
    return {value: index for index, step in enumerate(tape.steps) for value in step.results if value is not None}
