"""How much memory there is for more kernels: what the machine has left, and the container or service around this."""

from __future__ import annotations

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


def free() -> int:
    """Bytes of memory that may still be taken, here and now."""
    return min([int(psutil.virtual_memory().available), *_left_in_groups()])


def _left_in_groups() -> Iterator[int]:
    """Bytes that each control group around this process leaves it, of those that have a limit."""
    for folder in _groups():
        for limit, usage, cache in FILES:
            with suppress(OSError, ValueError, KeyError):  # not there, or its limit is "max"
                told = dict(line.split() for line in (folder / "memory.stat").read_text().splitlines())
                used = int((folder / usage).read_text()) - int(told[cache])
                yield max(0, int((folder / limit).read_text()) - used)


def _groups() -> Iterator[Path]:
    """Folders of the groups around this process; a container may see its own one as the outermost."""
    lines = PROCESS.read_text().splitlines() if PROCESS.exists() else []
    for _, kinds, path in (line.split(":", 2) for line in lines):
        if kinds in ("", "memory"):
            outermost = MOUNTED / kinds
            innermost = outermost / path.lstrip("/")
            yield from (innermost, *(each for each in innermost.parents if each.is_relative_to(outermost)))
