"""Data in the forms that people have it in, brought to the one form that a subject needs.

`sequence` finds the items of a dataset, `parts` splits an item into input and label, `Reader` makes an input of
what it finds there, and `class_number` a class. `AnySamples` puts them together.
Nothing is assumed in silence: what was, is told in sentences.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PIL import Image

from .folder import ImageFolder, listed
from .pictures import as_rgb, open_picture
from .preprocessing import Preprocessing, pixels

if TYPE_CHECKING:
    import torch
    from torch import Tensor

    from .samples import Sample

INPUT_KEYS = ("pixel_values", "image", "img")
"""Keys of the input, where items are dictionaries."""

LABEL_KEYS = ("label", "labels", "fine_label")
"""Keys of the class, where items are dictionaries."""


@dataclass(frozen=True)
class Pairs:
    """Inputs and labels that come as two sequences."""

    inputs: Any
    labels: Any

    def __len__(self) -> int:
        return len(self.inputs)

    def __getitem__(self, index: int) -> tuple[Any, Any]:
        return self.inputs[index], self.labels[index]


class Pictures:
    """Pictures of a folder, without labels as long as the classes are not known."""

    def __init__(self, folder: str | Path) -> None:
        found = listed(folder)
        self.title = Path(folder).resolve().name
        self.folder, self.files, self.subfolders, self.notes = found.folder, found.files, found.subfolders, found.notes
        self.names = [file.as_posix() for file in self.files]

    def __len__(self) -> int:
        return len(self.files)

    def __getitem__(self, index: int) -> Image.Image:
        return open_picture(self.folder / self.names[index], name=self.names[index])

    def labelled(self, classes: list[str]) -> ImageFolder:
        """The same pictures with their labels, as `lrpwidgets.subjects.folder` finds them."""
        return ImageFolder(self.folder, self.files, _same, classes)


@dataclass(frozen=True)
class Reader:
    """Makes inputs of pictures, arrays and tensors."""

    preprocessing: Preprocessing
    """For pictures, and for bytes, which are pictures too. Numbers are taken as ready for the model."""
    channels: int | None
    """What the model takes; None where unknown."""
    dtype: torch.dtype
    """What the model computes in."""

    def __call__(self, raw: Any) -> tuple[Tensor, list[str]]:
        """An input (C, H, W), and what was assumed on the way, as sentences."""
        return self._of_picture(raw) if isinstance(raw, Image.Image) else self._of_array(raw)

    def _of_picture(self, picture: Image.Image) -> tuple[Tensor, list[str]]:
        picture, told = self.coloured(picture)
        if self.preprocessing.transform is not None:
            return self._checked(self.preprocessing.transform(picture)), told
        plain = "Pictures become numbers in [0, 1] at their own size, as no preprocessing is given."
        return self._checked(pixels(picture)), [*told, plain]

    def coloured(self, picture: Image.Image) -> tuple[Image.Image, list[str]]:
        """The picture in grey or RGB, whichever the model takes, and what was assumed."""
        mode = {1: "L", 3: "RGB"}.get(self.channels or 0, "L" if picture.mode in ("L", "1") else "RGB")
        if picture.mode == mode:
            return picture, []
        told = f"Pictures of mode {picture.mode} become {mode}: the model takes {spelled(self.channels)}."
        return as_rgb(picture).convert(mode), [told] if self.channels else []

    def _of_array(self, raw: Any) -> tuple[Tensor, list[str]]:
        import torch

        try:
            x = torch.as_tensor(raw).detach().as_subclass(torch.Tensor)
        except (TypeError, ValueError, RuntimeError) as error:
            kinds = "a tensor, an array or a picture of Pillow"
            raise ValueError(f"its input is of type {type(raw).__name__}; an input is {kinds}.") from error
        x, told = self._channels_first(x)
        if x.dtype != torch.uint8:
            ready = "Numbers are taken as ready for the model: the preprocessing is for pictures."
            return self._checked(x), [*told, ready] if self.preprocessing.transform else told
        if self.preprocessing.transform is not None and len(x) in (1, 3):
            from torchvision.transforms.functional import to_pil_image

            x, more = self._of_picture(to_pil_image(x))
            return x, [*told, "Bytes (uint8) are taken as pictures: they go through the preprocessing.", *more]
        return self._checked(x / 255), [*told, "Bytes (uint8) are scaled to [0, 1]."]

    def _channels_first(self, x: Tensor) -> tuple[Tensor, list[str]]:
        if x.dim() == 2:
            return x[None], ["Arrays (H, W) are taken as grey pictures, with one channel."]
        if x.dim() == 4 and len(x) == 1:
            return x[0], ["Items come as batches of one; the batch dimension is taken away."]
        if x.dim() == 3 and self._channels_last(x.shape):
            return x.movedim(2, 0), ["Arrays (H, W, C) become (C, H, W)."]
        return x, []

    def _channels_last(self, shape: Sequence[int]) -> bool:
        if self.channels in (shape[0], shape[2]):
            return shape[0] != self.channels
        return shape[0] not in (1, 3, 4) and shape[2] in (1, 3, 4)

    def _checked(self, x: Any) -> Tensor:
        import torch

        if not isinstance(x, torch.Tensor):
            raise ValueError(f"The preprocessing gives {type(x).__name__}; let it end with a tensor (C, H, W).")
        if x.dim() != 3:
            way = "for inputs that are none give subjects.Subject(model, dataset)"
            raise ValueError(f"The input has the shape {tuple(x.shape)}; an image has (C, H, W): {way}.")
        return x.detach().as_subclass(torch.Tensor).to(self.dtype)


@dataclass(frozen=True, eq=False)
class AnySamples:
    """The samples of a subject, read from items of any form; an item that cannot be read raises ValueError."""

    items: Any = field(repr=False)
    """What `sequence` gave."""
    reader: Reader = field(repr=False)
    classes: tuple[str, ...] = field(repr=False)
    """Names that labels may be written in: those of the data."""
    numbers: tuple[int | None, ...] = field(repr=False)
    """The model's class for each class of the data; empty where both have the same."""
    scores: int | None
    """How many classes the model knows; None where unknown."""
    labelled: bool = True
    """Whether labels are classes at all."""

    @property
    def names(self) -> Sequence[str] | None:
        """Display names, where the data has some."""
        names = getattr(self.items, "names", None)
        return names if isinstance(names, list) and len(names) == len(self) else None  # tensors have other ones

    def __len__(self) -> int:
        return len(self.items)

    def __getitem__(self, index: int) -> Sample:
        index = range(len(self))[index]
        try:
            raw, label = parts(self.items[index])
            return self.reader(raw)[0], self.label(label)
        except Exception as error:  # anything may happen in a stranger's dataset
            raise ValueError(f"Sample {index} cannot be used: {reason(error)}") from error

    def label(self, label: Any) -> int | None:
        """The model's class for a label in whatever form; ValueError where there is none."""
        if not self.labelled:
            return None
        number = class_number(label, self.classes)
        if number is None or number < 0:  # -1: the usual mark of data without labels
            return None
        count = len(self.numbers) or self.scores
        if count is not None and number >= count:
            raise ValueError(f"its label is {number}, but classes are numbered from 0 to {count - 1}.")
        return self.numbers[number] if self.numbers else number


def sequence(dataset: Any) -> tuple[Any, list[str]]:
    """Something with a length and items, and what was assumed on the way, as sentences.

    Raises
    ------
    TypeError
        If the items have no order, such as those of a stream or of a dictionary of datasets.
    ValueError
        If a tensor could be one picture or many, or inputs and labels are not equally many.
    """
    from torch.utils.data import DataLoader

    if dataset is None:
        return (), []
    if isinstance(dataset, str | Path):
        pictures = Pictures(dataset)
        return pictures, pictures.notes
    if isinstance(dataset, DataLoader):
        items, more = sequence(dataset.dataset)
        return items, ["Of the DataLoader only its dataset is used, in the dataset's order.", *more]
    if _is_array(dataset) or _is_pair(dataset):
        return _paired(dataset), []
    if isinstance(dataset, Mapping):
        keys = ", ".join(map(repr, list(dataset)[:5]))
        raise TypeError(f"The dataset is a dictionary with the keys {keys}; give one of its values, such as a split.")
    if not _is_ordered(dataset):
        remedy = "give a list of its first items: list(itertools.islice(dataset, 100))"
        raise TypeError(f"The dataset ({type(dataset).__name__}) has no length or no items by number; {remedy}.")
    return dataset, []


def nested(dataset: Any) -> Iterator[Any]:
    """A dataset and those that it wraps, as DataLoader and Subset do."""
    while dataset is not None:
        yield dataset
        dataset = getattr(dataset, "dataset", None)


def parts(item: Any) -> tuple[Any, Any]:
    """Input and label of an item, the label None where there is none."""
    if isinstance(item, Mapping):
        key = next((key for key in INPUT_KEYS if key in item), None)
        if key is None:
            raise ValueError(f"it has the keys {', '.join(map(repr, item))}; one of {', '.join(INPUT_KEYS)} is needed.")
        return item[key], next((item[key] for key in LABEL_KEYS if key in item), None)
    if isinstance(item, tuple | list):
        return item[0], item[1] if len(item) > 1 else None
    return item, None


def class_number(label: Any, classes: Sequence[str]) -> int | None:
    """The class that a number, a name or a one-hot vector stands for; None for several at once, or none."""
    import torch

    if label is None:
        return None
    if isinstance(label, str):
        return _by_name(label, classes)
    numbers = torch.as_tensor(label).detach().flatten().double()
    if numbers.numel() == 1:
        return _whole(numbers.item())
    best = (numbers == numbers.max()).nonzero().flatten().tolist()
    return best[0] if len(best) == 1 else None


def reason(error: Exception) -> str:
    """What an error says, in one line, with its type where that helps."""
    said = (str(error).strip().splitlines() or [""])[0]
    return said if isinstance(error, ValueError) and said else f"{type(error).__name__}: {said or 'no further word'}"


def is_picture(raw: Any) -> bool:
    """Whether it is a picture, or bytes (uint8) that are taken as one."""
    return isinstance(raw, Image.Image) or str(getattr(raw, "dtype", "")).removeprefix("torch.") == "uint8"


def _same(picture: Any) -> Any:
    return picture


def spelled(channels: int | None) -> str:
    """A number of channels in words."""
    return {1: "1 channel (grey)", 3: "3 channels (RGB)"}.get(channels or 0, f"{channels} channels")


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")


def _is_pair(dataset: Any) -> bool:
    """Whether it is (inputs, labels) and not two items."""
    if not isinstance(dataset, tuple) or len(dataset) != 2 or not _is_array(dataset[0]):
        return False
    inputs, labels = dataset
    return len(inputs.shape) > 2 and (isinstance(labels, list) or (_is_array(labels) and len(labels.shape) < 3))


def _paired(dataset: Any) -> Any:
    if not isinstance(dataset, tuple):
        if len(dataset.shape) != 4:
            raise ValueError(f"The data has the shape {tuple(dataset.shape)}; give (N, C, H, W), also for one picture.")
        return dataset
    inputs, labels = dataset
    if len(inputs) != len(labels):
        raise ValueError(f"There are {len(inputs)} inputs and {len(labels)} labels; give one label for each input.")
    return Pairs(inputs, labels)


def _is_ordered(dataset: Any) -> bool:
    from torch.utils.data import IterableDataset

    if isinstance(dataset, IterableDataset) or not hasattr(dataset, "__getitem__"):
        return False
    try:
        len(dataset)
    except TypeError:
        return False
    return True


def _by_name(label: str, classes: Sequence[str]) -> int:
    if label not in classes:
        remedy = "give classes= with the names in the model's order"
        raise ValueError(f"its label {label!r} is no name of a class; {remedy}.")
    return classes.index(label)


def _whole(number: float) -> int | None:
    if number != number:  # NaN, in tables the usual mark of a missing label
        return None
    if number != int(number):
        raise ValueError(f"its label is {number}; a class is a whole number.")
    return int(number)
