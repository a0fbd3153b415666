"""How likely an input is: what scikit-learn says, in torch and with gradients."""

import numpy as np
import pytest
import torch
from sklearn.mixture import GaussianMixture

from lrpwidgets.maximize.density import PATCH, Density
from lrpwidgets.subjects import digits
from tests.lrp.networks import pictures


def test_of_small_inputs_it_is_the_mixture_of_scikit_learn(monkeypatch):
    kept = []
    fit = GaussianMixture.fit
    monkeypatch.setattr(GaussianMixture, "fit", lambda self, rows: kept.append(self) or fit(self, rows))
    images, _ = digits.held_out()
    density = Density.fitted(images)
    (mixture,) = kept
    assert mixture.converged_
    expected = mixture.score_samples(images.flatten(1).double().numpy()) / 64
    np.testing.assert_allclose(density.log_density(images).numpy(), expected, rtol=1e-3, atol=1e-3)


def test_of_large_inputs_it_is_the_mean_over_patches():
    images = pictures(8, 40, torch.float64)
    density = Density.fitted(images)
    assert density.patch == PATCH
    x = images[:1]
    patches = [x[0, :, i : i + 6, j : j + 6].flatten() for i in range(2, 35, 6) for j in range(1, 35, 6)]
    each = torch.stack([density._of(patch[None])[0] for patch in patches])
    torch.testing.assert_close(density.log_density(x, (2, 1))[0], each.mean() / (3 * 36))


def test_noise_is_unlikely_and_its_gradient_leads_to_what_is_likelier():
    images, _ = digits.held_out()
    density = Density.fitted(images)
    x = torch.rand(1, 1, 8, 8, generator=torch.Generator().manual_seed(0), requires_grad=True)
    before = density.log_density(x)
    assert float(before.detach()) < float(density.log_density(images).min())
    (gradient,) = torch.autograd.grad(before.sum(), x)
    assert float(density.log_density(x + 1e-4 * gradient).detach()) > float(before.detach())


@pytest.mark.parametrize("count", [4, 8])
def test_a_few_inputs_are_enough(count):
    images, _ = digits.held_out()
    assert bool(Density.fitted(images[:count]).log_density(images).isfinite().all())


@pytest.mark.parametrize("shape", [(3, 10, 10), (40, 4, 4), (1, 3, 300), (5, 7, 9)])
def test_pictures_that_are_hardly_larger_than_a_patch_have_one_too(shape):
    torch.manual_seed(0)
    images = torch.rand(20, *shape)
    density = Density.fitted(images)
    assert density.patch == min(PATCH, *shape[1:])
    for offset in ((0, 0), (density.patch - 1, density.patch - 1)):
        found = density.log_density(images, offset)
        assert found.shape == (20,)
        assert bool(found.isfinite().all())
    assert float(density.log_density(5 * images).max()) < float(density.log_density(images).min())
