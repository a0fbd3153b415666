"""Pictures side by side, for notebooks without widgets."""

from __future__ import annotations

import base64
import io
import re

import numpy as np
import pytest
import torch
from PIL import Image

from lrpwidgets.colours import coloured
from lrpwidgets.gallery import gallery, heatmaps, source

RELEVANCE = torch.tensor([[1.0, -0.5], [0.0, 0.25]])


def colours(image, times=56):
    """The colours of the pixels, each of which was repeated."""
    return np.asarray(image)[::times, ::times]


def test_a_notebook_shows_every_picture_with_its_caption_as_text_and_for_who_cannot_see_it():
    image = Image.fromarray(np.arange(4, dtype=np.uint8).reshape(2, 2))
    shown = gallery({"disc → “star” & <ε>": image, "other": image})._repr_html_()
    assert shown.count("<figure") == shown.count('src="data:image/png;base64,') == 2
    assert shown.count("disc → “star” &amp; &lt;ε&gt;") == 2


def test_the_address_of_a_picture_holds_it():
    image = Image.fromarray(np.arange(12, dtype=np.uint8).reshape(2, 2, 3))
    content = re.fullmatch("data:image/png;base64,(.*)", source(image))[1]
    assert Image.open(io.BytesIO(base64.b64decode(content))).tobytes() == image.tobytes()


def test_small_pictures_are_enlarged_by_whole_pixels_and_large_ones_stay_as_they_are():
    small, large = Image.new("L", (8, 8)), Image.new("RGB", (224, 100))
    shown = gallery({"small": small, "large": large}, side=60).pictures
    assert (shown["small"].size, shown["large"].size) == ((64, 64), (224, 100))


def test_heatmaps_have_one_scale_and_say_which():
    shown = heatmaps({"one": RELEVANCE, "half": RELEVANCE / 2})
    np.testing.assert_array_equal(colours(shown.pictures["one"]), coloured(RELEVANCE, 1.0))
    np.testing.assert_array_equal(colours(shown.pictures["half"]), coloured(RELEVANCE / 2, 1.0))
    assert shown.note == "Full red is +1 and full blue −1 for one pixel, in every map of this row."
    assert shown.note in shown._repr_html_()


def test_each_may_have_a_scale_of_its_own():
    shown = heatmaps({"one": RELEVANCE, "half": RELEVANCE / 2, "nothing": 0 * RELEVANCE}, scale="own")
    np.testing.assert_array_equal(colours(shown.pictures["half"]), coloured(RELEVANCE, 1.0))
    assert (colours(shown.pictures["nothing"]) == 255).all()
    assert "a scale of its own" in shown.note


def test_a_scale_that_is_given_says_that_there_is_more():
    shown = heatmaps({"one": RELEVANCE}, scale=0.5)
    np.testing.assert_array_equal(colours(shown.pictures["one"]), coloured(RELEVANCE, 0.5))
    assert "Full red is +0.5 or more" in shown.note


def test_channels_are_summed_and_what_is_no_number_has_no_colour():
    spoiled = torch.stack([RELEVANCE, torch.tensor([[0.0, 0.0], [torch.nan, torch.inf]])])
    shown = heatmaps({"summed": spoiled})
    np.testing.assert_array_equal(colours(shown.pictures["summed"]), coloured(RELEVANCE, 1.0))


def test_a_batch_is_refused_with_the_way_out():
    with pytest.raises(
        ValueError, match=r"\(H, W\) or \(C, H, W\); 'all' has shape \(2, 3, 8, 8\), of a batch take one"
    ):
        heatmaps({"all": torch.zeros(2, 3, 8, 8)})
    with pytest.raises(ValueError, match="scale must be above 0, got -1"):
        heatmaps({"one": RELEVANCE}, scale=-1)
