"""How much memory the process takes that this runs in, and how much a call adds at its peak."""

from __future__ import annotations

import ctypes
import gc
import re
from collections.abc import Callable
from pathlib import Path

PROCESS = Path("/proc/self")


def can_tell() -> bool:
    """Whether this system says it."""
    return (PROCESS / "clear_refs").exists()


def now() -> int:
    """Bytes of memory that the process takes now."""
    return _status("VmRSS")


def peak() -> int:
    """Bytes of memory that the process has taken at most."""
    return _status("VmHWM")


def added(run: Callable[[], object]) -> int:
    """Bytes by which the largest resident set during `run` exceeds that before it."""
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # else what was freed before would be used and not be counted
    (PROCESS / "clear_refs").write_text("5")  # the peak so far is forgotten
    before = now()
    run()
    return peak() - before


def _status(name: str) -> int:
    kilobytes = re.search(rf"{name}:\s*(\d+) kB", (PROCESS / "status").read_text())
    assert kilobytes
    return 1024 * int(kilobytes[1])
