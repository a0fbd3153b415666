"""Peak memory of one explanation by someone who starts with nothing but the model and its input."""

from __future__ import annotations

import ctypes
import gc
import re
import subprocess
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path

import torch

from .candidates import Case, gradient, ours, zennit

METHODS: dict[str, Callable[..., Callable[[], object]]] = {"gradient": gradient, "ours": ours, "zennit": zennit}
PROCESS = Path("/proc/self")


@cache
def peak(network: str, batch: int, device: str, method: str, *composite: str) -> int | None:
    """Bytes that the method takes at its peak beyond the model and its input; None where that cannot be told.

    Of a GPU, what torch has allocated. Of a CPU, the resident set of a fresh process, since one that has computed
    before holds memory that it would use again.
    """
    if device.startswith("cuda"):
        return _allocated(Case.build(network, batch, device), method, *composite)
    if device != "cpu" or not (PROCESS / "clear_refs").exists():
        return None
    command = [sys.executable, "-m", __name__, network, str(batch), method, *composite]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _allocated(case: Case, method: str, *composite: str) -> int:
    gc.collect()
    before = torch.cuda.memory_allocated(case.x.device)
    torch.cuda.reset_peak_memory_stats(case.x.device)
    METHODS[method](case, *composite)()
    return torch.cuda.max_memory_allocated(case.x.device) - before


def _resident(case: Case, method: str, *composite: str) -> int:
    gc.collect()
    ctypes.CDLL(None).malloc_trim(0)  # else what building the model has left would be used and not be counted
    (PROCESS / "clear_refs").write_text("5")  # the peak so far is forgotten
    before = _status("VmRSS")
    METHODS[method](case, *composite)()
    return _status("VmHWM") - before


def _status(name: str) -> int:
    kilobytes = re.search(rf"{name}:\s*(\d+) kB", (PROCESS / "status").read_text())
    assert kilobytes
    return 1024 * int(kilobytes[1])


if __name__ == "__main__":
    network, batch, *what = sys.argv[1:]
    print(_resident(Case.build(network, int(batch), "cpu"), *what))
