"""Which part of a picture becomes the input of a network, and how the whole picture does instead."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from PIL.Image import Image

GREY = (128, 128, 128)
"""Around a picture that is seen as a whole."""

MOST = 4096
"""Width of such a picture in pixels: around a long strip there is a square, which would not fit memory."""


@dataclass(frozen=True)
class Crop:
    """The middle of a picture, as preprocessing cuts it out before it scales it to the size of the input."""

    share: float = 1.0
    """How much of the shorter side is left; 224 / 256 for most networks of torchvision."""
    ratio: float = 1.0
    """Width of the input as a multiple of its height."""

    def size(self, width: int, height: int) -> tuple[int, int]:
        """Width and height of what is left of a picture, in its pixels."""
        across = self.share * min(width, height * self.ratio)
        return round(across), round(across / self.ratio)

    def whole(self, picture: Image) -> Image:
        """`picture` in the middle of a grey one, of which it is all that is left."""
        from PIL import Image

        across = max(picture.width, picture.height * self.ratio) / self.share
        if across > MOST:
            smaller = [max(1, round(side * MOST / across)) for side in picture.size]
            picture, across = picture.resize((smaller[0], smaller[1])), MOST
        width, height = round(across), round(across / self.ratio)
        made = Image.new("RGB", (width, height), GREY)
        made.paste(picture, ((width - picture.width) // 2, (height - picture.height) // 2))
        return made
