"""The maps of a selection under another composite."""

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Cancelled, Explainer, composites
from lrpwidgets.spray import Atlas, Features, RelevanceStore, spray
from lrpwidgets.spray import recomputed as module
from lrpwidgets.spray.recomputed import recomputed
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples

OTHER = composites.get("epsilon_plus_flat")


@pytest.fixture(scope="module")
def subject():
    random = torch.Generator().manual_seed(0)
    inputs = torch.randn(70, 2, 8, 8, generator=random)
    conv, linear = nn.Conv2d(2, 4, 3), nn.Linear(4 * 36, 3)
    for parameter in [*conv.parameters(), *linear.parameters()]:
        parameter.data = torch.randn(parameter.shape, generator=random) / 5
    model = nn.Sequential(conv, nn.ReLU(), nn.Flatten(), linear)
    return Subject(model, TensorSamples(inputs, [number % 3 for number in range(70)], [""] * 70))


@pytest.fixture
def store(subject, tmp_path):
    return RelevanceStore.create(
        tmp_path / "store", Explainer(subject.model, "epsilon"), subject, progress=False, dtype="float32"
    )


@pytest.fixture
def again(store, subject):
    """The rows of label 1 under another composite."""
    return recomputed(store.select(label=1), OTHER, Explainer(subject.model, "epsilon"), subject)


def test_the_maps_are_those_of_the_other_composite_for_the_same_targets(again, store, subject):
    rows = store.select(label=1).rows
    np.testing.assert_array_equal(again.rows, rows)
    targets = torch.tensor(store.target[rows]).long()
    expected = Explainer(subject.model, OTHER).explain(subject.dataset.inputs[rows], targets).relevance
    np.testing.assert_allclose(again.store.relevance(rows), expected, rtol=1e-5, atol=1e-7)
    assert not np.allclose(again.store.relevance(rows), store.relevance(rows))


def test_everything_else_is_as_in_the_store(again, store):
    for name in ("index", "label", "prediction", "target", "score", "done"):
        np.testing.assert_array_equal(getattr(again.store, name), getattr(store, name))
    assert again.name == store.select(label=1).name
    assert again.store.info.composite == OTHER.to_dict()
    assert len(again.store) == len(store)


def test_the_store_on_disk_stays_as_it_was(again, store):
    there = RelevanceStore.open(store.path)
    assert there.info == store.info
    np.testing.assert_array_equal(there.relevance([0, 1]), store.relevance([0, 1]))


def test_it_makes_an_atlas_of_its_own(again, store, tmp_path):
    atlas = spray(again, clusters=2)
    maps = again.store.relevance(atlas.rows).sum(1)
    maps = maps / np.abs(maps).sum((1, 2), keepdims=True)
    np.testing.assert_allclose(atlas.cluster(0).heatmap, maps[atlas.clusters == 0].mean(0), rtol=1e-4, atol=1e-7)
    atlas.save(tmp_path / "atlas")
    with pytest.raises(ValueError, match="another composite"):
        Atlas.load(tmp_path / "atlas", store)


def test_rows_come_in_any_order(again):
    rows = again.rows[::-1]
    np.testing.assert_array_equal(again.store.relevance(rows), again.store.relevance(again.rows)[::-1])


def test_of_many_rows_some_are_drawn(store, subject, monkeypatch):
    monkeypatch.setattr(module, "MOST", 20)
    explainer = Explainer(subject.model, "epsilon")
    one, other, third = (recomputed(store.select(), OTHER, explainer, subject, seed=seed) for seed in (0, 0, 1))
    assert len(one) == 20
    assert (np.diff(one.rows) > 0).all()
    np.testing.assert_array_equal(one.rows, other.rows)
    assert not np.array_equal(one.rows, third.rows)


def test_the_explainer_has_the_composite_afterwards(store, subject):
    explainer = Explainer(subject.model, "epsilon")
    recomputed(store.select(rows=[3]), OTHER, explainer, subject)
    assert explainer.composite == OTHER


def test_progress_is_told_and_may_end_it(store, subject):
    told = []

    def cancel(progress):
        told.append((progress.done, progress.total))
        raise Cancelled

    with pytest.raises(Cancelled):
        recomputed(store.select(), OTHER, Explainer(subject.model), subject, progress=cancel)
    assert told == [(64, 70)]


def test_rows_and_layers_that_were_not_computed_again_are_refused(again):
    with pytest.raises(ValueError, match="Row 0 was not computed again"):
        again.store.relevance([1, 0])
    with pytest.raises(ValueError, match="does not keep the layer 'conv9'"):
        spray(again, features=Features(layer="conv9"))


def test_pooled_maps_are_pooled_in_the_same_way(subject, tmp_path):
    explainer = Explainer(subject.model, OTHER)
    store = RelevanceStore.create(tmp_path / "pooled", explainer, subject, progress=False, pool=3, dtype="float32")
    again = recomputed(store.select(), OTHER, explainer, subject)
    assert store.info.shape == (1, 3, 3)
    np.testing.assert_allclose(again.store.relevance(again.rows), store.relevance(again.rows), rtol=1e-4, atol=1e-6)
