"""How far a long computation is, how fast it goes and how long it will take: one way to be told, for all of them.

Whatever takes long has a keyword ``progress: bool | Watcher = True``. True writes a line that is written over, once a
second has passed, False nothing; a function is called with a :class:`Progress` again and again, and ends the
computation by raising, :class:`Cancelled` for example::

    def show(progress: Progress) -> None:
        print(progress.stage, progress.done, progress.total)

    spray(store, progress=show)

Single explanations are watched with :func:`lrpwidgets.lrp.watched`, which calls the same function.
"""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TextIO


@dataclass(frozen=True)
class Progress:
    """One moment of a long computation."""

    done: int
    """Inputs, or steps, that are done; those of earlier runs among them."""
    total: int | None
    """How many there are; None where that is not known yet."""
    stage: str = ""
    """What is being done, where there are several stages."""
    rate: float = 0.0
    """How many per second in this run; 0 before the first."""
    seconds_left: float | None = None
    """At that rate; None where it is not known."""

    def __str__(self) -> str:
        counts = f"{self.done:,}" if self.total is None else f"{self.done:,} of {self.total:,}"
        staged = f"{self.stage}: {counts}" if self.stage else counts
        if self.seconds_left is None:
            return staged
        return f"{staged} · {_rate(self.rate)} · {duration(self.seconds_left)} left"


Watcher = Callable[[Progress], None]
"""Is told of the progress; it may raise, :class:`Cancelled` for example, to end the computation."""


class Cancelled(Exception):  # noqa: N818  # no error: somebody asked for it
    """What a watcher raises to end a computation; what was there before it, models and stores, stays good."""


@contextmanager
def listening(progress: bool | Watcher) -> Iterator[Watcher]:
    """Whom to tell: a function that was given, a line of text for True, nobody for False.

    Raises
    ------
    TypeError
        If it is none of these.
    """
    if not isinstance(progress, bool) and not callable(progress):
        raise TypeError(f"progress must be True, False or a function of a Progress, got {progress!r}.")
    line = Line()
    try:
        yield progress if callable(progress) else line if progress else _nobody
    finally:
        line.close()


def _nobody(progress: Progress) -> None:
    """Where nobody wants to know."""


class Pace:
    """Tells a watcher how far a computation over many inputs is, and how fast."""

    def __init__(self, watch: Watcher, done: int, total: int) -> None:
        self._watch = watch
        self.done, self._total, self._before = done, total, done
        self._started = time.perf_counter()

    def advance(self, inputs: int) -> None:
        """Count `inputs` more, and tell."""
        self.done += inputs
        self.tell()

    def tell(self) -> None:
        """Call the watcher with the present state."""
        made, taken = self.done - self._before, time.perf_counter() - self._started
        rate = made / taken if taken else 0.0
        left = (self._total - self.done) / rate if rate else None
        self._watch(Progress(self.done, self._total, rate=rate, seconds_left=left))


class Line:
    """Writes progress as one line that is written over, five times a second at most, to a terminal or a notebook."""

    PATIENCE = 1.0
    """Seconds in which nothing is written: what is done by then needs no line."""
    INTERVAL = 0.2
    """Seconds between two writings."""

    def __init__(self) -> None:
        self._last, self._width = time.perf_counter() + self.PATIENCE - self.INTERVAL, 0

    def __call__(self, progress: Progress) -> None:
        now = time.perf_counter()
        ended = self._width > 0 and progress.done == progress.total
        if now - self._last < self.INTERVAL and not ended:
            return
        text = str(progress)
        print(f"\r{text:<{self._width}}", end="", file=_paper(), flush=True)
        self._last, self._width = now, len(text)

    def close(self) -> None:
        """Go to the next line, if anything was written."""
        if self._width:
            print(file=_paper())


def say(text: str) -> None:
    """Write a line of its own where progress is written."""
    print(text, file=_paper(), flush=True)


def _paper() -> TextIO:
    """Standard error; in a notebook standard output, as notebooks show the other as if something had gone wrong."""
    return sys.stdout if type(sys.stdout).__module__.startswith("ipykernel.") else sys.stderr


def duration(seconds: float) -> str:
    """``"42 s"``, ``"3 min 05 s"``, ``"2 h 10 min"``, ``"3 d 4 h"``."""
    whole = round(seconds)
    if whole < 60:
        return f"{whole} s"
    if whole < 3600:
        return f"{whole // 60} min {whole % 60:02} s"
    if whole < 86400:
        return f"{whole // 3600} h {whole % 3600 // 60:02} min"
    return f"{whole // 86400} d {whole % 86400 // 3600} h"


def _rate(rate: float) -> str:
    return f"{rate:,.0f}/s" if rate >= 10 else f"{rate:.2g}/s"
