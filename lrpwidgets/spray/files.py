"""The files of a store: plain ones only, written whole or not at all, and put on the disk."""

from __future__ import annotations

import ctypes
import os
import stat
import sys
import uuid
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

PARTIAL = ".partial"
"""End of the names of files that are being written."""


class DamagedStoreError(ValueError):
    """A file of a store is missing, cut off or altered; the message says which, and the way out."""


class LostFileError(DamagedStoreError):
    """It is missing or cut off, as it may be after a machine went down: the next attribution makes it again."""


def read(file: Path) -> bytes:
    """The content of a plain file; FileNotFoundError, or DamagedStoreError for a link or a special file."""
    if not stat.S_ISREG(file.lstat().st_mode):  # a link may lead anywhere, a pipe would never end
        raise not_plain(file)
    return file.read_bytes()


def check_folder(folder: Path) -> None:
    """Raise DamagedStoreError if there is something else than a folder; also for a link to one."""
    if os.path.lexists(folder) and not stat.S_ISDIR(folder.lstat().st_mode):
        raise not_plain(folder)


def not_plain(file: Path) -> DamagedStoreError:
    """What to raise for something that does not belong into a store."""
    kind = "a symbolic link" if file.is_symlink() else "a folder" if file.is_dir() else "a special file or misplaced"
    return DamagedStoreError(
        f"{str(file)!r} is {kind}, and a store consists of plain files in folders of its own: remove it, or put the "
        "files themselves there."
    )


def replace(file: Path, *parts: bytes, settled: bool = False) -> None:
    """Write `parts` as the content of `file`, as :func:`replacing` does."""
    with replacing(file, settled) as opened:
        opened.writelines(parts)


@contextmanager
def replacing(file: Path, settled: bool = False) -> Iterator[BinaryIO]:
    """What to write the content of `file` into, which is never seen half-written; `settled` is on the disk then."""
    partial = file.with_name(f"{file.name}.{uuid.uuid4().hex}{PARTIAL}")  # two writers never share it
    try:
        with partial.open("xb") as opened:
            yield opened
            if settled:
                opened.flush()
                os.fsync(opened.fileno())
        os.replace(partial, file)
    except BaseException:
        partial.unlink(missing_ok=True)
        raise
    if settled:
        _settle_names(file.parent)


def settle(folder: Path) -> None:
    """Return when everything that was written below `folder` is on the disk.

    Linux is asked for the whole file system at once: 300 files took 20 ms, and one by one up to 90 ms each.
    """
    if sys.platform == "linux":
        opened = os.open(folder, os.O_RDONLY)
        try:
            done = ctypes.CDLL(None, use_errno=True).syncfs(opened) == 0
        finally:
            os.close(opened)
        if not done:
            error = ctypes.get_errno()
            raise OSError(error, os.strerror(error), str(folder))
    else:
        settle_each(folder)


def settle_each(folder: Path) -> None:
    """As :func:`settle`, file by file."""
    for parent, _, names in os.walk(folder):
        for name in names:
            with suppress(FileNotFoundError), open(os.path.join(parent, name), "r+b") as opened:
                os.fsync(opened.fileno())
        _settle_names(Path(parent))


def _settle_names(folder: Path) -> None:
    """Put on the disk which files a folder has; Windows does that by itself."""
    if os.name == "posix":
        opened = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(opened)
        finally:
            os.close(opened)


@contextmanager
def locked(file: Path) -> Iterator[None]:
    """Wait until nobody else is inside a ``with locked(file)``, in this process or another one.

    `file` is left as it is, and must be one that nobody replaces. The lock ends with the process that has it.
    """
    with file.open("r+b") as opened:
        if sys.platform == "win32":
            import msvcrt

            opened.seek(1 << 30)  # beyond the end, as Windows keeps others from reading what is locked
            msvcrt.locking(opened.fileno(), msvcrt.LK_LOCK, 1)
            try:
                yield
            finally:
                opened.seek(1 << 30)
                msvcrt.locking(opened.fileno(), msvcrt.LK_UNLCK, 1)
        else:
            import fcntl

            fcntl.flock(opened, fcntl.LOCK_EX)  # until it is closed
            yield
