"""The page of a data set that is being explained: why, how far it is, and how to stop and go on."""

from __future__ import annotations

from typing import Any

import traitlets

from ..base.code import select_argument
from ..base.status_line import Status
from ..base.top_bar import Bar
from ..base.view import View, script, style
from .attribution import Attribution


class AttributionView(View):
    """What is done to all inputs and how far it is; a button that stops it, and one that goes on."""

    shared: Attribution
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="done, total, pace in words, stopped").tag(sync=True)

    def __init__(self, attribution: Attribution, **traits: Any) -> None:
        super().__init__(attribution, **traits)
        self.follow(self._show, "progress", "stopped")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"go": True}``: go on; ``{"go": False}``: stop."""
        (self.shared.go_on if message["go"] else self.shared.cancel)()

    def _show(self) -> None:
        newest = self.shared.newest
        told = {"done": newest.done, "total": newest.total, "told": str(newest)}
        self.draw(state={**told, "stopped": self.shared.stopped})


class AttributionBar(Bar):
    """Name of the subject, the other rooms, and the same in Python."""

    shared: Attribution
    settles = ()

    def code(self) -> str:
        """Python that explains the data set, and finds what it has in common."""
        subject = self.shared.subject
        recipe = subject.recipe
        return "\n".join(
            [
                "from lrpwidgets import subjects",
                "from lrpwidgets.lrp import Explainer",
                "from lrpwidgets.spray import RelevanceStore, rank_classes",
                "",
                f"subject = {recipe}" if recipe else "# subject: your own, as given to the dashboard",
                f"explainer = Explainer(subject.model{select_argument(subject)})",
                'store = RelevanceStore.create("relevance", explainer, subject)',
                "print(rank_classes(store))",
                "",
            ]
        )


class AttributionStatus(Status):
    """What goes wrong, and where it is computed."""

    shared: Attribution
    follows = ("error",)

    def _show(self) -> None:
        attribution = self.shared
        self.draw(
            state={
                "busy": False,
                "error": attribution.error,
                "parts": [["what is done stays in your cache"]],
                "where": str(attribution.explainer.device),
                "notes": attribution.subject.notes,
            }
        )
