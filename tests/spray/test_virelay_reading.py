"""ViRelAy's project files that others write, read by us; and damaged ones."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
import yaml
from numpy.typing import NDArray
from PIL import Image

from lrpwidgets.spray import Features, virelay
from lrpwidgets.spray.spectral import eigengap
from tests.spray.conftest import planted


def loaded(path: Path) -> Any:
    return pytest.importorskip("virelay.model", reason="needs the referee virelay").Project(str(path))


@dataclass
class Foreign:
    """A project as ViRelAy's users make it, with h5py alone, and what it holds."""

    folder: Path
    relevance: NDArray[np.float32]
    label: NDArray[Any]
    scores: NDArray[np.float32]
    index: NDArray[np.uint32]
    vectors: NDArray[np.float32]
    inputs: NDArray[Any]

    @property
    def path(self) -> Path:
        return self.folder / "project.yaml"


@pytest.fixture
def foreign(tmp_path: Path) -> Foreign:
    random = np.random.default_rng(2)
    made = Foreign(
        tmp_path,
        random.normal(size=(6, 3, 5, 5)).astype(np.float32),
        np.array([0, 2, 2, 0, 1, 2], np.uint16),
        random.normal(size=(6, 3)).astype(np.float32),
        np.array([9, 1, 4, 3, 0, 7], np.uint32),
        random.normal(size=(4, 3)).astype(np.float32),
        random.uniform(0, 1, (10, 3, 5, 5)).astype(np.float32),
    )
    labels = [{"index": i, "word_net_id": f"n0000000{i}", "name": name} for i, name in enumerate(["ape", "bee", "cow"])]
    (tmp_path / "labels.json").write_text(json.dumps(labels))
    project = {
        "name": "Foreign",
        "model": "VGG16",
        "label_map": "labels.json",
        "dataset": {"name": "Beasts", "type": "hdf5", "path": "in.h5"},
        "attributions": {"attribution_method": "LRP", "attribution_strategy": "true_label", "sources": ["maps.h5"]},
        "analyses": [{"analysis_method": "spectral", "sources": ["analysis.h5"]}],
    }
    made.path.write_text(yaml.safe_dump({"project": project}))
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file["data"], file["label"] = made.inputs, np.zeros(10, np.uint16)
    with h5py.File(tmp_path / "maps.h5", "w") as file:
        file["attribution"], file["label"], file["prediction"] = made.relevance, made.label, made.scores
        file["index"] = made.index
    with h5py.File(tmp_path / "analysis.h5", "w") as file:
        group = file.create_group("n00000002")
        group["index"] = np.array([7, 1, 4, 9], np.uint32)
        group["embedding/spectral"] = made.vectors
        group["embedding/spectral"].attrs["eigenvalue"] = np.array([0.5, 0.2, 0], np.float32)
        group["embedding/tsne"] = made.vectors[:, :2]
        group["cluster/kmeans-02"] = np.array([0, 1, 1, 0])
    return made


def edited(file: Path, change: Callable[[Any], None]) -> None:
    with h5py.File(file, "r+") as opened:
        change(opened)


def put(file: Path, key: str, value: Any) -> None:
    """Replace what is at `key`; a list becomes a group, whose names sort as the list is."""

    def change(opened: Any) -> None:
        del opened[key]
        if not isinstance(value, list):
            opened[key] = value
            return
        for i, each in enumerate(value):
            opened[f"{key}/sample {i:03}"] = each

    edited(file, change)


def test_a_project_of_arrays_is_read(foreign: Foreign) -> None:
    project = virelay.read(foreign.path)
    assert (project.name, project.model, project.dataset) == ("Foreign", "VGG16", "Beasts")
    assert (project.attribution_method, project.attribution_strategy) == ("LRP", "true_label")
    assert project.classes == ["ape", "bee", "cow"]
    assert project.label_map[1] == virelay.Label("bee", "n00000001")
    maps = project.attributions
    np.testing.assert_array_equal(maps.relevance([5, 0]), foreign.relevance[[5, 0]])
    np.testing.assert_array_equal(maps.label, foreign.label)
    np.testing.assert_array_equal(maps.prediction, foreign.scores.argmax(1))
    np.testing.assert_array_equal(maps.index, foreign.index)
    analysis = project.analysis("cow")
    assert analysis is project.analyses["n00000002"]
    np.testing.assert_array_equal(maps.index[analysis.rows], [7, 1, 4, 9])
    np.testing.assert_array_equal(analysis.clusters["kmeans-02"], [0, 1, 1, 0])
    np.testing.assert_array_equal(analysis.embeddings["tsne"], foreign.vectors[:, :2])


def test_eigenvectors_that_come_trivial_last_are_put_in_order(foreign: Foreign) -> None:
    analysis = virelay.read(foreign.path).analysis("cow")
    np.testing.assert_array_equal(analysis.eigenvalues, np.array([0, 0.2, 0.5], np.float32))
    np.testing.assert_array_equal(analysis.vectors, foreign.vectors[:, ::-1])
    np.testing.assert_array_equal(analysis.embeddings["spectral"], foreign.vectors[:, [1, 0, 2]])


def test_our_reading_of_a_project_agrees_with_virelays(foreign: Foreign) -> None:
    theirs, ours = loaded(foreign.path), virelay.read(foreign.path)
    for row, number in enumerate(map(int, foreign.index)):
        found = theirs.get_attribution(number)
        np.testing.assert_array_equal(np.moveaxis(found.data, -1, 0), ours.attributions.relevance([row])[0])
        assert found.labels[0].name == ours.classes[ours.attributions.label[row]]
        difference = theirs.get_sample(number).data.astype(int) - ours.inputs[number]
        assert np.abs(difference).max() <= 1  # it cuts where we round


@pytest.mark.parametrize("labels", ["integers", "rows"])
def test_a_project_of_groups_is_read_as_virelay_reads_it(foreign: Foreign, labels: str) -> None:
    rows = foreign.label[:, None] == np.arange(3)
    put(foreign.folder / "maps.h5", "attribution", [*foreign.relevance])
    put(foreign.folder / "maps.h5", "prediction", [*foreign.scores])
    put(foreign.folder / "maps.h5", "label", [*foreign.label] if labels == "integers" else [*rows])
    put(foreign.folder / "in.h5", "data", [*foreign.inputs])
    put(foreign.folder / "in.h5", "label", [np.uint16(0)] * 10)
    test_a_project_of_arrays_is_read(foreign)
    test_our_reading_of_a_project_agrees_with_virelays(foreign)


def test_samples_with_several_labels_are_read(foreign: Foreign) -> None:
    rows = np.random.default_rng(3).random((6, 3)) < 0.5
    rows[0], rows[1], rows[2] = [True, False, True], False, [False, True, False]
    put(foreign.folder / "maps.h5", "label", rows)
    maps = virelay.read(foreign.path).attributions
    assert maps.labels is not None
    np.testing.assert_array_equal(maps.labels, rows)
    assert maps.label[:3].tolist() == [-1, -1, 1]
    found = loaded(foreign.path).get_attribution(int(foreign.index[0]))
    assert [label.name for label in found.labels] == ["ape", "cow"]


def test_heatmaps_in_several_files_and_with_channels_last_are_joined(foreign: Foreign) -> None:
    project = yaml.safe_load(foreign.path.read_text())
    project["project"]["attributions"]["sources"] = ["maps.h5", "more.h5"]
    foreign.path.write_text(yaml.safe_dump(project))
    with h5py.File(foreign.folder / "more.h5", "w") as file:
        file["attribution"] = np.moveaxis(foreign.relevance[:2] * 2, 1, -1)
        file["label"], file["prediction"], file["index"] = [1, 1], [0, 2], [20, 21]
    maps = virelay.read(foreign.path).attributions
    np.testing.assert_array_equal(maps.index, [*foreign.index, 20, 21])
    np.testing.assert_array_equal(maps.label[-2:], [1, 1])
    wanted = [foreign.relevance[1] * 2, foreign.relevance[5], foreign.relevance[0] * 2]
    np.testing.assert_array_equal(maps.relevance([7, 5, 6]), wanted)


def analysed(foreign: Foreign, eigenvalues: NDArray[Any], vectors: NDArray[Any], ours: bool = False) -> Any:
    """What is read of an analysis with these eigenpairs."""
    n = len(vectors)

    def change(file: Any) -> None:
        del file["n00000002"]
        file["all/index"], file["all/cluster/halves"] = np.arange(n), np.arange(n) % 2
        file["all/embedding/spectral"] = vectors
        file["all/embedding/spectral"].attrs["eigenvalue"] = eigenvalues
        if ours:
            file["all/embedding/spectral"].attrs["column_eigenvalue"] = eigenvalues

    edited(foreign.folder / "analysis.h5", change)
    with h5py.File(foreign.folder / "maps.h5", "w") as file:
        file["attribution"], file["label"] = np.zeros((n, 3, 4, 4), np.float32), np.zeros(n, int)
        file["prediction"] = np.zeros(n, int)
    return virelay.read(foreign.path).analysis("all")


def by_corelay(points: NDArray[Any], neighbors: int, **asked: Any) -> tuple[NDArray[Any], NDArray[Any]]:
    spectral = pytest.importorskip("corelay.pipeline.spectral", reason="needs the referee corelay")
    from corelay.processor.affinity import SparseKNN
    from corelay.processor.embedding import EigenDecomposition

    affinity, embedding = SparseKNN(n_neighbors=neighbors, symmetric=True), EigenDecomposition(is_output=True, **asked)
    eigenvalues, vectors = spectral.SpectralEmbedding(affinity=affinity, embedding=embedding)(points)
    return eigenvalues, vectors


def test_what_corelay_computes_comes_in_the_order_of_eigenvalues(foreign: Foreign) -> None:
    points = np.random.default_rng(4).normal(size=(40, 5)) + 9 * (np.arange(40) % 2)[:, None]
    eigenvalues, vectors = by_corelay(points, 5, n_eigval=4)
    analysis = analysed(foreign, eigenvalues, vectors)
    np.testing.assert_allclose(analysis.eigenvalues[:2], 0, atol=1e-9)  # of two parts
    assert (np.diff(analysis.eigenvalues) >= 0).all()
    np.testing.assert_array_equal(analysis.vectors[:, -1], vectors[:, 0])


@pytest.mark.parametrize(("groups", "each"), [(3, 60), (12, 5)])
def test_of_both_ends_of_the_spectrum_only_the_bottom_is_kept_and_that_is_said(
    foreign: Foreign, groups: int, each: int
) -> None:
    """CoRelAy's default: a gap in the middle, where nothing was computed, would be the largest."""
    points = Features().of(planted([each] * groups, noise=5)).astype(np.float64)
    both, (smallest, _) = by_corelay(points, 10), by_corelay(points, 10, which="LA")
    assert both[0].max() > 1.3  # the case in question
    analysis = analysed(foreign, *both)
    kept = len(analysis.eigenvalues)
    assert kept < 32
    np.testing.assert_allclose(analysis.eigenvalues, np.sort(smallest)[:kept], atol=1e-6)
    assert analysis.vectors.shape == analysis.embeddings["spectral"].shape == (len(points), kept)
    assert eigengap(analysis.eigenvalues) == eigengap(np.sort(smallest)[:kept])
    (caveat,) = virelay.read(foreign.path).caveats
    assert caveat.startswith("The analysis 'all' has eigenvalues from both ends of the spectrum")
    assert f"of 32 the {kept} smallest are kept" in caveat
    assert "from both ends of the spectrum" in repr(analysis)


@pytest.mark.parametrize("samples", [33, 40, 50, 150])
def test_the_smallest_eigenvalues_are_all_kept_also_those_above_1(foreign: Foreign, samples: int) -> None:
    points = np.random.default_rng(samples).normal(size=(samples, 4))
    eigenvalues, vectors = by_corelay(points, 6, which="LA")
    analysis = analysed(foreign, eigenvalues.astype(np.float32), vectors)
    assert len(analysis.eigenvalues) == 32
    assert not analysis.caveats


@pytest.mark.parametrize("samples", [33, 40, 50, 150])
def test_the_largest_in_magnitude_are_never_taken_for_the_smallest(foreign: Foreign, samples: int) -> None:
    points = np.random.default_rng(samples).normal(size=(samples, 4))
    eigenvalues, vectors = by_corelay(points, 6)
    assert max(analysed(foreign, eigenvalues, vectors).eigenvalues) <= 1


def test_eigenvalues_without_the_smallest_are_no_spectrum(foreign: Foreign) -> None:
    eigenvalues, vectors = by_corelay(np.random.default_rng(6).normal(size=(90, 4)), 6, which="SM")
    analysis = analysed(foreign, eigenvalues, vectors)
    assert analysis.eigenvalues is None
    assert analysis.vectors is None
    assert "lacks the smallest eigenvalues (the least is" in analysis.caveats[0]
    np.testing.assert_array_equal(analysis.embeddings["spectral"], vectors)


def test_of_our_own_files_all_eigenvalues_are_kept(foreign: Foreign) -> None:
    """They are those of the different maps, which may be fewer than the samples."""
    eigenvalues = np.array([0, 1.2, 1.3])
    analysis = analysed(foreign, np.roll(eigenvalues, -1), np.zeros((9, 3)), ours=True)
    np.testing.assert_array_equal(analysis.eigenvalues, eigenvalues)
    assert not analysis.caveats


@pytest.mark.parametrize(
    "up", ["none", "fill_zeros", "fill_ones", "edge_repeat", "mirror_edge", "wrap_around", "resize"]
)
@pytest.mark.parametrize("down", ["none", "center_crop", "resize"])
@pytest.mark.parametrize("listed", [False, True])
def test_pictures_of_a_folder_are_those_that_virelay_shows(foreign: Foreign, up: str, down: str, listed: bool) -> None:
    random = np.random.default_rng(5)
    names = ["n00000000/a.png", "n00000002/b.png", "n00000000/c.png"]
    for name, size in zip(names, [(11, 14), (4, 5), (5, 12)], strict=True):
        file = foreign.folder / "pictures" / name
        file.parent.mkdir(parents=True, exist_ok=True)
        Image.fromarray(random.integers(0, 256, (*size, 3), np.uint8)).save(file)
    if listed:
        (foreign.folder / "pictures_paths.txt").write_text("\n".join(f"pictures/{name}" for name in names[:2]))
    project = yaml.safe_load(foreign.path.read_text())
    project["project"]["dataset"] = {
        **{"name": "Folder", "type": "image_directory", "path": "pictures", "input_width": 8, "input_height": 8},
        **{"up_sampling_method": up, "down_sampling_method": down},
        **{"label_index_regex": None, "label_word_net_id_regex": r".*/(n\d{8})/.*"},
    }
    foreign.path.write_text(yaml.safe_dump(project))
    theirs, ours = loaded(foreign.path), virelay.read(foreign.path).inputs
    assert len(theirs.dataset) == len(ours) == (2 if listed else 3)
    for i in range(len(ours)):
        np.testing.assert_array_equal(theirs.get_sample(i).data, ours[i])


@pytest.mark.parametrize(("low", "high"), [(0, 1), (-1, 1), (0, 255)])
def test_pictures_of_the_usual_ranges_look_alike(foreign: Foreign, low: int, high: int) -> None:
    put(foreign.folder / "in.h5", "data", (foreign.inputs * (high - low) + low)[:, :1])
    picture = virelay.read(foreign.path).inputs[2]
    assert (picture.shape, picture.dtype) == ((5, 5, 3), np.uint8)
    assert np.abs(picture[..., 1] - foreign.inputs[2, 0] * 255).max() <= 1


# What is damaged


def rewritten(foreign: Foreign, change: Callable[[Any], Any]) -> None:
    project = yaml.safe_load(foreign.path.read_text())
    changed = change(project["project"])
    foreign.path.write_text(yaml.safe_dump(project if changed is None else changed))


@pytest.mark.parametrize("file", ["labels.json", "in.h5", "maps.h5", "analysis.h5", "project.yaml"])
def test_a_missing_file_is_named(foreign: Foreign, file: str) -> None:
    (foreign.folder / file).unlink()
    with pytest.raises(FileNotFoundError, match=file):
        virelay.read(foreign.path)


@pytest.mark.parametrize("file", ["in.h5", "maps.h5", "analysis.h5"])
@pytest.mark.parametrize("share", [0, 0.2, 0.9])
def test_a_file_that_is_cut_off_is_named(foreign: Foreign, file: str, share: float) -> None:
    whole = (foreign.folder / file).read_bytes()
    (foreign.folder / file).write_bytes(whole[: int(len(whole) * share)])
    with pytest.raises(ValueError, match=rf"'{file}' is no HDF5 file, or is damaged or cut off"):
        virelay.read(foreign.path)


@pytest.mark.parametrize(
    ("file", "key"),
    [
        ("in.h5", "data"),
        ("in.h5", "label"),
        ("maps.h5", "attribution"),
        ("maps.h5", "label"),
        ("maps.h5", "prediction"),
        ("analysis.h5", "n00000002/index"),
        ("analysis.h5", "n00000002/embedding"),
        ("analysis.h5", "n00000002/cluster"),
    ],
)
def test_a_missing_key_is_named_with_what_is_there(foreign: Foreign, file: str, key: str) -> None:
    def change(opened: Any) -> None:
        del opened[key]
        opened.require_group(os.path.dirname(key) or "/")["other"] = 1

    edited(foreign.folder / file, change)
    with pytest.raises(ValueError, match=rf"'{file}'.* has no '{os.path.basename(key)}'; it has .*'other'"):
        virelay.read(foreign.path)


@pytest.mark.parametrize(
    ("file", "key", "value", "said"),
    [
        ("in.h5", "label", np.zeros(9, int), "10 samples in 'data' and 9 in 'label'"),
        ("in.h5", "data", 3.0, r"float64 \(\); it should be numbers"),
        ("maps.h5", "attribution", np.zeros((6, 3)), r"float64 \(6, 3\); it should be heatmaps, \(n, C, H, W\)"),
        ("maps.h5", "attribution", np.zeros((5, 3, 5, 5)), "has 6 samples in 'label' and 5|index.*should be"),
        ("maps.h5", "label", np.zeros(7, int), "7 samples in 'label' and 6 in 'attribution'"),
        ("maps.h5", "label", np.zeros(6), r"/label has float64 \(\) for each sample; it should be an integer"),
        ("maps.h5", "prediction", np.zeros((6, 2, 2)), r"/prediction has float64 \(2, 2\) for each sample"),
        ("maps.h5", "index", np.zeros((6, 1), int), r"int64 \(6, 1\); it should be integers \(6\)"),
        (
            "maps.h5",
            "label",
            np.array([0, 1, 2, 3, 9, -1]),
            "'maps.h5' has the labels -1, 3, 9; the label map has 0 to 2",
        ),
        ("maps.h5", "label", np.ones((6, 5), bool), "'maps.h5' has the labels 3, 4"),
        ("analysis.h5", "n00000002/index", np.arange(4.0), r"at /n00000002/index is float64 \(4,\)"),
        ("analysis.h5", "n00000002/index", np.array([9, 1, 4, 5]), "Input 5 has no attribution; 1 of 4 inputs"),
        ("analysis.h5", "n00000002/embedding/tsne", np.zeros((3, 2)), r"\(3, 2\); it should be numbers \(4, any\)"),
        ("analysis.h5", "n00000002/embedding/tsne", [np.zeros((4, 2))], "/tsne is a group; it should be numbers"),
        ("analysis.h5", "n00000002/embedding", np.zeros((4, 2)), "; it should be a group of arrays"),
        ("analysis.h5", "n00000002/cluster/kmeans-02", np.zeros(4), r"float64 \(4,\); it should be integers \(4\)"),
        ("analysis.h5", "n00000002", 1, r"at /n00000002 is int64 \(\); it should be a group with 'index'"),
    ],
)
def test_other_shapes_and_labels_are_named(foreign: Foreign, file: str, key: str, value: Any, said: str) -> None:
    put(foreign.folder / file, key, value)
    with pytest.raises(ValueError, match=said):
        virelay.read(foreign.path)


def test_heatmaps_of_several_shapes_are_named_when_they_are_asked_for_together(foreign: Foreign) -> None:
    put(foreign.folder / "maps.h5", "attribution", [*foreign.relevance[:5], np.ones((3, 7, 7))])
    maps = virelay.read(foreign.path).attributions
    assert maps.relevance([5]).shape == (1, 3, 7, 7)
    with pytest.raises(ValueError, match=r"sample 005 is float64 \(3, 7, 7\), others there are float32 \(3, 5, 5\)"):
        maps.relevance([0, 5])


def test_rows_and_inputs_that_do_not_exist_are_named(foreign: Foreign) -> None:
    project = virelay.read(foreign.path)
    with pytest.raises(IndexError, match="heatmaps 0 to 5"):
        project.attributions.relevance([6])
    with pytest.raises(IndexError, match="0 to 9"):
        project.inputs[10]
    with pytest.raises(LookupError, match="'horse'; it has 'n00000002'"):
        project.analysis("horse")


def test_an_analysis_without_eigenvalues_says_so(foreign: Foreign) -> None:
    def change(file: Any) -> None:
        del file["n00000002/embedding/spectral"].attrs["eigenvalue"]

    edited(foreign.folder / "analysis.h5", change)
    project = virelay.read(foreign.path)
    assert project.analysis("cow").eigenvalues is None
    np.testing.assert_array_equal(project.analysis("cow").embeddings["spectral"], foreign.vectors)
    assert "no eigenvalues" in project.caveats[0]


def test_eigenvalues_that_do_not_fit_the_vectors_are_named(foreign: Foreign) -> None:
    def change(file: Any) -> None:
        file["n00000002/embedding/spectral"].attrs["eigenvalue"] = [0.0, 1.0]

    edited(foreign.folder / "analysis.h5", change)
    with pytest.raises(ValueError, match=r"float64 \(2,\) as its 'eigenvalue'; .* each column, \(3,\)"):
        virelay.read(foreign.path)


@pytest.mark.parametrize("path", ["../outside.h5", "/etc/passwd", "link.h5", "folder/../../outside.h5"])
@pytest.mark.parametrize("what", ["label_map", "dataset", "attributions", "analyses"])
def test_a_path_that_leaves_the_folder_is_refused(foreign: Foreign, path: str, what: str) -> None:
    outside = foreign.folder.parent / "outside.h5"
    outside.write_bytes((foreign.folder / "in.h5").read_bytes())
    (foreign.folder / "link.h5").symlink_to(outside)

    def change(project: Any) -> None:
        if what == "label_map":
            project["label_map"] = path
        elif what == "dataset":
            project["dataset"]["path"] = path
        else:
            (project[what] if what == "attributions" else project[what][0])["sources"] = [path]

    rewritten(foreign, change)
    with pytest.raises(ValueError, match=rf"'{path}' leaves the project's folder"):
        virelay.read(foreign.path)


def test_listed_pictures_outside_of_the_folder_are_refused(foreign: Foreign) -> None:
    Image.new("RGB", (5, 5)).save(foreign.folder.parent / "secret.png")
    (foreign.folder / "pictures").mkdir()
    (foreign.folder / "pictures_paths.txt").write_text("../secret.png")
    settings = {"input_width": 5, "input_height": 5, "up_sampling_method": "none", "down_sampling_method": "none"}
    rewritten(foreign, lambda project: project["dataset"].update(type="image_directory", path="pictures", **settings))
    with pytest.raises(ValueError, match=r"secret.png' leaves the project's folder"):
        virelay.read(foreign.path).inputs[0]


def test_data_that_hdf5_would_take_from_another_file_are_refused(foreign: Foreign) -> None:
    secret = foreign.folder.parent / "secret.h5"
    with h5py.File(secret, "w") as file:
        file["data"] = np.ones((10, 3, 5, 5))
    layout = h5py.VirtualLayout((10, 3, 5, 5), np.float64)
    layout[...] = h5py.VirtualSource(secret, "data", (10, 3, 5, 5))

    def linked(file: Any) -> None:
        file["data"] = h5py.ExternalLink(str(secret), "data")

    def stored(file: Any) -> None:
        file.create_dataset("data", (10, 3, 5, 5), np.uint8, external=[(str(secret), 0, h5py.h5f.UNLIMITED)])

    def virtual(file: Any) -> None:
        file.create_virtual_dataset("data", layout)

    for disguise in (linked, stored, virtual):
        edited(foreign.folder / "in.h5", lambda file: file.pop("data"))
        edited(foreign.folder / "in.h5", disguise)
        with pytest.raises(ValueError, match="takes 'data' from another file"):
            virelay.read(foreign.path)


@pytest.mark.parametrize(
    ("content", "said"),
    [
        ("just a word", "lacks 'project'; it has str in its place"),
        ("", "lacks 'project'; it has NoneType"),
        ("- 1\n- 2", "lacks 'project'; it has list"),
        ("projekt: {}", "lacks 'project'; it has 'projekt'"),
        ("project: 3", "'project': 3; it should be a mapping"),
        ("project: {name: a}", "lacks 'model'; it has 'name'"),
        ("a: [", "is no YAML file"),
        ("\0", "is no YAML file"),
    ],
)
def test_yaml_that_is_no_project_is_refused(foreign: Foreign, content: str, said: str) -> None:
    foreign.path.write_text(content)
    with pytest.raises(ValueError, match=said):
        virelay.read(foreign.path)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda p: p.pop("dataset"), "lacks 'dataset'; it has .*'attributions'"),
        (lambda p: p.pop("attributions"), "lacks 'attributions'"),
        (lambda p: p["dataset"].update(type="zip"), "type 'zip'; it can be 'hdf5' or 'image_directory'"),
        (lambda p: p["dataset"].update(type="image_directory"), "lacks 'input_width'"),
        (lambda p: p["attributions"].update(sources="maps.h5"), "'sources': 'maps.h5'; it should be a list"),
        (lambda p: p["analyses"][0].pop("analysis_method"), "lacks 'analysis_method'"),
        (lambda p: p.update(analyses=[3]), "lacks 'analysis_method'; it has int"),
    ],
)
def test_a_project_that_lacks_something_is_refused(foreign: Foreign, change: Callable[[Any], Any], said: str) -> None:
    rewritten(foreign, lambda project: [change(project), None][1])
    with pytest.raises(ValueError, match=said):
        virelay.read(foreign.path)


@pytest.mark.parametrize("content", ["{", "3", '[{"index": 0}]', '{"0": "ape"}', '[{"index": "x", "name": "y"}]'])
def test_a_label_map_of_another_form_is_refused(foreign: Foreign, content: str) -> None:
    (foreign.folder / "labels.json").write_text(content)
    with pytest.raises(ValueError, match=r"label map 'labels.json' has not the form"):
        virelay.read(foreign.path)


def test_a_project_without_analyses_still_shows_heatmaps(foreign: Foreign) -> None:
    rewritten(foreign, lambda project: [project.pop("analyses"), None][1])
    project = virelay.read(foreign.path)
    assert project.analyses == {}
    assert len(project.attributions) == 6


def test_analyses_of_one_category_are_told_apart(foreign: Foreign) -> None:
    entry = {"analysis_method": "second", "sources": ["analysis.h5"]}
    rewritten(foreign, lambda project: project["analyses"].append(entry))
    assert list(virelay.read(foreign.path).analyses) == ["n00000002", "n00000002 (second)"]
