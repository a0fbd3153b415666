"""A report on what is on the screen: one HTML file that opens anywhere, without a network."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...colours import MAPS, coloured
from ...subjects import Subject
from ..base.answers import Answer
from ..base.page import page, source
from ..base.presets import TITLES
from .exploration import Exploration
from .look import Look
from .printed import PRINTED, Printed

_TEMPLATE = Path(__file__).with_name("report.html.j2")
_MOST_CLASSES = 10


def report(exploration: Exploration, look: Mapping[str, Any] | None = None) -> str:
    """The newest answer and the pinned ones as a self-contained HTML page.

    Parameters
    ----------
    exploration
        Where something was explained.
    look
        How to draw, as for :class:`~lrpwidgets.widgets.HeatmapView`.

    Returns
    -------
    str
        A page with the input, the maps and their scale, scores, rules, the ledger with its losses, caveats, the
        state to look at it again, and the versions of the software.

    Raises
    ------
    ValueError
        If nothing is explained yet, or `look` has a value that it cannot have.
    """
    answer, subject = exploration.answer, exploration.subject
    if answer is None:
        raise ValueError("Nothing is explained yet; look at an input first.")
    drawn = Look.from_dict(look or {})
    printed = PRINTED[subject.modality]
    shown = [(answer, printed.of(answer), False), *_pins(answer, exploration.pinned, drawn, printed)]
    amounts = [printed.amounts(each, values, drawn) for each, values, _ in shown]
    limits = drawn.limits(amounts, [each.question.composite for each, _, _ in shown])
    maps = [_map(*each, subject, drawn, limit) for each, limit in zip(shown, limits, strict=True)]
    return page(
        _TEMPLATE,
        title=f"{answer.shown.name}: {maps[0]['question']}",
        subject=subject.title,
        printed=printed,
        part=printed.part(drawn),
        unit=printed.unit(drawn),
        input={"name": answer.shown.name, "html": printed.original(answer, subject), "label": _label(answer, subject)},
        changed=bool(answer.question.changes),
        maps=maps,
        one_scale=len(set(limits)) == 1,
        look=drawn,
        ramp=source(_ramp(drawn)),
        person=_for_a_person(answer, exploration, amounts[0]),
        scores=_scores(answer, exploration),
        rows=_rows(answer),
        ledger=_ledger(answer),
        caveats=answer.explanation.caveats,
        state=_state(exploration),
    )


def _pins(
    live: Answer, pinned: Sequence[Answer | None], look: Look, printed: Printed
) -> Iterator[tuple[Answer, NDArray[np.float32], bool]]:
    """The pins that are there: the relevance that each shows, and whether that is the live map's less its own."""
    shown = printed.of(live)
    for number, answer in enumerate(pinned):
        if answer is not None:
            own = printed.of(answer)
            differs = number in look.differences and own.shape == shown.shape
            yield answer, shown - own if differs else own, differs


def _map(
    answer: Answer, values: NDArray[np.float32], differs: bool, subject: Subject, look: Look, limit: float
) -> dict[str, Any]:
    question, ledger = answer.question, answer.explanation.ledger
    printed = PRINTED[subject.modality]
    through = ", ".join(f"#{channel}" for channel in question.channels)
    rather = "" if answer.than is None else f" rather than “{subject.class_name(answer.than, answer.shown)}”"
    asked = f"Why “{subject.class_name(answer.target, answer.shown)}”{rather}?"
    return {
        "question": asked,
        "through": f"through {through} of {question.layer}" if question.only and through else "",
        "name": answer.shown.name,
        "composite": question.composite.name,
        "called": TITLES.get(question.composite.name, ""),
        "differs": differs,
        "html": printed.drawn(answer, values, look, limit, asked),
        "limit": limit,
        "reached": float(ledger.reached_input[0]),
        "score": float(answer.whole.ledger.explained[0]),
    }


def _ramp(look: Look) -> NDArray[np.uint8]:
    return np.repeat(coloured(np.linspace(-1, 1, 256)[None], 1, MAPS[look.map]), 8, 0)


def _label(answer: Answer, subject: Subject) -> str:
    return "" if answer.shown.label is None else subject.class_name(answer.shown.label)


def _for_a_person(answer: Answer, exploration: Exploration, amounts: NDArray[np.float32]) -> dict[str, Any]:
    """What the first page says in words: what the network decided, what is right, and how the evidence lies."""
    subject, label, (best, *others) = exploration.subject, answer.shown.label, _scores(answer, exploration)
    positive = np.sort(np.nan_to_num(amounts, posinf=0.0).clip(min=0), axis=None)[::-1].cumsum(dtype=np.float64)
    half = 100 * (1 + int(np.searchsorted(positive, positive[-1] / 2))) / len(positive) if positive[-1] else None
    return {
        "says": best["name"],
        "share": best["share"],
        "right": None if label is None or not others else label == answer.whole.top_class,
        "explained": subject.class_name(answer.target, answer.shown),
        "rather": "" if answer.than is None else subject.class_name(answer.than, answer.shown),
        "half": half,
    }


def _scores(answer: Answer, exploration: Exploration) -> list[dict[str, Any]]:
    """The best classes, and the explained one; one score has no probability."""
    scores = np.array(answer.scores)
    shares = exploration.explainer.probabilities(answer.explanation.scores[0].double()).numpy(force=True)
    outputs = answer.shown.outputs
    ranking = np.argsort(-scores, kind="stable").tolist()
    best = [each for each in ranking if outputs is None or outputs[each]][:_MOST_CLASSES]
    shown = best + [each for each in (answer.target, answer.than) if each is not None and each not in best]
    return [
        {
            "name": exploration.subject.class_name(number, answer.shown),
            "score": scores[number],
            "share": 100 * shares[number] if len(scores) > 1 else None,
            "explained": number == answer.target,
        }
        for number in shown
    ]


def _rows(answer: Answer) -> list[dict[str, Any]]:
    amounts = ("received", "handed", "bias", "stabilizer", "rules")
    return [
        {"name": row.name, "kind": row.kind, "rule": row.rule}
        | {name: float(getattr(row, name)[0]) for name in amounts}
        for row in answer.explanation.ledger.rows
    ]


def _ledger(answer: Answer) -> dict[str, float]:
    ledger = answer.explanation.ledger
    names = ("explained", "reached_input", "bias", "stabilizer", "rules")
    return {name: float(getattr(ledger, name)[0]) for name in names} | {"imbalance": ledger.imbalance}


def _state(exploration: Exploration) -> str:
    try:
        return json.dumps(exploration.to_dict(), indent=1, ensure_ascii=False)
    except ValueError as error:
        return f"This state has no text form. {error}"
