"""Inputs and their relevance as pictures: for the eye, in the sizes of a page."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ...subjects import Subject

SIDE = 96
"""Pixels of a small picture's side, at most."""


def pixels(subject: Subject, x: Tensor) -> NDArray[np.uint8]:
    """An input (C, H, W) as the subject shows it, RGB (H, W, 3)."""
    return np.asarray(subject.to_image(x.detach().cpu().float()).convert("RGB"))


def small(picture: NDArray[np.uint8], side: int = SIDE) -> NDArray[np.uint8]:
    """A picture that is at most `side` pixels wide and high."""
    most = max(picture.shape[:2])
    if most <= side:
        return np.ascontiguousarray(picture)
    height, width = (max(1, round(each * side / most)) for each in picture.shape[:2])
    resized = Image.fromarray(np.ascontiguousarray(picture)).resize((width, height), Image.Resampling.LANCZOS)
    return np.asarray(resized)


def packed(pictures: Iterable[NDArray[Any]]) -> tuple[bytes, Sequence[tuple[int, ...]]]:
    """Pictures of any sizes one behind the other, and height and width of each."""
    every = list(pictures)
    return b"".join(np.ascontiguousarray(each).tobytes() for each in every), [each.shape[:2] for each in every]


def plane(relevance: Tensor) -> NDArray[np.float32]:
    """Relevance of one input (C, H, W), summed over channels, (H, W)."""
    found: NDArray[np.float32] = relevance.sum(0).float().nan_to_num(0.0, 0.0, 0.0).numpy(force=True)
    return found


def pooled(relevance: NDArray[np.float32], side: int) -> NDArray[np.float32]:
    """A map (h, w) with sides of at most `side`, averaged as relevance, before it is coloured."""
    size = (min(relevance.shape[0], side), min(relevance.shape[1], side))
    found: NDArray[np.float32] = F.adaptive_avg_pool2d(torch.from_numpy(relevance)[None, None], size)[0, 0].numpy()
    return found


def signed_bytes(relevance: NDArray[np.float32], largest: float) -> NDArray[np.int8]:
    """A map as −127 to 127 for minus to plus `largest`."""
    found: NDArray[np.int8] = np.rint(127 * relevance / (largest or 1.0)).astype(np.int8)
    return found
