from __future__ import annotations

import io

import torch
from PIL import Image

from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets import InputStrip, input_strip


def test_every_sample_is_looked_at(exploration, digits):
    strip = InputStrip(exploration)
    with torch.no_grad():
        said = digits.model(torch.stack([x for x, _ in digits.dataset])).argmax(1).tolist()
    truth = [label for _, label in digits.dataset]
    assert strip.total == len(strip.items) == len(strip.thumbnails) == len(truth)
    assert [item["says"] for item in strip.items] == [str(each) for each in said]
    assert [item["truth"] for item in strip.items] == [str(each) for each in truth]
    assert [item["wrong"] for item in strip.items] == [a != b for a, b in zip(said, truth, strict=True)]
    assert any(item["wrong"] for item in strip.items)


def test_thumbnails_of_small_pictures_are_exact(exploration, digits):
    strip = InputStrip(exploration)
    thumbnail = Image.open(io.BytesIO(strip.thumbnails[5]))
    assert thumbnail.format == "PNG"
    assert thumbnail.convert("RGB").tobytes() == digits.to_image(digits.item(5)[0]).convert("RGB").tobytes()


def test_thumbnails_of_large_pictures_are_small(explore, moody):
    x = torch.rand(1, 3, 300, 200)
    model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()
    samples = TensorSamples(x, [0], ["large"])
    strip = InputStrip(explore(moody, model=model, dataset=samples))
    thumbnail = Image.open(io.BytesIO(strip.thumbnails[0]))
    assert (thumbnail.format, max(thumbnail.size)) == ("JPEG", 64)


def test_what_cannot_be_read_is_named_and_the_others_are_there(explore, moody):
    strip = InputStrip(explore(moody))
    assert [("problem" in item) for item in strip.items] == [False, False, False, True, False]
    assert strip.items[3]["name"] == "picture 3"
    assert "no light" in strip.items[3]["problem"]
    assert strip.thumbnails[3] == b""
    assert all(strip.thumbnails[index] for index in (0, 1, 2, 4))


def test_a_name_that_cannot_be_had_hides_no_other_sample(explore, moody):
    class Nameless:
        names = ("first",)

        def __len__(self):
            return 3

        def __getitem__(self, index):
            return torch.full((1, 6, 6), 0.5), None

    strip = InputStrip(explore(moody, dataset=Nameless()))
    assert [item["name"] for item in strip.items] == ["first", "sample 1", "sample 2"]
    assert not strip.items[0]["wrong"]  # nobody knows the truth


def test_a_click_looks_at_the_sample_and_marks_it(exploration, say):
    strip = InputStrip(exploration)
    assert strip.chosen == exploration.subject.start
    say(strip, item=5)
    assert (exploration.item, strip.chosen) == (5, 5)
    assert exploration.answer.picture.name == exploration.subject.item_name(5)


def test_an_unreadable_sample_can_be_chosen_twice_and_the_mark_stays_with_what_is_shown(explore, moody, say):
    strip = InputStrip(explore(moody))
    for _ in range(2):
        strip.exploration.error = ""
        say(strip, item=3)
        assert "no light" in strip.exploration.error
        assert strip.chosen == 0


def test_of_a_large_dataset_the_first_samples_are_shown(explore, moody, monkeypatch):
    monkeypatch.setattr(input_strip, "MOST", 20)
    samples = TensorSamples(torch.rand(50, 1, 6, 6), [0] * 50, [str(i) for i in range(50)])
    strip = InputStrip(explore(moody, dataset=samples))
    assert (strip.total, len(strip.items)) == (50, 20)


def test_without_samples_the_strip_is_empty(explore, moody):
    strip = InputStrip(explore(moody, dataset=()))
    assert (strip.total, strip.items, strip.chosen) == (0, [], None)
