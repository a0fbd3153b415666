"""A film: a run that is played, paused, advanced and stopped, and that is held against real inputs as it goes.

A :class:`Reel` plays on a worker thread. Whatever a person wants of it is a flag, which is looked at between two frames
and, to stop, between any two torch calls.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...lrp import Cancelled, watched
from ...maximize import Frame, Honesty, Run
from ...maximize.honesty import examined
from ...readable import Readable
from .pictures import pixels

FILM, LOOK, SAMPLES, WALL = range(4)
"""Lanes of the thread on which films are made, beside what may wait until none is."""

PACE = 0.04
"""Seconds from one frame to the next, at least: eyes follow no more, and a page need not draw more."""

SHARE = 0.1
"""Of the time, at most, for holding frames against real inputs while more are made."""

OFTEN = 0.3
"""Seconds between two of those comparisons, at least."""

POINTS = 200
"""Of a curve, about."""


@dataclass(frozen=True, eq=False, repr=False)
class Moment(Readable):
    """A frame, as it is shown."""

    frame: Frame
    pixels: NDArray[np.uint8] = field(repr=False)
    """(H, W, 3), as the subject shows inputs."""
    steps: NDArray[np.float64] = field(repr=False)
    """(n,): where the curve is known."""
    curve: NDArray[np.float64] = field(repr=False)
    """(n,): the objective there."""
    milliseconds: float
    """Of a step, the mean so far."""

    @property
    def step(self) -> int:
        """How many steps were taken before."""
        return self.frame.step

    @property
    def objective(self) -> float:
        """The objective, the mean over views."""
        return float(self.frame.objective[0])


@dataclass(frozen=True, eq=False, repr=False)
class Glance(Readable):
    """Where a frame stands among real inputs in two numbers, as long as there is no time for all."""

    step: int
    activation: float
    log_density: float
    """NaN where there are too few real inputs."""


@dataclass(frozen=True, eq=False, repr=False)
class Judged(Readable):
    """A frame held against real inputs."""

    step: int
    honesty: Honesty
    nearest: NDArray[np.uint8] | None = field(repr=False)
    """(H, W, 3), the nearest real input; None where there is none."""
    name: str = ""
    """What that is called."""


class Audience(Protocol):
    """Who watches a film; told on the worker thread."""

    def shown(self, reel: Reel, moment: Moment) -> None:
        """A frame was made."""

    def glanced(self, reel: Reel, glance: Glance) -> None:
        """It was held against real inputs in passing."""

    def judged(self, reel: Reel, judged: Judged) -> None:
        """It was held against real inputs."""

    def told(self, reel: Reel, stage: str) -> None:
        """What takes its time."""


class Reel:
    """One film, which begins when it is first played.

    Parameters
    ----------
    make
        Makes the run.
    audience
        Is told of everything.
    pace
        Seconds from frame to frame, at least.
    about
        What the audience wants to remember of it.
    """

    def __init__(
        self, make: Callable[[], Run], audience: Audience, pace: float = PACE, about: tuple[Any, ...] = ()
    ) -> None:
        self.run: Run | None = None
        self.orders = 0
        """How often something was wanted of it."""
        self.halted = False
        """Whether a person ended it."""
        self.about = about
        self.ended = False
        """Whether there are no more frames."""
        self._make, self._audience, self._pace = make, audience, pace
        self._wake = threading.Event()
        self._paused = self._left = False
        self._judged_at, self._judging = -float("inf"), 0.0
        self._glanced_at, self._glancing = -float("inf"), 0.0
        self._spent, self._steps = 0.0, 0

    # -- wanted, on any thread -------------------------------------------------------------------------------------

    def pause(self) -> None:
        """Make no more frames after the one under way."""
        self._paused = True
        self._order()

    def resume(self) -> None:
        """What was paused may be played again."""
        self._paused = False
        self._order()

    def stop(self) -> None:
        """End the film now."""
        self.halted = self.ended = True
        self._order()

    def leave(self) -> None:
        """Nobody looks any more."""
        self._left = True
        self.stop()

    def _order(self) -> None:
        self.orders += 1
        self._wake.set()

    # -- on the worker ---------------------------------------------------------------------------------------------

    def play(self, most: int | None = None, orders: int | None = None) -> None:
        """Make frames, `most` or all that are left, until something else is wanted; raises what a run raises.

        `orders` is what :attr:`orders` counted when this was asked for: it may have to wait for the thread.
        """
        orders = self.orders if orders is None else orders
        self._wake.clear()
        try:
            with watched(self._watch):
                self._play(most, orders)
        except Cancelled:
            pass
        except Exception:
            self.ended = True
            raise
        self._ended()
        goes_on = self.orders != orders and not (self._paused or self.ended)
        if self.run is not None and self.run.frame is not None and not (self._left or goes_on):
            self.judge(self.run.frame)

    def judge(self, frame: Frame) -> None:
        """Hold a frame against real inputs, unless something else is wanted meanwhile."""
        orders, began = self.orders, time.perf_counter()
        if self.run is None:
            return

        def watch(*_: Any) -> None:
            if self.orders != orders:
                raise Cancelled

        try:
            with watched(watch):
                if "real" not in vars(self.run):
                    self._audience.told(self, "comparing with real inputs")
                judged = self._judge(self.run, frame)
        except Cancelled:
            return
        self._judged_at = time.perf_counter()
        self._judging = self._judged_at - began
        self._audience.judged(self, judged)

    def _play(self, most: int | None, orders: int) -> None:
        if self.run is None:
            self._audience.told(self, "reading real inputs")
            self.run = self._make()
        made, began = 0, time.perf_counter()
        while self.orders == orders and made != most:
            frame = next(iter(self.run), None)
            if frame is None:
                break
            made += 1
            self._spent, self._steps = self._spent + time.perf_counter() - began, self._steps + 1
            self._audience.shown(self, self._moment(self.run, frame))
            self._compare(self.run, frame)
            self._wake.wait(max(0.0, began + self._pace - time.perf_counter()))
            began = time.perf_counter()

    def _compare(self, run: Run, frame: Frame) -> None:
        now = time.perf_counter()
        if now - self._judged_at > max(OFTEN, self._judging / SHARE):
            self.judge(frame)
        elif now - self._glanced_at > max(OFTEN, self._glancing / SHARE):
            activation = float(run.measured(frame.images)[0])
            glance = Glance(frame.step, activation, log_density(run, frame.images))
            self._glanced_at = time.perf_counter()
            self._glancing = self._glanced_at - now
            self._audience.glanced(self, glance)

    def _watch(self, *_: Any) -> None:
        if self.halted:
            raise Cancelled

    def _ended(self) -> None:
        run = self.run
        if run is not None:
            done = run.frame is not None and run.frame.step == run.steps
            self.ended = self.ended or done or bool(run.stopped)

    def _moment(self, run: Run, frame: Frame) -> Moment:
        objective = run.curves["objective"]
        every = max(1, len(objective) // POINTS)
        places = [*range(0, len(objective), every), len(objective) - 1]
        curve = np.array([objective[place] for place in places])
        shown = pixels(run.subject, frame.images[0])
        return Moment(frame, shown, np.array(places, float), curve, 1000 * self._spent / self._steps)

    def _judge(self, run: Run, frame: Frame) -> Judged:
        honesty, subject = examined(run, frame.images[0]), run.subject
        if honesty.nearest < 0:
            return Judged(frame.step, honesty, None)
        nearest = pixels(subject, subject.item(honesty.nearest)[0])
        return Judged(frame.step, honesty, nearest, subject.item_name(honesty.nearest))


def log_density(run: Run, images: Tensor) -> float:
    """How likely the first of `images` is among the real inputs of a run; NaN where these are too few."""
    data = run.data
    if not len(data.log_densities):
        return float("nan")
    return float(data.density.log_density(images[:1].cpu().to(data.mean.dtype))[0])
