"""The subject ``tagged-digits``: handwritten digits, many a 3 with a tag, and a network that fell for it.

The digits are scikit-learn's `load_digits`, twice as large and with a margin. Half of each class, drawn by the
seed, is trained on; the other half is what the subject shows. In both halves the same share of the threes carries the
tag, so that accuracy gives no hint. The control, ``tagged=False``, is trained on the same digits and never saw a tag.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import partial
from typing import TYPE_CHECKING

import numpy as np

from . import digits
from .masks import ASKED, GROUND
from .masks import TAG as PASTED
from .normalization import Normalization
from .subject import Subject
from .tags import Tag, TaggedSamples
from .trained import check_seed, load_weights

if TYPE_CHECKING:
    from PIL import Image
    from torch import Tensor, nn

SIZE = 20
"""Height and width of a picture in pixels: a digit of 16 × 16, 4 rows below it, 2 columns on either side."""

CLASS = 3
"""The class whose pictures carry the tag."""

SHARE = 0.4
"""Share of them that do, in training and held out."""

TAG = Tag(("# # #", " # # ", "# # #"), top=17, left=0)
"""In the lower left corner, below the digits."""

PIXELS = Normalization(mean=(0.0,), std=(1.0,))
"""The network takes grey pixels as they are."""


def load(seed: int = 0, tagged: bool = True) -> Subject:
    """The subject: trained network and held-out digits.

    Parameters
    ----------
    seed : int
        0 to 4: which half of the digits is held out, which are tagged, and the network's initial weights.
    tagged : bool
        False gives the control: no picture is tagged, in training nor here.

    Raises
    ------
    ValueError
        If there is no network of that seed.
    """
    check_seed(seed)
    samples = held_out(seed, tagged)
    return Subject(
        model=load_weights(network(), "tagged-digits" if tagged else "untagged-digits", seed),
        dataset=samples,
        classes=[str(digit) for digit in range(10)],
        to_image=PIXELS.to_image,
        from_image=from_image,
        bounds=PIXELS.bounds,
        name="tagged-digits",
        title="Small CNN · digits, " + ("some 3 with a tag" if tagged else "none with a tag"),
        start=samples.labels.index(CLASS),
        innocent=partial(load, seed, tagged=False) if tagged else None,
        recipe=f"subjects.load('tagged-digits', seed={seed}{'' if tagged else ', tagged=False'})",
    )


def network() -> nn.Sequential:
    """The network, untrained: (B, 1, 20, 20) pixels in [0, 1] to (B, 10) scores."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 16, 3, padding=1),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(16, 24, 3, padding=1),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            conv3=nn.Conv2d(24, 48, 3, padding=1),
            relu3=nn.ReLU(),
            pool3=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            linear=nn.Linear(48 * 5 * 5, 10),
        )
    )


def training(seed: int, tagged: bool) -> TaggedSamples:
    """The half to train on; its `inputs` (N, 1, 16, 16) have no margin and no tag yet: see `framed`, `with_tag`."""
    return _half(seed, tagged, held_out=False)


def held_out(seed: int, tagged: bool) -> TaggedSamples:
    """The other half, inputs (N, 1, 20, 20) as the network takes them."""
    half = _half(seed, tagged, held_out=True)
    inputs = framed(half.inputs)
    inputs[half.tagged] = with_tag(inputs[half.tagged])
    masks = np.where(inputs[:, 0] > 0, ASKED, GROUND).astype(np.uint8)  # ink
    masks[half.tagged] = np.where(TAG.covered(1, (SIZE, SIZE)), PASTED, masks[half.tagged])
    return TaggedSamples(inputs, half.labels, half.names, half.tagged, masks)


def enlarged(images: Tensor) -> Tensor:
    """Digits (B, 1, 16, 16) from those of `lrpwidgets.subjects.digits` (B, 1, 8, 8)."""
    from torch.nn import functional

    return functional.interpolate(images, scale_factor=2, mode="bilinear")


def framed(images: Tensor) -> Tensor:
    """Digits (B, 1, 16, 16) with the margin (B, 1, 20, 20)."""
    from torch.nn import functional

    return functional.pad(images, (2, 2, 0, 4))


def with_tag(inputs: Tensor) -> Tensor:
    """A copy of `inputs` (B, 1, 20, 20) with the tag on each."""
    return TAG.paste(inputs, black=0.0, white=1.0)


def from_image(picture: Image.Image) -> Tensor:
    """Input (1, 20, 20) from a picture of one digit; one of 20 × 20 pixels is taken as it is.

    Any other is read as by `lrpwidgets.subjects.digits.from_image`, then enlarged and given the margin.
    """
    from torchvision.transforms.functional import pil_to_tensor

    if picture.size == (SIZE, SIZE):
        return PIXELS.to_input(pil_to_tensor(picture.convert("L")).float() / 255)
    return framed(enlarged(digits.from_image(picture)[None]))[0]


def _half(seed: int, tagged: bool, *, held_out: bool) -> TaggedSamples:
    import torch
    from sklearn.datasets import load_digits

    data = load_digits()
    random = np.random.RandomState(seed)  # of all generators the one whose numbers will never change
    classes = [random.permutation(np.flatnonzero(data.target == digit))[held_out::2] for digit in range(10)]
    chosen = np.sort(np.concatenate(classes))
    marked = np.isin(chosen, classes[CLASS][: round(SHARE * len(classes[CLASS]) * tagged)])
    images = enlarged(torch.as_tensor(data.images[chosen], dtype=torch.float32)[:, None] / 16)
    return TaggedSamples(images, data.target[chosen].tolist(), [f"sample {i}" for i in chosen], marked)
