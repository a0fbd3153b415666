"""The head of the dashboard: what is examined, and the ways to take something along."""

from __future__ import annotations

from typing import Any

from ..base.top_bar import InputsBar
from . import exports
from .question import PARTS
from .referee import Referee

_EXPORTS = [
    ["Table as CSV", "Save how methods stand under every fill (CSV)", "csv"],
    ["LaTeX", "Save the table for a paper (LaTeX, booktabs)", "latex"],
    ["PNG", "Save the maps of all methods as one picture (PNG)", "png"],
]


class CompareBar(InputsBar):
    """Name of the subject; the table, the maps, Copy as Python and a link; light and dark."""

    shared: Referee
    settles = ("answer", *PARTS)

    def __init__(self, referee: Referee, **traits: Any) -> None:
        super().__init__(referee, exports=_EXPORTS, **traits)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """As that of a top bar, and ``{"want": "csv"}``, ``latex`` or ``png``."""
        referee = self.shared
        name = f"lrpwidgets-{referee.subject.name}-compare"
        if message.get("want") == "csv":
            self.send({"as": "file", "name": f"{name}.csv", "text": exports.table(referee)})
        elif message.get("want") == "latex":
            self.send({"as": "file", "name": f"{name}.tex", "text": exports.latex(referee)})
        elif message.get("want") == "png":
            self.send({"as": "picture", "name": f"{name}.png", "text": exports.sheet(referee)})
        else:
            super().heard(message, buffers)

    def code(self) -> str:
        """Python that computes the same table again."""
        return exports.code(self.shared)
