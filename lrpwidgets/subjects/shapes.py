"""The subject ``shapes``: generated scenes of textured objects, and a small network that names the large one.

Where every object is, is known: ``dataset.masks``, see `lrpwidgets.subjects.scenes`. The network, trained by
`lrpwidgets.subjects.train_tagged` on other scenes, ships in this package. It is the control of ``clever-hans``.
"""

from __future__ import annotations

from collections import OrderedDict
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from PIL import Image, ImageOps

from .framing import Crop
from .normalization import Normalization
from .scenes import CLASSES, SIZE, scenes
from .subject import Subject
from .tags import TaggedSamples
from .trained import check_seed, load_weights

if TYPE_CHECKING:
    from torch import Tensor, nn

COLOURS = Normalization(mean=(0.5,) * 3, std=(0.25,) * 3)
"""Inputs are from −2 to 2."""

PER_CLASS = 400
"""Scenes of each class that the subject shows."""

TRAINING_PER_CLASS = 600
"""Scenes of each class to train on."""


def load(seed: int = 0) -> Subject:
    """The subject: trained network and scenes it has never seen.

    Parameters
    ----------
    seed : int
        0 to 4: which scenes are drawn, and the network's initial weights.

    Raises
    ------
    ValueError
        If there is no network of that seed.
    """
    check_seed(seed)
    return Subject(
        model=load_weights(network(), "shapes", seed),
        dataset=held_out(seed),
        classes=list(CLASSES),
        to_image=COLOURS.to_image,
        from_image=from_image,
        crop=Crop(),
        bounds=COLOURS.bounds,
        name="shapes",
        title="Small CNN · shapes",
        recipe=f"subjects.load('shapes', seed={seed})",
    )


def network() -> nn.Sequential:
    """The network, untrained: (B, 3, 64, 64) inputs to (B, 6) scores, 27 thousand parameters."""
    from torch import nn

    layers: OrderedDict[str, nn.Module] = OrderedDict()
    channels = [3, 8, 16, 24, 32, 48]
    for number, (before, after) in enumerate(pairwise(channels), start=1):
        layers[f"conv{number}"] = nn.Conv2d(before, after, 3, padding=1)
        layers[f"relu{number}"] = nn.ReLU()
        layers[f"pool{number}"] = nn.MaxPool2d(2)
    layers["flatten"] = nn.Flatten()
    layers["linear"] = nn.Linear(channels[-1] * 2 * 2, len(CLASSES))
    return nn.Sequential(layers)


def training(seed: int) -> TaggedSamples:
    """Scenes to train on, inputs (3600, 3, 64, 64)."""
    return _samples(TRAINING_PER_CLASS, 2 * seed)


def held_out(seed: int) -> TaggedSamples:
    """Scenes that training never sees, inputs (2400, 3, 64, 64)."""
    return _samples(PER_CLASS, 2 * seed + 1)


def from_image(picture: Image.Image) -> Tensor:
    """Input (3, 64, 64) from the middle square of any picture."""
    from torchvision.transforms.functional import pil_to_tensor

    square = ImageOps.fit(picture.convert("RGB"), (SIZE, SIZE))
    return COLOURS.to_input(pil_to_tensor(square).float() / 255)


def _samples(per_class: int, seed: int) -> TaggedSamples:
    import torch

    drawn = scenes(per_class, seed)
    inputs = COLOURS.to_input(torch.as_tensor(drawn.pixels).float() / 255)
    labels = drawn.labels.tolist()
    names = [f"{CLASSES[label]} {i}" for i, label in enumerate(labels)]
    return TaggedSamples(inputs, labels, names, np.zeros(len(labels), bool), drawn.masks)
