"""Watch a computation from outside: see how far it is, and end it.

    def show(progress: Progress) -> None: ...     # may raise, Cancelled for example

    with watched(show):
        explainer.explain(inputs)

The function is called between any two torch calls of a forward, whose number is not known before it ends, and
before every step of a propagation. See :mod:`lrpwidgets.progress`.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from contextvars import ContextVar

from ..progress import Progress, Watcher

_watcher: ContextVar[Watcher | None] = ContextVar("lrpwidgets watcher", default=None)


@contextmanager
def watched(progress: Watcher) -> Iterator[None]:
    """Have `progress` called at every step that this thread computes inside."""
    token = _watcher.set(progress)
    try:
        yield
    finally:
        _watcher.reset(token)


def step(done: int, total: int | None = None) -> None:
    """Tell the watcher, if there is one."""
    if watcher := _watcher.get():
        watcher(Progress(done, total))
