"""How a store over a data set lies on disk: a Zarr group (version 3) that any Zarr library reads.

Its attributes say where the numbers come from (`Origin`) and keep notes; its arrays have one chunk per batch of inputs,
so that no two writers share a file. Those of a relevance store are:

=========== ============= ======================================================================================
relevance   (N, C, H, W)  in 16 or 32 bits; times `scale` it is the relevance of the input, or its pooled sums; of
                          texts (N, V), on the vocabulary, zeros included: 2 or 4 bytes for each token of it
channels    (N, C)        the relevance of the channels of some layers, one layer after the other, summed over
                          positions, in 32 bits; none if the network has no such layers
failure     (N, 256)      why an input could not be read or explained, in UTF-8; its chunks are rare
samples     (N, 6 + …)    the columns of `COLUMNS` for each input, all of them as 64-bit floats, and after them the
                          checksum of the chunk of each other array that has this input
=========== ============= ======================================================================================

Every store has the last two. `samples` is one table, as files cost more than numbers: with an array for each column,
writing them took a seventh of the time that a small network's explanations take. It is written last: a batch whose
chunk of it is there is done. By its first column it is known which batch it is of, and by its checksums which chunks
belong to it, so that none takes another's place.
Nothing in a store is random or a time, so one that was interrupted equals one that was not, file by file.
"""

from __future__ import annotations

import os
import shutil
import uuid
from contextlib import suppress
from pathlib import Path
from typing import Any, TypeVar

import numpy as np

from . import files, seal
from .chunks import Chunks
from .files import DamagedStoreError
from .info import ArrayKind, Info, Origin

COLUMNS: dict[str, type[np.generic]] = {
    "index": np.int32,  # number of the input in the data set
    "label": np.int32,  # class that the data set gives; −1 is none
    "prediction": np.int32,  # class of the highest score; −1: the input failed
    "target": np.int32,  # class that is explained; −1 is none
    "score": np.float32,  # of that class
    "scale": np.float32,  # of relevance: a power of two, so that 16 bits neither over- nor underflow; 1 for 32 bits
}
"""Columns of the table `samples`, with the type in which each is handed out."""

PENDING, FAILED = -2, -1
"""In place of a prediction: not attributed yet; could not be read or explained."""

REASON = 256
"""Bytes of the longest reason why an input failed."""

DESCRIPTION, NOTES = seal.NAME, "notes"
"""The file that makes a folder a Zarr group, and what of its attributes is the user's."""

CHECKSUM = "checksum of "
"""In the name of a column, what comes before that of an array."""

Told = TypeVar("Told", bound=Origin)


def arrays(path: Path, info: Origin) -> dict[str, Chunks]:
    """The arrays that a store consists of, by name, in the order in which a batch is written."""
    kinds: dict[str, ArrayKind] = info.arrays()
    kinds["failure"] = ((REASON,), np.dtype(np.uint8), 0)
    columns = [*COLUMNS, *(CHECKSUM + name for name in kinds)]
    kinds["samples"] = ((len(columns),), np.dtype(np.float64), np.nan)
    told = {"samples": {"columns": columns}}
    return {
        name: Chunks(path / name, (info.inputs, *shape), info.batch_size, dtype, fill, told.get(name, {}))
        for name, (shape, dtype, fill) in kinds.items()
    }


def make(path: Path, info: Origin) -> None:
    """Make a store without numbers at `path`; raises ValueError if there is something else.

    It is made under another name, so that whatever ends this leaves either no store or a whole one.
    """
    check_free(path, type(info))
    begun = path.absolute().with_name(f".{path.name}.{uuid.uuid4().hex}{files.PARTIAL}")
    try:
        _make(begun, info)
        with suppress(FileNotFoundError):
            path.rmdir()
        os.rename(begun, path)
    except OSError:
        if not (path / DESCRIPTION).exists():  # else another process was as quick
            raise
    finally:
        shutil.rmtree(begun, ignore_errors=True)


def check_free(path: Path, kind: type[Origin] = Info) -> None:
    """Raise ValueError if there is something at `path` that is no store, or one without its description."""
    _check_begun(path)
    if path.exists() and not os.path.lexists(path / DESCRIPTION) and (not path.is_dir() or any(path.iterdir())):
        raise ValueError(f"{str(path)!r} is not empty and holds no {kind.store}; choose another folder.")


def description(path: Path, kind: type[Told]) -> tuple[dict[str, Any], Told]:
    """What the file `DESCRIPTION` of the store at `path` says, one of that kind, and that of where it comes from.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If it is damaged, or of another Zarr group; the message names the file and, if it is one, the field.
    """
    try:
        found, content = seal.read(path)
    except (FileNotFoundError, NotADirectoryError):
        _check_begun(path)
        raise FileNotFoundError(f"There is no {kind.store} in {str(path)!r}; {kind.way}.") from None
    attributes = found.get("attributes") if isinstance(found, dict) else None
    if not isinstance(attributes, dict) or not isinstance(attributes.get(kind.key), dict):
        raise DamagedStoreError(
            f"{str(path / DESCRIPTION)!r} does not describe a {kind.store}: it is damaged, or of something else. Copy "
            "that file from a store that was begun in the same way, or choose another folder."
        )
    try:
        info = kind.from_dict(attributes[kind.key])
        if not isinstance(attributes.get(NOTES, {}), dict):
            raise ValueError(f"its {NOTES} are {attributes[NOTES]!r}; copy it again, or write others.")
    except ValueError as error:
        raise ValueError(f"{str(path / DESCRIPTION)!r} cannot be used: {error}") from None
    seal.check(path, content)
    return found, info


def _check_begun(path: Path) -> None:
    """Raise DamagedStoreError if there are arrays of a store at `path`, and nothing that says what they are."""
    if (path / "samples").is_dir() and not os.path.lexists(path / DESCRIPTION):
        raise DamagedStoreError(
            f"{str(path / DESCRIPTION)!r} is missing: copy it again, from a backup or from a store that was begun in "
            "the same way, or choose another folder."
        )


def read_info(path: Path, kind: type[Told]) -> Told:
    """Where the store at `path` comes from, one of that kind; raises as :func:`description` does."""
    info = description(path, kind)[1]
    for array in arrays(path, info).values():
        array.check()
    return info


def _make(path: Path, info: Origin) -> None:
    path.mkdir(parents=True)
    for array in arrays(path, info).values():
        array.make()
    seal.write(path, {**seal.GROUP, "attributes": {info.key: info.to_dict()}})
