"""The pane of the poison test: what it offers, what it shows of a test, and the picture to draw a box on."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch

from lrpwidgets.spray.placeless import TESTS
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets.spray.poison_test import PoisonTest
from lrpwidgets.widgets.spray.tiles import relevance_tiles
from tests.widgets.spray.investigated import investigate


@pytest.fixture
def state(tmp_path, digits, monkeypatch):
    made = investigate(tmp_path, digits, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def view(state):
    made = PoisonTest(state)
    yield made
    made.close()


def test_it_offers_the_most_separable_cluster_else_that_of_most_selected_points(state, view):
    first = state.cards[0].number
    assert view.candidate == {"number": first, "name": state.name(first), "selected": 0, "words": []}
    other = state.cards[-1].number
    state.selection = np.flatnonzero(state.answer.clusters == other)
    assert view.candidate["number"] == other != first
    state.call(other, "round")
    assert view.candidate["name"] == "round"


def test_what_a_lasso_selects_is_tested_beside_the_rest(state, view, say):
    members = np.flatnonzero(state.answer.clusters == state.cards[0].number)
    state.selection = members
    assert view.candidate["selected"] == 0  # just a cluster
    state.selection = members[:-2]
    assert view.candidate["selected"] == len(members) - 2
    say(view, test="selection")
    assert state.error == ""
    assert view.tested["source"] == f"selection of {len(members) - 2}"
    concept = state.verdict.concept
    rows = state.answer.rows[members[:-2]]
    np.testing.assert_array_equal(np.sort(concept.with_artefact), np.sort(state.store.index[rows]))
    assert not set(concept.with_artefact) & set(concept.without)
    assert concept.origin == {}
    state.selection = np.arange(len(state.answer))
    say(view, test="selection")
    assert "not all of" in state.error


def test_while_there_is_no_card_it_offers_nothing(state, view, say):
    state.cards = ()
    assert view.candidate["number"] is None
    say(view, draw=0)
    assert "wait for the clusters" in state.error
    assert view.sample == {}


def by_name(view):
    return {each["test"]: each for each in view.tested["tests"]}


def test_all_tests_are_told_in_figures_words_and_pictures(state, view, say):
    assert view.tested == {}
    say(view, test=1)
    trial = state.verdict.trial
    assert (view.tested["source"], view.tested["class"], view.tested["drawn"]) == ("cluster 1", "3", False)
    assert view.tested["conclusion"] == trial.conclusion
    assert view.tested["foremost"] == trial.foremost
    assert view.tested["hans"] == trial.clever_hans
    assert [each["test"] for each in view.tested["tests"]] == list(TESTS["image"])
    for test, told in by_name(view).items():
        verdict = trial.verdicts[test]
        assert told["what"] == verdict.what
        assert (told["turned"], told["turned_by_control"]) == (verdict.turned, verdict.turned_by_control)
        assert (told["before"], told["after"], told["control"]) == (verdict.before, verdict.after, verdict.control)
        assert (told["hans"], told["reason"]) == (verdict.clever_hans, verdict.acquittal)
        assert told["lender"] == "other pictures of “3”"


def test_each_test_of_pictures_is_shown_by_two(state, view, say):
    say(view, test=1)
    told, pairs = by_name(view), state.verdict.pictures
    assert set(pairs) == set(TESTS["image"]) - {"direction"}
    assert told["direction"]["sizes"] == []
    assert told["shift"]["sizes"] == told["spectrum"]["sizes"] == [[8, 8], [8, 8]]
    assert told["box"]["sizes"][1] == told["spot"]["sizes"][1] == [8, 8]
    shown = np.frombuffer(view.pictures, np.uint8)
    for pair in pairs.values():
        for picture in pair:
            height, width, _ = picture.shape
            first, shown = np.split(shown, [3 * height * width])
            np.testing.assert_array_equal(first.reshape(height, width, 3), np.broadcast_to(picture, (height, width, 3)))
    assert len(shown) == 0
    assert not np.array_equal(*pairs["shift"])


def test_what_cannot_be_tested_says_why(state, view):
    state.count = 1
    state.test(0)
    assert view.tested["conclusion"] == "Not convicted: no test could be made."
    for told in view.tested["tests"]:
        assert told["missing"] == "there is no other cluster of its class to compare with"


def test_a_box_in_a_class_of_one_cluster_is_compared_with_other_classes(state, view, say):
    state.count = 1
    say(view, draw=0)
    say(view, box=[1, 2, 3, 4], row=view.sample["row"])
    assert by_name(view)["box"]["lender"] == "pictures of other classes"


def test_earlier_tests_can_be_looked_at_again(state, view, say):
    say(view, test=1)
    first = state.verdict
    say(view, test=0)
    assert [name for name, _ in view.history] == ["3 · cluster 1", "3 · cluster 0"]
    assert view.tested["place"] == 1
    say(view, verdict=0)
    assert state.verdict is first
    assert view.tested["place"] == 0


def test_all_clusters_are_tested_at_once(state, view, say):
    say(view, test="all")
    assert len(view.history) == state.answer.count


def test_while_a_test_runs_it_says_how_far_it_is(state, view):
    state.busy, state.progress = True, ("tsne", 10, 250)
    assert view.progress == []
    state.progress = ("poison test", 64, 320)
    assert view.progress == [64, 320]
    state.busy, state.progress = False, ()
    assert view.progress == []


def test_a_box_is_drawn_on_the_selected_pictures_one_after_the_other(state, view, say):
    state.selection = np.array([4, 9, 11])
    say(view, draw=0)
    row = int(state.answer.rows[4])
    assert view.sample == {
        "row": row, "name": state.subject.item_name(row), "place": 0, "count": 3, "size": [8, 8], "input": [8, 8]
    }  # fmt: skip
    picture = np.asarray(state.subject.to_image(state.subject.item(row)[0]).convert("RGB"))
    np.testing.assert_array_equal(np.frombuffer(view.picture, np.uint8).reshape(8, 8, 3), picture)
    expected = relevance_tiles(state.store.relevance(np.array([row])).sum(1))
    np.testing.assert_array_equal(np.frombuffer(view.relevance, np.int8).reshape(1, 8, 8), expected)
    say(view, draw=1)
    assert view.sample["row"] == state.answer.rows[9]
    say(view, draw=-1)
    say(view, draw=-1)
    assert view.sample["row"] == state.answer.rows[11]


def test_it_begins_with_the_picture_that_is_looked_at(state, view, say):
    state.selection, state.hovered = np.array([4, 9, 11]), 9
    say(view, draw=0)
    assert view.sample["row"] == state.answer.rows[9]


def test_without_a_selection_the_most_typical_pictures_of_the_cluster_come_first(state, view, say):
    say(view, draw=0)
    assert view.sample["row"] == state.answer.members(view.candidate["number"])[0]


def test_another_selection_brings_its_picture_and_another_atlas_puts_it_away(state, view, say):
    say(view, draw=0)
    state.selection = np.array([7])
    assert view.sample["row"] == state.answer.rows[7]
    state.group = 7
    assert (view.sample, view.picture, view.relevance) == ({}, b"", b"")


def test_what_is_in_a_box_is_tested(state, view, say):
    say(view, draw=0)
    row = view.sample["row"]
    say(view, box=[1, 2, 3, 4], row=row)
    assert state.error == ""
    assert state.verdict.box == (1, 2, 3, 4)
    assert view.tested["drawn"]
    assert list(by_name(view)) == ["box"]
    assert state.verdict.trial.sentence("3").startswith("The box, taken to 32 pictures of other classes: accuracy ")
    assert view.tested["source"] == f"box in {state.subject.item_name(row)}"
    assert view.sample == {}


@pytest.mark.parametrize(
    "message", [{"box": [0, 0, 9, 9], "row": 0}, {"box": [1], "row": 0}, {"box": "x", "row": 0}, {"box": [0, 0, 1, 1]}]
)
def test_what_is_no_box_is_a_sentence(state, view, say, message):
    say(view, **message)
    assert state.error
    assert state.verdict is None


def test_a_picture_can_be_put_away(view, say):
    say(view, draw=0)
    say(view, draw=None)
    assert view.sample == {}


def test_large_pictures_are_reduced_and_boxes_stay_in_pixels_of_the_input(state, view, say):
    large = torch.nn.functional.interpolate(state.subject.dataset.inputs, size=(300, 600))
    samples = TensorSamples(large, state.subject.dataset.labels, state.subject.dataset.names)
    state.subject = replace(state.subject, dataset=samples)
    say(view, draw=0)
    assert (view.sample["size"], view.sample["input"]) == ([128, 256], [300, 600])
    assert len(view.picture) == 3 * len(view.relevance) == 3 * 128 * 256
