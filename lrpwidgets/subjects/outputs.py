"""What the outputs of a model are: scores of classes, one score of two classes, or of none."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .forms import class_number

if TYPE_CHECKING:
    from torch import Tensor, nn

    from ..lrp import Explainer
    from ..lrp.scores import Select


@dataclass(frozen=True)
class Outputs:
    """What the model gives for each input."""

    count: int | None
    """How many classes have a score; 1 for a score that stands for no class, None where unknown."""
    select: Select
    """How an explainer takes the scores from the model."""
    labelled: bool = True
    """Whether labels are numbers of these classes."""
    notes: tuple[str, ...] = ()
    """What was decided, as sentences."""


def outputs(explainer: Explainer, x: Tensor, scores: Any, labels: Sequence[Any], names: Sequence[str]) -> Outputs:
    """What the model of `explainer` gives for inputs as `x` (C, H, W), of which it gives `scores`.

    One score per input is that of two classes if they have two names, or labels that are all 0 or 1.

    Parameters
    ----------
    labels
        Those of the first inputs, in any form; None where unknown.
    names
        Those of the classes, as far as somebody gave some; of any number.

    Raises
    ------
    ValueError
        If the scores are not (1, classes, ...), or as many as there are names, but along the last axis.
    """
    shape = _shape(scores, f"one sample of shape {tuple(x.shape)}")
    if len(shape) > 2 and shape[-1] == len(names) != shape[1]:
        from ..lrp.scores import axes_read

        raise ValueError(f"There are names of {len(names)} classes. {axes_read(shape)}")
    if shape != (1, 1):
        return Outputs(shape[1], explainer.select)
    values = [value for value in map(_value, labels) if value is not None]
    known = {value for value in values if value != -1}  # the usual mark of data without labels
    if len(names) == 2 or (not names and known and known <= {0, 1}):
        return _two_classes(explainer, x, names or ("class 0", "class 1"), -1 in values)
    by_name = any(isinstance(label, str) for label in labels)
    return Outputs(1, explainer.select, by_name, (_one_number(values, names),))


def training(model: nn.Module) -> list[str]:
    """A sentence if the model is in training mode."""
    mode = "The model is in training mode; it is explained in evaluation mode."
    return [mode] if any(module.training for module in model.modules()) else []


def _shape(scores: Any, given: str) -> tuple[int, ...]:
    """Of the scores of one input, (1, classes, ...)."""
    import torch

    from ..lrp.scores import way_out

    if not isinstance(scores, torch.Tensor):
        way = f"say which part of it holds them, by {way_out(scores)}"
        raise ValueError(f"The model returns {type(scores).__name__} for {given}, not scores (B, classes); {way}.")
    if scores.dim() < 2 or len(scores) != 1:
        raise ValueError(
            f"The model returns shape {tuple(scores.shape)} for {given}; it has to be scores (B, classes)."
        )
    return tuple(scores.shape)


def _two_classes(explainer: Explainer, x: Tensor, names: Sequence[str], unknown: bool) -> Outputs:
    from ..lrp import TwoClasses

    probability = _is_probability(explainer, x)
    kind, limit, other = ("probability", "½", "one minus it") if probability else ("score", "0", "its negative")
    says = f"above {limit} it says {names[1]!r}, else {names[0]!r}, for which {other} is explained"
    notes = [f"The model gives one {kind}: {says}."]
    if unknown:
        notes.append("Labels of -1 count as unknown; give 0 where they are a class.")
    return Outputs(2, TwoClasses(explainer.select, probability), True, tuple(notes))


def _one_number(values: Sequence[float], names: Sequence[str]) -> str:
    """That the score stands for no class, and why."""
    strange = next((value for value in values if value not in (-1, 0, 1)), None)
    if strange is not None:
        why = f", and labels are left out: {strange:g} is none of two classes."
    elif names:
        why = "."
    else:
        why = "; give classes= with two names if it tells two classes apart."
    return f"The model gives one score, which is explained as it is{why}"


def _is_probability(explainer: Explainer, x: Tensor) -> bool:
    from ..lrp import endings

    try:
        return endings.is_probability(explainer.record(x[None]))
    except Exception:  # what cannot be explained is told of when it is to be
        return False


def _value(label: Any) -> float | None:
    """A label as a number; None where it is unknown, a name, or of several classes."""
    import torch

    if label is None or isinstance(label, str):
        return None
    numbers = torch.as_tensor(label).detach().flatten().double()
    if numbers.numel() != 1:
        return class_number(label, ())
    return None if bool(numbers.isnan()) else float(numbers)
