"""Clusters written into the store that they are of, as Zarr arrays beside its own: ``clusters/<name>``, (N,) int32."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..readable import Readable

if TYPE_CHECKING:
    from .atlas import Atlas
    from .store import RelevanceStore

FOLDER = "clusters"
ABSENT = -2
"""In the place of a cluster's number: the row was not in the atlas. −1 is noise."""


@dataclass(frozen=True, eq=False, repr=False)
class Annotation(Readable):
    """A clustering that was written into a store."""

    clusters: NDArray[np.int32]
    """The cluster of each row of the store, (N,); −1 noise, −2 not in the atlas."""
    names: dict[int, str]
    """Names that a person gave to clusters."""
    about: dict[str, Any]
    """How the clusters were made."""


def annotate(atlas: Atlas, name: str, names: Mapping[int, str] | None = None) -> None:
    """Write the clusters of `atlas` into its store as `name`, in the place of those of that name before.

    Parameters
    ----------
    name
        Letters, digits, "-", "_" and "."; it becomes the name of a folder.
    names
        What clusters are called, by number.

    Raises
    ------
    ValueError
        If the name cannot be that of a folder in the store.
    """
    import zarr

    _check(name)
    store = atlas.store
    labels = np.full(len(store), ABSENT, np.int32)
    labels[atlas.rows] = atlas.clusters
    about = {
        "selection": atlas.selection.name,
        "clustering": atlas.clustering,
        "features": atlas.features.to_dict(),
        "neighbors": atlas.neighbors,
        "seed": atlas.seed,
        "composite": store.info.composite["name"],
    }
    group = zarr.open_group(store.path, mode="r+").require_group(FOLDER)
    array = group.create_array(name, data=labels, overwrite=True)
    array.attrs.update({"names": {str(number): text for number, text in (names or {}).items()}, **about})


def read_annotations(store: RelevanceStore) -> dict[str, Annotation]:
    """All clusterings that were written into `store`, by name."""
    import zarr

    folder = zarr.open_group(store.path, mode="r").get(FOLDER)
    if not isinstance(folder, zarr.Group):
        return {}
    found = {}
    for name, array in folder.arrays():
        about: dict[str, Any] = dict(array.attrs)
        names = {int(number): str(text) for number, text in about.pop("names", {}).items()}
        found[name] = Annotation(np.asarray(array[:], np.int32), names, about)
    return found


def _check(name: str) -> None:
    if name == "zarr.json" or not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", name):
        raise ValueError(f"{name!r} cannot name an annotation; use letters, digits, '-', '_' and '.', at most 100.")
