"""The modality of texts: words that are struck, relevance of each token, batches padded behind."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from ..modality import Modality
from ..shown import Array, Drawn, Shown
from .attention import attends
from .encoded import PADDING, last_places, padded
from .samples import name as named
from .striking import struck

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from ..subject import Subject
    from .tokenizer import Tokenizer

_SNIPPET = 160
"""Characters of a text that stand for it in a strip."""


_CLOSED = {
    "maximize": "What a class wants is shown as a picture, and this model reads texts.",
    "improve": "A model is mended here where pictures show what it is to forget, and this one reads texts.",
}

_PLACES = {
    "compare": "Methods are compared by words that go, and the answers of this model are words of the text.",
    "spray": "SpRAy groups inputs by class, and this model answers with places in each text, which are no classes.",
}
"""Why rooms are closed for models whose outputs are places in the text."""


def answers_in_text(model: Any) -> bool:
    """Whether the outputs of a model of texts are places in the text: then it says what each is called."""
    return getattr(model, "outputs", None) is not None


class Texts(Modality):
    """Texts as token ids; of `Subject.tokenizer`."""

    brought = "text"
    layered = False
    closed = _CLOSED

    def takes(self, subject: Subject) -> bool:
        return True

    def why_closed(self, subject: Subject, room: str) -> str:
        if answers_in_text(subject.model) and room in _PLACES:
            return _PLACES[room]
        return super().why_closed(subject, room)

    def sample(self, subject: Subject, index: int) -> Shown:
        texts, labels = (getattr(subject.dataset, each, None) for each in ("texts", "labels"))
        if texts is None or labels is None:
            raise ValueError(
                f"The data of {subject.title!r} has no texts with labels; make it a "
                "subjects.texts.TextSamples(texts, labels, tokenizer)."
            )
        label = None if labels[index] is None else int(labels[index])
        return self._shown(subject, texts[index], subject.item_name(index), label)

    def opened(
        self, subject: Subject, data: bytes, name: str, *, fit: bool = False, window: tuple[float, float] | None = None
    ) -> tuple[Shown, str]:
        try:
            text = data.decode("utf-8-sig")
        except UnicodeDecodeError:
            raise ValueError(f"{name!r} is no text in UTF-8; save it as plain text.") from None
        shown = self._shown(subject, text, name, None)
        return shown, _said(shown)

    def changed(self, subject: Subject, shown: Shown, changes: Sequence[int]) -> Shown:
        """The text without the words of these numbers, which are cut out with the space before each."""
        assert shown.text is not None
        if shown.outputs is not None:
            raise ValueError(f"{subject.title} answers with places in the text, and they move when a word is struck.")
        encoded = replace(struck(shown.text, changes, _tokenizer(subject)), attended=shown.text.attended)
        return replace(shown, x=encoded.x[None], text=encoded)

    def typed(self, subject: Subject, shown: Shown, text: str) -> Shown:
        return self._shown(subject, text, "", None)

    def drawn(self, relevance: Sequence[Tensor]) -> Drawn:
        import numpy as np

        return Drawn(tokens=np.ascontiguousarray(relevance[0][0].float().numpy(force=True)))

    def stacked(self, inputs: Sequence[Tensor]) -> Tensor:
        return padded(inputs)

    def alone(self, batch: Tensor, place: int) -> Tensor:
        """Without the padding behind it, for which a model of few positions may have no place."""
        return batch[place : place + 1, : int(last_places(batch[place : place + 1])) + 1]

    def alike(self, shape: tuple[int, ...], other: tuple[int, ...]) -> bool:
        """Texts may have any length."""
        return len(shape) == len(other)

    def kept_shape(self, subject: Subject, x: Tensor) -> tuple[int, ...]:
        """(V,), the tokens of the vocabulary."""
        return (_tokenizer(subject).size,)

    def kept(self, relevance: Tensor, inputs: Tensor, shape: tuple[int, ...]) -> Tensor:
        """Relevance on the vocabulary, (B, V): of each token the sum over its places (Arras et al. 2017)."""
        inputs = inputs.to(relevance.device)
        # A rule that looks at no value, as flat does, gives relevance to what only pads, too.
        found = relevance.float().masked_fill(inputs == PADDING, 0)
        return found.new_zeros(len(inputs), *shape).scatter_add_(1, inputs.clamp_min(0), found)

    def thumbnail(self, subject: Subject, shown: Shown) -> bytes:
        assert shown.text is not None
        return " ".join(shown.text.text[: 4 * _SNIPPET].split())[:_SNIPPET].encode()

    def pictures(self, subject: Subject, shown: Shown, drawn: Drawn, limit: Callable[[Array], float]) -> list[Image]:
        from .still import still

        assert shown.text is not None
        assert drawn.tokens is not None
        return [still(shown.text, drawn.tokens)]

    @staticmethod
    def _shown(subject: Subject, text: str, name: str, label: int | None) -> Shown:
        encoded = _tokenizer(subject).encode(text)
        encoded = replace(encoded, attended=attends(subject, encoded.x))
        outputs = getattr(subject.model, "outputs", None)
        called = None if outputs is None else outputs(encoded)
        return Shown(encoded.x[None], name or named(text), label, text=encoded, outputs=called)


def _tokenizer(subject: Subject) -> Tokenizer:
    if subject.tokenizer is None:
        raise ValueError(f"{subject.title!r} has texts and no tokenizer; give it one: Subject(..., tokenizer=).")
    return subject.tokenizer


def _said(shown: Shown) -> str:
    """What a person should know of a text."""
    assert shown.text is not None
    missing = dict.fromkeys(shown.text.pieces[place] for place in sorted(shown.text.unknown))
    if not missing:
        return ""
    listed = ", ".join(repr(each) for each in list(missing)[:4]) + ("…" if len(missing) > 4 else "")
    return f"The model's vocabulary does not have {listed}."
