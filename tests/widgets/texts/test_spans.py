"""A model that finds answers, on the page: a class is an answer in the text, and it is called by its words."""

from __future__ import annotations

import numpy as np
import pytest

pytest.importorskip("transformers")

from lrpwidgets.widgets import ClassScores, QuestionBar, TopBar
from lrpwidgets.widgets.explore.report import report
from lrpwidgets.widgets.texts import AcrossTexts, StrikeTable, TokenTrace, TokenView
from tests.subjects.answering import make


@pytest.fixture(scope="module")
def subject():
    return make()


def test_on_the_page_an_answer_is_chosen_by_its_words(subject, explore, say):
    exploration = explore(subject)
    exploration.item = 1
    bar, scores, words = QuestionBar(exploration), ClassScores(exploration), TokenView(exploration)
    number = bar.classes.index("never dull")
    say(bar, target=number, than=bar.classes.index("The plot"))
    assert exploration.error == ""
    assert (words.caption["class"], words.caption["than"]) == ("never dull", "The plot")
    assert scores.classes == bar.classes
    np.testing.assert_allclose(
        words.caption["score"],
        np.subtract(*np.array(exploration.answer.scores)[[number, bar.classes.index("The plot")]]),
        rtol=1e-4,
    )
    other = explore(subject)
    other.restore(exploration.link())
    assert (other.target, other.than) == (exploration.target, exploration.than)
    np.testing.assert_array_equal(other.answer.tokens, exploration.answer.tokens)
    found = {"subject": subject}
    exec(TopBar(exploration).code(), found)
    np.testing.assert_array_equal(found["relevance"][0].numpy(), exploration.answer.tokens)
    assert "Why “never dull” rather than “The plot”?" in words.to_html()
    assert "never dull" in report(exploration)


def test_what_is_no_answer_in_a_text_is_refused_on_the_page(subject, explore, say):
    exploration = explore(subject)
    bar, table = QuestionBar(exploration), StrikeTable(exploration)
    say(bar, target=1)
    assert "Number 1 is no answer in 'The plot.'; choose another, or explain the top one." in exploration.error
    assert exploration.target is None
    exploration.ask(item=1)
    say(bar, target=bar.classes.index("film is warm"))
    exploration.item = 0
    assert "is no answer in 'The plot.'" in exploration.error or "out of range" in exploration.error
    exploration.ask(item=0, target=None)
    assert (table.rows, table.moves) == ([], True)
    say(TokenView(exploration), strike=[1])
    assert "they move when a word is struck" in exploration.error
    assert exploration.struck == ()
    say(AcrossTexts(exploration), look=True)
    assert "An answer is a place in its own text" in exploration.error


def test_the_way_down_begins_where_begin_and_end_are_added(subject, explore):
    exploration = explore(subject)
    view = TokenTrace(exploration)
    assert [label for label, *_ in view.rows[:3]] == [
        "add",
        "encoder.layer.1.output",
        "encoder.layer.1.attention.output",
    ]
    assert view.rows[0][2] == pytest.approx(float(exploration.answer.explanation.ledger.explained[0]), rel=1e-4)
