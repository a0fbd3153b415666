"""The wall of thumbnails: what it shows, in which order, and which tiles are made."""

import gc
import weakref

import numpy as np
import pytest

from lrpwidgets.widgets.spray.wall import ThumbnailWall
from tests.widgets.spray.standin import maps, pictures, points


@pytest.fixture
def wall(state):
    made = ThumbnailWall(state)
    yield made
    made.close()


@pytest.fixture
def sent(wall):
    messages = []
    wall.send = lambda content, buffers=None: messages.append((content, buffers))
    return messages


def shown(wall):
    return np.frombuffer(wall.shown, np.uint32).tolist()


def test_with_nothing_selected_all_are_shown_in_their_order(wall):
    assert shown(wall) == list(range(300))
    assert wall.title == "300 heatmaps"


def test_the_selection_is_shown_with_what_it_has_in_common(state, wall):
    state.selection = np.array([0, 3, 6, 7])
    assert shown(wall) == [0, 3, 6, 7]
    assert (wall.title, wall.subtitle) == ("4 selected", "3 of them in “ants”")


def test_what_is_isolated_is_shown_while_nothing_is_selected(state, wall):
    state.isolated = np.array([4, 5])
    assert (shown(wall), wall.title) == ([4, 5], "2 isolated")
    state.selection = np.array([5])
    assert (shown(wall), wall.title) == ([5], "1 selected")


def test_points_in_no_group_have_nothing_in_common(state, wall):
    state.points = points(300, names=(), hues=(), values=np.zeros(300, np.float32))
    state.selection = np.array([1, 2])
    assert wall.subtitle == ""


def test_the_wall_is_sorted_as_asked(state, wall, say):
    assert wall.sorts == ["cluster", "backwards"]
    state.selection = np.array([1, 2, 3, 4])
    say(wall, sort="backwards")
    assert shown(wall) == [4, 3, 2, 1]
    say(wall, sort="cluster")
    assert shown(wall) == [3, 1, 4, 2]
    say(wall, sort="")
    assert shown(wall) == [1, 2, 3, 4]


def test_an_order_that_is_gone_is_that_of_the_data_set(state, wall, say):
    say(wall, sort="backwards")
    state.sorts = {}
    assert (wall.sort, shown(wall)[:3]) == ("", [0, 1, 2])


def test_tiles_come_as_raw_bytes_named_by_their_rows(wall, say, sent):
    say(wall, want=[7, 2])
    [(content, [rows, inputs, relevance])] = sent
    assert content == {"tiles": 8, "channels": 3, "captions": ["sample 7", "sample 2"]}
    assert np.frombuffer(rows, np.uint32).tolist() == [1007, 1002]
    assert np.array_equal(np.frombuffer(inputs, np.uint8).reshape(2, 8, 8, 3), pictures([7, 2]))
    assert np.abs(np.frombuffer(relevance, np.int8).reshape(2, 8, 8) / 127 - maps([7, 2])).max() < 1 / 200


def test_positions_that_do_not_exist_are_left_out(state, wall, say, sent):
    say(wall, want=[-1, 300, 5])
    assert state.made == [[5]]


def test_many_tiles_come_in_batches(state, wall, say, sent):
    say(wall, want=list(range(250)))
    assert [len(made) for made in state.made] == [96, 96, 58]


class Later:
    """A worker on which jobs run when a test says so."""

    def __init__(self):
        self.jobs = []

    def submit(self, job, done, lane=0):
        self.jobs.append((job, done))

    def at_home(self, call):
        call()

    def run(self):
        job, done = self.jobs.pop(0)
        done(job())


def test_the_newest_wish_replaces_those_that_wait(state, wall, say, sent):
    state.worker = later = Later()
    say(wall, want=list(range(250)))
    say(wall, want=[95, 250, 251])
    later.run()
    later.run()
    assert state.made == [list(range(96)), [250, 251]]  # 95 was being made already
    assert later.jobs == []


def test_pictures_of_what_has_gone_are_not_shown(state, wall, say, sent):
    state.worker = later = Later()
    say(wall, want=[7])
    state.points = points(300, source="other data")
    later.run()
    assert sent == []
    later.run()
    assert [np.frombuffer(rows, np.uint32).tolist() for _, (rows, *_) in sent] == [[1007]]


def test_new_colours_keep_the_pictures(state, wall, say, sent):
    state.worker = later = Later()
    say(wall, want=[7])
    state.points = points(300, names=("x", "y", "z"))
    later.run()
    assert len(sent) == 1


def test_tiles_that_cannot_be_made_are_a_sentence(state, wall, say, sent):
    def tiles(positions):
        raise OSError("the store is gone")

    state.tiles = tiles
    say(wall, want=[7])
    assert "the store is gone" in state.error
    assert sent == []


def test_wrong_predictions_are_marked(state, wall):
    assert np.flatnonzero(np.frombuffer(wall.wrong, np.uint8)).tolist() == list(range(9, 300, 10))
    state.points = points(300, wrong=None)
    assert wall.wrong == b""


def test_a_click_opens_and_the_mouse_is_followed(state, wall, say):
    say(wall, open=4)
    say(wall, hover=5)
    assert (state.opened, state.hovered, wall.hovered) == (4, 5, 5)


def test_without_an_atlas_there_is_nothing(state, wall):
    state.points = None
    assert (wall.shown, wall.title) == (b"", "")


@pytest.mark.parametrize("message", [{}, {"unknown": 1}, {"want": "x"}, {"want": None}, {"sort": 3}, {"hover": "x"}])
def test_a_message_that_makes_no_sense_never_raises(wall, say, message):
    say(wall, **message)


def test_a_closed_wall_leaves_no_observer_and_can_be_forgotten(state):
    made = ThumbnailWall(state)
    ghost = weakref.ref(made)
    made.close()
    del made
    gc.collect()
    assert ghost() is None
    state.points = None
    assert state.error == ""
