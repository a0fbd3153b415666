"""glibc, told while the process runs to keep freed memory, as `lrpwidgets serve` tells the processes that it starts."""

from __future__ import annotations

import ctypes
import platform

MALLOPT = {
    -8: 1,  # M_ARENA_MAX: threads share one arena; arenas of their own would return every large block
    -4: 0,  # M_MMAP_MAX: no block comes from the system on its own, to go back there when it is freed
    -2: 2**26,  # M_TOP_PAD
    -1: 2**31 - 1,  # M_TRIM_THRESHOLD
}
"""Numbers of malloc.h. By default each large activation costs a page fault per 4 KiB, again and again."""


def keep_freed() -> None:
    """Have this process keep freed memory, where its C library is glibc; for processes that only explain."""
    if platform.libc_ver()[0] == "glibc":
        libc = ctypes.CDLL(None)
        for parameter, value in MALLOPT.items():
            libc.mallopt(parameter, value)
