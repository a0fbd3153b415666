"""The heatmaps of a project, which may lie in several files."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...readable import Readable
from .files import Array, Series, described, member, opened, values, where
from .labels import Label, check_known
from .pictures import channels_first

BATCH = 256
"""Rows that are read at a time where all are."""

CHANNELS = "channels"
"""Attribute of ``attribution`` in files of ours: how many of its channels have data."""


@dataclass(frozen=True, eq=False, repr=False)
class Attributions(Readable):
    """All heatmaps of a project, under the names that a `RelevanceStore` has for them.

    Row i is of input number ``index[i]``.
    """

    index: NDArray[np.int32]
    """Number of the input in the data set, (n,)."""
    label: NDArray[np.int32]
    """Class of each, (n,); −1 where a sample has several or none, see `labels`."""
    labels: NDArray[np.bool_] | None
    """Classes of each, (n, classes), where some have several or none."""
    prediction: NDArray[np.int32]
    """Class that the model predicts, (n,)."""
    _sources: list[_Source] = field(repr=False)

    def __len__(self) -> int:
        return len(self.index)

    def relevance(self, rows: Any) -> NDArray[np.float32]:
        """Heatmaps (m, C, H, W) at `rows`, any ints (m,) in any order; they are read from the files now.

        Raises
        ------
        IndexError
            If there is no such row.
        ValueError
            If their shapes differ, or a file is damaged.
        """
        rows = np.asarray(rows, np.int64).reshape(-1)
        if not len(rows):
            return np.zeros((0, 0, 0, 0), np.float32)
        if not 0 <= rows.min() <= rows.max() < len(self):
            raise IndexError(f"rows are {rows.min()} to {rows.max()}; the project has heatmaps 0 to {len(self) - 1}.")
        firsts = np.cumsum([0, *map(len, self._sources)])
        places = np.searchsorted(firsts, rows, "right") - 1  # the file in which each row is
        return _merged(
            {i: self._sources[i].relevance(rows[places == i] - firsts[i]) for i in np.unique(places)}, places
        )

    def batches(self, rows: Any) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """Positions in `rows` and heatmaps, a few at a time, so that memory stays small."""
        rows = np.asarray(rows, np.int64).reshape(-1)
        for positions in np.split(np.arange(len(rows)), range(BATCH, len(rows), BATCH)):
            yield positions, self.relevance(rows[positions])

    def rows_of(self, index: Any) -> NDArray[np.int64]:
        """Rows of the inputs with these numbers (m,), the first where there are several; ValueError if one has none."""
        index = np.asarray(index, np.int64)
        order = np.argsort(self.index, kind="stable")
        places = np.searchsorted(self.index, index, sorter=order)
        missing = index[~np.isin(index, self.index)]
        if len(missing):
            raise ValueError(f"Input {missing[0]} has no attribution; {len(missing)} of {len(index)} inputs have none.")
        rows: NDArray[np.int64] = order[places]
        return rows


@dataclass(frozen=True, eq=False)
class _Source:
    """One file."""

    heatmaps: Series
    channels: int | None
    index: Array
    """Number of the input of each, (n,)."""
    label: Array
    """Class of each (n,), or which they have (n, classes)."""
    prediction: Array
    """Predicted class of each, (n,)."""

    def __len__(self) -> int:
        return len(self.heatmaps)

    def relevance(self, rows: Array) -> NDArray[np.float32]:
        with opened(self.heatmaps.path) as file:
            maps = self.heatmaps.rows(file, rows)
        return channels_first(maps)[:, : self.channels].astype(np.float32)


def read_attributions(files: Sequence[Path], label_map: Mapping[int, Label]) -> Attributions:
    """The heatmaps in `files`: all about them is read and checked, they themselves are not.

    Raises
    ------
    ValueError
        If a file is damaged, lacks a key, has arrays of other shapes, or labels that are not in `label_map`.
    """
    sources = [_source(file, label_map) for file in files]
    label, labels = _joined_labels([source.label for source in sources])
    index, prediction = (_joined([getattr(source, name) for source in sources]) for name in ("index", "prediction"))
    return Attributions(index, label, labels, prediction, sources)


def _source(path: Path, label_map: Mapping[int, Label]) -> _Source:
    with opened(path) as file:
        heatmaps, found = Series.at(file, "attribution"), member(file, "attribution")
        if heatmaps.names is None and found.ndim not in (3, 4):
            raise ValueError(f"{where(found)} is {described(found)}; it should be heatmaps, (n, C, H, W).")
        n, channels = len(heatmaps), found.attrs.get(CHANNELS)
        index = values(member(file, "index"), (n,), "iu") if "index" in file else np.arange(n)
        label = _classes(file, "label", n, lambda rows: rows != 0)
        prediction = _classes(file, "prediction", n, lambda rows: rows.argmax(1))
    check_known(np.flatnonzero(label.any(0)) if label.ndim == 2 else np.unique(label), label_map, path.name)
    return _Source(heatmaps, None if channels is None else int(channels), index, label, prediction)


def _classes(file: Any, key: str, n: int, of_rows: Callable[[Array], Array]) -> Array:
    """Integers (n,) at `key`, or what `of_rows` makes of rows (n, classes), read in parts."""
    series, parts = Series.at(file, key), []
    if len(series) != n:
        raise ValueError(f"{where(file)} has {len(series)} samples in {key!r} and {n} in 'attribution'.")
    for start in range(0, n, BATCH):
        part = series.rows(file, np.arange(start, min(start + BATCH, n)))
        if part.ndim != 2 and (part.ndim != 1 or part.dtype.kind not in "iu"):
            what = f"{part.dtype} {part.shape[1:]} for each sample"
            raise ValueError(f"{where(member(file, key))} has {what}; it should be an integer or a row of the classes.")
        parts.append(of_rows(part) if part.ndim == 2 else part)
    return np.concatenate(parts) if parts else np.zeros(0, np.int32)


def _joined_labels(parts: list[Array]) -> tuple[NDArray[np.int32], NDArray[np.bool_] | None]:
    """`Attributions.label` and `Attributions.labels` of those of several files."""
    several = [part for part in parts if part.ndim == 2]
    label = _joined([np.where(p.sum(1) == 1, p.argmax(1), -1) if p.ndim == 2 else p for p in parts])
    if all((part.sum(1) == 1).all() for part in several):
        return label, None
    classes = max(label.max(initial=-1) + 1, *(part.shape[1] for part in several))
    hot = [np.pad(p, ((0, 0), (0, classes - p.shape[1]))) if p.ndim == 2 else _hot(p, classes) for p in parts]
    return label, np.concatenate(hot)


def _hot(label: Array, classes: int) -> NDArray[np.bool_]:
    return np.asarray(np.arange(classes) == label[:, None])


def _joined(parts: list[Array]) -> NDArray[np.int32]:
    return np.concatenate([np.zeros(0, np.int32), *parts]).astype(np.int32)


def _merged(parts: Mapping[int, Array], places: Array) -> NDArray[np.float32]:
    """One array of the parts, part i at the positions where `places` is i."""
    shapes = sorted({part.shape[1:] for part in parts.values()})
    if len(shapes) > 1:
        raise ValueError(
            f"Heatmaps of several files have several shapes: {', '.join(map(str, shapes))}; read them apart."
        )
    merged = np.empty((len(places), *shapes[0]), np.float32)
    for i, part in parts.items():
        merged[places == i] = part
    return merged
