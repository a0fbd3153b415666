"""The coloured sentence for pages and papers, with the question and the scale in each file."""

from __future__ import annotations

from functools import partial
from html import escape

from ...subjects import Subject
from ...subjects.texts import levels, printing
from ...subjects.texts.levels import Level
from ..base.answers import Answer
from ..base.page import amount

_PAGE = """<!DOCTYPE html>
<html lang="en">
<meta charset="utf-8">
<title>{title}</title>
<body style="font: 18px/2 system-ui, sans-serif; max-width: 52em; margin: 2em auto; padding: 0 1em">
<h1 style="font-size: 18px">{title}</h1>
<p>{words}</p>
<p style="font-size: 13px; color: #646c75">{foot}</p>
</body>
</html>
"""


def to_html(answer: Answer, subject: Subject, level: Level = "word", *, sinks: bool = True) -> str:
    """A page with the sentence; the parameters are those of :meth:`TokenView.to_html`."""
    cells, limit = _cells(answer, level, sinks)
    foot = f"±{amount(limit)}: {_foot(answer, level, sinks)}"
    return _PAGE.format(
        title=escape(_head(answer, subject)),
        words=printing.to_html(cells, limit),
        foot=escape(printing.printable(foot)),
    )


def to_svg(answer: Answer, subject: Subject, level: Level = "word", *, sinks: bool = True) -> str:
    """A drawing of the sentence."""
    cells, limit = _cells(answer, level, sinks)
    return printing.to_svg(cells, limit, _head(answer, subject), _foot(answer, level, sinks))


def to_latex(answer: Answer, subject: Subject, level: Level = "word", *, sinks: bool = True) -> str:
    """The sentence for a paper."""
    cells, limit = _cells(answer, level, sinks)
    return printing.to_latex(cells, limit, _head(answer, subject), _foot(answer, level, sinks))


MADE = {"html": to_html, "svg": to_svg, "tex": to_latex}
"""What makes the content of a file, by its ending."""


def _cells(answer: Answer, level: Level, sinks: bool) -> tuple[list[levels.Cell], float]:
    assert answer.shown.text is not None
    cells = levels.cells(answer.shown.text, answer.tokens.tolist(), level, sinks=sinks)
    return cells, levels.limit(cells)


def _head(answer: Answer, subject: Subject) -> str:
    called = partial(subject.class_name, shown=answer.shown)
    rather = "" if answer.than is None else f" rather than “{called(answer.than)}”"
    score = amount(float(answer.whole.ledger.explained[0]))
    asked = f"Why “{called(answer.target)}”{rather}? f = {score}, {answer.question.composite.name}"
    through = ", ".join(f"#{channel}" for channel in answer.question.channels)
    return asked + (f", through {through} of {answer.question.layer}" if answer.question.only and through else "")


def _foot(answer: Answer, level: Level, sinks: bool) -> str:
    sums = "" if level == "token" else ", sum of its tokens"
    first = "the first token, " if answer.text.attended else ""
    hatched = f"; hatched: {first}separators and marks, outside the scale" if sinks else ""
    return f"relevance per {level}{sums}, in units of f{hatched}"
