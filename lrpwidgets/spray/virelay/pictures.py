"""The inputs of a ViRelAy project as pictures, from an HDF5 file or a folder, decoded when asked for."""

from __future__ import annotations

import glob
import math
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from ...subjects.pictures import open_picture
from .files import Array, Series, inside, opened

Pixels = NDArray[np.uint8]
"""A colour picture (H, W, 3)."""

PADDING = {"fill_zeros": "constant", "edge_repeat": "edge", "mirror_edge": "reflect", "wrap_around": "wrap"}
"""Ways to enlarge a picture by a border, as `numpy.pad` calls them; ``fill_ones`` is the constant 1."""


class Pictures(Protocol):
    """The inputs of a project."""

    def __len__(self) -> int:
        """Number of inputs."""

    def __getitem__(self, index: int, /) -> Pixels:
        """Input number `index` (H, W, 3); IndexError beyond the last, ValueError if it is broken."""


class StoredPictures:
    """Pictures in an HDF5 file: ``data`` (N, C, H, W) or (N, H, W, C) of any range of numbers, or a group of such."""

    def __init__(self, path: Path) -> None:
        with opened(path) as file:
            self._data, labels = Series.at(file, "data"), Series.at(file, "label")
        if len(labels) != len(self._data):
            raise ValueError(f"{path.name!r} has {len(self._data)} samples in 'data' and {len(labels)} in 'label'.")

    def __len__(self) -> int:
        return len(self._data)

    def __getitem__(self, index: int) -> Pixels:
        if not 0 <= index < len(self):
            raise IndexError(f"There is no input {index}; the project has 0 to {len(self) - 1}.")
        with opened(self._data.path) as file:
            (sample,) = channels_first(self._data.rows(file, np.array([index])))
        colours = sample if len(sample) == 3 else sample.mean(0, keepdims=True).repeat(3, 0).astype(sample.dtype)
        return _eight_bits(np.moveaxis(colours, 0, -1))


class FolderOfPictures:
    """Pictures of a folder and all below, sorted by path, or those that the file ``<folder>_paths.txt`` lists."""

    def __init__(self, folder: Path, project: Path, settings: Mapping[str, Any]) -> None:
        self._size = int(settings["input_width"]), int(settings["input_height"])
        self._up, self._down = (
            _known(settings, "up_sampling_method", ("none", "resize", "fill_ones", *PADDING)),
            _known(settings, "down_sampling_method", ("none", "resize", "center_crop")),
        )
        listed = folder.with_name(folder.name + "_paths.txt")
        names = listed.read_text("utf-8").split("\n") if listed.is_file() else _files(folder)
        self._project = project
        self._names = sorted(str(folder.parent / name) for name in names)

    def __len__(self) -> int:
        return len(self._names)

    def __getitem__(self, index: int) -> Pixels:
        if not 0 <= index < len(self):
            raise IndexError(f"There is no input {index}; the project has 0 to {len(self) - 1}.")
        picture = open_picture(inside(self._project, self._names[index]), name=self._names[index])
        return np.asarray(self._shrunk(self._enlarged(picture)))

    def _enlarged(self, picture: Image.Image) -> Image.Image:
        width, height = (max(0, wanted - size) for wanted, size in zip(self._size, picture.size, strict=True))
        if not (width or height) or self._up == "none":
            return picture
        if self._up == "resize":
            return picture.resize(self._size)
        border = ((height - height // 2, height // 2), (width - width // 2, width // 2), (0, 0))
        if self._up == "fill_ones":
            return Image.fromarray(np.pad(np.asarray(picture), border, constant_values=1))
        return Image.fromarray(np.pad(np.asarray(picture), border, mode=PADDING[self._up]))  # type: ignore[call-overload]

    def _shrunk(self, picture: Image.Image) -> Image.Image:
        width, height = (max(0, size - wanted) for wanted, size in zip(self._size, picture.size, strict=True))
        if not (width or height) or self._down == "none":
            return picture
        if self._down == "resize":
            return picture.resize(self._size)
        left, top = math.ceil(width / 2), math.ceil(height / 2)
        return picture.crop((left, top, picture.width - width + left, picture.height - height + top))


def channels_first(samples: Array) -> Array:
    """Samples (n, C, H, W), of which the channels came first or last, or were none: (n, H, W).

    As ViRelAy guesses: the channels are first where no other side is shorter, else they are last.
    """
    if samples.ndim == 3:
        return samples[:, None]
    return samples if int(np.argmin(samples.shape[1:])) == 0 else np.moveaxis(samples, -1, 1)


def _known(settings: Mapping[str, Any], key: str, methods: Sequence[str]) -> str:
    if settings[key] not in methods:
        raise ValueError(f"The project's {key!r} is {settings[key]!r}; it can be {', '.join(methods)}.")
    return str(settings[key])


def _files(folder: Path) -> list[str]:
    return [f"{folder.name}/{name}" for name in glob.glob("**/*.*", root_dir=folder, recursive=True)]


def _eight_bits(values: Array) -> Pixels:
    """Values of one of the usual ranges, [0, 255], [0, 1] and [-1, 1], as bytes; of any other they are stretched."""
    if values.dtype == np.uint8:
        return values
    values = np.nan_to_num(values.astype(np.float64))
    low, high = values.min(initial=0), values.max(initial=0)
    if low < -1 or high > 255 or (low < 0 and high > 1):
        values = (values - low) / (high - low)
    elif low < 0:
        values = (values + 1) / 2
    return np.rint(values * (1 if low >= 0 and 1 < high <= 255 else 255)).astype(np.uint8)
