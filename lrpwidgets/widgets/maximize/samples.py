"""Reference samples as they are shown: of a channel, those in which it mattered and those in which it fired."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from ...maximize import ChannelReferences, References, Strategies
from ...maximize.prototypes import mixed
from ...maximize.receptive import Box
from ...maximize.reference_samples import Share
from ...readable import Readable
from ...subjects import Subject
from .pictures import SIDE, pixels, plane, pooled, signed_bytes, small

MOST = 5
"""Samples in a row."""

MOST_CLASSES = 6
"""Classes in the list."""

MOST_STRATEGIES = 3
"""Strategies in the list; the others are rarer."""


@dataclass(frozen=True)
class Gathering(Readable):
    """How far the pass is."""

    done: int
    """Inputs that were explained."""
    total: int
    going: bool
    """Whether it goes on by itself, as soon as no film runs."""
    seconds: float | None
    """What the rest takes, about; None as long as nothing tells."""


@dataclass(frozen=True, eq=False, repr=False)
class Sample(Readable):
    """An input of the data set, cut to what the channel sees."""

    item: int
    name: str
    says: str
    """The class that was explained."""
    value: float
    """What it is ranked by."""
    relevance: float
    """Σ R of the channel."""
    pixels: NDArray[np.uint8] = field(repr=False)
    """(h, w, 3)."""
    heatmap: NDArray[np.int8] = field(repr=False)
    """(h, w): relevance through the channel; −127 to 127 for minus to plus :attr:`Samples.largest`."""


@dataclass(frozen=True, eq=False, repr=False)
class Samples(Readable):
    """The reference samples of one channel."""

    layer: str
    number: int
    inputs: int
    """How many the data set has."""
    mattered: tuple[Sample, ...]
    """By relevance, RelMax."""
    fired: tuple[Sample, ...]
    """By activation, ActMax."""
    shares: tuple[Share, ...]
    """The classes that the channel speaks for, the largest share first."""
    largest: float
    """What full colour stands for in all of the heatmaps: |R| of a pixel."""


@dataclass(frozen=True, eq=False, repr=False)
class Prototype(Readable):
    """An input in the middle of a strategy."""

    item: int
    name: str
    pixels: NDArray[np.uint8] = field(repr=False)
    """(h, w, 3)."""


@dataclass(frozen=True, eq=False, repr=False)
class Strategy(Readable):
    """One of the ways in which a class is recognized."""

    share: float
    """Of the class's inputs, 0 to 1."""
    channels: tuple[tuple[int, float], ...]
    """What carries most of it, and which part of the relevance."""
    prototypes: tuple[Prototype, ...]


@dataclass(frozen=True, eq=False, repr=False)
class Recognized(Readable):
    """How a class is recognized, and where the present input stands among its strategies."""

    layer: str
    label: int
    inputs: int
    """How many were explained for the class."""
    strategies: tuple[Strategy, ...] = ()
    """The most frequent first."""
    item: int | None = None
    nearest: int | None = None
    """The strategy of the present input; None if that was not explained for the class."""
    unusual: float = float("nan")
    """The share of the class's inputs that are more usual than it, 0 to 1."""
    problem: str = ""
    """Why there are no strategies."""


def samples(references: References, number: int, subject: Subject) -> Samples:
    """The reference samples of channel `number` with their maps, which are on one scale."""
    ranks = [each.channel(number) for each in (references.by_relevance(), references.by_activation())]
    store, rows = references.store, np.unique(np.concatenate([each.samples for each in ranks]))
    sums = dict(zip(rows.tolist(), store.relevance(references.layer, rows)[:, number].tolist(), strict=True))
    whole = dict(zip(rows.tolist(), references.maps(rows, [number])[:, 0], strict=True))
    cut = [_cut(rank, whole, subject) for rank in ranks]
    largest = max((float(np.abs(heatmap).max(initial=0)) for part in cut for _, heatmap in part), default=0.0)

    def row_of(rank: ChannelReferences, part: list[tuple[NDArray[np.uint8], NDArray[np.float32]]]) -> list[Sample]:
        known = zip(rank.samples.tolist(), rank.targets.tolist(), rank.values.tolist(), part, strict=True)
        return [
            Sample(
                item=item,
                name=subject.item_name(item),
                says=store.class_name(target),
                value=value,
                relevance=sums[item],
                pixels=picture,
                heatmap=signed_bytes(heatmap, largest),
            )
            for item, target, value, (picture, heatmap) in known
        ]

    mattered, fired = (tuple(row_of(rank, part)) for rank, part in zip(ranks, cut, strict=True))
    shares = tuple(ranks[0].classes[:MOST_CLASSES])
    return Samples(references.layer, number, len(store), mattered, fired, shares, largest)


def faces(references: References, channels: Sequence[int], subject: Subject) -> dict[int, NDArray[np.uint8]]:
    """What each channel saw where it mattered most, (h, w, 3), by its number; silent channels are left out."""
    found = {}
    for number in channels:
        best = references.by_relevance().channel(number)
        if len(best):
            row, position = int(best.samples[0]), best.positions[0]
            x = subject.item(row)[0]
            found[number] = small(_crop(pixels(subject, x), references.field(number, position), tuple(x.shape)))
    return found


def recognized(
    references: References,
    found: Strategies,
    subject: Subject,
    item: int | None = None,
    sums: NDArray[np.float32] | None = None,
) -> Recognized:
    """The strategies of a class with their prototypes; `sums` (C,) is the channel relevance of `item`, if it is one."""
    strategies = tuple(
        Strategy(
            float(found.shares[each]),
            tuple(found.channels(each, 4)),
            tuple(_prototype(row, subject) for row in found.prototypes(each, MOST).tolist()),
        )
        for each in range(min(found.count, MOST_STRATEGIES))
    )
    told = Recognized(references.layer, found.label, len(found.samples), strategies)
    if sums is None:
        return told
    mixture = mixed(sums[None])
    nearest, unusual = int(found.nearest(mixture)[0]), float(found.unusual(mixture)[0])
    return replace(told, item=item, nearest=nearest, unusual=unusual)


def _cut(
    rank: ChannelReferences, whole: Mapping[int, Tensor], subject: Subject
) -> list[tuple[NDArray[np.uint8], NDArray[np.float32]]]:
    """What the channel sees of each input, as a picture and as a map of its relevance."""
    found = []
    for item, box in zip(rank.samples.tolist(), rank.boxes, strict=True):
        picture, shape = pixels(subject, subject.item(item)[0]), tuple(whole[item].shape)
        heatmap = _crop(plane(whole[item]), box, shape)
        found.append((small(_crop(picture, box, shape)), pooled(heatmap, SIDE)))
    return found


def _crop(picture: NDArray[Any], box: Box, shape: tuple[int, ...]) -> NDArray[Any]:
    """The part in `box` of a picture of an input of that `shape`; the whole where pixels are not the input's."""
    if len(shape) < 2 or picture.shape[:2] != shape[-2:] or any(part.stop <= part.start for part in box):
        return picture
    return picture[box[-2], box[-1]]


def _prototype(row: int, subject: Subject) -> Prototype:
    return Prototype(row, subject.item_name(row), small(pixels(subject, subject.item(row)[0])))
