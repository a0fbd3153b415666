"""What happens inside a layer, in numbers: relevance and activation of its channels, as maps that fit a screen.

An :class:`Inside` arranges a layer's output as channels × positions, whatever the order of its axes: feature maps,
heads of attention over pairs of tokens, or features over tokens. All of it is computed where the explanation lies;
only the few maps that are shown leave the device.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from weakref import WeakKeyDictionary

import torch
from torch import Tensor
from torch.nn import functional as F

from ...lrp import Explanation
from ...lrp.explanation import Layer
from ...readable import Readable

KINDS = ("conv", "linear", "sum", "pool", "maxpool", "norm", "matmul", "activation", "embedding")
"""Families of layers that are worth a look; of those that only move values, joints are."""

MOST = 20
"""Channels that are shown: with 56 × 56 positions each, relevance and activation take 200 kB."""

SIDE = 56
"""Most positions along each side of a map; larger ones are pooled."""

_KEPT: WeakKeyDictionary[Explanation, Inside] = WeakKeyDictionary()


@dataclass(frozen=True, eq=False, repr=False)
class Inside(Readable):
    """The output of one layer for one input, as channels × positions."""

    name: str
    kind: str
    relevance: Tensor
    """(C, *positions), in units of the score."""
    activation: Tensor
    """(C, *positions)."""
    tokens: bool
    """Whether the channels come last, as where positions are tokens."""

    @property
    def count(self) -> int:
        """The number of channels."""
        return len(self.relevance)

    @property
    def positions(self) -> tuple[int, ...]:
        """How many positions there are along each axis; none in a vector."""
        return tuple(self.relevance.shape[1:])

    @property
    def class_token(self) -> bool:
        """Whether the first token stands apart from a square of others."""
        tokens = self.positions[0] if self.tokens and self.positions else 0
        return not _side(tokens) and _side(tokens - 1) > 0

    @property
    def only_class_token(self) -> bool:
        """Whether the class token has all the relevance, as above the last attention."""
        return self.class_token and not bool(self.relevance[:, 1:].any())

    @cached_property
    def sums(self) -> Tensor:
        """Σ R of each channel, (C,); what is not finite counts as nothing."""
        return _summed(self.relevance)

    @cached_property
    def sizes(self) -> Tensor:
        """Σ |R| of each channel, (C,)."""
        return _summed(self.relevance.abs())

    @cached_property
    def means(self) -> Tensor:
        """The mean activation of each channel, (C,)."""
        return _summed(self.activation) / max(1, math.prod(self.positions))

    @cached_property
    def finite(self) -> bool:
        """Whether all relevance is."""
        return bool(self.relevance.sum(dtype=torch.float32).isfinite())

    @cached_property
    def total(self) -> float:
        """Σ R of the layer."""
        return float(self.sums.sum())

    def ranked(self, by: str = "sum", also: Sequence[int] = ()) -> list[int]:
        """The first channels by ``"sum"`` of relevance, its ``"size"``, or ``"activation"``; `also` are among them."""
        order = {"sum": self.sums, "size": self.sizes, "activation": self.means}[by]
        best: list[int] = order.topk(min(MOST, self.count)).indices.tolist()
        missing = [each for each in also if each not in best][:MOST]
        return [*best[: len(best) - len(missing)], *missing]

    def maps(self, channels: Sequence[int]) -> tuple[Tensor, Tensor, int]:
        """Relevance and activation as maps (1 + channels, H, W) on the CPU, first of the whole layer, and the pooling.

        Relevance is summed where positions are pooled and over channels, activation is averaged.
        """
        if not self.positions:
            nothing = torch.zeros(0, 1, 1)
            return nothing, nothing, 1
        index = torch.tensor(channels, device=self.relevance.device)
        relevance = self._flat(torch.cat([self.relevance.sum(0, keepdim=True), self.relevance[index]]))
        activation = self._flat(torch.cat([self.activation.mean(0, keepdim=True), self.activation[index]]))
        factor = math.ceil(max(relevance.shape[1:]) / SIDE)
        return _pooled(relevance, factor, sums=True), _pooled(activation, factor, sums=False), factor

    def class_tokens(self, channels: Sequence[int]) -> list[float]:
        """The relevance of the class token, of the whole layer and of each of `channels`."""
        first = self.relevance[:, 0]
        return [float(first.sum()), *first[torch.tensor(channels, device=first.device)].tolist()]

    def _flat(self, maps: Tensor) -> Tensor:
        """Positions along two axes: tokens in a square where they form one; more axes are summed over the first."""
        maps = maps.float().nan_to_num(0.0, 0.0, 0.0)
        while maps.dim() > 3:
            maps = maps.sum(1)
        if maps.dim() == 3:
            return maps
        if self.class_token:
            maps = maps[:, 1:]
        side = _side(maps.shape[1]) if self.tokens else 0
        return maps.reshape(len(maps), side or 1, -1)


def _summed(values: Tensor) -> Tensor:
    """Sums over all axes but the first, in float32."""
    sums = values.reshape(len(values), -1).sum(1, dtype=torch.float32)
    return sums.nan_to_num(0.0, 0.0, 0.0)


def _pooled(maps: Tensor, factor: int, *, sums: bool) -> Tensor:
    window = [min(factor, side) for side in maps.shape[1:]]
    if factor == 1:
        return maps.cpu()
    return F.avg_pool2d(maps[:, None], window, ceil_mode=True, divisor_override=1 if sums else None)[:, 0].cpu()


def _side(tokens: int) -> int:
    """The side of the square that so many tokens form; 0 if they form none."""
    side = math.isqrt(max(0, tokens))
    return side if side > 1 and side * side == tokens else 0


# -- which layer -----------------------------------------------------------------------------------------------------


def worth_a_look(explanation: Explanation) -> list[Layer]:
    """The layers that can be opened, from the output down."""
    return [layer for layer in reversed(explanation.layers) if layer.kind in KINDS or _joins(layer)]


def _joins(layer: Layer) -> bool:
    function = layer.name.rpartition(".")[2].partition("#")[0]
    return layer.kind == "routing" and function in ("cat", "concat", "concatenate")


def arrangement(explanation: Explanation, layer: Layer) -> tuple[int, ...]:
    """How many channels a layer has, and how many positions along each axis, for one input."""
    axis = explanation.channel_axis(layer.name)
    return layer.shape[axis], *(n for each, n in enumerate(layer.shape) if each != axis and n > 1)


def default(explanation: Explanation) -> str:
    """The last layer whose channels have maps and are not the classes yet, else the last one before the output."""
    layers, classes = worth_a_look(explanation), explanation.scores.shape[1]
    for layer in layers:
        if layer.kind in ("conv", "sum", "routing"):
            channels, *positions = arrangement(explanation, layer)
            if positions and channels != classes and not look(explanation, layer.name).only_class_token:
                return layer.name
    return layers[min(1, len(layers) - 1)].name


def look(explanation: Explanation, name: str) -> Inside:
    """The inside of a layer; that of an explanation's last one is kept, since several views ask for it."""
    kept = _KEPT.get(explanation)
    if kept is None or kept.name != name:
        layer, axis = explanation[name], explanation.channel_axis(name)
        relevance, activation = (_arranged(tensor, axis) for tensor in (layer.relevance, layer.activation))
        tokens = len(layer.shape) == 3 and axis == 2
        kept = _KEPT[explanation] = Inside(name, layer.kind, relevance, activation, tokens)
    return kept


def _arranged(tensor: Tensor, axis: int) -> Tensor:
    """(C, *positions) of a layer's output: axes of length one, the batch among them, are left out."""
    channels = tensor.detach().movedim(axis, 0)
    return channels.reshape(len(channels), *(n for n in channels.shape[1:] if n > 1))
