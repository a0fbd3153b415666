"""Clusters written into the store that they are of, as Zarr arrays beside its own: ``clusters/<name>``, (N,) int32."""

from __future__ import annotations

import os
import re
import shutil
import uuid
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from ..readable import Readable
from . import files, seal
from .chunks import Chunks
from .files import DamagedStoreError
from .plain import is_count

if TYPE_CHECKING:
    from .atlas import Atlas
    from .store import RelevanceStore

FOLDER = "clusters"
CHECKSUM = "checksum"
"""Among the attributes of the array: that of its only chunk."""
ABSENT = -2
"""In the place of a cluster's number: the row was not in the atlas. −1 is noise."""


GROUP = {**seal.GROUP, "attributes": {}}
"""What Zarr's file about the folder of all annotations says."""


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
    told = {"names": {str(number): text for number, text in (names or {}).items()}, **about}
    with files.locked(store.lock):
        _replace(store, name, labels, told)


def read_annotations(store: RelevanceStore) -> dict[str, Annotation]:
    """All clusterings that were written into `store`, by name; raises DamagedStoreError, which names a file."""
    return {folder.name: read(store, folder) for folder in folders(store)}


def folders(store: RelevanceStore) -> list[Path]:
    """Where they are; DamagedStoreError if that is a link."""
    group = store.path / FOLDER
    files.check_folder(group)
    if not group.is_dir():
        return []
    seal.check_known(group, GROUP)
    return [each for each in sorted(group.iterdir()) if each.name != seal.NAME and files.PARTIAL not in each.name]


def read(store: RelevanceStore, folder: Path) -> Annotation:
    """The clustering in `folder`; raises DamagedStoreError."""
    files.check_folder(folder)
    file = folder / seal.NAME
    way = "write these clusters again, or remove the folder"
    try:
        about, content = _attributes(folder)
        names, checksum = about.pop("names", None), about.pop(CHECKSUM, None)
        if not isinstance(names, dict) or not all(_is_name(*each) for each in names.items()):
            raise DamagedStoreError(f"its names are {names!r}")
        if not is_count(checksum):
            raise DamagedStoreError(f"its {CHECKSUM} is {checksum!r}")
        seal.check(folder, content)
        clusters = _clusters(folder, len(store), checksum)
    except FileNotFoundError:
        raise DamagedStoreError(f"{str(file)!r} is missing: {way}.") from None
    except DamagedStoreError as error:
        raise DamagedStoreError(f"{str(file)!r} cannot be used: {str(error).rstrip('.')}; {way}.") from None
    return Annotation(clusters, {int(number): text for number, text in names.items()}, about)


def _attributes(folder: Path) -> tuple[dict[str, Any], bytes]:
    """The attributes of an array but its seal, and the text of its description."""
    found, content = seal.read(folder)
    attributes = found.get("attributes") if isinstance(found, dict) else None
    if not isinstance(attributes, dict):
        raise DamagedStoreError(f"its attributes are {attributes!r}")
    return {name: told for name, told in attributes.items() if name != seal.SEAL}, content


def _replace(store: RelevanceStore, name: str, labels: NDArray[np.int32], about: dict[str, Any]) -> None:
    """Write an annotation beside that of its name, and put it in its place."""
    group = store.path / FOLDER
    others = folders(store)
    files.check_folder(group / name)
    seal.write_known(group, GROUP)
    new, old = (group / f".{name}.{uuid.uuid4().hex}{files.PARTIAL}" for _ in range(2))
    try:
        new.mkdir()
        array = _array(new, len(store))
        checksum = array.write(0, labels)
        seal.write(new, {**array.describe(), "attributes": {**about, CHECKSUM: checksum}})
        if group / name in others:
            os.rename(group / name, old)
        os.rename(new, group / name)
    finally:
        for folder in (new, old):
            shutil.rmtree(folder, ignore_errors=True)


def _clusters(folder: Path, rows: int, checksum: int) -> NDArray[np.int32]:
    array = _array(folder, rows)
    try:
        return array.read(0, checksum)
    except DamagedStoreError:
        raise DamagedStoreError(f"its {array.file(0).name!r} is not the one whose {CHECKSUM} it has") from None


def _array(folder: Path, rows: int) -> Chunks:
    return Chunks(folder, (rows,), rows, np.dtype(np.int32), ABSENT)


def _is_name(number: str, name: Any) -> bool:
    return re.fullmatch(r"-?[0-9]{1,9}", number) is not None and isinstance(name, str)


def _check(name: str) -> None:
    if name == "zarr.json" or not re.fullmatch(r"[A-Za-z0-9_-][A-Za-z0-9_.-]{0,99}", name):
        raise ValueError(f"{name!r} cannot name an annotation; use letters, digits, '-', '_' and '.', at most 100.")
