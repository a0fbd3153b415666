"""A picture and its relevance side by side: which pixels speak for the class, and which against it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import traitlets
from torch import Tensor

from ...subjects import Stroke
from ...subjects.shown import Array
from ..base.answers import Answer
from ..base.view import script, style
from .exploration import Exploration
from .map_view import MapView


class HeatmapView(MapView):
    """An input, the relevance of its pixels summed over channels, and the maps that are pinned beside it.

    Relevance travels as raw float32; colours, scale, zoom, contours, regions and the values under the pointer are
    the browser's work alone and need no kernel. A brush on the input does: the painted input is explained.

    Parameters
    ----------
    exploration
        What to follow.
    look
        How to draw to begin with, such as ``{"gain": 3, "map": "fire–ice"}``: see
        :class:`~lrpwidgets.widgets.look.Look`.

    Raises
    ------
    ValueError
        If a value of `look` is none that it can have.
    """

    part = "pixels"
    _esm = script(__file__)
    _css = style(__file__)
    picture = traitlets.Bytes(help="RGB, one byte each, row by row").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width in pixels").tag(sync=True)
    pin_pictures: traitlets.List[Any] = traitlets.List(help="RGB of those that keep another picture").tag(sync=True)
    strokes: traitlets.List[Any] = traitlets.List(help="what was painted").tag(sync=True)
    received = traitlets.Int(help="messages that `strokes` takes account of").tag(sync=True)

    def __init__(self, exploration: Exploration, look: Mapping[str, Any] | None = None, **traits: Any) -> None:
        self._drawn: Any = None
        self._messages = 0
        super().__init__(exploration, look, **traits)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Pin, unpin, paint or save: one key says which, such as ``{"unpin": 0}`` or ``{"strokes": []}``."""
        self._messages += 1
        if "strokes" in message:
            self.shared.strokes = tuple(map(Stroke.from_dict, message["strokes"]))
        else:
            super().heard(message, buffers)

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None:
            self._clear()
            return
        traits: dict[str, Any] = {
            **self._maps(answer),
            "size": answer.pixels.shape,
            "pin_pictures": [self._other_picture(held, answer) for _, held in self._pins()],
            "strokes": [stroke.to_dict() for stroke in self.shared.strokes],
            "received": self._messages,
        }
        if answer.shown is not self._drawn:  # the picture is sent once, not with every move of a slider
            traits["picture"] = self._rgb(answer)
            self._drawn = answer.shown
        self.draw(**traits)

    def _clear(self) -> None:
        """Show nothing: what was shown was removed."""
        self._drawn = None
        self.draw(size=(0, 0), relevance=b"", picture=b"", caption={}, pinned=[], pin_maps=[], pin_pictures=[])

    def _amounts(self, answer: Answer) -> Array:
        return answer.pixels

    def _input(self, answer: Answer) -> Tensor:
        return answer.image

    def _other_picture(self, held: Answer | None, live: Answer) -> bytes:
        """The picture of a pin that keeps another one than the live map's."""
        same = held is None or held.question.input == live.question.input
        return b"" if held is None or same else self._rgb(held)

    def _rgb(self, answer: Answer) -> bytes:
        image = self.shared.subject.to_image(answer.image).convert("RGB")
        colours: bytes = image.resize(answer.pixels.shape[::-1]).tobytes()
        return colours
