"""Presets that suit a subject, with the bounds of its input."""

from __future__ import annotations

from ...lrp import Composite, composites
from ...subjects import Subject


def suitable(subject: Subject) -> list[str]:
    """Names of the presets that suit the subject: those that need bounds only where they are known."""
    return [name for name in composites.names() if subject.bounds or not composites.requires_bounds(name)]


def preset(subject: Subject, name: str) -> Composite:
    """The preset `name`, with the bounds of the subject's input where it takes them; ValueError if there is none."""
    if subject.bounds and name in composites.names() and composites.takes_bounds(name):
        low, high = subject.bounds
        return composites.get(name, low=low, high=high)
    return composites.get(name)


def suiting(subject: Subject) -> str:
    """The preset that a person sees first."""
    if any("Attention" in type(module).__name__ for module in subject.model.modules()):
        return "attn_lrp_vision"
    return "epsilon_gamma_box" if subject.bounds else "epsilon_plus_flat"
