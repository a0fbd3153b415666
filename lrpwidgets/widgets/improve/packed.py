"""A repaired model as a file that a browser saves."""

from __future__ import annotations

import tempfile
from pathlib import Path

from ...improve import Repaired, save

LARGEST = 500 * 2**20
"""Bytes of a model that a page is sent."""


def packed(subject: Repaired) -> bytes:
    """The content of the safetensors file; ValueError if that is too large to be sent."""
    size = sum(each.numel() * each.element_size() for each in subject.model.state_dict().values())
    if size > LARGEST:
        raise ValueError(
            f"The model has {size / 2**20:,.0f} MB, and a page is sent {LARGEST // 2**20} MB at most: take the Python "
            "of this view, whose last line saves it."
        )
    with tempfile.TemporaryDirectory() as folder:
        return save(subject, Path(folder) / "model.safetensors").read_bytes()
