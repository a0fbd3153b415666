"""The concepts that matter in one input: its most relevant channels, and where in the picture each of them is."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...lrp import Explanation
from ...readable import Readable
from ..base import inside
from .pictures import plane, pooled, signed_bytes

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
    name: str = ""
    """What the input is called."""
    wished: Where | None = None
    """Where in the input that is which is wished for; None if it has no such place."""
    sums: NDArray[np.float32] = field(default_factory=lambda: np.zeros(0, np.float32), repr=False)
    """Σ R of every channel of the layer, (C,)."""

    @property
    def channels(self) -> tuple[int, ...]:
        """Their numbers."""
        return tuple(each.channel for each in self.concepts)

    def same_channels(self, other: Concepts | None) -> bool:
        """Whether `other` lists the same channels, in the same input."""
        return other is not None and _key(self) == _key(other)


@dataclass(frozen=True, eq=False, repr=False)
class Where(Readable):
    """Where in an input a channel, or a class, finds its relevance."""

    layer: str | None
    """None: a class."""
    number: int
    relevance: float
    """Σ R of the channel, or the score of the class."""
    score: float
    """Of the class whose relevance is shown."""
    heatmap: NDArray[np.int8] = field(repr=False)
    """(h, w); −127 to 127 for −max |R| to max |R|."""


@dataclass(frozen=True)
class Opened:
    """A layer that can be asked for."""

    name: str
    kind: str
    channels: int
    positions: tuple[int, ...]


def _key(listed: Concepts) -> tuple[int, str, tuple[int, ...]]:
    return listed.item, listed.layer, listed.channels


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
    return [Concept(each, float(sums[each]), heatmap(_through(explanation, layer, each))) for each in best]


def where(explanation: Explanation, layer: str | None, number: int, listed: Sequence[Concept]) -> Where | None:
    """Where in the input a class finds its relevance, or a channel of the layer whose concepts are `listed`."""
    if layer is None:
        if number >= explanation.scores.shape[1]:
            return None
        of = explanation if explanation.top_class == number else explanation.retarget(number)
        score = float(of.scores[0, number])
        return Where(None, number, score, score, heatmap(of))
    found = next((each for each in listed if each.channel == number), None)
    if found is None:  # the layer has no such channel
        return None
    score = float(explanation.scores[0, explanation.top_class])
    return Where(layer, number, found.relevance, score, found.heatmap)


def heatmap(explanation: Explanation) -> NDArray[np.int8]:
    """The relevance of an input, small: (h, w); −127 to 127 for −max |R| to max |R|."""
    relevance = explanation.relevance
    assert isinstance(relevance, Tensor)
    found = pooled(plane(relevance[0]), SIDE)
    return signed_bytes(found, float(np.abs(found).max()))


def _through(explanation: Explanation, layer: str, channel: int) -> Explanation:
    """The part of an explanation that flows through a channel (Achtibat et al. 2023)."""
    return explanation.condition({layer: [channel]})
