"""Long work of a room: on a thread of its own, watched, and ended when nobody wants it any more."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

from ...progress import Cancelled, Progress, Watcher
from .asking import Asking
from .sentences import sentence
from .worker import NewestWins

_PATIENCE = 0.2
"""Seconds before work counts as waiting."""

_OFTEN = 0.1
"""Seconds between two reports of progress."""


class Solver:
    """Runs jobs one at a time and tells the state how far they are; what is quick has another thread.

    Jobs of a lower lane go first, and in each lane the newest takes the place of one that waits.
    """

    def __init__(self, state: Asking) -> None:
        self._state = state
        self._thread = NewestWins()
        self._waiting: dict[int, object] = {}  # jobs that have not arrived, by lane
        self._cancellations = 0

    def submit(
        self,
        lane: int,
        job: Callable[[Watcher], Any],
        done: Callable[[Any], None],
        *,
        stale: Callable[[], bool] = lambda: False,
        ended: Callable[[], None] = lambda: None,
    ) -> None:
        """Run `job`, which gets whom to tell of its progress; `done` gets what it returns.

        An error becomes the state's sentence; a job that is cancelled, or `stale` when it reports, becomes nothing.
        `ended` is called after each of them.
        """
        token = self._waiting[lane] = object()
        self._state.worker.later(_PATIENCE, lambda: self._still_waiting(lane, token))
        watch = self._watch(stale)

        def run() -> Any:
            try:
                return job(watch)
            except Cancelled:
                return Cancelled
            except Exception as error:  # a person without a console must see every one of them
                return sentence(error)

        def arrived(outcome: Any) -> None:
            self._arrived(lane, token)
            if isinstance(outcome, str):
                self._state.error = outcome
            elif outcome is not Cancelled:
                done(outcome)
            ended()

        self._thread.submit(run, arrived, lane)

    def when_idle(self, tasks: Iterator[Callable[[], None]]) -> None:
        """Advance `tasks` on the thread whenever no job waits; what they yield is called on the caller's."""
        self._thread.when_idle(tasks)

    def cancel(self) -> None:
        """End the job that is under way, at its next report."""
        self._cancellations += 1

    def close(self) -> None:
        """End all."""
        self.cancel()
        self._thread.close()

    def _watch(self, stale: Callable[[], bool]) -> Watcher:
        cancellations, said = self._cancellations, time.perf_counter()

        def watch(progress: Progress) -> None:
            nonlocal said
            if self._cancellations > cancellations or stale():
                raise Cancelled
            if time.perf_counter() - said > _OFTEN:
                said = time.perf_counter()
                self._state.worker.at_home(lambda: self._tell(progress))

        return watch

    def _arrived(self, lane: int, token: object) -> None:
        if self._waiting.get(lane) is token:
            del self._waiting[lane]
        if not self._waiting:
            self._state.busy, self._state.progress = False, ()

    def _still_waiting(self, lane: int, token: object) -> None:
        self._state.busy = self._state.busy or self._waiting.get(lane) is token

    def _tell(self, progress: Progress) -> None:
        if self._waiting:
            self._state.busy, self._state.progress = True, (progress.stage, progress.done, progress.total)
