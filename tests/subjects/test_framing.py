"""What of a picture the network sees, and all of it where that is wished."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.subjects import Crop
from lrpwidgets.subjects.framing import GREY


@pytest.mark.parametrize("crop", [Crop(), Crop(224 / 256), Crop(ratio=2), Crop(0.5, 0.75)])
@pytest.mark.parametrize("size", [(64, 48), (48, 64), (50, 50), (7, 300)])
def test_the_middle_of_a_whole_picture_holds_all_of_it(crop, size):
    made = crop.whole(Image.new("RGB", size, "red"))
    across, down = crop.size(*made.size)
    left, top = (made.width - across) // 2, (made.height - down) // 2
    seen = np.asarray(made)[max(0, top - 1) : top + down + 1, max(0, left - 1) : left + across + 1]
    red = (seen == (255, 0, 0)).all(-1)
    assert red.sum() == size[0] * size[1]
    assert (seen[~red] == GREY).all()
    assert min(across - size[0], down - size[1]) <= 1  # and little else


def test_around_a_long_strip_there_is_no_square_that_would_fill_memory():
    made = Crop(0.5).whole(Image.new("RGB", (60_000, 3), "red"))
    assert made.size == (4096, 4096)
    assert (np.asarray(made) == (255, 0, 0)).all(-1).sum() == 2048


def test_the_middle_is_what_the_preprocessing_sees():
    subject = subjects.load("shapes")
    picture = Image.new("RGB", (96, 64), "blue")
    across, down = subject.crop.size(*picture.size)
    assert (across, down) == (64, 64)
    picture.paste("red", (16, 0, 80, 64))
    assert torch.equal(subject.from_image(picture), subject.from_image(Image.new("RGB", (64, 64), "red")))


def test_torchvisions_preprocessing_sees_a_share_of_the_shorter_side():
    subject = subjects.load("imagenet", arch="squeezenet1_0", weights=None)
    across, down = subject.crop.size(512, 256)
    assert (across, down) == (224, 224)
    picture = Image.new("RGB", (512, 256), "blue")
    picture.paste("red", (144, 16, 368, 240))
    red = subject.from_image(Image.new("RGB", (256, 256), "red"))
    assert torch.allclose(subject.from_image(picture), red)
    wide = Image.new("RGB", (512, 128), "red")
    x = subject.from_image(subject.crop.whole(wide))
    assert ((x - red).abs().amax(0) < 0.1).float().mean() == pytest.approx(1 / 4, abs=0.02)


def test_a_subject_of_data_crops_uploads_to_its_shape():
    model = nn.Sequential(nn.Flatten(), nn.Linear(3 * 6 * 12, 2)).eval()
    subject = subjects.describe(model, torch.zeros(4, 3, 6, 12, dtype=torch.uint8))
    assert subject.crop == Crop(ratio=2)


def test_where_nothing_is_known_nothing_is_said():
    assert subjects.load("digits").crop is None
