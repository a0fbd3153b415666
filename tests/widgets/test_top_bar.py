from __future__ import annotations

import io

import pytest
from PIL import Image

from lrpwidgets.widgets import TopBar


def picture():
    file = io.BytesIO()
    Image.effect_noise((40, 40), 90).save(file, "PNG")
    return file.getvalue()


def pieces(content, size):
    return [content[start : start + size] for start in range(0, len(content), size)]


@pytest.mark.parametrize("size", [10_000_000, 500, 97])
def test_pieces_of_a_file_are_put_together(exploration, say, size):
    bar, parts = TopBar(exploration), pieces(picture(), size)
    before = exploration.answer
    for part, piece in enumerate(parts):
        assert exploration.answer is before
        say(bar, memoryview(piece), name="noise.png", part=part, parts=len(parts))
    assert exploration.error == ""
    assert exploration.answer.picture.name == "noise.png"


def test_an_upload_that_was_broken_off_does_not_spoil_the_next(exploration, say):
    bar, parts = TopBar(exploration), pieces(picture(), 500)
    say(bar, parts[0], name="noise.png", part=0, parts=len(parts))
    for part, piece in enumerate(parts):
        say(bar, piece, name="again.png", part=part, parts=len(parts))
    assert (exploration.error, exploration.answer.picture.name) == ("", "again.png")


def test_a_problem_of_the_browser_is_shown(exploration, say):
    say(TopBar(exploration), problem="“film.mp4” has 900 MB.")
    assert exploration.error == "“film.mp4” has 900 MB."


def test_an_empty_file_is_a_sentence(exploration, say):
    say(TopBar(exploration), b"", name="empty.png", part=0, parts=1)
    assert "'empty.png' is no image" in exploration.error


def test_uploads_are_offered_where_the_subject_takes_them(exploration, explore, moody):
    assert TopBar(exploration).uploads
    assert not TopBar(explore(moody)).uploads
    assert TopBar(explore(moody)).title == "moody"
