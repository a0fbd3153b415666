"""One fault anywhere in a store: it is noticed, and nobody reads anything else than was written."""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from lrpwidgets.maximize import ReferenceStore, references
from lrpwidgets.spray import RelevanceStore, spray
from lrpwidgets.spray.annotations import annotate, read_annotations
from lrpwidgets.spray.dataset_store import DatasetStore
from lrpwidgets.spray.layout import PENDING
from lrpwidgets.spray.verify import verify
from tests.spray.attributions import attribute, digits, files

FAULTS = 200
"""For each seed and store."""

COLUMNS = ("index", "label", "prediction", "target", "score", "done")
LAYERS = ["conv2", "linear"]
RANKINGS = [f"{layer} {by}" for layer in LAYERS for by in ("relevance", "activation")]


class Faults:
    """Ways in which a file of a store is spoiled."""

    def __init__(self, store: Path, seed: int) -> None:
        self.random, self.outside = random.Random(seed), store.parent / "outside"
        self.files = [file for file in sorted(store.rglob("*")) if file.is_file()]

    def strike(self) -> str:
        """Spoil one file, or change two, and say how."""
        how: Callable[[Path], object] = self.random.choice([self.flip, self.swap, self.cut, self.remove, self.link])
        file = self.random.choice(self.files)
        return f"{how.__name__} {file} {how(file)}"

    def flip(self, file: Path) -> int:
        content, bit = bytearray(file.read_bytes()), self.random.randrange(8 * file.stat().st_size)
        content[bit // 8] ^= 1 << bit % 8
        file.write_bytes(content)
        return bit

    def swap(self, file: Path) -> Path:
        """With one of the same size, if there is one: that is nearly right."""
        others = [each for each in self.files if each.read_bytes() != file.read_bytes()]
        alike = [each for each in others if each.stat().st_size == file.stat().st_size]
        other = self.random.choice(alike or others)
        one, two = file.read_bytes(), other.read_bytes()
        file.write_bytes(two)
        other.write_bytes(one)
        return other

    def cut(self, file: Path) -> None:
        os.truncate(file, self.random.randrange(file.stat().st_size))

    def remove(self, file: Path) -> None:
        file.unlink()

    def link(self, file: Path) -> Path:
        """To a file with the same content outside, or to another one of the store."""
        shutil.copy(file, self.outside)
        target = self.random.choice([self.outside, self.random.choice(self.files)])
        file.unlink()
        file.symlink_to(target)
        return target


@pytest.fixture(scope="module")
def relevance(tmp_path_factory) -> RelevanceStore:
    """Three batches, with a layer, inputs that failed, clusters and notes."""
    subject = digits(20)
    subject.dataset.inputs[[3, 17]] = float("nan")
    with pytest.warns(RuntimeWarning, match="2 of 20 inputs could not be read or explained"):
        store = attribute(tmp_path_factory.mktemp("relevance") / "store", subject, layers=["conv2"], dtype="float32")
    for name, clusters in (("one", 2), ("other", 3)):
        annotate(spray(store, clusters=clusters, neighbors=3), name, {0: f"{name}'s first"})
    store.write_notes({"clusters": {"key": {"0": {"name": "tag", "note": ""}}}, "rate": 1e-5})
    return store


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> ReferenceStore:
    path = tmp_path_factory.mktemp("references") / "store"
    return references(digits(20), LAYERS, path=path, batch_size=8, progress=False)["conv2"].store


def reads(store: DatasetStore[Any]) -> dict[str, Callable[[DatasetStore[Any]], Any]]:
    """Everything that can be read of a store, by name."""
    every: dict[str, Callable[[Any], Any]] = {
        "info": lambda store: store.info,
        "failures": lambda store: store.failures,
        **{name: lambda store, name=name: getattr(store, name) for name in COLUMNS},
    }
    if isinstance(store, ReferenceStore):
        every |= {how: lambda store, how=how: vars(store.ranking(*how.split(), 4)) for how in RANKINGS}
        return every | {"relevance": lambda store: store.relevance("conv2", np.arange(20))}
    rows = np.flatnonzero(store.done)
    every |= {f"row {row}": lambda store, row=row: store.relevance([row]) for row in rows.tolist()}
    for name in store.info.layers:
        every[name] = lambda store, name=name: store.relevance(rows, name)
    every["notes"] = lambda store: store.read_notes()
    for name in ("one", "other"):
        every[name] = lambda store, name=name: vars(read_annotations(store)[name])
    return every


def read(store: DatasetStore[Any]) -> Iterator[tuple[str, Any]]:
    """Everything that can be read of the store as it lies there now; what is refused in a sentence is left out."""
    with suppress(ValueError, FileNotFoundError):
        opened = type(store).open(store.path)
        for name, each in reads(store).items():
            with suppress(ValueError):
                yield name, each(opened)


def same(name: str, found: Any, expected: Any, pending: NDArray[np.bool_]) -> None:
    """Assert that; of a store that says itself that rows are `pending`, the others."""
    if name in COLUMNS:
        found, expected = found[~pending], expected[~pending]
    if not pending.any() or name not in ("failures", *RANKINGS):  # which are of all rows that there are
        np.testing.assert_equal(found, expected, name)


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("kind", ["relevance", "reference"])
def test_a_fault_is_noticed_and_nothing_else_is_read_than_was_written(kind, seed, request, monkeypatch):
    monkeypatch.setattr("lrpwidgets.spray.faults.BETWEEN", 0)
    store = request.getfixturevalue(kind)
    whole, expected = files(store.path), dict(read(store))
    assert expected.keys() == reads(store).keys()
    faults = Faults(store.path, seed)
    for _ in range(FAULTS):
        told = faults.strike()
        try:
            noticed = verify(store.path, type(store)).faults
        except FileNotFoundError:
            noticed = ["no store"]
        assert noticed, told
        here = dict(read(store))
        pending = here.get("prediction", expected["prediction"]) == PENDING
        for name, found in here.items():
            same(name, found, expected[name], pending)
        for name, content in whole.items():
            file = store.path / name
            if file.is_symlink() or not file.exists() or file.read_bytes() != content:
                file.unlink(missing_ok=True)
                file.write_bytes(content)
    assert verify(store.path, type(store)).faults == []
