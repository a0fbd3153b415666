"""Priors: what keeps a maximized image from being an accident. Side by side, they are half of what one learns.

A :class:`Prior` is what is optimized (``images``), what is penalized, and which views are taken. The ready ones
have names, see :func:`names`; :func:`get` takes settings, too::

    priors.get("l2", weight=3.0)
    priors.get("code", generator=decoder, size=16)
    priors.Prior("mine", images.Fourier(), (priors.TotalVariation(0.5),), views.Views(count=2, shift=0.05))

Penalties are in units of what real inputs have: 1 is as far from the mean, as varied, as unlikely as these. The pull of
the objective counts as much as that of the squared distance to the mean does at a distance of 1, so weights mean the
same in every network: under ``l2`` with a weight of 1, an image ends as far from the mean as real inputs are.
"""

from __future__ import annotations

import difflib
from abc import ABC, abstractmethod
from collections.abc import Callable
from dataclasses import dataclass, field
from inspect import signature
from typing import Any

import torch
from torch import Tensor, nn

from . import decoder
from .data import Data, total_variation
from .images import Code, Fourier, Parametrization, Pixels, Spectrum
from .views import Views

Weigh = Callable[[Tensor, Tensor, torch.Generator], Tensor]
"""Takes images (B, C, H, W), what is optimized in their place, and a source of chance; gives penalties (B,)."""


class Penalty(ABC):
    """What an image is charged for."""

    weight: float

    @property
    def name(self) -> str:
        """How curves call it."""
        return type(self).__name__

    @abstractmethod
    def bound(self, data: Data, class_number: int | None) -> Weigh:
        """The penalty for images like those of `data`, of a class if the objective is about one; without its weight."""


@dataclass(frozen=True)
class L2(Penalty):
    """Squared distance to the mean input, λ‖x − x̄‖² (Simonyan et al. 2013)."""

    weight: float = 1.0

    def bound(self, data: Data, class_number: int | None) -> Weigh:
        return _distance(data.mean, data.energy)


@dataclass(frozen=True)
class NearMean(Penalty):
    """Squared distance to the mean input of the class, in units of a real input's distance to it."""

    weight: float = 1.0

    def bound(self, data: Data, class_number: int | None) -> Weigh:
        mean = data.class_mean(class_number)
        own = data.inputs[data.labels == class_number] if class_number is not None else data.inputs
        spread = float((own - mean).square().mean()) if len(own) > 1 else data.energy
        return _distance(mean, max(spread, 1e-12))


@dataclass(frozen=True)
class TotalVariation(Penalty):
    """The mean difference of neighbouring pixels, as a multiple of that in real inputs."""

    weight: float = 1.0

    def bound(self, data: Data, class_number: int | None) -> Weigh:
        return lambda images, *_: total_variation(images / data.span.to(images)) / data.variation


@dataclass(frozen=True)
class Unlikely(Penalty):
    """−log p(x) under a Gaussian mixture, in standard deviations from a real input's (Montavon et al. 2018)."""

    weight: float = 1.0

    def bound(self, data: Data, class_number: int | None) -> Weigh:
        density, real = data.density, data.log_densities
        middle, spread = float(real.mean()), max(float(real.std()), 1e-6)

        def penalty(images: Tensor, _: Tensor, generator: torch.Generator) -> Tensor:
            reach = density.patch or 1
            offset = torch.randint(reach, (2,), generator=generator).tolist()
            return (middle - density.log_density(images, (offset[0], offset[1]))) / spread

        return penalty


@dataclass(frozen=True)
class CodeLength(Penalty):
    """The mean square of a generator's code, which is 1 for codes of real inputs (Nguyen et al. 2016)."""

    weight: float = 1.0

    def bound(self, data: Data, class_number: int | None) -> Weigh:
        return lambda _, codes, __: codes.square().flatten(1).mean(1)


@dataclass(frozen=True)
class Prior:
    """What is optimized, what is penalized, and which views of the image are taken."""

    name: str
    image: Parametrization = field(default_factory=Pixels)
    penalties: tuple[Penalty, ...] = ()
    views: Views = field(default_factory=Views)
    from_class_mean: bool = False
    """Whether the image begins at the mean input of the objective's class."""


def none() -> Prior:
    """No prior at all: pixels, and whatever excites."""
    return Prior("none")


def l2(weight: float = 0.3) -> Prior:
    """Pixels that stay near the mean input (Simonyan et al. 2013)."""
    return Prior("l2", penalties=(L2(weight),))


def variation(weight: float = 0.2) -> Prior:
    """Pixels that vary little from one to the next."""
    return Prior("variation", penalties=(TotalVariation(weight),))


def robust(shift: float = 0.04, turn: float = 10.0, zoom: tuple[float, float] = (0.9, 1.1)) -> Prior:
    """Pixels that excite also when the image is moved, turned and zoomed a little."""
    return Prior("robust", views=Views(zoom=zoom, turn=turn, shift=shift))


def fourier(shift: float = 0.04, turn: float = 10.0, zoom: tuple[float, float] = (0.9, 1.1)) -> Prior:
    """Fourier coefficients in decorrelated colours, under the same movements (Olah et al. 2017)."""
    return Prior("fourier", Fourier(), views=Views(zoom=zoom, turn=turn, shift=shift))


def spectrum(count: int = 4, zoom: tuple[float, float] = (0.7, 1.0), noise: float = 0.05) -> Prior:
    """The magnitude spectrum of real inputs, only phases are free; seen in crops (MACO, Fel et al. 2023)."""
    return Prior("spectrum", Spectrum(), views=Views(count=count, zoom=zoom, anywhere=True, noise=noise))


def mean(weight: float = 0.25) -> Prior:
    """Pixels that begin and stay near the mean input of the class."""
    return Prior("mean", penalties=(NearMean(weight),), from_class_mean=True)


def expert(weight: float = 0.3) -> Prior:
    """Pixels that a density of real inputs finds likely, from the mean of the class on (Montavon et al. 2018)."""
    return Prior("expert", penalties=(Unlikely(weight),), from_class_mean=True)


def code(generator: nn.Module | None = None, size: int = decoder.CODE, weight: float = 1.0) -> Prior:
    """The code of a generator, `size` numbers, kept short (Nguyen et al. 2016); by default that of 8 × 8 digits."""
    return Prior("code", Code(decoder.load() if generator is None else generator, size), (CodeLength(weight),))


_MAKERS: dict[str, Callable[..., Prior]] = {
    "none": none,
    "l2": l2,
    "variation": variation,
    "robust": robust,
    "fourier": fourier,
    "spectrum": spectrum,
    "mean": mean,
    "expert": expert,
    "code": code,
}


def names() -> list[str]:
    """Names that :func:`get` knows, from no prior to the strongest."""
    return list(_MAKERS)


def get(name: str, **settings: Any) -> Prior:
    """The prior of that `name`, with `settings` of the function of its name.

    Raises
    ------
    ValueError
        If there is no such prior, or it has no such setting.
    """
    if name not in _MAKERS:
        near = difflib.get_close_matches(str(name), _MAKERS, n=1, cutoff=0.4)
        hint = f" Did you mean {near[0]!r}?" if near else ""
        raise ValueError(f"There is no prior {name!r}; there are {', '.join(names())}.{hint}")
    takes = signature(_MAKERS[name]).parameters
    unknown = [setting for setting in settings if setting not in takes]
    if unknown:
        raise ValueError(f"The prior {name!r} has no setting {unknown[0]!r}; it has {', '.join(takes) or 'none'}.")
    return _MAKERS[name](**settings)


def _distance(mean: Tensor, unit: float) -> Weigh:
    return lambda images, *_: (images - mean.to(images)).square().flatten(1).mean(1) / unit
