"""Tags: a small mark that is pasted on pictures, as a copyright line is, and data that says where it was.

A network that is trained on tagged pictures of one class can learn the tag instead of the class: a Clever Hans.
`Tag` pastes, `TaggedSamples` holds pictures and the truth about them.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from .samples import TensorSamples

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True)
class Tag:
    """A mark in black and white, and where it goes."""

    rows: tuple[str, ...]
    """Its pixels, a character each: "#" white, any other black."""
    top: int
    """Row of its upper edge, in pixels."""
    left: int
    """Column of its left edge, in pixels."""
    jitter: int = 0
    """How far it may lie from there, in pixels up, down, left and right."""

    @property
    def pixels(self) -> NDArray[np.bool_]:
        """Where it is white (height, width)."""
        return np.array([[character == "#" for character in row] for row in self.rows])

    def paste(self, inputs: Tensor, black: float, white: float, seed: int = 0) -> Tensor:
        """A copy of `inputs` (B, C, H, W) with the tag on each.

        `black` and `white` are the inputs of these colours; `seed` rules the jitter.
        """
        import torch

        tag = torch.where(torch.as_tensor(self.pixels), white, black).to(inputs)
        height, width = tag.shape
        away = np.random.RandomState(seed).randint(-self.jitter, self.jitter + 1, (len(inputs), 2))
        corners = away + np.array([self.top, self.left])
        tagged = inputs.clone()
        for x, (top, left) in zip(tagged, corners, strict=True):
            x[:, top : top + height, left : left + width] = tag
        return tagged

    def covered(self, count: int, size: tuple[int, int], seed: int = 0) -> NDArray[np.bool_]:
        """The pixels that it covers where `paste` puts it, (count, H, W), in pictures of height and width `size`."""
        import torch

        return self.paste(torch.zeros(count, 1, *size), black=1.0, white=1.0, seed=seed)[:, 0].bool().numpy()


@dataclass(frozen=True, eq=False, repr=False)
class TaggedSamples(TensorSamples):
    """Samples held in memory, with what is true of them and no network should need."""

    tagged: NDArray[np.bool_] = field(repr=False)
    """Whether it carries the tag, (N,)."""
    masks: NDArray[np.uint8] | None = field(default=None, repr=False)
    """Whose pixel it is, (N, H, W), as `lrpwidgets.subjects.masks` numbers them; or None."""
