"""The ways in which a class is recognized, each by its prototypes, and whether the present input goes one of them."""

from __future__ import annotations

import math
from typing import Any

import traitlets

from ..base.view import View, script, style
from .pictures import packed
from .studio import Studio


class StrategyView(View):
    """Strategies of a class, the most frequent first: prototypes, channels, the present input (Dreyer et al. 2024).

    A click on a prototype looks into it, one on a channel wishes for it.
    """

    shared: Studio
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="class, layer, inputs, the present input's strategy, problem").tag(sync=True)
    strategies: traitlets.List[Any] = traitlets.List(help="share, channels, prototypes of each").tag(sync=True)
    pixels = traitlets.Bytes(help="uint8, RGB of each prototype").tag(sync=True)
    sizes: traitlets.List[Any] = traitlets.List(help="height and width of each").tag(sync=True)

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, **traits)
        self.follow(self._show, "recognized", "number", "layer")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"item": 12}``: look into that input; ``{"channel": 5}``: wish for that channel of the layer."""
        studio, found = self.shared, self.shared.recognized
        if "item" in message:
            studio.ask(item=message["item"])
        elif "channel" in message and found is not None:
            studio.ask(layer=found.layer, number=message["channel"])

    def _show(self) -> None:
        studio, found = self.shared, self.shared.recognized
        if found is None:
            return
        pictures, sizes = packed(each.pixels for one in found.strategies for each in one.prototypes)
        self.draw(
            state={
                "name": studio.subject.class_name(found.label),
                "layer": found.layer,
                "wished": studio.number if studio.layer == found.layer else None,
                "inputs": found.inputs,
                "item": found.item,
                "nearest": found.nearest,
                "unusual": None if math.isnan(found.unusual) else found.unusual,
                "problem": found.problem,
            },
            strategies=[
                [one.share, one.channels, [[each.item, each.name] for each in one.prototypes]]
                for one in found.strategies
            ],
            pixels=pictures,
            sizes=sizes,
        )
