"""Models of transformers that see and read, on the page of a picture and a text."""

from __future__ import annotations

import io

import numpy as np
import pytest
import torch

pytest.importorskip("transformers")

from lrpwidgets.dashboards import explore as open_page
from lrpwidgets.subjects import Stroke, describe
from lrpwidgets.widgets import ClassScores, HeatmapView, InputStrip, TopBar
from lrpwidgets.widgets.explore.report import report
from lrpwidgets.widgets.texts import StrikeTable, TokenView
from lrpwidgets.widgets.texts.columns import Columns
from tests.subjects import seeing
from tests.subjects.seeing import MADE, QUESTIONS, picture
from tests.widgets.explore.test_code import run
from tests.widgets.texts.test_pages import same, views


@pytest.fixture(scope="module")
def llava():
    return seeing.subject()


@pytest.fixture
def asking(explore, llava):
    return explore(llava)


@pytest.mark.parametrize("name", MADE)
def test_the_page_opens_for_a_model_and_its_processor(name):
    model, processor = MADE[name]()
    page = open_page(model, seeing.pairs(), tokenizer=processor)
    found = list(views(page))
    for kind in (HeatmapView, TokenView, StrikeTable):
        assert any(isinstance(each, kind) for each in found)
    assert page.shared.error == ""
    assert page.shared.answer.text.text == QUESTIONS[page.shared.item]
    page.close()


STROKES = (Stroke("grey", 3.0, ((10.0, 10.0), (20.0, 12.0))),)
ASKED = {
    "sample": {"item": 2},
    "typed": {"item": 1, "typed": " Is it red?\nReally"},
    "typed and struck": {"item": 1, "typed": "Is it red?", "struck": (2,)},
    "painted, struck, and rather": {"item": 0, "strokes": STROKES, "struck": (1,), "target": 30, "than": 40},
}


@pytest.mark.parametrize("name", ASKED)
def test_the_code_and_the_link_give_the_relevance_of_both(asking, explore, llava, name):
    asking.ask(**ASKED[name])
    assert asking.error == ""
    same(run(TopBar(asking).code(), subject=llava), asking)
    other = explore(llava)
    other.restore(asking.link())
    assert other.question == asking.question
    np.testing.assert_array_equal(other.answer.tokens, asking.answer.tokens)
    np.testing.assert_array_equal(other.answer.pixels, asking.answer.pixels)


def test_words_are_struck_one_by_one_as_the_model_reads_what_is_left(asking, llava):
    asking.ask(item=1)
    table = StrikeTable(asking)
    assert len(table.rows) == 6  # not the mark, and nothing of the prompt
    assert asking.error == ""
    for word in range(6):
        asking.ask(item=1, struck=(word,))
        left = " ".join(each for number, each in enumerate(QUESTIONS[1][:-1].split()) if number != word) + "?"
        expected = llava.explainer().scores((asking.answer.image[None], llava.tokenizer.encode(left).x[None]))
        torch.testing.assert_close(torch.tensor(asking.answer.scores), expected[0], rtol=1e-4, atol=1e-5)


def test_pins_have_their_own_question(asking):
    asking.ask(item=0)
    asking.pin(asking.question)
    asking.ask(item=0, typed="Is it red?")
    view = TokenView(asking)
    assert view.pin_words[0]["items"] != view.words["items"]
    assert [item[1] for item in view.words["items"] if item[0] < 0][:2] == [["<s>"], ["U"]]


def test_the_picture_is_one_column_with_all_of_its_relevance(asking):
    asking.ask(item=0)
    encoded, tokens = asking.answer.text, asking.answer.tokens
    columns = Columns(encoded)
    place = [each["name"] for each in columns.described].index("<image>×16")
    at = columns.items[place].places
    assert columns.summed(tokens)[place] == pytest.approx(float(tokens[list(at)].sum()), abs=1e-6)
    assert columns.summed(tokens).sum() == pytest.approx(float(tokens.sum()), rel=1e-4)
    words = TokenView(asking)
    for text in (words.to_html(), words.to_svg("token"), report(asking)):
        assert text.count("&lt;image&gt;") == text.count("&lt;image&gt;×16") == 1
    assert words.to_latex().count(r"\textless{}image\textgreater{}×16") == 1


def test_a_picture_from_outside_is_shown_with_the_first_question(asking, llava, say, tmp_path, monkeypatch):
    file = io.BytesIO()
    picture(9, (80, 60)).save(file, "PNG")
    (tmp_path / "mine.png").write_bytes(file.getvalue())
    monkeypatch.chdir(tmp_path)
    strip = InputStrip(asking)
    assert (strip.brought, strip.takes_uploads) == ("picture", True)
    say(strip, file.getvalue(), name="mine.png", part=0, parts=1)
    assert asking.error == ""
    assert asking.answer.text.text == QUESTIONS[0]
    torch.testing.assert_close(asking.answer.image, llava.from_image(picture(9, (80, 60))))
    same(run(TopBar(asking).code(), subject=llava), asking)
    asking.ask(fit=True, typed="Is it red?")
    torch.testing.assert_close(asking.answer.image, llava.from_image(llava.crop.whole(picture(9, (80, 60)))))
    same(run(TopBar(asking).code(), subject=llava), asking)


def test_a_question_with_the_mark_of_a_picture_in_it_is_refused_on_the_page(asking):
    asking.read("<image> again?")
    assert "has <image> in it, which the prompt has already" in asking.error


def test_answers_are_named(explore):
    model, processor = MADE["vilt"]()
    scores = ClassScores(explore(describe(model, seeing.pairs(), tokenizer=processor)))
    assert set(scores.classes) == set(seeing.ANSWERS.values())
