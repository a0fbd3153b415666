"""Which class to look at first."""

import numpy as np
import pytest

from lrpwidgets.spray import rank_classes, spray
from lrpwidgets.spray.classes import FEWEST, atlases
from tests.spray.conftest import planted


@pytest.fixture
def store(store_of):
    """Class 0 has one strategy, class 1 two, class 2 too few maps; predictions are the other way round."""
    maps = np.concatenate([planted([40], noise=2), planted([0, 25, 15], seed=1), planted([FEWEST - 1])])
    labels = np.repeat([0, 1, 2], [40, 40, FEWEST - 1])
    return store_of(maps, label=labels, prediction=2 - labels)


def test_the_class_of_two_strategies_comes_first(store):
    first, second = rank_classes(store, by="label")
    assert (first.label, first.size, first.clusters) == (1, 40, 2)
    assert (second.label, second.size) == (0, 40)
    assert first.tau > 3 * second.tau


def test_classes_are_those_of_predictions_by_default(store):
    assert [each.label for each in rank_classes(store)] == [1, 2]


def test_a_class_has_the_atlas_of_its_own_selection(store):
    found = list(atlases(store, "label", clusters=3, seed=1))
    assert [each.selection.name for each in found] == ['label "class 0"', 'label "class 1"']
    alone = spray(store.select(label=1), clusters=3, seed=1)
    np.testing.assert_array_equal(found[1].clusters, alone.clusters)
    assert rank_classes(store, "label", clusters=3, seed=1)[0].tau == alone.tau


def test_atlases_are_made_one_by_one(store):
    told = []
    made = atlases(store, progress=lambda progress: told.append(progress.stage))
    assert not told
    next(made)
    assert sum(stage.endswith(": clusters") for stage in told) == 1


def test_another_way_to_tell_classes_is_refused(store):
    with pytest.raises(ValueError, match="by must be 'prediction' or 'label', got 'score'"):
        rank_classes(store, by="score")
