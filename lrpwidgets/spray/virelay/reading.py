"""Opening a ViRelAy project: what it names is checked at once, heatmaps and pictures are read when asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import yaml

from .analyses import Analysis, read_analyses
from .attributions import Attributions, read_attributions
from .files import inside
from .labels import Label, read_labels
from .pictures import FolderOfPictures, Pictures, StoredPictures


@dataclass(frozen=True, eq=False)
class Project:
    """A ViRelAy project."""

    name: str
    model: str
    """What its author calls the model."""
    dataset: str
    """What its author calls the data set."""
    attribution_method: str
    """How the heatmaps were made, such as "epsilon_plus"."""
    attribution_strategy: str
    """Which class they explain: "true_label" or "predicted_label"."""
    label_map: dict[int, Label] = field(repr=False)
    """Classes by index."""
    inputs: Pictures = field(repr=False)
    """``inputs[i]`` is the picture (H, W, 3), uint8, of input number i."""
    attributions: Attributions = field(repr=False)
    """The heatmaps, and label and prediction of each."""
    analyses: dict[str, Analysis]
    """By category; where several analyses have the same, with the method and the file in parentheses."""

    @property
    def classes(self) -> list[str]:
        """Name of each class, by its index."""
        names = (self.label_map.get(i, Label(f"class {i}")) for i in range(max(self.label_map, default=-1) + 1))
        return [label.name for label in names]

    @property
    def caveats(self) -> list[str]:
        """What a person should know of it, each a sentence."""
        return [caveat for analysis in self.analyses.values() for caveat in analysis.caveats]

    def analysis(self, category: str) -> Analysis:
        """The analysis of a category, called as the file or as a person calls it; LookupError if there is none."""
        for key, analysis in self.analyses.items():
            if category in (key, analysis.name):
                return analysis
        raise LookupError(f"The project has no category {category!r}; it has {_listed(self.analyses)}.")


def read(path: str | Path) -> Project:
    """Open a ViRelAy project.

    Parameters
    ----------
    path
        Its YAML file.

    Returns
    -------
    Project
        Labels, predictions and analyses are in memory; heatmaps and pictures are read when asked for. No file stays
        open.

    Raises
    ------
    FileNotFoundError
        If the project or a file that it names is not there.
    ValueError
        If it is no project, or something in it is damaged, missing or of another shape, or it names a path outside of
        its folder; the message says where.
    """
    file = Path(path)
    project = _need(_parsed(file), "project", file, {})
    folder = file.parent
    name, model, labels, dataset, heatmaps = (
        _need(project, key, file, like)
        for key, like in (("name", None), ("model", None), ("label_map", ""), ("dataset", {}), ("attributions", {}))
    )
    label_map = read_labels(inside(folder, labels))
    attributions = read_attributions(_sources(heatmaps, file), label_map)
    return Project(
        str(name),
        str(model),
        str(dataset.get("name", "")),
        str(heatmaps.get("attribution_method", "")),
        str(heatmaps.get("attribution_strategy", "")),
        label_map,
        _pictures(dataset, file),
        attributions,
        _analyses(project.get("analyses") or [], file, attributions, label_map),
    )


def _parsed(file: Path) -> Any:
    if not file.is_file():
        raise FileNotFoundError(f"There is no project file {str(file)!r}; give the project's YAML file.")
    try:
        return yaml.safe_load(file.read_text("utf-8"))
    except (yaml.YAMLError, UnicodeDecodeError, RecursionError) as error:
        raise ValueError(f"{file.name!r} is no YAML file: {' '.join(str(error).split())}") from None


def _need(data: Any, key: str, file: Path, like: Any) -> Any:
    """``data[key]``, of the type of `like` if that is not None; ValueError if it is not there."""
    if not isinstance(data, dict) or key not in data:
        has = _listed(data) if isinstance(data, dict) else f"{type(data).__name__} in its place"
        raise ValueError(f"{file.name!r} is no ViRelAy project: it lacks {key!r}; it has {has}.")
    if like is not None and not isinstance(data[key], type(like)):
        kind = {dict: "a mapping", list: "a list", str: "text", int: "a whole number"}[type(like)]
        raise ValueError(f"{file.name!r} has {key!r}: {data[key]!r}; it should be {kind}.")
    return data[key]


def _sources(data: Any, file: Path) -> list[Path]:
    return [inside(file.parent, source) for source in _need(data, "sources", file, [])]


def _pictures(dataset: Mapping[str, Any], file: Path) -> Pictures:
    kind, path = _need(dataset, "type", file, ""), inside(file.parent, _need(dataset, "path", file, ""))
    if kind == "hdf5":
        return StoredPictures(path)
    if kind == "image_directory":
        for key, like in (
            ("input_width", 0),
            ("input_height", 0),
            ("up_sampling_method", ""),
            ("down_sampling_method", ""),
        ):
            _need(dataset, key, file, like)
        return FolderOfPictures(path, file.parent, dataset)
    raise ValueError(f"{file.name!r} has a dataset of type {kind!r}; it can be 'hdf5' or 'image_directory'.")


def _analyses(
    entries: Sequence[Any], file: Path, attributions: Attributions, label_map: Mapping[int, Label]
) -> dict[str, Analysis]:
    found: dict[str, Analysis] = {}
    for entry in entries:
        method = str(_need(entry, "analysis_method", file, ""))
        for source in _sources(entry, file):
            for analysis in read_analyses(source, method, attributions, label_map):
                keys = (
                    analysis.category,
                    f"{analysis.category} ({method})",
                    f"{analysis.category} ({method}, {source.name})",
                )
                found[next((key for key in keys if key not in found), keys[-1])] = analysis
    return found


def _listed(names: Mapping[Any, Any]) -> str:
    return ", ".join(repr(name) for name in names) or "nothing"
