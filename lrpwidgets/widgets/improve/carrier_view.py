"""Where the model carries it: layer by layer, what projecting undoes and how well inputs are told apart."""

from __future__ import annotations

from typing import Any, get_args

import numpy as np
import traitlets

from ...improve.directions import Method
from ..base.view import View, script, style
from .forget_view import SIDE, limit, shrunk, small
from .workshop import Workshop

_BINS = 28


class CarrierView(View):
    """A row for each layer; of the one that is chosen, where inputs with and without lie along the direction."""

    shared: Workshop
    _esm = script(__file__)
    _css = style(__file__)
    rows: traitlets.List[Any] = traitlets.List(help="layer, what projecting undoes, gains and costs, and area").tag(
        sync=True
    )
    chosen = traitlets.Dict(help="the layer, its units, histograms of both sides, method, over").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width of each picture").tag(sync=True)
    pictures = traitlets.Bytes(help="uint8 RGB of inputs at both ends").tag(sync=True)
    map_size = traitlets.Tuple((0, 0), help="height and width of each map").tag(sync=True)
    maps = traitlets.Bytes(help="float16, each a share of its scale: which pixels show the direction").tag(sync=True)
    methods: traitlets.List[Any] = traitlets.List(list(get_args(Method)), help="how directions are found").tag(
        sync=True
    )

    def __init__(self, workshop: Workshop, **traits: Any) -> None:
        super().__init__(workshop, methods=list(get_args(Method)), **traits)
        self.follow(self._show, "found", "outcomes", "layer", "method", "over", "answer")
        self.follow(self._draw_ends, "ends")

    def _draw_ends(self) -> None:
        made, subject = self.shared.ends, self.shared.subject
        if made is None or made.inputs.dim() != 4:
            self.draw(pictures=b"", maps=b"", size=(0, 0), map_size=(0, 0))
            return
        images = [small(subject, x, SIDE) for x in made.inputs]
        maps = shrunk(made.maps, SIDE)
        self.draw(
            size=images[0].shape[:2],
            pictures=b"".join(each.tobytes() for each in images),
            map_size=maps.shape[1:],
            maps=b"".join((each / limit(each)).astype(np.float16).tobytes() for each in maps),
        )

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"layer": name}`` repairs there; ``{"method": "svm"}``, ``{"over": "units"}`` finds other directions."""
        self.shared.ask(**{name: str(message[name]) for name in ("layer", "method", "over") if name in message})

    def _show(self) -> None:
        workshop = self.shared
        rows = [
            {
                "layer": each.layer,
                "undone": each.undone,
                "gain": each.gain,
                "cost": each.cost,
                "area": each.direction.auroc.value,
                "caveat": each.direction.caveat,
            }
            for each in workshop.found
        ]
        self.draw(rows=rows, chosen=self._chosen())

    def _chosen(self) -> dict[str, Any]:
        workshop, carrier = self.shared, self.shared.carrier
        asked = {"method": workshop.method, "over": workshop.over, "looking": workshop.bench is None}
        if carrier is None:
            return asked
        found = carrier.direction
        heights = [each.numpy() for each in found.heights]
        both = np.concatenate(heights)
        edges = np.linspace(both.min(), both.max(), _BINS + 1)
        counts = [np.histogram(each, edges)[0] / max(1, len(each)) for each in heights]
        return {
            **asked,
            "layer": carrier.layer,
            "units": len(found.vector),
            "goes": found.over,
            "with": counts[0].tolist(),
            "without": counts[1].tolist(),
            "counts": [len(each) for each in heights],
            "caveat": found.caveat,
        }
