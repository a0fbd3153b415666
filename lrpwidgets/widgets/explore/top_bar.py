"""The head of the dashboard ``explore``."""

from __future__ import annotations

from typing import Any

from ..base.top_bar import Bar
from .code import code
from .exploration import Exploration
from .look import Look


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

    def _restore(self, state: dict[str, Any]) -> None:
        look = state.pop("look", {})
        if not isinstance(look, dict):
            raise ValueError(f"The part 'look' of a state must be names and values, got {look!r}.")
        Look.from_dict(look)  # raises before anything is changed
        self.shared.restore(state)
        self.shared.look = look
