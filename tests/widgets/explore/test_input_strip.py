from __future__ import annotations

import asyncio
import io
import json
import threading

import numpy as np
import pytest
import torch
from PIL import Image
from torch import nn

from lrpwidgets.subjects import Subject, TensorSamples
from lrpwidgets.widgets import Exploration, InputStrip
from lrpwidgets.widgets.base import inputs
from lrpwidgets.widgets.explore.survey import Survey

PATIENCE = 30


class Page:
    """What a page knows of a strip from its messages."""

    def __init__(self, strip):
        self.names, self.problems, self.thumbnails, self.order = {}, {}, {}, []
        self.columns = {"says": {}, "truth": {}, "confidence": {}}
        strip.send = self.receive

    def receive(self, message, buffers):
        if "names" in message:
            self.names |= dict(enumerate(json.loads(buffers[0]), message["names"]))
        elif "thumbnails" in message:
            self.thumbnails |= dict(zip(message["thumbnails"], buffers, strict=True))
        else:
            index = np.frombuffer(buffers[0], np.int32).tolist()
            self.order.append(index)
            self.problems |= dict(message["problems"])
            for (name, column), buffer in zip(self.columns.items(), buffers[1:], strict=True):
                column |= zip(
                    index, np.frombuffer(buffer, np.float32 if name == "confidence" else np.int32), strict=True
                )


def png(value=0):
    file = io.BytesIO()
    Image.new("L", (8, 8), value).save(file, "PNG")
    return file.getvalue()


def upload(strip, say, name, content, size=10_000_000, **more):
    pieces = [content[start : start + size] for start in range(0, len(content), size)] or [b""]
    for part, piece in enumerate(pieces):
        say(strip, memoryview(piece), name=name, part=part, parts=len(pieces), **more)


def test_a_page_that_opens_is_told_everything(exploration, digits, say):
    strip = InputStrip(exploration)
    page = Page(strip)
    say(strip, everything=True)
    with torch.no_grad():
        said = digits.model(torch.stack([x for x, _ in digits.dataset])).argmax(1).tolist()
    assert strip.total == len(digits.dataset) == 355
    assert page.columns["says"] == dict(enumerate(said))
    assert page.columns["truth"] == {i: label for i, (_, label) in enumerate(digits.dataset)}
    assert page.names == {i: digits.item_name(i) for i in range(355)}
    assert strip.classes == digits.classes


def test_what_is_found_out_is_sent_once(explore, moody):
    samples = TensorSamples(torch.rand(1000, 1, 6, 6), [0] * 1000, [str(i) for i in range(1000)])
    pages = []

    class Watched(InputStrip):
        def _look(self):
            pages.append(Page(self))
            super()._look()

    Watched(explore(moody, dataset=samples))
    assert sorted(index for chunk in pages[0].order for index in chunk) == list(range(1000))


def test_what_cannot_be_read_is_named_and_the_others_are_there(explore, moody, say):
    class Torn:
        def __len__(self):
            return 4

        def __getitem__(self, index):
            if index == 2:
                raise ValueError("'2.jpg' is damaged")
            return torch.rand(1, 6, 6), 0

    strip = InputStrip(explore(moody, dataset=Torn()))
    page = Page(strip)
    say(strip, everything=True)
    say(strip, thumbnails=[0, 1, 2, 3])
    assert page.problems == {2: "'2.jpg' is damaged"}
    assert page.columns["says"][2] == -1
    assert [bool(page.thumbnails[index]) for index in range(4)] == [True, True, False, True]


def test_a_name_that_cannot_be_had_hides_no_other_sample(explore, moody, say):
    class Nameless:
        names = ("first",)

        def __len__(self):
            return 3

        def __getitem__(self, index):
            return torch.full((1, 6, 6), 0.5), None

    strip = InputStrip(explore(moody, dataset=Nameless()))
    page = Page(strip)
    say(strip, everything=True)
    assert page.names == {0: "first", 1: "sample 1", 2: "sample 2"}
    assert set(page.columns["truth"].values()) == {-1}


def test_thumbnails_are_made_of_what_is_asked_for(exploration, digits, say):
    strip = InputStrip(exploration)
    page = Page(strip)
    say(strip, thumbnails=[7, 340, 3, 12, 11, 9999, -1])
    assert list(page.thumbnails) == [7, 340, 3, 12, 11]
    for index, content in page.thumbnails.items():
        expected = digits.to_image(digits.item(index)[0]).convert("RGB")
        assert Image.open(io.BytesIO(content)).convert("RGB").tobytes() == expected.tobytes()


def test_a_click_looks_at_the_input_and_marks_it(exploration, say):
    strip = InputStrip(exploration)
    assert strip.chosen == exploration.subject.start
    say(strip, item=5)
    assert (exploration.item, strip.chosen) == (5, 5)
    assert exploration.answer.shown.name == exploration.subject.item_name(5)


def test_an_unreadable_sample_can_be_chosen_twice_and_the_mark_stays_with_what_is_shown(explore, moody, say):
    strip = InputStrip(explore(moody))
    for _ in range(2):
        strip.shared.error = ""
        say(strip, item=3)
        assert "no light" in strip.shared.error
        assert strip.chosen == 0


@pytest.mark.parametrize("size", [10_000_000, 40, 7])
def test_pieces_of_a_file_are_put_together(exploration, say, size):
    strip = InputStrip(exploration)
    upload(strip, say, "grey.png", png(100), size)
    assert exploration.error == ""
    assert exploration.answer.shown.name == "grey.png"
    torch.testing.assert_close(exploration.answer.shown.x, torch.full((1, 1, 8, 8), 100 / 255))


def test_an_upload_that_was_broken_off_does_not_spoil_the_next(exploration, say):
    strip, content = InputStrip(exploration), png()
    say(strip, content[:20], name="grey.png", part=0, parts=2)
    upload(strip, say, "again.png", content, 20)
    assert (exploration.error, exploration.answer.shown.name) == ("", "again.png")


def test_several_uploads_come_after_the_samples_and_a_bad_one_spoils_none(exploration, digits, say):
    strip = InputStrip(exploration)
    page = Page(strip)
    for name, content in (("one.png", png(50)), ("notes.txt", b"no picture"), ("two.png", png(200))):
        upload(strip, say, name, content, follows=name != "one.png")
    assert (strip.total, strip.chosen) == (357, 356)
    assert page.names == {355: "one.png", 356: "two.png"}
    assert "'notes.txt' is no image" in exploration.error  # the good one behind it does not wipe it away
    with torch.no_grad():
        said = [int(digits.model(torch.full((1, 1, 8, 8), value / 255)).argmax()) for value in (50, 200)]
    assert page.columns["says"] == {355: said[0], 356: said[1]}
    assert exploration.answer.shown.name == "two.png"
    exploration.item = 0
    assert exploration.error == ""


def test_what_of_a_bunch_is_refused_is_told_beside_the_strip_until_the_next_bunch(exploration, say, monkeypatch):
    monkeypatch.setattr(inputs, "MOST", 2**20)
    strip = InputStrip(exploration)
    say(strip, problem="'film.mp4' cannot be uploaded: it has 900 MB.", follows=False)
    upload(strip, say, "one.png", png(50), follows=True)
    upload(strip, say, "notes.txt", b"no picture", follows=True)
    upload(strip, say, "endless.png", bytes(3 * 2**20), size=2**19, follows=True)
    upload(strip, say, "two.png", png(200), follows=True)
    film, notes, endless = strip.refused
    assert film == "'film.mp4' cannot be uploaded: it has 900 MB."
    assert "'notes.txt' is no image that Pillow can read" in notes
    assert "'endless.png' is too large" in endless
    assert all(why in exploration.error for why in strip.refused)
    assert [each.name for each in exploration.uploads] == ["one.png", "two.png"]
    assert exploration.answer.shown.name == "two.png"
    upload(strip, say, "three.png", png(90))
    assert strip.refused == []


def test_a_removed_upload_is_named_to_the_page_and_not_looked_at(exploration, say):
    strip = InputStrip(exploration)
    page = Page(strip)
    for value in (50, 100):
        upload(strip, say, f"{value}.png", png(value))
    say(strip, remove=355)
    assert (strip.total, strip.samples, strip.removed, strip.chosen) == (357, 355, [355], 356)
    say(strip, thumbnails=[355, 356])
    assert list(page.thumbnails) == [356]
    upload(strip, say, "again.png", png(50))
    assert (strip.removed, strip.chosen, page.names[355]) == ([], 355, "again.png")
    say(strip, thumbnails=[355])
    assert page.problems == {}
    assert list(page.thumbnails) == [356, 355]
    say(strip, remove=3)
    assert exploration.error == "Input 3 is no upload that is here; samples of the subject stay."


def test_one_that_is_removed_before_it_is_looked_at_is_looked_at_when_it_comes_again(exploration):
    survey = Survey(exploration)
    exploration.show(png(50), "one.png")
    exploration.remove(355)
    assert 355 not in survey.left(0)
    assert len(survey.look([355]).index) == 0
    exploration.show(png(50), "one.png")
    assert 355 in survey.left(0)


def test_the_next_upload_on_its_own_wipes_a_refusal_away(exploration, say):
    strip = InputStrip(exploration)
    upload(strip, say, "notes.txt", b"no picture")
    upload(strip, say, "more.txt", b"no picture", follows=True)
    assert "'notes.txt' is no image" in exploration.error
    assert "'more.txt' is no image" in exploration.error
    upload(strip, say, "one.png", png(50))
    assert exploration.error == ""


def test_a_file_that_is_too_large_is_refused_in_the_kernel_as_on_the_page(exploration, say, monkeypatch):
    assert f"const MOST = {inputs.MOST // 2**20} * 2 ** 20;" in InputStrip._esm
    monkeypatch.setattr(inputs, "MOST", 2**20)
    strip = InputStrip(exploration)
    upload(strip, say, "endless.png", bytes(3 * 2**20), size=2**19)
    assert exploration.error == "'endless.png' is too large: a file may have 1 MB at most."
    assert sum(map(len, strip._arrivals._pieces._parts)) <= 2**20
    assert exploration.uploads == ()
    upload(strip, say, "one.png", png(50))
    assert (exploration.error, exploration.answer.shown.name) == ("", "one.png")


def test_an_unreadable_upload_is_a_sentence(exploration, say):
    strip = InputStrip(exploration)
    upload(strip, say, "empty.png", b"")
    assert "'empty.png' is no image" in exploration.error
    assert strip.chosen == exploration.subject.start


def test_a_problem_of_the_browser_is_shown(exploration, say):
    say(InputStrip(exploration), problem="“film.mp4” has 900 MB.")
    assert exploration.error == "“film.mp4” has 900 MB."


def test_uploads_are_offered_where_the_subject_takes_them(exploration, explore, moody):
    assert InputStrip(exploration).takes_uploads
    assert not InputStrip(explore(moody)).takes_uploads


def test_a_subject_without_samples_begins_with_an_upload(explore, digits, say):
    exploration = explore(digits, dataset=())
    strip = InputStrip(exploration)
    assert (strip.total, strip.chosen) == (0, None)
    upload(strip, say, "grey.png", png(100))
    assert (strip.total, strip.chosen, exploration.answer.shown.name) == (1, 0, "grey.png")


def test_a_question_goes_first_then_thumbnails_then_what_is_in_view():
    inputs = torch.arange(40.0)[:, None, None, None].expand(40, 1, 2, 2)
    samples = TensorSamples(inputs, [0] * 40, [str(i) for i in range(40)])

    async def scenario():
        model = nn.Sequential(nn.Flatten(), nn.Linear(4, 2)).eval()
        exploration = Exploration(Subject(model, samples, ["a", "b"]))
        scores, gate, seen, answered = exploration.explainer.scores, threading.Semaphore(0), [], asyncio.Event()

        def slow(x):
            assert gate.acquire(timeout=PATIENCE)
            seen.append([int(each) for each in x[:, 0, 0, 0]])
            return scores(x)

        exploration.explainer.scores = slow
        exploration.observe(lambda change: answered.set(), "answer")
        await answered.wait()
        answered.clear()
        strip = InputStrip(exploration)
        page = Page(strip)
        strip._handle_custom_msg({"thumbnails": [20, 21]}, [])
        gate.release(2)
        while len(page.thumbnails) < 2:
            await asyncio.sleep(0.001)
        exploration.item = 30  # waits for the one batch under way, and for no more
        gate.release()
        await answered.wait()
        assert exploration.answer.question.item == 30
        assert sum(map(len, seen)) < 10
        gate.release(1000)
        while strip._looking:
            await asyncio.sleep(0.001)
        exploration.close()
        order = [index for batch in seen for index in batch]
        assert sorted(order) == list(range(40))  # each once
        assert {20, 21} <= set(order[:3])
        rest = [index for index in order[1:] if index not in (20, 21)]
        assert (rest[0], rest[-1]) == (22, 19)  # on from what is in view, then round

    asyncio.run(asyncio.wait_for(scenario(), PATIENCE))
