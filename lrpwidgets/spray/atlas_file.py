"""Atlases as files: a NumPy archive with one JSON text in it, read without unpickling anything."""

from __future__ import annotations

import json
import os
import zipfile
import zlib
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from .atlas import Atlas
from .features import Features
from .spectral import Spectrum

if TYPE_CHECKING:
    from os import PathLike

    from .store import RelevanceStore

FORMAT = 1
DAMAGED = (zipfile.BadZipFile, zlib.error, NotImplementedError)
"""What reading an archive raises of which bytes are wrong, besides ValueError."""

_EMBEDDING = "embedding "


def write(atlas: Atlas, path: str | PathLike[str]) -> None:
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
    }
    arrays = {
        "selected": atlas.selection.rows,
        "rows": atlas.rows,
        "eigenvalues": atlas.eigenvalues,
        "vectors": atlas.spectrum.vectors,
        "degrees": atlas.spectrum.degrees,
        "affinity_data": atlas.affinity.data,
        "affinity_indices": atlas.affinity.indices,
        "affinity_indptr": atlas.affinity.indptr,
        "inverse": atlas.inverse,
        "clusters": atlas.clusters,
        **{_EMBEDDING + name: made for name, made in atlas._made.items()},
    }
    target = Path(path)
    unfinished = target.with_name(target.name + ".unfinished")
    with unfinished.open("wb") as file:
        np.savez_compressed(file, about=np.array(json.dumps(about)), **arrays)
    os.replace(unfinished, target)


def read(path: str | PathLike[str], store: RelevanceStore) -> Atlas:
    """The atlas in the file `path`; FileNotFoundError, or ValueError if it is none, or one of another store."""
    from scipy.sparse import csr_array

    from .store import Selection

    try:
        with np.load(path, allow_pickle=False) as archive:
            parts = {name: archive[name] for name in archive.files}
        about: dict[str, Any] = json.loads(str(parts.pop("about")))
        if about["format"] != FORMAT:
            raise ValueError(f"its format is {about['format']!r}; this version of lrpwidgets reads {FORMAT}")
        made = {name.removeprefix(_EMBEDDING): parts[name] for name in parts if name.startswith(_EMBEDDING)}
        graph = (parts["affinity_data"], parts["affinity_indices"], parts["affinity_indptr"])
        found = Spectrum(parts["eigenvalues"], parts["vectors"], about["components"], parts["degrees"])
        if about["store"] != _identity(store):
            raise ValueError(_other(about["store"], _identity(store)))
        return Atlas(
            Selection(store, parts["selected"], **about["selection"]),
            parts["rows"],
            about["excluded"],
            Features(**about["features"]),
            about["neighbors"],
            about["seed"],
            found,
            csr_array(graph, shape=(len(found.vectors),) * 2),
            parts["inverse"],
            parts["clusters"],
            about["clustering"],
            tuple(about["notes"]),
            _made=made,
        )
    except (ValueError, KeyError, TypeError, EOFError, *DAMAGED) as error:
        reason = f"it lacks {error}" if isinstance(error, KeyError) else str(error) or "it is cut off"
        raise ValueError(f"{os.fspath(path)!r} cannot be read as an atlas of this store: {reason}.") from error


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
