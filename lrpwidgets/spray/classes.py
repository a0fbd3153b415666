"""Which class to look at first: one small atlas for each, ranked by separability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .atlas import Atlas, spray

if TYPE_CHECKING:
    from .store import RelevanceStore

FEWEST = 10
"""Maps of a class below which there is nothing to cluster."""


@dataclass(frozen=True)
class RankedClass:
    """A class in the order of suspicion."""

    label: int
    size: int
    """Maps of it."""
    tau: float
    """Separability of its most separable cluster."""
    clusters: int


def atlases(store: RelevanceStore, by: str = "prediction", **options: Any) -> Iterator[Atlas]:
    """An atlas for each class that has ten maps or more, in the order of the classes.

    Parameters
    ----------
    by
        "prediction" or "label": which maps belong to a class.
    options
        As for :func:`.spray`.

    Raises
    ------
    ValueError
        If `by` is neither.
    """
    if by not in ("prediction", "label"):
        raise ValueError(f"by must be 'prediction' or 'label', got {by!r}.")
    kinds = getattr(store, by)[store.done]
    for label in np.unique(kinds[kinds >= 0]):
        selection = store.select(**{by: int(label)})
        if len(selection) >= FEWEST:
            yield spray(selection, **options)


def ranked_class(atlas: Atlas) -> RankedClass:
    """Where a class's atlas stands."""
    label = atlas.selection.value
    return RankedClass(-1 if label is None else label, len(atlas), atlas.tau, atlas.count)


def rank_classes(store: RelevanceStore, by: str = "prediction", **options: Any) -> list[RankedClass]:
    """All classes, the one with the most separable cluster first; see :func:`atlases`."""
    return sorted(map(ranked_class, atlases(store, by, **options)), key=lambda each: -each.tau)
