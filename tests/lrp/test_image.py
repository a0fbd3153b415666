"""The picture of an explanation, for a notebook without widgets."""

import subprocess
import sys

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets.colours import MAPS, coloured, picture
from lrpwidgets.lrp import Explainer
from tests.lrp.networks import Residual, pictures, realistic


@pytest.fixture(scope="module")
def explanation():
    return Explainer(realistic(Residual()).double(), "epsilon_plus_flat").explain(pictures(2, 16))


def shown(image, times=14):
    """The colours of the pixels, each of which was repeated."""
    pixels = np.asarray(image)
    assert pixels.shape == (16 * times, 16 * times, 3)
    return pixels[::times, ::times]


@pytest.mark.parametrize("sample", [0, 1, -1])
def test_it_has_the_colours_of_the_widgets_on_the_scale_of_its_own(explanation, sample):
    amounts = explanation.relevance[sample].sum(0).float().numpy()
    expected = coloured(amounts, np.abs(amounts).max())
    np.testing.assert_array_equal(shown(explanation.image(sample)), expected)


def test_scale_map_and_size_can_be_chosen(explanation):
    amounts = explanation.relevance[0].sum(0).float().numpy()
    image = explanation.image(scale=0.01, colours="fire–ice", side=50)
    np.testing.assert_array_equal(shown(image, 3), coloured(amounts, 0.01, MAPS["fire–ice"]))


def test_one_of_several_targets_is_drawn(explanation):
    several = explanation.retarget(targets=[1, 2])
    assert several.image(1, which=1).tobytes() == explanation.retarget(2).image(1).tobytes()


def test_what_is_no_number_has_no_colour_and_does_not_spoil_the_scale():
    pixels = np.array([[np.nan, 1.0], [np.inf, -1.0]])
    image = np.asarray(picture(pixels, side=2))
    np.testing.assert_array_equal(image, coloured(pixels, 1.0))
    assert np.asarray(picture(np.zeros((2, 2)), side=2)).min() == 255


@pytest.mark.parametrize(
    ("wish", "error", "message"),
    [
        ({"colours": "jet"}, ValueError, "no colour map 'jet'; there are 'red–blue', 'orange–purple'"),
        ({"scale": 0.0}, ValueError, "scale must be above 0, got 0.0"),
        ({"scale": float("nan")}, ValueError, "scale must be above 0, got nan"),
        ({"sample": 2}, IndexError, "out of bounds"),
        ({"which": 1}, IndexError, "out of bounds"),
    ],
    ids=["map", "scale", "nan", "sample", "target"],
)
def test_what_cannot_be_drawn_is_an_error(explanation, wish, error, message):
    with pytest.raises(error, match=message):
        explanation.image(**wish)


def test_inputs_that_are_no_pictures_are_refused_with_the_way_out():
    explanation = Explainer(nn.Linear(6, 3)).explain(torch.ones(2, 6))
    with pytest.raises(ValueError, match=r"pictures \(B, C, H, W\); for others lrpwidgets.colours.picture\(r\)"):
        explanation.image()
    r = explanation.relevance.numpy()
    assert picture(r).size == (222, 74)


def test_pillow_is_loaded_with_the_first_picture_only():
    code = "import sys; from lrpwidgets import lrp; assert 'PIL' not in sys.modules and 'ipywidgets' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)
