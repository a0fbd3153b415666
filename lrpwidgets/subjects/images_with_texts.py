"""The modality of pictures with a text each, such as questions about them: what both kinds do, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from .brush import Stroke
from .images import Images
from .modality import Modality
from .shown import Array, Drawn, Shown
from .texts.modality import Texts

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from .subject import Subject

_CLOSED = {
    "compare": "Methods are compared on pictures or texts alone; this model takes both at once.",
    "maximize": "What a class wants is shown as a picture alone, and this model reads a text, too.",
    "spray": "SpRAy looks at pictures alone here, and this model reads a text, too.",
    "improve": "A model is mended here that sees pictures alone, and this one reads a text, too.",
}


class ImagesWithTexts(Modality):
    """Pairs of a picture and a text, in this order; the data has ``texts``, and pairs (picture, token ids) as inputs.

    Pictures come from outside, and are shown with the first text of the data until another one is typed.
    """

    brought = "picture"
    closed = _CLOSED
    _images, _texts = Images(), Texts()

    def takes(self, subject: Subject) -> bool:
        return self._images.takes(subject) and len(subject.dataset) > 0

    def sample(self, subject: Subject, index: int) -> Shown:
        (image, _), label = subject.dataset[index]  # a pair
        read = self._texts.sample(subject, index)
        return _paired(replace(read, label=None if label is None else int(label)), image)

    def opened(
        self, subject: Subject, data: bytes, name: str, *, fit: bool = False, window: tuple[float, float] | None = None
    ) -> tuple[Shown, str]:
        seen, said = self._images.opened(subject, data, name, fit=fit, window=window)
        read = self._texts.sample(subject, 0)
        assert seen.image is not None
        return _paired(replace(seen, text=read.text), seen.image), said

    def typed(self, subject: Subject, shown: Shown, text: str) -> Shown:
        read = self._texts.typed(subject, shown, text)
        assert shown.image is not None
        return _paired(replace(shown, name=read.name, label=None, text=read.text), shown.image)

    def changed(self, subject: Subject, shown: Shown, changes: Sequence[Any]) -> Shown:
        strokes = [each for each in changes if isinstance(each, Stroke)]
        struck = [each for each in changes if not isinstance(each, Stroke)]
        if strokes:
            shown = self._images.changed(subject, shown, strokes)
        read = self._texts.changed(subject, shown, struck) if struck else shown
        assert shown.image is not None
        return _paired(replace(shown, text=read.text), shown.image)

    def drawn(self, relevance: Sequence[Tensor]) -> Drawn:
        of_image, of_text = relevance
        pixels, tokens = self._images.drawn([of_image]), self._texts.drawn([of_text])
        return Drawn(pixels.pixels, tokens.tokens)

    def batch(self, shown: Sequence[Shown]) -> tuple[Tensor, ...]:
        pictures, texts = zip(*(each.x for each in shown), strict=True)
        return self._images.stacked([each[0] for each in pictures]), self._texts.stacked([each[0] for each in texts])

    def thumbnail(self, subject: Subject, shown: Shown) -> bytes:
        return self._images.thumbnail(subject, shown)

    def pictures(self, subject: Subject, shown: Shown, drawn: Drawn, limit: Callable[[Array], float]) -> list[Image]:
        return [
            *self._images.pictures(subject, shown, drawn, limit),
            *self._texts.pictures(subject, shown, drawn, limit),
        ]


def _paired(shown: Shown, image: Tensor) -> Shown:
    """The same as a batch of one pair."""
    assert shown.text is not None
    return replace(shown, x=(image[None], shown.text.x[None]), image=image)
