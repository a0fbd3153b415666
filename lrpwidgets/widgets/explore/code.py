"""The state on the screen as Python that gives the same numbers."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from ...lrp import Composite, rules, selectors
from ...subjects import Subject
from ..base.code import select_argument
from ..base.question import Question


def code(
    subject: Subject, questions: Sequence[Question], preset: Callable[[str], Composite], uploads: Mapping[int, str]
) -> str:
    """Python that computes the relevance that the first of `questions` asks for, as ``relevance``.

    It is (1, C, H, W) of a picture, and (1, T) of a text.

    That of the others, which are pinned, is ``pinned_1``, ``pinned_2`` and so on.

    Parameters
    ----------
    subject
        What is examined. One without a recipe, such as a model of your own, must be there as ``subject``.
    questions
        What is asked of it; all have an input.
    preset
        Gives the composite of that name, with the subject's bounds.
    uploads
        Names of the files of inputs that came from outside, by the number of the input.

    Raises
    ------
    ValueError
        If the composite selects layers, or the subject takes its scores, by a function of the user's.
    """
    body = [f"subject = {subject.recipe}"] if subject.recipe else ["# subject: your own, as given to explore()"]
    before = None
    for number, question in enumerate(questions):
        if question.input != before:
            body += [*_INPUT[subject.modality][0](question, _uploaded(question, uploads), subject), ""]
        before = question.input
        body += _explained(subject, question, preset, f"pinned_{number}" if number else "relevance")
    return "\n".join([*_imports("\n".join(body)), "", *body[:-1]]) + "\n"


def _explained(subject: Subject, question: Question, preset: Callable[[str], Composite], name: str) -> list[str]:
    return [
        *_composite(question.composite, preset),
        f"explainer = Explainer(subject.model, composite{select_argument(subject)})",
        f"explanation = explainer.explain({_INPUT[subject.modality][1]}{_target(question)})",
        *_contrast(question),
        *_condition(question),
        f"{name} = explanation.relevance",
        "",
    ]


def _imports(body: str) -> list[str]:
    wanted = {
        "lrpwidgets": ["subjects"],
        "lrpwidgets.subjects": ["texts"],
        "lrpwidgets.lrp": ["Composite", "Explainer", "NextToken", "Rather", "TwoClasses", "composites", "rules"],
        "lrpwidgets.lrp.selectors": ["Down", "Exactly", "Inside", "Kind", "Name", "Position", "Stage"],
    }
    found = {
        module: [name for name in names if f"{name}(" in body or f"{name}." in body] for module, names in wanted.items()
    }
    return [f"from {module} import {', '.join(names)}" for module, names in found.items() if names]


def _uploaded(question: Question, uploads: Mapping[int, str]) -> str | None:
    """The name of the file that the input was in; None for a sample."""
    return None if question.item is None else uploads.get(question.item)


def _picture(question: Question, upload: str | None, subject: Subject) -> list[str]:
    lines = [f"x, label = subject.item({question.item})"] if upload is None else _upload(subject, upload, question)
    if question.strokes:
        strokes = [f"    {_stroke(stroke)}," for stroke in question.strokes]
        lines += ["strokes = [", *strokes, "]", "x = subjects.painted(x, strokes, subject.bounds)"]
    return lines


def _text(question: Question, upload: str | None, subject: Subject) -> list[str]:
    if upload is None and question.typed is None and not question.struck:
        return [f"x, label = subject.item({question.item})"]
    if question.typed is not None:
        text = repr(question.typed)
    elif upload is not None:
        text = f"open({upload!r}, encoding='utf-8-sig', newline='').read()"
    else:
        text = f"subject.dataset.texts[{question.item}]"
    return [*_encoded(text, question), "x = encoded.x"]


def _encoded(text: str, question: Question) -> list[str]:
    lines = [f"text = {text}", "encoded = subject.tokenizer.encode(text)"]
    if question.struck:
        lines.append(f"encoded = texts.struck(encoded, {list(question.struck)!r}, subject.tokenizer)")
    return lines


def _both(question: Question, upload: str | None, subject: Subject) -> list[str]:
    picture = _picture(replace(question, struck=(), typed=None), upload, subject)
    first = 0 if upload is not None or question.item is None else question.item
    if upload is None:
        picture[0] = f"(x, _), label = subject.item({question.item})"
    text = f"subject.dataset.texts[{first}]" if question.typed is None else repr(question.typed)
    return [*picture, *_encoded(text, question)]


_INPUT = {
    "image": (_picture, "x[None]"),
    "text": (_text, "x[None]"),
    "image and text": (_both, "(x[None], encoded.x[None])"),
}
"""What gives the input, and what it then is as a batch, by modality."""


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
