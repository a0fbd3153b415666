from __future__ import annotations

import numpy as np
import pytest

from lrpwidgets.colours import MAPS, coloured

AMOUNTS = np.linspace(-1, 1, 2001)
RED, BLUE = MAPS["red–blue"].positive[-1], MAPS["red–blue"].negative[-1]
SINGLE = [name for name, colours in MAPS.items() if len(colours.positive) == 1]


def test_nothing_is_white_and_the_ends_are_the_full_hues():
    assert coloured([0.0, 2.0, -2.0], scale=2.0).tolist() == [[255, 255, 255], list(RED), list(BLUE)]


def test_what_lies_beyond_the_scale_gets_the_full_hue():
    assert coloured([5.0, -5.0, np.inf], scale=1.0).tolist() == [list(RED), list(BLUE), list(RED)]


def test_what_is_no_number_gets_the_colour_of_nothing():
    assert coloured([np.nan], scale=1.0).tolist() == [[255, 255, 255]]


def test_nothing_has_the_colour_of_the_paper_but_where_the_map_has_its_own():
    for name, colours in MAPS.items():
        expected = colours.zero or (30, 33, 37)
        assert coloured([0.0], 1.0, colours, paper=(30, 33, 37)).tolist() == [list(expected)], name


@pytest.mark.parametrize("name", SINGLE)
def test_more_relevance_is_never_paler(name):
    colours = coloured(AMOUNTS, 1.0, MAPS[name]).astype(int)
    assert (np.diff(colours[1000:], axis=0) <= 0).all()
    assert (np.diff(colours[:1001], axis=0) >= 0).all()


@pytest.mark.parametrize("name", SINGLE)
def test_for_and_against_are_equally_strong(name):
    """The share of the way from white to the hue is the same on both sides."""
    colours = coloured(AMOUNTS, 1.0, MAPS[name]).astype(float)
    hues = MAPS[name].positive[0], MAPS[name].negative[0]
    darkest = [int(np.argmin(hue)) for hue in hues]
    share = [(255 - colours[:, channel]) / (255 - hue[channel]) for channel, hue in zip(darkest, hues, strict=True)]
    np.testing.assert_allclose(share[0][1001:], share[1][:1000][::-1], atol=1 / 150)


def test_on_dark_paper_hues_are_brighter_and_keep_their_tone():
    paper = (29, 33, 37)
    for name in SINGLE:
        hue = np.array(MAPS[name].positive[-1])
        shining = coloured([1.0], 1.0, MAPS[name], paper)[0].astype(float)
        assert shining.max() == 240
        np.testing.assert_allclose(shining / shining.max(), hue / hue.max(), atol=0.01)
    assert coloured([1.0], 1.0, MAPS["fire–ice"], paper).tolist() == [list(MAPS["fire–ice"].positive[-1])]


def test_a_map_with_several_colours_passes_each_of_them():
    stops = MAPS["fire–ice"].positive
    at = (np.arange(1, len(stops) + 1) / len(stops)) ** (1 / 0.7)
    assert np.abs(coloured(at, 1.0, MAPS["fire–ice"]).astype(int) - stops).max() <= 1


def test_colours_do_not_depend_on_the_unit():
    assert (coloured(AMOUNTS * 1e-9, scale=1e-9) == coloured(AMOUNTS, scale=1.0)).all()


def test_the_shape_is_kept():
    assert coloured(np.zeros((3, 4)), scale=1.0).shape == (3, 4, 3)
