"""CoRelAy's pipeline as an outside referee: the same features give the same graph, eigenvalues and clusters."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from lrpwidgets.spray import Features, spray
from lrpwidgets.spray.neighbors import neighbor_graph
from lrpwidgets.spray.spectral import spectrum
from tests.spray.conftest import planted

pytest.importorskip("corelay", reason="needs corelay, from the extra referees")

from corelay.pipeline.spectral import SpectralClustering, SpectralEmbedding
from corelay.processor.affinity import SparseKNN
from corelay.processor.clustering import KMeans
from corelay.processor.distance import SciPyPDist
from corelay.processor.embedding import EigenDecomposition
from corelay.processor.laplacian import SymmetricNormalLaplacian

KINDS = {
    "overlapping": (planted([80, 60, 40], noise=5), 3),
    "clear": (planted([90, 50], noise=4), 2),
    "without groups": (planted([150], noise=3), 4),
}


@pytest.fixture(params=KINDS)
def kind(request):
    return request.param


def features_of(kind):
    return Features().of(KINDS[kind][0])


def graph_by_corelay(features):
    distances = SciPyPDist(metric="sqeuclidean")(features.astype(np.float64))
    return SparseKNN(n_neighbors=10, symmetric=True)(distances)


def test_the_neighbour_graph_is_that_of_corelay(kind):
    features = features_of(kind)
    assert (neighbor_graph(features, 10, 0) != graph_by_corelay(features)).nnz == 0


def test_the_eigenvalues_are_those_of_corelay(kind):
    features = features_of(kind)
    ours = spectrum(neighbor_graph(features, 10, 0), 0)
    theirs, _ = EigenDecomposition(n_eigval=32, which="LA")(SymmetricNormalLaplacian()(graph_by_corelay(features)))
    assert ours.components == 1  # else an iterative solver finds repeated eigenvalues by luck only
    np.testing.assert_allclose(ours.eigenvalues, np.sort(theirs), atol=1e-6)


def test_the_eigenvectors_are_those_of_corelay_up_to_sign(kind):
    features = features_of(kind)
    ours = spectrum(neighbor_graph(features, 10, 0), 0)
    embedding = EigenDecomposition(n_eigval=32, which="LA", normalize=False)
    values, theirs = embedding(SymmetricNormalLaplacian()(graph_by_corelay(features)))
    theirs = theirs[:, np.argsort(values)]
    np.testing.assert_allclose(np.abs((ours.vectors * theirs).sum(0))[:8], 1, atol=1e-4)


def test_the_clusters_are_those_of_corelay(store_of, kind):
    maps, count = KINDS[kind]
    atlas = spray(store_of(maps), clusters=count)
    pipeline = SpectralClustering(
        affinity=SparseKNN(n_neighbors=10, symmetric=True),
        embedding=EigenDecomposition(n_eigval=count, which="LA", is_output=True),
        clustering=KMeans(n_clusters=count, kwargs={"random_state": 0, "n_init": 10}, is_output=True),
    )
    _, theirs = pipeline(features_of(kind).astype(np.float64))
    assert adjusted_rand_score(theirs, atlas.clusters) >= 0.95


@pytest.mark.filterwarnings("ignore:k >= N:RuntimeWarning")
def test_where_corelay_stumbles_an_atlas_is_made(store_of):
    """Fewer samples than eigenvalues, and equal ones."""
    few = planted([5])
    with pytest.raises(TypeError):
        SpectralEmbedding()(Features().of(few))
    assert len(spray(store_of(few))) == 5
    equal = np.repeat(planted([20], noise=2), 3, 0)
    assert graph_by_corelay(Features().of(equal)).diagonal().any()  # samples are their own neighbours
    assert not spray(store_of(equal)).affinity.diagonal().any()
