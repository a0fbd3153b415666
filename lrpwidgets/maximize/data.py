"""What is known of real inputs: the statistics that priors use, and what a maximized image is held against."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any
from weakref import WeakKeyDictionary

import torch
import torch.nn.functional as F
from torch import Tensor

from ..readable import Readable
from .density import Density

if TYPE_CHECKING:
    from ..subjects import Subject

MOST = 1024
"""Inputs that are looked at, evenly spread over the data."""

BYTES = 128 * 2**20
"""What they may take of memory."""

FEWEST = 8
"""Real inputs that a density takes."""

IMAGENET_COLOURS = ((0.26, 0.09, 0.02), (0.27, 0.00, -0.05), (0.27, -0.09, 0.03))
"""How the colours of a pixel go together in ImageNet: root of their covariance (Olah et al. 2017)."""


@dataclass(frozen=True, eq=False, repr=False)
class Data(Readable):
    """A sample of real inputs, brought to the size of the image that is optimized.

    Without any, colours are ImageNet's and the spectrum is that of natural images, whose amplitude falls with 1 / f.
    """

    inputs: Tensor
    """(N, C, H, W), on the CPU."""
    labels: Tensor
    """(N,); −1 where unknown."""
    indices: Tensor
    """(N,): which input of the data set each is."""
    low: Tensor
    """(C, 1, 1): the lowest valid input."""
    high: Tensor
    """(C, 1, 1): the highest."""
    bounded: bool = True
    """Whether these are known, rather than guessed."""
    notes: tuple[str, ...] = field(default=())

    @classmethod
    def kept(cls, subject: Subject, shape: tuple[int, ...], dtype: torch.dtype) -> Data:
        """As :meth:`of`, but those of the last run of the `subject` if nothing else was asked for there.

        To read pictures and fit a density to them takes seconds, and one looks at many wishes of one subject.
        """
        wanted = (shape, dtype, id(subject.dataset), len(subject.dataset), subject.bounds)
        known = _KEPT.get(subject)
        if known is None or known[0] != wanted:
            known = _KEPT[subject] = (wanted, cls.of(subject, shape, dtype))
        return known[1]

    @classmethod
    def of(cls, subject: Subject, shape: tuple[int, ...], dtype: torch.dtype) -> Data:
        """Inputs of the `subject` as (C, H, W) = `shape`; those that cannot be read are left out."""
        taken = list(_read(subject, shape))
        inputs = torch.stack([x for x, _, _ in taken]).to(dtype) if taken else torch.empty(0, *shape, dtype=dtype)
        labels = torch.tensor([label for _, label, _ in taken], dtype=torch.long)
        indices = torch.tensor([index for _, _, index in taken], dtype=torch.long)
        if subject.bounds is not None:
            low, high = (torch.tensor(each, dtype=dtype).expand(shape[0]) for each in subject.bounds)
        elif taken:
            low, high = inputs.amin((0, 2, 3)), inputs.amax((0, 2, 3))
        else:
            low, high = torch.full((shape[0],), -2.0, dtype=dtype), torch.full((shape[0],), 2.0, dtype=dtype)
        return cls(inputs, labels, indices, low[:, None, None], high[:, None, None], subject.bounds is not None)

    @property
    def span(self) -> Tensor:
        """(C, 1, 1): the width of the range of valid inputs."""
        return (self.high - self.low).clamp(min=1e-6)

    @cached_property
    def mean(self) -> Tensor:
        """(C, H, W): the mean input; the middle of the range without data."""
        return self.inputs.mean(0) if len(self.inputs) else ((self.low + self.high) / 2).expand(self.inputs.shape[1:])

    def class_mean(self, number: int | None) -> Tensor:
        """(C, H, W): the mean input of a class; of all, if it has none or `number` is None."""
        own = self.inputs[self.labels == number] if number is not None else self.inputs[:0]
        return own.mean(0) if len(own) else self.mean

    @cached_property
    def energy(self) -> float:
        """Mean square of how far real inputs are from their mean, per number; 1 / 12 of the range without data."""
        if len(self.inputs) < 2:
            return float((self.span**2).mean() / 12)
        return max(float((self.inputs - self.mean).square().mean()), 1e-12)

    @cached_property
    def colour(self) -> Tensor:
        """(C, C): from decorrelated to real channels; a root of their covariance, largest column of norm 1."""
        channels = self.inputs.shape[1]
        if len(self.inputs):
            pixels = self.inputs.movedim(1, 0).flatten(1).double()
            values, vectors = torch.linalg.eigh(torch.cov(pixels).reshape(channels, channels))
            root = vectors * values.clamp(min=1e-6 * float(values.max().clamp(min=1e-12))).sqrt()
        elif channels == 3:
            root = torch.tensor(IMAGENET_COLOURS, dtype=torch.float64)
        else:
            root = torch.eye(channels, dtype=torch.float64)
        colour: Tensor = (root / root.norm(dim=0).max()).to(self.inputs.dtype)
        return colour

    def decorrelated(self, x: Tensor) -> Tensor:
        """Inputs (B, C, H, W) in decorrelated channels."""
        return torch.einsum("dc,bchw->bdhw", torch.linalg.inv(self.colour).to(x), x)

    def correlated(self, x: Tensor) -> Tensor:
        """What :meth:`decorrelated` makes, as inputs again."""
        return torch.einsum("dc,bchw->bdhw", self.colour.to(x), x)

    @cached_property
    def magnitude(self) -> Tensor:
        """(C, H, W // 2 + 1): the mean magnitude spectrum of decorrelated real inputs, of a real Fourier transform.

        The first entry of each channel is the transform of the mean, with its sign.
        """
        height, width = self.inputs.shape[2:]
        if len(self.inputs):
            spectra = torch.fft.rfft2(self.decorrelated(self.inputs))
            magnitude: Tensor = spectra.abs().mean(0)
            magnitude[:, 0, 0] = spectra[:, :, 0, 0].real.mean(0)
            return magnitude
        falling = 1 / frequencies(height, width).clamp(min=1 / max(height, width))
        magnitude = falling.to(self.inputs.dtype).expand(len(self.colour), -1, -1).clone()
        middle = self.decorrelated(self.mean[None])[0]
        noise = torch.fft.irfft2(magnitude.to(torch.complex64), s=(height, width)).std().clamp(min=1e-12)
        magnitude *= float(self.energy**0.5 / noise)
        magnitude[:, 0, 0] = torch.fft.rfft2(middle)[:, 0, 0].real
        return magnitude

    @cached_property
    def density(self) -> Density:
        """How likely inputs are, as every other of the real ones tells: the rest is there to be compared with.

        Raises
        ------
        ValueError
            If there are fewer than eight inputs.
        """
        if len(self.inputs) < FEWEST:
            raise ValueError(f"A density is fitted to {FEWEST} real inputs or more, and there are {len(self.inputs)}.")
        return Density.fitted(self.inputs[::2])

    @cached_property
    def log_densities(self) -> Tensor:
        """(M,): the log-density of the other half; empty if there are too few inputs for one."""
        return self.density.log_density(self.inputs[1::2]) if len(self.inputs) >= FEWEST else self.low.new_empty(0)

    @cached_property
    def variation(self) -> float:
        """Mean total variation of real inputs: see :func:`total_variation`; that of noise without data."""
        if len(self.inputs):
            return max(float(total_variation(self.inputs / self.span).mean()), 1e-12)
        return 0.5


_KEPT: WeakKeyDictionary[Subject, tuple[tuple[Any, ...], Data]] = WeakKeyDictionary()
"""What was read last of each subject."""


def total_variation(x: Tensor) -> Tensor:
    """(B,): the mean absolute difference of neighbouring pixels."""
    down, right = (x.diff(dim=-2).abs(), x.diff(dim=-1).abs())
    return down.flatten(1).mean(1) + right.flatten(1).mean(1)


def frequencies(height: int, width: int) -> Tensor:
    """(H, W // 2 + 1): cycles per pixel of each entry of a real Fourier transform."""
    return torch.hypot(torch.fft.fftfreq(height)[:, None], torch.fft.rfftfreq(width)[None])


def resized(x: Tensor, size: tuple[int, ...]) -> Tensor:
    """Pictures (B, C, H, W) of another size."""
    if tuple(x.shape[2:]) == tuple(size):
        return x
    return F.interpolate(x, size=tuple(size), mode="bilinear", antialias=True, align_corners=False)


def _read(subject: Subject, shape: tuple[int, ...]) -> Iterator[tuple[Tensor, int, int]]:
    total = len(subject.dataset)
    fit = max(int(BYTES // (4 * max(torch.Size(shape).numel(), 1))), 16)
    count = min(total, MOST, fit)
    for number in range(count):
        index = number * total // count
        try:
            x, label = subject.item(index)
        except (ValueError, OSError):  # a file that is broken is no real input
            continue
        if x.dim() == 3 and x.shape[0] == shape[0]:
            yield resized(x[None].float(), shape[1:])[0], -1 if label is None else label, index
