"""Inputs and their relevance at the size of a thumbnail."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ...colours import averaged
from ...spray import RelevanceStore
from ...subjects import Subject
from .tiles import LARGEST, Tiles, relevance_tiles

_LARGE = 128


class Thumbnails:
    """Makes tiles of rows of a store, as large as the inputs are but never larger than 48 pixels."""

    def __init__(self, subject: Subject) -> None:
        self._subject = subject
        self._size = 0

    def tiles(self, store: RelevanceStore, rows: NDArray[np.int64]) -> Tiles:
        """Tiles of `rows`, each with a caption."""
        inputs = [self.picture(self._subject.item(int(item))[0]) for item in store.index[rows]]
        maps = self.maps(store.relevance(rows).sum(1))
        return Tiles(
            _stacked(inputs), relevance_tiles(maps), tuple(_caption(store, int(row), self._subject) for row in rows)
        )

    def mean(self, store: RelevanceStore, rows: NDArray[np.int64]) -> Tensor:
        """The mean of the inputs at `rows`, (C, H, W)."""
        inputs = [self._subject.item(int(item))[0] for item in store.index[rows]]
        total = inputs[0].clone()
        for x in inputs[1:]:
            total += x
        return total / len(inputs)

    def picture(self, x: Tensor) -> NDArray[np.uint8]:
        """An input (C, H, W) as pixels (s, s, c): c is 1 for grey, else 3."""
        image = self._subject.to_image(x)
        self._size = self._size or min(LARGEST, max(image.size))
        return _pixels(image, self._size)

    def large(self, x: Tensor) -> NDArray[np.uint8]:
        """The same, 128 pixels wide and high at most."""
        image = self._subject.to_image(x)
        return _pixels(image, min(_LARGE, max(image.size)))

    def maps(self, relevance: NDArray[np.float32]) -> NDArray[np.float32]:
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


def _caption(store: RelevanceStore, row: int, subject: Subject) -> str:
    said, truth = int(store.prediction[row]), int(store.label[row])
    in_truth = f", in truth {store.class_name(truth)}" if truth not in (-1, said) else ""
    return f"{subject.item_name(int(store.index[row]))}: {store.class_name(said)}{in_truth}, f = {store.score[row]:.3g}"
