"""The map of an atlas: what it sends, what it hears, and which points a lasso has."""

import gc
import weakref

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from lrpwidgets.widgets.spray.lasso import inside
from lrpwidgets.widgets.spray.points import HUES, RAMP, Points, hues
from lrpwidgets.widgets.spray.scatter import EmbeddingScatter
from lrpwidgets.widgets.spray.tiles import Tiles, relevance_tiles
from tests.widgets.spray.standin import points

SQUARE = [[0, 0], [2, 0], [2, 2], [0, 2]]
NUMBERS = st.integers(-4, 4).map(lambda each: each / 2)


@pytest.fixture
def scatter(state):
    made = EmbeddingScatter(state)
    yield made
    made.close()


@pytest.fixture
def sent(scatter):
    """What the map sends beside its traits."""
    messages = []
    scatter.send = lambda content, buffers=None: messages.append((content, buffers))
    return messages


def select(say, scatter, positions, polygon=(), edition=None):
    buffers = np.array(positions, np.uint32).tobytes(), np.array(polygon, np.float64).tobytes()
    say(scatter, *buffers, selected=scatter.edition if edition is None else edition)


def positions(trait):
    return np.frombuffer(trait, np.uint32).tolist()


# -- lasso


def test_a_square_has_what_is_inside():
    assert inside([[1, 1], [3, 1], [1, -1], [-1, 1], [1, 3]], SQUARE).tolist() == [True, False, False, False, False]


def test_what_a_polygon_goes_round_twice_is_outside():
    twice = [*SQUARE, *SQUARE]
    assert not inside([[1, 1]], twice).any()
    star = [[np.sin(4 * np.pi * i / 5), np.cos(4 * np.pi * i / 5)] for i in range(5)]
    assert inside([[0, 0], [0, 0.9]], star).tolist() == [False, True]


@pytest.mark.parametrize("polygon", [[], [[1, 1]], [[0, 0], [2, 2]], [[0, 1], [1, 1], [2, 1]]])
def test_a_polygon_without_an_area_has_nothing_inside(polygon):
    assert not inside([[1, 1], [0, 0], [0.5, 1]], polygon).any()


def test_a_point_that_is_no_number_is_outside():
    assert not inside([[np.nan, 1], [1, np.nan], [np.inf, 1]], SQUARE).any()


def test_squares_side_by_side_share_no_point():
    random = np.random.default_rng(0)
    xy = random.integers(0, 9, (500, 2)) / 2
    tiles = [inside(xy, np.add(SQUARE, (2 * i, 2 * j))) for i in range(2) for j in range(2)]
    assert np.sum(tiles, axis=0).tolist() == ((xy < 4).all(1)).astype(int).tolist()


@given(
    arrays(np.float32, (20, 2), elements=NUMBERS),
    arrays(np.float64, st.tuples(st.integers(3, 9), st.just(2)), elements=NUMBERS),
)
def test_the_lasso_is_the_even_odd_rule_point_by_point(xy, polygon):
    def crossings(x, y):
        edges = zip(polygon, np.roll(polygon, 1, axis=0), strict=True)
        levels = [(a, b) for a, b in edges if (a[1] > y) != (b[1] > y)]
        return sum(x < (b[0] - a[0]) * (y - a[1]) / (b[1] - a[1]) + a[0] for a, b in levels)

    expected = [bool(crossings(x, y) % 2) for x, y in xy.astype(np.float64)]
    assert inside(xy, polygon).tolist() == expected


# -- what the map is sent


def test_points_travel_as_raw_numbers(state, scatter):
    assert np.array_equal(np.frombuffer(scatter.xy, np.float32).reshape(-1, 2), state.points.xy)
    assert np.array_equal(np.frombuffer(scatter.groups, np.int16), state.points.groups)
    assert scatter.legend["names"] == ["ants", "bees", "cats"]
    assert scatter.legend["sizes"] == [100, 100, 100]


def test_home_has_all_points_with_room_around_them(state, scatter):
    x0, x1, y0, y1 = scatter.home
    x, y = state.points.xy.T
    assert x0 < x.min() < x.max() < x1
    assert y0 < y.min() < y.max() < y1


def test_new_colours_leave_points_where_they_are(state, scatter):
    before = scatter.edition, scatter.home, scatter.xy
    values = np.linspace(0, 1, 300, dtype=np.float32)
    state.points = points(300, names=(), hues=RAMP, values=values, low="unsure", high="sure")
    assert (scatter.edition, scatter.home, scatter.xy) == before
    assert np.array_equal(np.frombuffer(scatter.values, np.float32), values)
    assert (scatter.legend["low"], scatter.legend["high"]) == ("unsure", "sure")


def test_without_an_atlas_there_is_nothing(state, scatter):
    state.points = None
    assert (scatter.xy, scatter.legend) == (b"", {})


@pytest.mark.parametrize("count", [0, 1])
def test_hardly_any_points_are_no_trouble(state, scatter, count):
    state.points = points(count)
    x0, x1, y0, y1 = scatter.home
    assert x0 < x1
    assert y0 < y1


def test_points_that_are_no_numbers_do_not_stretch_the_map(state, scatter):
    made = points(300)
    made.xy[7] = np.nan
    state.points = made
    assert np.isfinite(scatter.home).all()


def test_points_of_the_wrong_shape_say_what_was_expected():
    with pytest.raises(ValueError, match=r"groups of 3 points must have the shape \(3,\), got \(2,\)"):
        Points(np.zeros((3, 2), np.float32), np.arange(3), np.zeros(2, np.int16))


def test_every_group_has_a_colour():
    assert hues(3) == HUES[:3]
    assert len(hues(1000)) == 1000


# -- what it hears


def test_a_selection_arrives_with_its_outline(state, scatter, say):
    select(say, scatter, [3, 5, 8], SQUARE)
    assert state.selection.tolist() == [3, 5, 8]
    assert state.selection.dtype == np.int64
    assert scatter.polygon.tolist() == SQUARE
    assert positions(scatter.selection) == [3, 5, 8]


def test_a_selection_of_points_that_have_gone_is_not_heard(state, scatter, say):
    before = scatter.edition
    state.points = points(30)
    select(say, scatter, [299], edition=before)
    assert not len(state.selection)
    assert state.error == ""


def test_a_selection_made_elsewhere_is_shown(state, scatter):
    state.selection = np.array([1, 2])
    assert positions(scatter.selection) == [1, 2]


def test_isolate_shows_the_selection_alone_and_then_all_again(state, scatter, say):
    home = scatter.home
    select(say, scatter, [3, 5, 8])
    say(scatter, isolate=True)
    assert state.isolated.tolist() == [3, 5, 8]
    assert positions(scatter.isolated) == [3, 5, 8]
    assert scatter.home != home
    say(scatter, isolate=False)
    assert (state.isolated, scatter.isolated, scatter.home) == (None, None, home)


def test_hidden_groups_stay_hidden_until_there_are_others(state, scatter, say):
    say(scatter, hidden=[1])
    state.points = points(300)
    assert scatter.hidden == [1]
    state.points = points(300, names=("x", "y", "z"))
    assert scatter.hidden == []


def test_a_point_that_is_looked_at_gets_its_picture(state, scatter, say, sent):
    say(scatter, hover=7)
    assert state.hovered == 7
    [(content, [names, inputs, relevance])] = sent
    assert content == {"tiles": 8, "channels": 3, "captions": ["sample 7"]}
    assert np.frombuffer(names, np.uint32).tolist() == [7]
    assert (len(inputs), len(relevance)) == (8 * 8 * 3, 8 * 8)
    say(scatter, hover=None)
    assert state.hovered is None
    assert len(sent) == 1


@pytest.mark.parametrize(
    "message", [{}, {"unknown": 1}, {"hover": "x"}, {"hidden": 3}, {"selected": 1}, {"isolate": None}]
)
def test_a_message_that_makes_no_sense_never_raises(scatter, say, message):
    say(scatter, **message)


# -- promises of every view


def test_a_closed_map_leaves_no_observer_and_can_be_forgotten(state):
    made = EmbeddingScatter(state)
    ghost = weakref.ref(made)
    made.close()
    del made
    gc.collect()
    assert ghost() is None
    state.points = None
    state.hovered = 3
    assert state.error == ""


# -- tiles


def test_each_map_has_its_own_scale():
    maps = np.stack([np.full((2, 2), 0.5), np.full((2, 2), -4.0), np.zeros((2, 2)), np.full((2, 2), np.nan)])
    assert relevance_tiles(maps)[:, 0, 0].tolist() == [127, -127, 0, 0]


def test_tiles_that_do_not_fit_together_say_so():
    with pytest.raises(ValueError, match=r"got \(2, 8, 8, 3\), \(3, 8, 8\)"):
        Tiles(np.zeros((2, 8, 8, 3), np.uint8), np.zeros((3, 8, 8), np.int8))
