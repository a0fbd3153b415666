"""Modalities: what is particular to pictures, to texts, and to other kinds of data.

A :class:`Modality` knows how an input is read from what a person brings, what can be changed on it, how a batch is
made, and to what its relevance is reduced to be drawn. `modality_of` finds that of a subject; nothing else asks what
its data is.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING, Any, ClassVar

from .shown import Array, Drawn, Shown

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from .subject import Subject


class Modality(ABC):
    """A kind of data."""

    brought: ClassVar[str]
    """What a person brings of it, such as "picture"."""
    bounded: ClassVar[bool] = False
    """Whether the bounds of a subject hold of all that its model takes."""
    layered: ClassVar[bool] = True
    """Whether a relevance store keeps channels of layers, summed over positions, which are the same in all inputs."""
    closed: ClassVar[Mapping[str, str]] = {}
    """Why there is nothing to do for it in some rooms of a dashboard, by their names: a sentence."""

    def why_closed(self, subject: Subject, room: str) -> str:
        """Why there is nothing to do for a subject in a room, a sentence; empty if there is."""
        return self.closed.get(room, "")

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

    def typed(self, subject: Subject, shown: Shown, text: str) -> Shown:
        """The input with another text in place of its own; raises ValueError if it has none."""
        raise ValueError(f"{subject.title} reads no texts.")

    @abstractmethod
    def changed(self, subject: Subject, shown: Shown, changes: Sequence[Any]) -> Shown:
        """The input with `changes`, of which there are some: strokes of a brush, numbers of words to strike."""

    @abstractmethod
    def drawn(self, relevance: Sequence[Tensor]) -> Drawn:
        """What is drawn of the relevance of a batch of one; a tensor for each input of the model."""

    def batch(self, shown: Sequence[Shown]) -> Tensor | tuple[Tensor, ...]:
        """What is shown as one batch."""
        return self.stacked([each.x[0] for each in shown])

    def stacked(self, inputs: Sequence[Tensor]) -> Tensor:
        """Inputs, as a data set has them, as one batch; texts of several lengths are padded. ValueError for pairs."""
        raise ValueError(f"A relevance store is of one input; of a {self.brought} and a text there is none.")

    def alone(self, batch: Tensor, place: int) -> Tensor:
        """The input at `place` of a `stacked` batch, as a batch of one."""
        return batch[place : place + 1]

    def alike(self, shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
        """Whether inputs of these shapes can be in one data set."""
        return shape == other

    def kept_shape(self, subject: Subject, x: Tensor) -> tuple[int, ...]:
        """Of what is kept of the relevance of an input `x`."""
        return tuple(x.shape)

    def kept(self, relevance: Tensor, inputs: Tensor, shape: tuple[int, ...]) -> Tensor:
        """What is kept of the relevance of a `stacked` batch: something of one shape (B, *shape) for all inputs."""
        return relevance

    @abstractmethod
    def thumbnail(self, subject: Subject, shown: Shown) -> bytes:
        """What stands for the input in a strip: a picture file, or the beginning of a text in UTF-8."""

    @abstractmethod
    def pictures(self, subject: Subject, shown: Shown, drawn: Drawn, limit: Callable[[Array], float]) -> list[Image]:
        """Picture, heatmap and words in colour, as far as the input has them; `limit` finds the end of a scale."""


_WHERE = {
    "image": ".images:Images",
    "text": ".texts.modality:Texts",
    "image and text": ".images_with_texts:ImagesWithTexts",
}
"""Where the modality of each name is; a new one is a line here."""


def modality_of(subject: Subject) -> Modality:
    """The modality of a subject; raises ValueError if there is none of that name."""
    return modality_named(subject.modality)


def modality_named(name: str) -> Modality:
    """The modality of that name; raises ValueError if there is none."""
    if name not in _WHERE:
        raise ValueError(f"There is no modality {name!r}; there are {', '.join(_WHERE)}.")
    module, _, kind = _WHERE[name].partition(":")
    found: Modality = getattr(import_module(module, __package__), kind)()
    return found


def readable(
    subject: Subject, numbers: Iterable[int], like: Tensor | None = None
) -> Iterator[tuple[int, Tensor, int | None]]:
    """Number, input and label of those of a subject's inputs that can be read, and are as `like`, or the first of them.

    Others are left out, as a relevance store leaves them out: a broken file, an empty text, another shape.
    """
    modality = modality_of(subject)
    for number in numbers:
        read = subject.readable_item(number)
        if read is None:
            continue
        like = read[0] if like is None else like
        if modality.alike(tuple(read[0].shape), tuple(like.shape)):
            yield number, *read
