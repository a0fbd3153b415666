"""How relevance flows between the channels of neighbouring layers in one input, as a graph.

Of the relevance of a channel u, that which arrives at a channel c of a layer below is Σ R of c under the condition u
(Achtibat et al. 2023). Over all u that is the whole relevance of c, unless a shortcut leads around their layer. It
costs a propagation for each channel from which something flows, about thirteen in all.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from ...lrp import Explanation
from ...readable import Readable
from ..base import inside

BEGIN = ("conv", "linear", "matmul", "sum", "embedding", "routing")
"""Families of layers that begin a group; activations, poolings and norms behind them belong to it. Routing: joints."""

ABOVE, BELOW = 5, 6
"""Channels at most of the layer above and of that below."""

NOTHING = 1e-6
"""Of the largest, what counts as no flow: channels that are not mixed get exact zeros, up to rounding."""


@dataclass(frozen=True)
class Node:
    """A channel."""

    layer: str
    channel: int
    relevance: float
    """Σ R at its layer."""


@dataclass(frozen=True)
class Edge:
    """What flows from a channel to one of a layer below."""

    above: Node
    below: Node
    relevance: float
    """In units of the score."""


@dataclass(frozen=True, repr=False)
class Flow(Readable):
    """The flow of relevance through the channels of a layer, from those above to those below."""

    layers: tuple[str | None, str, str | None]
    """The layer above, the one that is looked at, the one below; None where there is none."""
    nodes: tuple[Node, ...]
    """From the output down, in each layer the most relevant first."""
    edges: tuple[Edge, ...]
    scores: tuple[str, ...]
    """Those of the layers whose channels are the classes."""

    def row(self, layer: str | None) -> tuple[Node, ...]:
        """The channels of one of the layers."""
        return tuple(node for node in self.nodes if node.layer == layer)


def flow(explanation: Explanation, layer: str, channels: Sequence[int]) -> Flow:
    """What flows into and out of `channels` of `layer`, the most relevant first, in an explanation of one input.

    The neighbours are the next layers that begin a group and with which its channels are mixed: a sum, a joint, a
    pooling or a depthwise convolution hands each channel on by itself, and is passed over, as are branches beside.

    Raises
    ------
    ValueError
        If there is no such layer, or it has no such channel.
    """
    layer = explanation[layer].name
    own = _nodes(explanation, layer, channels)
    if not own:
        return Flow((None, layer, None), (), (), ())
    above, below = _groups_around(explanation, layer)
    upper, upper_edges = _from_above(explanation, above, own)
    lower, lower_edges = _to_below(explanation, below, own)
    layers = (upper[0].layer if upper else None, layer, lower[0].layer if lower else None)
    scores = tuple(name for name in layers if name is not None and _gives_scores(explanation, name))
    return Flow(layers, (*upper, *own, *lower), (*upper_edges, *lower_edges), scores)


def _groups_around(explanation: Explanation, layer: str) -> tuple[list[str], list[str]]:
    """The layers that begin a group above and below a layer, the nearest first."""
    names = [each.name for each in explanation.layers]
    begin = {each.name for each in inside.worth_a_look(explanation) if each.kind in BEGIN}
    at = names.index(layer)
    above, below = names[at + 1 :], names[:at][::-1]
    return [name for name in above if name in begin], [name for name in below if name in begin]


def _from_above(
    explanation: Explanation, candidates: Iterable[str], own: Sequence[Node]
) -> tuple[list[Node], list[Edge]]:
    """The most relevant channels of the neighbour above, and what flows from them."""
    layer = own[0].layer
    for name in candidates:
        sums = _sums(explanation, name)
        nodes = _nodes(explanation, name, sums.topk(min(ABOVE, len(sums))).indices.tolist())
        if not nodes:
            continue
        first = _sums(_through(explanation, nodes[0]), layer)
        if _is_mixed(first, _sums(explanation, layer)):
            rest = (_sums(_through(explanation, each), layer) for each in nodes[1:])
            return nodes, _edges(nodes, [first, *rest], own)
    return [], []


def _to_below(
    explanation: Explanation, candidates: Iterable[str], own: Sequence[Node]
) -> tuple[list[Node], list[Edge]]:
    """The channels of the neighbour below that get most of the own channels' relevance, and what flows to them."""
    through = _through(explanation, own[0])
    for name in candidates:
        first = _sums(through, name)
        if _is_mixed(first, _sums(explanation, name)):
            arriving = [first, *(_sums(_through(explanation, each), name) for each in own[1:])]
            received = torch.stack(arriving).abs().sum(0)
            best = received.topk(min(BELOW, len(received))).indices.tolist()
            nodes = sorted(_nodes(explanation, name, best), key=lambda node: -node.relevance)
            return nodes, _edges(own, arriving, nodes)
    return [], []


def _nodes(explanation: Explanation, layer: str, channels: Iterable[int]) -> list[Node]:
    """Those of `channels` that have relevance."""
    sums = _sums(explanation, layer)
    return [Node(layer, each, float(sums[each])) for each in channels if sums[each]]


def _edges(above: Iterable[Node], arriving: Iterable[Tensor], below: Sequence[Node]) -> list[Edge]:
    """What flows; `arriving` are, for each channel above, the sums (C,) of all channels below."""
    return [
        Edge(node, each, float(sums[each.channel]))
        for node, sums in zip(above, arriving, strict=True)
        for each in below
        if sums[each.channel]
    ]


def _through(explanation: Explanation, node: Node) -> Explanation:
    return explanation.condition({node.layer: [node.channel]})


def _sums(explanation: Explanation, layer: str) -> Tensor:
    """Σ R of each channel, (C,), as precise as the relevance; what is not finite counts as nothing."""
    relevance = inside.look(explanation, layer).relevance
    return relevance.reshape(len(relevance), -1).sum(1).nan_to_num(0.0, 0.0, 0.0)


def _is_mixed(arriving: Tensor, whole: Tensor) -> bool:
    """Whether what flows from one channel arrives, and in more than one, if more than one of the `whole` are alive."""
    sizes = arriving.abs()
    most = sizes.max()
    wide = min(2, int((whole != 0).sum()))
    return bool(most > 0) and int((sizes > NOTHING * most).sum()) >= wide


def _gives_scores(explanation: Explanation, layer: str) -> bool:
    """Whether the channels of a layer are the classes: nothing above mixes them."""
    above, _ = _groups_around(explanation, layer)
    channels = len(inside.look(explanation, layer).relevance)
    mixes = any(explanation[name].kind != "sum" for name in above)
    return channels == explanation.scores.shape[1] and not mixes
