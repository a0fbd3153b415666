"""The sentence is the heatmap: what it shows, what is struck and typed, and what is saved of it."""

from __future__ import annotations

import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser
from xml.etree import ElementTree

import numpy as np
import pytest

from lrpwidgets.subjects.texts import TextSamples, struck
from lrpwidgets.widgets.texts import TokenView
from tests.widgets import promises
from tests.widgets.texts.toy import TEXTS, VALUES, Pieces

NEVER, DULL = 21, 22  # words of the first text


def worth(exploration):
    """What each token of the text says for "positive"."""
    return [VALUES[Pieces.known[token]] for token in exploration.answer.shown.text.ids]


def test_the_relevance_of_a_word_is_what_the_model_gives_it(reading):
    view = TokenView(reading)
    assert reading.error == ""
    np.testing.assert_allclose(np.frombuffer(view.relevance, np.float32), worth(reading), atol=1e-4)
    words = {tuple(texts): places for _, texts, places, *_ in view.words["items"]}
    assert words["clum", "sy"] == [4, 5]
    assert words[("[CLS]",)] == [0]
    assert view.caption["score"] == pytest.approx(sum(worth(reading)), abs=1e-5)


def test_the_words_are_sent_once(reading):
    view = TokenView(reading)
    sent = []
    view.observe(lambda change: sent.append(change["name"]), ["words", "relevance"])
    reading.target = 0
    assert sent == ["relevance"]
    reading.struck = (NEVER,)
    assert "words" in sent


def test_a_struck_word_has_no_relevance_and_the_score_is_said_without_it(reading, say):
    view = TokenView(reading)
    before = view.caption["score"]
    say(view, strike=[NEVER])
    assert reading.struck == (NEVER,)
    assert view.caption["before"] == pytest.approx(before)
    assert view.caption["score"] == pytest.approx(before - VALUES["never"], abs=1e-5)
    (gone,) = [each for each in view.words["items"] if each[0] == NEVER]
    assert (gone[1], gone[2], gone[-1]) == (["never"], [], True)
    say(view, strike=[NEVER, DULL])
    assert reading.struck == (NEVER, DULL)
    say(view, strike=[NEVER, DULL])
    assert reading.struck == ()
    assert view.caption["before"] is None


def test_who_strikes_all_words_is_told_and_the_text_stays(reading, say):
    view = TokenView(reading)
    say(view, strike=list(range(DULL + 2)))
    assert "All words are struck" in reading.error
    assert reading.struck == ()
    assert view.caption["before"] is None


def test_a_text_is_typed_and_taken_back(reading, say):
    view = TokenView(reading)
    say(view, typed="Bad, and never good")
    assert (view.text, view.typed) == ("Bad, and never good", True)
    assert view.caption["score"] == pytest.approx(0.35, abs=1e-5)
    say(view, typed="   ")
    assert "There is no word" in reading.error
    assert view.text == "Bad, and never good"
    say(view, typed=None)
    assert (view.text, view.typed) == (TEXTS[0], False)


def test_where_no_input_is_a_typed_text_becomes_one(explore, toy, say):
    exploration = explore(toy, dataset=TextSamples([], [], toy.tokenizer))
    view = TokenView(exploration)
    assert view.words == {}
    say(view, typed="good film")
    assert exploration.error == ""
    assert (view.text, exploration.count) == ("good film", 1)


def test_pins_are_further_lines_and_one_of_another_text_has_its_own_words(reading, say):
    view = TokenView(reading)
    say(view, pin={"second": True})
    say(view, pin={"kept": True})
    assert view.pin_words == [None, None]
    assert [each["class"] for each in view.pinned] == ["negative", "positive"]
    assert view.composites == [0, 0, 0]
    live, other, _ = (np.frombuffer(each, np.float32) for each in (view.relevance, *view.pin_maps))
    np.testing.assert_allclose(other, -live, atol=1e-4)
    reading.item = 1
    assert view.pin_words[0] is None
    assert view.pin_words[1]["pieces"][1] == "A"
    say(view, unpin=0)
    assert len(view.pinned) == 1


def test_the_numbers_are_saved(reading):
    with np.load(io.BytesIO(TokenView(reading).to_npz())) as saved:
        np.testing.assert_array_equal(saved["tokens"], reading.answer.tokens)
        np.testing.assert_array_equal(saved["x"], reading.answer.shown.text.ids)
        assert json.loads(str(saved["question"]))["composite"] == reading.composite.name


class Tags(HTMLParser):
    """The tags of a page, and its words."""

    def __init__(self, text):
        super().__init__()
        self.tags, self.words, self.handlers = set(), [], []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.add(tag)
        self.handlers += [name for name, _ in attributes if name.startswith("on")]

    def handle_data(self, data):
        self.words.append(data)


@pytest.mark.parametrize("level", ["token", "word", "sentence"])
def test_what_a_hostile_text_says_is_text_in_every_file(explore, toy, level):
    exploration = explore(toy)
    exploration.item = len(TEXTS)
    view = TokenView(exploration)
    page = Tags(view.to_html(level))
    assert page.tags <= {"html", "meta", "title", "body", "h1", "p", "span", "bdi", "s", "br"}
    assert page.handlers == []
    drawing = ElementTree.fromstring(view.to_svg(level))
    assert {each.tag.rpartition("}")[2] for each in drawing.iter()} <= {
        "svg", "defs", "linearGradient", "stop", "pattern", "rect", "text",
    }  # fmt: skip
    paper = view.to_latex(level)
    assert "\\input" not in paper
    boxes = "".join(line for line in paper.splitlines() if "strut" in line)
    assert not set("%$&#_^~<>") & set(re.sub(r"\\[%$&#_]", "", boxes))
    for text in ("".join(page.words), "".join(drawing.itertext()), paper):
        assert "\u202e" not in text
        assert "U+202E" in text
    assert "onerror" in "".join(page.words)


def test_every_file_says_the_question_and_the_scale(reading, say):
    reading.ask(target=1, than=0)
    view, sent = TokenView(reading), []
    view.send = lambda message, buffers: sent.append((message["save"].rpartition(".")[2], buffers[0].decode()))
    for kind in ("html", "svg", "tex"):
        say(view, save=kind, look={})
    assert [kind for kind, _ in sent] == ["html", "svg", "tex"]
    for _, text in sent:
        assert "Why “positive” rather than “negative”?" in text
        assert "relevance per word, sum of its tokens, in units of f" in text
        assert re.search(r"(±|\+|\$\+)2\b", text)  # "ending" is −1 for one class and 1 for the other


def test_files_and_reports_are_drawn_as_the_screen_is(reading, say):
    view, sent = TokenView(reading), []
    view.send = lambda message, buffers: sent.append(buffers[0].decode())
    look = {"level": "token", "sinks": False}
    say(view, save="svg", look=look)
    say(view, save="report", look=look)
    drawing, page = sent
    assert "relevance per token, in units of f" in drawing
    assert "relevance per token, in units of the score, same scale" in page
    for text in (drawing, page):
        assert ">##sy" not in text
        assert ">sy<" in text
        assert "hatched" not in text
    say(view, save="report", look={"level": "letter"})
    assert "level of a look must be one of token, word, sentence, got 'letter'" in reading.error
    assert len(sent) == 2


def test_the_look_is_given_in_part_and_a_state_brings_its_own(reading):
    view = TokenView(reading, look={"level": "token"})
    assert (view.look["level"], view.look["sinks"]) == ("token", True)
    state = {**reading.to_dict(), "look": {"level": "sentence", "sinks": False}}
    reading.restore(state)
    assert (view.look["level"], view.look["sinks"]) == ("sentence", False)
    reading.restore("item=1")
    assert view.look["level"] == "sentence"  # it says nothing of it
    for look, words in (({"level": "letter"}, "level of a look"), ({"sinks": "no"}, "true or false, got 'no'")):
        with pytest.raises(ValueError, match=words):
            reading.restore({**state, "item": 0, "look": look})
        with pytest.raises(ValueError, match=words):
            TokenView(reading, look=look)
    assert reading.item == 1
    assert view.look["level"] == "sentence"


def test_a_level_that_is_none_is_refused(reading):
    with pytest.raises(ValueError, match="no level 'letter'; there are token, word, sentence"):
        TokenView(reading).to_html("letter")


def test_striking_is_the_same_in_python(toy):
    reads = toy.tokenizer
    encoded = struck(reads.encode("never dull, good"), [1], reads)
    assert encoded.pieces == ("[CLS]", "never", ",", "good")
    assert encoded.word_of == (-1, 0, 2, 3)
    assert struck(encoded, [0], reads).struck == {0, 1}
    with pytest.raises(ValueError, match="no word 9 to strike; the text has 4"):
        struck(encoded, [9], reads)


def test_it_keeps_the_promises_of_every_view(reading, say):
    promises.leaves_nothing(reading, TokenView)
    promises.can_be_forgotten(reading, TokenView)
    promises.is_sent_what_a_page_missed(reading, TokenView, say)
    promises.carries_its_script(TokenView)
    for message in ({}, {"unknown": 1}, {"strike": "x"}, {"strike": [99]}, {"typed": 3}, {"save": "html"}):
        say(TokenView(reading), **message)


def test_what_is_removed_is_not_shown_any_more(explore, toy):
    exploration = explore(toy, dataset=TextSamples([], [], toy.tokenizer))
    view = TokenView(exploration)
    exploration.show(b"good film", "good.txt")
    assert view.caption["name"] == "good.txt"
    exploration.remove(0)
    assert (view.words, view.relevance) == ({}, b"")
    assert "There is no text left" in exploration.error


def test_a_view_of_texts_is_hidden_where_there_are_pictures(exploration):
    assert TokenView(exploration).words == {}


def test_a_class_of_ones_own_is_not_needed(toy, explore):
    exploration = explore(replace(toy, classes=[]))
    assert TokenView(exploration).caption["class"] == "class 1"
