"""How small can it be? Accuracy as channels go, by several criteria; a curve to drag, and what is left of a heatmap."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ...improve import Pruned
from ..base.view import View, script, style
from .forget_view import limit, shrunk, small
from .packed import packed
from .pruner import CRITERIA, mended
from .workshop import Workshop

SIDE = 128
"""Most pixels along a side of a map."""


class PruneView(View):
    """A curve for each criterion that was asked for; the step that is looked at has figures, a heatmap and a file."""

    shared: Workshop
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="criteria, the one that is looked at, its step, and which curve is made").tag(sync=True)
    curves = traitlets.Dict(help="[fraction, accuracy, low, high] of each step, by criterion").tag(sync=True)
    figures = traitlets.Dict(help="parameters, multiply-adds, seconds, accuracy of the step, and of the whole").tag(
        sync=True
    )
    size = traitlets.Tuple((0, 0), help="height and width of the picture").tag(sync=True)
    picture = traitlets.Bytes(help="uint8 RGB, the input that is explained").tag(sync=True)
    map_size = traitlets.Tuple((0, 0), help="height and width of both maps").tag(sync=True)
    maps = traitlets.Bytes(help="float16, a share of one scale: of the whole model, and of the step").tag(sync=True)

    def __init__(self, workshop: Workshop, **traits: Any) -> None:
        super().__init__(workshop, **traits)
        self.follow(self._show, "curves", "criterion", "at", "pruning")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"by": criterion}`` looks at its curve, ``{"at": 4}`` at a step, and ``{"save": true}`` hands that over."""
        workshop = self.shared
        if "by" in message:
            workshop.prune(str(message["by"]))
        elif "at" in message:
            workshop.at = max(0, int(message["at"]))
        elif "save" in message and workshop.step is not None:
            subject = mended(workshop.step)
            percent = round(100 * workshop.step.pruned.fraction)
            name = f"{subject.name}-pruned-{workshop.criterion}-{percent}.safetensors"
            self.send({"as": "model", "name": name}, buffers=[packed(subject)])

    def _show(self) -> None:
        workshop = self.shared
        steps = workshop.curves.get(workshop.criterion, ())
        self.draw(
            state={
                "criteria": list(CRITERIA),
                "by": workshop.criterion,
                "at": min(workshop.at, max(0, len(steps) - 1)),
                "steps": len(steps),
                "making": workshop.pruning,
            },
            curves={by: [_point(each.pruned) for each in curve] for by, curve in workshop.curves.items()},
            **self._of_step(),
        )

    def _of_step(self) -> dict[str, Any]:
        workshop, step = self.shared, self.shared.step
        if step is None:
            return {"figures": {}, "maps": b"", "picture": b""}
        whole = workshop.curves[workshop.criterion][0]
        figures = {"step": _told(step.pruned), "whole": _told(whole.pruned)}
        if step.relevance.ndim != 2:
            return {"figures": figures, "maps": b"", "picture": b""}
        maps = shrunk(np.stack([whole.relevance, step.relevance]), SIDE)
        image = small(workshop.subject, workshop.pruner.input(), SIDE)
        return {
            "figures": figures,
            "size": image.shape[:2],
            "picture": image.tobytes(),
            "map_size": maps.shape[1:],
            "maps": (maps / limit(maps)).astype(np.float16).tobytes(),
        }


def _point(pruned: Pruned) -> list[float]:
    accuracy = pruned.accuracy
    return [pruned.fraction, accuracy.value, accuracy.low, accuracy.high]


def _told(pruned: Pruned) -> dict[str, Any]:
    said = pruned.subject.repair.said if hasattr(pruned.subject, "repair") else ()
    return {
        "fraction": pruned.fraction,
        "parameters": pruned.parameters,
        "multiply_adds": pruned.multiply_adds,
        "milliseconds": 1000 * pruned.seconds,
        "accuracy": pruned.accuracy.value,
        "said": list(said),
    }
