"""The maps of some rows under another composite, in memory: to see an atlas move without another store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..progress import Progress, Watcher, listening
from .store import RelevanceStore, Selection

if TYPE_CHECKING:
    from ..lrp import Composite, Explainer
    from ..subjects import Subject

MOST = 2_000
"""Rows that are computed again at most; of more, as many are drawn at random."""


class Recomputed(RelevanceStore):
    """A store whose relevance of some rows is other than on disk; labels, predictions and the rest are its own."""

    def __init__(self, store: RelevanceStore, composite: Composite, rows: NDArray[np.int64]) -> None:
        super().__init__(store.path, replace(store.info, composite=composite.to_dict()))
        self._place = np.full(len(store), -1, np.int64)
        self._place[rows] = np.arange(len(rows))
        self.kept = np.zeros((len(rows), *store.info.shape), np.float32)
        """Relevance of those rows, (n, C, H, W)."""

    def batches(self, rows: ArrayLike, layer: bool = False) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """As that of a store; raises ValueError for relevance at a layer, which is not computed again."""
        if layer:
            raise ValueError("Under another composite there is relevance of the input only; choose that.")
        places = self._place[self.checked(rows)]
        if (places < 0).any():
            raise ValueError(f"Row {np.asarray(rows)[places < 0][0]} was not computed again.")
        for part in np.array_split(np.arange(len(places)), -(-len(places) // 256) or 1):
            yield part, self.kept[places[part]]


def recomputed(
    selection: Selection,
    composite: Composite,
    explainer: Explainer,
    subject: Subject,
    *,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> Selection:
    """The selection under another composite, 2,000 rows of it at most, explained for the same targets.

    Parameters
    ----------
    explainer
        Has the model; its composite is set to `composite`.
    progress
        True writes a line; a function gets a :class:`.Progress` of the rows, and may raise to end the work.
    """
    import torch

    from .maps import of_input

    rows = np.sort(np.random.default_rng(seed).permutation(selection.rows)[:MOST])
    store = Recomputed(selection.store, composite, rows)
    explainer.composite = composite
    with listening(progress) as tell:
        for first in range(0, len(rows), 64):
            part = rows[first : first + 64]
            inputs = torch.stack([subject.item(int(item))[0] for item in store.index[part]])
            explanation = explainer.explain(inputs, torch.tensor(store.target[part]).long(), keep="input")
            store.kept[first : first + 64] = of_input(explanation, store.info.pool).float().numpy(force=True)
            tell(Progress(first + len(part), len(rows), f"{composite.name}: relevance"))
    return replace(selection, store=store, rows=rows)
