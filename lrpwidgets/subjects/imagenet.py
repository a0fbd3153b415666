"""The subject ``imagenet``: torchvision's classification networks, on your own pictures.

`load` and `from_folder` put the network in front of a folder. No pictures ship in the package: without a
folder the dataset is empty, and pictures come by upload.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .folder import ImageFolder, picture_files
from .normalization import Normalization
from .pretrained import describe, pretrained
from .subject import Subject

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from ..lrp.scores import Select


def load(
    arch: str = "squeezenet1_0",
    weights: str | Path | None = "DEFAULT",
    images: str | Path | None = None,
    crop: int | None = None,
) -> Subject:
    """A torchvision classification network with the preprocessing of its weights.

    Parameters
    ----------
    arch : str
        One of ``torchvision.models.list_models(module=torchvision.models)``.
    weights : str, path or None
        Name of torchvision weights ("DEFAULT", "IMAGENET1K_V1"), taken from torch's download cache or
        downloaded into it; or the path of a file with a state dict (.pth, .pt, .safetensors) of this network
        for ImageNet's classes; None for random weights.
    images : path, optional
        Folder of pictures, see `lrpwidgets.subjects.folder`.
    crop : int, optional
        Height and width of the input in pixels, where it shall differ from the weights' own.

    Raises
    ------
    ValueError
        If `arch` or `weights` is unknown, the weights do not fit or are unsafe, or `images` has no pictures.
    FileNotFoundError
        If `images` or a weights file is missing, or the weights cannot be downloaded.
    """
    files = picture_files(images) if images is not None else []  # before any download
    network = pretrained(arch, weights, crop)
    normalization = Normalization(tuple(network.transforms.mean), tuple(network.transforms.std))
    from_image = partial(_input, network.transforms)
    return Subject(
        model=network.model,
        dataset=() if images is None else ImageFolder(Path(images), files, from_image, network.classes),
        classes=network.classes,
        to_image=normalization.to_image,
        from_image=from_image,
        bounds=normalization.bounds,
        name="imagenet",
        title=f"{describe(arch)} · ImageNet",
        recipe=_recipe(load, "imagenet", arch=arch, weights=weights, images=images, crop=crop),
    )


def from_folder(
    path: str | Path,
    arch: str = "resnet50",
    weights: str | Path | None = "DEFAULT",
    crop: int | None = None,
    select: Select = None,
) -> Subject:
    """A torchvision network on a folder of pictures, with or without a subfolder per class.

    Parameters and errors are those of `lrpwidgets.subjects.imagenet.load`, and `select` that of an explainer; where
    labels come from is told in `lrpwidgets.subjects.folder`.
    """
    subject = load(arch, weights, images=path, crop=crop)
    subject.name = Path(path).resolve().name
    subject.title = f"{describe(arch)} · {subject.name}"
    subject.recipe = _recipe(from_folder, str(path), arch=arch, weights=weights, crop=crop)
    return subject.selecting(select)


def _input(transforms: Callable[[Image], Tensor], picture: Image) -> Tensor:
    return transforms(picture.convert("RGB"))


def _recipe(function: Callable[..., Subject], first: str, **options: Any) -> str:
    """The call of `function`, without options that are its defaults; empty for weights that are drawn at random."""
    if options["weights"] is None:
        return ""
    defaults = signature(function).parameters
    given = {name: value for name, value in options.items() if value != defaults[name].default}
    written = [f"{name}={_plain(value)!r}" for name, value in given.items()]
    return f"subjects.{function.__name__}({', '.join([repr(first), *written])})"


def _plain(value: Any) -> Any:
    return str(value) if isinstance(value, Path) else value
