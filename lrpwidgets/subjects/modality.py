"""Modalities: what is particular to pictures, to texts, and to other kinds of data.

A :class:`Modality` knows how an input is read from what a person brings, what can be changed on it, how a batch is
made, and to what its relevance is reduced to be drawn. `modality_of` finds that of a subject; nothing else asks what
its data is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from ..readable import Readable

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray
    from PIL.Image import Image
    from torch import Tensor

    from .subject import Subject
    from .texts.encoded import Encoded


@dataclass(frozen=True, eq=False, repr=False)
class Shown(Readable):
    """An input of the model that is being looked at."""

    x: Tensor
    """Ready for the model, a batch of one: (1, C, H, W) of a picture, (1, T) token ids of a text."""
    name: str
    label: int | None
    """Its true class, None where unknown."""
    seen: tuple[int, int, int, int] | None = None
    """Of a picture from outside that is cropped or could be: its width and height, and those of what is seen of it."""
    window: tuple[float, float] | None = None
    """Of a picture from outside of more than 8 bits: level and width of what is seen."""
    text: Encoded | None = None
    """Of a text: its tokens, and where they stand in it."""


class Modality(ABC):
    """A kind of data."""

    brought: ClassVar[str]
    """What a person brings of it, such as "picture"."""
    part: ClassVar[str]
    """What of an input has relevance of its own: "pixel" or "token"."""
    closed: ClassVar[Mapping[str, str]] = {}
    """Why there is nothing to do for it in some rooms of a dashboard, by their names: a sentence."""

    @abstractmethod
    def takes(self, subject: Subject) -> bool:
        """Whether inputs can come from outside."""

    @abstractmethod
    def sample(self, subject: Subject, index: int) -> Shown:
        """The input at `index` of the subject's data; raises what the data raises."""

    @abstractmethod
    def opened(
        self, subject: Subject, data: bytes, name: str, *, fit: bool = False, window: tuple[float, float] | None = None
    ) -> tuple[Shown, str]:
        """The input in a file's content, and what a person should know of it; raises ValueError if there is none.

        Parameters
        ----------
        fit, window
            How a picture is seen: as a whole, and which of its numbers.
        """

    @abstractmethod
    def changed(self, subject: Subject, shown: Shown, changes: Sequence[Any]) -> Shown:
        """The input with `changes`, of which there are some: strokes of a brush, or numbers of words to strike."""

    @abstractmethod
    def drawn(self, relevance: Tensor) -> NDArray[np.float32]:
        """What is drawn of the relevance of a batch of one: (H, W) for a picture, (T,) for a text."""

    @abstractmethod
    def batch(self, inputs: Sequence[Tensor]) -> Tensor:
        """Inputs without their batch axis as one batch; texts of several lengths are padded."""

    @abstractmethod
    def thumbnail(self, subject: Subject, shown: Shown) -> bytes:
        """What stands for the input in a strip: a picture file, or the beginning of a text in UTF-8."""

    @abstractmethod
    def pictures(self, subject: Subject, shown: Shown, drawn: NDArray[np.float32], limit: float) -> list[Image]:
        """The input and its heatmap for where no view can be drawn; `limit`: relevance at the end of the scale."""


_WHERE = {"image": ".images:Images", "text": ".texts.modality:Texts"}
"""Where the modality of each name is; a new one is a line here."""


def modality_of(subject: Subject) -> Modality:
    """The modality of a subject; raises ValueError if there is none of that name."""
    name = subject.modality
    if name not in _WHERE:
        raise ValueError(f"There is no modality {name!r}; there are {', '.join(_WHERE)}.")
    module, _, kind = _WHERE[name].partition(":")
    found: Modality = getattr(import_module(module, __package__), kind)()
    return found
