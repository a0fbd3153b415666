"""The modality of pictures: files that are decoded and cropped, a brush, relevance summed over channels."""

from __future__ import annotations

import io
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from PIL import Image

from .brush import Stroke, painted
from .modality import Modality
from .pictures import WINDOW, not_finite, open_picture
from .shown import Array, Drawn, Shown

if TYPE_CHECKING:
    from torch import Tensor

    from .subject import Subject

SIZE = 64
"""Longer side of a thumbnail in pixels, at most."""

_MOST_PIXELS = 320
"""Of the side of a picture that stays in a saved notebook."""


class Images(Modality):
    """Pictures, of any number of channels."""

    brought = "picture"
    bounded = True

    def takes(self, subject: Subject) -> bool:
        return subject.from_image is not None

    def sample(self, subject: Subject, index: int) -> Shown:
        x, label = subject.item(index)
        return Shown(x[None], subject.item_name(index), label, image=x)

    def opened(
        self, subject: Subject, data: bytes, name: str, *, fit: bool = False, window: tuple[float, float] | None = None
    ) -> tuple[Shown, str]:
        if subject.from_image is None:
            raise ValueError(f"{subject.title} takes no pictures from outside.")
        picture = open_picture(data, name=name, window=window)
        shown, said, seen = picture.info.get(WINDOW), not_finite(picture, name), None
        if subject.crop is not None:
            size = picture.size
            picture = subject.crop.whole(picture) if fit else picture
            seen = (*size, *(size if fit else subject.crop.size(*size)))
        x = subject.from_image(picture)
        return Shown(x[None], name, None, seen, shown, image=x), said

    def changed(self, subject: Subject, shown: Shown, changes: Sequence[Stroke]) -> Shown:
        assert shown.image is not None
        x = painted(shown.image, changes, subject.bounds)
        return replace(shown, x=x[None], image=x)

    def drawn(self, relevance: Sequence[Tensor]) -> Drawn:
        import numpy as np

        return Drawn(pixels=np.ascontiguousarray(relevance[0][0].sum(0).float().numpy(force=True)))

    def stacked(self, inputs: Sequence[Tensor]) -> Tensor:
        import torch

        return torch.stack(list(inputs))

    def thumbnail(self, subject: Subject, shown: Shown) -> bytes:
        assert shown.image is not None
        return thumbnail(subject.to_image(shown.image))

    def pictures(
        self, subject: Subject, shown: Shown, drawn: Drawn, limit: Callable[[Array], float]
    ) -> list[Image.Image]:
        from ..colours import averaged, picture

        assert shown.image is not None
        assert drawn.pixels is not None
        height, width = drawn.pixels.shape
        share = min(1, _MOST_PIXELS / max(height, width))
        pixels = averaged(drawn.pixels, (max(1, round(share * height)), max(1, round(share * width))))
        image = subject.to_image(shown.image).convert("RGB").resize(pixels.shape[::-1])
        return [image, picture(pixels, limit(pixels))]


def thumbnail(image: Image.Image) -> bytes:
    """A JPEG file of `image`, 64 pixels at most; a PNG file of one that is smaller, exact."""
    image = image.convert("RGB")
    image.thumbnail((SIZE, SIZE))  # never larger: the browser scales tiny pictures up, pixel by pixel
    file = io.BytesIO()
    small = max(image.size) < SIZE
    image.save(file, "PNG" if small else "JPEG", **({} if small else {"quality": 85}))
    return file.getvalue()
