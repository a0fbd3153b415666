"""An input as it is looked at, and its relevance as it is drawn, whatever kind of data it is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from ..readable import Readable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from torch import Tensor

    from .texts.encoded import Encoded

Array: TypeAlias = "NDArray[np.float32]"


@dataclass(frozen=True, eq=False, repr=False)
class Shown(Readable):
    """An input of the model that is being looked at."""

    x: Tensor | tuple[Tensor, ...]
    """Ready for the model, a batch of one: (1, C, H, W) of a picture, (1, T) token ids of a text; both as a pair."""
    name: str
    label: int | None
    """Its true class, None where unknown."""
    seen: tuple[int, int, int, int] | None = None
    """Of a picture from outside that is cropped or could be: its width and height, and those of what is seen of it."""
    window: tuple[float, float] | None = None
    """Of a picture from outside of more than 8 bits: level and width of what is seen."""
    image: Tensor | None = None
    """Its picture, (C, H, W), if it has one."""
    text: Encoded | None = None
    """Its text, if it has one: its tokens, and where they stand in it."""
    outputs: Sequence[str] | None = None
    """What each output is called, where they are parts of the input, such as answers in a text; "" if it is none here.
    None where outputs are the subject's classes."""


@dataclass(frozen=True, eq=False, repr=False)
class Drawn(Readable):
    """Relevance of an input as it is drawn, in units of the score."""

    pixels: Array | None = None
    """Of its picture, summed over channels, (H, W)."""
    tokens: Array | None = None
    """Of its text, (T,)."""
