"""Eigenpairs of the normalised Laplacian, and the number of clusters that they suggest."""

import numpy as np
import pytest
from scipy.sparse import block_diag, csr_array

from lrpwidgets.spray import spectral
from lrpwidgets.spray.neighbors import neighbor_graph
from lrpwidgets.spray.spectral import MOST, eigengap, spectrum


def blobs(sizes, distance=3.0, seed=0):
    random = np.random.default_rng(seed)
    centres = distance * np.eye(max(3, len(sizes)))[: len(sizes)]
    groups = np.repeat(np.arange(len(sizes)), sizes)
    return (centres[groups] + 0.5 * random.normal(size=(len(groups), centres.shape[1]))).astype(np.float32)


def connected(samples, seed=0):
    return neighbor_graph(np.random.default_rng(seed).normal(size=(samples, 4)).astype(np.float32), 8, 0)


def parts(*sizes):
    """A graph whose parts have no edge between them."""
    return csr_array(block_diag([connected(size, seed) for seed, size in enumerate(sizes)]))


def laplacian(affinity):
    dense = affinity.toarray()
    scale = 1 / np.sqrt(dense.sum(1))
    return np.eye(len(dense)) - scale[:, None] * dense * scale


GRAPHS = {
    "small": connected(60),
    "large": connected(700),
    "two parts": parts(350, 120),
    "many parts": parts(310, 40, 90, 20, 30),
    "more parts than eigenvalues wanted": parts(*[10] * 40),
}


@pytest.mark.parametrize("graph", GRAPHS)
def test_eigenvalues_are_the_smallest_of_the_dense_laplacian(graph):
    affinity = GRAPHS[graph]
    found = spectrum(affinity, 0)
    expected = np.linalg.eigvalsh(laplacian(affinity))[: len(found.eigenvalues)]
    np.testing.assert_allclose(found.eigenvalues, expected, atol=1e-6)
    assert len(found.eigenvalues) >= 32


@pytest.mark.parametrize("graph", GRAPHS)
def test_eigenvectors_are_mapped_to_multiples_of_themselves(graph):
    affinity = GRAPHS[graph]
    found = spectrum(affinity, 0)
    image = laplacian(affinity) @ found.vectors
    np.testing.assert_allclose(image, found.vectors * found.eigenvalues, atol=1e-5)
    overlap = found.vectors.T @ found.vectors
    np.testing.assert_allclose(overlap, np.eye(len(overlap)), atol=1e-4)


@pytest.mark.parametrize(("graph", "components"), [("small", 1), ("two parts", 2), ("many parts", 5)])
def test_there_are_as_many_zeros_as_components(graph, components):
    found = spectrum(GRAPHS[graph], 0)
    assert found.components == components
    assert (found.eigenvalues[:components] == 0).all()
    assert (found.eigenvalues[components:] > 1e-4).all()


def test_with_more_components_than_eigenvalues_are_wanted_one_beyond_them_is_found():
    found = spectrum(GRAPHS["more parts than eigenvalues wanted"], 0)
    assert found.components == 40
    assert len(found.eigenvalues) == 41
    assert found.eigenvalues[39] == 0 < found.eigenvalues[40]


def test_of_very_many_components_the_largest_are_kept():
    sizes = [6] * 70 + [20] * 5
    found = spectrum(csr_array(block_diag([connected(20, seed)[:size, :size] for seed, size in enumerate(sizes)])), 0)
    assert len(found.eigenvalues) == MOST
    assert (found.eigenvalues == 0).all()
    assert (np.abs(found.vectors[-100:]).sum(1) > 0).all()


def test_an_isolated_sample_is_a_component():
    affinity = csr_array((1, 1))
    found = spectrum(affinity, 0)
    np.testing.assert_array_equal(found.eigenvalues, [0])
    np.testing.assert_array_equal(found.vectors, [[1]])
    assert found.components == 1


def test_the_largest_entry_of_each_eigenvector_is_positive():
    for affinity in GRAPHS.values():
        vectors = spectrum(affinity, 0).vectors
        assert (vectors[np.abs(vectors).argmax(0), np.arange(vectors.shape[1])] > 0).all()


@pytest.mark.parametrize("graph", ["large", "many parts"])
def test_the_spectrum_is_deterministic(graph):
    one, other = (spectrum(GRAPHS[graph], 5) for _ in range(2))
    np.testing.assert_array_equal(one.eigenvalues, other.eigenvalues)
    np.testing.assert_array_equal(one.vectors, other.vectors)


def test_the_iterative_solver_agrees_with_the_dense_one(monkeypatch):
    iterative = spectrum(GRAPHS["large"], 0)
    monkeypatch.setattr(spectral, "_DENSE", 1000)
    whole = spectrum(GRAPHS["large"], 0)
    np.testing.assert_allclose(iterative.eigenvalues, whole.eigenvalues, atol=1e-7)
    np.testing.assert_allclose(np.abs((iterative.vectors * whole.vectors).sum(0)), 1, atol=1e-3)


def test_degrees_are_the_sums_of_affinities():
    affinity = GRAPHS["two parts"]
    np.testing.assert_array_equal(spectrum(affinity, 0).degrees, affinity.toarray().sum(1))


@pytest.mark.parametrize(
    ("eigenvalues", "count"),
    [
        ([0, 0.001, 0.3, 0.32, 0.35], 2),
        ([0, 0.006, 0.037, 0.073, 0.09], 2),
        ([0, 0.01, 0.011, 0.2, 0.22, 0.25], 3),
        ([0, 0, 0, 0.1, 0.12, 0.2], 3),
        ([0, 0, 0, 0, 0.001, 0.2, 0.21], 5),
        ([0, 0.0092, 0.0214, 0.035, 0.0643, 0.1249, 0.1532], 2),  # the gap behind the fifth is hardly larger
        ([0, 0.5], 1),
        ([0], 1),
        ([0, 0], 2),
        ([0] * 20 + [0.1, 0.2], 20),
        ([0] * 64, 64),
    ],
    ids=str,
)
def test_the_eigengap_of_a_constructed_spectrum(eigenvalues, count):
    assert eigengap(np.array(eigenvalues, float)) == count


@pytest.mark.parametrize("count", [2, 3, 5])
def test_the_eigengap_counts_blobs(count):
    found = spectrum(neighbor_graph(blobs([60] * count), 10, 0), 0)
    assert eigengap(found.eigenvalues) == count


def test_the_eigengap_is_at_most_what_is_asked_for():
    assert eigengap(np.array([0, 0.01, 0.02, 0.03, 0.04, 0.9]), most=3) <= 3
