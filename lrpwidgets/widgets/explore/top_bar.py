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
        """Python that computes what is on the screen."""
        exploration = self.shared
        question = exploration.answer.question if exploration.answer else exploration.question
        samples = len(exploration.subject.dataset)
        uploaded = question.item is not None and question.item >= samples
        name = exploration.name(question.item) if uploaded and question.item is not None else None
        return code(exploration.subject, question, exploration.preset, name)

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
