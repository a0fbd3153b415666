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

_ZERO = 1e-3
"""The smallest eigenvalue of a Laplacian is 0; above this, one in single precision is none."""

_ROUNDING = 1e-5
"""Error of an eigenvalue in single precision, at most."""


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
    """The m smallest, ascending (m,); None where the file does not give them."""
    vectors: NDArray[np.float64] | None = field(repr=False)
    """Eigenvectors (n, m), a column for each eigenvalue; None where there are no eigenvalues."""
    embeddings: dict[str, Array] = field(repr=False)
    """Each (n, d), by name. Eigenvectors come informative first, whatever their order in the file."""
    clusters: dict[str, NDArray[np.int32]] = field(repr=False)
    """Cluster of each (n,), −1 for noise, by the name of the clustering."""
    caveats: list[str]
    """What a person should know of it, each a sentence."""


@dataclass(frozen=True, eq=False)
class _Pairs:
    """Eigenvalues and eigenvectors as far as they are the bottom of the spectrum."""

    eigenvalues: NDArray[np.float64] | None = None
    """(m,), ascending; None where none are."""
    vectors: NDArray[np.float64] | None = None
    """(n, m), a column for each."""
    caveat: str = f"has no eigenvalues (no attribute {EIGENVALUE!r}), so it shows no eigengap."
    """What a person should know of them, to be said of the analysis; may be empty."""


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
    main = pairs.get("spectral") or next(iter(pairs.values()), _Pairs())
    name = str(group.attrs.get("name", names.get(category, category)))
    return Analysis(
        category,
        name,
        method,
        index,
        _rows(group, index, attributions),
        main.eigenvalues,
        main.vectors,
        vectors | {key: informative_first(pair.vectors) for key, pair in pairs.items() if pair.vectors is not None},
        {
            str(found.attrs.get("name", key)): values(found, (n,), "iub").astype(np.int32)
            for key, found in members(group, "cluster").items()
        },
        [f"The analysis {name!r} {main.caveat}"] if main.caveat else [],
    )


def _rows(group: Any, index: NDArray[np.int32], attributions: Attributions) -> NDArray[np.int64]:
    try:
        return attributions.rows_of(index)
    except ValueError as error:
        raise ValueError(f"{where(group)} has an 'index' that fits no attributions: {error}") from None


def _eigenpairs(found: Any, vectors: Array) -> _Pairs:
    eigenvalues = np.asarray(found.attrs.get(OF_COLUMNS, found.attrs[EIGENVALUE]))
    if eigenvalues.shape != vectors.shape[1:] or eigenvalues.dtype.kind not in "fiu":
        what = f"{eigenvalues.dtype} {eigenvalues.shape} as its {EIGENVALUE!r}"
        raise ValueError(f"{where(found)} has {what}; it should be a number for each column, {vectors.shape[1:]}.")
    rolled = np.roll(eigenvalues, 1)  # so that our own files come back in their order, also where values are equal
    order = np.argsort(rolled, kind="stable")
    ascending, columns = rolled[order].astype(np.float64), np.roll(vectors, 1, axis=1)[:, order].astype(np.float64)
    ours = OF_COLUMNS in found.attrs  # which are of the different maps among the n, and the smallest always
    return _Pairs(ascending, columns, "") if ours else _bottom(ascending, columns)


def _bottom(eigenvalues: NDArray[np.float64], vectors: NDArray[np.float64]) -> _Pairs:
    """What of eigenpairs, ascending, is the bottom of the spectrum of a normalised Laplacian, with a caveat if not all.

    CoRelAy's default, ``which="LM"``, takes those of 1 − λ of the largest magnitude: some near 0, others near 2, and
    of those between none. That is told by the trace: of n samples without negative affinities Σ(1 − λ) is 0 at least.
    If the m given ones were the smallest, the n − m others would lie above the largest given one.
    """
    count, last = len(eigenvalues), eigenvalues.max(initial=0)
    others = len(vectors) - count
    if eigenvalues.min(initial=np.inf) > _ZERO:
        least = f"the least is {eigenvalues.min():.3g}" if count else "there is none"
        return _Pairs(caveat=f"lacks the smallest eigenvalues ({least}, not 0), so it shows no eigengap.")
    if (1 - eigenvalues).sum() >= others * (last - 1) - _ROUNDING * len(vectors):
        return _Pairs(eigenvalues, vectors, "")
    below = int((eigenvalues <= 1).sum())
    return _Pairs(
        eigenvalues[:below],
        vectors[:, :below],
        f"has eigenvalues from both ends of the spectrum and none from its middle, as CoRelAy takes them by default: "
        f"of {count} the {below} smallest are kept, and an eigengap beyond them is not seen. "
        f'EigenDecomposition(which="LA") takes the smallest only.',
    )
