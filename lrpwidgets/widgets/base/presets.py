"""Presets that suit a subject, with the bounds of its input."""

from __future__ import annotations

from ...lrp import Composite, Explainer, composites
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


def suiting(subject: Subject, explainer: Explainer) -> str:
    """The preset that a person sees first: the one that ``"auto"`` stands for, by the family of the network.

    It runs the model on the first input that is shown. Where that cannot be, which whoever asks for its explanation
    is told, it is the one for pictures.
    """
    try:
        x, _ = subject.item(subject.start)
        return composites.family(explainer.record(x[None]).steps)
    except Exception:
        return "epsilon_plus_flat"
