"""Clusters of a neighbour graph."""

import tracemalloc

import numpy as np
import pytest
from scipy.sparse import csr_array
from sklearn.metrics import adjusted_rand_score

from lrpwidgets.spray.clusters import METHODS, NOISE, clustered, coordinates
from lrpwidgets.spray.neighbors import neighbor_graph
from lrpwidgets.spray.spectral import spectrum
from tests.spray.test_spectral import blobs, parts


def graph_of(sizes, **options):
    affinity = neighbor_graph(blobs(sizes, **options), 10, 0)
    return spectrum(affinity, 0), affinity


@pytest.mark.parametrize("distance", [3, 30], ids=["connected", "apart"])
@pytest.mark.parametrize("method", METHODS)
def test_every_method_finds_blobs(method, distance):
    sizes = [80, 60, 40]
    found = clustered(*graph_of(sizes, distance=distance), method, None, 0)
    clear = found != NOISE  # a blob's rim may count as noise
    assert clear.mean() > 0.9
    assert adjusted_rand_score(np.repeat([0, 1, 2], sizes)[clear], found[clear]) > 0.98


@pytest.mark.parametrize("method", METHODS)
def test_clusters_are_numbered_from_the_largest_on(method):
    found = clustered(*graph_of([30, 90, 60], distance=30), method, None, 0)
    np.testing.assert_array_equal(found[[0, 30, 120]], [2, 0, 1])
    assert found.dtype == np.int32
    sizes = np.bincount(found[found >= 0])
    assert (np.diff(sizes) <= 0).all()


@pytest.mark.parametrize("method", ["spectral", "agglomerative"])
def test_one_cluster_holds_everything(method):
    assert not clustered(*graph_of([30, 30]), method, 1, 0).any()


@pytest.mark.parametrize("method", ["spectral", "agglomerative"])
def test_there_can_be_as_many_clusters_as_samples(method):
    found = clustered(*graph_of([12, 11]), method, 23, 0)
    np.testing.assert_array_equal(np.sort(found), np.arange(23))


@pytest.mark.parametrize("method", ["spectral", "agglomerative"])
@pytest.mark.parametrize("count", [2, 3, 7])
def test_there_are_as_many_clusters_as_were_asked_for(method, count):
    assert len(np.unique(clustered(*graph_of([40, 40]), method, count, 0))) == count


def test_hdbscan_leaves_what_lies_between_in_no_cluster():
    sizes = [100] * 6
    found = clustered(*graph_of(sizes, distance=1.5), "hdbscan", None, 0)
    noise = found == NOISE
    assert 10 < noise.sum() < 100
    assert adjusted_rand_score(np.repeat(np.arange(6), sizes)[~noise], found[~noise]) > 0.85


def test_hdbscan_of_a_few_samples_is_one_cluster():
    x = blobs([4])
    affinity = neighbor_graph(x, 3, 0)
    assert not clustered(spectrum(affinity, 0), affinity, "hdbscan", None, 0).any()


@pytest.mark.parametrize("method", METHODS)
def test_clusters_are_deterministic(method):
    spectrum_and_graph = graph_of([50, 40, 30], distance=1.5)
    count = None if method == "hdbscan" else 4
    one, other = (clustered(*spectrum_and_graph, method, count, 2) for _ in range(2))
    np.testing.assert_array_equal(one, other)


def test_ward_follows_the_graph_also_where_it_has_parts():
    affinity = parts(60, 50, 40)
    found = clustered(spectrum(affinity, 0), affinity, "agglomerative", 3, 0)
    assert adjusted_rand_score(np.repeat([0, 1, 2], [60, 50, 40]), found) == 1


def test_ward_makes_no_table_of_all_pairs_where_the_graph_has_parts():
    affinity = parts(1500, 1500)
    found = spectrum(affinity, 0)
    tracemalloc.start()
    clustered(found, affinity, "agglomerative", 4, 0)
    assert tracemalloc.get_traced_memory()[1] < 2 * 3000**2  # distances of all pairs take twice as much
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("method", "count", "message"),
    [
        ("kmeans", None, "choose one of spectral, agglomerative, hdbscan"),
        ("spectral", 0, "there are 60 samples"),
        ("agglomerative", 61, "there are 60 samples"),
        ("hdbscan", 3, "finds their number itself"),
    ],
)
def test_impossible_clusters_are_refused(method, count, message):
    with pytest.raises(ValueError, match=message):
        clustered(*graph_of([30, 30]), method, count, 0)


def test_coordinates_have_length_one_where_there_are_any():
    affinity = csr_array(parts(30, 20))
    found = spectrum(affinity, 0)
    np.testing.assert_allclose(np.linalg.norm(coordinates(found, 8), axis=1), 1)
    np.testing.assert_allclose(np.linalg.norm(coordinates(found, 1), axis=1), [1] * 30 + [0] * 20)
