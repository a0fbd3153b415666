"""What a cell of a notebook made ends when the cell is run again: its output has left the page by then.

ipywidgets keeps every widget alive until it is closed, so nothing else would end what was made before, nor the threads
that compute for it. Other cells are left alone, and so is what is made twice in one run.
"""

from __future__ import annotations

import weakref
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from IPython import get_ipython


@dataclass
class _Run:
    """One run of a cell."""

    message: str
    """Id of the request to run it."""
    made: list[weakref.WeakMethod[Callable[[], None]]] = field(default_factory=list)
    """How to end what it made."""


_newest: dict[str, _Run] = {}
"""By cell."""


def until_run_again(close: Callable[[], None]) -> None:
    """Have the method `close` called when the cell that is running now is run again; never outside of a cell.

    What was made last is closed first. Nothing is kept alive for it.
    """
    if (running := _running()) is None:
        return
    cell, message = running
    before = _newest.get(cell)
    if before is None or before.message != message:
        _newest[cell] = _Run(message)
        _end(before)
    _newest[cell].made.append(weakref.WeakMethod(close))


def _end(run: _Run | None) -> None:
    for method in reversed(run.made if run else []):
        if close := method():
            close()


def _running() -> tuple[str, str] | None:
    """The cell that is running and the id of the request to run it; None where no cell is, or none is run twice."""
    kernel: Any = getattr(get_ipython(), "kernel", None)
    message = kernel.get_parent() if kernel else {}
    if message.get("header", {}).get("msg_type") != "execute_request":
        return None
    request = message["content"]
    # A front end that does not say which cell it runs may show two with the same text, but hardly so; where nothing is
    # written into the history, as in Voila, every cell is run once.
    cell = message["metadata"].get("cellId") or (request["code"] if request.get("store_history") else None)
    return (cell, message["header"]["msg_id"]) if cell else None
