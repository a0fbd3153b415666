"""What a person takes along: the table as CSV and LaTeX, all maps as a picture, and the comparison as Python."""

from __future__ import annotations

import io
from base64 import b64encode
from typing import Any

import numpy as np

from ...evaluate import Comparison
from ...lrp import Rather, composites
from ...tables import csv_of
from .referee import Referee
from .rows import LEARNING, title

COLUMNS = ("fill", "rank", "method", "srg", "srg low", "srg high", "aopc", "aopc low", "aopc high", "inputs")


def table(referee: Referee) -> str:
    """How methods stand under every fill, as CSV with a header; ValueError if nothing is known yet."""
    found = _found(referee)
    ranks = {fill: found.order(fill) for fill in found.fills}
    return csv_of(
        COLUMNS,
        [
            [
                each.fill,
                ranks[each.fill].index(each.method) + 1,
                each.method,
                *map(_rounded, (each.gain.value, each.gain.low, each.gain.high)),
                *map(_rounded, (each.drop.value, each.drop.low, each.drop.high)),
                each.gain.samples,
            ]
            for each in found.standings
        ],
    )


def latex(referee: Referee) -> str:
    """The gain of each method under every fill with its interval, as a table for LaTeX's booktabs."""
    found = _found(referee)
    gains = {(each.fill, each.method): each.gain for each in found.standings}
    head = " & ".join(["method", *map(str, found.fills)])
    lines = [
        " & ".join([_escaped(name), *(_cell(gains[fill, name]) for fill in found.fills)]) + r" \\"
        for name in found.order(found.fills[0])
    ]
    caption = (
        f"Symmetric relevance gain with 95\\,\\% bootstrap intervals over {len(found.items)} inputs of "
        f"{_escaped(referee.subject.name)}, by what flipped parts become; {referee.size}, seed "
        f"{referee.seed}."
    )
    return "\n".join(
        [
            r"\begin{table}",
            r"\centering",
            rf"\caption{{{caption}}}",
            rf"\begin{{tabular}}{{l{'c' * len(found.fills)}}}",
            r"\toprule",
            head + r" \\",
            r"\midrule",
            *lines,
            r"\bottomrule",
            r"\end{tabular}",
            r"\end{table}",
            "",
        ]
    )


def code(referee: Referee) -> str:
    """Python that computes the same table again."""
    subject, bounded = referee.subject, False
    refused = {} if referee.looked is None else referee.looked.obstacles
    lines = []
    for name in referee.methods:
        settings = dict(referee.settings.get(name, {}))
        given = [f"{key!r}: {value!r}" for key, value in settings.items()]
        if subject.bounds is not None and name in composites.names() and composites.takes_bounds(name):
            given, bounded = ['"low": low', '"high": high', *given], True
        if name in LEARNING and name not in refused:
            given = [*given, '"background": background']
        lines.append(f"    {name!r}: {{{', '.join(given)}}},")
    background = any("background" in each for each in lines)
    explained = referee.question.explained
    target = "" if explained is None else f", target={explained!r}"
    fills = list(referee.kind.fills)
    how = ", ".join(f"{name}={value!r}" for name, value in referee.how.items())
    return "\n".join(
        [
            *(["import numpy as np", "import torch", ""] if background else []),
            "from lrpwidgets import evaluate, subjects",
            *(["from lrpwidgets.lrp import Rather"] if isinstance(explained, Rather) else []),
            "",
            f"subject = {subject.recipe}" if subject.recipe else "# subject: your own, as given to the dashboard",
            *(["low, high = subject.bounds"] if bounded else []),
            *(
                [
                    f"rows = np.random.default_rng({referee.seed}).permutation(len(subject.dataset))[:100]",
                    "background = torch.stack([subject.item(int(row))[0] for row in rows])",
                ]
                if background
                else []
            ),
            "methods = {",
            *lines,
            "}",
            f"how = dict({how})",
            "result = evaluate.compare(",
            f"    subject, methods, fills={fills}, samples={referee.total}, seed={referee.seed}{target}, **how",
            ")",
            "print(result.conclusion)",
            "print(result.standings.to_frame())  # needs pandas",
            *(
                [
                    f"truth = evaluate.ground_truth(subject, methods, samples={referee.total}, seed={referee.seed})",
                    "print(truth.conclusion)",
                ]
                if referee.truth is not None
                else []
            ),
            "",
        ]
    )


def sheet(referee: Referee) -> str:
    """The maps of all methods as a PNG picture, in base64, each map by its own range.

    Raises
    ------
    ValueError
        If there is no map yet.
    """
    rows = [row for name in referee.methods if (row := referee.rows.get(name)) is not None]
    maps = {title(row.method): np.nan_to_num(row.maps) for row in rows if row.maps is not None}
    if not maps or referee.looked is None:
        raise ValueError("There is no map to save yet; wait for the first.")
    looked, file = referee.looked, io.BytesIO()
    said = [referee.class_name(each) for each in looked.said]
    referee.drawing.sheet(looked.shown, said, maps).save(file, "PNG")
    return b64encode(file.getvalue()).decode()


def _found(referee: Referee) -> Comparison:
    found: Comparison | None = referee.answer
    if found is None:
        raise ValueError("There is nothing to export yet; wait for the first inputs.")
    return found


def _rounded(number: float) -> float:
    return float(f"{number:.6g}")


def _cell(gain: Any) -> str:
    return f"{gain.value:.3f} [{gain.low:.3f}, {gain.high:.3f}]"


def _escaped(text: str) -> str:
    return text.replace("_", r"\_").replace("&", r"\&").replace("%", r"\%").replace("#", r"\#")
