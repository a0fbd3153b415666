"""The head of the dashboard ``explore``."""

from __future__ import annotations

from typing import Any

from ..base.top_bar import InputsBar
from .code import code
from .exploration import Exploration


class TopBar(InputsBar):
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

    def _restore(self, state: dict[str, Any]) -> None:
        self.shared.restore(state)  # the look of its maps too
