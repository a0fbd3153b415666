"""What is optimized in place of an image: its pixels, its Fourier coefficients, their phases, a generator's code.

Each makes an image (B, C, H, W), ready for the model, of a few variables, and knows how to begin at a given image.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass
from functools import cached_property

import torch
from torch import Tensor, nn

from .data import Data, frequencies


class Parametrization(ABC):
    """How an image depends on what is optimized."""

    rate: float = 0.05
    """Step size of the optimizer."""

    @abstractmethod
    def start(self, data: Data, count: int, generator: torch.Generator) -> Tensor:
        """The variables of `count` images to begin with."""

    @abstractmethod
    def at(self, data: Data, images: Tensor) -> Tensor:
        """The variables of `images` (B, C, H, W), as close as they can come."""

    @abstractmethod
    def image(self, data: Data, variables: Tensor) -> Tensor:
        """The images (B, C, H, W) that the `variables` stand for."""

    def settle(self, data: Data, variables: Tensor) -> None:
        """Bring the `variables` back to what is valid, after a step; in place. By default all are."""
        return

    def optimizer(self, variables: Tensor) -> torch.optim.Optimizer:
        """What moves the `variables`."""
        return torch.optim.Adam([variables], lr=self.rate)


@dataclass(frozen=True)
class Pixels(Parametrization):
    """The pixels themselves, kept in the range of valid inputs where that is known."""

    noise: float = 0.01
    """Standard deviation around the mean input to begin with, in units of the range."""
    rate: float = 0.02

    def start(self, data: Data, count: int, generator: torch.Generator) -> Tensor:
        shape = (count, *data.mean.shape)
        return self.at(data, data.mean + self.noise * data.span * _normal(shape, data, generator))

    def at(self, data: Data, images: Tensor) -> Tensor:
        return (images - data.low) / data.span

    def image(self, data: Data, variables: Tensor) -> Tensor:
        return data.low.to(variables) + data.span.to(variables) * variables

    def settle(self, data: Data, variables: Tensor) -> None:
        if data.bounded:
            variables.clamp_(0, 1)


@dataclass(frozen=True)
class Fourier(Parametrization):
    """Fourier coefficients in decorrelated colours, low frequencies first (Olah et al. 2017).

    A sigmoid keeps pixels in the range of valid inputs.
    """

    noise: float = 0.01
    """Standard deviation of the coefficients to begin with."""
    decay: float = 1.0
    """A frequency f counts as 1 / f to this power."""
    rate: float = 0.05

    def start(self, data: Data, count: int, generator: torch.Generator) -> Tensor:
        channels, height, width = data.mean.shape
        return self.noise * _normal((count, channels, height, width // 2 + 1, 2), data, generator)

    def at(self, data: Data, images: Tensor) -> Tensor:
        share = ((images - data.low) / data.span).clamp(1e-3, 1 - 1e-3)
        spectrum: Tensor = torch.fft.rfft2(data.decorrelated(share.logit()), norm="ortho")
        return torch.view_as_real(spectrum * (4 / self._scale(data)))

    def image(self, data: Data, variables: Tensor) -> Tensor:
        spectrum = torch.view_as_complex(variables) * (self._scale(data).to(variables) / 4)
        plain = torch.fft.irfft2(spectrum, s=data.mean.shape[1:], norm="ortho")
        return data.low.to(variables) + data.span.to(variables) * data.correlated(plain).sigmoid()

    def _scale(self, data: Data) -> Tensor:
        height, width = data.mean.shape[1:]
        return frequencies(height, width).clamp(min=1 / max(height, width)) ** -self.decay


@dataclass(frozen=True)
class Spectrum(Parametrization):
    """The phases of a Fourier transform alone; its magnitudes are those of real inputs (MACO, Fel et al. 2023).

    Magnitudes are taken in decorrelated colours. The mean stays that of the data, and so does the sign of frequencies
    that have no phase. Pixels may leave the range of valid inputs a little.
    """

    rate: float = 1.0

    def start(self, data: Data, count: int, generator: torch.Generator) -> Tensor:
        shape = (count, *data.magnitude.shape)
        return torch.pi * (2 * torch.rand(shape, generator=generator, dtype=data.magnitude.dtype) - 1)

    def at(self, data: Data, images: Tensor) -> Tensor:
        phases: Tensor = torch.fft.rfft2(data.decorrelated(images)).angle()
        return phases

    def image(self, data: Data, variables: Tensor) -> Tensor:
        height, width = data.mean.shape[1:]
        phase, sign = self._valid(variables, height, width)
        magnitude = data.magnitude.to(variables) * sign
        spectrum = torch.complex(magnitude * phase.cos(), magnitude * phase.sin())
        return data.correlated(torch.fft.irfft2(spectrum, s=(height, width)))

    def optimizer(self, variables: Tensor) -> torch.optim.Optimizer:
        return torch.optim.NAdam([variables], lr=self.rate)

    @staticmethod
    def _valid(phase: Tensor, height: int, width: int) -> tuple[Tensor, Tensor]:
        """Phases that a real image can have, and signs for the frequencies that are their own conjugates.

        The transform of a real image at (−f, 0) is the conjugate of that at (f, 0), in the first column and, if the
        width is even, in the last.
        """
        turned = phase[..., (-torch.arange(height)) % height, :]
        odd = (phase - turned) / 2
        own = torch.zeros(height, phase.shape[-1], dtype=torch.bool, device=phase.device)
        own[:, 0] = True
        if width % 2 == 0:
            own[:, -1] = True
        alone = (
            own
            & (torch.arange(height, device=phase.device) == (-torch.arange(height, device=phase.device)) % height)[
                :, None
            ]
        )
        sign = torch.where(alone & (phase.detach().cos() < 0), -1.0, 1.0)
        sign[..., 0, 0] = 1.0
        return torch.where(own, odd, phase), sign


@dataclass(frozen=True, eq=False)
class Code(Parametrization):
    """The code (B, K) of a generator, any module that makes inputs of the model from it (Nguyen et al. 2016)."""

    generator: nn.Module
    size: int
    """K: how many numbers a code has."""
    rate: float = 0.1

    def start(self, data: Data, count: int, generator: torch.Generator) -> Tensor:
        codes = 0.1 * _normal((count, self.size), data, generator)
        made = self._made(codes)
        if tuple(made.shape) != (count, *data.mean.shape):
            raise ValueError(
                f"The generator makes {tuple(made.shape)} of codes {tuple(codes.shape)}, and the model takes "
                f"{(count, *data.mean.shape)}."
            )
        return codes

    def at(self, data: Data, images: Tensor) -> Tensor:
        raise ValueError("A generator's code can't be told from an image; begin at a frame of a run with that prior.")

    def image(self, data: Data, variables: Tensor) -> Tensor:
        made: Tensor = self._generator(variables)
        return made

    @cached_property
    def _generator(self) -> nn.Module:
        return self.generator.eval()

    def _made(self, codes: Tensor) -> Tensor:
        try:
            with torch.no_grad():
                made: Tensor = self._generator(codes)
        except RuntimeError as error:
            reason = str(error).strip().splitlines()[0]
            raise ValueError(f"The generator cannot take codes {tuple(codes.shape)}: {reason}") from error
        return made


def _normal(shape: tuple[int, ...], data: Data, generator: torch.Generator) -> Tensor:
    return torch.randn(shape, generator=generator, dtype=data.low.dtype)
