"""Atlases as files: a NumPy archive with one JSON text in it, read without unpickling anything."""

from __future__ import annotations

import json
import os
import stat
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from . import files
from .clusters import NOISE
from .features import Features
from .fit import Fit
from .plain import is_a
from .spectral import Spectrum
from .views import View

if TYPE_CHECKING:
    from os import PathLike

    from .store import RelevanceStore

FORMAT = 2
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What reading an archive raises of which bytes are wrong, besides ValueError."""

Found = TypeVar("Found", bound=Fit)

_EMBEDDING = "embedding "

_NUMBERS = ("apart", "ordinary", "chance")

_FIELDS = {
    "store": dict[str, Any],
    "selection": dict[str, Any],
    "selection by": str,
    "selection value": int | None,
    "excluded": dict[str, int],
    "features": dict[str, Any],
    "features sign": str,
    "features size": int,
    "features layer": str,
    "neighbors": int,
    "seed": int,
    "components": int,
    "clustering": str,
    "notes": list[str],
    "views": list[dict[str, Any]],
}
"""What an atlas says of itself, and of what type that is."""


def write(atlas: Fit, path: str | PathLike[str]) -> None:
    """Write `atlas` to the file `path`, whole or not at all."""
    about = {
        "format": FORMAT,
        "store": _identity(atlas.store),
        "selection": {"by": atlas.selection.by, "value": atlas.selection.value},
        "excluded": atlas.excluded,
        "features": asdict(atlas.features),
        "neighbors": atlas.neighbors,
        "seed": atlas.seed,
        "components": atlas.spectrum.components,
        "clustering": atlas.clustering,
        "notes": atlas.notes,
        "views": [asdict(view) for view in atlas.views],
    }
    arrays = {
        "selected": atlas.selection.rows,
        "rows": atlas.rows,
        "eigenvalues": atlas.spectrum.eigenvalues,
        "vectors": atlas.spectrum.vectors,
        "degrees": atlas.spectrum.degrees,
        "affinity_data": atlas.affinity.data,
        "affinity_indices": atlas.affinity.indices,
        "affinity_indptr": atlas.affinity.indptr,
        "inverse": atlas.inverse,
        "clusters": atlas.clusters,
        **{_EMBEDDING + name: made for name, made in atlas._made.items()},
    }
    with files.replacing(Path(path)) as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)


def read(path: str | PathLike[str], store: RelevanceStore, kind: type[Found]) -> Found:
    """The atlas in the file `path`, of the class `kind`; FileNotFoundError, ValueError if it is none of `store`."""
    from scipy.sparse import csr_array

    from .store import Selection

    try:
        parts = _arrays(path)
        about = _about(str(parts.pop("about")))
        if about["store"] != _identity(store):
            raise ValueError(_other(about["store"], _identity(store)))
        _check(parts, len(store))
        made = {name.removeprefix(_EMBEDDING): parts[name] for name in parts if name.startswith(_EMBEDDING)}
        graph = (parts["affinity_data"], parts["affinity_indices"], parts["affinity_indptr"])
        found = Spectrum(parts["eigenvalues"], parts["vectors"], about["components"], parts["degrees"])
        return kind(
            Selection(store, parts["selected"], about["selection"]["by"], about["selection"]["value"]),
            parts["rows"],
            about["excluded"],
            Features(*(about["features"][name] for name in ("sign", "size", "layer"))),
            about["neighbors"],
            about["seed"],
            found,
            csr_array(graph, shape=(len(found.vectors),) * 2),
            parts["inverse"],
            parts["clusters"],
            about["clustering"],
            tuple(about["notes"]),
            tuple(_view(view) for view in about["views"]),
            _made=made,
        )
    except (ValueError, KeyError, EOFError, *DAMAGED) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error).rstrip(".") or "it is cut off"
        raise ValueError(f"{os.fspath(path)!r} cannot be read as an atlas of this store: {reason}.") from error


def _arrays(path: str | PathLike[str]) -> dict[str, NDArray[Any]]:
    """All arrays of an archive; ValueError for a file of a single one, and for what is no file."""
    if not stat.S_ISREG(os.stat(path).st_mode):  # a pipe would never end
        raise ValueError("it is a folder or a special file")
    found = np.load(path, allow_pickle=False)
    if isinstance(found, np.ndarray):
        raise ValueError("it is a single array")
    with found as archive:
        return {name: archive[name] for name in archive.files}


def _about(text: str) -> dict[str, Any]:
    """What the file says beside its arrays; ValueError that names the field."""
    try:
        about = json.loads(text)
    except ValueError:
        about = None
    if not isinstance(about, dict):
        raise ValueError("its about is no JSON object")
    if about.get("format") != FORMAT:
        raise ValueError(f"its format is {about.get('format')!r}; this version of lrpwidgets reads {FORMAT}")
    for name, hint in _FIELDS.items():
        inside, _, field = name.rpartition(" ")
        told = about[inside] if inside else about
        if field not in told:
            raise ValueError(f"it lacks {name}")
        if not is_a(told[field], hint):
            raise ValueError(f"its {name} is {told[field]!r}; make the atlas again with spray")
    return about


def _view(told: dict[str, Any]) -> View:
    if {name: type(value) for name, value in told.items()} != {"layer": str, **dict.fromkeys(_NUMBERS, float)}:
        raise ValueError(f"one of its views is {told!r}; make the atlas again with spray")
    return View(**told)


def _check(parts: dict[str, NDArray[Any]], rows: int) -> None:
    """Raise ValueError that names an array which does not fit the others, KeyError for one that lacks."""
    names = ("rows", "vectors", "eigenvalues", "selected", "affinity_data")
    n, k, m, chosen, pairs = (np.atleast_1d(parts[name]).shape[:1] for name in names)
    shapes = {
        "eigenvalues": ("f", m),
        "vectors": ("f", k + m),
        "degrees": ("f", k),
        "selected": ("iu", chosen),
        "rows": ("iu", n),
        "inverse": ("iu", n),
        "clusters": ("iu", n),
        "affinity_data": ("f", pairs),
        "affinity_indices": ("iu", pairs),
        "affinity_indptr": ("iu", (k[0] + 1,)),
        **{name: ("f", (*k, 2)) for name in parts if name.startswith(_EMBEDDING)},
    }
    below = {"selected": rows, "rows": rows, "inverse": k[0], "affinity_indices": k[0], "affinity_indptr": pairs[0] + 1}
    for name, (kind, shape) in shapes.items():
        array = parts[name]
        fits = array.dtype.kind in kind and array.shape == shape
        if not fits or (name in below and array.size and not 0 <= array.min() <= array.max() < below[name]):
            raise ValueError(f"its {name}, {array.dtype} of shape {array.shape}, do not fit the rest")
    numbers = np.unique(parts["clusters"])
    if not np.array_equal(numbers[numbers != NOISE], np.arange(len(numbers[numbers != NOISE]))):
        raise ValueError("its clusters are not numbered from 0 on")


def _identity(store: RelevanceStore) -> dict[str, Any]:
    """What makes numbers of a store its own."""
    info = store.info
    return {
        "model": info.fingerprint,
        "composite": info.composite,
        "targets": info.targets,
        "data": info.data,
        "rows": len(store),
    }


def _other(there: dict[str, Any], here: dict[str, Any]) -> str:
    different = [name for name in here if there.get(name) != here[name]]
    return f"it is of a store with another {' and another '.join(different)}"
