"""Interleaved timing: every candidate once a round, so that a drift of the machine's speed meets all alike."""

from __future__ import annotations

import gc
import statistics
import time
from collections.abc import Callable

import torch


def medians(candidates: dict[str, Callable[[], object]], rounds: int, device: str = "cpu") -> dict[str, float]:
    """Median seconds of each candidate after one round that does not count; nobody cleans up after another."""
    taken: dict[str, list[float]] = {name: [] for name in candidates}
    for number in range(rounds + 1):
        for name, run in candidates.items():
            gc.collect()
            started = _now(device)
            run()
            if number:
                taken[name].append(_now(device) - started)
    return {name: statistics.median(times) for name, times in taken.items()}


def table(title: str, columns: list[str], rows: list[list[str]]) -> None:
    """Print `rows` under `columns`, the first column to the left."""
    widths = [max(len(line[i]) for line in [columns, *rows]) for i in range(len(columns))]
    print(f"\n{title}")
    for line in [columns, ["─" * width for width in widths], *rows]:
        cells = [
            line[0].ljust(widths[0]),
            *(cell.rjust(width) for cell, width in zip(line[1:], widths[1:], strict=True)),
        ]
        print("  ".join(cells), flush=True)


def _now(device: str) -> float:
    if device.startswith("cuda"):
        torch.cuda.synchronize()
    return time.perf_counter()
