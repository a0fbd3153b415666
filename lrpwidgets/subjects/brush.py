"""Changing an input with a brush, to see what the network makes of it.

The object to know is `Stroke`, plain data that can be kept and replayed; `painted` carries strokes out.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from torch import Tensor

KINDS = ("grey", "blur")
"""What a stroke can leave: the middle of the input's range, or the input blurred."""

MOST_POINTS = 10_000
"""Points of the longest stroke."""

FARTHEST = 1e6
"""Largest coordinate and radius in pixels; beyond, numbers are no longer exact."""

_SEGMENTS = 512  # at a time: memory stays small however long the stroke


@dataclass(frozen=True)
class Stroke:
    """Where a brush went over a picture, and what it left.

    Raises
    ------
    ValueError
        If the kind is unknown, the radius or a coordinate is no number in range, or the points are none or
        more than `MOST_POINTS`.
    """

    kind: str
    """One of `KINDS`."""
    radius: float
    """Half the width of the brush in pixels of the input, above 0."""
    points: tuple[tuple[float, float], ...]
    """(x, y) in pixels of the input, joined by straight segments; the centre of the first pixel is (0.5, 0.5)."""

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no brush {self.kind!r}; there are {', '.join(KINDS)}.")
        if not _number(self.radius) > 0:
            raise ValueError(f"The radius of a stroke is {self.radius!r}; it has to be above 0 pixels.")
        if not 1 <= len(self.points) <= MOST_POINTS:
            raise ValueError(f"A stroke has {len(self.points)} points; it can have 1 to {MOST_POINTS:,}.")
        for point in self.points:
            _checked_point(point)

    def to_dict(self) -> dict[str, Any]:
        """The stroke as plain JSON values."""
        return {"kind": self.kind, "radius": self.radius, "points": [list(point) for point in self.points]}

    @classmethod
    def from_dict(cls, values: Any) -> Stroke:
        """The stroke that `to_dict` wrote; ValueError for anything else."""
        if not isinstance(values, dict) or set(values) != {"kind", "radius", "points"}:
            keys = sorted(map(str, values)) if isinstance(values, dict) else type(values).__name__
            raise ValueError(f"A stroke is an object with kind, radius and points; got {keys}.")
        points = values["points"]
        if not isinstance(points, list | tuple):
            raise ValueError(f"The points of a stroke are a list of [x, y]; got {type(points).__name__}.")
        if len(points) <= MOST_POINTS:  # else refused in a moment, without looking at each
            points = [_checked_point(point) for point in points]
        return cls(values["kind"], _number(values["radius"]), tuple(points))


def painted(
    x: Tensor, strokes: Sequence[Stroke], bounds: tuple[Sequence[float], Sequence[float]] | None = None
) -> Tensor:
    """An input after `strokes`, one after the other.

    Parameters
    ----------
    x : Tensor
        Input (C, H, W), any number of channels; it stays as it is.
    strokes : sequence of Stroke
        In the order in which they were made.
    bounds : pair of sequences, optional
        Lowest and highest valid input per channel, whose middle is grey; without, grey is the mean of `x`
        per channel.

    Returns
    -------
    Tensor
        (C, H, W). A pixel changes where its centre lies within the radius of a stroke's line.
    """
    grey = _grey(x, bounds)
    for stroke in strokes:
        paint = grey if stroke.kind == "grey" else _blurred(x, stroke.radius / 2)
        x = paint.where(covered(stroke, x.shape[-2], x.shape[-1]).to(x.device), x)
    return x.clone() if not strokes else x


def covered(stroke: Stroke, height: int, width: int) -> Tensor:
    """Which pixels (H, W) a stroke goes over, as booleans.

    A brush that moves along a segment covers one run of each row of pixels. So two ends per row and segment
    are enough, and a row is covered where more runs have begun than ended.
    """
    import torch

    changes = torch.zeros(height * (width + 1), dtype=torch.long)
    points = torch.tensor(stroke.points, dtype=torch.float64)
    starts, stops = (points[:-1], points[1:]) if len(points) > 1 else (points, points)
    for first in range(0, len(starts), _SEGMENTS):
        some = slice(first, first + _SEGMENTS)
        left, right = _runs(starts[some], stops[some], stroke.radius, height)
        first_of_row = torch.arange(height) * (width + 1)
        begin, end = (_column(left - 0.5, width), _column((right - 0.5).floor() + 1, width))
        changes += (first_of_row + begin).flatten().bincount(minlength=len(changes))
        changes -= (first_of_row + end).flatten().bincount(minlength=len(changes))
    return changes.reshape(height, width + 1).cumsum(1)[:, :width] > 0


def _runs(start: Tensor, stop: Tensor, radius: float, height: int) -> tuple[Tensor, Tensor]:
    """Left and right end of what is covered, in pixels (segments, rows); both 0 where nothing is.

    The right end is that of a disc somewhere on the segment: where the edge of the brush runs parallel to the
    segment if that point is on it, else at the nearer tip. The left end likewise, mirrored.
    """
    import torch

    rows = torch.arange(height, dtype=torch.float64) + 0.5
    (x, y), (dx, dy) = start[:, :, None].unbind(1), (stop - start)[:, :, None].unbind(1)
    above = rows - y
    length = torch.hypot(dx, dy).clamp_min(1e-300)
    ends = []
    for side in (-1, 1):
        parallel = (above + side * radius * dx * dy.sign() / length) / dy
        place = torch.where(dy == 0, (side * dx > 0).double(), parallel.clamp(0, 1))
        distance = above - place * dy
        reach = radius**2 - distance**2
        ends.append(torch.where(reach >= 0, x + place * dx + side * reach.clamp_min(0).sqrt(), 0))
    return ends[0], ends[1]


def _column(position: Tensor, width: int) -> Tensor:
    return position.ceil().clamp(0, width).long()


def _grey(x: Tensor, bounds: tuple[Sequence[float], Sequence[float]] | None) -> Tensor:
    """One value per channel, (C, 1, 1)."""
    if bounds is None:
        return x.mean((1, 2), keepdim=True)
    low, high = (x.new_tensor(bound)[:, None, None] for bound in bounds)
    return (low + high) / 2


def _blurred(x: Tensor, sigma: float) -> Tensor:
    """Gaussian blur with `sigma` in pixels, of a width that fits into the picture."""
    from torchvision.transforms.functional import gaussian_blur

    height, width = (2 * min(math.ceil(3 * sigma), side - 1) + 1 for side in x.shape[-2:])
    for kernel in ([width, 1], [1, height]):  # one axis at a time: equal, and many times faster
        x = gaussian_blur(x, kernel, [sigma, sigma])
    return x


def _number(value: Any) -> float:
    """A finite number of pixels; ValueError for anything else, also NaN, "3" and True."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not abs(value) <= FARTHEST:
        raise ValueError(
            f"A stroke has the number {value!r}; it has to be one from -{FARTHEST:,.0f} to {FARTHEST:,.0f}."
        )
    return float(value)


def _checked_point(point: Any) -> tuple[float, float]:
    if not isinstance(point, list | tuple) or len(point) != 2:
        raise ValueError(f"A stroke has the point {point!r}; a point is [x, y].")
    return _number(point[0]), _number(point[1])
