"""A text and its relevance as a picture, for where no view can be drawn."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from ...colours import MAPS, coloured
from .encoded import Encoded

if TYPE_CHECKING:
    from numpy.typing import NDArray

_WIDTH, _SIZE, _GAP = 640, 18, 6
"""Of the picture, of its letters, and between words, in pixels."""

_MOST = 300
"""Words that the picture has."""


def still(encoded: Encoded, relevance: NDArray[np.float32], limit: float) -> Image.Image:
    """Words in the colours of their relevance, summed over their tokens; `limit`: that at the end of the scale."""
    font = ImageFont.load_default(_SIZE)
    sums = np.zeros(len(encoded.words))
    for word, amount in zip(encoded.word_of, relevance.tolist(), strict=True):
        if word >= 0:
            sums[word] += amount
    colours = coloured(sums[None].astype(np.float32), limit, MAPS["red–blue"])[0]
    places, height = _places(encoded, font)
    page = Image.new("RGB", (_WIDTH, height), "white")
    pen = ImageDraw.Draw(page)
    for number, (left, top, right) in enumerate(places):
        hue = tuple(colours[number].tolist())
        pen.rectangle((left - 2, top, right + 2, top + _SIZE + 4), fill=hue)
        pen.text((left, top), encoded.word(number), "white" if sum(hue) < 383 else "black", font)
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
