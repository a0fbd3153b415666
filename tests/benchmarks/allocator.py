"""glibc's allocator decides much on a CPU: by default each large activation costs a page fault per 4 KiB.

The dashboards' server therefore tells it to keep freed memory, and so do the benchmarks of the backend.
"""

from __future__ import annotations

import os
import sys

from lrpwidgets.dashboards.server import ALLOCATOR


def tuned() -> bool:
    return all(os.environ.get(name) == value for name, value in ALLOCATOR.items())


def tune() -> None:
    """Start this process over, once, with the settings in its environment: glibc reads them at the start only."""
    if not tuned():
        os.execve(sys.executable, [sys.executable, *sys.orig_argv[1:]], {**os.environ, **ALLOCATOR})


def untuned() -> dict[str, str]:
    """The environment without the settings, for a process that is to be measured as a user starts it."""
    return {name: value for name, value in os.environ.items() if name not in ALLOCATOR}
