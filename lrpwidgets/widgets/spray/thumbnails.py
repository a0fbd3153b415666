"""Pictures of a store and their relevance at the size of a thumbnail."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ...colours import averaged, picture
from ...spray import Atlas, RelevanceStore
from ...subjects import Subject
from .captions import outcome
from .cards import Card, Pixels
from .tiles import LARGEST, Tiles, relevance_tiles

_LARGE = 128

_MEAN_OF = 60
"""Inputs of which the mean is shown: a data set of large pictures is not read for it."""


@dataclass(frozen=True, eq=False)
class PictureCard(Card):
    """One cluster of pictures."""

    mean: NDArray[np.uint8] = field(repr=False)
    """Mean of its inputs, (s, s, c)."""
    heatmap: NDArray[np.int8] = field(repr=False)
    """Mean of its maps, (s, s), −127 to 127."""
    prototypes: Tiles = field(repr=False)
    """Of the samples nearest to its middle."""
    large: NDArray[np.uint8] = field(repr=False)
    """Mean of its inputs, and what that has beyond the mean of those in other clusters, (2, l, l, c): grey where they
    are alike, full contrast where they differ most. Without other clusters only the mean, (1, l, l, c)."""

    @property
    def said(self) -> dict[str, Any]:
        """How many large pictures there are, their side, and captions of the prototypes."""
        captions = list(self.prototypes.captions) or [""] * len(self.prototypes.inputs)
        return {"large": list(self.large.shape[:2]), "captions": captions}

    @property
    def pixels(self) -> Pixels:
        inputs = b"".join(map(_coloured, (self.mean[None], self.prototypes.inputs)))
        relevance = self.heatmap.tobytes() + self.prototypes.relevance.tobytes()
        return Pixels(len(self.heatmap), inputs, relevance, _coloured(self.large))

    @property
    def still(self) -> Image.Image:
        return picture(self.heatmap)


class Thumbnails:
    """Makes tiles of rows of a store, as large as the inputs are but never larger than 48 pixels."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._size = 0

    def tiles(self, store: RelevanceStore, rows: NDArray[np.int64]) -> Tiles:
        """Tiles of `rows`, each with a caption."""
        inputs = [self._picture(self._subject.item(int(item))[0]) for item in store.index[rows]]
        maps = self._maps(store.relevance(rows).sum(1))
        names = (self._subject.item_name(int(item)) for item in store.index[rows])
        captions = tuple(f"{name}: {outcome(store, row)}" for name, row in zip(names, rows.tolist(), strict=True))
        return Tiles(_stacked(inputs), relevance_tiles(maps), captions)

    def cards(self, atlas: Atlas) -> tuple[PictureCard, ...]:
        """A card for each cluster, the most separable first."""
        made = []
        clusters = {ranked.cluster: atlas.cluster(ranked.cluster) for ranked in atlas.ranking}
        means = {number: self._mean(atlas.store, each.rows[:_MEAN_OF]) for number, each in clusters.items()}
        sizes = {each.cluster: each.size for each in atlas.ranking}
        for ranked in atlas.ranking:
            cluster = clusters[ranked.cluster]
            prototypes = self.tiles(atlas.store, cluster.prototypes)
            made.append(
                PictureCard.of(
                    ranked,
                    atlas,
                    mean=self._picture(means[ranked.cluster]),
                    heatmap=relevance_tiles(self._maps(cluster.heatmap[None]))[0],
                    prototypes=prototypes,
                    large=self._beside_others(ranked.cluster, means, sizes),
                )
            )
        return tuple(made)

    def _beside_others(self, number: int, means: Mapping[int, Tensor], sizes: Mapping[int, int]) -> NDArray[np.uint8]:
        """The mean of a cluster, and its difference to the mean of all others, if there are some; see `PictureCard`."""
        mean = self._large(means[number]).astype(np.float64)
        rest = [other for other in means if other != number]
        if not rest:
            return mean.astype(np.uint8)[None]
        total = sum(sizes[other] for other in rest)
        others = self._large(torch.stack([means[other] * (sizes[other] / total) for other in rest]).sum(0))
        difference = mean - others
        difference *= 127 / max(1.0, float(np.abs(difference).max()))
        return np.stack([mean, 128 + difference]).round().astype(np.uint8)

    def _mean(self, store: RelevanceStore, rows: NDArray[np.int64]) -> Tensor:
        """The mean of the inputs at `rows`, (C, H, W)."""
        inputs = [self._subject.item(int(item))[0] for item in store.index[rows]]
        total = inputs[0].clone()
        for x in inputs[1:]:
            total += x
        return total / len(inputs)

    def _picture(self, x: Tensor) -> NDArray[np.uint8]:
        """An input (C, H, W) as pixels (s, s, c): c is 1 for grey, else 3."""
        image = self._subject.to_image(x)
        self._size = self._size or min(LARGEST, max(image.size))
        return _pixels(image, self._size)

    def _large(self, x: Tensor) -> NDArray[np.uint8]:
        """The same, 128 pixels wide and high at most."""
        image = self._subject.to_image(x)
        return _pixels(image, min(_LARGE, max(image.size)))

    def _maps(self, relevance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Maps (m, H, W) as (m, s, s): what falls into a pixel is averaged, or pixels are repeated."""
        square = self._size, self._size
        if min(relevance.shape[1:]) >= self._size:
            return averaged(relevance, square)
        resized = [Image.fromarray(each).resize(square, Image.Resampling.BOX) for each in relevance]
        return np.stack([np.asarray(each) for each in resized])


def _pixels(image: Image.Image, side: int) -> NDArray[np.uint8]:
    image = image if image.mode == "L" else image.convert("RGB")
    square = image if image.size == (side, side) else image.resize((side, side), Image.Resampling.BOX)
    return np.asarray(square).reshape(side, side, -1)


def _stacked(pictures: list[NDArray[np.uint8]]) -> NDArray[np.uint8]:
    """All in the form of the most colourful one."""
    channels = max(picture.shape[-1] for picture in pictures)
    return np.stack([np.broadcast_to(each, (*each.shape[:2], channels)) for each in pictures])


def _coloured(pictures: NDArray[np.uint8]) -> bytes:
    """Pictures (m, s, s, 1 or 3) as bytes of (m, s, s, 3)."""
    return np.broadcast_to(pictures, (*pictures.shape[:3], 3)).tobytes()
