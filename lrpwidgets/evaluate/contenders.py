"""The methods that are compared: those that were asked for, what each needs, and two that know nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeAlias

from torch import Tensor

from .. import methods as catalogue
from ..lrp import Explainer, composites
from ..subjects import Subject
from .parts import Regions, Words, parts_of

Settings: TypeAlias = Mapping[str, Any]

Methods: TypeAlias = Sequence[str] | Mapping[str, Settings]
"""Names, as of :func:`lrpwidgets.methods.names`, or settings by name."""

BASELINES = tuple(dict.fromkeys(name for kind in (Regions, Words) for name in kind.baselines))
"""Methods that know nothing of the model, of inputs of any kind."""


def contenders(
    subject: Subject, explainer: Explainer, methods: Methods, x: Tensor
) -> tuple[dict[str, Settings], dict[str, str]]:
    """The baselines and those `methods` that can explain `x` (1, ...), with settings, and why others cannot.

    Raises
    ------
    ValueError
        If none of the methods can.
    """
    asked: dict[str, Settings] = {name: {} for name in (*parts_of(subject).baselines, *methods)}
    asked |= methods if isinstance(methods, Mapping) else {}
    asked = {name: preset_bounds(subject, name) | dict(settings) for name, settings in asked.items()}
    obstacles = catalogue.obstacles(explainer, x, asked)
    able = {name: settings for name, settings in asked.items() if name not in obstacles}
    if not able.keys() - set(BASELINES):
        raise ValueError(none_left(obstacles))
    return able, obstacles


def none_left(obstacles: Mapping[str, str]) -> str:
    """What to say where there are only baselines."""
    why = "".join(f" {name}: {reason}" for name, reason in obstacles.items())
    return f"There is no method to compare with the baselines.{why}"


def preset_bounds(subject: Subject, name: str) -> dict[str, Any]:
    """What a preset needs that only the subject knows."""
    if subject.bounds is None or name not in composites.names() or not composites.requires_bounds(name):
        return {}
    low, high = subject.bounds
    return {"low": low, "high": high}
