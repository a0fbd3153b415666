"""How far a long computation is, how fast it goes and how long it will take."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True)
class Progress:
    """One moment of a computation that goes through many inputs."""

    done: int
    """Inputs that are done, those of earlier runs among them."""
    total: int
    """Inputs that there are."""
    rate: float
    """Inputs per second in this run; 0 before the first."""
    seconds_left: float | None
    """At that rate; None before the first."""

    def __str__(self) -> str:
        counts = f"{self.done:,} of {self.total:,}"
        if self.seconds_left is None:
            return counts
        return f"{counts} · {_rate(self.rate)} · {duration(self.seconds_left)} left"


Watcher = Callable[[Progress], None]
"""Is told of the progress; it may raise, :class:`lrpwidgets.lrp.Cancelled` for example, to end the computation."""


class Pace:
    """Tells a watcher how far a computation is; ``with`` ends the line that :func:`printed` writes."""

    def __init__(self, watcher: Watcher | bool, done: int, total: int) -> None:
        self._watch = watcher if callable(watcher) else Line() if watcher else None
        self.done, self._total, self._before = done, total, done
        self._started = time.perf_counter()

    def advance(self, inputs: int) -> None:
        """Count `inputs` more, and tell."""
        self.done += inputs
        self.tell()

    def tell(self) -> None:
        """Call the watcher with the present state."""
        if not self._watch:
            return
        made, taken = self.done - self._before, time.perf_counter() - self._started
        rate = made / taken if taken else 0.0
        self._watch(Progress(self.done, self._total, rate, (self._total - self.done) / rate if rate else None))

    def close(self) -> None:
        """End the line of the progress, if there is one."""
        if isinstance(self._watch, Line):
            self._watch.close()


class Line:
    """Writes progress as one line that is written over, five times a second at most, to a terminal or a notebook."""

    INTERVAL = 0.2
    """Seconds between two writings."""

    def __init__(self) -> None:
        self._last, self._width = 0.0, 0

    def __call__(self, progress: Progress) -> None:
        now = time.perf_counter()
        if now - self._last < self.INTERVAL and progress.done < progress.total:
            return
        text = str(progress)
        print(f"\r{text:<{self._width}}", end="", file=sys.stderr, flush=True)
        self._last, self._width = now, len(text)

    def close(self) -> None:
        """Go to the next line, if anything was written."""
        if self._width:
            print(file=sys.stderr)


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
