"""Which channels matter in an input, and where in the picture each of them is: what could be wished for instead."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ..base.inputs import Arrivals
from ..base.view import View, script, style
from .concepts import Where
from .film_view import shrunk
from .pictures import packed
from .studio import Studio
from .wish_bar import described

SIDE = 112
"""Pixels of the input's side, about."""


class ChannelList(View):
    """The layers from the output down, an input, and its most relevant channels; a click wishes for one."""

    shared: Studio
    _esm = script(__file__)
    _css = style(__file__)
    takes_pictures = traitlets.Bool(help="whether pictures from outside can be looked into").tag(sync=True)
    refused: traitlets.List[Any] = traitlets.List(help="why files of the newest bunch are not here").tag(sync=True)
    layers: traitlets.List[Any] = traitlets.List(help="[name, kind and sizes] of each").tag(sync=True)
    state = traitlets.Dict(help="layer, wished layer and channel, item, count, name, what the network says").tag(
        sync=True
    )
    rows: traitlets.List[Any] = traitlets.List(help="[channel, Σ R] of each").tag(sync=True)
    picture = traitlets.Bytes(help="uint8, RGB of the input").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="its height and width").tag(sync=True)
    heatmaps = traitlets.Bytes(help="int8, relevance through each channel").tag(sync=True)
    heatmap = traitlets.Tuple((0, 0), help="height and width of each").tag(sync=True)
    where = traitlets.Bytes(help="int8, relevance of the input through what is wished for").tag(sync=True)
    faces = traitlets.Bytes(help="uint8, RGB of what channels saw where they mattered most").tag(sync=True)
    face_sizes: traitlets.List[Any] = traitlets.List(help="height and width of each; 0 where unknown").tag(sync=True)

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, takes_pictures=state.subject.from_image is not None, **traits)
        self._arrivals = Arrivals(state)
        self.follow(self._show, "uploads", "concepts", "layers", "layer", "number")
        self.follow(self._face, "concepts", "faces")
        self.follow(self._refuse, "refused")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"channel": 5}`` of the layer that is listed; ``{"layer": name}``; ``{"item": 3}``; or of pictures."""
        studio, listed = self.shared, self.shared.concepts
        if "channel" in message:
            if listed is None:
                raise ValueError("There are no channels yet.")
            studio.ask(layer=listed.layer, number=message["channel"])
        elif "layer" in message:
            studio.ask(layer=message["layer"], number=0)
        elif "item" in message:
            studio.ask(item=self._near(message["item"]))
        else:
            self._arrivals.hear(message, buffers)

    def _refuse(self) -> None:
        self.draw(refused=list(self.shared.refused))

    def _near(self, item: int) -> int | None:
        """The input number `item`, round at the ends, or one that is here further on the way there."""
        studio = self.shared
        step = -1 if item < (studio.item or 0) else 1
        around = (number % studio.count for number in range(item, item + step * studio.count, step))
        return next(filter(studio.has, around), None)

    def _show(self) -> None:
        studio, listed = self.shared, self.shared.concepts
        layers = [[each.name, described(each)] for each in studio.layers]
        wished = {"wished": studio.layer, "number": studio.number, "count": studio.count}
        if listed is None:
            self.draw(layers=layers, state=wished)
            return
        small = shrunk(listed.picture, SIDE)
        maps = np.stack([each.heatmap for each in listed.concepts])
        self.draw(
            layers=layers,
            state={
                **wished,
                "layer": listed.layer,
                "item": listed.item,
                "name": listed.name,
                "says": studio.subject.class_name(listed.says),
                **_told(listed.wished, studio),
            },
            rows=[[each.channel, each.relevance] for each in listed.concepts],
            picture=small.tobytes(),
            size=small.shape[:2],
            heatmaps=maps.tobytes(),
            heatmap=maps.shape[1:],
            where=b"" if listed.wished is None else listed.wished.heatmap.tobytes(),
        )

    def _face(self) -> None:
        studio, listed = self.shared, self.shared.concepts
        if listed is not None:
            known = studio.faces.get(listed.layer, {})
            none = np.zeros((0, 0, 3), np.uint8)
            faces, sizes = packed(known.get(each.channel, none) for each in listed.concepts)
            self.draw(faces=faces, face_sizes=sizes)


def _told(wished: Where | None, studio: Any) -> dict[str, Any]:
    """What is said below the map of what is wished for."""
    if wished is None:
        return {"where": None}
    if wished.layer is None:
        return {"where": studio.subject.class_name(wished.number), "sum": wished.relevance, "share": None}
    share = wished.relevance / wished.score if wished.score else None
    return {"where": f"#{wished.number} of {wished.layer}", "sum": wished.relevance, "share": share}
