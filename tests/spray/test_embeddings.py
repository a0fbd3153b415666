"""Two coordinates for each sample, on demand."""

import numpy as np
import pytest
from sklearn.metrics import silhouette_score

from lrpwidgets.lrp import Cancelled
from lrpwidgets.spray import embeddings
from lrpwidgets.spray.embeddings import diffusion, embedded, names
from lrpwidgets.spray.neighbors import neighbor_graph
from lrpwidgets.spray.spectral import Spectrum, spectrum
from tests.spray.test_spectral import blobs, connected, laplacian, parts

needs_umap = pytest.mark.skipif("umap" not in names(), reason="needs umap-learn")
ITERATIVE = ["tsne", pytest.param("umap", marks=needs_umap)]
EVERY = ["spectral", *ITERATIVE]


def silent(progress):
    """Progress that nobody follows."""


@pytest.fixture(scope="module")
def three() -> Spectrum:
    return spectrum(neighbor_graph(blobs([40, 30, 30], distance=2), 10, 0), 0)


@pytest.mark.parametrize("name", EVERY)
def test_what_is_in_one_blob_lies_together(three, name):
    found = embedded(name, three, 0, silent)
    assert found.shape == (100, 2)
    assert found.dtype == np.float32
    assert silhouette_score(found, np.repeat([0, 1, 2], [40, 30, 30])) > 0.5


@pytest.mark.parametrize("name", EVERY)
def test_the_same_seed_gives_the_same_embedding_bit_for_bit(three, name):
    np.testing.assert_array_equal(embedded(name, three, 3, silent), embedded(name, three, 3, silent))


def test_many_samples_are_embedded_the_same_each_time(monkeypatch):
    monkeypatch.setattr(embeddings, "_EPOCHS", 25)
    found = spectrum(connected(1001), 0)  # from 1,000 on t-SNE searches neighbours otherwise
    np.testing.assert_array_equal(embedded("tsne", found, 0, silent), embedded("tsne", found, 0, silent))


@pytest.mark.parametrize("name", ITERATIVE)
def test_progress_goes_from_early_to_complete(three, name):
    told = []
    embedded(name, three, 0, lambda progress: told.append((progress.done, progress.total)))
    done, totals = zip(*told, strict=True)
    assert len(told) >= 10
    assert list(done) == sorted(done)
    assert done[0] <= totals[0] / 10
    assert done[-1] == totals[-1]
    assert len(set(totals)) == 1


@pytest.mark.parametrize("name", ITERATIVE)
def test_what_the_watcher_raises_ends_the_computation(three, name):
    told = []

    def cancel(progress):
        told.append(progress.done)
        if progress.done >= progress.total / 3:
            raise Cancelled

    with pytest.raises(Cancelled):
        embedded(name, three, 0, cancel)
    assert told[-1] < 500


@pytest.mark.parametrize("name", EVERY)
@pytest.mark.parametrize("samples", [1, 2, 3, 4, 6])
def test_a_few_samples_have_a_place_too(name, samples):
    x = blobs([samples])
    found = embedded(name, spectrum(neighbor_graph(x, min(10, samples - 1), 0), 0), 0, silent)
    assert found.shape == (samples, 2)
    assert np.isfinite(found).all()


@pytest.mark.parametrize("name", EVERY)
def test_a_graph_of_several_parts_is_embedded_too(name):
    found = embedded(name, spectrum(parts(40, 30, 20), 0), 0, silent)
    assert np.isfinite(found).all()
    assert silhouette_score(found, np.repeat([0, 1, 2], [40, 30, 20])) > 0.5


def test_diffusion_coordinates_are_eigenvectors_of_the_random_walk():
    affinity = connected(150)
    found = spectrum(affinity, 0)
    coordinates = diffusion(found)
    walk = affinity.toarray() / affinity.toarray().sum(1, keepdims=True)
    np.testing.assert_allclose(walk @ coordinates, coordinates * (1 - found.eigenvalues[1:]), atol=1e-8)
    assert np.linalg.eigvalsh(laplacian(affinity))[1] == pytest.approx(found.eigenvalues[1])


def test_the_constant_eigenvector_is_left_out_where_it_tells_nothing():
    assert diffusion(spectrum(connected(60), 0)).shape[1] == 31
    assert diffusion(spectrum(parts(40, 30), 0)).shape[1] == 32


def test_an_embedding_that_cannot_be_made_here_names_those_that_can(three, monkeypatch):
    with pytest.raises(ValueError, match="no embedding 'pca' here; choose one of spectral, tsne"):
        embedded("pca", three, 0, silent)
    monkeypatch.setattr(embeddings.importlib.util, "find_spec", lambda name: None)
    with pytest.raises(ValueError, match="needs umap-learn"):
        embedded("umap", three, 0, silent)
