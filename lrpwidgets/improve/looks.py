"""Handwritten digits in several looks: a domain to train on, and others to test on."""

from __future__ import annotations

from typing import Literal, get_args

import torch
import torch.nn.functional as F
from torch import Tensor

from ..subjects.samples import TensorSamples

Look = Literal["plain", "inverted", "blurred"]
"""Bright ink on black; dark ink on white; as through a bad lens, a mean over 3 × 3 pixels."""


def few_shot_digits(look: Look = "plain") -> TensorSamples:
    """All 1,797 digits of scikit-learn, inputs (N, 1, 8, 8) in [0, 1], in one of three looks.

    The set-up of Sun et al. 2020 in small: train on the digits 0 to 4 as they are, test on 5 to 9 in another look.

    Raises
    ------
    ValueError
        If there is no such look.
    """
    from sklearn.datasets import load_digits

    if look not in get_args(Look):
        raise ValueError(f"look must be one of {', '.join(map(repr, get_args(Look)))}, got {look!r}.")
    data = load_digits()
    images = torch.as_tensor(data.images, dtype=torch.float32)[:, None] / 16  # 16 is full ink
    names = [f"sample {number}" for number in range(len(images))]
    return TensorSamples(_seen(images, look), data.target.tolist(), names)


def _seen(images: Tensor, look: Look) -> Tensor:
    if look == "inverted":
        return 1 - images
    return F.avg_pool2d(images, 3, 1, padding=1) if look == "blurred" else images
