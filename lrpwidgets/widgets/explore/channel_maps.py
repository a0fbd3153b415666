"""Maps of the channels inside a layer: where in the picture each of them got its relevance, or was active."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import torch
import traitlets
from torch import Tensor

from ...lrp import Explanation
from ...lrp.explanation import Layer
from ..base import inside
from ..base.inside import Inside
from ..base.view import View, script, style
from .choice import choose, opened, toggled
from .exploration import Exploration

RANKS = ("sum", "size", "activation")
_KINDS = {"routing": "joined"}


class ChannelMaps(View):
    """The most relevant channels of a layer as small maps on one scale, and the whole layer as a larger one.

    A click chooses a channel; "only" shows, in the heatmap, the relevance through the chosen ones alone.
    Relevance travels as float16 in shares of its scale, activation as bytes; which of them are drawn is the
    browser's own choice.
    """

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    layers: traitlets.List[Any] = traitlets.List(help="[name, what to show] of each, output first").tag(sync=True)
    head = traitlets.Dict(help="layer, rank, number of channels, Σ R, sentence").tag(sync=True)
    tiles: traitlets.List[Any] = traitlets.List(help="a dict for each channel that is shown").tag(sync=True)
    wants = traitlets.Bool(help="whether there is a room that tells what a channel would like to see").tag(sync=True)
    chosen = traitlets.Dict(help="channels, whether only they count, their share of Σ R").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width of each map").tag(sync=True)
    scale = traitlets.Dict(help="what full colour stands for, and the pooling").tag(sync=True)
    relevance = traitlets.Bytes(help="float16, map by map, the whole layer first").tag(sync=True)
    activation = traitlets.Bytes(help="a byte each, in the same order").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, **traits)
        self._rank = RANKS[0]
        self._listed: tuple[tuple[str, tuple[int, ...]], ...] = ()
        self.follow(self._show, "answer", "layer", "channels", "only")
        self.follow(self._look_round, "rooms")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"layer": name}``, ``{"rank": "size"}``, ``{"channel": 3, "add": false}`` or ``{"only": true}``.

        ``{"wants": 3}`` asks another room what the channel would like to see.
        """
        exploration, layer = self.shared, self.head.get("layer")
        if layer is None:
            raise ValueError("Nothing is explained yet; look at an input first.")
        if "layer" in message:
            choose(exploration, message["layer"], ())
        elif "rank" in message and message["rank"] in RANKS:
            self._rank = message["rank"]
            self._show()
        elif "channel" in message:
            channels = toggled(self.chosen["channels"], message["channel"], add=message["add"])
            choose(exploration, str(layer), channels)
        elif "wants" in message:
            exploration.enter("maximize", replace(exploration.place(), layer=layer, channel=message["wants"]))
        elif "only" in message and self.chosen["channels"]:
            exploration.ask(layer=layer, channels=tuple(self.chosen["channels"]), only=message["only"])

    def _look_round(self) -> None:
        self.draw(wants=any(name == "maximize" for name, *_ in self.shared.rooms))

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None:
            return
        name, sentence = opened(self.shared)
        layer = inside.look(answer.whole, name)
        chosen, strays = _chosen(self.shared, layer)
        shown = layer.ranked(self._rank, chosen)
        relevance, activation, factor = layer.maps(shown)
        self.draw(
            layers=self._list(answer.whole),
            head={
                "layer": name,
                "rank": self._rank,
                "count": layer.count,
                "total": layer.total,
                "heads": layer.kind == "matmul" and len(layer.positions) == 2,
                "sentence": sentence or strays or _trouble(layer),
            },
            tiles=self._tiles(layer, shown),
            chosen={
                "channels": list(chosen),
                "only": self.shared.only,
                "share": float(layer.sums[list(chosen)].sum()) / layer.total if layer.total else None,
            },
            **_packed(relevance, activation, factor),
        )

    def _list(self, whole: Explanation) -> list[list[str]]:
        """Names and descriptions of the layers; the walk through the network is made once."""
        listed = tuple((layer.name, layer.shape) for layer in whole.layers)
        if listed == self._listed:
            return list(self.layers)
        self._listed = listed
        return [
            [layer.name, _described(layer, inside.arrangement(whole, layer))] for layer in inside.worth_a_look(whole)
        ]

    def _tiles(self, layer: Inside, shown: list[int]) -> list[dict[str, Any]]:
        apart = layer.class_tokens(shown) if layer.class_token else []
        sums, means = layer.sums[shown].tolist(), layer.means[shown].tolist()
        whole = {"channel": None, "sum": layer.total, "mean": float(layer.means.mean())}
        tiles = [whole, *({"channel": c, "sum": r, "mean": a} for c, r, a in zip(shown, sums, means, strict=True))]
        return [{**tile, "apart": amount} for tile, amount in zip(tiles, apart, strict=True)] if apart else tiles


def _chosen(exploration: Exploration, layer: Inside) -> tuple[tuple[int, ...], str]:
    """The chosen channels that the layer has, and a sentence about the others."""
    if exploration.layer is None and exploration.channels == ():
        return (), ""
    there = tuple(channel for channel in exploration.channels if channel < layer.count)
    stray = [channel for channel in exploration.channels if channel >= layer.count]
    sentence = f"{layer.name} has channels 0 to {layer.count - 1}; there is no {stray[0]}." if stray else ""
    return there, sentence


def _trouble(layer: Inside) -> str:
    if not layer.finite:
        return "Relevance is not finite here: try a larger ε, or another rule above this layer."
    if layer.only_class_token and layer.total:
        return "All relevance is at the class token here, which is not on the maps: see the layers below."
    return "" if bool(layer.relevance.any()) else "No relevance arrives here."


def _packed(relevance: Tensor, activation: Tensor, factor: int) -> dict[str, Any]:
    """Maps as the browser gets them, with their scales."""
    whole, channels = (float(each.abs().max()) if each.numel() else 0.0 for each in (relevance[:1], relevance[1:]))
    scales = np.full((len(relevance), 1, 1), channels or 1.0, np.float32)
    scales[:1] = whole or 1.0
    _, shares = _stretched(activation[:1])
    (low, high), steps = _stretched(activation[1:])
    return {
        "size": tuple(relevance.shape[1:]) if len(relevance) else (0, 0),
        "scale": {"whole": whole, "channels": channels, "low": low, "high": high, "pooled": factor},
        "relevance": (relevance.numpy() / scales).astype(np.float16).tobytes(),
        "activation": torch.cat([shares, steps]).round().byte().numpy().tobytes(),
    }


def _stretched(activation: Tensor) -> tuple[tuple[float, float], Tensor]:
    """The range of `activation`, zero included, and its place in it from 0 to 255."""
    low, high = (float(each) for each in activation.aminmax()) if activation.numel() else (0.0, 0.0)
    low, high = min(low, 0.0), max(high, 0.0)
    return (low, high), (activation - low) * (255 / (high - low or 1.0))


def _described(layer: Layer, sizes: tuple[int, ...]) -> str:
    """Name, kind and sizes, as in ``features.12.expand3x3 · conv · 256×13²``."""
    channels, *positions = sizes
    square = len(positions) == 2 and positions[0] == positions[1]
    dimensions = "×".join([str(channels), *([f"{positions[0]}²"] if square else map(str, positions))])
    return f"{layer.name} · {_KINDS.get(layer.kind, layer.kind)} · {dimensions}"
