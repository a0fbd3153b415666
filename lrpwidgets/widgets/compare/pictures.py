"""Pictures and their heatmaps, side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw
from torch import Tensor

from ...colours import WHITE, averaged, coloured, enlarged, picture
from ...subjects.shown import Shown
from .drawing import Array, Drawing, Large

SIDE = 72
"""Most pixels along a side of a small map."""

LARGE = 448
"""Of a large one."""

FLIPPED = 128
"""Of a picture that is taken away."""

_SIDE, _GAP, _NAMES, _LINE = 112, 6, 200, 22
"""Pixels of a sheet: of a map, between maps, for the names of methods, and of a line of text."""

_READ = {
    "input": "picture",
    "part": "pixel",
    "flip": "Flip pixels",
    "share": "% of the picture",
    "become": "flipped pixels become",
}
"""What a person reads."""


class Pictures(Drawing):
    """A map is a picture."""

    begin = (
        "sensitivity", "gradient_times_input", "integrated_gradients", "smoothgrad", "gradcam", "occlusion",
        "epsilon_plus_flat", "epsilon_gamma_box", "epsilon_alpha2_beta1_flat", "attn_lrp",
    )  # fmt: skip
    words = _READ

    def check(self, x: Tensor) -> None:
        if x.dim() != 4:
            raise ValueError(
                f"Here are pictures compared, (C, H, W); an input has {tuple(x.shape[1:])}. "
                "lrpwidgets.evaluate.compare compares methods on it."
            )

    def inputs(self, shown: Sequence[Shown]) -> dict[str, Any]:
        images = [self._pixels(each, SIDE) for each in shown]
        return {"pictures": b"".join(each.tobytes() for each in images), "size": images[0].shape[:2]}

    def shares(self, shown: Sequence[Shown], maps: Array) -> Array:
        known = np.nan_to_num(maps)
        whole = np.abs(known).sum((1, 2), keepdims=True)
        share = min(1.0, SIDE / max(known.shape[1:]))
        height, width = (max(1, round(each * share)) for each in known.shape[1:])
        return averaged(known / np.where(whole > 0, whole, 1), (height, width)).reshape(-1)

    def one(self, shown: Sequence[Shown], column: int, shares: Array) -> Array:
        one: Array = shares.reshape(len(shown), -1)[column]
        return one

    def scale(self, shown: Sequence[Shown], column: int, shares: Sequence[Array]) -> float:
        """One for all maps: most values are below it."""
        return float(np.quantile(np.abs(np.concatenate(shares)), 0.99)) or 1.0

    def large(self, shown: Shown, relevance: Array) -> Large:
        known = np.nan_to_num(relevance)
        whole = float(np.abs(known).sum()) or 1.0
        share = min(1.0, LARGE / max(known.shape))
        height, width = (max(1, round(each * share)) for each in known.shape)
        small = averaged(known / whole, (height, width))
        limit = float(np.quantile(np.abs(small), 0.995)) or 1.0
        image = self._pixels(shown, LARGE)
        told = {"size": small.shape, "picture": image.shape[:2], "sum": float(known.sum())}
        return Large(small / limit, told, image.tobytes())

    def left(self, shown: Sequence[Shown]) -> dict[str, Any]:
        images = [self._image(each) for each in shown]
        share = min(1.0, FLIPPED / max(images[0].size)) if images else 1.0
        small = [
            np.asarray(each.resize((max(1, round(each.width * share)), max(1, round(each.height * share))), 0))
            for each in images
        ]
        return {
            "size": small[0].shape[:2] if small else (0, 0),
            "pictures": b"".join(each.tobytes() for each in small),
        }

    def still(self, shown: Shown, relevance: Array) -> Image.Image:
        return picture(relevance)

    def sheet(self, shown: Sequence[Shown], said: Sequence[str], rows: Mapping[str, Array]) -> Image.Image:
        """A row of inputs, and a row of maps for each method, each map by its own range."""
        step = _SIDE + _GAP
        size = (_NAMES + step * len(shown), _LINE + step * (1 + len(rows)))
        sheet = Image.new("RGB", size, WHITE)
        pen = ImageDraw.Draw(sheet)
        for place, (each, name) in enumerate(zip(shown, said, strict=True)):
            sheet.paste(_fitted(self._image(each)), (_NAMES + place * step, _LINE))
            pen.text((_NAMES + place * step, 4), name[:18], "black")
        for number, (method, maps) in enumerate(rows.items(), 1):
            top = _LINE + number * step
            pen.text((6, top + _SIDE // 2 - 6), method, "black")
            for place, relevance in enumerate(np.nan_to_num(maps)):
                scale = float(np.quantile(np.abs(relevance), 0.995)) or float(np.abs(relevance).max()) or 1.0
                image = Image.fromarray(enlarged(coloured(np.atleast_2d(relevance), scale), _SIDE))
                sheet.paste(_fitted(image), (_NAMES + place * step, top))
        return sheet

    def _image(self, shown: Shown) -> Image.Image:
        assert shown.image is not None
        return self.subject.to_image(shown.image).convert("RGB")

    def _pixels(self, shown: Shown, most: int) -> NDArray[np.uint8]:
        image = self._image(shown)
        share = min(1.0, most / max(image.size))
        return np.asarray(image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))), 1))


def _fitted(image: Image.Image) -> Image.Image:
    """A picture that fits its place."""
    share = _SIDE / max(image.size)
    size = max(1, round(image.width * share)), max(1, round(image.height * share))
    kind = Image.Resampling.NEAREST if share >= 1 else Image.Resampling.BOX
    return image.convert("RGB").resize(size, kind)
