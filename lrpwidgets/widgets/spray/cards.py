"""What the samples of each cluster have in common, ready to be shown."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from ...spray import Atlas
from .thumbnails import Thumbnails
from .tiles import Tiles, relevance_tiles

_MEAN_OF = 60
"""Inputs of which the mean is shown: a data set of large pictures is not read for it."""


@dataclass(frozen=True, eq=False)
class Card:
    """One cluster."""

    number: int
    size: int
    tau: float
    kind: str
    """Its most common label; where all have one label, prediction."""
    purity: float
    """The share of that."""
    mean: NDArray[np.uint8] = field(repr=False)
    """Mean of its inputs, (s, s, c)."""
    heatmap: NDArray[np.int8] = field(repr=False)
    """Mean of its maps, (s, s), −127 to 127."""
    prototypes: Tiles = field(repr=False)
    """Of the samples nearest to its middle."""


def cards(atlas: Atlas, thumbnails: Thumbnails) -> tuple[Card, ...]:
    """A card for each cluster, the most separable first."""
    made = []
    for ranked in atlas.ranking:
        cluster = atlas.cluster(ranked.cluster)
        prototypes = thumbnails.tiles(atlas.store, cluster.prototypes)
        kind = atlas.store.class_name(ranked.label) if ranked.label >= 0 else "unknown"
        heatmap = relevance_tiles(thumbnails.maps(cluster.heatmap[None]))[0]
        mean = thumbnails.mean(atlas.store, cluster.rows[:_MEAN_OF])
        made.append(Card(ranked.cluster, ranked.size, ranked.tau, kind, ranked.purity, mean, heatmap, prototypes))
    return tuple(made)
