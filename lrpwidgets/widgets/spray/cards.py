"""What the samples of each cluster have in common, ready to be shown."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

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
    large: NDArray[np.uint8] = field(repr=False)
    """Mean of its inputs, and what that has beyond the mean of those in other clusters, (2, l, l, c): grey where they
    are alike, full contrast where they differ most. Without other clusters only the mean, (1, l, l, c)."""


def cards(atlas: Atlas, thumbnails: Thumbnails) -> tuple[Card, ...]:
    """A card for each cluster, the most separable first."""
    made = []
    clusters = {ranked.cluster: atlas.cluster(ranked.cluster) for ranked in atlas.ranking}
    means = {number: thumbnails.mean(atlas.store, each.rows[:_MEAN_OF]) for number, each in clusters.items()}
    for ranked in atlas.ranking:
        cluster = clusters[ranked.cluster]
        prototypes = thumbnails.tiles(atlas.store, cluster.prototypes)
        kind = atlas.store.class_name(ranked.label) if ranked.label >= 0 else "unknown"
        heatmap = relevance_tiles(thumbnails.maps(cluster.heatmap[None]))[0]
        mean = thumbnails.picture(means[ranked.cluster])
        large = _beside_others(ranked.cluster, means, {each.cluster: each.size for each in atlas.ranking}, thumbnails)
        made.append(
            Card(ranked.cluster, ranked.size, ranked.tau, kind, ranked.purity, mean, heatmap, prototypes, large)
        )
    return tuple(made)


def _beside_others(
    number: int, means: Mapping[int, Tensor], sizes: Mapping[int, int], thumbnails: Thumbnails
) -> NDArray[np.uint8]:
    """The mean of a cluster, and its difference to the mean of all others, if there are some; see `Card.large`."""
    mean = thumbnails.large(means[number]).astype(np.float64)
    rest = [other for other in means if other != number]
    if not rest:
        return mean.astype(np.uint8)[None]
    total = sum(sizes[other] for other in rest)
    others = thumbnails.large(torch.stack([means[other] * (sizes[other] / total) for other in rest]).sum(0))
    difference = mean - others
    difference *= 127 / max(1.0, float(np.abs(difference).max()))
    return np.stack([mean, 128 + difference]).round().astype(np.uint8)
