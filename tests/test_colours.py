from __future__ import annotations

import numpy as np
import pytest

from lrpwidgets.colours import MAPS, averaged, coloured

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


def by_area(values, shape):
    """What `averaged` is to give, from the integral of a line through the means of neighbours."""
    for axis, count in enumerate(shape):
        lines = np.moveaxis(np.asarray(values, dtype=float), axis, -1)
        if (n := lines.shape[-1]) == count:
            continue
        knots = np.array([0, *(np.arange(n) + 0.5), n])
        ends = np.concatenate([lines[..., :1], lines, lines[..., -1:]], axis=-1)
        whole = np.concatenate(
            [np.zeros_like(lines[..., :1]), ((ends[..., 1:] + ends[..., :-1]) / 2 * np.diff(knots)).cumsum(-1)], -1
        )
        at = np.stack([np.interp(np.linspace(0, n, count + 1), knots, line) for line in whole.reshape(-1, n + 2)])
        values = np.moveaxis(np.diff(at).reshape(*lines.shape[:-1], count) * count / n, -1, axis)
    return values


@pytest.mark.parametrize("shape", [(165, 165), (224, 165), (112, 112), (1, 1), (7, 223)])
def test_a_pixel_is_the_average_of_what_falls_into_it(shape):
    relevance = np.random.default_rng(0).normal(size=(224, 224))
    found = averaged(relevance, shape)
    np.testing.assert_allclose(found, by_area(relevance, shape), atol=1e-6)
    assert found.mean() == pytest.approx(relevance.mean(), abs=1e-7)


@pytest.mark.parametrize("side", [50, 112, 165, 199])
@pytest.mark.parametrize("axis", [0, 1])
def test_stripes_of_both_signs_vanish(side, axis):
    stripes = np.expand_dims(np.where(np.arange(200) % 2, 1.0, -1.0), axis) * np.ones((200, 200))
    inside = averaged(stripes, (side, side))[2:-2, 2:-2]
    assert np.abs(inside).max() < 1e-6
    assert (coloured(inside, 1) == 255).all()


def test_a_map_that_has_room_stays_as_it_is():
    relevance = np.array([[1, np.nan], [-2, 3]], dtype=np.float32)
    np.testing.assert_array_equal(averaged(relevance, (9, 9)), [[1, 0], [-2, 3]])
    assert averaged(np.ones((5, 4, 6)), (2, 3)).shape == (5, 2, 3)


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_what_is_not_finite_spoils_no_pixel_beside_it(broken):
    relevance = np.ones((8, 8))
    relevance[0, 0] = broken
    whole = np.where(np.isfinite(relevance), relevance, 0)
    np.testing.assert_array_equal(averaged(relevance, (3, 3)), averaged(whole, (3, 3)))
