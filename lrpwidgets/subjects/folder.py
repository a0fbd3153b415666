"""A folder of pictures as the data of a subject.

Pictures are found in all subfolders and decoded one by one, when asked for. A picture's label comes from, in
this order:

1. a file ``labels.json`` in the folder: ``[{"file": "hens/1.jpeg", "index": 8}, ...]``, paths relative to the
   folder; further keys are ignored;
2. a subfolder above it that has the name of a class, in any case and with "_" for " ": "Labrador_retriever/";
3. the position of a subfolder above it, where the subfolders are WordNet synsets ("n01440764/"), as many as
   there are classes: it is in this order that ImageNet, whose validation set looks so, numbers its classes.

Else it has none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from .pictures import open_picture, suffixes

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from .samples import Sample


class ImageFolder:
    """Pictures of a folder, decoded when asked for; a broken one raises ValueError, at its own access only.

    Parameters
    ----------
    folder : Path
        Where the pictures are.
    files : list of Path
        Those to show, relative to `folder`; see `picture_files`.
    from_image : callable
        Makes an input (C, H, W) of an RGB picture.
    classes : list of str
        Name of each class, to find the labels.

    Attributes
    ----------
    names : list of str
        File names relative to the folder.
    labels : list of int or None
        Class of each file, None where unknown.
    """

    def __init__(
        self, folder: Path, files: list[Path], from_image: Callable[[Image], Tensor], classes: list[str]
    ) -> None:
        self.folder = folder
        self.names = [file.as_posix() for file in files]
        self.labels = _labels(folder, files, classes)
        self._from_image = from_image

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        return self._from_image(self.picture(index)), self.labels[index]

    def picture(self, index: int) -> Image:
        """The picture itself, RGB, before any preprocessing."""
        return open_picture(self.folder / self.names[index], name=self.names[index])


def picture_files(folder: str | Path) -> list[Path]:
    """Pictures in `folder` and all below, sorted, relative to it; hidden files and folders are left out.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    ValueError
        If no file in it has a picture's suffix.
    """
    folder, known = Path(folder), suffixes()
    if not folder.exists():
        raise FileNotFoundError(f"There is no folder {str(folder)!r}; check the path.")
    if not folder.is_dir():
        raise NotADirectoryError(f"{str(folder)!r} is a file; give the folder that it is in.")
    paths = (path for path in folder.rglob("*") if path.suffix.lower() in known and path.is_file())
    relative = sorted(path.relative_to(folder) for path in paths)
    files = [file for file in relative if not any(part.startswith(".") for part in file.parts)]
    if not files:
        common = ", ".join(sorted(known & {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tiff", ".webp"}))
        raise ValueError(f"The folder {str(folder)!r} has no pictures ({common}, ...), nor has any below it.")
    return files


def _labels(folder: Path, files: list[Path], classes: list[str]) -> list[int | None]:
    listed = _listed(folder / "labels.json", len(classes))
    by_folder = _by_synset(files, classes) | _by_name(classes)
    return [listed.get(file.as_posix(), _first(by_folder, _folders(file))) for file in files]


def _listed(file: Path, classes: int) -> dict[str, int]:
    """Class by file name from ``labels.json``, empty where there is none."""
    if not file.is_file():
        return {}
    try:
        labels = {str(entry["file"]): int(entry["index"]) for entry in json.loads(file.read_text("utf-8"))}
    except (ValueError, TypeError, KeyError) as error:
        form = '[{"file": "hens/1.jpeg", "index": 8}, ...]'
        raise ValueError(f"{str(file)!r} has not the form {form}; mend or remove it.") from error
    for name, index in labels.items():
        if not 0 <= index < classes:
            what = f"gives {name!r} the class {index}; the model has 0 to {classes - 1}"
            raise ValueError(f"{str(file)!r} {what}: mend or remove it.")
    return labels


def _by_synset(files: list[Path], classes: list[str]) -> dict[str, int]:
    synsets = sorted({name for file in files for name in _folders(file) if re.fullmatch(r"n\d{8}", name)})
    return {name: i for i, name in enumerate(synsets)} if len(synsets) == len(classes) else {}


def _by_name(classes: list[str]) -> dict[str, int]:
    names = [name.casefold() for name in classes]
    return {name: i for i, name in enumerate(names) if names.count(name) == 1}  # else ambiguous


def _folders(file: Path) -> Iterator[str]:
    """Names of the folders above a file, the nearest first, as they are compared with class names."""
    return (part.casefold().replace("_", " ") for part in reversed(file.parent.parts))


def _first(indices: dict[str, int], names: Iterator[str]) -> int | None:
    return next((indices[name] for name in names if name in indices), None)
