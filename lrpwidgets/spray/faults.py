"""Which files of a store's batches are not as they were written; an attribution begins with :func:`mend`.

A batch is whole if its table `samples` is, and each other array has the chunk whose checksum that table names.
"""

from __future__ import annotations

import os
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from .dataset_store import DatasetStore
from .files import DamagedStoreError, LostFileError

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


def mend(store: DatasetStore[Any]) -> None:
    """Remove what is left of batches of which files were lost, and say so; DamagedStoreError if a file was altered.

    All that is there is read, in a small part of the time that it took to compute it.
    """
    found = faulty(store)
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


def faulty(store: DatasetStore[Any]) -> dict[int, list[Fault]]:
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
    found = (fault_of(array.file(number), each) for array, each in zip(arrays, read, strict=True))
    return [fault for fault in found if fault]


def fault_of(file: Path, read: Callable[[], Any]) -> Fault | None:
    """What `read` raises about `file`."""
    try:
        read()
    except DamagedStoreError as error:
        return Fault.of(file, error)
    return None
