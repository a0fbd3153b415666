"""Which class to look at first: one small atlas for each, ranked by separability."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np

from ..progress import Progress, Watcher, listening
from ..tables import Table
from .atlas import Atlas, spray
from .views import STANDS_OUT

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
    layer: str
    """Where they are: ``"input"``, or the layer whose channels are compared."""
    times: float | None
    """How far its clusters stand apart, in units of what is ordinary where there are none: see
    :class:`lrpwidgets.spray.views.View`. None if that was not asked, as `layer` was given."""
    chance: float | None
    """Probability that a class without clusters looks so in any view; as in :class:`lrpwidgets.spray.views.View`."""


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
    view = atlas.views[0] if atlas.views else None
    stands = (None, None) if view is None else (view.times, view.chance)
    return RankedClass(
        -1 if label is None else label, len(atlas), atlas.tau, atlas.count, atlas.features.layer, *stands
    )


def suspicion(ranked: RankedClass) -> float:
    """By what classes are ranked, falling: how far they exceed chance where that was asked, as it compares; else τ."""
    return ranked.tau if ranked.times is None else ranked.times


def stands_out(ranked: RankedClass, count: int) -> bool:
    """Whether chance is no explanation of a class among `count` that were ranked (Bonferroni); no if not asked."""
    return ranked.chance is not None and ranked.chance * count <= STANDS_OUT


def rank_classes(
    store: RelevanceStore, by: By = "prediction", *, progress: bool | Watcher = True, **options: Any
) -> Table[RankedClass]:
    """All classes, the one with the most separable cluster first, as compared with chance.

    Each is looked at where its clusters stand apart most clearly, at the input or in the channels of a layer. With many
    classes some reach a `chance` of 0.01 by chance: take 0.01 divided by their number to be sure. Parameters as for
    ``spray.classes.atlases``.
    """
    made = map(ranked_class, atlases(store, by, progress=progress, **options))
    return Table(sorted(made, key=suspicion, reverse=True))
