"""The classes, the most separable first: what the browser is told of them, and what a click does."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from lrpwidgets.spray.views import STANDS_OUT
from lrpwidgets.widgets.spray.class_ranking import ClassRanking
from tests.widgets.spray.investigated import investigate


@pytest.fixture
def state(tmp_path, digits, monkeypatch):
    made = investigate(tmp_path, digits, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def ranking(state):
    made = ClassRanking(state)
    yield made
    made.close()


def labels(ranking):
    return np.frombuffer(ranking.labels, np.int32).tolist()


def test_classes_are_listed_with_the_most_separable_on_top(state, ranking):
    values = np.frombuffer(ranking.values, np.float32)
    assert sorted(labels(ranking)) == [3, 5, 7]
    assert (np.diff(values) <= 0).all()
    np.testing.assert_allclose(values, [each.times for each in state.ranks], rtol=1e-6)
    assert [*ranking.stands] == [each.chance * 3 <= STANDS_OUT for each in state.ranks]
    assert np.frombuffer(ranking.sizes, np.int32).sum() == 48
    assert ranking.classes == {3: "3", 5: "5", 7: "7"}
    assert ranking.state == {
        "group": state.group, "by": "prediction", "ranking": False, "maps": 48, "present": 3, "fewest": 10,
        "unit": "× chance", "shown": "", "stored": "epsilon_plus_flat",
    }  # fmt: skip


def test_the_class_on_the_screen_has_its_value_under_the_composite_that_is_shown(state, ranking, say):
    say(ranking, group=7)
    before = dict(zip(labels(ranking), np.frombuffer(ranking.values, np.float32), strict=True))
    state.composite = "epsilon"
    after = dict(zip(labels(ranking), np.frombuffer(ranking.values, np.float32), strict=True))
    assert (ranking.state["shown"], ranking.state["stored"]) == ("epsilon", "epsilon_plus_flat")
    assert after[7] == np.float32(state.answer.views[0].times) != before[7]
    assert (after[3], after[5]) == (before[3], before[5])


def test_a_click_looks_at_a_class_or_at_all_maps(state, ranking, say):
    say(ranking, group=7)
    assert (state.group, ranking.state["group"]) == (7, 7)
    assert set(state.answer.store.prediction[state.answer.rows]) == {7}
    say(ranking, group=None)
    assert ranking.state["group"] is None
    assert len(state.answer) == 48


def test_what_is_no_class_is_a_sentence_and_changes_nothing(state, ranking, say):
    group = state.group
    say(ranking, group="seven")
    assert "group" in state.error
    say(ranking, group=11)
    assert "no class 11" in state.error
    assert ranking.state["group"] == group


def test_maps_can_belong_to_the_class_of_their_label(state, ranking, say):
    say(ranking, by="label")
    assert ranking.state["by"] == "label"
    assert np.frombuffer(ranking.sizes, np.int32).tolist() == [16, 16, 16]


def test_while_classes_are_ranked_it_says_so(state, ranking):
    state.ranks, state.ranking = state.ranks[:1], True
    assert len(labels(ranking)) == 1
    assert ranking.state["ranking"]
    assert ranking.state["present"] == 3


def test_a_tested_class_says_how_each_of_its_tests_ended(state, ranking, say):
    assert ranking.marks == []
    say(ranking, test="classes")
    assert {mark[0] for mark in ranking.marks} == {3, 5, 7}
    for group, fell, told in ranking.marks:
        verdicts = [each for each in state.verdicts.values() if each.question.group == group]
        assert fell == any(each.trial.clever_hans for each in verdicts)
        assert all(each.name in told for each in verdicts)
        assert told.startswith("Clever Hans" if fell else "not convicted")


def test_tests_of_another_grouping_mark_nothing(state, ranking, say):
    say(ranking, test="classes")
    say(ranking, by="label")
    assert ranking.marks == []


def test_a_thousand_classes_fit_into_a_message(state, ranking):
    one = state.ranks[0]
    state.ranks = tuple(replace(one, label=label % 10, times=1000.0 - label) for label in range(1000))
    assert len(ranking.labels) + len(ranking.values) + len(ranking.sizes) + len(ranking.stands) == 13_000


def test_at_a_chosen_layer_classes_are_ranked_by_separability(state, ranking):
    state.layer = "input"
    np.testing.assert_allclose(np.frombuffer(ranking.values, np.float32), [each.tau for each in state.ranks], rtol=1e-6)
    assert ranking.state["unit"] == "τ"
    assert not any(ranking.stands)
