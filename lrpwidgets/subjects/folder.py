"""A folder of pictures as the data of a subject.

Pictures are found in all subfolders and decoded one by one, when asked for. Where there are folders of splits
(``train/ val/ test/``) above those of the classes, the pictures are those of one split. A picture's label comes from,
in this order:

1. a file ``labels.json`` in the folder: ``[{"file": "hens/1.jpeg", "index": 8}, ...]``, paths relative to the
   folder; further keys are ignored;
2. a subfolder above it that has the name of a class, in any case and with "_" for " ": "Labrador_retriever/";
3. the position of a subfolder above it, where the subfolders are WordNet synsets ("n01440764/"), as many as
   there are classes: it is in this order that ImageNet, whose validation set looks so, numbers its classes;
4. the number of a subfolder above it, where the subfolders are "0/" to "999/" and there are 1000 classes.

Else it has none.
"""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from .pictures import open_picture, suffixes

if TYPE_CHECKING:
    from PIL.Image import Image
    from torch import Tensor

    from .samples import Sample

SPLITS = {"val": ("val", "valid", "validation"), "test": ("test", "testing"), "train": ("train", "training")}
"""Names of folders that are splits of a data set, in any case; the first that is there is shown."""


@dataclass(frozen=True)
class Listing:
    """The pictures of a folder, not decoded."""

    folder: Path
    """Where they are: the given folder, or that of a split in it."""
    files: list[Path]
    """Relative to `folder`, in the order in which they are shown."""
    subfolders: list[str]
    """Names of the folders directly below it, and below the other splits, in the order of text."""
    notes: list[str]
    """What was chosen, as sentences."""


class ImageFolder:
    """Pictures of a folder, decoded when asked for; a broken one raises ValueError, at its own access only.

    Parameters
    ----------
    folder : Path
        Where the pictures are.
    files : list of Path
        Those to show, relative to `folder`; see `listed`.
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
    notes : list of str
        What was assumed of them, as sentences.
    """

    def __init__(
        self, folder: Path, files: list[Path], from_image: Callable[[Image], Tensor], classes: list[str]
    ) -> None:
        self.folder = folder
        self.names = [file.as_posix() for file in files]
        self.labels, self.notes = _labels(folder, files, classes)
        self._from_image = from_image

    def __len__(self) -> int:
        return len(self.names)

    def __getitem__(self, index: int) -> Sample:
        return self._from_image(self.picture(index)), self.labels[index]

    def picture(self, index: int) -> Image:
        """The picture itself, RGB, before any preprocessing."""
        return open_picture(self.folder / self.names[index], name=self.names[index])


def listed(folder: str | Path, split: str | None = None) -> Listing:
    """The pictures of `folder`, those of one split if it has splits.

    Parameters
    ----------
    folder
        Where the pictures are.
    split
        Which split, as "val" or as its folder is called; by default the first of `SPLITS`, or all pictures where a file
        ``labels.json`` tells about them.

    Raises
    ------
    FileNotFoundError, NotADirectoryError
        If there is no such folder.
    ValueError
        If no file in it has a picture's suffix, or it has no such split.
    """
    folder, files = Path(folder), picture_files(folder)
    splits = _splits(files)
    if split is None and (not splits or (folder / "labels.json").is_file()):
        return Listing(folder, files, _subfolders(files), [])
    chosen = _chosen(folder, splits, split)
    parts = {name: [file.relative_to(name) for file in files if file.parts[0] == name] for name in splits}
    subfolders = sorted({name for part in parts.values() for name in _subfolders(part)})
    note = f"Pictures are those in {chosen!r}, one of the splits {_spelled(splits)}; split (--split) takes another one."
    return Listing(folder / chosen, parts[chosen], subfolders, [note] if len(splits) > 1 else [])


def picture_files(folder: str | Path) -> list[Path]:
    """Pictures in `folder` and all below, relative to it; hidden files and folders are left out.

    They are sorted, folders that are numbers by their value: "10" comes after "9".

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
    relative = sorted((path.relative_to(folder) for path in paths), key=_place)
    files = [file for file in relative if not any(part.startswith(".") for part in file.parts)]
    if not files:
        common = ", ".join(sorted(known & {".jpg", ".jpeg", ".png", ".gif", ".bmp", ".tiff", ".webp"}))
        raise ValueError(f"The folder {str(folder)!r} has no pictures ({common}, ...), nor has any below it.")
    return files


def _place(file: Path) -> list[tuple[bool, int, str]]:
    """What files are sorted by: the names of their folders, numbers before others, then their own."""
    numbers = [int(part) if part.isdecimal() else -1 for part in file.parent.parts]
    folders = [(number < 0, number, part) for number, part in zip(numbers, file.parent.parts, strict=True)]
    return [*folders, (True, -1, file.name)]


def _subfolders(files: Iterable[Path]) -> list[str]:
    return sorted({file.parts[0] for file in files if len(file.parts) > 1})


def _splits(files: list[Path]) -> list[str]:
    """Folders that are splits; none where a folder of that name is a class, as "train" in a data set of vehicles."""
    folders = _subfolders(files)
    splits = [name for name in folders if _kind(name)]
    above_classes = any(len(file.parts) > 2 and file.parts[0] in splits for file in files)
    return splits if above_classes or len(splits) > 1 or splits == folders else []


def _kind(name: str) -> str | None:
    """Which of `SPLITS` it is, if any."""
    return next((kind for kind, names in SPLITS.items() if name.casefold() in names), None)


def _chosen(folder: Path, splits: list[str], asked: str | None) -> str:
    """The folder of the split that is asked for, or of the first there is; ValueError if it is not there."""
    for wanted in SPLITS if asked is None else (asked, _kind(asked)):
        if found := [name for name in splits if wanted in (name, _kind(name))]:
            return found[0]
    what = f"{str(folder)!r} has no split {asked!r}"
    raise ValueError(f"{what}; it has {_spelled(splits)}." if splits else f"{what}, nor any; leave it out.")


def _spelled(names: list[str]) -> str:
    return ", ".join(map(repr, names))


def _labels(folder: Path, files: list[Path], classes: list[str]) -> tuple[list[int | None], list[str]]:
    """The class of each file, and what was assumed."""
    listed = _listed(folder / "labels.json", len(classes))
    by_number, notes = _by_number(files, classes)
    by_folder = by_number | _by_synset(files, classes) | _by_name(classes)
    return [listed.get(file.as_posix(), _first(by_folder, _folders(file))) for file in files], notes


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


def _by_number(files: list[Path], classes: list[str]) -> tuple[dict[str, int], list[str]]:
    """Class by folder, where each class has one that is its number and not its name; and a sentence that says so."""
    numbers = {name: int(name) for name in _subfolders(files) if name.isdecimal()}
    if set(numbers) & set(classes) or sorted(numbers.values()) != list(range(len(classes))):
        return {}, []
    return numbers, [
        "Folders are taken to be class numbers, from 0 on: a picture in '1' is of the second class. A file labels.json "
        "beside them can tell otherwise."
    ]


def _by_name(classes: list[str]) -> dict[str, int]:
    names = [compared(name) for name in classes]
    return {name: i for i, name in enumerate(names) if names.count(name) == 1}  # else ambiguous


def _folders(file: Path) -> Iterator[str]:
    """Names of the folders above a file, the nearest first, as they are compared with class names."""
    return map(compared, reversed(file.parent.parts))


def compared(name: str) -> str:
    """A name as it is compared with others."""
    return name.casefold().replace("_", " ")


def _first(indices: dict[str, int], names: Iterator[str]) -> int | None:
    return next((indices[name] for name in names if name in indices), None)
