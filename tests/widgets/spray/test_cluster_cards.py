"""The cards of the clusters: what they show, and what a person does there."""

from __future__ import annotations

import numpy as np
import pytest

from lrpwidgets.spray import RelevanceStore
from lrpwidgets.widgets.spray.cluster_cards import ClusterCards
from lrpwidgets.widgets.spray.state import Investigation
from tests.widgets.spray.investigated import investigate


@pytest.fixture
def state(tmp_path, digits, monkeypatch):
    made = investigate(tmp_path, digits, monkeypatch)
    yield made
    made.close()


@pytest.fixture
def view(state):
    made = ClusterCards(state)
    yield made
    made.close()


@pytest.fixture
def do(view, say):
    """Do something to the atlas that is shown."""
    return lambda **message: say(view, edition=view.edition, **message)


def members(state, number):
    return np.flatnonzero(state.answer.clusters == number)


def test_there_is_a_card_for_each_cluster_by_separability(state, view):
    assert [card["number"] for card in view.cards] == [each.cluster for each in state.answer.ranking]
    assert view.title == "Clusters of “3”"
    assert view.waiting == 0
    for card, ranked in zip(view.cards, state.answer.ranking, strict=True):
        assert (card["size"], card["tau"], card["purity"]) == (ranked.size, ranked.tau, ranked.purity)
        assert card["name"] == f"cluster {ranked.cluster}"
        assert card["hans"] is None


def test_pictures_of_all_cards_follow_each_other_the_mean_before_its_prototypes(state, view):
    count = sum(1 + len(card["captions"]) for card in view.cards)
    inputs = np.frombuffer(view.inputs, np.uint8).reshape(count, view.size, view.size, 3)
    relevance = np.frombuffer(view.relevance, np.int8).reshape(count, view.size, view.size)
    first = state.cards[0]
    np.testing.assert_array_equal(inputs[0], np.broadcast_to(first.mean, (8, 8, 3)))
    np.testing.assert_array_equal(relevance[0], first.heatmap)
    np.testing.assert_array_equal(inputs[1 : 1 + len(first.prototypes.inputs), ..., :1], first.prototypes.inputs)
    np.testing.assert_array_equal(relevance[1 + len(view.cards[0]["captions"])], state.cards[1].heatmap)


def test_large_pictures_of_all_cards_follow_each_other(state, view):
    assert all(card["large"] == [2, 8] for card in view.cards)
    large = np.frombuffer(view.large, np.uint8).reshape(len(view.cards), 2, 8, 8, 3)
    for shown, card in zip(large, state.cards, strict=True):
        np.testing.assert_array_equal(shown, np.broadcast_to(card.large, (2, 8, 8, 3)))


def test_while_cards_are_made_it_knows_how_many_will_come(state, view):
    state.cards = ()
    assert (view.cards, view.inputs, view.waiting) == ([], b"", state.answer.count)


def test_a_click_selects_the_members_shift_adds_and_alt_takes_them_away(state, view, do):
    do(select=0, how="only")
    np.testing.assert_array_equal(state.selection, members(state, 0))
    assert view.selected == [0]
    do(select=1, how="add")
    np.testing.assert_array_equal(state.selection, np.union1d(members(state, 0), members(state, 1)))
    assert view.selected == [0, 1]
    do(select=0, how="subtract")
    np.testing.assert_array_equal(state.selection, members(state, 1))
    assert view.selected == [1]


def test_a_cluster_of_which_a_part_is_selected_is_not_chosen(state, view):
    state.selection = members(state, 0)[1:]
    assert view.selected == []


def test_a_name_and_a_note_stay_with_the_store(state, view, do):
    do(call=1, name="  flat top ", note="as Americans write it")
    card = next(card for card in view.cards if card["number"] == 1)
    assert (card["name"], card["note"]) == ("flat top", "as Americans write it")
    again = Investigation(RelevanceStore.open(state.store.path), state.subject)
    assert again.name(1) == "flat top"
    again.close()


def test_a_name_for_no_cluster_never_reaches_the_store(state, view, do):
    for nonsense in ("one", None, 99, -1, 0.5):
        do(call=nonsense, name="x", note="")
    assert state.names == {}
    assert "There is no cluster" in state.error


def test_what_was_meant_for_an_earlier_atlas_does_nothing(state, view, say):
    before = view.edition
    state.group = 7
    assert view.title == "Clusters of “7”"
    say(view, edition=before, call=0, name="a three", note="")
    say(view, edition=before, select=0, how="only")
    assert state.names == {}
    assert len(state.selection) == 0


def test_a_tested_cluster_says_how_that_ended_and_shows_it(state, view, do):
    do(test=1)
    tested = state.verdict
    assert {card["number"]: card["hans"] for card in view.cards}[1] is tested.trial.clever_hans
    do(test=0)
    do(verdict=1)
    assert state.verdict is tested


def test_all_clusters_are_tested_at_once(state, view, say):
    say(view, test="all")
    assert all(card["hans"] is not None for card in view.cards)


def test_a_verdict_belongs_to_its_clustering(state, view, say):
    say(view, test="all")
    state.count = state.answer.count + 1
    assert {card["hans"] for card in view.cards} == {None}
    state.count = None
    assert all(card["hans"] is not None for card in view.cards)


def test_noise_has_no_card(state, view):
    state.method = "hdbscan"
    assert all(card["number"] >= 0 for card in view.cards)
    assert len(view.cards) == state.answer.count


def test_all_maps_have_clusters_too(state, view):
    state.group = None
    assert view.title == "Clusters of all maps"
