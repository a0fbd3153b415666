"""Pictures side by side with captions, as a notebook shows them without widgets, and so a page of a site too.

:func:`gallery` shows pictures, :func:`heatmaps` relevance, of several explanations too::

    heatmaps({"why a 3?": why_3.relevance[0], "why a 9?": why_9.relevance[0]})
"""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field
from html import escape
from io import BytesIO
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import ArrayLike, NDArray

from .colours import enlarged, picture

if TYPE_CHECKING:
    from PIL.Image import Image

_ROW = "display: flex; flex-wrap: wrap; gap: 14px; align-items: flex-start"
_FRAME = "border: 1px solid #ddd; max-width: none"


@dataclass(frozen=True)
class Gallery:
    """Pictures with their captions, in rows as wide as the page; a notebook shows it by itself."""

    pictures: Mapping[str, Image] = field(repr=False)
    """By caption, as they are shown."""
    note: str = ""
    """A sentence below them."""

    def _repr_html_(self) -> str:
        figures = "".join(_figure(caption, picture) for caption, picture in self.pictures.items())
        note = f"<p>{escape(self.note)}</p>" if self.note else ""
        return f'<div style="{_ROW}">{figures}</div>{note}'


def gallery(pictures: Mapping[str, Image], *, side: int = 112) -> Gallery:
    """Pictures side by side.

    Parameters
    ----------
    pictures
        By caption.
    side
        Pixels are repeated until a picture is about so wide or high; larger ones stay as they are.
    """
    return Gallery({caption: _enlarged(each, side) for caption, each in pictures.items()})


def heatmaps(
    maps: Mapping[str, ArrayLike], *, scale: float | Literal["common", "own"] = "common", side: int = 112
) -> Gallery:
    """Relevance maps side by side: red is for, blue against, white is nothing. What the full hues stand for is said.

    Parameters
    ----------
    maps
        Relevance (H, W), or (C, H, W), which is summed over its channels; by caption.
    scale
        The amount of relevance that gets the full hue: the largest of all maps, of each map for ``"own"``, or a number.
    side
        Pixels are repeated until a map is about so wide or high.

    Raises
    ------
    ValueError
        If a map has another number of axes, or the scale is not above 0.
    """
    amounts = {caption: _summed(caption, each) for caption, each in maps.items()}
    if scale == "own":
        note = "Each map has a scale of its own: its strongest pixel has the full hue."
        return Gallery({name: picture(each, side=side) for name, each in amounts.items()}, note)
    most = max((float(np.abs(each).max()) for each in amounts.values()), default=0.0) or 1.0
    full = most if scale == "common" else scale
    more = " or more" if full < most else ""
    note = f"Full red is +{full:.3g}{more} and full blue −{full:.3g}{more} for one pixel, in every map of this row."
    return Gallery({name: picture(each, full, side=side) for name, each in amounts.items()}, note)


def source(image: Image) -> str:
    """A picture as the address of an ``<img>``, which holds all of it."""
    content = BytesIO()
    image.save(content, "PNG")
    return "data:image/png;base64," + b64encode(content.getvalue()).decode()


def _figure(caption: str, image: Image) -> str:
    words = escape(caption)
    return (
        f'<figure style="margin: 0; max-width: {image.width + 2}px">'
        f'<img src="{source(image)}" alt="{words}" style="{_FRAME}"><br>{words}</figure>'
    )


def _enlarged(image: Image, side: int) -> Image:
    from PIL import Image

    return Image.fromarray(enlarged(np.asarray(image.convert("RGB")), side))


def _summed(caption: str, relevance: ArrayLike) -> NDArray[np.float64]:
    """Relevance (H, W) of a map, without what is no number."""
    amounts = np.nan_to_num(np.asarray(relevance, dtype=np.float64), posinf=0.0, neginf=0.0)
    if amounts.ndim not in (2, 3):
        raise ValueError(
            f"A heatmap is drawn of relevance (H, W) or (C, H, W); {caption!r} has shape {amounts.shape}, "
            "of a batch take one sample."
        )
    return amounts.sum(0) if amounts.ndim == 3 else amounts
