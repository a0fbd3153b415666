"""Random views of an image: an optimum that survives them is no accident of single pixels (Olah et al. 2017)."""

from __future__ import annotations

import math
from dataclasses import dataclass

import torch
import torch.nn.functional as F
from torch import Tensor


@dataclass(frozen=True)
class Views:
    """Views of each image in every step: moved, zoomed and turned at random; by default the image as it is.

    Random numbers come from a generator of their own, so that runs beside each other stay reproducible.
    """

    count: int = 1
    """Views of each image in a step."""
    zoom: tuple[float, float] = (1.0, 1.0)
    """Which part of height and width is seen, from and to; above 1, the border is repeated."""
    turn: float = 0.0
    """Degrees, in both directions."""
    shift: float = 0.0
    """Share of the height and width, in both directions."""
    anywhere: bool = False
    """Whether a part that is zoomed in on may lie anywhere, rather than in the middle."""
    noise: float = 0.0
    """Standard deviation of noise, in units of the range."""

    @property
    def plain(self) -> bool:
        """Whether they show the image as it is."""
        return self == Views(count=self.count)

    def of(self, images: Tensor, span: Tensor, generator: torch.Generator) -> Tensor:
        """(count · B, C, H, W) views of `images` (B, C, H, W), those of the first image first."""
        if self.plain:
            return images
        images = images.repeat_interleave(self.count, 0)
        seen = F.grid_sample(images, self._grid(images, generator), padding_mode="reflection", align_corners=False)
        if self.noise:
            added = torch.randn(seen.shape, generator=generator, dtype=seen.dtype).to(seen.device)
            seen = seen + self.noise * span.to(seen) * added
        return seen

    def _grid(self, images: Tensor, generator: torch.Generator) -> Tensor:
        def uniform(low: float, high: float) -> Tensor:
            return low + (high - low) * torch.rand(len(images), generator=generator)

        zoom, angle = uniform(*self.zoom), uniform(-self.turn, self.turn) * math.pi / 180
        free = (1 - zoom).clamp(min=0) if self.anywhere else torch.zeros(len(images))
        across, down = (free * uniform(-1, 1) + 2 * self.shift * uniform(-1, 1) for _ in range(2))
        height, width = images.shape[2:]
        cosine, sine = zoom * angle.cos(), zoom * angle.sin()
        # Coordinates reach from −1 to 1 along either side, whatever its length.
        rows = [cosine, -sine * height / width, across, sine * width / height, cosine, down]
        return F.affine_grid(torch.stack(rows, 1).reshape(-1, 2, 3).to(images), list(images.shape), align_corners=False)
