"""Relevance of words layer by layer, through heads, and against the score without them."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from lrpwidgets import dashboards
from lrpwidgets.dashboards.rooms import Rooms
from lrpwidgets.subjects import texts
from lrpwidgets.subjects.texts import UNKNOWN, TextSamples, Vocabulary
from lrpwidgets.widgets.texts import AcrossTexts, HeadMatrix, StrikeTable, TokenTrace
from lrpwidgets.widgets.texts.columns import Columns
from tests.widgets.promises import can_be_forgotten, leaves_nothing
from tests.widgets.texts.toy import TEXTS


@pytest.mark.parametrize("view", [TokenTrace, HeadMatrix, StrikeTable, AcrossTexts])
def test_a_closed_view_leaves_nothing(explore, attentive, view):
    leaves_nothing(explore(attentive), view)
    can_be_forgotten(explore(attentive), view)


def matrix(view: TokenTrace) -> np.ndarray:
    return np.frombuffer(view.relevance, np.float32).reshape(len(view.rows), len(view.columns))


def test_rows_go_from_the_output_down_and_each_has_all_that_is_left(explore, attentive):
    exploration = explore(attentive)
    view, answer = TokenTrace(exploration), exploration.answer
    assert [label for label, _, _ in view.rows] == [
        *("blocks.1.mlp", "blocks.1.attend", "blocks.0.mlp", "blocks.0.attend"),
        "tokens",
    ]
    for (_, layer, total), row in zip(view.rows, matrix(view), strict=True):
        whole = answer.explanation[layer].relevance.sum() if layer else answer.explanation.relevance.sum()
        assert total == pytest.approx(float(whole), abs=1e-5)
        assert row.sum() == pytest.approx(total, abs=1e-5)
    np.testing.assert_allclose(matrix(view)[-1], Columns(answer.shown.text).summed(answer.tokens), atol=1e-7)


@pytest.mark.parametrize("model", ["reviews", "attentive"])
def test_columns_are_words_and_sinks_are_marked(explore, request, model):
    view = TokenTrace(explore(request.getfixturevalue(model), start=2))
    names = [(each["name"], each["sink"]) for each in view.columns]
    assert names == [
        *(("Good", model == "attentive"), ("warm", False), ("film", False), (".", True)),
        *(("Bad", False), ("film", False), ("!", True)),
    ]


@pytest.mark.parametrize("struck", [(), (3, 21)])
def test_columns_are_the_words_that_are_coloured(toy, struck):
    encoded = toy.tokenizer.encode(TEXTS[0])
    encoded = texts.struck(encoded, struck, toy.tokenizer) if struck else encoded
    relevance = np.random.default_rng(0).normal(size=(2, len(encoded))).astype(np.float32)
    columns = Columns(encoded)
    made = [cell for cell in texts.cells(encoded, relevance[1].tolist(), "word") if cell.relevance is not None]
    np.testing.assert_allclose(columns.summed(relevance)[1], [cell.relevance for cell in made], rtol=1e-5)
    assert [(each["name"], each["sink"]) for each in columns.described] == [(cell.text, cell.sink) for cell in made]
    read = sorted({word for word in encoded.word_of if word >= 0})
    by_word = columns.by_word(relevance[1])
    assert list(by_word) == read
    for word, amount in by_word.items():
        assert amount == pytest.approx(float(relevance[1][encoded.tokens_of(word)].sum()), rel=1e-5)


def test_a_row_opens_its_layer(explore, attentive):
    exploration = explore(attentive)
    view = TokenTrace(exploration)
    view.heard({"open": view.rows[1][1]}, [])
    assert exploration.layer == view.opened == view.rows[1][1]


def test_heads_share_what_attention_hands_on(explore, attentive):
    exploration = explore(attentive)
    view = HeadMatrix(exploration)
    assert [name.partition(".attend")[0] for name, _ in view.matrix] == ["blocks.1", "blocks.0"]
    for name, each in view.matrix:
        assert len(each) == 4
        assert sum(each) == pytest.approx(float(exploration.answer.explanation[name].relevance.sum()), abs=1e-5)


def test_a_head_tells_where_it_has_its_relevance_from_and_can_count_alone(explore, attentive):
    exploration = explore(attentive)
    view = HeadMatrix(exploration)
    layer = view.matrix[0][0]
    view.heard({"head": [layer, 2]}, [])
    through = exploration.answer.whole.condition({layer: [2]}).relevance[0].numpy()
    found = {word: amount for _, word, amount in view.words}
    sums = Columns(exploration.answer.shown.text).summed(through)
    assert view.chosen == [layer, 2]
    assert not view.only
    assert all(found[word] == pytest.approx(sums[word], abs=1e-7) for word in found)
    view.heard({"only": True}, [])
    assert view.only
    torch.testing.assert_close(exploration.answer.tokens, through)
    view.heard({"head": None}, [])
    assert not view.chosen
    assert not exploration.only


def test_a_network_without_attention_has_no_heads(explore, reviews):
    assert HeadMatrix(explore(reviews)).matrix == []


def test_of_a_sum_the_score_follows_the_heatmap_exactly(explore, reviews):
    view = StrikeTable(explore(reviews, start=2))
    assert view.rows
    assert view.agreement == pytest.approx(1)
    for _, _, relevance, score, change in view.rows:
        assert change == pytest.approx(-relevance, abs=1e-5)
        assert score == pytest.approx(0.5 + change, abs=1e-5)
    sizes = [abs(row[2]) for row in view.rows]
    assert sizes == sorted(sizes, reverse=True)


def test_a_struck_word_is_not_read_and_can_be_taken_back(explore, reviews):
    exploration = explore(reviews, start=2)
    view = StrikeTable(exploration)
    view.heard({"strike": 4}, [])
    assert exploration.struck == (4,)
    assert view.struck == [[4, "Bad"]]
    assert exploration.answer.scores[1] == pytest.approx(2.0)
    assert exploration.answer.before[1] == pytest.approx(0.5)
    assert 4 not in [row[1] for row in view.rows]
    view.heard({"strike": 4}, [])
    assert not exploration.struck
    assert not view.struck


def test_classes_set_against_each_other_are_struck_so_too(explore, reviews):
    exploration = explore(reviews, start=2)
    view = StrikeTable(exploration)
    exploration.ask(target=1, than=0)
    for _, _, relevance, score, change in view.rows:
        assert change == pytest.approx(-relevance, abs=1e-5)
        assert score == pytest.approx(1.0 + change, abs=1e-5)


def test_a_single_word_cannot_be_struck(explore, reviews):
    exploration = explore(reviews)
    view = StrikeTable(exploration)
    exploration.typed = "good"
    assert (view.rows, view.agreement, exploration.error) == ([], None, "")
    exploration.struck = (0,)
    assert "All words are struck" in exploration.error
    assert exploration.struck == ()


def test_of_a_long_text_the_words_of_largest_relevance_are_struck(explore, reviews):
    exploration = explore(reviews)
    view = StrikeTable(exploration)
    exploration.typed = "bad " + "film is " * 70 + "good"
    assert len(view.rows) == 64
    assert view.left_out == 142 - 64
    assert {row[0] for row in view.rows} == {"bad", "film", "good"}


def test_changes_stick_to_their_text(explore, reviews):
    exploration = explore(reviews, start=2)
    exploration.struck = (1,)
    exploration.ask(typed="The film is warm.")
    assert exploration.struck == ()
    assert exploration.answer.scores[1] == pytest.approx(0.75)
    exploration.item = 0
    assert exploration.typed is None
    assert exploration.answer.shown.text.text == "The film is good."
    exploration.ask(typed="bad", struck=())
    exploration.restore(exploration.link())
    assert exploration.answer.shown.text.text == "bad"


def test_words_across_texts_are_looked_for_when_asked(explore, reviews):
    exploration = explore(reviews, start=2)
    exploration.ask(target=1)
    view = AcrossTexts(exploration)
    assert view.words == []
    assert view.about["total"] == 4
    view.heard({"look": True}, [])
    assert view.about["done"] == view.about["total"] == 4
    assert view.about["right"] == 1.0
    assert {word for word, _, _ in view.words[0]} <= {"good", "film", "warm"}
    assert view.here == sorted({"good", "warm", "film", "bad", ".", "!"})
    assert not view.about["stale"]
    exploration.ask(target=0)
    assert view.about["stale"]


@pytest.mark.parametrize("room", ["maximize", "improve"])
def test_rooms_that_need_pictures_are_closed_and_say_why(explore, reviews, room):
    page = Rooms(explore(reviews), "explore")
    closed = {name: why for name, _, why in page.shared.rooms}
    assert closed["explore"] == ""
    with pytest.raises(ValueError, match=r"[Pp]icture"):
        page.shared.enter(room)
    with pytest.raises(ValueError, match="Explore is open"):
        getattr(dashboards, room)(reviews)
    page.close()


def test_words_across_texts_may_have_apostrophes_and_marks_are_none(explore, reviews):
    texts = ["It isn't good.", "The film isn't bad.", "This isn't warm.", "It isn't the film."]
    known = Vocabulary([UNKNOWN, "the", "film", ".", "isn't", "bad", "warm", "good"])  # number 4 counts 1
    samples = TextSamples(texts, [1, 0, 1, 0], known)
    exploration = explore(replace(reviews, dataset=samples, tokenizer=known))
    exploration.ask(target=1)
    view = AcrossTexts(exploration)
    view.heard({"look": True}, [])
    assert [word for word, _, _ in view.words[0] + view.words[1]] == ["isn't"]
