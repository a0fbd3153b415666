"""SpRAy: from the relevance maps of a selection to an `Atlas` of the strategies behind them.

The object to know is :class:`Atlas`, which :func:`spray` makes. Costs: one pass over the maps, a search for
neighbours (n² comparisons up to 20,000 samples, of the order of n beyond), and a sparse eigenvalue problem; memory is
that of the features, n × d single precision numbers.
"""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..tables import Table, frame
from . import atlas_file
from . import embeddings as embedding
from .channels import AUTO, INPUT
from .clusters import NOISE, Method, clustered, coordinates
from .features import Features, distinct, unit_maps, usable
from .fit import Fit
from .neighbors import EXACT, neighbor_graph
from .separability import separability
from .spectral import Spectrum, eigengap, spectrum
from .views import View, looked

if TYPE_CHECKING:
    from os import PathLike

    import pandas as pd

    from ..subjects.texts import Tokenizer
    from .store import RelevanceStore, Selection


DIMENSIONS = 8
"""Eigenvectors in which τ is measured, so that it compares across classes of any number of clusters."""


@dataclass(frozen=True)
class Ranked:
    """A cluster in the order of suspicion."""

    cluster: int
    size: int
    """Samples in it."""
    tau: float
    """Separability from the other samples of the atlas, see ``spray.separability``."""
    label: int
    """Its most common label; where all samples have one label, its most common prediction. −1: unknown."""
    purity: float
    """The share of that."""


@dataclass(frozen=True)
class ClusterWord:
    """A word on which a cluster of texts has more relevance than the others."""

    word: str
    token: int
    excess: float
    """Its mean share of Σ|R| in the cluster less that in the atlas's other texts; negative relevance counts as such."""
    texts: int
    """How many texts of the cluster have it."""


@dataclass(frozen=True, eq=False, repr=False)
class Cluster(Readable):
    """What the samples of one cluster have in common."""

    number: int
    rows: NDArray[np.int64]
    """Rows of the store, those in the middle of the cluster first."""
    heatmap: NDArray[np.float32]
    """Mean of the maps, each summed over channels and divided by its Σ|R|; (H, W) for images, (V,) for texts."""
    others: NDArray[np.float32]
    """The same of the atlas's other samples; zeros where there are none."""
    having: NDArray[np.int64]
    """How many of its maps have relevance there."""

    @property
    def prototypes(self) -> NDArray[np.int64]:
        """The five rows nearest to the middle."""
        return self.rows[:5]

    def words(self, tokenizer: Tokenizer, most: int = 10) -> Table[ClusterWord]:
        """Words of texts on which the cluster has more relevance than the others, those with the largest excess first.

        Parameters
        ----------
        tokenizer
            That of the subject.
        most
            How many words, at most.

        Raises
        ------
        ValueError
            If the maps are not on the vocabulary of that tokenizer.
        """
        excess = self.excess_on(tokenizer)
        order = np.argsort(-excess, kind="stable")[:most]
        each = ((int(token), float(excess[token])) for token in order if excess[token] > 0)
        return Table(ClusterWord(tokenizer.piece(token), token, more, int(self.having[token])) for token, more in each)

    def excess_on(self, tokenizer: Tokenizer) -> NDArray[np.float32]:
        """How much more relevance it has on each token than the others, (V,); raises as :meth:`words` does.

        It is 0 for tokens that are no words, such as ``[CLS]``: what they gather is of the whole text.
        """
        if self.heatmap.shape != (tokenizer.size,):
            raise ValueError(
                f"The maps are {self.heatmap.shape} and not on the {tokenizer.size:,} tokens of the vocabulary; give "
                "the tokenizer of the subject, which is one of texts."
            )
        excess = self.heatmap - self.others
        excess[list(tokenizer.special)] = 0
        return excess


@dataclass(frozen=True, eq=False, repr=False)
class Atlas(Fit):
    """A fitted SpRAy analysis; :func:`spray` makes one. Nothing in it changes: `recluster` gives another one."""

    def __repr__(self) -> str:
        sizes = ", ".join(f"{size:,}" for size in np.bincount(self.clusters[self.clusters >= 0])[:8])
        more = ", …" if self.count > 8 else ""
        notes = f"; {' '.join(self.notes)}" if self.notes else ""
        return (
            f"Atlas({self.selection.name}: {len(self):,} maps in {self.count} clusters of {sizes}{more} "
            f"({self.clustering}), eigengap {self.eigengap}{notes})"
        )

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def eigenvalues(self) -> NDArray[np.float64]:
        """The smallest of the normalised Laplacian, (m,), ascending."""
        return self.spectrum.eigenvalues

    @property
    def vectors(self) -> NDArray[np.float64]:
        """Their eigenvectors, (n, m); equal maps have equal rows."""
        return self.spectrum.vectors[self.inverse]

    @property
    def eigengap(self) -> int:
        """How many clusters the eigenvalues suggest."""
        return eigengap(self.eigenvalues)

    @property
    def count(self) -> int:
        """How many clusters there are, without noise."""
        return int(self.clusters.max(initial=-1)) + 1

    @property
    def embeddings(self) -> Mapping[str, NDArray[np.float32]]:
        """Embeddings (n, 2) by name, each computed when it is first asked for."""
        return _Embeddings(self)

    @property
    def made(self) -> set[str]:
        """Names of the embeddings that are there already."""
        return set(self._made)

    def embed(self, name: str, *, progress: bool | Watcher = True) -> NDArray[np.float32]:
        """The embedding "spectral", "tsne" or "umap", (n, 2); computed once.

        Parameters
        ----------
        progress
            See :mod:`lrpwidgets.progress`; if it ends the computation the atlas stays as it was.

        Raises
        ------
        ValueError
            If there is no such embedding, or it needs a package that is not installed.
        """
        if name not in self._made:
            with listening(progress) as tell:
                self._made[name] = embedding.embedded(name, self.spectrum, self.seed, tell)
        return self._made[name][self.inverse]

    def recluster(self, method: Method = "spectral", count: int | None = None) -> Atlas:
        """The same atlas with other clusters: "spectral", "agglomerative" or "hdbscan"; None: as the eigengap says.

        Raises
        ------
        ValueError
            If the method is unknown, or there cannot be so many clusters.
        """
        labels = clustered(self.spectrum, self.affinity, method, count, self.seed)
        found = int(labels.max(initial=-1)) + 1
        return replace(self, clusters=labels[self.inverse], clustering=f"{method}-{found}")

    @cached_property
    def ranking(self) -> Table[Ranked]:
        """All clusters, the most separable first; of two that are equally so, the smaller. Has ``to_frame()``."""
        space = coordinates(self.spectrum, DIMENSIONS)[self.inverse]
        made = [self._ranked(number, space) for number in range(self.count)]
        return Table(sorted(made, key=lambda each: (-round(each.tau, 6), each.size)))

    @property
    def tau(self) -> float:
        """Separability of the most separable cluster: how suspicious the whole selection is; 0 with one cluster."""
        return max((each.tau for each in self.ranking), default=0.0)

    def parted(self, positions: NDArray[np.int64]) -> Atlas:
        """The same with two clusters, cut by hand: number 0 of those positions, as a lasso has them, and the rest, 1.

        Raises
        ------
        ValueError
            If one of them would be empty, or a position is out of range.
        """
        inside, known = np.zeros(len(self), bool), np.asarray(positions, np.int64)
        if len(known) and not (known.min() >= 0 and known.max() < len(self)):
            raise ValueError(f"Positions are from 0 to {len(self) - 1}, got {known.min()} to {known.max()}.")
        inside[known] = True
        if inside.all() or not inside.any():
            raise ValueError(f"Some of the {len(self):,} maps are to be inside and some outside, not {inside.sum():,}.")
        return replace(self, clusters=np.where(inside, 0, 1).astype(np.int32), clustering="chosen-2")

    def members(self, number: int) -> NDArray[np.int64]:
        """Rows of the store in a cluster, those nearest to its middle first.

        Raises
        ------
        ValueError
            If there is no cluster of that number.
        """
        inside = np.flatnonzero(self.clusters == number)
        if not len(inside):
            raise ValueError(f"There is no cluster {number}; there are clusters 0 to {self.count - 1}.")
        # The middle is where most are each other's neighbours: in the spectral embedding a cluster may be one point.
        degrees = self.spectrum.degrees[self.inverse[inside]]
        members: NDArray[np.int64] = self.rows[inside[np.argsort(-degrees, kind="stable")]]
        return members

    def cluster(self, number: int) -> Cluster:
        """What the samples of a cluster have in common; the first call reads all maps of the atlas.

        Raises
        ------
        ValueError
            If there is no cluster of that number.
        """
        rows = self.members(number)
        (sums, having), size = self._sums, len(rows)
        others = sums.sum(0) - sums[number]
        return Cluster(number, rows, sums[number] / size, others / max(1, len(self) - size), having[number])

    def to_frame(self) -> pd.DataFrame:
        """One line for each map, as a pandas DataFrame: row of the store, input, label, prediction, target, cluster.

        Of every embedding that was made there are two columns more, such as ``tsne_x`` and ``tsne_y``.

        Raises
        ------
        ImportError
            If pandas is not installed.
        """
        store = self.store
        columns = {name: getattr(store, name)[self.rows] for name in ("index", "label", "prediction", "target")}
        made = {name: self.embed(name, progress=False) for name in sorted(self.made)}
        axes = {f"{name}_{axis}": points[:, place] for name, points in made.items() for place, axis in enumerate("xy")}
        return frame({"row": self.rows, **columns, "cluster": self.clusters, **axes})

    def save(self, path: str | PathLike[str]) -> None:
        """Write the atlas, with the embeddings that were made, to the file `path`; the maps stay in the store."""
        atlas_file.write(self, path)

    @classmethod
    def load(cls, path: str | PathLike[str], store: RelevanceStore) -> Atlas:
        """The atlas that :meth:`save` wrote of `store`.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it is no atlas, or one of another store.
        """
        return atlas_file.read(path, store, cls)

    def _ranked(self, number: int, space: NDArray[np.float64]) -> Ranked:
        inside = self.clusters == number
        store = self.store
        truths = store.label[self.rows]
        kinds = (truths if len(np.unique(truths)) > 1 else store.prediction[self.rows])[inside]
        values, counts = np.unique(kinds, return_counts=True)
        most = int(counts.argmax())
        tau = separability(space, inside)
        return Ranked(number, len(kinds), tau, int(values[most]), float(counts[most] / len(kinds)))

    @cached_property
    def _sums(self) -> tuple[NDArray[np.float32], NDArray[np.int64]]:
        """Of each cluster, and behind those of noise: normalised maps summed, (k + 1, H, W), and how many are not 0."""
        shape = self.store.info.shape
        sums = np.zeros((self.count + 1, *(shape[1:] if len(shape) > 1 else shape)), np.float64)
        having = np.zeros_like(sums)
        numbers = np.array([*range(self.count), NOISE])
        for places, relevance in self.store.batches(self.rows):
            inside = (self.clusters[places] == numbers[:, None]).astype(np.float64)
            maps = unit_maps(relevance)
            sums += np.tensordot(inside, maps, 1)
            having += np.tensordot(inside, maps != 0, 1)
        return sums.astype(np.float32), having.astype(np.int64)


class _Embeddings(Mapping[str, NDArray[np.float32]]):
    """The embeddings of an atlas, made when they are looked up."""

    def __init__(self, atlas: Atlas) -> None:
        self._atlas = atlas

    def __getitem__(self, name: str) -> NDArray[np.float32]:
        if name not in embedding.names():
            raise KeyError(name)
        return self._atlas.embed(name)

    def __iter__(self) -> Iterator[str]:
        return iter(embedding.names())

    def __len__(self) -> int:
        return len(embedding.names())


def spray(
    selection: Selection | RelevanceStore,
    *,
    features: Features | None = None,
    neighbors: int = 10,
    clusters: Method | Literal["auto"] | int = "auto",
    embeddings: Sequence[str] = ("spectral",),
    seed: int = 0,
    progress: bool | Watcher = True,
) -> Atlas:
    """Spectral relevance analysis (Lapuschkin et al. 2019): the strategies behind a selection of decisions.

    Parameters
    ----------
    selection
        Relevance maps, such as ``store.select(label=3)``; a store stands for all its maps.
    features
        How maps are made comparable; by default signed relevance divided by Σ|R|, of the input, at most 32 × 32, or
        of the channels of a layer, whichever has clusters that stand apart more clearly; ``atlas.views`` tells.
    neighbors
        Neighbours of each sample in the graph; fewer where there are not so many samples.
    clusters
        "auto": k-means on as many eigenvectors as the eigengap suggests. A number: that many. "hdbscan" or
        "agglomerative": another clustering.
    embeddings
        What to compute at once: "spectral", "tsne", "umap". Others are computed when they are asked for.
    seed
        For everything random: the same seed gives the same atlas.
    progress
        True writes a line; a function gets a :class:`.Progress`, and may raise to end the work.

    Raises
    ------
    ValueError
        If nothing is left to compare (maps without relevance, or not finite, are left out and counted), or a
        parameter is out of its range.
    """
    from .store import RelevanceStore

    if isinstance(selection, RelevanceStore):
        selection = selection.select()
    if neighbors < 1:
        raise ValueError(f"neighbors must be 1 or more, got {neighbors!r}.")
    with listening(progress) as tell:
        return _sprayed(selection, features or Features(), neighbors, clusters, embeddings, seed, tell)


def _sprayed(
    selection: Selection,
    features: Features,
    neighbors: int,
    clusters: Method | Literal["auto"] | int,
    embeddings: Sequence[str],
    seed: int,
    tell: Watcher,
) -> Atlas:
    started = time.perf_counter()
    views: tuple[View, ...] = ()
    if features.layer == AUTO:
        views = looked(selection, features, [INPUT, *selection.store.info.layers], neighbors, seed, tell)
        features = replace(features, layer=views[0].layer)
    known = usable(selection, features, tell)
    first, inverse = distinct(known.features)
    vectors = known.features if len(first) == len(inverse) else known.features[first]
    tell(Progress(0, 1, "finding neighbours"))
    nearest = min(neighbors, len(vectors) - 1)
    affinity = neighbor_graph(vectors, nearest, seed)
    tell(Progress(0, 1, "eigenvalues"))
    found = spectrum(affinity, seed)
    notes = _notes(known.excluded, len(known.rows), len(vectors), nearest, neighbors, found)
    atlas = Atlas(
        selection, known.rows, known.excluded, features, nearest, seed, found, affinity, inverse,
        np.zeros(len(inverse), np.int32), "spectral-1", notes, views=views,
    )  # fmt: skip
    tell(Progress(0, 1, "clusters"))
    if isinstance(clusters, int):
        atlas = atlas.recluster("spectral", clusters)
    else:
        atlas = atlas.recluster("spectral" if clusters == "auto" else clusters)
    atlas = replace(atlas, seconds=time.perf_counter() - started)
    for name in embeddings:
        atlas.embed(name, progress=tell)
    return atlas


def _notes(
    excluded: Mapping[str, int], rows: int, distinct: int, nearest: int, wanted: int, found: Spectrum
) -> tuple[str, ...]:
    every = [
        *(f"{count} maps with {reason} are left out." for reason, count in excluded.items()),
        f"{rows - distinct} maps equal another one and share its place." if distinct < rows else "",
        f"With {distinct} different maps each has {nearest} neighbours, not {wanted}." if nearest < wanted else "",
        f"The neighbour graph has {found.components} separate parts." if found.components > 1 else "",
        f"Parts beyond the {len(found.eigenvalues)} largest have no eigenvectors and count as one cluster."
        if found.components > len(found.eigenvalues)
        else "",
        f"Neighbours of {distinct:,} maps are searched near each only: about 1 of 100 is missed."
        if distinct > EXACT
        else "",
    ]
    return tuple(filter(None, every))
