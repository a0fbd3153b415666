"""What is optimized in place of an image: the image it stands for, and the way back."""

from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lrpwidgets.maximize import decoder
from lrpwidgets.maximize.data import Data
from lrpwidgets.maximize.images import Code, Fourier, Pixels, Spectrum
from lrpwidgets.subjects import digits
from tests.lrp.networks import pictures

SHAPES = [(3, 16, 16), (3, 15, 17), (1, 8, 8), (1, 7, 10), (4, 9, 9)]


def data_of(shape: tuple[int, ...], count: int = 12, bounds: float | None = 3.0) -> Data:
    torch.manual_seed(1)
    channels = shape[0]
    mixed = torch.randn(channels, channels) + torch.eye(channels)
    smooth = torch.nn.functional.avg_pool2d(torch.randn(count, channels, shape[1] + 2, shape[2] + 2), 3, 1)
    inputs = torch.einsum("dc,nchw->ndhw", mixed, smooth).clamp(-2.9, 2.9)
    items = [(x, number % 3) for number, x in enumerate(inputs)]
    limits = None if bounds is None else ((-bounds,) * channels, (bounds,) * channels)
    subject = SimpleNamespace(dataset=items, bounds=limits, item=lambda index: items[index])
    return Data.of(subject, shape, torch.float32)


def generator() -> torch.Generator:
    return torch.Generator().manual_seed(3)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("image", [Pixels(), Fourier(), Spectrum()])
def test_an_image_of_the_data_is_found_again(shape, image):
    data = data_of(shape)
    variables = image.at(data, data.inputs[:3])
    made = image.image(data, variables)
    if isinstance(image, Spectrum):  # has its phases alone
        assert torch.fft.rfft2(data.decorrelated(made)).abs().shape == (3, *data.magnitude.shape)
        product = torch.fft.rfft2(data.decorrelated(made)) * torch.fft.rfft2(data.decorrelated(data.inputs[:3])).conj()
        inner = product[..., 1:-1]  # those frequencies that are no conjugates of others
        assert float(inner.angle().abs().max()) < 1e-3
    else:
        torch.testing.assert_close(made, data.inputs[:3], atol=2e-3, rtol=1e-3)


@pytest.mark.parametrize("shape", SHAPES)
def test_the_spectrum_is_that_of_the_data_whatever_the_phases(shape):
    data = data_of(shape)
    variables = Spectrum().start(data, 2, generator()) * 3
    found = torch.fft.rfft2(data.decorrelated(Spectrum().image(data, variables))).abs()
    scale = float(data.magnitude.abs().max())
    assert float((found - data.magnitude.abs()).abs().max()) / scale < 1e-5


def test_the_magnitude_is_the_mean_over_the_data_and_the_mean_keeps_its_sign():
    data = data_of((3, 8, 8))
    spectra = torch.fft.rfft2(data.decorrelated(data.inputs))
    torch.testing.assert_close(data.magnitude[:, 1:], spectra.abs().mean(0)[:, 1:])
    image = Spectrum().image(data, Spectrum().start(data, 1, generator()))
    torch.testing.assert_close(image.mean((0, 2, 3)), data.inputs.mean((0, 2, 3)), atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("shape", SHAPES)
def test_decorrelated_colours_have_no_covariance(shape):
    data = data_of(shape, count=60)
    pixels = data.decorrelated(data.inputs).movedim(1, 0).flatten(1)
    covariance = torch.cov(pixels).reshape(shape[0], shape[0])
    torch.testing.assert_close(covariance, covariance[0, 0] * torch.eye(shape[0]), atol=2e-3, rtol=1e-3)
    torch.testing.assert_close(data.correlated(data.decorrelated(data.inputs)), data.inputs, atol=1e-4, rtol=1e-4)


@pytest.mark.parametrize("image", [Pixels(), Fourier(), Spectrum()])
def test_the_same_seed_begins_at_the_same_image(image):
    data = data_of((3, 8, 8))
    assert torch.equal(image.start(data, 2, generator()), image.start(data, 2, generator()))
    assert image.image(data, image.start(data, 2, generator())).shape == (2, 3, 8, 8)


def test_pixels_and_fourier_stay_in_the_range():
    data = data_of((3, 8, 8))
    variables = 100 * torch.randn(2, 3, 8, 8, generator=generator())
    Pixels().settle(data, variables)
    made = Pixels().image(data, variables)
    assert float(made.min()) >= -3.0 - 1e-5
    assert float(made.max()) <= 3.0 + 1e-5
    wild = Fourier().image(data, 100 * torch.randn(2, 3, 8, 5, 2, generator=generator()))
    assert float(wild.abs().max()) <= 3.0 + 1e-5


def test_without_bounds_pixels_go_where_they_want():
    data = data_of((3, 8, 8), bounds=None)
    variables = 100 * torch.randn(2, 3, 8, 8, generator=generator())
    before = variables.clone()
    Pixels().settle(data, variables)
    assert torch.equal(variables, before)


def test_without_data_the_spectrum_falls_with_the_frequency():
    subject = SimpleNamespace(dataset=[], bounds=None)
    data = Data.of(subject, (3, 32, 32), torch.float32)
    assert float(data.magnitude[0, 0, 2] / data.magnitude[0, 0, 8]) == pytest.approx(4)
    made = Spectrum().image(data, Spectrum().start(data, 1, generator()))
    assert bool(made.isfinite().all())


def test_a_generator_makes_images_of_codes():
    data = Data.of(SimpleNamespace(dataset=[], bounds=((0.0,), (1.0,))), (1, 8, 8), torch.float32)
    code = Code(decoder.load(), decoder.CODE)
    made = code.image(data, code.start(data, 3, generator())).detach()
    assert made.shape == (3, 1, 8, 8)
    assert 0 <= float(made.min()) <= float(made.max()) <= 1


def test_the_decoder_that_ships_makes_digits():
    images, _ = digits.training()
    codes = torch.randn(64, decoder.CODE, generator=generator())
    made = decoder.load()(codes).detach()
    nearest = torch.cdist(made.flatten(1), images.flatten(1)).amin(1)
    assert float(nearest.median()) < 1.6  # of noise: 3 and more


@pytest.mark.parametrize(
    ("module", "message"),
    [
        (
            nn.Sequential(nn.Linear(4, 9), nn.Unflatten(1, (1, 3, 3))),
            r"makes \(2, 1, 3, 3\) of codes \(2, 4\), and the model takes",
        ),
        (nn.Linear(5, 9), r"cannot take codes \(2, 4\): "),
    ],
)
def test_a_generator_that_does_not_fit_is_refused(module, message):
    data = Data.of(SimpleNamespace(dataset=[], bounds=None), (1, 8, 8), torch.float32)
    with pytest.raises(ValueError, match=message):
        Code(module, 4).start(data, 2, generator())


def test_data_is_read_at_the_size_of_the_image_and_broken_files_are_left_out():
    def item(index: int):
        if index == 1:
            raise ValueError("broken")
        return pictures(1, 20, torch.float32)[0], None if index == 2 else index

    subject = SimpleNamespace(dataset=range(4), bounds=None, item=item)
    data = Data.of(subject, (3, 10, 10), torch.float32)
    assert data.inputs.shape == (3, 3, 10, 10)
    assert data.indices.tolist() == [0, 2, 3]
    assert data.labels.tolist() == [0, -1, 3]
