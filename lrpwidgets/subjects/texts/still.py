"""A text and its relevance as a picture, for where no view can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

from PIL import Image, ImageDraw, ImageFont

from .encoded import Encoded
from .levels import cells, items, limit
from .printing import shade

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

_WIDTH, _SIZE, _GAP = 640, 18, 6
"""Of the picture, of its letters, and between words, in pixels."""

_MOST = 300
"""Words that the picture has."""


def still(encoded: Encoded, relevance: NDArray[np.float32]) -> Image.Image:
    """Words in the colours of their relevance, summed over their tokens, on the scale that the view of them has."""
    font = ImageFont.load_default(_SIZE)
    found = cells(encoded, relevance.tolist(), "word")
    amounts = {item.word: cell.relevance or 0.0 for item, cell in zip(items(encoded), found, strict=True)}
    places, height = _places(encoded, font)
    page = Image.new("RGB", (_WIDTH, height), "white")
    pen = ImageDraw.Draw(page)
    shades = shade([amounts[number] for number in range(len(places))], limit(found))
    for number, ((left, top, right), (paper, ink)) in enumerate(zip(places, shades, strict=True)):
        pen.rectangle((left - 2, top, right + 2, top + _SIZE + 4), fill=paper)
        pen.text((left, top), encoded.word(number), ink, font)
        if number in encoded.struck:
            pen.line((left, top + _SIZE // 2 + 2, right, top + _SIZE // 2 + 2), "black", 2)
    return page


def _places(
    encoded: Encoded, font: ImageFont.FreeTypeFont | ImageFont.ImageFont
) -> tuple[list[tuple[int, int, int]], int]:
    """Left, upper and right end of each word, and the height of all lines."""
    places, left, top = [], _GAP, _GAP
    for number in range(min(len(encoded.words), _MOST)):
        width = round(font.getlength(encoded.word(number)))
        if left + width > _WIDTH - _GAP and left > _GAP:
            left, top = _GAP, top + _SIZE + 2 * _GAP
        places.append((left, top, left + width))
        left += width + _GAP
    return places, top + _SIZE + 2 * _GAP
