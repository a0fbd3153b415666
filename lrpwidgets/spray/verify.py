"""Is everything in a store as it was written? Read it all, name what is not, and remove that.

:func:`verify` is the way in; what is wrong with batches :mod:`.faults` finds.
"""

from __future__ import annotations

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import files, layout, seal
from .annotations import FOLDER, GROUP, folders
from .annotations import read as read_annotation
from .dataset_store import DatasetStore
from .faults import Fault, fault_of, faulty
from .files import DamagedStoreError
from .store import RelevanceStore


@dataclass
class Verdict:
    """What :func:`verify` found."""

    good: int
    """Chunks that are as they were written."""
    bad: int
    """Chunks that are not, or are lost."""
    pending: int
    """Batches of which there is nothing yet."""
    faults: list[Fault]
    """What is not as it was written, and stays so."""
    mended: list[Fault]
    """What was not, and was removed or written anew."""


def verify(path: Path, kind: type[DatasetStore[Any]], repair: bool = False) -> Verdict:
    """Read all of the store at `path` and tell what is not as it was written.

    Parameters
    ----------
    kind
        What it is a store of.
    repair
        Remove the chunks of batches that have a fault, so that the next attribution computes them again, and write the
        descriptions of arrays anew. What people made of it, notes and clusters, is left alone.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    """
    verdict = Verdict(0, 0, 0, [], [])
    try:
        store = kind(path, layout.description(path, kind.kind)[1])
    except ValueError as error:
        verdict.faults.append(Fault(path / seal.NAME, str(error)))
        return verdict
    known = {array.folder: array.describe() for array in store.arrays.values()}
    if os.path.lexists(store.path / FOLDER):
        known[store.path / FOLDER] = GROUP
    for folder, description in known.items():
        if fault := fault_of(folder / seal.NAME, partial(seal.check_known, folder, description)):
            fixed = repair and _described(folder, description)
            (verdict.mended if fixed else verdict.faults).append(fault)
    if not any(folder.is_symlink() or not folder.is_dir() for folder in known):  # else there is nothing to read there
        _read_batches(verdict, store, repair)
        verdict.faults += _of_people(store)
    told = {fault.file for fault in (*verdict.faults, *verdict.mended)}
    verdict.faults += [fault for fault in _strange(store.path) if fault.file not in told]
    return verdict


def _read_batches(verdict: Verdict, store: DatasetStore[Any], repair: bool) -> None:
    found = faulty(store)
    for number in range(store.batch_count):
        there = {file for array in store.arrays.values() if os.path.lexists(file := array.file(number))}
        faults = found.get(number, [])
        verdict.pending += not there
        verdict.good += len(there - {fault.file for fault in faults})
        verdict.bad += len(faults)
        fixed = repair and bool(faults) and store.remove(number)
        (verdict.mended if fixed else verdict.faults).extend(faults)


def _described(folder: Path, description: Mapping[str, Any]) -> bool:
    """Write the description of a group or array anew, and tell whether that helped."""
    try:
        files.check_folder(folder)
        seal.write_known(folder, description)
    except (OSError, DamagedStoreError):
        return False
    return True


def _of_people(store: DatasetStore[Any]) -> Iterator[Fault]:
    """What is wrong with what people made of the store."""
    if isinstance(store, RelevanceStore):
        with suppress(DamagedStoreError):  # a link, or the file about the folder of all: that is told by others
            for folder in folders(store):
                if fault := fault_of(folder, partial(read_annotation, store, folder)):
                    yield fault


def _strange(path: Path) -> Iterator[Fault]:
    """Links and special files anywhere in the store."""
    for parent, inside, names in os.walk(path):
        for file in (Path(parent, name) for name in (*inside, *names)):
            if file.is_symlink() or (file.exists() and not file.is_dir() and not file.is_file()):
                yield Fault(file, str(files.not_plain(file)))
