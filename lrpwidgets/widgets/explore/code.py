"""The state on the screen as Python that gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable

from ...lrp import Composite, rules, selectors
from ...subjects import Subject
from ..base.code import select_argument
from ..base.question import Question


def code(subject: Subject, question: Question, preset: Callable[[str], Composite], upload: str | None = None) -> str:
    """Python that computes the relevance that `question` asks for, as ``relevance``, a tensor (1, C, H, W).

    Parameters
    ----------
    subject
        What is examined. One without a recipe, such as a model of your own, must be there as ``subject``.
    question
        What is asked of it.
    preset
        Gives the composite of that name, with the subject's bounds.
    upload
        Name of the picture file, if the input came from outside.

    Raises
    ------
    ValueError
        If the composite selects layers, or the subject takes its scores, by a function of the user's.
    """
    select = select_argument(subject)
    body = [
        *_input(subject, question, upload),
        "",
        *_composite(question.composite, preset),
        f"explanation = Explainer(subject.model, composite{select}).explain(x[None]" + _target(question) + ")",
        *_contrast(question),
        *_condition(question),
        "relevance = explanation.relevance",
    ]
    return "\n".join([*_imports("\n".join(body)), "", *body]) + "\n"


def _imports(body: str) -> list[str]:
    wanted = {
        "lrpwidgets": ["subjects"],
        "lrpwidgets.lrp": ["Composite", "Explainer", "Rather", "TwoClasses", "composites", "rules"],
        "lrpwidgets.lrp.selectors": ["Down", "Exactly", "Inside", "Kind", "Name", "Position", "Stage"],
    }
    found = {
        module: [name for name in names if f"{name}(" in body or f"{name}." in body] for module, names in wanted.items()
    }
    return [f"from {module} import {', '.join(names)}" for module, names in found.items() if names]


def _input(subject: Subject, question: Question, upload: str | None) -> list[str]:
    lines = [f"subject = {subject.recipe}"] if subject.recipe else ["# subject: your own, as given to explore()"]
    if upload is None:
        lines.append(f"x, label = subject.item({question.item})")
    else:
        lines += _upload(subject, upload, question)
    if question.strokes:
        strokes = [f"    {_stroke(stroke)}," for stroke in question.strokes]
        lines += ["strokes = [", *strokes, "]", "x = subjects.painted(x, strokes, subject.bounds)"]
    return lines


def _upload(subject: Subject, name: str, question: Question) -> list[str]:
    window = "" if question.window is None else f", window={question.window!r}"
    lines = [f"picture = subjects.open_picture({name!r}{window})"]
    if subject.crop is None:
        return [*lines, "x = subject.from_image(picture)"]
    if question.fit:
        return [*lines, "x = subject.from_image(subject.crop.whole(picture))  # all of it, with grey around"]
    return [*lines, "x = subject.from_image(picture)  # its middle: subject.crop.whole(picture) is all of it"]


def _stroke(stroke: object) -> str:
    return f"subjects.{stroke!r}"


def _composite(composite: Composite, preset: Callable[[str], Composite]) -> list[str]:
    try:
        original: tuple[object, ...] = preset(composite.name).entries
    except ValueError:
        original = ()
    own = composite.entries[: len(composite.entries) - len(original)]
    if not original or composite.entries[len(own) :] != original:
        return [
            "composite = Composite(",
            "    [",
            *(f"        {_entry(*each)}," for each in composite.entries),
            "    ],",
            f"    {composite.name!r},",
            ")",
        ]
    bounds = "low=subject.bounds[0], high=subject.bounds[1]"
    settings = f", {bounds}" if any(isinstance(rule, rules.ZBox) for _, rule in preset(composite.name).entries) else ""
    lines = [f"composite = composites.get({composite.name!r}{settings})"]
    if own:
        entries = [f"    {_entry(*each)}," for each in own]
        lines += ["changes = [", *entries, "]", "composite = Composite([*changes, *composite.entries], composite.name)"]
    return lines


def _entry(selector: selectors.Selector, rule: rules.Rule) -> str:
    selectors.to_data(selector)  # raises for a function
    return f"({selector!r}, rules.{rule!r})"


def _target(question: Question) -> str:
    if question.target is None:
        return ""
    return f", target={question.target_of(question.target)!r}"


def _contrast(question: Question) -> list[str]:
    """The top class is known only after the forward."""
    if question.target is not None or question.than is None:
        return []
    return [f"explanation = explanation.retarget(Rather(explanation.top_class, than={question.than}))"]


def _condition(question: Question) -> list[str]:
    if not (question.only and question.layer and question.channels):
        return []
    return [f"explanation = explanation.condition({{{question.layer!r}: {list(question.channels)!r}}})"]
