"""Is everything in a store as it was written? Read it all, name what is not, and remove that.

:func:`verify` is the way in; an attribution begins with :func:`mend`, which asks the same of what it goes on with. A
batch is whole if its table `samples` is, and each other array has the chunk whose checksum that table names.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from . import files, layout, seal
from .annotations import FOLDER, GROUP, folders
from .annotations import read as read_annotation
from .dataset_store import DatasetStore
from .files import DamagedStoreError, LostFileError
from .store import RelevanceStore

BETWEEN = 0.02
"""Seconds after which batches with a fault are looked at again: somebody may have been writing them."""

UNKNOWN = -1
"""No checksum: of a chunk that the table of its batch does not name."""


@dataclass(frozen=True)
class Fault:
    """A file of a store that is not as it was written."""

    file: Path
    sentence: str
    """What is wrong with it, and what to do."""
    lost: bool = False
    """Whether it is only missing or cut off."""

    @classmethod
    def of(cls, file: Path, error: DamagedStoreError) -> Fault:
        """What was raised about `file`."""
        return cls(file, str(error), isinstance(error, LostFileError))


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
        if fault := _fault(folder / seal.NAME, partial(seal.check_known, folder, description)):
            fixed = repair and _described(folder, description)
            (verdict.mended if fixed else verdict.faults).append(fault)
    if not any(folder.is_symlink() or not folder.is_dir() for folder in known):  # else there is nothing to read there
        _read_batches(verdict, store, repair)
        verdict.faults += _of_people(store)
    told = {fault.file for fault in (*verdict.faults, *verdict.mended)}
    verdict.faults += [fault for fault in _strange(store.path) if fault.file not in told]
    return verdict


def mend(store: DatasetStore[Any]) -> None:
    """Remove what is left of batches of which files were lost, and say so; DamagedStoreError if a file was altered.

    All that is there is read, in a small part of the time that it took to compute it.
    """
    found = _faulty(store)
    if altered := [fault for each in found.values() for fault in each if not fault.lost]:
        more = f" {len(altered) - 1:,} more of its files are damaged." if altered[1:] else ""
        raise DamagedStoreError(altered[0].sentence + more)
    lost = []
    for number, faults in found.items():
        if store.arrays["samples"].file(number).exists():  # else it is only begun, perhaps by somebody who goes on
            store.remove(number)
            lost += faults
    if lost:
        what = f"Files of the store {str(store.path)!r} were lost ({len(lost):,}), and their inputs are computed again"
        warnings.warn(f"{what}. The first is {str(lost[0].file)!r}.", RuntimeWarning, stacklevel=5)


def _read_batches(verdict: Verdict, store: DatasetStore[Any], repair: bool) -> None:
    found = _faulty(store)
    for number in range(store.batch_count):
        there = {file for array in store.arrays.values() if os.path.lexists(file := array.file(number))}
        faults = found.get(number, [])
        verdict.pending += not there
        verdict.good += len(there - {fault.file for fault in faults})
        verdict.bad += len(faults)
        fixed = repair and bool(faults) and store.remove(number)
        (verdict.mended if fixed else verdict.faults).extend(faults)


def _faulty(store: DatasetStore[Any]) -> dict[int, list[Fault]]:
    """The faults of each batch that has some, and has them still a moment later."""
    found = {number: faults for number in range(store.batch_count) if (faults := _faults(store, number))}
    if found:
        time.sleep(BETWEEN)
    return {number: faults for number in found if (faults := _faults(store, number))}


def _faults(store: DatasetStore[Any], number: int) -> list[Fault]:
    """What is wrong with a batch."""
    samples, others = store.arrays["samples"], [name for name in store.arrays if name != "samples"]
    begun = [name for name in others if os.path.lexists(store.arrays[name].file(number))]
    if not begun and not os.path.lexists(samples.file(number)):
        return []
    try:
        written = store.checksums(store.table(number))
    except DamagedStoreError as error:
        return [Fault.of(samples.file(number), error)]
    arrays = [store.arrays[name] for name in others if name in {*begun, *written}]
    read = [partial(array.read, number, written.get(array.folder.name, UNKNOWN)) for array in arrays]
    found = (_fault(array.file(number), each) for array, each in zip(arrays, read, strict=True))
    return [fault for fault in found if fault]


def _fault(file: Path, read: Callable[[], Any]) -> Fault | None:
    """What `read` raises about `file`."""
    try:
        read()
    except DamagedStoreError as error:
        return Fault.of(file, error)
    return None


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
                if fault := _fault(folder, partial(read_annotation, store, folder)):
                    yield fault


def _strange(path: Path) -> Iterator[Fault]:
    """Links and special files anywhere in the store."""
    for parent, inside, names in os.walk(path):
        for file in (Path(parent, name) for name in (*inside, *names)):
            if file.is_symlink() or (file.exists() and not file.is_dir() and not file.is_file()):
                yield Fault(file, str(files.not_plain(file)))
