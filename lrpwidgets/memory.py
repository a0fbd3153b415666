"""Memory: what the machine has, and the container or service around this; what the process takes, and gives back."""

from __future__ import annotations

import ctypes
import platform
import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import psutil

PROCESS, MOUNTED = Path("/proc/self/cgroup"), Path("/sys/fs/cgroup")
"""Which control groups this process is in, and where Linux tells about them."""

FILES = (
    ("memory.max", "memory.current", "inactive_file"),
    ("memory.limit_in_bytes", "memory.usage_in_bytes", "total_inactive_file"),
)
"""Of control groups in version 2 and in version 1: limit, usage, and what of `memory.stat` is a cache of files."""

UNITS = {"MB": 10**6, "GB": 10**9, "TB": 10**12}
"""Bytes of what sizes are said in."""


def size(text: str) -> int:
    """The bytes of a size such as ``2GB``; ValueError if it is none."""
    if found := re.fullmatch(r"(\d{1,6}(?:\.\d{1,6})?) ?([MGT]B)", text.strip(), re.IGNORECASE):
        return int(float(found[1]) * UNITS[found[2].upper()])
    raise ValueError(f"A size of memory is a number with MB, GB or TB, such as 2GB or 1.5GB; got {text!r}.")


def total() -> int:
    """Bytes of memory that the machine has, or the container or service around this process."""
    return min([int(psutil.virtual_memory().total), *(limit for limit, _ in _limits())])


def free() -> int:
    """Bytes of memory that may still be taken, here and now."""
    left = (max(0, limit - used) for limit, used in _limits())
    return min([int(psutil.virtual_memory().available), *left])


def resident() -> int:
    """Bytes of memory that this process takes now; those that it shares with others are among them."""
    return int(psutil.Process().memory_info().rss)


def give_back() -> None:
    """Hand what was freed back to the system, where the C library is glibc; others do so by themselves.

    It keeps holes between what is in use: of a process that explains one input after another, hundreds of megabytes.
    """
    if platform.libc_ver()[0] == "glibc":
        ctypes.CDLL(None).malloc_trim(0)


def _limits() -> Iterator[tuple[int, int]]:
    """Limit and usage in bytes of each control group around this process that has a limit."""
    for folder in _groups():
        for limit, usage, cache in FILES:
            with suppress(OSError, ValueError, KeyError):  # not there, or its limit is "max"
                told = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                used = int((folder / usage).read_text()) - int(told[cache])
                yield int((folder / limit).read_text()), used


def _groups() -> Iterator[Path]:
    """Folders of the groups around this process; a container may see its own one as the outermost."""
    lines = PROCESS.read_text().splitlines() if PROCESS.exists() else []
    for _, kinds, path in (line.split(":", 2) for line in lines):
        if kinds in ("", "memory"):
            outermost = MOUNTED / kinds
            innermost = outermost / path.lstrip("/")
            yield from (innermost, *(each for each in innermost.parents if each.is_relative_to(outermost)))
