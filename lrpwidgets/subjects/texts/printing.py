"""Coloured texts for pages and papers: HTML, SVG and LaTeX, with nothing from a text but its letters."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from html import escape
from typing import TYPE_CHECKING

import numpy as np

from ...colours import RED_BLUE, RGB, ColourMap, coloured
from .levels import Cell

if TYPE_CHECKING:
    from PIL import ImageFont

_WIDTH, _SIZE, _GAP = 800, 20, 6
"""Of a drawing, of its letters, and between cells, in pixels."""

_HATCHED = "repeating-linear-gradient(-45deg, #e4e2dc 0 3px, #faf9f6 3px 7px)"
_PAPER, _INK, _QUIET = "#ffffff", "#1c2126", "#646c75"
_SINK = "#f3f1ec"

_LATEX = {
    "\\": r"\textbackslash{}", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}", "<": r"\textless{}",
    ">": r"\textgreater{}", "|": r"\textbar{}", '"': r"\textquotedbl{}",
    **{each: f"\\{each}" for each in "{}$&#_%"},
}  # fmt: skip


def shade(amounts: Sequence[float], limit: float, colours: ColourMap = RED_BLUE) -> list[tuple[str, str]]:
    """Paper and ink of each amount of relevance, as ``#rrggbb``: letters can be read on it."""
    return [(_hex(rgb), _hex(ink_on(rgb))) for rgb in coloured(np.array(amounts, np.float64), limit, colours).tolist()]


def ink_on(paper: RGB) -> RGB:
    """Black or white, whichever has more contrast with `paper`: always 4.5 : 1 by WCAG 2.2, at least."""
    shares = [each / 255 for each in paper]
    red, green, blue = (each / 12.92 if each <= 0.03928 else ((each + 0.055) / 1.055) ** 2.4 for each in shares)
    light = 0.2126 * red + 0.7152 * green + 0.0722 * blue
    return (255, 255, 255) if 1.05 / (light + 0.05) > (light + 0.05) / 0.05 else (0, 0, 0)


def to_html(cells: Sequence[Cell], limit: float, colours: ColourMap = RED_BLUE) -> str:
    """The cells as a fragment of HTML that needs no style of its own; `limit`: relevance at the end of the scale."""
    parts = []
    for cell in cells:
        before = "<br>" if cell.breaks else "" if cell.joined else " "
        title = "not read" if cell.relevance is None else f"{cell.relevance:.3g}".replace("-", "−")
        words = escape(printable(cell.text))
        tag = "s" if cell.struck else "span"
        parts.append(
            f'{before}<{tag} dir="auto" style="{_css(cell, limit, colours)}" title="{title}"><bdi>{words}</bdi></{tag}>'
        )
    return "".join(parts).strip()


def _css(cell: Cell, limit: float, colours: ColourMap) -> str:
    box = "padding: 1px 4px; border-radius: 3px; box-decoration-break: clone; -webkit-box-decoration-break: clone"
    if cell.relevance is None:
        return f"color: {_QUIET}; {box}"
    if cell.sink:
        return f"color: {_INK}; background: {_HATCHED}; {box}"
    ((paper, ink),) = shade([cell.relevance], limit, colours)
    return f"color: {ink}; background: {paper}; {box}"


def to_svg(cells: Sequence[Cell], limit: float, head: str = "", foot: str = "") -> str:
    """The cells as an SVG file, under a `head` and above a scale that ends at ±`limit` and what the `foot` says."""
    from PIL import ImageFont

    font = ImageFont.load_default(_SIZE)
    drawn, bottom = _laid_out([part for cell in cells for part in _parts(cell)], font, limit)
    ends = f"{limit:.3g}"
    stops = "".join(
        f'<stop offset="{place / 20:g}" stop-color="{paper}"/>'
        for place, (paper, _) in enumerate(shade([place / 10 - 1 for place in range(21)], 1.0))
    )
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{_WIDTH}" height="{bottom + 60}" viewBox="0 0 {_WIDTH} '
        f'{bottom + 60}" font-family="system-ui, \'Liberation Sans\', sans-serif">'
        f'<defs><linearGradient id="ramp">{stops}</linearGradient><pattern id="sink" width="7" height="7" '
        'patternTransform="rotate(45)" patternUnits="userSpaceOnUse"><rect width="7" height="7" fill="#faf9f6"/>'
        '<rect width="3" height="7" fill="#e4e2dc"/></pattern></defs>'
        f'<rect width="100%" height="100%" fill="{_PAPER}"/>{_said(head, 24, _INK)}{"".join(drawn)}'
        f'{_said("−" + ends, bottom + 16, _INK)}<rect x="{_GAP + 64}" y="{bottom + 6}" width="160" height="10" rx="4" '
        f'fill="url(#ramp)"/>{_said("+" + ends, bottom + 16, _INK, _GAP + 232)}{_said(foot, bottom + 40, _QUIET)}</svg>'
    )


def _said(words: str, y: int, fill: str, x: int = _GAP) -> str:
    return f'<text x="{x}" y="{y}" font-size="14" fill="{fill}">{escape(printable(words))}</text>'


def _parts(cell: Cell) -> list[Cell]:
    """A cell in pieces that fit into lines: a sentence word by word."""
    words = cell.text.split() or [cell.text]
    first, *others = (Cell(word, cell.relevance, cell.sink, cell.struck) for word in words)
    return [Cell(first.text, cell.relevance, cell.sink, cell.struck, cell.breaks, cell.joined), *others]


def _laid_out(
    parts: Sequence[Cell], font: ImageFont.FreeTypeFont | ImageFont.ImageFont, limit: float
) -> tuple[list[str], int]:
    """Boxes of the cells, line by line, and where they end."""
    drawn, left, top = [], float(_GAP), 44
    for cell in parts:
        words = printable(cell.text)
        width = font.getlength(words) + 8
        left -= _GAP if cell.joined else 0
        if cell.breaks or (left + width > _WIDTH - _GAP and left > _GAP):
            left, top = float(_GAP), top + _SIZE + 18
        drawn.append(_box(cell, words, left, top, width, limit))
        left += width + _GAP
    return drawn, top + _SIZE + 24


def _box(cell: Cell, words: str, left: float, top: int, width: float, limit: float) -> str:
    paper, ink = ("none", _QUIET) if cell.relevance is None else shade([cell.relevance], limit)[0]
    if cell.sink and cell.relevance is not None:
        paper, ink = "url(#sink)", _INK
    line = ' text-decoration="line-through"' if cell.struck else ""
    return (
        f'<rect x="{left:.1f}" y="{top}" width="{width:.1f}" height="{_SIZE + 8}" rx="4" fill="{paper}"/>'
        f'<text x="{left + 4:.1f}" y="{top + _SIZE}" font-size="{_SIZE}" fill="{ink}" textLength="{width - 8:.1f}" '
        f'lengthAdjust="spacingAndGlyphs" unicode-bidi="isolate"{line}>{escape(words)}</text>'
    )


def to_latex(cells: Sequence[Cell], limit: float, head: str = "", foot: str = "") -> str:
    r"""The cells as LaTeX for ``\input``, which needs the package xcolor and no other."""
    lines = [
        "% needs \\usepackage{xcolor}",
        "{\\setlength{\\fboxsep}{2pt}\\setlength{\\parindent}{0pt}\\raggedright",
        *([f"\\textbf{{{latex(head)}}}\\par\\smallskip"] if head else []),
        *(_latex_line(cell, limit) for cell in cells),
        "\\par\\smallskip",
        f"{{\\footnotesize $-{limit:.3g}$ {_latex_ramp()} $+{limit:.3g}$ {latex(foot)}}}\\par}}",
    ]
    return "\n".join(lines) + "\n"


def _latex_line(cell: Cell, limit: float) -> str:
    before = "\\par " if cell.breaks else "\\unskip" if cell.joined else ""
    return before + " ".join(_latex_box(part, limit) for part in _parts(cell))


def _latex_box(cell: Cell, limit: float) -> str:
    words = f"\\strut {latex(cell.text)}"
    if cell.struck:
        words = f"\\setbox0\\hbox{{{words}}}\\rlap{{\\vrule height 0.7ex depth -0.55ex width\\wd0}}\\box0"
    if cell.relevance is None:
        return f"\\mbox{{\\textcolor{{gray}}{{{words}}}}}"
    if cell.sink:
        return f"\\fcolorbox[HTML]{{9A9A94}}{{{_SINK[1:].upper()}}}{{{words}}}"
    ((paper, ink),) = shade([cell.relevance], limit)
    return f"\\colorbox[HTML]{{{paper[1:].upper()}}}{{\\textcolor[HTML]{{{ink[1:].upper()}}}{{{words}}}}}"


def _latex_ramp() -> str:
    steps = shade([place / 8 - 1 for place in range(17)], 1.0)
    return "".join(f"\\textcolor[HTML]{{{paper[1:].upper()}}}{{\\rule{{4pt}}{{6pt}}}}" for paper, _ in steps)


def latex(text: str) -> str:
    """A text as LaTeX prints it."""
    return "".join(_LATEX.get(each, each) for each in printable(text))


def printable(text: str) -> str:
    """A text with the names of characters that have no letter, such as those that turn the direction of reading."""
    if text.isprintable():
        return text
    return "".join(f"[U+{ord(each):04X}]" if _is_hidden(each) else " " if each.isspace() else each for each in text)


def _is_hidden(character: str) -> bool:
    joiners = "\u200c\u200d"  # letters of some scripts, and emoji, need them
    return (
        unicodedata.category(character) in ("Cc", "Cf", "Cs", "Co")
        and not character.isspace()
        and character not in joiners
    )


def _hex(rgb: RGB) -> str:
    return "#" + "".join(f"{round(each):02x}" for each in rgb)
