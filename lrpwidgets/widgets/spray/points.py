"""The samples of an atlas as points: where they are, and what their colour tells."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ...readable import Readable
from ...spray import Atlas
from .question import AtlasQuestion

HUES = (
    "#4269d0", "#e0a12e", "#d1495b", "#3c9d8f", "#8a6bbf", "#7f8c3a",
    "#c46fa6", "#6b4e3d", "#5fb3d9", "#b07d62", "#2f6b4f", "#9aa1ad",
)  # fmt: skip
"""Colours of groups. The first eight differ in lightness too, which keeps them apart for the colour-blind."""

RAMP = ("#453781", "#33638d", "#238a8d", "#20a386", "#56c667", "#a8db34")
"""From low to high values: even steps of viridis, without its ends, which vanish on dark or light paper."""

Colouring = tuple[NDArray[np.int16], tuple[str, ...], tuple[str, ...]]
"""Groups of the points, and the names and colours of these."""

RIGHT, WRONG = "var(--bar)", "var(--for)"
"""Red means wrong, here as everywhere."""


def hues(count: int) -> tuple[str, ...]:
    """Colours of `count` groups; from the thirteenth on they repeat."""
    return tuple(HUES[group % len(HUES)] for group in range(count))


@dataclass(frozen=True, eq=False, repr=False)
class Points(Readable):
    """Where n explanations are on the map, and how they are coloured."""

    xy: NDArray[np.float32]
    """(n, 2)"""
    rows: NDArray[np.int64]
    """(n,) rows of the store; a position is a place in here"""
    groups: NDArray[np.int16]
    """(n,) which of `names` each belongs to; −1 for none"""
    names: tuple[str, ...] = ()
    """of the groups"""
    hues: tuple[str, ...] = ()
    """CSS colours of the groups or, where there are values, from low to high"""
    values: NDArray[np.float32] | None = None
    """(n,) from 0 to 1, if it is these that colour the points; NaN for none"""
    low: str = "low"
    """what 0 stands for"""
    high: str = "high"
    """what 1 stands for"""
    wrong: NDArray[np.bool_] | None = None
    """(n,) which predictions are wrong"""
    source: str = ""
    """what the rows are rows of; thumbnails are made anew when it changes"""

    def __post_init__(self) -> None:
        n = len(self.rows)
        shapes = {"xy": (n, 2), "groups": (n,), "values": (n,), "wrong": (n,)}
        for name, shape in shapes.items():
            part = getattr(self, name)
            if part is not None and part.shape != shape:
                raise ValueError(f"{name} of {n} points must have the shape {shape}, got {part.shape}.")


def points_of(atlas: Atlas, question: AtlasQuestion, xy: NDArray[np.float32], name: Callable[[int], str]) -> Points:
    """The samples at `xy`, (n, 2), coloured as `question` says; `name` gives the names of clusters."""
    store, rows = atlas.store, atlas.rows
    wrong = _wrong(atlas)
    colouring: dict[str, Callable[[], Colouring]] = {
        "cluster": lambda: _classes(atlas.clusters, name),
        "label": lambda: _classes(store.label[rows], store.class_name),
        "prediction": lambda: _classes(store.prediction[rows], store.class_name),
        "right or wrong": lambda: (wrong.astype(np.int16), ("right", "wrong"), (RIGHT, WRONG)),
        "score": lambda: (np.full(len(rows), -1, np.int16), (), RAMP),
    }
    groups, names, colours = colouring[question.colour]()
    scored = question.colour == "score"
    scores = store.score[rows]
    low, high = (float(scores.min()), float(scores.max())) if len(rows) else (0.0, 0.0)
    return Points(
        xy,
        rows,
        groups,
        names,
        colours,
        values=((scores - low) / (high - low or 1.0)).astype(np.float32) if scored else None,
        low=f"score {low:.3g}",
        high=f"{high:.3g}",
        wrong=wrong if (store.label[rows] >= 0).any() else None,
        source=question.composite or str(store.info.composite["name"]),
    )


def sorts_of(atlas: Atlas) -> dict[str, NDArray[np.float64]]:
    """Orders of the samples, by name: the smallest key comes first."""
    store, rows = atlas.store, atlas.rows
    typical = np.zeros(len(rows))
    for number in np.unique(atlas.clusters[atlas.clusters >= 0]):
        order = atlas.members(int(number))
        typical[np.searchsorted(rows, order)] = np.arange(len(order))
    return {
        "cluster": atlas.clusters.astype(np.float64),
        "most typical of its cluster": typical,
        "score, highest first": -store.score[rows].astype(np.float64),
        "score, lowest first": store.score[rows].astype(np.float64),
        "wrong first": -_wrong(atlas).astype(np.float64),
    }


def _wrong(atlas: Atlas) -> NDArray[np.bool_]:
    label = atlas.store.label[atlas.rows]
    wrong: NDArray[np.bool_] = (label >= 0) & (label != atlas.store.prediction[atlas.rows])
    return wrong


def _classes(kinds: NDArray[np.int32], name: Callable[[int], str]) -> Colouring:
    """Groups of points by kind; −1 is none."""
    found, place = np.unique(kinds, return_inverse=True)
    groups = (place - int(found[0] < 0 if len(found) else 0)).astype(np.int16)
    found = found[found >= 0]
    return groups, tuple(map(name, found.tolist())), hues(len(found))
