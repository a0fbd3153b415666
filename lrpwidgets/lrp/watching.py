"""Watch a computation from outside: see how far it is, and end it.

    def show(done: int, total: int | None) -> None: ...     # may raise, Cancelled for example

    with watched(show):
        explainer.explain(inputs)

The function is called between any two torch calls of a forward, whose number is not known before it ends, and
before every step of a propagation.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar

Watcher = Callable[[int, int | None], None]
"""Takes the number of steps that are done, and how many there will be: None during a forward."""

_watcher: ContextVar[Watcher | None] = ContextVar("lrpwidgets watcher", default=None)


class Cancelled(Exception):  # noqa: N818  # no error: somebody asked for it
    """What a watcher raises to end the computation; nothing of the model or of earlier explanations is touched."""


@contextmanager
def watched(watcher: Watcher) -> Iterator[None]:
    """Have `watcher` called at every step that this thread computes inside."""
    token = _watcher.set(watcher)
    try:
        yield
    finally:
        _watcher.reset(token)


def step(done: int, total: int | None = None) -> None:
    """Tell the watcher, if there is one."""
    if watcher := _watcher.get():
        watcher(done, total)
