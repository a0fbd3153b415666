"""The same wishes under several priors, side by side."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import traitlets

from ..base.charts import told
from ..base.view import View, script, style
from .pictures import small
from .studio import Studio
from .wall import PRIORS, STEPS
from .wish_bar import TITLES


class PriorWall(View):
    """Classes under priors; below each what the network says once it is resized. A click plays it as a film."""

    shared: Studio
    _esm = script(__file__)
    _css = style(__file__)
    classes: traitlets.List[Any] = traitlets.List(help="names of all classes").tag(sync=True)
    state = traitlets.Dict(help="the classes of the wall, priors, steps, density of real inputs, painting").tag(
        sync=True
    )
    tiles: traitlets.List[Any] = traitlets.List(help="prior, number, says, name, density and problem of each").tag(
        sync=True
    )
    pixels = traitlets.Bytes(help="uint8, RGB of each tile that has a picture").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width of each").tag(sync=True)

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, classes=list(state.subject.classes), **traits)
        self.follow(self._list, "tiles")
        self.follow(self._show, "tiles", "classes", "judged", "painting", "running")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"classes": [0, 3, 6]}``; ``{"paint": false}``; or ``{"wish": 3, "prior": "l2"}``."""
        studio = self.shared
        if "classes" in message:
            studio.ask(classes=tuple(message["classes"]))
        elif "paint" in message:
            studio.paint(on=bool(message["paint"]))
        elif "wish" in message:
            studio.ask(layer=None, number=message["wish"], prior=message["prior"])

    def _list(self) -> None:
        studio = self.shared
        pictures = [small(tile.pixels) for tile in studio.tiles if tile.pixels is not None]
        names = studio.subject
        self.draw(
            tiles=[
                {
                    "prior": tile.prior,
                    "number": tile.number,
                    "says": tile.says,
                    "name": names.class_name(tile.says) if tile.says >= 0 else "",
                    "density": told(tile.log_density) if math.isfinite(tile.log_density) else "",
                    "problem": tile.problem,
                }
                for tile in studio.tiles
            ],
            pixels=b"".join(each.tobytes() for each in pictures),
            size=pictures[0].shape[:2] if pictures else (0, 0),
        )

    def _show(self) -> None:
        studio = self.shared
        real = studio.judged.honesty.log_densities.numpy() if studio.judged is not None else np.zeros(0)
        between = [told(float(each)) for each in (real.min(), real.max())] if len(real) else []
        classes = studio.wall_classes()
        self.draw(
            state={
                "chosen": list(classes),
                "names": [studio.subject.class_name(each) for each in classes],
                "priors": [[name, TITLES[name], _mean(studio.tiles, name)] for name in PRIORS],
                "steps": STEPS,
                "real": between,
                "total": len(PRIORS) * len(classes),
                "painting": studio.painting,
                "waits": studio.running,
            }
        )


def _mean(tiles: tuple[Any, ...], prior: str) -> str:
    found = [tile.log_density for tile in tiles if tile.prior == prior and math.isfinite(tile.log_density)]
    return told(sum(found) / len(found)) if found else ""
