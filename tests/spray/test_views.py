"""Where clusters stand apart: found at the input or in channels, and told from what chance gives."""

from __future__ import annotations

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from lrpwidgets.spray import Atlas, Features, rank_classes, spray
from lrpwidgets.spray.views import STANDS_OUT
from tests.spray.conftest import groups_of, planted

SIZES = [40, 25]


def noise(*shape: int, seed: int = 0) -> np.ndarray:
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def channels(sizes: list[int], count: int = 12, seed: int = 0) -> np.ndarray:
    """Of each group another channel is relevant, wherever in the picture."""
    made = noise(sum(sizes), count, seed=seed)
    made[np.arange(sum(sizes)), groups_of(sizes)] += 12
    return made


@pytest.fixture
def store(store_of):
    """Clusters are in the channels of the deep layer and nowhere else."""
    maps, shallow = noise(65, 1, 8, 8), noise(65, 9, seed=1)
    return store_of(maps, layers={"shallow": shallow, "deep": channels(SIZES)})


def test_clusters_without_a_place_are_found_in_the_channels(store):
    atlas = spray(store)
    assert atlas.features.layer == "deep"
    assert adjusted_rand_score(groups_of(SIZES), atlas.clusters) == 1
    assert atlas.views[0].layer == "deep"
    assert {view.layer for view in atlas.views} == {"input", "shallow", "deep"}
    assert [view.stands_out for view in atlas.views] == [True, False, False]


def test_clusters_with_a_place_are_found_at_the_input(store_of):
    atlas = spray(store_of(planted(SIZES), layers={"deep": noise(65, 9)}))
    assert atlas.features.layer == "input"
    assert adjusted_rand_score(groups_of(SIZES), atlas.clusters) == 1


def test_without_clusters_it_is_the_input_and_chance_explains_it(store_of):
    chances = []
    for seed in range(40):
        store = store_of(noise(50, 1, 6, 6, seed=500 + seed), layers={"deep": noise(50, 10, seed=900 + seed)})
        views = spray(store, seed=seed).views
        chances.append(min(view.chance for view in views))
        assert views[0].layer == "input" or views[0].stands_out
    assert np.mean(np.array(chances) <= STANDS_OUT) <= 0.05


def test_one_elongated_group_is_no_cluster(store_of):
    lengths = np.linspace(0.1, 4, 25).reshape(5, 5)
    views = [spray(store_of(lengths * noise(80, 1, 5, 5, seed=700 + seed))).views[0] for seed in range(15)]
    assert np.mean([view.stands_out for view in views]) <= 0.1
    assert 0.8 < np.median([view.times for view in views]) < 1.2


def test_a_view_that_was_chosen_is_taken(store):
    atlas = spray(store, features=Features(layer="shallow"))
    assert (atlas.features.layer, atlas.views) == ("shallow", ())


def test_a_layer_without_relevance_is_passed_over(store_of):
    atlas = spray(store_of(planted(SIZES), layers={"silent": np.zeros((65, 4))}))
    assert [view.layer for view in atlas.views] == ["input"]


def test_classes_rank_by_how_far_they_exceed_chance(store_of):
    maps = np.concatenate([noise(60, 1, 12, 12), planted([35, 25])])
    ranking = rank_classes(store_of(maps, prediction=np.repeat([0, 1], 60)))
    assert [each.label for each in ranking] == [1, 0]
    assert ranking[0].times > 2 > ranking[1].times
    assert ranking[0].chance < 0.01 < 0.05 < ranking[1].chance
    assert ranking[0].layer == "input"


def test_views_stay_with_the_atlas_in_its_file(store, tmp_path):
    atlas = spray(store)
    atlas.save(tmp_path / "atlas.npz")
    assert Atlas.load(tmp_path / "atlas.npz", store).views == atlas.views == atlas.recluster("agglomerative").views


def test_the_same_seed_gives_the_same_views(store):
    assert spray(store, seed=3).views == spray(store, seed=3).views
