"""Random numbers that are the same for the same seed, and leave those of everybody else alone."""

from __future__ import annotations

import random
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch

from ..knobs import knob


def seed() -> Any:
    """A dataclass field for the seed of what is random."""
    return knob(0, "seed", "Another one: other random draws.", (0, 100), least=0, most=2**32 - 1, whole=True)


@contextmanager
def seeded(number: int) -> Iterator[None]:
    """Begin the random numbers of torch, NumPy and Python at a seed; afterwards they go on as if nothing had been.

    One thread at a time: they belong to the process.
    """
    devices = range(torch.cuda.device_count())  # all of them, and no warning that there are several
    with _ONE_AT_A_TIME, torch.random.fork_rng(devices):
        ours, theirs = np.random.get_state(), random.getstate()
        try:
            torch.manual_seed(number)
            np.random.seed(number)
            random.seed(number)
            yield
        finally:
            np.random.set_state(ours)
            random.setstate(theirs)


_ONE_AT_A_TIME = threading.RLock()
