"""The subject ``imagenet``: torchvision's classification networks, on your own pictures.

`load` and `from_folder` put the network in front of a folder. No pictures ship in the package: without a
folder the dataset is empty, and pictures come by upload.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from inspect import signature
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .folder import ImageFolder, listed
from .framing import Crop
from .naming import class_names, known_names
from .normalization import Normalization
from .outputs import Outputs, outputs
from .pretrained import Pretrained, describe, pretrained
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
    classes: Sequence[str] | Mapping[int, str] | str | Path | None = None,
    split: str | None = None,
) -> Subject:
    """A torchvision classification network with the preprocessing of its weights.

    Parameters
    ----------
    arch : str
        One of ``torchvision.models.list_models(module=torchvision.models)``.
    weights : str, path or None
        Name of torchvision weights ("DEFAULT", "IMAGENET1K_V1"), taken from torch's download cache or
        downloaded into it; or the path of a file (.pth, .pt, .ckpt, .safetensors) with weights of this network, for
        any number of classes, see `lrpwidgets.subjects.checkpoint`; None for random weights.
    images : path, optional
        Folder of pictures, see `lrpwidgets.subjects.folder`.
    crop : int, optional
        Height and width of the input in pixels, where it shall differ from the weights' own.
    classes : sequence of str, mapping from int to str, or path, optional
        Name of each output, or a file with them, see `lrpwidgets.subjects.naming.read_names`. By default ImageNet's
        where there are a thousand outputs, else the names of the folders in `images` where they are as many. One output
        is that of two classes where two have names.
    split : str, optional
        Which of the splits in `images` is shown, such as "train"; by default "val", "test" or "train", whichever is
        there first.

    Returns
    -------
    Subject
        Its ``notes`` say which weights, names, split and labels were chosen where others were possible.

    Raises
    ------
    ValueError
        If `arch` or `weights` is unknown, the weights do not fit or are unsafe, `images` has no pictures or no such
        split, or `classes` are not as many as outputs.
    FileNotFoundError
        If `images`, a weights file or a file of names is missing, or the weights cannot be downloaded.
    """
    pictures = None if images is None else listed(images, split)  # before any download
    network = pretrained(arch, weights, crop)
    given = Path(classes) if isinstance(classes, str) else classes
    told = _outputs(network, given, pictures.subfolders if pictures else ())
    names, notes = _names(network, given, pictures.subfolders if pictures else (), told.count)
    normalization = Normalization(tuple(network.transforms.mean), tuple(network.transforms.std))
    from_image = partial(_input, network.transforms)
    labelled = names or [f"class {i}" for i in range(told.count or 0)]
    dataset = None if pictures is None else ImageFolder(pictures.folder, pictures.files, from_image, labelled)
    own = None if network.categories else Path(str(weights))  # weights for other classes than ImageNet's
    return Subject(
        model=network.model,
        dataset=() if dataset is None else dataset,
        classes=names,
        to_image=normalization.to_image,
        from_image=from_image,
        crop=Crop(min(1.0, network.transforms.crop_size[0] / network.transforms.resize_size[0])),
        bounds=normalization.bounds,
        name="imagenet" if own is None else own.stem,
        title=f"{describe(arch)} · {'ImageNet' if own is None else own.name}",
        recipe=_recipe(
            load, "imagenet", arch=arch, weights=weights, images=images, crop=crop, classes=classes, split=split
        ),
        notes=[
            *(*network.notes, *told.notes, *notes),
            *(note for each in (pictures, dataset) if each for note in each.notes),
        ],
        select=told.select,
    )


def from_folder(
    path: str | Path,
    arch: str = "resnet50",
    weights: str | Path | None = "DEFAULT",
    crop: int | None = None,
    classes: Sequence[str] | Mapping[int, str] | str | Path | None = None,
    split: str | None = None,
    select: Select = None,
) -> Subject:
    """A torchvision network on a folder of pictures, with or without a subfolder per class.

    Parameters and errors are those of `lrpwidgets.subjects.imagenet.load`, and `select` that of an explainer; where
    labels come from is told in `lrpwidgets.subjects.folder`.
    """
    subject = load(arch, weights, images=path, crop=crop, classes=classes, split=split)
    subject.name = Path(path).resolve().name
    subject.title = f"{describe(arch)} · {subject.name}"
    subject.recipe = _recipe(
        from_folder, str(path), arch=arch, weights=weights, crop=crop, classes=classes, split=split
    )
    return subject.selecting(select)


def _outputs(network: Pretrained, given: Any, subfolders: Sequence[str]) -> Outputs:
    """What the network gives: scores of classes; one alone is that of two classes if they have names."""
    if network.scores != 1:
        return Outputs(network.scores, None)
    import torch
    from PIL import Image

    from ..lrp import Explainer

    x = _input(network.transforms, Image.new("RGB", (64, 64)))
    return outputs(Explainer(network.model), x, torch.zeros(1, 1), (), known_names(given, None, subfolders))


def _names(
    network: Pretrained, given: Any, subfolders: Sequence[str], count: int | None
) -> tuple[list[str], list[str]]:
    """Name of each class, and what was assumed."""
    if given is None and network.categories:
        guess = f"Class names are those of ImageNet, as the weights have {network.scores} outputs too."
        return network.categories, [guess] if network.own else []
    return class_names(given, None, (), subfolders, count)


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
