"""The wall: the same wishes under several priors, which is half of what one learns from maximization."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from ...maximize import Run, maximize, objectives
from ...maximize.data import resized
from ...readable import Readable
from ...subjects import Subject
from ..base.sentences import sentence
from .pictures import pixels
from .question import MOST_CLASSES
from .reel import WALL, log_density
from .wishing import Wishing

PRIORS = ("none", "l2", "fourier", "spectrum", "expert")
"""From none to the strongest."""

STEPS = 64
"""Of each picture."""

SLICE = 0.2
"""Seconds of work at once; then what a person asks for has its turn."""

SMALLER = 0.9
"""What a picture is resized to, and back: a pattern that only this grid of pixels carries does not survive."""


@dataclass(frozen=True, eq=False, repr=False)
class Tile(Readable):
    """A picture of the wall."""

    prior: str
    number: int
    """The class that was wished for."""
    pixels: NDArray[np.uint8] | None = field(default=None, repr=False)
    """(H, W, 3); None where it could not be made."""
    log_density: float = float("nan")
    says: int = -1
    """What the network says of the picture once it is resized."""
    problem: str = ""


class Painter:
    """Makes the tiles of a wall one after the other, a slice of work at a time; lives on the worker."""

    def __init__(self, subject: Subject, classes: Sequence[int], size: int | None, device: str | None) -> None:
        self._subject, self._size, self._device = subject, size, device
        self._left = [(prior, number) for number in classes for prior in PRIORS]
        self._run: Run | None = None

    def work(self) -> list[Tile] | None:
        """Work for a while; the tiles that are new, or None if all were made before."""
        if not self._left:
            return None
        began, made = time.perf_counter(), list[Tile]()
        while self._left and time.perf_counter() - began < SLICE:
            prior, number = self._left[0]
            try:
                tile = self._advance(prior, number, until=began + SLICE)
            except Exception as error:  # a prior that does not suit the data leaves a hole, and says why
                tile = Tile(prior, number, problem=sentence(error))
            if tile is not None:
                made.append(tile)
                self._left.pop(0)
                self._run = None
        return made

    def _advance(self, prior: str, number: int, until: float) -> Tile | None:
        if self._run is None:
            wish = objectives.class_score(number)
            self._run = maximize(self._subject, wish, prior, STEPS, size=self._size, device=self._device)
        run = self._run
        while next(iter(run), None) is not None:
            if time.perf_counter() > until:
                return None
        if run.frame is None:
            return Tile(prior, number, problem=run.stopped)
        image = run.frame.images.cpu()
        density = log_density(run, image)
        return Tile(prior, number, pixels(run.subject, image[0]), density, _says(run, image))


class Wall:
    """Has a wall painted while no film runs and somebody looks; a studio's other hand."""

    def __init__(self, studio: Wishing) -> None:
        self._studio = studio
        self._wanted: tuple[Any, ...] = ()
        self._painter: Painter | None = None
        self._at_work = False

    @property
    def classes(self) -> tuple[int, ...]:
        """Those that are asked for, else three, evenly spread."""
        studio = self._studio
        if studio.classes is not None:
            return tuple(studio.classes)
        count = len(studio.subject.classes)
        return tuple(dict.fromkeys(count * place // MOST_CLASSES for place in range(MOST_CLASSES))) if count else ()

    def begin(self) -> None:
        """Begin another wall, if another is asked for."""
        studio = self._studio
        wanted = (self.classes, studio.size)
        if wanted != self._wanted:
            self._wanted, studio.tiles = wanted, ()
            self._painter = Painter(studio.subject, self.classes, studio.size, studio.device)
            self.go_on()

    def go_on(self) -> None:
        """Do the next slice of work, if nothing stands in its way."""
        studio, painter = self._studio, self._painter
        waits = not studio.painting or studio.running or not studio.appeared or not studio.here
        if painter is None or waits or self._at_work:
            return
        self._at_work = True
        studio.films.submit(painter.work, lambda made: self._made(painter, made), lane=WALL)

    def _made(self, painter: Painter, made: list[Tile] | None) -> None:
        self._at_work = False
        if painter is not self._painter:
            self.go_on()
        elif made is None:
            self._painter = None
        else:
            if made:
                self._studio.tiles = (*self._studio.tiles, *made)
            self.go_on()


def _says(run: Run, image: torch.Tensor) -> int:
    height, width = image.shape[2:]
    small = resized(image, (max(1, round(SMALLER * height)), max(1, round(SMALLER * width))))
    scores = run.explainer.scores(resized(small, (height, width)))
    return int(scores[0].reshape(len(scores[0]), -1).mean(1).argmax())
