"""Explore on texts: its page, its strip, its report, and the Python that is copied from it."""

from __future__ import annotations

import io
import re
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from lrpwidgets import subjects
from lrpwidgets.colours import coloured
from lrpwidgets.dashboards import explore as open_page
from lrpwidgets.subjects import Stroke
from lrpwidgets.widgets import HeatmapView, InputStrip, QuestionBar, RuleBoard, TopBar, Tour
from lrpwidgets.widgets.base.inputs import PictureMissingError
from lrpwidgets.widgets.explore.report import report
from lrpwidgets.widgets.texts import TokenView
from tests.widgets.explore.test_code import run
from tests.widgets.explore.test_report import Page
from tests.widgets.texts.toy import TEXTS


def views(widget):
    """A page's views, and what holds them."""
    yield widget
    for each in getattr(widget, "children", ()):
        yield from views(each)


def test_the_page_of_a_text_has_words_and_no_picture(toy):
    page = open_page(toy)
    found = list(views(page))
    for kind in (TokenView, QuestionBar, RuleBoard):
        assert any(isinstance(each, kind) for each in found)
    assert not any(isinstance(each, HeatmapView | Tour) for each in found)
    assert page.shared.error == ""
    page.close()


def test_the_strip_shows_how_texts_begin(reading, say):
    strip, sent = InputStrip(reading), []
    assert (strip.brought, strip.takes_uploads) == ("text", True)
    strip.send = lambda message, buffers=(): sent.append((message, buffers))
    say(strip, thumbnails=[1])
    (words,) = [buffers for message, buffers in sent if "thumbnails" in message]
    assert words == [TEXTS[1].encode()]
    say(strip, typed="never dull")
    assert reading.typed == "never dull"


def test_a_text_file_is_opened_and_bytes_that_are_none_are_refused(reading, say):
    strip = InputStrip(reading)
    say(strip, b"a good film", name="mine.txt", part=0, parts=1)
    assert reading.answer.shown.name == "mine.txt"
    say(strip, b"\xff\xfe\x00", name="wrong.txt", part=0, parts=1)
    assert reading.refused == ("'wrong.txt' is no text in UTF-8; save it as plain text.",)


CHANGES = {
    "sample": {"item": 1},
    "struck": {"item": 0, "struck": (21, 3)},
    "typed": {"typed": 'it\'s "never"\n\\ dull\u202e'},
    "typed and struck": {"typed": "a warm film. never dull", "struck": (1,)},
}


@pytest.mark.parametrize("name", CHANGES)
def test_the_code_gives_the_relevance_exactly(reading, name):
    reading.ask(**CHANGES[name])
    assert reading.error == ""
    text = TopBar(reading).code()
    assert torch.equal(run(text, subject=reading.subject), reading.answer.explanation.relevance)


STROKES = (Stroke("grey", 3.0, ((30.0, 30.0), (40.0, 32.0))), Stroke("blur", 2.0, ((8.0, 50.0),)))
PAIRS = {
    "sample": {"item": 2},
    "typed and struck": {"item": 2, "typed": "is there a red circle?", "struck": (3,)},
    "painted": {"item": 5, "strokes": STROKES},
    "painted and struck": {"item": 5, "strokes": STROKES[:1], "struck": (1, 2), "target": 3, "than": 4},
    "through a channel": {"item": 1, "layer": "eye.conv2", "channels": (2, 3), "only": True},
}


@pytest.fixture
def asking(explore):
    """A picture with a question about it, explained."""
    return explore(subjects.load("visual-questions"))


def same(found, exploration):
    for one, other in zip(found, exploration.answer.explanation.relevance, strict=True):
        assert torch.equal(one, other)


@pytest.mark.parametrize("name", PAIRS)
def test_the_code_of_a_picture_with_a_text_gives_the_relevance_of_both(asking, name):
    asking.ask(**PAIRS[name])
    assert asking.error == ""
    same(run(TopBar(asking).code()), asking)


def test_the_code_of_a_picture_with_a_text_gives_those_of_its_pins_too(asking):
    asking.pin(replace(asking.question, typed="How large is the ring?", target=1))
    asking.ask(item=3, composite=asking.preset("epsilon"))
    names = {}
    exec(compile(TopBar(asking).code(), "copied", "exec"), names)
    same(names["relevance"], asking)
    for one, other in zip(names["pinned_1"], asking.pinned[0].explanation.relevance, strict=True):
        assert torch.equal(one, other)


def test_the_code_opens_a_picture_of_ones_own_with_its_question(asking, tmp_path, monkeypatch):
    file = io.BytesIO()
    Image.radial_gradient("L").resize((90, 64)).convert("RGB").save(file, "PNG")
    asking.show(file.getvalue(), "mine.png")
    assert asking.error == ""
    (tmp_path / "mine.png").write_bytes(file.getvalue())
    monkeypatch.chdir(tmp_path)
    same(run(TopBar(asking).code()), asking)
    asking.read("Is there a ring?")
    same(run(TopBar(asking).code()), asking)


def test_the_report_of_a_picture_with_a_text_has_both_in_their_colours(asking):
    asking.ask(item=4, strokes=STROKES, struck=(1,))
    text = report(asking, {"gain": 2})
    page = Page(text)
    pixels, times = asking.answer.pixels, page.image(1).shape[0] // 64
    end = np.percentile(np.abs(pixels), 99.5) / 2
    np.testing.assert_array_equal(page.image(1)[::times, ::times], coloured(pixels, end))
    picture = asking.subject.to_image(asking.answer.image).convert("RGB")
    np.testing.assert_array_equal(page.image(0)[::times, ::times], np.asarray(picture))
    struck, amounts = asking.answer.text.word(1), asking.answer.tokens
    assert re.search(rf"<s [^>]*>(<bdi>)?{struck}<", text)
    largest = np.abs([amount for place, amount in enumerate(amounts) if place not in asking.answer.text.sinks]).max()
    for words in (
        f"words: ±{largest:.3g}",
        "relevance per pixel in units of the score; words have a scale of their own",
        "painted over, or words are struck: not the original input",
        "The map shows where in the picture with its text it found its reasons",
        asking.answer.text.text,
    ):
        assert words in page.text


def test_words_in_a_report_are_never_called_a_difference(asking):
    asking.pin(replace(asking.question, composite=asking.preset("epsilon")))
    assert "no difference" not in report(asking)
    text = Page(report(asking, {"differences": [0]})).text
    assert text.count("What the first map has more than") == text.count("; their own, no difference") == 1


def test_a_report_of_a_picture_with_a_text_has_the_level_that_is_chosen(asking):
    text = Page(report(asking, {"level": "sentence", "sinks": False})).text
    assert f"sentences: ±{abs(float(asking.answer.tokens.sum())):.3g}" in text
    assert "sentences have a scale of their own" in text


def test_the_code_opens_a_file_as_the_page_does(reading, tmp_path, monkeypatch):
    data = "\ufeffa good film,\r\nnever dull".encode()
    reading.show(data, "mine.txt")
    (tmp_path / "mine.txt").write_bytes(data)
    monkeypatch.chdir(tmp_path)
    text = TopBar(reading).code()
    assert torch.equal(run(text, subject=reading.subject), reading.answer.explanation.relevance)


def test_the_report_has_the_words_in_their_colours(reading):
    reading.struck = (21,)
    text = report(reading, {"clip": 100})
    assert "<s " in text
    assert "relevance per word, sum of its tokens" in text
    assert "words are struck: not the original input" in text
    assert re.search(r"Half of the evidence for “positive” lies in [\d.]+ % of the words", text)
    assert re.search(r'background: #2166ac;[^>]*title="−1"><bdi>ending</bdi>', text)
    assert "picture" not in text
    assert "per pixel" not in text


def test_a_state_of_a_text_that_is_not_here_says_so(reading, explore, toy):
    reading.show(b"good film", "mine.txt")
    with pytest.raises(PictureMissingError, match=r"of the uploaded text 'mine\.txt', which is not here"):
        explore(toy).restore(reading.to_dict())


def test_a_link_has_what_was_typed_and_struck(reading, explore, toy):
    reading.ask(typed="never dull & good", struck=(1,))
    other = explore(toy)
    other.restore(reading.link())
    assert (other.typed, other.struck) == ("never dull & good", (1,))
    assert torch.equal(other.answer.explanation.relevance, reading.answer.explanation.relevance)


def test_a_saved_notebook_keeps_the_words_on_the_scale_of_the_view(reading):
    (picture,) = reading.pictures().values()
    hues = {colour for _, colour in picture.getcolors(picture.width * picture.height)}
    assert (33, 102, 172) in hues  # of "ending", which ends the scale
    assert (159, 189, 219) in hues  # of "clumsy": both of its tokens
