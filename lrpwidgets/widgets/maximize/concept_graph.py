"""How relevance flows through the channels of an input, as a graph that one clicks through."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ..base.view import View, script, style
from .flow import Flow
from .studio import Studio


class ConceptGraph(View):
    """The channels that matter with those of the layers above and below, and what flows between them.

    A click on a channel wishes for it, and moves the graph to its layer. What flows is worked out once somebody looks.
    """

    shared: Studio
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="layer that is looked at, wished layer and channel, or why there is nothing").tag(
        sync=True
    )
    columns: traitlets.List[Any] = traitlets.List(
        help="above, own and below: None, or [layer, [channel, class or nothing, Σ R] of each]"
    ).tag(sync=True)
    edges: traitlets.List[Any] = traitlets.List(
        help="[0: into the own layer, 1: out of it; places in the columns above and below; relevance] of each"
    ).tag(sync=True)
    heatmaps = traitlets.Bytes(help="int8, relevance through each own channel").tag(sync=True)
    heatmap = traitlets.Tuple((0, 0), help="height and width of each").tag(sync=True)

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, **traits)
        self.follow(self._show, "flow", "concepts", "layer", "number")
        self.follow(self._want, "appeared")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"channel": 5, "layer": "conv2"}``: wish for it."""
        self.shared.ask(layer=message["layer"], number=message["channel"])

    def _want(self) -> None:
        if self.shared.appeared:
            self.shared.follow_flow()

    def _show(self) -> None:
        studio, listed, found = self.shared, self.shared.concepts, self.shared.flow
        if listed is None or found is None or not found.edges:
            self.draw(state={"nothing": _why_nothing(studio)}, columns=[], edges=[], heatmaps=b"", heatmap=(0, 0))
            return
        own = {node.channel for node in found.row(listed.layer)}
        maps = np.stack([each.heatmap for each in listed.concepts if each.channel in own])
        self.draw(
            state={
                "layer": listed.layer,
                "wished": studio.layer,
                "number": studio.number,
                "says": studio.subject.class_name(listed.says),
            },
            columns=[self._column(found, layer) for layer in found.layers],
            edges=_told(found),
            heatmaps=maps.tobytes(),
            heatmap=maps.shape[1:],
        )

    def _column(self, found: Flow, layer: str | None) -> list[Any] | None:
        if layer is None:
            return None
        name = self.shared.subject.class_name if layer in found.scores else lambda _: ""
        return [layer, [[node.channel, name(node.channel), node.relevance] for node in found.row(layer)]]


def _told(found: Flow) -> list[list[float]]:
    """What flows, by places in the columns."""
    place = {node: at for layer in found.layers for at, node in enumerate(found.row(layer))}
    own = found.layers[1]
    return [
        [int(each.above.layer == own), place[each.above], place[each.below], each.relevance] for each in found.edges
    ]


def _why_nothing(studio: Any) -> str:
    if not len(studio.subject.dataset):
        return "There are no inputs in which relevance could be followed."
    if studio.concepts is None or studio.flow is None:
        return "The channels of this input are being followed from layer to layer."
    return f"No relevance flows between the channels of {studio.concepts.layer} and others in this input."
