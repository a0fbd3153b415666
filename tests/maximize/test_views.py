"""Random views of an image."""

import math

import pytest
import torch

from lrpwidgets.maximize.views import Views
from tests.lrp.networks import pictures

SPAN = torch.ones(3, 1, 1)


def generator(seed: int = 0) -> torch.Generator:
    return torch.Generator().manual_seed(seed)


def test_by_default_the_image_is_seen_as_it_is():
    x = pictures(2, 12, torch.float32)
    assert Views().of(x, SPAN, generator()) is x


def test_views_of_an_image_lie_together():
    x = torch.arange(2.0).reshape(2, 1, 1, 1).expand(2, 3, 12, 12)
    seen = Views(count=3, shift=0.1, turn=5).of(x, SPAN, generator())
    assert seen.mean((1, 2, 3)).tolist() == pytest.approx([0, 0, 0, 1, 1, 1])


def test_the_same_seed_gives_the_same_views_whatever_torch_draws_beside():
    x, views = pictures(1, 12, torch.float32), Views(count=2, zoom=(0.5, 1), turn=10, anywhere=True, noise=0.1)
    first = views.of(x, SPAN, generator(4))
    torch.rand(100)
    assert torch.equal(first, views.of(x, SPAN, generator(4)))
    assert not torch.equal(first, views.of(x, SPAN, generator(5)))


def test_a_turn_keeps_circles_round_in_a_picture_that_is_no_square():
    height, width = 32, 64
    down, right = torch.meshgrid(torch.arange(height) - 15.5, torch.arange(width) - 31.5, indexing="ij")
    disc = ((down**2 + right**2) < 100).float()[None, None]
    turned = Views(turn=45).of(disc, SPAN[:1], generator(2))
    assert float((turned - disc).abs().max()) < 1.01
    assert float((turned - disc).abs().mean()) < 0.01


def test_a_zoom_shows_a_part_as_large_as_the_whole():
    ramp = torch.linspace(0, 1, 100).expand(1, 3, 100, 100)
    seen = Views(count=200, zoom=(0.25, 0.25), anywhere=True).of(ramp, SPAN, generator())
    widths = seen[:, 0, 0, -1] - seen[:, 0, 0, 0]
    assert widths.mean() == pytest.approx(0.25, abs=0.01)
    assert float(seen.amin()) < 0.05
    assert float(seen.amax()) > 0.95
    middle = Views(count=4, zoom=(0.25, 0.25)).of(ramp, SPAN, generator())
    assert middle.mean((1, 2, 3)).tolist() == pytest.approx([0.5] * 4, abs=0.01)


def test_shifts_reach_their_share_of_the_side():
    ramp = torch.linspace(0, 1, 100).expand(1, 3, 100, 100)
    seen = Views(count=300, shift=0.1).of(ramp, SPAN, generator())
    moved = seen[:, 0, 50, 50] - ramp[0, 0, 50, 50]
    assert float(moved.abs().max()) == pytest.approx(0.1, abs=0.01)
    assert math.isclose(float(moved.mean()), 0, abs_tol=0.02)


def test_noise_is_in_units_of_the_range_and_gradients_pass():
    x = torch.zeros(1, 3, 50, 50, requires_grad=True)
    seen = Views(noise=0.1).of(x, 4 * SPAN, generator())
    assert float(seen.detach().std()) == pytest.approx(0.4, rel=0.05)
    (gradient,) = torch.autograd.grad(seen.sum(), x)
    torch.testing.assert_close(gradient, torch.ones_like(x))
