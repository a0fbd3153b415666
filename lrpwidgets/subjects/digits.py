"""The subject ``digits``: real handwritten digits, 8 × 8 pixels, and a small network that reads them.

The digits are scikit-learn's `load_digits`, so nothing is downloaded. Of each class every fifth one is held
out and is what the subject shows; the network, trained by `lrpwidgets.subjects.train_digits` on the others,
ships in this package. Both parts have digits of the same writers, so accuracy on a new writer is lower.

Pixels are in [0, 1] and ink is bright: the background is 0, and most rules give relevance to strokes only.
"""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from PIL import Image, ImageChops, ImageOps

from .normalization import Normalization
from .samples import TensorSamples
from .subject import Subject

if TYPE_CHECKING:
    from torch import Tensor, nn

WEIGHTS = Path(__file__).parent / "weights" / "digits.safetensors"

SIZE = 8
"""Height and width of a digit in pixels."""

PIXELS = Normalization(mean=(0.0,), std=(1.0,))
"""The network takes grey pixels as they are."""


def load() -> Subject:
    """The subject: trained network and held-out digits."""
    from safetensors.torch import load_file

    model = network()
    model.load_state_dict(load_file(WEIGHTS))
    images, labels = held_out()
    return Subject(
        model=model.eval(),
        dataset=TensorSamples(images, labels.tolist(), [f"sample {i}" for i in range(len(labels))]),
        classes=[str(digit) for digit in range(10)],
        to_image=PIXELS.to_image,
        from_image=from_image,
        bounds=PIXELS.bounds,
        name="digits",
        title="Small CNN · handwritten digits",
        start=labels.tolist().index(3),
        recipe="subjects.load('digits')",
    )


def network() -> nn.Sequential:
    """The network, untrained: (B, 1, 8, 8) pixels in [0, 1] to (B, 10) scores."""
    from torch import nn

    return nn.Sequential(
        OrderedDict(
            conv1=nn.Conv2d(1, 16, 3, padding=1),
            relu1=nn.ReLU(),
            conv2=nn.Conv2d(16, 32, 3, padding=1),
            relu2=nn.ReLU(),
            pool2=nn.MaxPool2d(2),
            conv3=nn.Conv2d(32, 64, 3, padding=1),
            relu3=nn.ReLU(),
            pool3=nn.MaxPool2d(2),
            flatten=nn.Flatten(),
            linear=nn.Linear(64 * 2 * 2, 10),
        )
    )


def training() -> tuple[Tensor, Tensor]:
    """Images (1442, 1, 8, 8) in [0, 1] and labels (1442,) to train on."""
    return _part(held_out=False)


def held_out() -> tuple[Tensor, Tensor]:
    """Images (355, 1, 8, 8) in [0, 1] and labels (355,) that training never sees."""
    return _part(held_out=True)


def from_image(picture: Image.Image) -> Tensor:
    """Input (1, 8, 8) from a picture of one handwritten digit.

    An 8 × 8 picture is taken as it is, bright ink on black. Any other is brought to the form of the data:
    where its border is bright, the ink is taken to be dark and the picture inverted; it is cropped to the
    ink, scaled to fill the height (or the width of a wide one), and thin strokes are brightened. It should
    hold nothing but the digit.
    """
    from torchvision.transforms.functional import pil_to_tensor

    grey = picture.convert("L")
    if grey.size == (SIZE, SIZE):
        return PIXELS.to_input(pil_to_tensor(grey).float() / 255)
    pixels = pil_to_tensor(_filling(_ink(grey))).float() / 255
    boldness = (0.3 / pixels.mean().clamp_min(1e-6)).clamp_min(1)  # 0.3 is the mean of the data: a broad pen
    return PIXELS.to_input((pixels * boldness).clamp_max(1))


def _part(*, held_out: bool) -> tuple[Tensor, Tensor]:
    """Held out is each fifth digit of a class, in the data's order: no random split that might change."""
    import torch
    from sklearn.datasets import load_digits

    data = load_digits()
    labels = torch.as_tensor(data.target)
    count = torch.nn.functional.one_hot(labels).cumsum(0)  # of each class so far
    fifth = count[torch.arange(len(labels)), labels] % 5 == 0
    chosen = fifth == held_out
    images = torch.as_tensor(data.images, dtype=torch.float32)[:, None] / 16  # 16 is full ink
    return images[chosen], labels[chosen]


def _ink(grey: Image.Image) -> Image.Image:
    """The picture with its background at 0 and its strongest ink at 255."""
    width, height = grey.size
    right, bottom = width - 1, height - 1
    sides = [(0, 0, width, 1), (0, bottom, width, height), (0, 0, 1, height), (right, 0, width, height)]
    border = sorted(level for side in sides for level in grey.crop(side).tobytes())
    background = border[len(border) // 2]
    if background > 127:
        grey, background = ImageOps.invert(grey), 255 - background
    return ImageOps.autocontrast(ImageChops.subtract(grey, Image.new("L", grey.size, background)))


def _filling(ink: Image.Image) -> Image.Image:
    """Ink scaled to fill 8 × 8 pixels, centred; black where there is none."""
    box = ink.point(lambda value: 255 * (value > 100)).getbbox()  # below is paper: shadows and scanner noise
    cropped = ink.crop(box)
    side = max(cropped.size)
    square = Image.new("L", (side, side))
    square.paste(cropped, ((side - cropped.width) // 2, (side - cropped.height) // 2))
    return square.resize((SIZE, SIZE), Image.Resampling.BOX)
