"""The head of the dashboard: what is examined, and the ways to take something along."""

from __future__ import annotations

from typing import Any

from ..base.top_bar import InputsBar
from . import exports
from .question import PARTS
from .studio import Studio

_EXPORTS = [["Save picture", "Save the picture, and in its file what is to be said of it (PNG)", "picture"]]


class MaximizeBar(InputsBar):
    """Name of the subject; the picture, Copy as Python and a link; light and dark."""

    shared: Studio
    settles = ("answer", *PARTS)

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, exports=_EXPORTS, **traits)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """As that of a top bar, and ``{"want": "picture"}``."""
        if message.get("want") == "picture":
            data, name = exports.saved(self.shared)
            self.send({"as": "picture", "name": name, "text": data})
        else:
            super().heard(message, buffers)

    def code(self) -> str:
        """Python that makes the picture on the screen."""
        return exports.code(self.shared)
