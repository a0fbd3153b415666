"""Peak memory of one explanation by someone who starts with nothing but the model and its input."""

from __future__ import annotations

import gc
import subprocess
import sys
from collections.abc import Callable
from functools import cache

import torch

from .candidates import Case, gradient, ours, zennit
from .resident import added, can_tell

METHODS: dict[str, Callable[..., Callable[[], object]]] = {"gradient": gradient, "ours": ours, "zennit": zennit}


@cache
def peak(network: str, batch: int, device: str, method: str, *composite: str) -> int | None:
    """Bytes that the method takes at its peak beyond the model and its input; None where that cannot be told.

    Of a GPU, what torch has allocated. Of a CPU, the resident set of a fresh process, since one that has computed
    before holds memory that it would use again.
    """
    if device.startswith("cuda"):
        return _allocated(Case.build(network, batch, device), method, *composite)
    if device != "cpu" or not can_tell():
        return None
    command = [sys.executable, "-m", __name__, network, str(batch), method, *composite]
    return int(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def _allocated(case: Case, method: str, *composite: str) -> int:
    gc.collect()
    before = torch.cuda.memory_allocated(case.x.device)
    torch.cuda.reset_peak_memory_stats(case.x.device)
    METHODS[method](case, *composite)()
    return torch.cuda.max_memory_allocated(case.x.device) - before


if __name__ == "__main__":
    network, batch, *what = sys.argv[1:]
    case = Case.build(network, int(batch), "cpu")
    print(added(lambda: METHODS[what[0]](case, *what[1:])()))
