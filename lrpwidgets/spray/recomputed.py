"""The maps of some rows under another composite, in memory: to see an atlas move without another store."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import ArrayLike, NDArray

from ..progress import Progress, Watcher, listening
from .channels import INPUT
from .store import RelevanceStore, Selection

if TYPE_CHECKING:
    from torch import Tensor

    from ..lrp import Composite, Explainer, Explanation
    from ..subjects import Subject

MOST = 2_000
"""Rows that are computed again at most; of more, as many are drawn at random."""


class Recomputed(RelevanceStore):
    """A store whose relevance of some rows is other than on disk; labels, predictions and the rest are its own."""

    def __init__(self, store: RelevanceStore, composite: Composite, rows: NDArray[np.int64]) -> None:
        super().__init__(store.path, replace(store.info, composite=composite.to_dict()))
        self._place = np.full(len(store), -1, np.int64)
        self._place[rows] = np.arange(len(rows))
        sizes: dict[str, tuple[int, ...]] = {
            INPUT: store.info.shape,
            **{name: (shape.channels,) for name, shape in store.info.layers.items()},
        }
        self.kept = {layer: np.zeros((len(rows), *size), np.float32) for layer, size in sizes.items()}
        """Relevance of those rows: of the input (n, C, H, W) under ``"input"``, of channels (n, C) by layer."""

    def batches(self, rows: ArrayLike, layer: str = INPUT) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """As that of a store."""
        self.check_layer(layer)
        places = self._place[self.checked(rows)]
        if (places < 0).any():
            raise ValueError(f"Row {np.asarray(rows)[places < 0][0]} was not computed again.")
        for part in np.array_split(np.arange(len(places)), -(-len(places) // 256) or 1):
            yield part, self.kept[layer][places[part]]

    def keep(self, first: int, explanation: Explanation, inputs: Tensor) -> None:
        """Keep what is explained of `inputs`, which are the rows from the `first` on."""
        from .maps import kept

        found: dict[str, Tensor] = {INPUT: kept(explanation, inputs, self.info).float()}
        found |= {name: shape.sums(explanation[name].relevance) for name, shape in self.info.layers.items()}
        for layer, relevance in found.items():
            self.kept[layer][first : first + len(relevance)] = relevance.numpy(force=True)


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

    rows = np.sort(np.random.default_rng(seed).permutation(selection.rows)[:MOST])
    store = Recomputed(selection.store, composite, rows)
    explainer.composite = composite
    with listening(progress) as tell:
        for first in range(0, len(rows), 64):
            part = rows[first : first + 64]
            inputs = store.modality.stacked([subject.item(int(item))[0] for item in store.index[part]])
            targets = torch.tensor(store.target[part]).long()
            store.keep(first, explainer.explain(inputs, targets, keep="layers"), inputs)
            tell(Progress(first + len(part), len(rows), f"{composite.name}: relevance"))
    return replace(selection, store=store, rows=rows)
