"""What dashboards are arranged with; where things are is said in ``widgets/base/common.css``."""

from __future__ import annotations

import ipywidgets

from ..widgets.base.asking import Asking
from ..widgets.base.cells import until_run_again
from ..widgets.base.parts import close_parts

AWAY = "lrp-away"
"""The class of what is not on the screen."""


class Dashboard(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Views in an arrangement; closing it closes them, and ends the computation."""

    def __init__(self, shared: Asking, children: list[ipywidgets.DOMWidget]) -> None:
        self.shared = shared
        """The state that the views share."""
        super().__init__(children)
        self.add_class("lrp-page")
        until_run_again(self.close)

    def __repr__(self) -> str:
        return f"{type(self).__name__.lstrip('_')}({self.shared.subject.title})"

    def close(self) -> None:
        """Disappear from the page, with all that is inside."""
        for inside in self.children:
            close(inside)
        if hasattr(self, "shared"):  # else it could not be made
            self.shared.close()
        super().close()
        close_parts(self)


def close(widget: ipywidgets.Widget) -> None:
    """Close a widget after those inside."""
    for inside in getattr(widget, "children", ()):
        close(inside)
    widget.close()
    close_parts(widget)


def pane(*views: ipywidgets.DOMWidget) -> ipywidgets.Box:
    """Views on a paper of their own."""
    return box("lrp-pane", *views)


def box(place: str, *inside: ipywidgets.DOMWidget) -> ipywidgets.Box:
    """A box whose arrangement is that of its class in common.css."""
    made = ipywidgets.Box(inside)
    made.add_class(place)
    return made
