"""Writing a ViRelAy project of atlases, all that it needs in one folder."""

from __future__ import annotations

import itertools
import json
import os
import re
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import yaml
from numpy.typing import NDArray
from PIL import Image

from .analyses import EIGENVALUE, OF_COLUMNS, informative_first
from .attributions import CHANNELS

if TYPE_CHECKING:
    from ...progress import Watcher
    from ...subjects import Subject
    from ..atlas import Atlas
    from ..store import RelevanceStore, Selection

METHOD = "SpRAy"
"""Name of the analysis; ViRelAy's server finds none that has a "-" in it."""

CHUNK = 2**18
"""Bytes of pictures that are stored together."""


def write(
    folder: str | Path,
    atlases: Atlas | Sequence[Atlas],
    subject: Subject | None = None,
    inputs: Any = None,
    name: str = "SpRAy",
    *,
    embeddings: Sequence[str] = (),
    counts: Sequence[int] = (),
    progress: bool | Watcher = True,
) -> Path:
    """Make a project that ViRelAy opens.

    The inputs that were analysed and their heatmaps go with it, a few at a time, so that memory stays small. So do
    embeddings that all atlases have computed: ViRelAy offers the same for all categories, and one may take minutes.

    Parameters
    ----------
    folder
        Where to; files of a project that was written there before are replaced, once all new ones are complete.
    atlases
        One atlas or several of one store: a category each, or several clusterings of the same one.
    subject
        Whose data was attributed; gives the pictures.
    inputs
        The pictures instead: ``inputs[i]`` is the picture of input number i, as PIL image or uint8 (H, W, 3).
    name
        What the project is called.
    embeddings
        Those that all atlases are to have in it, such as "tsne", which are computed where they are not there.
    counts
        Numbers of clusters that ViRelAy lets choose among, beside those of the atlases: "spectral-2" and so on; as far
        as each atlas has so many different maps.
    progress
        Of what is computed: see :mod:`lrpwidgets.progress`.

    Returns
    -------
    Path
        The project's file, for ``virelay <file>`` and `read`.

    Raises
    ------
    ValueError
        If there are no pictures or they differ in size, the relevance is none of pictures, or the atlases do not go
        together; nothing is written then.
    """
    several = list(atlases) if isinstance(atlases, Sequence) else [atlases]
    categories = _categories(several)
    store, picture = several[0].selection.store, _picture_of(subject, inputs)
    check_store(store)
    categories = _with_counts(categories, counts)
    for atlas, embedding in itertools.product(several, embeddings):
        atlas.embed(embedding, progress=progress)
    rows = np.unique(np.concatenate([atlas.rows for atlas in several]))
    folder = Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".virelay", dir=folder) as begun:
        size = _write_inputs(Path(begun, "input.h5"), store, rows, picture)
        _write_attributions(Path(begun, "attribution.h5"), store, rows)
        _write_analyses(Path(begun, "analysis.h5"), categories, store)
        labels = json.dumps(_label_map(store), indent=2, ensure_ascii=False)
        Path(begun, "label-map.json").write_text(labels, "utf-8")
        project = yaml.safe_dump({"project": _project(name, store, size)}, sort_keys=False, allow_unicode=True)
        Path(begun, "project.yaml").write_text(project, "utf-8")
        for file in ("input.h5", "attribution.h5", "analysis.h5", "label-map.json", "project.yaml"):
            os.replace(Path(begun, file), folder / file)  # the project last: until then, all that it names is there
    return folder / "project.yaml"


def check_store(store: RelevanceStore) -> None:
    """Raise ValueError if the relevance is none of pictures."""
    if len(store.info.shape) != 3:
        raise ValueError(
            f"ViRelAy shows relevance of pictures, (C, H, W); the store has {store.info.shape} of each input."
        )


def _categories(atlases: Sequence[Atlas]) -> dict[str, dict[str, Atlas]]:
    """The atlases by category and by clustering; ValueError if ViRelAy could not show them together."""
    if not atlases:
        raise ValueError("There is nothing to write: give at least one atlas.")
    found: dict[str, dict[str, Atlas]] = {}
    for atlas in atlases:
        if atlas.selection.store is not atlases[0].selection.store:
            raise ValueError("The atlases are of several stores; write those of each store to a folder of its own.")
        category = found.setdefault(_category(atlas.selection), {})
        other = next(iter(category.values()), atlas)
        if not (np.array_equal(other.rows, atlas.rows) and np.array_equal(other.vectors, atlas.vectors)):
            problem = f"Two atlases of {atlas.selection.name} differ in more than their clusters"
            raise ValueError(f"{problem}: write them to folders of their own.")
        category[atlas.clustering] = atlas
    return _named_alike(found)


def _named_alike(categories: dict[str, dict[str, Atlas]]) -> dict[str, dict[str, Atlas]]:
    """The same with names of clusterings that all categories share: ViRelAy offers those of the first for all.

    So "spectral-5" of one and "spectral-3" of another are both "spectral", and the attribute ``name`` says which.
    """
    if len({frozenset(clusterings) for clusterings in categories.values()}) == 1:
        return categories
    short = {
        category: {re.sub(r"-\d+$", "", name): atlas for name, atlas in clusterings.items()}
        for category, clusterings in categories.items()
    }
    if len({frozenset(clusterings) for clusterings in short.values()}) > 1 or any(
        len(short[category]) < len(categories[category]) for category in categories
    ):
        names = "; ".join(f"{category}: {', '.join(clusterings)}" for category, clusterings in categories.items())
        raise ValueError(f"ViRelAy shows categories that have the same clusterings; these differ ({names}): recluster.")
    return short


def _with_counts(categories: dict[str, dict[str, Atlas]], counts: Sequence[int]) -> dict[str, dict[str, Atlas]]:
    """The same with a clustering for each of `counts`, behind their own, which ViRelAy shows first by its name."""
    if not counts:
        return categories
    most = min(len(atlas.spectrum.vectors) for clusterings in categories.values() for atlas in clusterings.values())
    made: dict[str, dict[str, Atlas]] = {}
    for category, own in categories.items():
        short = {re.sub(r"-\d+$", "", name): atlas for name, atlas in own.items()}
        atlas = next(iter(own.values()))
        offered = {f"spectral-{count}": atlas.recluster("spectral", count) for count in counts if count <= most}
        made[category] = offered | (short if offered and len(short) == len(own) else own)
    return made


def _category(selection: Selection) -> str:
    """The key of a category: for a label the one in the label map, by which ViRelAy finds its name."""
    if selection.by == "label" and selection.value is not None:
        return _synset(selection.value)
    value = "" if selection.value is None else f" ({selection.value})"  # names of classes may repeat
    return selection.name.replace("/", "_") + value


def _synset(label: int) -> str:
    """What stands for the WordNet identifier of a class."""
    return f"{label:08d}"


def _label_map(store: RelevanceStore) -> list[dict[str, Any]]:
    """Index, identifier and name of each class, and of −1 where a label is unknown."""
    names = dict(enumerate(store.classes or map(store.class_name, range(_number_of_classes(store)))))
    if (store.label[store.done] < 0).any():
        names = {-1: "unknown"} | names
    return [{"index": label, "word_net_id": _synset(label), "name": name} for label, name in names.items()]


def _number_of_classes(store: RelevanceStore) -> int:
    return len(store.classes) or int(max(store.label.max(), store.prediction.max())) + 1


def _project(name: str, store: RelevanceStore, size: tuple[int, int]) -> dict[str, Any]:
    info, strategies = store.info, {"predicted": "predicted_label", "label": "true_label"}
    width, height = size
    return {
        "name": name,
        "model": info.title,
        "label_map": "label-map.json",
        "dataset": {
            "name": info.title,
            "type": "hdf5",
            "path": "input.h5",
            "input_width": width,
            "input_height": height,
            "up_sampling_method": "none",
            "down_sampling_method": "none",
        },
        "attributions": {
            "attribution_method": str(info.composite["name"]),
            "attribution_strategy": strategies.get(str(info.targets), str(info.targets)),
            "sources": ["attribution.h5"],
        },
        "analyses": [{"analysis_method": METHOD, "sources": ["analysis.h5"]}],
    }


def _picture_of(subject: Subject | None, inputs: Any) -> Callable[[int], Image.Image]:
    """Gives the picture of an input by its number."""
    if inputs is not None:
        return lambda number: _picture(inputs[number], number)
    if subject is None:
        raise ValueError("A ViRelAy project needs the pictures: give subject=, whose data it is, or inputs=.")
    return lambda number: subject.to_image(subject.item(number)[0])


def _picture(given: Any, number: int) -> Image.Image:
    if isinstance(given, Image.Image):
        return given
    pixels = np.asarray(given)
    if pixels.dtype != np.uint8 or pixels.ndim != 3 or pixels.shape[2] != 3:
        what = f"{pixels.dtype} {pixels.shape}"
        raise ValueError(f"inputs[{number}] is {what}; it should be a PIL image or a uint8 array (H, W, 3).")
    return Image.fromarray(pixels)


def _write_inputs(
    path: Path, store: RelevanceStore, rows: NDArray[np.int64], picture: Callable[[int], Image.Image]
) -> tuple[int, int]:
    """The pictures of `rows`, each at its number in the data set; gives their width and height.

    ViRelAy takes the number of a heatmap's input for a position in ``data``. Chunks that hold nothing take no space.
    """
    import h5py

    numbers = store.index[rows]
    size = picture(int(numbers[0])).size
    with h5py.File(path, "w") as file:
        total, sample = int(store.index.max()) + 1, (3, size[1], size[0])
        chunk = min(total, max(1, CHUNK // int(np.prod(sample))))
        data = file.create_dataset("data", (total, *sample), np.uint8, chunks=(chunk, *sample))
        for number in map(int, numbers):
            found = picture(number)
            if found.size != size:
                sizes = "{} × {} pixels, others {} × {}".format(*found.size, *size)
                raise ValueError(f"The picture of input {number} has {sizes}: ViRelAy needs them of one size.")
            data[number] = np.moveaxis(np.asarray(found.convert("RGB")), -1, 0)
        label = np.full(total, -1, np.int32)
        label[store.index] = store.label
        file["label"] = label
    return size


def _write_attributions(path: Path, store: RelevanceStore, rows: NDArray[np.int64]) -> None:
    """Heatmaps, labels and predictions of `rows`.

    ViRelAy fails on heatmaps of one channel in most of its colour maps, so those get a second one, of zeros: it adds
    channels up. A store has no scores of all classes: the predicted one gets 1, the others 0.
    """
    import h5py

    channels, *sides = store.info.shape
    classes = _number_of_classes(store)
    with h5py.File(path, "w") as file:
        found = file.create_dataset("attribution", (len(rows), max(channels, 2), *sides), np.float32)
        found.attrs[CHANNELS] = channels
        for positions, relevance in store.batches(rows):
            found[positions[0] : positions[-1] + 1, :channels] = relevance  # rows ascend, so positions have no gaps
        file["index"] = store.index[rows]
        file["label"] = store.label[rows]
        chunk = (min(len(rows), max(1, CHUNK // classes // 4)), classes)
        ones = file.create_dataset("prediction", (len(rows), classes), np.float32, chunks=chunk, compression="gzip")
        for start in range(0, len(rows), chunk[0]):
            ones[start : start + chunk[0]] = store.prediction[rows[start : start + chunk[0]], None] == np.arange(
                classes
            )


def _write_analyses(path: Path, categories: Mapping[str, Mapping[str, Atlas]], store: RelevanceStore) -> None:
    import h5py

    every = [atlas for clusterings in categories.values() for atlas in clusterings.values()]
    made = sorted(set.intersection(*(set(atlas._made) for atlas in every)) - {"spectral"})
    with h5py.File(path, "w") as file:
        for category, clusterings in categories.items():
            atlas, group = next(iter(clusterings.values())), file.create_group(category)
            group.attrs["name"] = atlas.selection.name
            group["index"] = store.index[atlas.rows]
            spectral = group.create_dataset("embedding/spectral", data=informative_first(atlas.vectors))
            spectral.attrs[EIGENVALUE] = atlas.eigenvalues[::-1]
            spectral.attrs[OF_COLUMNS] = np.roll(atlas.eigenvalues, -1)
            for name in made:
                group[f"embedding/{name}"] = atlas.embeddings[name]
            for name, clustered in clusterings.items():
                group[f"cluster/{name}"] = clustered.clusters
                group[f"cluster/{name}"].attrs["name"] = clustered.clustering
