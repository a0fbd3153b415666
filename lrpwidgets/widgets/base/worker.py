"""One thread on which the newest question wins.

The kernel's main thread must stay free to receive what the person does next. A question that still waits when a
newer one of its lane comes is dropped, so the answer is never older than the computation that was under way.
"""

from __future__ import annotations

import asyncio
import contextvars
import threading
import weakref
from collections.abc import Callable, Iterator
from itertools import chain
from typing import Any

Job = Callable[[], Any]

REST = 1.0
"""Seconds without anything to do after which there is time for what nobody waits for."""


class NewestWins:
    """Runs jobs one at a time and hands their results back to the thread that made this object.

    Without a running event loop, as in a script, there is nothing to keep free: jobs then run at once. The thread ends
    with :meth:`close`, or when nobody holds this object any more.

    Everything comes back in the context of the cell that made this object. JupyterLab lets kernel threads of their
    own, "subshells", hear what a page says, and ipykernel 7.4 sends all that a widget hears to the subshell in whose
    context it last spoke, also when that has ended: the widget would be deaf. A cell belongs to no subshell.
    """

    def __init__(self) -> None:
        try:
            self._loop: asyncio.AbstractEventLoop | None = asyncio.get_running_loop()
        except RuntimeError:
            self._loop = None
        self._thread, self._context = threading.get_ident(), contextvars.copy_context()
        self._queue = _Queue(self._loop, self._context)
        if self._loop:
            threading.Thread(target=self._queue.run, name="lrpwidgets worker", daemon=True).start()
            weakref.finalize(self, self._queue.close).atexit = False

    @property
    def open(self) -> bool:
        """Whether it takes jobs."""
        return self._queue.open

    def waits_before(self, lane: int) -> bool:
        """Whether a job of a lower lane waits: one of this lane that takes long may let it go first."""
        return self._queue.waits_before(lane)

    @property
    def apart(self) -> bool:
        """Whether jobs run on a thread of their own."""
        return self._loop is not None

    def submit(self, job: Job, done: Callable[[Any], None], lane: int = 0) -> None:
        """Run `job` next, in the place of one that waits in its lane, and call `done` with what it returns.

        Jobs of a lower lane go first; none is taken after :meth:`close`.
        """
        if self._loop is not None:
            self._queue.put(job, done, lane)
        elif self.open:
            done(job())

    def when_idle(self, tasks: Iterator[Callable[[], None]]) -> None:
        """Advance `tasks`, after earlier ones, whenever no job waits.

        Each function that they yield is called on the caller's thread.
        """
        if self._loop is not None:
            self._queue.put_last(tasks)
            return
        for task in tasks if self.open else ():
            task()

    def at_rest(self, job: Job, done: Callable[[Any], None]) -> None:
        """Run `job`, in the place of an earlier one, once nothing was to do for a while, and call `done` as usual.

        Never without an event loop.
        """
        self._queue.put_at_rest(job, done)

    def later(self, seconds: float, call: Callable[[], None]) -> None:
        """Run `call` on the caller's thread after a while; never without an event loop, where nothing waits."""
        if self._loop:
            self._loop.call_later(seconds, call, context=self._context.copy())

    def at_home(self, call: Callable[[], None]) -> None:
        """Run `call` on the thread and in the context that made this object: now, if this is that thread."""
        if self._loop is None or threading.get_ident() == self._thread:
            self._context.copy().run(call)
        else:
            self._queue.deliver(call)

    def close(self) -> None:
        """Stop after the job under way."""
        self._queue.close()


class _Queue:
    """What waits. The thread holds this alone, lest it keeps whoever made it alive."""

    def __init__(self, loop: asyncio.AbstractEventLoop | None, context: contextvars.Context) -> None:
        self._loop, self._context = loop, context
        self._changed = threading.Condition()
        self._waiting: dict[int, tuple[Job, Callable[[Any], None]]] = {}  # by lane
        self._idle: Iterator[Callable[[], None]] = iter(())
        self._rest: tuple[Job, Callable[[Any], None]] | None = None
        self.open = True

    def waits_before(self, lane: int) -> bool:
        with self._changed:
            return min(self._waiting, default=lane) < lane

    def put(self, job: Job, done: Callable[[Any], None], lane: int) -> None:
        with self._changed:
            if self.open:
                self._waiting[lane] = (job, done)
                self._changed.notify()

    def put_last(self, tasks: Iterator[Callable[[], None]]) -> None:
        with self._changed:
            if self.open:
                self._idle = chain(self._idle, tasks)
                self._changed.notify()

    def put_at_rest(self, job: Job, done: Callable[[Any], None]) -> None:
        with self._changed:
            if self.open:
                self._rest = (job, done)
                self._changed.notify()

    def close(self) -> None:
        with self._changed:
            self.open = False
            self._waiting.clear()
            self._idle = iter(())
            self._rest = None
            self._changed.notify()

    def run(self) -> None:
        while self.open:
            self._next()

    def deliver(self, done: Callable[..., None], *result: Any) -> None:
        """Call `done` where this was made, unless it is closed by then."""
        assert self._loop is not None
        try:
            self._loop.call_soon_threadsafe(self._arrive, done, result, context=self._context.copy())
        except RuntimeError:  # the kernel is shutting down, and nobody is left to tell
            self.open = False

    def _arrive(self, done: Callable[..., None], result: tuple[Any, ...]) -> None:
        if self.open:
            done(*result)

    def _next(self) -> None:
        """Run what waits; else wait. A method of its own: what is done must not be held while nothing is to do."""
        with self._changed:
            waiting = self._waiting.pop(min(self._waiting)) if self._waiting else None
            idle, rest = self._idle, self._rest
        if waiting:
            job, done = waiting
            self.deliver(done, job())
        elif task := next(idle, None):
            self.deliver(task)
        elif self._rests(idle, rest) and rest:
            job, done = rest
            self.deliver(done, job())

    def _rests(self, idle: Iterator[Callable[[], None]], rest: object) -> bool:
        """Wait for something to do; whether nothing came before it was time for what is done at `rest`."""

        def changed() -> bool:
            return not self.open or bool(self._waiting) or self._idle is not idle or self._rest is not rest

        with self._changed:
            if self._changed.wait_for(changed, REST if rest else None):
                return False
            self._rest = None
            return True
