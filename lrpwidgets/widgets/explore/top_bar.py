"""The head of the dashboard ``explore``."""

from __future__ import annotations

from typing import Any

from ..base.inputs import MOST_HELD
from ..base.top_bar import Bar
from .code import code
from .exploration import Exploration


class TopBar(Bar):
    """Name of the subject; Copy as Python, a link, a state file; shortcuts and their help sheet; light and dark."""

    shared: Exploration
    settles = ("answer", "pins", "layer", "channels")

    def code(self) -> str:
        """Python that computes what is on the screen: the live map and those that are pinned."""
        exploration = self.shared
        live = exploration.answer.question if exploration.answer else exploration.question
        pinned = [pin.of(live) if pin.item is None else pin for pin in exploration.pins]
        asked = [live, *pinned]
        items = {each.item for each in asked if each.item is not None}
        uploads = {item: exploration.name(item) for item in items if item >= len(exploration.subject.dataset)}
        return code(exploration.subject, asked, exploration.preset, uploads)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """As in other rooms; with a state come names and sizes of uploads, and ``{"want": "whole"}`` holds them."""
        want = message.get("want")
        if want == "state":
            pictures = [[each.name, len(each.data or b"")] for each in self.shared.spoken_of]
            self.send({"as": "state", "text": self._state(), "pictures": pictures, "most": MOST_HELD})
        elif want == "whole":
            self.send({"as": "state", "text": self._state(self.shared.to_dict(pictures=True)), "pictures": []})
        else:
            super().heard(message, buffers)

    def _restore(self, state: dict[str, Any]) -> None:
        self.shared.restore(state)  # the look of its maps too
