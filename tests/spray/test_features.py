"""From relevance maps to what is compared."""

import numpy as np
import pytest

from lrpwidgets.spray import Features
from lrpwidgets.spray.features import NOT_FINITE, NOTHING, pooled, usable
from tests.spray.conftest import planted

RANDOM = np.random.default_rng(0)


INPUTS = Features(layer="input")


def nothing_told(progress):
    """Progress that nobody follows."""


def maps_of(*shape):
    return RANDOM.normal(size=shape).astype(np.float32)


@pytest.mark.parametrize("sign", ["signed", "absolute", "positive"])
@pytest.mark.parametrize("shape", [(5, 3, 8, 8), (5, 1, 40, 50), (5, 7, 100), (5, 6)], ids=str)
def test_sizes_of_features_add_up_to_one(sign, shape):
    found = Features(sign=sign).of(maps_of(*shape))
    assert found.dtype == np.float32
    np.testing.assert_allclose(np.abs(found).sum(1), 1, rtol=1e-5)


def test_signed_features_are_the_maps_summed_over_channels_and_divided_by_their_size():
    maps = maps_of(4, 3, 6, 5)
    summed = maps.sum(1).reshape(4, -1)
    np.testing.assert_allclose(Features().of(maps), summed / np.abs(summed).sum(1, keepdims=True), rtol=1e-5)


def test_absolute_and_positive_features_come_after_the_sum_over_channels():
    maps = np.array([[[[3.0, -1.0]], [[-1.0, -1.0]]]], np.float32)  # sums to 2, -2
    np.testing.assert_allclose(Features(sign="absolute").of(maps), [[0.5, 0.5]])
    np.testing.assert_allclose(Features(sign="positive").of(maps), [[1, 0]])


def test_the_scale_of_a_map_does_not_matter():
    maps = maps_of(3, 2, 9, 9)
    np.testing.assert_allclose(Features().of(1e6 * maps), Features().of(maps), rtol=1e-5)
    np.testing.assert_allclose(Features().of(1e-30 * maps), Features().of(maps), rtol=1e-5)


def test_a_map_whose_signed_sum_is_nearly_zero_does_not_explode():
    maps = np.array([[[[1, -1 + 1e-6]]]], np.float32)
    assert np.abs(Features().of(maps)).max() <= 0.51


@pytest.mark.parametrize("length", [32, 33, 50, 63, 64, 100])
def test_pooling_keeps_the_sum_also_where_sizes_do_not_divide(length):
    maps = maps_of(2, length, 40)
    found = pooled(maps, 32)
    assert found.shape == (2, 32, 32)
    np.testing.assert_allclose(found.sum((1, 2)), maps.sum((1, 2)), rtol=1e-4, atol=1e-3)


def test_pooling_sums_neighbouring_parts_of_almost_equal_size():
    np.testing.assert_array_equal(pooled(np.ones((1, 7), np.float32), 3), [[2, 2, 3]])
    np.testing.assert_array_equal(pooled(np.arange(6, dtype=np.float32)[None], 3), [[1, 5, 9]])


def test_maps_that_are_small_enough_stay_as_they_are():
    maps = maps_of(2, 20, 32)
    assert pooled(maps, 32) is maps


@pytest.mark.parametrize("channels", [1, 2, 3, 13])
def test_maps_have_any_number_of_channels(channels):
    assert Features(size=4).of(maps_of(3, channels, 8, 8)).shape == (3, 16)


def test_signals_of_one_dimension_are_pooled_along_it():
    assert Features(size=10).of(maps_of(3, 2, 101)).shape == (3, 10)


def test_values_without_a_place_are_compared_one_by_one():
    assert Features(size=4).of(maps_of(3, 9)).shape == (3, 9)


def test_a_store_gives_features_of_the_layers_that_it_keeps(store_of):
    maps, one, other = planted([4, 5]), maps_of(9, 6), maps_of(9, 3)
    store = store_of(maps, layers={"one": one, "other": other})
    for name, channels in (("one", one), ("other", other)):
        found = usable(store.select(), Features(layer=name), nothing_told)
        np.testing.assert_allclose(found.features, channels / np.abs(channels).sum(1, keepdims=True), rtol=1e-5)
    with pytest.raises(ValueError, match="does not keep the layer 'third'; it keeps 'one', 'other'"):
        usable(store.select(), Features(layer="third"), nothing_told)


def test_rows_come_in_the_order_of_the_selection(store_of):
    maps = planted([20, 20])
    found = usable(store_of(maps).select(rows=[37, 3, 18]), INPUTS, nothing_told)
    np.testing.assert_array_equal(found.rows, [3, 18, 37])
    np.testing.assert_array_equal(found.features, Features().of(maps[[3, 18, 37]]))
    assert found.excluded == {}


def test_maps_that_are_zero_or_not_finite_are_counted_and_left_out(store_of):
    maps = planted([20, 20])
    maps[3] = 0
    maps[[5, 21], 0, 0, 0] = np.nan
    maps[30, 0, 2, 2] = -np.inf
    found = usable(store_of(maps).select(), INPUTS, nothing_told)
    assert found.excluded == {NOT_FINITE: 3, NOTHING: 1}
    np.testing.assert_array_equal(found.rows, np.delete(np.arange(40), [3, 5, 21, 30]))
    assert np.isfinite(found.features).all()


def test_maps_that_are_negative_have_no_positive_relevance(store_of):
    maps = planted([8])
    maps[2] *= -1
    assert usable(store_of(maps).select(), Features(sign="positive", layer="input"), nothing_told).excluded == {
        NOTHING: 1
    }
    assert usable(store_of(maps).select(), INPUTS, nothing_told).excluded == {}


def test_channels_that_cancel_have_no_relevance(store_of):
    maps = np.concatenate([planted([8]), -planted([8])], 1)
    maps[1:, 1] = 0
    assert usable(store_of(maps).select(), INPUTS, nothing_told).excluded == {NOTHING: 1}


def test_if_nothing_is_left_the_reasons_are_counted(store_of):
    maps = np.zeros((5, 1, 4, 4))
    maps[:2] = np.nan
    with pytest.raises(ValueError, match=r"all 5 inputs: 2 of 5 maps have .*not finite; 3 of 5 maps have no relevance"):
        usable(store_of(maps).select(), INPUTS, nothing_told)


def test_an_empty_selection_says_so(store_of):
    with pytest.raises(ValueError, match=r'label "class 2": no row of the store was selected'):
        usable(store_of(planted([5])).select(label=2), INPUTS, nothing_told)


def test_progress_ends_at_the_number_of_rows(store_of):
    told = []
    usable(store_of(planted([20, 20])).select(), INPUTS, lambda progress: told.append((progress.done, progress.total)))
    assert told == [(16, 40), (32, 40), (40, 40)]


@pytest.mark.parametrize(("options", "message"), [({"sign": "negative"}, "one of signed"), ({"size": 0}, "1 or more")])
def test_wrong_options_are_refused(options, message):
    with pytest.raises(ValueError, match=message):
        Features(**options)
