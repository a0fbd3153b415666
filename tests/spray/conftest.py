"""Relevance stores with relevance that a test chooses, instead of what some model makes of some data."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from itertools import count
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import ArrayLike, NDArray

from lrpwidgets.spray import RelevanceStore, layout
from lrpwidgets.spray.channels import LayerShape
from lrpwidgets.spray.info import Info

BATCH = 16


@pytest.fixture
def store_of(tmp_path: Path) -> Callable[..., RelevanceStore]:
    """Makes a store of the maps (n, C, H, W) that it is given; see `make_store`."""
    number = count()
    return lambda maps, **options: make_store(tmp_path / f"store {next(number)}", maps, **options)


def make_store(
    path: Path,
    maps: ArrayLike,
    *,
    layers: Mapping[str, ArrayLike] | None = None,
    label: ArrayLike = 0,
    prediction: ArrayLike = 0,
    target: ArrayLike | None = None,
    classes: int = 3,
    **info: Any,
) -> RelevanceStore:
    """A store of `maps` (n, C, ...) in 32 bits; labels and predictions (n,), or one for all."""
    maps = np.asarray(maps, np.float32)
    channels = {name: np.asarray(each, np.float32) for name, each in (layers or {}).items()}
    kept = {"relevance": maps} | ({"channels": np.concatenate([*channels.values()], 1)} if channels else {})
    info["layers"] = {name: LayerShape(1, each.shape[1], (2, 2)) for name, each in channels.items()}
    layout.make(path, _info(kept, [f"class {number}" for number in range(classes)], info))
    store = RelevanceStore.open(path)
    columns = (np.arange(len(maps)), label, prediction, prediction if target is None else target, 1, 1)
    kept["samples"] = np.stack([np.broadcast_to(each, len(maps)) for each in columns], 1).astype(np.float64)
    for first in range(0, len(maps), BATCH):
        store.write(first // BATCH, {name: values[first : first + BATCH] for name, values in kept.items()})
    return RelevanceStore.open(path)


def _info(kept: dict[str, NDArray[np.float32]], classes: list[str], changes: dict[str, Any]) -> Info:
    told: dict[str, Any] = {
        "subject": "planted",
        "title": "Planted maps",
        "recipe": "",
        "modality": "image",
        "classes": classes,
        "inputs": len(kept["relevance"]),
        "input_shape": kept["relevance"].shape[1:],
        "input_dtype": "torch.float32",
        "data": "some data",
        "fingerprint": "some model",
        "composite": {"name": "some composite", "entries": []},
        "unknown": "error",
        "targets": "predicted",
        "batch_size": BATCH,
        "dtype": "float32",
        "pool": None,
        "shape": kept["relevance"].shape[1:],
        "software": {},
        "code": "some code",
        "select": "None",
        "scores": {"dtype": "torch.float32", "values": []},
        "caveats": [],
    }
    return Info(**told | changes)


def planted(sizes: list[int], seed: int = 0, side: int = 12, noise: float = 0.3) -> NDArray[np.float32]:
    """Maps (n, 1, side, side), of which each group looks at a place of its own; groups one after another."""
    random = np.random.default_rng(seed)
    maps = noise * random.random((sum(sizes), 1, side, side))
    places = [(2, 2), (side - 4, side - 4), (2, side - 4), (side - 4, 2)]
    for (top, left), inside in zip(places, np.split(np.arange(sum(sizes)), np.cumsum(sizes)[:-1]), strict=False):
        maps[inside, 0, top : top + 2, left : left + 2] += 3 + random.random((len(inside), 2, 2))
    return (maps * random.uniform(0.5, 2, (len(maps), 1, 1, 1))).astype(np.float32)


def groups_of(sizes: list[int]) -> NDArray[np.int64]:
    """The group of each of those maps."""
    return np.repeat(np.arange(len(sizes)), sizes)
