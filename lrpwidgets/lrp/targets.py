"""Targets: which of the model's scores an explanation is about."""

from __future__ import annotations

import operator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from .scores import axes_read


@dataclass(frozen=True)
class Rather:
    """Why one class rather than another: the difference of their scores.

    >>> Rather(3, than=9)
    Rather(this=3, than=9)
    """

    this: int
    than: int


_SHOWN = 3
"""Samples whose target is described."""

Target = int | Rather | Sequence[int] | Tensor | NDArray[Any] | None


def listed(target: Target, targets: Any) -> tuple[list[Target], bool]:
    """What is to be explained, and whether it counts as several targets even if it is one.

    Raises
    ------
    ValueError
        If both are given, or `targets` is no list, or empty.
    """
    if targets is None:
        return [_as_tensor(target)], False
    targets = _as_tensor(targets)
    several = targets.tolist() if isinstance(targets, Tensor) and not targets.is_floating_point() else targets
    if (
        target is not None
        or isinstance(several, str)
        or not isinstance(several, Sequence | Tensor)
        or len(several) == 0
    ):
        raise ValueError(
            f"Give either one target or several: a list with at least one, as in targets=[3, 9]; got target={target!r} "
            f"and targets={targets!r}."
        )
    return [_as_tensor(each) for each in several], True


def _as_tensor(target: Any) -> Any:
    """A NumPy array as a tensor; anything else as it is."""
    return torch.as_tensor(target) if isinstance(target, np.ndarray) else target


def target_weights(target: Target, scores: Tensor, *, part: bool = False) -> Tensor:
    """Weight of every score in what is explained, shaped like the `scores` (B, C, ...), in at least 32 bits.

    Raises
    ------
    ValueError
        If `target` is out of range or of the wrong shape, or selects no score at all; that is no error in a `part` of a
        batch, since it may select some in another part.
    TypeError
        If it is no class number.
    """
    if isinstance(target, Tensor) and target.is_floating_point():
        return _checked_weights(target, scores)
    if isinstance(target, Rather):
        this = target_weights(target.this, scores, part=part)
        _check_range(_class_numbers(target.than), scores)
        # For dense scores both count in the same places: where `this` is on top.
        than = torch.zeros_like(this).index_copy_(1, torch.tensor([target.than], device=this.device), this.sum(1, True))
        return this - than
    if scores.dim() > 2:
        chosen = _class_mask(target, scores)
        if not part and not bool((chosen >= 0).any()):
            raise ValueError(_nothing_chosen(target, scores))
        weights = torch.nn.functional.one_hot(chosen.clamp(min=0), scores.shape[1]).movedim(-1, 1)
        return (weights * (chosen >= 0).unsqueeze(1)).to(scores.device, _wide(scores))
    samples, classes = scores.shape
    if target is None:
        chosen = scores.argmax(1)
    else:
        numbers = _class_numbers(target)
        if len(numbers) not in (1, samples):
            raise ValueError(
                f"target has {len(numbers)} class numbers for a batch of {samples}; give one, or one each. "
                "Several targets for every sample go into `targets`."
            )
        _check_range(numbers, scores)
        chosen = torch.tensor(numbers, device=scores.device)
    return torch.nn.functional.one_hot(chosen.expand(samples), classes).to(scores.device, _wide(scores))


def described(weights: Tensor) -> str:
    """What is explained by these `weights` of the scores (B, C, ...), in words."""
    if weights.dim() > 2:
        return "dense scores"
    alike = bool((weights == weights[:1]).all())
    each = [_described(row) for row in (weights[:1] if alike else weights[:_SHOWN])]
    if None in each:
        return "weighted scores"
    listed = ", ".join(filter(None, each))
    return f"class {listed}" if alike else f"classes {listed}{', …' if len(weights) > _SHOWN else ''}"


def _described(row: Tensor) -> str | None:
    chosen = {number: float(row[number]) for number in row.nonzero().flatten().tolist()}
    by_weight = {weight: number for number, weight in chosen.items()}
    if len(chosen) == 1 and 1.0 in by_weight:
        return str(by_weight[1.0])
    if len(chosen) == 2 and by_weight.keys() == {1.0, -1.0}:
        return f"{by_weight[1.0]} rather than {by_weight[-1.0]}"
    return None


def of_part(target: Target, own: slice, samples: int, dimensions: int) -> Target:
    """The `target` for a part of a batch of `samples` whose scores have so many `dimensions`."""
    if isinstance(target, Tensor):
        per_sample = target.dim() == (dimensions if target.is_floating_point() else dimensions - 1)
        return target[own] if per_sample and len(target) == samples else target
    return target[own] if isinstance(target, Sequence) and len(target) == samples else target


def _class_mask(target: Target, scores: Tensor) -> Tensor:
    """The class that counts at each position of dense scores (B, C, ...), −1 for none: integers (B, ...)."""
    places = (len(scores), *scores.shape[2:])
    top = scores.argmax(1)
    if target is None:
        chosen = top
    elif isinstance(target, Tensor) and target.dim() > 1:
        chosen = target.to(scores.device)
        if target.dtype == torch.bool or tuple(chosen.shape) not in (places, places[1:]):
            last = f" {axes_read(tuple(scores.shape))}" if chosen.shape == scores.shape[:-1] else ""
            raise ValueError(
                f"a class mask for scores {tuple(scores.shape)} holds a class number, or -1, per position: "
                f"integers of shape {places}, got {target.dtype} of shape {tuple(target.shape)}.{last}"
            )
        _check_range([number for number in torch.unique(chosen).tolist() if number != -1], scores)
        chosen = chosen.long().expand(places)
    else:
        numbers = _class_numbers(target)
        if len(numbers) != 1:
            raise ValueError(
                f"scores {tuple(scores.shape)} take one class number, or a class mask of shape {places}, "
                f"got {len(numbers)} numbers."
            )
        _check_range(numbers, scores)
        chosen = torch.where(top == numbers[0], top, -1)
    return chosen


def _nothing_chosen(target: Any, scores: Tensor) -> str:
    if isinstance(target, Tensor) and target.dim() > 1:
        return "The class mask leaves every position out, so there is nothing to explain."
    (number,) = _class_numbers(target)
    there = torch.unique(scores.argmax(1)).tolist()
    listed = ", ".join(map(str, there[:10])) + (" ..." if len(there) > 10 else "")
    last = f" {axes_read(tuple(scores.shape))}" if scores.dim() == 3 else ""
    return (
        f"target {number} is nowhere on top, so there is nothing to explain; on top somewhere: {listed}. Choose one of "
        f"these, or say with a class mask where {number} counts.{last}"
    )


def _checked_weights(target: Tensor, scores: Tensor) -> Tensor:
    if target.shape not in (scores.shape, scores.shape[1:]):
        raise ValueError(
            f"target weights must have the shape of the scores {tuple(scores.shape)}, got {tuple(target.shape)}."
        )
    if not bool(target.isfinite().all()):
        raise ValueError("target weights contain NaN or infinity.")
    return target.to(scores.device, _wide(scores)).expand(scores.shape)


def _wide(scores: Tensor) -> torch.dtype:
    return torch.promote_types(scores.dtype, torch.float32)


def _class_numbers(target: Any) -> list[int]:
    try:
        return [_class_number(each) for each in _listed(target)]
    except TypeError:
        raise TypeError(
            "target must be None, a class number, one per sample, Rather(this, than), or weights (B, C), "
            f"got {target!r}."
        ) from None


def _check_range(numbers: Sequence[int], scores: Tensor) -> None:
    classes = scores.shape[1]
    outside = [number for number in numbers if not 0 <= number < classes]
    if outside:
        told = f"target {outside[0]} is out of range: the model has {classes} classes, 0 to {classes - 1}."
        raise ValueError(f"{told}{_another_reading(outside[0], scores)}")


def _another_reading(number: int, scores: Tensor) -> str:
    """A sentence if the scores may mean something else, of which `number` is a class; with a space before it."""
    if tuple(scores.shape[1:]) == (1,) and number == 1:
        return " If its one score tells two classes apart, explain with select=TwoClasses(), from lrpwidgets.lrp."
    if scores.dim() > 2 and 0 <= number < scores.shape[-1]:
        return f" {axes_read(tuple(scores.shape))}"
    return ""


def _class_number(item: Any) -> int:
    if isinstance(item, bool):
        raise TypeError("True and False are no class numbers")
    return operator.index(item)


def _listed(target: Any) -> Sequence[Any]:
    if isinstance(target, Tensor):
        return target.reshape(-1).tolist()
    return list(target) if isinstance(target, Sequence) else [target]
