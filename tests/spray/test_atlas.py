"""From a store to an atlas of strategies."""

from __future__ import annotations

import os

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from lrpwidgets.lrp import Cancelled
from lrpwidgets.spray import Atlas, Features, Progress, atlas, spray
from lrpwidgets.spray.embeddings import names
from tests.spray.conftest import groups_of, planted
from tests.spray.test_embeddings import ITERATIVE

SIZES = [40, 25, 15]
LABELS = np.repeat([0, 0, 1], SIZES)


@pytest.fixture
def store(store_of):
    return store_of(planted(SIZES), label=LABELS, prediction=0)


# What is found.


def test_planted_strategies_are_found(store):
    found = spray(store)
    assert adjusted_rand_score(groups_of(SIZES), found.clusters) == 1
    assert (found.eigengap, found.count, found.clustering) == (3, 3, "spectral-3")
    assert len(found) == 80
    assert found.notes[-1] == "The neighbour graph has 3 separate parts."
    assert found.eigenvalues.shape == (32,)
    assert found.vectors.shape == (80, 32)


def test_an_atlas_prints_what_was_found(store):
    assert repr(spray(store)) == (
        "Atlas(all 80 inputs: 80 maps in 3 clusters of 40, 25, 15 (spectral-3), eigengap 3; "
        "The neighbour graph has 3 separate parts.)"
    )
    assert repr(spray(store, clusters=10)).startswith("Atlas(all 80 inputs: 80 maps in 10 clusters of ")
    assert ", … (spectral-10)" in repr(spray(store, clusters=10))
    assert repr(spray(store).cluster(2)).startswith("Cluster(2, rows=<int64 (15,)>, heatmap=<float32 (12, 12)>")


@pytest.mark.parametrize("clusters", ["hdbscan", "agglomerative"])
def test_another_clustering_finds_them_too(store, clusters):
    found = spray(store, clusters=clusters)
    assert adjusted_rand_score(groups_of(SIZES), found.clusters) == 1
    assert found.clustering == f"{clusters}-3"


def test_a_number_of_clusters_can_be_asked_for(store):
    assert spray(store, clusters=5).count == 5


def test_a_selection_is_analysed_by_itself(store):
    found = spray(store.select(label=0))
    np.testing.assert_array_equal(found.rows, np.arange(65))
    assert found.count == 2
    assert found.selection.name == 'label "class 0"'


def test_an_atlas_of_a_layer_compares_channels(store_of):
    random = np.random.default_rng(0)
    channels = 0.1 * random.random((60, 5))
    channels[:20, 0] += 3
    channels[20:, 1] += 3
    found = spray(store_of(planted([60]), layers={"deep": channels}), features=Features(layer="deep"))
    assert adjusted_rand_score(groups_of([20, 40]), found.clusters) == 1


def test_progress_names_each_stage(store):
    told = []
    spray(store, embeddings=("tsne",), progress=lambda progress: told.append(progress.stage))
    stages = ["looking at layers", "reading relevance", "finding neighbours", "eigenvalues", "clusters", "tsne"]
    assert list(dict.fromkeys(told)) == stages


@pytest.mark.parametrize("stage", ["reading relevance", "finding neighbours", "eigenvalues", "clusters", "tsne"])
def test_it_can_be_cancelled_at_every_stage(store, stage):
    def cancel(progress):
        if progress.stage == stage:
            raise Cancelled

    with pytest.raises(Cancelled):
        spray(store, embeddings=("tsne",), progress=cancel)


# Bad input.


def test_equal_maps_share_their_place_and_cluster(store_of):
    maps = planted(SIZES)
    maps[[1, 17, 50]] = 2 * maps[0]  # another scale, the same map
    maps[60] = maps[70]
    found = spray(store_of(maps), embeddings=("tsne",))
    for same in ([0, 1, 17, 50], [60, 70]):
        assert len(np.unique(found.clusters[same])) == 1
        for values in (found.vectors, found.embeddings["tsne"], found.embeddings["spectral"]):
            assert len(np.unique(values[same], axis=0)) == 1
    assert "4 maps equal another one and share its place." in found.notes
    assert len(found) == 80


def test_many_equal_maps_do_not_tear_the_graph_apart(store_of):
    maps = planted([60], noise=1)
    maps[20:40] = maps[3]
    assert spray(store_of(maps)).spectrum.components == 1


def test_samples_fewer_than_neighbours_have_all_others_as_neighbours(store_of):
    found = spray(store_of(planted([4, 3])))
    assert found.neighbors == 6
    assert "With 7 different maps each has 6 neighbours, not 10." in found.notes
    assert np.isfinite(found.vectors).all()


@pytest.mark.parametrize("samples", [1, 2, 3])
def test_a_few_samples_are_an_atlas(store_of, samples, tmp_path):
    found = spray(store_of(planted([samples])), embeddings=names())
    assert len(found) == samples
    assert found.count >= 1
    assert np.isfinite(found.vectors).all()
    assert np.isfinite(found.eigenvalues).all()
    assert all(np.isfinite(made).all() and made.shape == (samples, 2) for made in found.embeddings.values())
    assert found.tau >= 0
    assert len(found.cluster(0).rows) >= 1
    found.save(tmp_path / "atlas")
    assert len(Atlas.load(tmp_path / "atlas", found.store)) == samples


def test_if_all_maps_are_equal_there_is_one_cluster(store_of):
    found = spray(store_of(np.repeat(planted([1]), 20, 0)))
    assert (found.count, found.tau) == (1, 0)
    assert not found.clusters.any()
    assert np.isfinite(found.embeddings["tsne"]).all()
    assert found.cluster(0).heatmap.sum() == pytest.approx(1, rel=1e-5)


def test_maps_without_relevance_say_so(store_of):
    with pytest.raises(ValueError, match="20 of 20 maps have no relevance"):
        spray(store_of(np.zeros((20, 1, 4, 4))))


def test_an_empty_selection_says_so(store):
    with pytest.raises(ValueError, match=r'Nothing to compare in label "class 2": no row'):
        spray(store.select(label=2))


def test_maps_that_are_not_finite_are_counted_and_left_out(store_of):
    maps = planted(SIZES)
    maps[5, 0, 3, 3] = np.nan
    maps[33] = 0
    found = spray(store_of(maps))
    assert found.excluded == {"relevance that is not finite": 1, "no relevance at all": 1}
    assert found.notes[:2] == (
        "1 maps with relevance that is not finite are left out.",
        "1 maps with no relevance at all are left out.",
    )
    assert not np.isin([5, 33], found.rows).any()
    assert len(found) == len(found.clusters) == len(found.vectors) == 78
    assert np.isfinite(found.cluster(0).heatmap).all()


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"neighbors": 0}, "neighbors must be 1 or more, got 0"),
        ({"clusters": "kmeans"}, "no clustering 'kmeans'"),
        ({"clusters": 81}, "there are 80 samples"),
        ({"embeddings": ("pca",)}, "no embedding 'pca'"),
    ],
)
def test_wrong_options_are_refused(store, options, message):
    with pytest.raises(ValueError, match=message):
        spray(store, **options)


# The same again.


def test_the_same_seed_gives_the_same_atlas_bit_for_bit(store):
    one, other = (spray(store, embeddings=("tsne",), clusters=6, seed=4) for _ in range(2))
    for name in ("eigenvalues", "vectors", "clusters", "rows"):
        np.testing.assert_array_equal(getattr(one, name), getattr(other, name))
    np.testing.assert_array_equal(one.embeddings["tsne"], other.embeddings["tsne"])
    assert one.ranking == other.ranking


def test_an_atlas_comes_back_from_its_file(store, tmp_path):
    made = spray(store.select(label=0), embeddings=("tsne",), seed=3)
    made.save(tmp_path / "atlas")
    found = Atlas.load(tmp_path / "atlas", store)
    for name in ("eigenvalues", "vectors", "clusters", "rows", "inverse"):
        np.testing.assert_array_equal(getattr(found, name), getattr(made, name))
    for name in ("clustering", "excluded", "features", "neighbors", "seed", "notes", "ranking", "eigengap", "tau"):
        assert getattr(found, name) == getattr(made, name)
    assert found.made == {"tsne"}
    np.testing.assert_array_equal(found.embeddings["tsne"], made.embeddings["tsne"])
    np.testing.assert_array_equal(found.embeddings["spectral"], made.embeddings["spectral"])
    np.testing.assert_array_equal(found.selection.rows, made.selection.rows)
    assert found.selection.name == made.selection.name
    np.testing.assert_array_equal(found.recluster("spectral", 4).clusters, made.recluster("spectral", 4).clusters)
    np.testing.assert_array_equal(found.recluster("agglomerative").clusters, made.recluster("agglomerative").clusters)


def test_saving_replaces_the_file_and_leaves_nothing_else(store, tmp_path):
    folder = tmp_path / "files"
    folder.mkdir()
    spray(store).save(folder / "atlas")
    spray(store, clusters=4).save(folder / "atlas")
    assert [file.name for file in folder.iterdir()] == ["atlas"]
    assert Atlas.load(folder / "atlas", store).count == 4


def test_saving_replaces_a_link_and_leaves_where_it_led(store, tmp_path):
    (tmp_path / "thesis.txt").write_text("years of work")
    (tmp_path / "atlas").symlink_to(tmp_path / "thesis.txt")
    found = spray(store)
    found.save(tmp_path / "atlas")
    assert (tmp_path / "thesis.txt").read_text() == "years of work"
    assert Atlas.load(tmp_path / "atlas", store).count == found.count


@pytest.mark.parametrize(
    ("change", "difference"),
    [
        ({"fingerprint": "another"}, "model"),
        ({"composite": {"name": "another", "entries": []}}, "composite"),
        ({"targets": "label"}, "targets"),
        ({"data": "other"}, "data"),
    ],
)
def test_an_atlas_of_another_store_is_refused(store, store_of, tmp_path, change, difference):
    spray(store).save(tmp_path / "atlas")
    with pytest.raises(ValueError, match=f"atlas of this store: it is of a store with another {difference}"):
        Atlas.load(tmp_path / "atlas", store_of(planted(SIZES), **change))


def test_a_file_that_is_cut_off_anywhere_or_no_atlas_is_refused(store, tmp_path):
    file = tmp_path / "atlas"
    spray(store).save(file)
    whole = file.read_bytes()
    for content in [*(whole[: len(whole) * part // 10] for part in range(10)), b"no atlas", b"\x93NUMPY"]:
        file.write_bytes(content)
        with pytest.raises(ValueError, match="cannot be read as an atlas of this store"):
            Atlas.load(file, store)


def test_a_damaged_file_loads_or_is_refused_but_never_breaks(store, tmp_path):
    file = tmp_path / "atlas"
    spray(store).save(file)
    whole, random, refused = file.read_bytes(), np.random.default_rng(0), 0
    for place in random.integers(0, len(whole) - 4, 100):
        file.write_bytes(whole[:place] + random.bytes(4) + whole[place + 4 :])
        try:
            Atlas.load(file, store)
        except ValueError as error:
            refused += "cannot be read as an atlas" in str(error)
    assert refused > 90


def test_an_archive_of_something_else_is_refused(store, tmp_path):
    for content in ({"x": np.ones(3)}, {"about": np.array('{"format": 99}')}, {"about": np.array("[]")}):
        with (tmp_path / "archive").open("wb") as file:
            np.savez(file, **content)
        with pytest.raises(ValueError, match="cannot be read as an atlas"):
            Atlas.load(tmp_path / "archive", store)
    np.save(tmp_path / "array.npy", np.ones(3))
    with pytest.raises(ValueError, match="cannot be read as an atlas"):
        Atlas.load(tmp_path / "array.npy", store)


def test_without_a_file_it_says_so(store, tmp_path):
    with pytest.raises(FileNotFoundError):
        Atlas.load(tmp_path / "none", store)


@pytest.mark.parametrize(
    "make", ["mkdir", pytest.param("mkfifo", marks=pytest.mark.skipif(os.name == "nt", reason="no pipes"))]
)
def test_what_is_no_file_is_refused_instead_of_waited_for(store, tmp_path, make):
    getattr(os, make)(tmp_path / "atlas")
    with pytest.raises(ValueError, match="cannot be read as an atlas of this store: it is a folder or a special file"):
        Atlas.load(tmp_path / "atlas", store)


# Embeddings on demand.


def test_an_embedding_is_computed_when_it_is_first_asked_for_and_then_kept(store):
    found = spray(store, embeddings=())
    assert found.made == set()
    told = []
    one = found.embed("tsne", progress=told.append)
    assert told[-1] == Progress(750, 750, "tsne")
    told.clear()
    np.testing.assert_array_equal(found.embed("tsne", progress=told.append), one)
    assert not told
    assert found.made == {"tsne"}


@pytest.mark.parametrize("name", ITERATIVE)
def test_a_cancelled_embedding_leaves_the_atlas_as_it_was(store, name):
    def cancel(progress):
        raise Cancelled

    found = spray(store)
    with pytest.raises(Cancelled):
        found.embed(name, progress=cancel)
    assert found.made == {"spectral"}
    assert found.embed(name).shape == (80, 2)
    assert found.made == {"spectral", name}


def test_embeddings_are_a_mapping_of_those_that_can_be_made(store):
    found = spray(store)
    assert list(found.embeddings)[:2] == ["spectral", "tsne"]
    assert "pca" not in found.embeddings
    assert found.embeddings.get("pca") is None
    assert found.embeddings["spectral"].shape == (80, 2)


# Other clusters.


@pytest.mark.parametrize(("method", "count"), [("spectral", 2), ("agglomerative", 5), ("hdbscan", None)])
def test_other_clusters_are_another_atlas_of_the_same_graph(store, method, count):
    found = spray(store, embeddings=("tsne",))
    before = found.clusters.copy()
    other = found.recluster(method, count)
    np.testing.assert_array_equal(found.clusters, before)
    assert count is None or other.count == count
    assert other.clustering == f"{method}-{other.count}"
    assert other.spectrum is found.spectrum
    assert other.made == found.made
    assert sum(each.size for each in other.ranking) == (other.clusters >= 0).sum()


def test_impossible_clusters_are_refused(store):
    with pytest.raises(ValueError, match="there are 80 samples"):
        spray(store).recluster("spectral", 100)


# What clusters have in common.


def test_clusters_are_ranked_by_how_separable_they_are(store):
    found = spray(store, clusters=5)
    taus = [each.tau for each in found.ranking]
    assert taus == sorted(taus, reverse=True)
    assert found.tau == taus[0]
    assert sorted(each.cluster for each in found.ranking) == list(range(5))


def test_ranks_tell_size_label_and_purity(store_of):
    labels = LABELS.copy()
    labels[:10] = 2
    ranked = {each.cluster: each for each in spray(store_of(planted(SIZES), label=labels)).ranking}
    assert [(ranked[number].size, ranked[number].label) for number in range(3)] == [(40, 0), (25, 0), (15, 1)]
    assert [ranked[number].purity for number in range(3)] == [0.75, 1, 1]


def test_within_one_label_purity_is_that_of_predictions(store_of):
    found = spray(store_of(planted(SIZES), label=1, prediction=LABELS + 1))
    assert {each.cluster: (each.label, each.purity) for each in found.ranking} == {0: (1, 1), 1: (1, 1), 2: (2, 1)}


def test_mean_maps_are_those_of_normalised_maps(store):
    found = spray(store)
    maps = store.relevance(found.rows).sum(1)
    maps = maps / np.abs(maps).sum((1, 2), keepdims=True)
    for number in range(3):
        inside = found.clusters == number
        cluster = found.cluster(number)
        np.testing.assert_allclose(cluster.heatmap, maps[inside].mean(0), rtol=1e-4, atol=1e-8)
        np.testing.assert_allclose(cluster.others, maps[~inside].mean(0), rtol=1e-4, atol=1e-8)
        np.testing.assert_array_equal(np.sort(cluster.rows), found.rows[inside])


def test_a_mean_map_keeps_the_size_of_maps_that_are_pooled_to_compare_them(store_of):
    maps = planted([20, 20], side=12)
    assert spray(store_of(maps), features=Features(size=4)).cluster(0).heatmap.shape == (12, 12)


def test_mean_maps_are_right_where_noise_is_in_no_cluster(store):
    clusters = np.where(np.arange(80) % 7 == 0, atlas.NOISE, groups_of(SIZES)).astype(np.int32)
    found = atlas.replace(spray(store), clusters=clusters)
    maps = store.relevance(found.rows).sum(1)
    maps = maps / np.abs(maps).sum((1, 2), keepdims=True)
    np.testing.assert_allclose(found.cluster(2).heatmap, maps[clusters == 2].mean(0), rtol=1e-4, atol=1e-8)
    np.testing.assert_allclose(found.cluster(2).others, maps[clusters != 2].mean(0), rtol=1e-4, atol=1e-8)


def test_prototypes_lie_in_the_middle_of_their_cluster(store_of):
    maps = planted([30, 30], noise=0.1)
    maps[29] = (maps[29] + maps[59]) / 2  # between both
    found = spray(store_of(maps), clusters=2)
    assert found.members(int(found.clusters[29]))[-1] == 29
    cluster = found.cluster(0)
    np.testing.assert_array_equal(cluster.prototypes, cluster.rows[:5])
    features = found.features.of(found.store.relevance(cluster.rows))
    distances = np.linalg.norm(features - features.mean(0), axis=1)
    assert distances[:5].mean() < distances.mean()


def test_a_cluster_that_does_not_exist_is_refused(store):
    with pytest.raises(ValueError, match="no cluster 3; there are clusters 0 to 2"):
        spray(store).cluster(3)


def test_signals_and_values_without_a_place_have_mean_maps_too(store_of):
    signals = planted([20, 20]).reshape(40, 2, 72)
    assert spray(store_of(signals)).cluster(0).heatmap.shape == (72,)
    values = planted([20, 20]).reshape(40, 144)
    found = spray(store_of(values))
    assert found.cluster(0).heatmap.shape == (144,)
    assert adjusted_rand_score(groups_of([20, 20]), found.clusters) == 1
