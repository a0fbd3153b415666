"""The concepts that matter in one input: its most relevant channels, and where in the picture each of them is."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor

from ...lrp import Explanation
from ...readable import Readable
from .. import inside

MOST = 8
"""Channels in the list."""

SIDE = 56
"""Pixels of a heatmap's side, at most."""


@dataclass(frozen=True, eq=False, repr=False)
class Concept(Readable):
    """A channel, and where in the picture relevance flows through it."""

    channel: int
    relevance: float
    """Σ R at its layer."""
    heatmap: NDArray[np.int8] = field(repr=False)
    """(h, w): relevance of the input through this channel only; −127 to 127 for −max |R| to max |R|."""


@dataclass(frozen=True, eq=False, repr=False)
class Concepts(Readable):
    """The channels of a layer that matter most in an input."""

    layer: str
    says: int
    """The class that the network says."""
    concepts: tuple[Concept, ...]
    """The most relevant first; the one that was asked for is among them."""
    item: int
    picture: NDArray[np.uint8] = field(repr=False)
    """(H, W, 3)."""


@dataclass(frozen=True)
class Opened:
    """A layer that can be asked for."""

    name: str
    kind: str
    channels: int
    positions: tuple[int, ...]


def layers(explanation: Explanation) -> tuple[Opened, ...]:
    """The layers that are worth a look, from the output down."""
    found = []
    for layer in inside.worth_a_look(explanation):
        channels, *positions = inside.arrangement(explanation, layer)
        found.append(Opened(layer.name, layer.kind, channels, tuple(positions)))
    return tuple(found)


def concepts(explanation: Explanation, layer: str, also: int | None) -> list[Concept]:
    """The channels of `layer` with the most relevance; a channel that is asked for takes the place of the last."""
    sums = inside.look(explanation, layer).sums
    best = sums.topk(min(MOST, len(sums))).indices.tolist()
    if also is not None and also < len(sums) and also not in best:
        best[-1] = also
    return [Concept(each, float(sums[each]), heatmap(explanation, layer, each)) for each in best]


def heatmap(explanation: Explanation, layer: str, channel: int) -> NDArray[np.int8]:
    """Where in the input a channel finds its relevance (Achtibat et al. 2023), (h, w)."""
    relevance = explanation.condition({layer: [channel]}).relevance
    assert isinstance(relevance, Tensor)
    whole = relevance[0].sum(0).float().cpu().nan_to_num(0.0, 0.0, 0.0)
    height, width = (min(side, SIDE) for side in whole.shape)
    small = F.adaptive_avg_pool2d(whole[None, None], (height, width))[0, 0].numpy()
    most = float(np.abs(small).max()) or 1.0
    return np.rint(127 * small / most).astype(np.int8)
