"""The graph of nearest neighbours."""

import tracemalloc

import numpy as np
import pytest

from lrpwidgets.spray import nearest
from lrpwidgets.spray import neighbors as module
from lrpwidgets.spray.neighbors import neighbor_graph


def points(samples, dimensions=6, seed=0, groups=1):
    random = np.random.default_rng(seed)
    centres = 3 * random.normal(size=(groups, dimensions))
    return (centres[np.arange(samples) % groups] + random.normal(size=(samples, dimensions))).astype(np.float32)


def dense(x, neighbors):
    """The same graph from all distances."""
    distances = np.linalg.norm(x[:, None].astype(np.float64) - x[None], axis=-1)
    np.fill_diagonal(distances, np.inf)
    directed = np.zeros((len(x), len(x)))
    np.put_along_axis(directed, np.argsort(distances, 1)[:, :neighbors], 1, 1)
    return (directed + directed.T) / 2


@pytest.mark.parametrize(("samples", "neighbors"), [(2, 1), (5, 4), (80, 1), (80, 10), (150, 3)])
def test_the_graph_is_that_of_all_distances(samples, neighbors):
    x = points(samples)
    np.testing.assert_array_equal(neighbor_graph(x, neighbors, 0).toarray(), dense(x, neighbors))


def test_the_graph_is_symmetric_without_loops_and_mutual_neighbours_count_twice():
    graph = neighbor_graph(points(200), 7, 0)
    assert (graph != graph.T).nnz == 0
    assert not graph.diagonal().any()
    assert set(np.unique(graph.data)) == {0.5, 1}
    assert graph.sum() == 200 * 7


def test_one_sample_has_no_neighbours():
    graph = neighbor_graph(points(1), 0, 0)
    assert graph.shape == (1, 1)
    assert graph.nnz == 0


def test_samples_that_almost_coincide_are_no_neighbours_of_themselves():
    x = np.float32(1) + np.arange(40, dtype=np.float32)[:, None] * np.float32(2e-7)
    assert not neighbor_graph(np.repeat(x, 3, 1), 5, 0).diagonal().any()


def test_memory_does_not_grow_with_the_square_of_samples():
    def most(samples):
        x = points(samples)
        tracemalloc.start()
        neighbor_graph(x, 5, 0)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
        return peak

    most(100)  # loads what it needs
    assert most(8000) < 8000**2  # a byte for each pair, an eighth of their distances
    assert most(8000) < 3 * most(4000)


def test_so_many_cells_that_they_have_cells_of_their_own_find_as_many_neighbours(monkeypatch):
    x = points(12_000, 12, groups=9)
    exact = nearest.among_all(x, 10)

    def found():
        pairs = zip(nearest.in_cells(x, 10, 0), exact, strict=True)
        return np.mean([len(set(some) & set(every)) / 10 for some, every in pairs])

    plain = found()
    monkeypatch.setattr(nearest, "MANY", 4)
    assert found() > plain - 0.02 > 0.9


@pytest.fixture
def approximate(monkeypatch):
    monkeypatch.setattr(module, "EXACT", 0)


def test_the_approximate_search_finds_nine_of_ten_neighbours(approximate):
    x = points(2000, groups=10)
    found, expected = neighbor_graph(x, 10, 0).toarray(), dense(x, 10)
    assert found.sum() == expected.sum()  # as many neighbours
    assert np.minimum(found, expected).sum() >= 0.9 * expected.sum()
    assert not found.diagonal().any()
    np.testing.assert_array_equal(found, found.T)


def test_the_approximate_search_is_the_same_for_the_same_seed(approximate):
    x = points(1500, groups=5)
    assert (neighbor_graph(x, 10, 3) != neighbor_graph(x, 10, 3)).nnz == 0


@pytest.mark.parametrize(("samples", "groups"), [(11, 1), (300, 30), (1000, 100)])
def test_the_approximate_search_gives_every_sample_its_neighbours_also_in_small_groups(approximate, samples, groups):
    graph = neighbor_graph(points(samples, groups=groups), 10, 0)
    assert graph.sum() == samples * 10
    assert not graph.diagonal().any()


def test_the_approximate_search_looks_elsewhere_where_cells_have_too_few_samples(approximate, monkeypatch):
    monkeypatch.setattr(nearest, "CELL", 4)
    monkeypatch.setattr(nearest, "PROBES", 1)
    assert neighbor_graph(points(200, groups=10), 10, 0).sum() == 200 * 10


def test_the_approximate_search_compares_few_pairs(approximate, monkeypatch):
    monkeypatch.setattr(nearest, "CELL", 20)
    x = points(3000, groups=10)
    tracemalloc.start()
    neighbor_graph(x, 10, 0)
    assert tracemalloc.get_traced_memory()[1] < 3000**2
    tracemalloc.stop()
