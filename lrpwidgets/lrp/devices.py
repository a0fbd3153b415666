"""Where to compute."""

from __future__ import annotations

import torch


def available_device(device: str | torch.device) -> torch.device:
    """`device` if it can be computed on; else ValueError that names those that are there."""
    try:
        wanted = torch.device(device)
        torch.empty(0, device=wanted)
    except (RuntimeError, AssertionError, NotImplementedError) as error:
        there = ["cpu", *(["mps"] if torch.backends.mps.is_available() else [])]
        there += [f"cuda:{index}" for index in range(torch.cuda.device_count())]
        raise ValueError(f"The device {str(device)!r} is not there; this machine has {', '.join(there)}.") from error
    return wanted
