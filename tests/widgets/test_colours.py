from __future__ import annotations

import numpy as np

from lrpwidgets.widgets.colours import AGAINST, FOR, diverging

AMOUNTS = np.linspace(-1, 1, 2001)


def test_nothing_is_white_and_the_ends_are_the_full_hues():
    assert diverging([0.0, 2.0, -2.0], scale=2.0).tolist() == [[255, 255, 255], list(FOR), list(AGAINST)]


def test_what_lies_beyond_the_scale_gets_the_full_hue():
    assert diverging([5.0, -5.0], scale=1.0).tolist() == [list(FOR), list(AGAINST)]


def test_more_relevance_is_never_paler():
    colours = diverging(AMOUNTS, scale=1.0).astype(int)
    assert (np.diff(colours[1000:], axis=0) <= 0).all()
    assert (np.diff(colours[:1001], axis=0) >= 0).all()


def test_for_and_against_are_equally_strong():
    """The share of the way from white to the hue is the same on both sides."""
    white = 255.0
    colours = diverging(AMOUNTS, scale=1.0)
    share = [(white - colours[:, channel]) / (white - hue) for channel, hue in ((1, FOR[1]), (0, AGAINST[0]))]
    np.testing.assert_allclose(share[0][1001:], share[1][:1000][::-1], atol=1 / 200)


def test_colours_do_not_depend_on_the_unit():
    assert (diverging(AMOUNTS * 1e-9, scale=1e-9) == diverging(AMOUNTS, scale=1.0)).all()


def test_the_shape_is_kept():
    assert diverging(np.zeros((3, 4)), scale=1.0).shape == (3, 4, 3)
