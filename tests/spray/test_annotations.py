"""Clusters that are written into their store."""

import numpy as np
import pytest
import zarr

from lrpwidgets.spray import RelevanceStore, spray
from lrpwidgets.spray.annotations import ABSENT, annotate, read_annotations
from tests.spray.conftest import groups_of, planted

SIZES = [30, 20]


@pytest.fixture
def store(store_of):
    maps = planted([*SIZES, 10])
    maps[7] = np.nan
    return store_of(maps, label=np.repeat([0, 1], [50, 10]))


def test_clusters_come_back_with_names_and_how_they_were_made(store):
    atlas = spray(store.select(label=0), clusters=2, seed=5)
    annotate(atlas, "by-hand", {0: "tag", 1: "Pferd ♞"})
    found = read_annotations(RelevanceStore.open(store.path))["by-hand"]
    np.testing.assert_array_equal(found.clusters[atlas.rows], atlas.clusters)
    assert set(np.flatnonzero(found.clusters == ABSENT)) == {7, *range(50, 60)}
    assert found.names == {0: "tag", 1: "Pferd ♞"}
    assert found.about["selection"] == 'label "class 0"'
    assert found.about["clustering"] == "spectral-2"
    assert found.about["features"] == {"sign": "signed", "size": 32, "layer": "input"}
    assert (found.about["neighbors"], found.about["seed"], found.about["composite"]) == (10, 5, "some composite")


def test_noise_stays_noise(store):
    atlas = spray(store.select(label=0))
    clusters = np.where(np.arange(len(atlas)) % 5 == 0, -1, groups_of(SIZES)[atlas.rows]).astype(np.int32)
    annotate(type(atlas)(**{**vars(atlas), "clusters": clusters}), "noisy")
    np.testing.assert_array_equal(read_annotations(store)["noisy"].clusters[atlas.rows], clusters)


def test_the_same_name_replaces_and_another_one_adds(store):
    atlas = spray(store)
    annotate(atlas, "one", {0: "first"})
    annotate(atlas, "other")
    annotate(atlas.recluster("spectral", 5), "one")
    found = read_annotations(store)
    assert sorted(found) == ["one", "other"]
    assert found["one"].about["clustering"] == "spectral-5"
    assert found["one"].names == {}


def test_any_zarr_library_reads_them(store):
    atlas = spray(store)
    annotate(atlas, "clusters")
    array = zarr.open_group(store.path, mode="r")["clusters/clusters"]
    np.testing.assert_array_equal(array[:][atlas.rows], atlas.clusters)


def test_a_store_without_annotations_has_none(store):
    assert read_annotations(store) == {}


def test_annotations_leave_the_rest_of_the_store_alone(store):
    before = store.relevance([0, 5])
    store.write_notes({"seen": "today"})
    annotate(spray(store), "clusters")
    again = RelevanceStore.open(store.path)
    np.testing.assert_array_equal(again.relevance([0, 5]), before)
    assert again.missing() == []
    assert again.info == store.info
    assert again.read_notes() == {"seen": "today"}


@pytest.mark.parametrize("name", ["", ".", "..", "../outside", "a/b", ".hidden", "a\\b", "zarr.json", "x" * 101, "a\n"])
def test_a_name_that_is_no_folder_in_the_store_is_refused(store, name):
    atlas = spray(store)
    with pytest.raises(ValueError, match="cannot name an annotation"):
        annotate(atlas, name)
    assert read_annotations(store) == {}
