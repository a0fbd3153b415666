"""All maps as one picture, with the names of methods and inputs."""

from __future__ import annotations

import io
from base64 import b64encode

import numpy as np
from PIL import Image, ImageDraw

from ...colours import WHITE, coloured, enlarged
from .referee import Referee
from .rows import title

_SIDE, _GAP, _NAMES, _LINE = 112, 6, 200, 22
"""Pixels: of a map, between maps, for the names of methods, and of a line of text."""


def drawn(referee: Referee) -> Image.Image:
    """The picture: a row of inputs, and a row of maps for each method, each map by its own range.

    Raises
    ------
    ValueError
        If there is no map yet.
    """
    rows = [row for name in referee.methods if (row := referee.rows.get(name)) is not None and row.maps is not None]
    if not rows or referee.looked is None:
        raise ValueError("There is no map to save yet; wait for the first.")
    step = _SIDE + _GAP
    size = (_NAMES + step * len(referee.items), _LINE + step * (1 + len(rows)))
    sheet = Image.new("RGB", size, WHITE)
    pen = ImageDraw.Draw(sheet)
    for place, (x, said) in enumerate(zip(referee.looked.x, referee.looked.said, strict=True)):
        sheet.paste(_fitted(referee.subject.to_image(x)), (_NAMES + place * step, _LINE))
        pen.text((_NAMES + place * step, 4), referee.class_name(said)[:18], "black")
    for number, row in enumerate(rows, 1):
        top = _LINE + number * step
        pen.text((6, top + _SIDE // 2 - 6), title(row.method), "black")
        assert row.maps is not None
        for place, each in enumerate(np.nan_to_num(row.maps)):
            scale = float(np.quantile(np.abs(each), 0.995)) or float(np.abs(each).max()) or 1.0
            relevance = np.atleast_2d(each)
            image = Image.fromarray(enlarged(coloured(relevance, scale), _SIDE))
            sheet.paste(_fitted(image), (_NAMES + place * step, top))
    return sheet


def saved(referee: Referee) -> str:
    """The picture as PNG, in base64."""
    file = io.BytesIO()
    drawn(referee).save(file, "PNG")
    return b64encode(file.getvalue()).decode()


def _fitted(image: Image.Image) -> Image.Image:
    """A picture that fits its place."""
    share = _SIDE / max(image.size)
    size = max(1, round(image.width * share)), max(1, round(image.height * share))
    kind = Image.Resampling.NEAREST if share >= 1 else Image.Resampling.BOX
    return image.convert("RGB").resize(size, kind)
