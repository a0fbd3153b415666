"""Weights of the networks that come in five versions, one per seed, a file for all five.

A file holds each parameter of the five networks as one tensor (5, ...) in 16 bits; `load_weights` reads one
network's, `save_weights` writes all. Both ways round to 16 bits, so what is measured after is what ships.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from torch import nn

SEEDS = range(5)
"""Versions of each network: other data, other initial weights."""

WEIGHTS = Path(__file__).parent / "weights"


def check_seed(seed: int) -> None:
    """ValueError for a seed of which there is no trained network."""
    if seed not in SEEDS:
        raise ValueError(f"seed must be a whole number from 0 to {SEEDS[-1]}, of a network that ships; got {seed!r}.")


def load_weights(model: nn.Module, name: str, seed: int) -> nn.Module:
    """Give `model` the weights that ship as `name`, and put it into evaluation mode."""
    from safetensors import safe_open

    check_seed(seed)
    with safe_open(WEIGHTS / f"{name}.safetensors", "pt") as file:
        model.load_state_dict({key: file.get_slice(key)[seed].float() for key in file.keys()})  # noqa: SIM118, it is no dict
    return model.eval()


def save_weights(models: Sequence[nn.Module], name: str, folder: Path = WEIGHTS) -> Path:
    """Write the networks of all seeds, in their order, as `name`; returns the file."""
    import torch
    from safetensors.torch import save_file

    states = [model.state_dict() for model in models]
    path = folder / f"{name}.safetensors"
    save_file({key: torch.stack([state[key] for state in states]).half().contiguous() for key in states[0]}, path)
    return path
