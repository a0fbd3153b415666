"""The picture as it forms, and what a person does with the film."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from ..base.view import View, script, style
from .studio import Studio

SIDE = 72
"""Pixels of a kept frame's side, about."""

DO = ("play", "pause", "step", "stop", "restart")


class FilmView(View):
    """The newest frame large, some earlier ones small; play, pause, step, stop, and restart from here.

    Frames travel as raw bytes, each as soon as it is made.
    """

    shared: Studio
    _esm = script(__file__)
    _css = style(__file__)
    pixels = traitlets.Bytes(help="uint8, RGB of the frame that is looked at, row by row").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="its height and width").tag(sync=True)
    thumbnails = traitlets.Bytes(help="uint8, RGB of the frames that were kept").tag(sync=True)
    thumbnail = traitlets.Tuple((0, 0), help="height and width of each").tag(sync=True)
    state = traitlets.Dict(help="step, steps, seed, what it excites, kept steps, looked, running, ended").tag(sync=True)

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, **traits)
        self.follow(self._keep, "kept")
        self.follow(self._show, "moment", "looked", "running", "ended", "kept", "judged")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"do": "pause"}`` (play, step, stop, restart), or ``{"look": 2}``; ``{"look": None}`` for the newest."""
        if "do" in message:
            if message["do"] not in DO:
                raise ValueError(f"There is nothing to do that is called {message['do']!r}.")
            getattr(self.shared, message["do"])()
        elif "look" in message:
            self.shared.look(message["look"])

    def _keep(self) -> None:
        small = [shrunk(moment.pixels) for moment in self.shared.kept]
        self.draw(
            thumbnails=b"".join(each.tobytes() for each in small),
            thumbnail=small[0].shape[:2] if small else (0, 0),
        )

    def _show(self) -> None:
        studio, run = self.shared, self.shared.answer
        moment, newest = studio.seen, studio.moment
        if moment is None or newest is None or run is None:
            return
        judged = studio.judged
        self.draw(
            pixels=moment.pixels.tobytes(),
            size=moment.pixels.shape[:2],
            state={
                "step": moment.step,
                "steps": run.steps,
                "seed": run.seed,
                "film": studio.number_of_films,
                "what": str(run.objective),
                "kept": [each.step for each in studio.kept],
                "newest": newest.step,
                "looked": studio.looked,
                "running": studio.running,
                "ended": studio.ended,
                "trail": list(studio.trail),
                "sentence": judged.honesty.sentence if judged is not None else "",
            },
        )


def shrunk(pixels: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """Every n-th pixel of a picture, so that it is about `side` large."""
    every = max(1, max(pixels.shape[:2]) // side)
    return np.ascontiguousarray(pixels[::every, ::every])
