"""Uploaded pictures: which one a state speaks of is known by its content, never by its place."""

from __future__ import annotations

import gc
import hashlib
import io
import json
import weakref
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

from lrpwidgets import subjects
from lrpwidgets.subjects import Stroke
from lrpwidgets.widgets import InputStrip, TopBar
from lrpwidgets.widgets.base import inputs
from lrpwidgets.widgets.base.inputs import PictureMissingError


def png(value=255, size=(8, 8)):
    file = io.BytesIO()
    Image.new("L", size, value).save(file, "PNG")
    return file.getvalue()


CAT, DOG = png(40), png(200)


def seen(exploration):
    """All that a person sees of a state."""
    return exploration.question, exploration.pins, exploration.pinned, exploration.uploads, exploration.look


def digest(content):
    return hashlib.sha256(content).hexdigest()[:32]


@pytest.fixture
def cat(explore, digits):
    """An exploration that looks at an uploaded cat."""
    made = explore(digits)
    made.show(CAT, "cat.png")
    return made


def test_a_state_and_a_link_name_the_upload_that_they_are_of_and_that_of_each_pin(cat):
    cat.pin(cat.question, replace(cat.question, item=3))
    cat.show(DOG, "dog.png")
    state = cat.to_dict()
    assert "item" not in state
    assert state["upload"] == {"name": "dog.png", "digest": digest(DOG)}
    assert state["pins"][0]["upload"] == {"name": "cat.png", "digest": digest(CAT)}
    assert state["pins"][1]["item"] == 3
    assert digest(DOG) in cat.link()
    assert "pictures" not in state


@pytest.mark.parametrize("form", ["link", "to_dict"])
def test_a_state_finds_its_upload_wherever_that_stands(cat, explore, digits, form):
    cat.ask(target=4)
    other = explore(digits)
    other.show(DOG, "dog.png")
    other.show(CAT, "the same under another name.png")
    other.item = 0
    other.restore(getattr(cat, form)())
    assert other.item == len(digits.dataset) + 1
    assert (other.target, other.answer.scores) == (4, cat.answer.scores)


@pytest.mark.parametrize("form", ["to_dict", "link"])
@pytest.mark.parametrize(
    ("name", "told"),
    [
        ("dog.png", r"'cat\.png', which is not here: upload 'cat\.png' again, and the"),
        ("cat.png", r"of another picture 'cat\.png' than the one that is here"),
    ],
)
def test_a_state_beside_another_upload_is_refused_and_changes_nothing(cat, explore, digits, name, told, form):
    other = explore(digits)
    other.show(DOG, name)
    before = seen(other)
    with pytest.raises(PictureMissingError, match=told):
        other.restore(getattr(cat, form)())
    assert seen(other) == before


def test_a_pin_of_a_picture_that_is_not_here_refuses_the_whole_state(cat, explore, digits):
    cat.pin(cat.question)
    cat.item = 3
    other = explore(digits)
    before = seen(other)
    with pytest.raises(PictureMissingError, match=r"cat\.png"):
        other.restore(cat.to_dict())
    assert seen(other) == before


def test_a_refused_state_opens_once_its_picture_is_uploaded(cat, explore, digits):
    cat.ask(target=4)
    cat.pin(replace(cat.question, target=7))
    other = explore(digits)
    with pytest.raises(PictureMissingError):
        other.restore({**cat.to_dict(), "look": {"gain": 3}})
    other.show(DOG, "dog.png")
    assert (other.item, other.target, other.pins) == (len(digits.dataset), None, ())
    other.show(CAT, "cat.png")
    assert (other.error, other.target, other.look) == ("", 4, {"gain": 3})
    assert other.answer.scores == cat.answer.scores
    assert other.pinned[0].target == 7
    other.show(png(90), "more.png")
    assert other.name(other.item) == "more.png"


def test_the_wrong_picture_of_that_name_is_looked_at_and_said_to_be_another(cat, explore, digits):
    other = explore(digits)
    with pytest.raises(PictureMissingError):
        other.restore(cat.to_dict())
    other.show(DOG, "cat.png")
    assert "of another picture 'cat.png'" in other.error
    assert other.answer.shown.name == "cat.png"
    other.show(CAT, "cat (1).png")
    assert (other.error, other.answer.scores) == ("", cat.answer.scores)


def test_a_state_that_was_given_up_for_another_does_not_open_later(cat, explore, digits):
    cat.ask(target=4)
    other = explore(digits)
    with pytest.raises(PictureMissingError):
        other.restore(cat.to_dict())
    other.restore({"item": 5})
    other.show(CAT, "cat.png")
    assert other.target is None


def test_a_picture_that_is_uploaded_twice_is_one(cat):
    cat.item = 0
    cat.show(CAT, "cat (1).png")
    assert [upload.name for upload in cat.uploads] == ["cat.png"]
    assert cat.name(cat.item) == "cat.png"


def test_a_state_from_before_fingerprints_says_that_it_does_not_know_its_picture(cat):
    before = seen(cat)
    for number in (cat.item, 4000):
        with pytest.raises(ValueError, match=r"of input \d+, and the subject has 355.*does not say which one"):
            cat.restore({"subject": "digits", "item": number})
    assert seen(cat) == before


def test_a_file_that_holds_its_pictures_opens_anywhere(cat, explore, digits):
    cat.show(DOG, "dog.png")
    cat.pin(replace(cat.question, item=len(digits.dataset)))
    state = json.loads(json.dumps(cat.to_dict(pictures=True)))
    other = explore(digits)
    other.restore(state)
    assert [(upload.name, upload.data) for upload in other.uploads] == [("dog.png", DOG), ("cat.png", CAT)]
    assert other.answer.scores == cat.answer.scores
    assert other.pinned[0].scores == cat.pinned[0].scores
    other.restore(state)
    assert len(other.uploads) == 2


HOSTILE = {
    "no list": ({"cat.png": "AAAA"}, "must be a list"),
    "no text": ([{"name": "cat.png", "data": 5}], "by name and digest"),
    "no base64": ([{"name": "cat.png", "data": "??"}], "'cat.png' in the state is damaged"),
    "no picture": ([{"name": "cat.png", "data": "AAAA"}], "'cat.png' is no image"),
}


@pytest.mark.parametrize("name", HOSTILE)
def test_a_file_whose_pictures_are_damaged_is_a_sentence_and_changes_nothing(exploration, name):
    pictures, words = HOSTILE[name]
    before = seen(exploration)
    with pytest.raises(ValueError, match=words):
        exploration.restore({"item": 5, "pictures": pictures})
    assert seen(exploration) == before


@pytest.mark.parametrize("upload", ["cat.png", {}, {"name": "cat.png"}, {"name": "cat.png", "digest": "A" * 32}, [1]])
def test_a_state_that_speaks_of_no_picture_is_a_sentence(exploration, upload):
    with pytest.raises(ValueError, match="speaks of an upload by name and digest"):
        exploration.restore({"upload": upload})


def test_pictures_that_are_too_large_for_a_file_are_neither_saved_nor_opened(cat, monkeypatch):
    state = cat.to_dict(pictures=True)
    monkeypatch.setattr(inputs, "MOST_HELD", len(CAT) - 1)
    with pytest.raises(ValueError, match="a state file holds 0 MB at most: save it without them"):
        cat.to_dict(pictures=True)
    with pytest.raises(ValueError, match="a state file holds 0 MB at most"):
        cat.restore(state)


def test_the_bar_tells_which_pictures_a_file_could_hold_and_opens_it_in_pieces(cat, explore, digits, say):
    bar, sent = TopBar(cat), []
    bar.send = lambda message, buffers=None: sent.append(message)
    say(bar, want="state")
    say(bar, want="whole")
    plain, whole = sent
    assert plain["pictures"] == [["cat.png", len(CAT)]]
    assert "data" not in plain["text"]
    other = explore(digits)
    content = whole["text"].encode()
    fresh = TopBar(other)
    for part, piece in enumerate((content[:50], content[50:])):
        say(fresh, piece, name="view.json", part=part, parts=2)
    assert (other.error, other.name(other.item)) == ("", "cat.png")


def test_a_state_without_uploads_is_saved_as_it_is(exploration, say):
    bar, sent = TopBar(exploration), []
    bar.send = lambda message, buffers=None: sent.append(message)
    say(bar, want="state")
    assert sent[0]["pictures"] == []


def test_the_question_in_a_numpy_file_names_its_upload(cat):
    from lrpwidgets.widgets import HeatmapView

    with np.load(io.BytesIO(HeatmapView(cat).to_npz())) as found:
        assert json.loads(str(found["question"]))["upload"]["digest"] == digest(CAT)


# -- removing -------------------------------------------------------------------------------------------------------


@pytest.fixture
def pets(cat):
    """Beside the cat a dog, which is looked at."""
    cat.show(DOG, "dog.png")
    return cat


def test_a_removed_upload_leaves_the_others_their_numbers_and_the_next_is_looked_at(pets, digits):
    first = len(digits.dataset)
    pets.item = first
    pets.remove(first)
    assert (pets.item, pets.answer.shown.name, pets.error) == (first + 1, "dog.png", "")
    assert pets.removed == (first,)
    pets.remove(first + 1)
    assert (pets.item, pets.answer.shown.name) == (first - 1, digits.item_name(first - 1))


def test_removing_one_that_is_not_looked_at_changes_nothing_else(pets, digits):
    answer = pets.answer
    pets.remove(len(digits.dataset))
    assert pets.answer is answer


def test_pins_of_a_removed_upload_go_with_it_and_others_stay(pets, digits):
    gone = len(digits.dataset) + 1
    pets.pin(pets.question, replace(pets.question, item=3), replace(pets.question, item=None, target=7))
    pets.remove(gone)
    assert [pin.item for pin in pets.pins] == [3, None]
    assert [held.shown.name for held in pets.pinned] == [digits.item_name(3), "cat.png"]


def test_what_is_no_upload_cannot_be_removed(pets, digits):
    pets.remove(len(digits.dataset))
    for item in (0, -1, len(digits.dataset), 4000):
        with pytest.raises(ValueError, match=f"Input {item} is no upload that is here"):
            pets.remove(item)


def test_a_removed_upload_cannot_be_asked_about_and_a_state_of_it_asks_for_it_again(pets, digits):
    state = pets.to_dict()
    pets.remove(pets.item)
    before = seen(pets)
    with pytest.raises(PictureMissingError, match=r"'dog\.png', which is not here: upload"):
        pets.restore(state)
    assert seen(pets) == before
    pets.item = len(digits.dataset) + 1
    assert "'dog.png' is not here any more: upload it again" in pets.error
    assert pets.item == len(digits.dataset)


def test_the_same_picture_comes_again_to_its_place_under_its_new_name(pets, digits):
    scores = pets.answer.scores
    pets.remove(pets.item)
    pets.show(DOG, "hound.png")
    assert (pets.item, pets.name(pets.item), pets.removed) == (len(digits.dataset) + 1, "hound.png", ())
    assert (pets.answer.shown.name, pets.answer.scores) == ("hound.png", scores)


def test_where_nothing_else_is_left_nothing_is_shown_until_a_picture_comes(explore, digits):
    from lrpwidgets.widgets import HeatmapView

    exploration = explore(digits, dataset=())
    exploration.show(CAT, "cat.png")
    view = HeatmapView(exploration)
    exploration.pin()
    exploration.remove(0)
    assert (exploration.item, exploration.answer, exploration.pinned, view.size) == (None, None, (None,), (0, 0))
    assert exploration.error == "There is no picture left to look at: upload one."
    exploration.show(DOG, "dog.png")
    assert (exploration.error, exploration.answer.shown.name, view.size) == ("", "dog.png", (8, 8))


def test_what_a_removed_upload_took_is_free(pets, digits):
    from lrpwidgets.dashboards.pages import explore_page

    page = explore_page(pets)
    pets.pin(pets.question)
    held = [weakref.ref(each) for each in (pets.upload(pets.item), pets.answer.shown.x, pets.answer.whole)]
    pets.remove(pets.item)
    gc.collect()  # traitlets' events are in circles
    assert [each() for each in held] == [None] * 3
    page.close()


def test_a_removed_upload_is_gone_from_all_rooms(digits):
    from lrpwidgets import dashboards

    page = dashboards.explore(digits)
    exploration = page.shared
    exploration.show(CAT, "cat.png")
    exploration.enter("maximize")
    studio = page["maximize"].shared
    assert studio.item == len(digits.dataset)
    upload = weakref.ref(studio.upload(studio.item))
    studio.enter("explore")
    exploration.remove(exploration.item)
    assert (studio.removed, studio.item) == ((len(digits.dataset),), len(digits.dataset) - 1)
    gc.collect()
    assert upload() is None
    studio.enter("maximize")
    assert studio.error == ""
    page.close()


def test_stepping_through_the_inputs_of_a_channel_passes_removed_ones_over(digits, say):
    from lrpwidgets.widgets.maximize import ChannelList, Studio

    studio = Studio(digits, prior="l2", steps=2)
    for content in (CAT, DOG, png(90)):
        studio.show(content, f"{content[-20:]!r}.png")
    first = len(digits.dataset)
    studio.remove(first + 1)
    view = ChannelList(studio)
    say(view, item=first + 1)
    assert studio.item == first
    say(view, item=first + 1)
    assert studio.item == first + 2
    say(view, item=first + 3)
    assert studio.item == 0
    studio.close()


# -- crop and fit ---------------------------------------------------------------------------------------------------


def photo(size=(96, 64)):
    file = io.BytesIO()
    picture = Image.new("RGB", size, "blue")
    picture.paste("red", (40, 0, 60, 64))
    picture.save(file, "PNG")
    return file.getvalue()


EIGHT_BITS = {"window": None, "chosen": False}


@pytest.fixture
def cropped(explore):
    """An exploration of shapes that looks at a photo whose sides the network does not see."""
    made = explore(subjects.load("shapes"))
    made.show(photo(), "photo.png")
    return made


def test_an_upload_says_what_is_seen_of_it_and_samples_say_nothing(cropped, say):
    strip = InputStrip(cropped)
    assert strip.framing == {"name": "photo.png", "seen": [96, 64, 64, 64], "fit": False} | EIGHT_BITS
    say(strip, fit=True)
    assert strip.framing == {"name": "photo.png", "seen": [96, 64, 96, 64], "fit": True} | EIGHT_BITS
    cropped.item = 0
    assert strip.framing == {}
    say(strip, fit=False)
    cropped.item = len(cropped.subject.dataset)
    assert strip.framing["seen"] == [96, 64, 64, 64]


def test_a_picture_that_fits_is_explained_as_a_whole_and_a_pin_keeps_its_middle(cropped):
    subject, middle = cropped.subject, cropped.answer
    cropped.pin()
    cropped.strokes = (Stroke("grey", 4, ((9.0, 9.0),)),)
    cropped.fit = True
    assert cropped.strokes == ()
    picture = subjects.open_picture(photo())
    assert torch.equal(cropped.answer.shown.x[0], subject.from_image(subject.crop.whole(picture)))
    assert torch.equal(cropped.pinned[0].shown.x, middle.shown.x)
    cropped.fit = False
    assert torch.equal(cropped.answer.shown.x, middle.shown.x)
    assert cropped.answer.scores == middle.scores


def test_paint_on_a_picture_that_fits_is_held_against_that_picture(cropped):
    cropped.fit = True
    whole = cropped.answer.scores
    cropped.fit = False
    cropped.fit = True
    cropped.strokes = (Stroke("grey", 4, ((9.0, 9.0),)),)
    assert cropped.answer.before == whole


@pytest.mark.parametrize("form", ["link", "to_dict"])
def test_a_state_says_that_a_picture_fits(cropped, explore, form):
    assert "fit" not in cropped.to_dict()
    cropped.fit = True
    other = explore(cropped.subject)
    other.show(photo(), "photo.png")
    other.restore(getattr(cropped, form)())
    assert other.fit
    assert other.answer.scores == cropped.answer.scores


def test_copied_python_says_whether_the_middle_is_cut_out_or_all_is_seen(cropped, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    (tmp_path / "photo.png").write_bytes(photo())
    for fit, said in ((False, "# its middle"), (True, "# all of it")):
        cropped.fit = fit
        text, names = TopBar(cropped).code(), {}
        assert said in text
        exec(text, names)
        assert torch.equal(names["relevance"], cropped.answer.explanation.relevance)


# -- windows --------------------------------------------------------------------------------------------------------


def scan():
    file = io.BytesIO()
    Image.fromarray(np.linspace(0, 4000, 64).astype(np.uint16).reshape(8, 8)).save(file, "PNG")
    return file.getvalue()


@pytest.fixture
def scanned(explore, digits):
    """An exploration that looks at an upload of 12 bits."""
    made = explore(digits)
    made.show(scan(), "scan.png")
    return made


def test_the_window_of_an_upload_is_said_and_chosen_and_goes_with_its_picture(scanned, say):
    strip = InputStrip(scanned)
    assert strip.framing == {"name": "scan.png", "seen": None, "fit": False, "window": [2047.5, 4095], "chosen": False}
    say(strip, window=[1000, 500])
    assert (strip.framing["window"], strip.framing["chosen"]) == ([1000, 500], True)
    x = scanned.answer.shown.x[0, 0].flatten()
    assert float(x[0]) == 0
    assert float(x[-1]) == 1
    scanned.item = 3
    assert (strip.framing, scanned.window) == ({}, None)
    scanned.item = len(scanned.subject.dataset)
    assert strip.framing["window"] == [2047.5, 4095]


@pytest.mark.parametrize("window", [[1], "wide", [0, 0], [0, -5], [None, 5], [float("nan"), 5], [0, 1e300], [True, 5]])
def test_a_window_that_is_none_is_a_sentence(scanned, say, window):
    say(InputStrip(scanned), window=window)
    assert "A window has a level and a width above 0" in scanned.error
    with pytest.raises(ValueError, match="'window' of a state must be a level and a width above 0"):
        scanned.restore({"window": window})


def test_a_state_and_copied_python_keep_the_window(scanned, explore, digits, tmp_path, monkeypatch):
    scanned.window = (1000.0, 500.0)
    other = explore(digits)
    other.show(scan(), "scan.png")
    other.restore(scanned.link())
    assert other.window == (1000.0, 500.0)
    assert other.answer.scores == scanned.answer.scores
    monkeypatch.chdir(tmp_path)
    (tmp_path / "scan.png").write_bytes(scan())
    names = {}
    exec(TopBar(scanned).code(), names)
    assert torch.equal(names["relevance"], scanned.answer.explanation.relevance)


def test_a_pin_that_follows_the_picture_has_its_window(scanned):
    scanned.window = (1000.0, 500.0)
    scanned.pin()
    assert scanned.pins[0].window is None
    assert scanned.pinned[0].scores == scanned.answer.scores
    scanned.window = None
    assert scanned.pinned[0].scores == scanned.answer.scores
