"""Presets for a subject: which suit it, what people call them, and under which one a person sees which input first."""

from __future__ import annotations

from dataclasses import dataclass, replace

from ...lrp import Composite, Explainer, composites
from ...subjects import Subject
from ...subjects.modality import modality_of

PICTURES = "epsilon_plus_flat"
"""The preset for pictures."""

TRIED = 8
"""Inputs that are looked at for one that the network reads right."""

TITLES = {
    "epsilon_plus_flat": "evidence for, smooth",
    "epsilon_plus": "evidence for",
    "epsilon": "for and against, raw",
    "epsilon_gamma_box": "evidence for, by pixel",
    "epsilon_alpha2_beta1_flat": "contrasted, smooth",
    "epsilon_alpha2_beta1": "contrasted",
    "deep_taylor": "deep Taylor decomposition",
    "excitation_backprop": "excitation backprop",
    "vgg_tutorial": "by depth, for VGG",
    "attn_lrp": "AttnLRP",
    "attn_lrp_vision": "AttnLRP for pictures",
    "cp_lrp": "attention held constant",
    "lstm_lrp": "for gated networks",
}
"""What presets are called by people."""

_MADE_FOR = {
    "epsilon_plus_flat": {"conv"},
    "epsilon_plus": {"conv"},
    "epsilon_gamma_box": {"conv"},
    "epsilon_alpha2_beta1_flat": {"conv"},
    "epsilon_alpha2_beta1": {"conv"},
    "vgg_tutorial": {"conv", "maxpool"},
    "attn_lrp": {"matmul"},
    "attn_lrp_vision": {"matmul", "conv"},
    "cp_lrp": {"matmul"},
    "lstm_lrp": {"product"},
}
"""Kinds of layers without which a preset says nothing that another one does not."""


@dataclass(frozen=True)
class Beginning:
    """What a person sees first."""

    item: int | None
    """Index of the input; None where there is none."""
    preset: str = PICTURES
    """The one that ``"auto"`` stands for, by the family of the network."""
    kinds: frozenset[str] | None = None
    """Kinds of the network's steps; None where they are not known."""


def beginning(subject: Subject, explainer: Explainer) -> Beginning:
    """Where the subject says that one starts; else the first that is read right of the first few inputs.

    Where the model cannot run, the preset is that for pictures; why is said when an input is explained.
    """
    if not len(subject.dataset):
        return Beginning(None)
    begin = Beginning(subject.start)
    for item in [subject.start] if subject.start else range(min(TRIED, len(subject.dataset))):
        try:
            shown = modality_of(subject).sample(subject, item)
            tape = explainer.record(shown.x)
        except Exception:
            return begin
        kinds = frozenset(step.kind for step in tape.steps)
        begin = Beginning(subject.start, composites.family(tape.steps), kinds)
        if shown.label is None or tape.scores[0].argmax() == shown.label:
            return replace(begin, item=item)
    return begin


def suitable(subject: Subject, kinds: frozenset[str] | None = None) -> list[str]:
    """Names of the presets that suit the subject: those for layers of these `kinds`, if they are known.

    Those that need bounds are among them only where the bounds of the input are known.
    """
    fitting = [name for name in composites.names() if kinds is None or _MADE_FOR.get(name, set()) <= kinds]
    return [name for name in fitting if _bounds(subject) or not composites.requires_bounds(name)]


def preset(subject: Subject, name: str) -> Composite:
    """The preset `name`, with the bounds of the subject's input where it takes them; ValueError if there is none."""
    bounds = _bounds(subject)
    if bounds and name in composites.names() and composites.takes_bounds(name):
        return composites.get(name, low=bounds[0], high=bounds[1])
    return composites.get(name)


def _bounds(subject: Subject) -> tuple[tuple[float, ...], tuple[float, ...]] | None:
    """Of the input, where they hold of all of it."""
    return subject.bounds if modality_of(subject).bounded else None
