"""HDF5 files that strangers made: opened only for the time of a read, every key and shape checked."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]


def inside(folder: Path, name: Any) -> Path:
    """The path `name` relative to `folder`; ValueError if it leads out of it, FileNotFoundError if it is not there."""
    path = (folder / str(name)).resolve()  # a symbolic link may lead out as well
    if not path.is_relative_to(folder.resolve()):
        raise ValueError(
            f"The path {str(name)!r} leaves the project's folder {str(folder)!r}: move what it names there."
        )
    if not path.exists():
        raise FileNotFoundError(f"The project names {str(name)!r}, which is not in {str(folder)!r}: copy it there.")
    return path


@contextmanager
def opened(path: Path) -> Iterator[Any]:
    """The HDF5 file, to be read; ValueError if it is none or is damaged, there or later."""
    import h5py  # takes a while, and few need it

    try:
        with h5py.File(path, "r") as file:
            yield file
    except OSError as error:
        problem = f"is no HDF5 file, or is damaged or cut off ({error})"
        raise ValueError(f"{path.name!r} {problem}: save or copy it again.") from error


def member(group: Any, key: str) -> Any:
    """What is at `key`, a group or dataset; ValueError if there is nothing, or if it lies outside of the file."""
    if is_array(group):
        raise ValueError(f"{where(group)} is {described(group)}; it should be a group with {key!r}.")
    found = group.get(key)
    if found is None:
        raise ValueError(f"{where(group)} has no {key!r}; it has {', '.join(map(repr, group)) or 'nothing'}.")
    # HDF5 can take data from any other file of the machine: a stranger's project shall not show those.
    outside = found.file.filename != group.file.filename
    if outside or (is_array(found) and (found.external or found.is_virtual)):
        raise ValueError(f"{where(group)} takes {key!r} from another file: copy the data into this one.")
    return found


def members(group: Any, key: str) -> dict[str, Any]:
    """All that is in the group at `key`, by name; ValueError if there is no such group."""
    found = member(group, key)
    if is_array(found):
        raise ValueError(f"{where(found)} is {described(found)}; it should be a group of arrays.")
    return {name: member(found, name) for name in found}


def values(found: Any, shape: tuple[int | None, ...], kinds: str = "fiub") -> Array:
    """All values of a dataset.

    Parameters
    ----------
    found : h5py.Dataset or h5py.Group
        What should be that dataset.
    shape : tuple
        What it must have, None for any length.
    kinds : str
        What its numpy dtype may be: "f" float, "i" and "u" int, "b" bool.

    Raises
    ------
    ValueError
        If it is no such dataset.
    """
    if not (is_array(found) and _fits(found.shape, shape) and found.dtype.kind in kinds):
        sizes = ", ".join("any" if size is None else str(size) for size in shape)
        wanted = f"{'numbers' if 'f' in kinds else 'integers'} ({sizes})"
        raise ValueError(f"{where(found)} is {described(found)}; it should be {wanted}.")
    return np.asarray(found[()])


def _fits(shape: tuple[int, ...], wanted: tuple[int | None, ...]) -> bool:
    return len(shape) == len(wanted) and all(size in (None, real) for size, real in zip(wanted, shape, strict=True))


def is_array(found: Any) -> bool:
    """Whether it is a dataset, not a group."""
    return hasattr(found, "dtype")


def described(found: Any) -> str:
    """What it is, in words: "float32 (3, 8, 8)"."""
    return f"{found.dtype} {found.shape}" if is_array(found) else "a group"


def where(found: Any) -> str:
    """Where a group or dataset is, in words: "'analysis.h5' at /horse"."""
    file = repr(Path(found.file.filename).name)
    return file if found.name == "/" else f"{file} at {found.name}"


@dataclass(frozen=True)
class Series:
    """The samples at one key of a file: the rows of an array, or the arrays of a group in order of their names."""

    path: Path
    key: str
    names: tuple[str, ...] | None
    """Names in the group; None for an array."""
    length: int

    @classmethod
    def at(cls, file: Any, key: str) -> Series:
        """Those at `key` of an open file; ValueError if there are none."""
        found = member(file, key)
        if is_array(found) and (not found.ndim or found.dtype.kind not in "fiub"):
            raise ValueError(f"{where(found)} is {described(found)}; it should be numbers, a row for each sample.")
        return cls(Path(file.filename), key, None if is_array(found) else tuple(found), len(found))

    def __len__(self) -> int:
        return self.length

    def rows(self, file: Any, rows: Array) -> Array:
        """Samples at `rows`, at least one int, in any order; ValueError if they differ in shape."""
        found = member(file, self.key)
        return self._members(found, rows) if self.names is not None else _slices(found, rows)

    def _members(self, group: Any, rows: Array) -> Array:
        assert self.names is not None
        members = [member(group, self.names[row]) for row in rows]
        unlike = [found for found in members if not is_array(found) or found.shape != members[0].shape]
        if unlike:
            other = f"others there are {described(members[0])}"
            raise ValueError(f"{where(unlike[0])} is {described(unlike[0])}, {other}: samples need one shape.")
        return np.stack([found[()] for found in members])


def _slices(dataset: Any, rows: Array) -> Array:
    """Rows of a dataset; neighbours are read at once, since h5py is slow where it is given long lists of rows."""
    distinct, positions = np.unique(rows, return_inverse=True)
    runs = np.split(distinct, np.flatnonzero(np.diff(distinct) > 1) + 1)
    return np.concatenate([dataset[run[0] : run[-1] + 1] for run in runs])[positions]
