"""The head of the dashboard: what is examined, and the ways to take something along."""

from __future__ import annotations

from typing import Any

from ..base.top_bar import Bar
from . import exports
from .question import PARTS
from .workshop import Workshop


class ImproveBar(Bar):
    """Name of the subject; the figures as a table, Copy as Python and a link; light and dark."""

    shared: Workshop
    settles = ("answer", *PARTS)

    def __init__(self, workshop: Workshop, **traits: Any) -> None:
        table = ["Table as CSV", "Save the figures of all repairs and seeds (CSV)", "csv"]
        super().__init__(workshop, exports=[table], **traits)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """As that of other rooms, and ``{"want": "csv"}``."""
        if message.get("want") == "csv":
            name = f"lrpwidgets-{self.shared.subject.name}-improve.csv"
            self.send({"as": "file", "name": name, "text": exports.table(self.shared)})
        else:
            super().heard(message, buffers)

    def code(self) -> str:
        """Python that makes the chosen repair again, proves it and saves it."""
        return exports.code(self.shared)
