"""Fields of another type in what a store says of itself: a good store or a sentence, never anything else."""

from __future__ import annotations

import copy
import json
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from lrpwidgets.maximize import ReferenceStore, references
from lrpwidgets.spray import Atlas, RelevanceStore, seal, spray
from lrpwidgets.spray.annotations import annotate, read_annotations
from lrpwidgets.spray.examine import explainer_of
from lrpwidgets.spray.notes import names_of_clusters
from lrpwidgets.spray.verify import verify
from tests.spray.attributions import attribute, digits

KINDS = [None, True, 3, -1, 10**30, 0.5, float("nan"), float("inf"), "word", "", [], [1, "two"], {}, {"a": 1}]
"""Every kind of value that Python reads from JSON."""

OUTSIDE = ("attributes", "lrpwidgets", "lrpwidgets references")
"""Around every field."""

Place = tuple[str | int, ...]


def places(value: Any, depth: int, above: Place = ()) -> Iterator[Place]:
    """Where values are inside of a value from JSON, so many levels deep."""
    if above:
        yield above
    if depth and isinstance(value, dict | list):
        inside = value.items() if isinstance(value, dict) else list(enumerate(value))[:2]
        for name, each in inside:
            yield from places(each, depth - 1, (*above, name))


def put(whole: Any, place: Place, value: Any) -> Any:
    """A copy of `whole` with `value` in that place."""
    found = copy.deepcopy(whole)
    inside = found
    for name in place[:-1]:
        inside = inside[name]
    inside[place[-1]] = value
    return found


def spoiled(whole: Any, depth: int) -> Iterator[tuple[Place, Any]]:
    """Every field replaced by every kind of value."""
    for place in places(whole, depth):
        for value in KINDS:
            yield place, put(whole, place, value)


def named(place: Place, sentence: str) -> bool:
    """Whether a sentence names the field, or, where it is not known what the file is, that it is none of ours."""
    if place[-1] in OUTSIDE:
        return True
    known = ("does not describe a", "begun differently: model", "no names of clusters")
    words = (*known, *(str(name) for name in place if name not in OUTSIDE))
    return any(word in sentence for word in words)


def use_relevance(path: Path) -> None:
    """What is done with the description of a store after it was opened."""
    store = RelevanceStore.open(path)
    assert repr(store)
    assert store.info.differences(store.info) == []
    assert store.info.identity
    assert store.select(rows=[1]).name
    assert store.relevance([1, 9]).shape
    assert store.failures == {}
    names_of_clusters(store, "key")
    explainer_of(store, digits(20))


def use_annotations(path: Path) -> None:
    assert [*read_annotations(RelevanceStore.open(path))] == ["mine"]


def use_references(path: Path) -> None:
    store = ReferenceStore.open(path)
    assert repr(store)
    assert store.info.differences(store.info) == []
    for layer in store.info.layers:
        store.ranking(layer, "relevance", 3)


@pytest.fixture(scope="module")
def relevance(tmp_path_factory) -> Path:
    store = attribute(tmp_path_factory.mktemp("fields") / "store", digits(20), layers=["conv2"])
    store.write_notes({"clusters": {"key": {"0": {"name": "tag", "note": ""}}}, "rate": 1e-5})
    annotate(spray(store, clusters=2, neighbors=3), "mine", {0: "tag"})
    return store.path


@pytest.fixture(scope="module")
def reference(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("fields") / "store"
    return references(digits(20), "conv2", path=path, batch_size=8, progress=False).store.path


@pytest.mark.parametrize("sealed", [True, False])
@pytest.mark.parametrize(
    ("kind", "folder", "use", "depth"),
    [
        ("relevance", ".", use_relevance, 5),
        ("relevance", "relevance", use_relevance, 3),
        ("relevance", "samples", use_relevance, 3),
        ("relevance", "clusters", use_annotations, 2),
        ("relevance", "clusters/mine", use_annotations, 3),
        ("reference", ".", use_references, 5),
    ],
)
def test_a_field_of_another_kind_is_refused_by_file_and_name(kind, folder, use, depth, sealed, request, monkeypatch):
    """`sealed`: as if somebody had meant it, and not only a bit were wrong."""
    path = request.getfixturevalue(kind)
    monkeypatch.setattr(os, "fsync", lambda number: None)  # a disk is slow
    file = path / folder / "zarr.json"
    whole = json.loads(file.read_bytes())
    before = file.read_bytes()
    tried = 0
    try:
        for place, found in spoiled(whole, depth):
            if sealed and isinstance(found, dict) and isinstance(found.get("attributes"), dict):
                seal.write(file.parent, found)
            else:
                file.write_text(json.dumps(found))
            tried += 1
            try:
                use(path)
            except (ValueError, FileNotFoundError) as error:
                sentence = str(error)
                assert sentence.endswith("."), (place, sentence)
                assert str(path) in sentence, (place, sentence)
                derived = "/zarr.json' is damaged: its " in sentence  # an array that does not fit what was changed
                assert not sealed or derived or named(place, sentence), (place, sentence)
            else:
                assert sealed or json.dumps(found) == json.dumps(whole), place
            verify(path, RelevanceStore if kind == "relevance" else ReferenceStore)
    finally:
        file.write_bytes(before)
    assert tried >= 3 * len(KINDS)
    use(path)


def test_a_field_of_an_atlas_file_of_another_kind_is_refused_by_file_and_name(relevance, tmp_path):
    store, file = RelevanceStore.open(relevance), tmp_path / "atlas.npz"
    spray(store, clusters=2, neighbors=3).save(file)
    with np.load(file) as archive:
        parts = dict(archive)
    whole = json.loads(str(parts["about"]))
    for place, about in spoiled(whole, 2):
        np.savez(file, **parts | {"about": np.array(json.dumps(about))})
        use_atlas(file, store, place)


@pytest.mark.parametrize("value", [np.array("word"), np.array(1.5), np.zeros((2, 2)), np.full(20, -5), np.full(20, 99)])
def test_an_array_of_an_atlas_file_of_another_kind_is_refused_by_file_and_name(relevance, tmp_path, value):
    store, file = RelevanceStore.open(relevance), tmp_path / "atlas.npz"
    spray(store, clusters=2, neighbors=3).save(file)
    with np.load(file) as archive:
        parts = dict(archive)
    for name in parts:
        np.savez(file, **parts | {name: value})
        use_atlas(file, store, (name,))


def use_atlas(file: Path, store: RelevanceStore, place: Place) -> None:
    sentence = refused(file, store)
    if sentence:
        words = (*map(str, place), "of a store with another", "rows", "vectors", "affinity", "eigenvalues")
        assert str(file) in sentence, (place, sentence)
        assert any(word in sentence for word in words), (place, sentence)


def refused(file: Path, store: RelevanceStore) -> str:
    """Why an atlas cannot be loaded and used; "" if it can."""
    try:
        found = Atlas.load(file, store)
    except ValueError as error:
        return str(error)
    assert repr(found)
    assert found.ranking or not found.count
    return ""
