"""Which class to look at first: one small atlas for each, ranked by separability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ..progress import Progress, Watcher, listening
from ..tables import Table
from .atlas import Atlas, spray

if TYPE_CHECKING:
    from .store import RelevanceStore

By = Literal["prediction", "label"]
"""Which maps belong to a class: those that the model takes for it, or those that are of it."""

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


def atlases(
    store: RelevanceStore, by: By = "prediction", *, progress: bool | Watcher = True, **options: Any
) -> Iterator[Atlas]:
    """An atlas for each class that has ten maps or more, in the order of the classes.

    Parameters
    ----------
    by
        "prediction" or "label": which maps belong to a class.
    progress
        True writes a line; a function gets a :class:`.Progress` of every class, and may raise to end the work.
    options
        As for :func:`.spray`.

    Raises
    ------
    ValueError
        If `by` is neither.
    """
    if by not in get_args(By):
        raise ValueError(f"by must be 'prediction' or 'label', got {by!r}.")
    kinds = getattr(store, by)[store.done]
    with listening(progress) as tell:
        for label in np.unique(kinds[kinds >= 0]):

            def of_class(now: Progress, label: int = int(label)) -> None:
                tell(replace(now, stage=f"class {label}: {now.stage}"))

            selection = store.select(**{by: int(label)})
            if len(selection) >= FEWEST:
                yield spray(selection, progress=of_class, **options)


def ranked_class(atlas: Atlas) -> RankedClass:
    """Where a class's atlas stands."""
    label = atlas.selection.value
    return RankedClass(-1 if label is None else label, len(atlas), atlas.tau, atlas.count)


def rank_classes(
    store: RelevanceStore, by: By = "prediction", *, progress: bool | Watcher = True, **options: Any
) -> Table[RankedClass]:
    """All classes, the one with the most separable cluster first; see ``spray.classes.atlases``."""
    made = map(ranked_class, atlases(store, by, progress=progress, **options))
    return Table(sorted(made, key=lambda each: -each.tau))
