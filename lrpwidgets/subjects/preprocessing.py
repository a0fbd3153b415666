"""What a person gives as preprocessing, understood: from pictures to inputs, and which numbers are black and white.

`understood` takes a `Normalization`, torchvision's weights or their transforms, a composition of transforms or any
callable, and finds the normalization in it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from .normalization import Normalization

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor


@dataclass(frozen=True)
class Preprocessing:
    """From pictures to inputs, as far as it is known."""

    transform: Callable[[Image], Any] | None = None
    """Makes an input (C, H, W) of a picture; None where unknown."""
    normalization: Normalization | None = None
    """Its last step; None where there is none, or none that was found."""
    categories: tuple[str, ...] = ()
    """Names of the classes that the weights were trained on; empty where unknown."""


@dataclass(frozen=True)
class Normalized:
    """A picture's pixels, normalized."""

    normalization: Normalization

    def __call__(self, picture: Image) -> Tensor:
        return self.normalization.to_input(pixels(picture))


def understood(given: Any) -> Preprocessing:
    """What `given` does; TypeError if it is no preprocessing.

    Parameters
    ----------
    given
        None, a `Normalization`, torchvision's weights (``ResNet50_Weights.DEFAULT``) or their ``transforms()``, a
        ``Compose`` of transforms, or any callable that makes an input of a picture.
    """
    if given is None:
        return Preprocessing()
    if isinstance(given, Normalization):
        return Preprocessing(Normalized(given), given)
    if hasattr(given, "meta") and callable(getattr(given, "transforms", None)):  # torchvision's weights
        transform = given.transforms()
        return Preprocessing(transform, normalization_in(transform), tuple(given.meta.get("categories") or ()))
    if isinstance(given, type) or not callable(given):
        kinds = "a Normalization, torchvision weights, their transforms() or a function from a picture to a tensor"
        raise TypeError(f"preprocessing is {given!r}; give {kinds}.")
    return Preprocessing(given, normalization_in(given))


def normalization_in(transform: Any) -> Normalization | None:
    """The last normalization by mean and standard deviation in a transform; None where there is none."""
    found = [(part.mean, part.std) for part in _parts(transform) if _has_numbers(part)]
    if not found:
        return None
    mean, std = (tuple(float(value) for value in values) for values in found[-1])
    scale = 255 if max(mean) > 1 else 1  # then it is of pixels from 0 to 255
    return Normalization(tuple(value / scale for value in mean), tuple(value / scale for value in std))


def pixels(picture: Image) -> Tensor:
    """A picture as numbers (C, H, W) in [0, 1]."""
    from torchvision.transforms.functional import pil_to_tensor

    tensor: Tensor = pil_to_tensor(picture)
    return tensor.float() / 255


def _parts(transform: Any) -> Iterator[Any]:
    """A transform and those that it consists of, in their order."""
    from torch import nn

    yield transform
    inside = getattr(transform, "transforms", None)
    if inside is None and isinstance(transform, nn.Sequential):
        inside = transform
    for part in inside if isinstance(inside, list | tuple | nn.Sequential | nn.ModuleList) else ():
        yield from _parts(part)


def _has_numbers(part: Any) -> bool:
    """Whether it has a mean and a standard deviation, as all kinds of Normalize do, and not methods of that name."""
    return all(hasattr(part, name) and hasattr(getattr(part, name), "__len__") for name in ("mean", "std"))
