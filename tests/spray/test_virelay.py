"""ViRelAy's project files that we write, read by its own loader and server, and by us."""

from __future__ import annotations

import io
import json
import os
from collections.abc import Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from PIL import Image

from lrpwidgets import subjects
from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import virelay
from lrpwidgets.spray.atlas import spray
from lrpwidgets.spray.store import RelevanceStore
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples

CLASSES = ["cat", "dog/wolf", "hen"]
N = 30


class Store:
    """Stands in for a relevance store, and counts the rows that it hands out at once."""

    def __init__(self, channels: int = 3, label: Any = None, classes: list[str] = CLASSES) -> None:
        random = np.random.default_rng(0)
        self.classes = classes
        self.index = np.arange(N, dtype=np.int32)
        self.label = random.integers(0, 3, N).astype(np.int32) if label is None else np.full(N, label, np.int32)
        self.prediction = random.integers(0, 3, N).astype(np.int32)
        self.done = np.ones(N, bool)
        self.info = SimpleNamespace(
            title="Beasts", shape=(channels, 8, 6), composite={"name": "epsilon_plus"}, targets="predicted"
        )
        self.values = random.normal(size=(N, channels, 8, 6)).astype(np.float32)
        self.most = 0

    def class_name(self, index: int) -> str:
        return self.classes[index] if self.classes else f"class {index}"

    def batches(self, rows: Any) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        for positions in np.split(np.arange(len(rows)), range(4, len(rows), 4)):
            self.most = max(self.most, len(positions))
            yield positions, self.values[rows[positions]]


@dataclass
class Atlas:
    """Stands in for an atlas."""

    selection: Any
    rows: NDArray[np.int64]
    eigenvalues: NDArray[np.float64]
    vectors: NDArray[np.float64]
    clusters: NDArray[np.int32]
    clustering: str = "spectral-3"
    embeddings: dict[str, Any] = field(default_factory=dict)

    @property
    def _made(self) -> dict[str, Any]:
        return self.embeddings


def atlas_of(store: Any, by: str = "label", value: int | None = 0, clustering: str = "spectral-3") -> Atlas:
    rows = np.flatnonzero(getattr(store, by) == value) if value is not None else np.arange(N)
    name = by if value is None else f'{by} "{store.class_name(value)}"'
    random = np.random.default_rng(1)
    return Atlas(
        SimpleNamespace(store=store, by=by, value=value, name=name),
        rows,
        np.array([0, 0, 0.25, 0.5]),
        random.normal(size=(len(rows), 4)),
        random.integers(-1, 3, len(rows)).astype(np.int32),
        clustering,
        {"spectral": np.zeros((len(rows), 2)), "tsne": random.normal(size=(len(rows), 2)).astype(np.float32)},
    )


@pytest.fixture
def subject() -> Subject:
    inputs = torch.rand(N, 3, 1, 1, generator=torch.Generator().manual_seed(0)) * torch.linspace(1, 2, 48).view(8, 6)
    return Subject(torch.nn.Identity(), TensorSamples(inputs, [0] * N, [str(i) for i in range(N)]), CLASSES)


def pixels(subject: Subject, number: int) -> NDArray[np.uint8]:
    return np.asarray(subject.to_image(subject.dataset[number][0]).convert("RGB"))


# What we write, read by ViRelAy


def loaded(path: Path) -> Any:
    return pytest.importorskip("virelay.model", reason="needs the referee virelay").Project(str(path))


def test_virelays_loader_reads_the_heatmaps_labels_and_pictures_that_we_write(tmp_path: Path, subject: Subject) -> None:
    store = Store()
    atlas = atlas_of(store)
    project = loaded(virelay.write(tmp_path, atlas, subject, name="Beasts of the field"))
    assert (project.name, project.model, project.attribution_method) == (
        "Beasts of the field",
        "Beasts",
        "epsilon_plus",
    )
    for row in atlas.rows:
        found = project.get_attribution(row)
        np.testing.assert_array_equal(found.data, np.moveaxis(store.values[row], 0, -1))
        assert (
            [label.name for label in found.labels] == ["cat"] == [each.name for each in project.get_sample(row).labels]
        )
        assert found.prediction.argmax() == store.prediction[row]
        np.testing.assert_array_equal(project.get_sample(row).data, pixels(subject, row))


def test_virelays_loader_reads_the_analyses_that_we_write(tmp_path: Path, subject: Subject) -> None:
    store = Store()
    atlases = [atlas_of(store, value=value) for value in range(3)]
    project = loaded(virelay.write(tmp_path, atlases, subject))
    (method,) = project.get_analysis_methods()
    assert "-" not in method  # its server would not find it
    categories = project.get_analysis_categories(method)
    assert [category.human_readable_name for category in categories] == CLASSES
    for category, atlas in zip(categories, atlases, strict=True):
        found = project.get_analysis(method, category.name, "spectral-3", "tsne")
        np.testing.assert_array_equal(found.embedding, atlas.embeddings["tsne"])
        np.testing.assert_array_equal(found.clustering, atlas.clusters)
        np.testing.assert_array_equal(found.attribution_indices, atlas.rows)


def test_virelay_plots_the_informative_eigenvectors_and_draws_eigenvalues_from_small_to_large(
    tmp_path: Path, subject: Subject
) -> None:
    atlas = atlas_of(Store())
    project = loaded(virelay.write(tmp_path, atlas, subject))
    found = project.get_analysis("SpRAy", "00000000", "spectral-3", "spectral")
    np.testing.assert_array_equal(found.embedding, atlas.vectors[:, [1, 2, 3, 0]])  # it plots the first two columns
    np.testing.assert_array_equal(found.eigenvalues[::-1], atlas.eigenvalues)  # its chart has the last one on the left


@pytest.mark.parametrize("channels", [1, 3])
def test_virelays_server_answers_all_that_its_page_asks_for(tmp_path: Path, subject: Subject, channels: int) -> None:
    application = pytest.importorskip("virelay.application", reason="needs the referee virelay")
    atlas = atlas_of(Store(channels))
    client = application.run_wsgi_app([str(virelay.write(tmp_path, atlas, subject))]).test_client()

    def fetched(address: str, **parameters: str) -> Any:
        answer = client.get(f"/api/{address}", query_string=parameters)
        assert answer.status_code == 200, answer.data
        return json.loads(answer.data) if answer.is_json else np.asarray(Image.open(io.BytesIO(answer.data)))

    (method,) = fetched("projects/0")["analysisMethods"]
    asked = {"category": method["categories"][0]["name"], "clustering": method["clusterings"][0], "embedding": "tsne"}
    analysis = fetched(f"projects/0/analyses/{method['name']}", **asked)
    assert [point["cluster"] for point in analysis["embedding"]] == atlas.clusters.tolist()
    number = analysis["embedding"][0]["attributionIndex"]
    assert fetched(f"projects/0/dataset/{number}")["labels"][0]["name"] == "cat"
    difference = fetched(f"projects/0/dataset/{number}/image").astype(int) - pixels(subject, number)
    assert np.abs(difference).mean() < 8  # it is a JPEG
    for colours in fetched("color-maps"):
        for superimpose in ("true", "false"):
            asked = {"colorMap": colours["name"], "superimpose": superimpose}
            assert fetched(f"projects/0/attributions/{number}/heatmap", **asked).shape == (8, 6, 3)


def test_virelay_finds_each_clustering_in_each_category(tmp_path: Path, subject: Subject) -> None:
    store = Store()
    atlases = [atlas_of(store, value=0, clustering="spectral-3"), atlas_of(store, value=1, clustering="spectral-5")]
    project = loaded(path := virelay.write(tmp_path, atlases, subject))
    for category in project.get_analysis_categories("SpRAy"):
        for clustering in project.get_analysis_clustering_names("SpRAy"):
            assert project.get_analysis("SpRAy", category.name, clustering, "spectral") is not None
    assert [list(found.clusters) for found in virelay.read(path).analyses.values()] == [["spectral-3"], ["spectral-5"]]


def test_samples_without_a_label_are_unknown_to_virelay_too(tmp_path: Path, subject: Subject) -> None:
    atlas = atlas_of(Store(label=-1), "all", None)
    project = loaded(path := virelay.write(tmp_path, atlas, subject))
    assert [label.name for label in project.get_attribution(3).labels] == ["unknown"]
    assert (virelay.read(path).attributions.label == -1).all()


# What we write, read by us


def test_what_we_write_comes_back_equal(tmp_path: Path, subject: Subject) -> None:
    store = Store(channels=1)
    first = atlas_of(store, value=1)
    second = replace(first, clusters=first.clusters[::-1].copy(), clustering="hdbscan")
    other = [atlas_of(store, "prediction", 1, name) for name in ("spectral-3", "hdbscan")]
    project = virelay.read(virelay.write(tmp_path, [first, second, *other], subject, name="Größe"))
    assert (project.name, project.attribution_strategy, project.classes) == ("Größe", "predicted_label", CLASSES)
    maps = project.attributions
    np.testing.assert_array_equal(maps.index, np.union1d(first.rows, other[0].rows))
    np.testing.assert_array_equal(maps.relevance(range(len(maps))), store.values[maps.index])
    np.testing.assert_array_equal(maps.label, store.label[maps.index])
    np.testing.assert_array_equal(maps.prediction, store.prediction[maps.index])
    for atlas in (first, other[0]):
        found = project.analysis(atlas.selection.name)
        np.testing.assert_array_equal(maps.index[found.rows], atlas.rows)
        np.testing.assert_array_equal(found.eigenvalues, atlas.eigenvalues)
        np.testing.assert_array_equal(found.vectors, atlas.vectors)
        np.testing.assert_array_equal(found.embeddings["tsne"], atlas.embeddings["tsne"])
        np.testing.assert_array_equal(found.clusters["spectral-3"], atlas.clusters)
    np.testing.assert_array_equal(project.analysis('label "dog/wolf"').clusters["hdbscan"], second.clusters)
    np.testing.assert_array_equal(project.inputs[int(first.rows[0])], pixels(subject, int(first.rows[0])))
    assert not project.caveats


def test_heatmaps_are_read_in_any_order_and_a_few_at_a_time(
    tmp_path: Path, subject: Subject, monkeypatch: pytest.MonkeyPatch
) -> None:
    store = Store()
    maps = virelay.read(virelay.write(tmp_path, atlas_of(store, "all", None), subject)).attributions
    rows = [7, 2, 3, 2, 29]
    np.testing.assert_array_equal(maps.relevance(rows), store.values[rows])
    monkeypatch.setattr("lrpwidgets.spray.virelay.attributions.BATCH", 2)
    batches = list(maps.batches(rows))
    assert [len(block) for _, block in batches] == [2, 2, 1]
    for positions, block in batches:
        np.testing.assert_array_equal(block, store.values[np.array(rows)[positions]])
    assert maps.relevance([]).shape[0] == 0


def test_writing_never_holds_more_heatmaps_than_a_batch_and_stores_only_what_was_analysed(
    tmp_path: Path, subject: Subject
) -> None:
    store = Store()
    store.index = np.arange(N, dtype=np.int32) + 10**6  # a far part of a large data set
    atlas = atlas_of(store, value=2)
    pictures = {int(number): np.full((8, 6, 3), number % 256, np.uint8) for number in store.index[atlas.rows]}
    project = virelay.read(virelay.write(tmp_path, atlas, inputs=pictures))
    assert store.most == 4
    assert os.path.getsize(tmp_path / "input.h5") < 10**7  # the labels of all; their pictures would take 144 MB
    number = int(store.index[atlas.rows[1]])
    np.testing.assert_array_equal(project.inputs[number], pictures[number])


def test_a_write_that_fails_leaves_the_project_that_was_there(tmp_path: Path, subject: Subject) -> None:
    store = Store()
    path = virelay.write(tmp_path, atlas_of(store), subject, name="before")
    before = {file.name: file.read_bytes() for file in tmp_path.iterdir()}

    def broken(rows: Any) -> Any:
        raise OSError("No space left on device")

    store.batches = broken  # type: ignore[method-assign]
    with pytest.raises(OSError, match="No space left"):
        virelay.write(tmp_path, atlas_of(store), subject, name="after")
    assert {file.name: file.read_bytes() for file in tmp_path.iterdir()} == before
    assert virelay.read(path).name == "before"


def test_what_cannot_be_written_is_refused_with_the_reason(tmp_path: Path, subject: Subject) -> None:
    store = Store()
    atlas = atlas_of(store)
    sizes = {int(row): Image.new("RGB", (8 + i, 8)) for i, row in enumerate(atlas.rows)}
    flat = Store()
    flat.info.shape = (16,)
    refused = {
        "at least one atlas": ([], subject, None),
        "subject=": (atlas, None, None),
        "several stores": ([atlas, atlas_of(Store())], subject, None),
        "more than their clusters": ([atlas, replace(atlas, vectors=atlas.vectors + 1)], subject, None),
        "same clusterings; these differ": ([atlas, atlas_of(store, value=1, clustering="hdbscan")], subject, None),
        "9 × 8 pixels, others 8 × 8": (atlas, None, sizes),
        "should be a PIL image": (atlas, None, np.zeros((N, 8, 6, 3))),
        r"the store has \(16,\)": (atlas_of(flat), subject, None),
    }
    for reason, (atlases, given, inputs) in refused.items():
        with pytest.raises(ValueError, match=reason):
            virelay.write(tmp_path / "new", atlases, given, inputs)
        assert not [*tmp_path.rglob("*.*")]


def test_a_real_atlas_goes_to_virelay_and_back(tmp_path: Path) -> None:
    digits = subjects.load("digits")
    store = RelevanceStore.create(tmp_path / "store", Explainer(digits.model), digits, progress=False)
    atlases = [spray(store.select(prediction=digit)) for digit in (3, 5)]
    others = [atlas.recluster("agglomerative") for atlas in atlases]
    path = virelay.write(tmp_path / "project", [*atlases, *others], digits)
    theirs, ours = loaded(path), virelay.read(path)
    for atlas in atlases:
        found = ours.analysis(atlas.selection.name)
        np.testing.assert_array_equal(ours.attributions.index[found.rows], atlas.rows)
        np.testing.assert_array_equal(found.vectors, atlas.vectors)
        np.testing.assert_array_equal(found.clusters[atlas.clustering], atlas.clusters)
        np.testing.assert_array_equal(ours.attributions.relevance(found.rows), store.relevance(atlas.rows))
        _, name = theirs.get_analysis_clustering_names("SpRAy")
        shown = theirs.get_analysis("SpRAy", found.category, name, "spectral")
        np.testing.assert_array_equal(shown.clustering, atlas.clusters)
        row = int(atlas.rows[0])
        np.testing.assert_array_equal(theirs.get_attribution(row).data.sum(-1), store.relevance([row])[0].sum(0))
        np.testing.assert_array_equal(theirs.get_sample(row).data, pixels(digits, row))
