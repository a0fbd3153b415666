"""The analyses of a project: eigenvalues, embeddings and clusters of one category each."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from .attributions import Attributions
from .files import Array, member, members, opened, values, where
from .labels import Label

EIGENVALUE = "eigenvalue"
"""Attribute of an embedding: its eigenvalues, the largest first, since ViRelAy's chart draws them from the right."""

OF_COLUMNS = "column_eigenvalue"
"""The eigenvalue of each column, in files of ours; in others `EIGENVALUE` has them in this order."""


@dataclass(frozen=True, eq=False)
class Analysis:
    """One category, under the names that an `Atlas` has for the same."""

    category: str
    """The file's name for it."""
    name: str
    """What a person calls it."""
    method: str
    """How it was made."""
    index: NDArray[np.int32] = field(repr=False)
    """Numbers of the inputs that were analysed, (n,)."""
    rows: NDArray[np.int64] = field(repr=False)
    """Rows of `Project.attributions` that were analysed, (n,)."""
    eigenvalues: NDArray[np.float64] | None = field(repr=False)
    """The m smallest, ascending (m,); None where the file gives none."""
    vectors: NDArray[np.float64] | None = field(repr=False)
    """Eigenvectors (n, m), a column for each eigenvalue; None where the file gives none."""
    embeddings: dict[str, Array] = field(repr=False)
    """Each (n, d), by name. Eigenvectors come informative first, whatever their order in the file."""
    clusters: dict[str, NDArray[np.int32]] = field(repr=False)
    """Cluster of each (n,), −1 for noise, by the name of the clustering."""

    @property
    def caveats(self) -> list[str]:
        """What a person should know of it, each a sentence."""
        missing = (
            f"The analysis {self.name!r} has no eigenvalues (no attribute {EIGENVALUE!r}), so it shows no eigengap."
        )
        return [missing] if self.eigenvalues is None else []


def informative_first(vectors: Array) -> Array:
    """Eigenvectors (n, m), ascending, with the first one last.

    ViRelAy plots the first two columns until someone chooses others. Of the eigenvectors, the first tells nothing but
    how many neighbours a sample has, and those after it separate most: so they are to be columns 0 and 1. (Those that
    CoRelAy writes come the other way round, trivial last, so that ViRelAy begins with the least informative two.)
    """
    return np.roll(vectors, -1, axis=1)


def read_analyses(
    file: Path, method: str, attributions: Attributions, label_map: Mapping[int, Label]
) -> list[Analysis]:
    """All categories in `file`; ValueError if it is damaged, lacks a key or has arrays of other shapes."""
    names = {label.synset: label.name for label in label_map.values() if label.synset}
    with opened(file) as categories:
        return [_analysis(member(categories, key), key, method, attributions, names) for key in categories]


def _analysis(group: Any, category: str, method: str, attributions: Attributions, names: Mapping[str, str]) -> Analysis:
    index = values(member(group, "index"), (None,), "iu").astype(np.int32)
    n, embedding = len(index), members(group, "embedding")
    vectors = {key: values(found, (n, None)) for key, found in embedding.items()}
    pairs = {key: _eigenpairs(embedding[key], vectors[key]) for key in vectors if EIGENVALUE in embedding[key].attrs}
    eigenvalues, ordered = pairs.get("spectral") or next(iter(pairs.values()), (None, None))
    return Analysis(
        category,
        str(group.attrs.get("name", names.get(category, category))),
        method,
        index,
        _rows(group, index, attributions),
        eigenvalues,
        ordered,
        vectors | {key: informative_first(pair[1]) for key, pair in pairs.items()},
        {
            str(found.attrs.get("name", key)): values(found, (n,), "iub").astype(np.int32)
            for key, found in members(group, "cluster").items()
        },
    )


def _rows(group: Any, index: NDArray[np.int32], attributions: Attributions) -> NDArray[np.int64]:
    try:
        return attributions.rows_of(index)
    except ValueError as error:
        raise ValueError(f"{where(group)} has an 'index' that fits no attributions: {error}") from None


def _eigenpairs(found: Any, vectors: Array) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Eigenvalues (m,), ascending, and the column (n, m) that belongs to each."""
    eigenvalues = np.asarray(found.attrs.get(OF_COLUMNS, found.attrs[EIGENVALUE]))
    if eigenvalues.shape != vectors.shape[1:] or eigenvalues.dtype.kind not in "fiu":
        what = f"{eigenvalues.dtype} {eigenvalues.shape} as its {EIGENVALUE!r}"
        raise ValueError(f"{where(found)} has {what}; it should be a number for each column, {vectors.shape[1:]}.")
    rolled = np.roll(eigenvalues, 1)  # so that our own files come back in their order, also where values are equal
    order = np.argsort(rolled, kind="stable")
    return rolled[order].astype(np.float64), np.roll(vectors, 1, axis=1)[:, order].astype(np.float64)
