"""Texts in the colours that each method gives their words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from ...colours import WHITE
from ...subjects.shown import Shown
from ...subjects.texts import Encoded
from ...subjects.texts.levels import cells, items
from ...subjects.texts.printing import printable
from ...subjects.texts.still import still
from .drawing import Array, Drawing, Large

_NAMES, _LINE, _GAP = 200, 22, 8
"""Pixels of a sheet: for the names of methods, of a line of text, and between texts."""

_READ = {
    "input": "text",
    "part": "word",
    "flip": "Strike words",
    "share": "% of the words",
    "become": "struck words are",
}
"""What a person reads."""


class Words(Drawing):
    """A map is the text itself; a word has the sum over its tokens, and tokens that are added stand by themselves.

    Sinks are outside the scale, as where one text is explained: the first token, added ones and marks.
    """

    begin = (
        "sensitivity", "gradient_times_input", "erasure", "epsilon", "epsilon_plus", "attn_lrp", "cp_lrp", "lstm_lrp",
    )  # fmt: skip
    words = _READ

    def check(self, x: Tensor) -> None:
        if x.dim() != 2:
            raise ValueError(f"Here are texts compared, (T,) token ids; an input has {tuple(x.shape[1:])}.")

    def inputs(self, shown: Sequence[Shown]) -> dict[str, Any]:
        return {"texts": [_laid_out(_text(each)) for each in shown]}

    def shares(self, shown: Sequence[Shown], maps: Array) -> Array:
        return np.concatenate([_shares(*pair) for pair in zip(map(_text, shown), maps, strict=True)])

    def one(self, shown: Sequence[Shown], column: int, shares: Array) -> Array:
        begin = sum(len(items(_text(each))) for each in shown[:column])
        return shares[begin : begin + len(items(_text(shown[column])))]

    def scale(self, shown: Sequence[Shown], column: int, shares: Sequence[Array]) -> float:
        """One for all maps of a text, as shares depend on its length; most words are below it."""
        counted = _counted(_text(shown[column]))
        every = np.abs([self.one(shown, column, each)[counted] for each in shares])
        return float(np.quantile(every, 0.97)) or 1.0 if every.size else 1.0

    def large(self, shown: Shown, relevance: Array) -> Large:
        text = _text(shown)
        amounts = _amounts(text, relevance)
        limit = float(np.abs(amounts[_counted(text)]).max(initial=0.0)) or 1.0
        told = {"limit": limit, "text": _laid_out(text), "sum": float(amounts.sum())}
        return Large(amounts / np.float32(limit), told)

    def left(self, shown: Sequence[Shown]) -> dict[str, Any]:
        return {"texts": [_laid_out(_text(each)) for each in shown]}

    def still(self, shown: Shown, relevance: Array) -> Image.Image:
        return still(_text(shown), relevance[: len(_text(shown))])

    def sheet(self, shown: Sequence[Shown], said: Sequence[str], rows: Mapping[str, Array]) -> Image.Image:
        """The texts one below the other, each as every method colours it, by its own range."""
        drawn: list[tuple[str, Image.Image | None]] = []
        for place, (each, name) in enumerate(zip(shown, said, strict=True)):
            drawn.append((f"{each.name}: {name}", None))
            drawn += [(method, self.still(each, maps[place])) for method, maps in rows.items()]
        heights = [_LINE if image is None else image.height + _GAP for _, image in drawn]
        width = _NAMES + max(image.width for _, image in drawn if image is not None)
        sheet = Image.new("RGB", (width, sum(heights)), WHITE)
        pen, top = ImageDraw.Draw(sheet), 0
        for (name, image), height in zip(drawn, heights, strict=True):
            pen.text((6, top + 6), printable(name), "black")
            if image is not None:
                sheet.paste(image, (_NAMES, top))
            top += height
        return sheet


def _text(shown: Shown) -> Encoded:
    assert shown.text is not None
    return shown.text


def _counted(text: Encoded) -> NDArray[np.intp]:
    """Which words count where a scale is sought."""
    return np.array([at for at, item in enumerate(items(text)) if item.places and not item.sink], np.intp)


def _laid_out(text: Encoded) -> list[list[Any]]:
    """Each word and added token: its letters, whether it follows a space and begins a line, is a sink, struck, read."""
    return [
        [printable("".join(item.texts)), item.spaced, item.breaks, item.sink, item.struck, bool(item.places)]
        for item in items(text)
    ]


def _amounts(text: Encoded, relevance: Array) -> Array:
    """Relevance of each of these, 0 of what the model does not read."""
    values = np.nan_to_num(relevance[: len(text)]).tolist()
    return np.array([cell.relevance or 0.0 for cell in cells(text, values, "word")], np.float32)


def _shares(text: Encoded, relevance: Array) -> Array:
    amounts = _amounts(text, relevance)
    return amounts / (np.abs(amounts).sum() or np.float32(1))
