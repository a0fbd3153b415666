"""From pixels to model inputs and back.

`Normalization` is the usual (pixel - mean) / std per channel, with its inverse and the range of valid inputs.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from PIL import Image

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Normalization:
    """Inputs are (pixel - mean) / std, with pixels in [0, 1]."""

    mean: tuple[float, ...]
    """One per channel, in pixel values."""
    std: tuple[float, ...]
    """One per channel, in pixel values."""

    def to_input(self, pixels: Tensor) -> Tensor:
        """Pixels in [0, 1] to a model input, both (C, H, W)."""
        return (pixels - self._column(self.mean, pixels)) / self._column(self.std, pixels)

    def to_image(self, x: Tensor) -> Image.Image:
        """Picture of a model input (C, H, W); what lies outside `bounds` is clipped."""
        return image_of(x.detach() * self._column(self.std, x) + self._column(self.mean, x))

    @property
    def bounds(self) -> tuple[tuple[float, ...], tuple[float, ...]]:
        """Inputs of black and of white, per channel."""
        channels = list(zip(self.mean, self.std, strict=True))
        return tuple((0 - m) / s for m, s in channels), tuple((1 - m) / s for m, s in channels)

    @staticmethod
    def _column(values: tuple[float, ...], like: Tensor) -> Tensor:
        return like.new_tensor(values)[:, None, None]


def image_of(pixels: Tensor) -> Image.Image:
    """Picture of pixels (C, H, W) in [0, 1]: colour for three channels, else grey, the mean of all."""
    if len(pixels) != 3:
        pixels = pixels.mean(0, keepdim=True)
    levels = pixels.clamp(0, 1).mul(255).round().byte().movedim(0, -1).numpy(force=True)
    return Image.fromarray(levels.squeeze(-1) if len(pixels) == 1 else levels)


def stretched(x: Tensor) -> Image.Image:
    """Picture of a model input (C, H, W) of unknown range: its lowest value black, its highest white."""
    x = x.detach().float()
    return image_of((x - x.min()) / (x.max() - x.min()).clamp_min(1e-12))
