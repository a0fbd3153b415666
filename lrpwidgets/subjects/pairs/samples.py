"""Pictures with a text each as samples: pixels and token ids, made when they are asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from PIL import Image

from ..forms import reason
from ..pictures import as_rgb, open_picture
from ..texts.samples import TextSamples

if TYPE_CHECKING:
    from torch import Tensor


@dataclass(frozen=True, eq=False)
class PairSamples(TextSamples):
    """Texts with their labels, and a picture for each; a sample that cannot be read raises ValueError."""

    pictures: Sequence[Any] = field(default=(), repr=False)
    """Pillow's, paths of files, or arrays of bytes (uint8), (H, W) or (H, W, 3)."""
    see: Callable[[Image.Image], Tensor] | None = field(default=None, repr=False)
    """Makes pixels (C, H, W) of a picture."""

    def __post_init__(self) -> None:
        super().__post_init__()
        if len(self.texts) != len(self.pictures) or self.see is None:
            counts = f"{len(self.texts)} texts and {len(self.pictures)} pictures"
            raise ValueError(f"Each text needs a picture, and something that sees it; got {counts}.")

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} pictures with texts)"

    def __getitem__(self, index: int) -> Any:
        """Pixels (C, H, W) and token ids (T,), and the label."""
        assert self.see is not None
        index = range(len(self))[index]
        try:
            pixels = self.see(picture_of(self.pictures[index]))
            tokens, label = super().__getitem__(index)
        except Exception as error:  # anything may stand for a picture
            raise ValueError(f"Pair {index} cannot be used: {reason(error)}") from error
        return (pixels, tokens), label


def picture_of(given: Any) -> Image.Image:
    """A picture in RGB, of whatever form; ValueError, or OSError of a file, if it is none."""
    if isinstance(given, Image.Image):
        return as_rgb(given)
    if isinstance(given, str | Path | bytes):
        return open_picture(given)
    values = given.numpy(force=True) if hasattr(given, "detach") else given
    if not isinstance(values, np.ndarray):
        raise ValueError(f"its picture is {type(given).__name__}; give one of Pillow, a path, or an array (H, W, 3).")
    if values.ndim == 3 and values.shape[0] in (1, 3) and values.shape[2] not in (1, 3):
        values = np.moveaxis(values, 0, 2)
    if values.dtype != np.uint8 or values.ndim not in (2, 3) or values.shape[2:] not in ((), (1,), (3,)):
        raise ValueError(
            f"its picture is an array {values.dtype} {values.shape}; an array of a picture is uint8 (H, W, 3)."
        )
    return as_rgb(Image.fromarray(values.squeeze(2) if values.shape[2:] == (1,) else values))
