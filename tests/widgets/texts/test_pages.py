"""Explore on texts: its page, its strip, its report, and the Python that is copied from it."""

from __future__ import annotations

import re

import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.dashboards import explore as open_page
from lrpwidgets.widgets import HeatmapView, InputStrip, QuestionBar, RuleBoard, TopBar, Tour
from lrpwidgets.widgets.base.inputs import PictureMissingError
from lrpwidgets.widgets.explore.report import report
from lrpwidgets.widgets.texts import TokenView
from tests.widgets.explore.test_code import run
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


@pytest.mark.parametrize("parts", [{"item": 2}, {"item": 2, "typed": "is there a red circle?", "struck": (3,)}])
def test_the_code_of_a_picture_with_a_text_gives_the_relevance_of_both(explore, parts):
    exploration = explore(subjects.load("visual-questions"))
    exploration.ask(**parts)
    assert exploration.error == ""
    found = run(TopBar(exploration).code())
    for one, other in zip(found, exploration.answer.explanation.relevance, strict=True):
        assert torch.equal(one, other)


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
