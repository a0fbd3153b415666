"""Presets that suit a subject, with the bounds of its input."""

from __future__ import annotations

from ...lrp import Composite, Explainer, composites
from ...subjects import Subject

PICTURES = "epsilon_plus_flat"
"""The preset for pictures."""

TRIED = 8
"""Inputs that are looked at for one that the network reads right."""


def suitable(subject: Subject) -> list[str]:
    """Names of the presets that suit the subject: those that need bounds only where they are known."""
    return [name for name in composites.names() if subject.bounds or not composites.requires_bounds(name)]


def preset(subject: Subject, name: str) -> Composite:
    """The preset `name`, with the bounds of the subject's input where it takes them; ValueError if there is none."""
    if subject.bounds and name in composites.names() and composites.takes_bounds(name):
        low, high = subject.bounds
        return composites.get(name, low=low, high=high)
    return composites.get(name)


def beginning(subject: Subject, explainer: Explainer) -> tuple[int | None, str]:
    """Which input a person sees first, and under which preset.

    The input is where the subject says that one starts; if it does not say so, the first that the network reads right
    among the first few. The preset is what ``"auto"`` stands for, by the family of the network, or that for pictures
    where the model cannot run, which is said when the input is explained.
    """
    if not len(subject.dataset):
        return None, PICTURES
    preset = PICTURES
    for item in [subject.start] if subject.start else range(min(TRIED, len(subject.dataset))):
        try:
            x, label = subject.item(item)
            tape = explainer.record(x[None])
        except Exception:
            break
        preset = composites.family(tape.steps)
        if label is None or tape.scores[0].argmax() == label:
            return item, preset
    return subject.start, preset
