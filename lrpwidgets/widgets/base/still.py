"""What stays of a view in a saved notebook: pictures, for wherever it is opened without its kernel.

Notebooks are saved without the state of their widgets unless somebody asks for it, and then show a line of text in
their place. So an output of its own stands before a view, out of sight as long as there is a live one.
"""

from __future__ import annotations

import os
from dataclasses import replace
from typing import Any

from IPython import get_ipython
from IPython.display import DisplayHandle, display

from ...gallery import gallery
from .asking import Asking
from .view import Follower

_PAUSE = 2.0
"""Seconds without a change before the pictures follow: while a slider moves, every message counts."""

_SIDE = 224
"""Pixels of a picture's side, about."""

_HTML = """<div class="lrp-still">{pictures}</div><style>
.jp-OutputArea:has(.lrp) .lrp-still, body:not(:has(.jp-OutputArea)):has(.lrp) .lrp-still {{ display: none; }}
</style>"""
"""JupyterLab has an area for the outputs of a cell; elsewhere any live view counts."""

_NOTE = "As it was when the notebook was saved; run the cell to go on."


class Still(Follower):
    """Pictures of what `shared` shows, in an output that is there now and filled later."""

    def __init__(self, shared: Asking) -> None:
        self.shared = shared
        self._output: Any = DisplayHandle()  # type: ignore[no-untyped-call]  # IPython's are not typed
        self._output.display({"text/html": _HTML.format(pictures="")}, raw=True)  # type: ignore[no-untyped-call]
        self._changes = 0
        self.follow(self._wait, *shared.pictured)

    def unfollow(self) -> None:
        """Stay as it is."""
        self._changes += 1
        super().unfollow()

    def _wait(self) -> None:
        self._changes += 1
        change = self._changes
        self.shared.worker.later(_PAUSE, lambda: self._settled(change))

    def _settled(self, change: int) -> None:
        if change == self._changes and (pictures := self.shared.pictures()):
            shown = replace(gallery(pictures, side=_SIDE), note=_NOTE)._repr_html_()
            self._output.update({"text/html": _HTML.format(pictures=shown)}, raw=True)


def display_with_still(widget: Any, shared: Asking) -> Still | None:
    """Show `widget` in a notebook, and pictures before it for the time when it is gone; not on a page of a server."""
    kernel = getattr(get_ipython(), "kernel", None)
    still = None if kernel is None or "LRPWIDGETS_OPTIONS" in os.environ else Still(shared)
    bundle = widget._repr_mimebundle_()  # anywidget's has metadata with it
    data, metadata = bundle if isinstance(bundle, tuple) else (bundle, {})
    display(data, metadata=metadata, raw=True)  # type: ignore[no-untyped-call]
    return still
