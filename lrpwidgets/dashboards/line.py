"""A crowd at the door of a dashboard: visitors come in one after the other, as many as there is room for."""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable, Iterable, Mapping

from ..memory import free

EACH = 600 * 2**20
"""Bytes of memory that a visitor takes, about: a kernel with torch, a small network and its explanations."""

UNSEEN = 6.0
"""Seconds after which whoever waits is taken to have gone: a page that waits asks again every second."""

ALONE = 15.0
"""Seconds after which a kernel ends to which a page was connected, and none is any more."""

UNVISITED = 180.0
"""Seconds after which a kernel ends to which no page ever connected; on a crowded machine browsers are slow."""


class Line:
    """Who waits, in the order in which they came; nobody overtakes.

    Parameters
    ----------
    most
        Visitors at the same time; None is as many as there is memory for.
    free
        Tells the bytes of memory that may still be taken.
    clock
        Tells the seconds.
    each
        Bytes of memory that a visitor takes.
    """

    def __init__(
        self,
        most: int | None,
        free: Callable[[], int] = free,
        clock: Callable[[], float] = time.monotonic,
        each: int = EACH,
    ) -> None:
        self._most, self._each, self._free, self._clock = most, each, free, clock
        self._seen: dict[str, float] = {}  # by ticket, in the order of their places
        self._entering = False

    def room(self, inside: int, starting: int) -> int:
        """For how many visitors there is room now: `inside`, and as many more as memory holds; one at least.

        Kernels that are `starting` have not taken their memory yet.
        """
        more = max(0, self._free() // self._each - starting)
        return max(1, inside + more if self._most is None else min(self._most, inside + more))

    def ask(self, ticket: str | None, full: bool) -> tuple[str, int]:
        """A ticket, by default a new one, and its place: 0 may enter now, and must tell by :meth:`entered`.

        One enters at a time, since kernels that start together start slowly, and nobody where it is `full`.
        """
        now = self._clock()
        self._seen = {each: seen for each, seen in self._seen.items() if now - seen < UNSEEN}
        if ticket not in self._seen:
            ticket = secrets.token_urlsafe(8)
        self._seen[ticket] = now
        place = list(self._seen).index(ticket)
        if place or self._entering or full:
            return ticket, place + 1
        del self._seen[ticket]
        self._entering = True
        return ticket, 0

    def entered(self) -> None:
        """Whoever was let in is inside, or has gone."""
        self._entering = False


class Watch:
    """Sees which kernels nobody looks at any more."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._visited: set[str] = set()
        self._alone: dict[str, float] = {}

    def left(self, connections: Mapping[str, int], waiting: Iterable[str]) -> list[str]:
        """Kernels that should end: by id, how many pages are connected; those `waiting` for a page may live on."""
        now = self._clock()
        self._visited = {each for each in connections if each in self._visited or connections[each]}
        alone = [each for each, pages in connections.items() if not pages and each not in set(waiting)]
        self._alone = {each: self._alone.get(each, now) for each in alone}
        return [each for each in alone if now - self._alone[each] >= (ALONE if each in self._visited else UNVISITED)]


def page(place: int, room: int) -> str:
    """What whoever waits sees, where there is room for so many; it asks again by itself."""
    many = "one visitor" if room == 1 else f"{room} visitors"
    return f"""<!doctype html>
<html lang="en"><meta charset="utf-8"><meta name="viewport" content="width=device-width">
<link rel="icon" href="data:,">
<title>Number {place} in line – lrpwidgets</title>
<style>
  :root {{ color-scheme: light dark; font: 15px/1.5 system-ui, sans-serif; }}
  body {{ display: grid; place-items: center; min-height: 90vh; text-align: center; }}
  p {{ margin: 0; }}
</style>
<div id="loading" role="status"><p><strong>You are number {place} in line.</strong></p>
<p>There is room for {many} now, and they come in one by one. This page opens by itself.</p></div></html>
"""
