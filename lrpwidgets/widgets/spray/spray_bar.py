"""The head of the SpRAy dashboard: what is examined, and the ways to take something along."""

from __future__ import annotations

from typing import Any

from ..base.top_bar import Bar
from . import exports
from .question import PARTS
from .report import report
from .state import Investigation

_EXPORTS = [
    ["Export selection", "Save the selected points, or all, as a table (CSV)", "csv"],
    ["Annotate store", "Write the clusters and their names into the store", "annotate"],
    ["HTML report", "Save what is on the screen as one HTML file", "report"],
]


class SprayBar(Bar):
    """Name of the subject; a table, the annotated store, a report; Copy as Python and a link; light and dark."""

    shared: Investigation
    settles = ("answer", "selection", *PARTS)

    def __init__(self, state: Investigation, **traits: Any) -> None:
        super().__init__(state, exports=_EXPORTS, **traits)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """As that of a top bar, and ``{"want": "csv"}``, ``annotate`` or ``report``."""
        state = self.shared
        name = f"lrpwidgets-{state.subject.name}"
        if message.get("want") == "csv":
            self.send({"as": "file", "name": f"{name}-selection.csv", "text": exports.table(state)})
        elif message.get("want") == "report":
            self.send({"as": "file", "name": f"{name}-spray.html", "text": report(state)})
        elif message.get("want") == "annotate":
            self.send({"as": "note", "text": state.annotate()})
        else:
            super().heard(message, buffers)

    def code(self) -> str:
        """Python that makes the atlas on the screen."""
        return exports.code(self.shared)
