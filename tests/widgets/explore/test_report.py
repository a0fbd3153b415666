from __future__ import annotations

import base64
import io
import json
import re
from dataclasses import replace
from html.parser import HTMLParser

import numpy as np
import pytest
import torch
from PIL import Image

from lrpwidgets.colours import MAPS, coloured
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets.base.page import amount
from lrpwidgets.widgets.explore.report import report


class Page(HTMLParser):
    """The text, tags and image sources of a page."""

    def __init__(self, text: str) -> None:
        super().__init__()
        self.words: list[str] = []
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.feed(text)

    def handle_starttag(self, tag, attributes):
        self.tags.append((tag, dict(attributes)))

    def handle_data(self, data):
        self.words.append(data)

    @property
    def text(self) -> str:
        return " ".join(" ".join(self.words).split())

    def image(self, which: int) -> np.ndarray:
        sources = [attributes["src"] for tag, attributes in self.tags if tag == "img"]
        content = base64.b64decode(sources[which].removeprefix("data:image/png;base64,"))
        return np.asarray(Image.open(io.BytesIO(content)))


def test_the_pictures_are_those_on_the_screen(exploration):
    page = Page(report(exploration, {"gain": 2, "map": "orange–purple", "sign": "positive"}))
    pixels = exploration.answer.pixels
    expected = coloured(np.maximum(pixels, 0), np.percentile(np.abs(pixels), 99.5) / 2, MAPS["orange–purple"])
    times = page.image(1).shape[0] // 8
    np.testing.assert_array_equal(page.image(1)[::times, ::times], expected)
    picture = exploration.subject.to_image(exploration.answer.shown.x[0]).convert("RGB")
    np.testing.assert_array_equal(page.image(0)[::times, ::times], np.asarray(picture))


def test_which_maps_share_a_scale(exploration):
    exploration.pin(replace(exploration.question, composite=exploration.preset("epsilon")))
    exploration.pin(replace(exploration.question, target=2))
    maps = [exploration.answer.pixels, *(each.pixels for each in exploration.pinned)]
    live, other, same = (np.percentile(np.abs(each), 99.5) for each in maps)
    scales = {"composite": (max(live, same), other, max(live, same)), "own": (live, other, same)}
    for scale, limits in (scales | {"shared": (max(live, other, same),) * 3}).items():
        page = Page(report(exploration, {"scale": scale}))
        for which, (pixels, limit) in enumerate(zip(maps, limits, strict=True), start=1):
            times = page.image(which).shape[0] // 8
            np.testing.assert_array_equal(page.image(which)[::times, ::times], coloured(pixels, limit))
            assert amount(limit) in page.text


def test_a_difference_is_drawn_where_the_screen_shows_one(exploration):
    exploration.pin(replace(exploration.question, composite=exploration.preset("epsilon")))
    exploration.pin(replace(exploration.question, target=2))
    live, _, other = maps = [exploration.answer.pixels, *(each.pixels for each in exploration.pinned)]
    page = Page(report(exploration, {"differences": [1, 4]}))
    limit = max(np.percentile(np.abs(each), 99.5) for each in (live, live - other))
    for which, pixels in ((1, live), (3, live - other)):
        times = page.image(which).shape[0] // 8
        np.testing.assert_array_equal(page.image(which)[::times, ::times], coloured(pixels, limit))
    assert len(maps) == 3
    assert page.text.count("What the first map has more than") == 1


def test_the_first_page_is_for_a_person(exploration):
    subject, answer = exploration.subject, exploration.answer
    text = Page(report(exploration)).text
    says = subject.class_name(answer.whole.top_class)
    assert f"The network says “{says}” , with a probability of " in text
    assert "That is right." in text
    positive = np.sort(answer.pixels.clip(min=0).ravel())[::-1]
    half = 100 * (1 + np.argmax(positive.cumsum() >= positive.sum() / 2)) / positive.size
    assert f"Half of the evidence for “{says}” lies in {amount(half)} % of the pixels." in text
    assert f"against “{says}”" in text
    assert text.index("What the network says") < text.index("For specialists")
    exploration.ask(target=3, than=5)
    assert "what sets “3” apart from “5”." in Page(report(exploration)).text


def test_scores_rules_and_losses_are_in_it(exploration):
    text = Page(report(exploration)).text
    ledger = exploration.answer.explanation.ledger
    for row in ledger.rows:
        assert f"{row.name} {row.kind} {row.rule}".strip() in text
    for total in (ledger.explained, ledger.reached_input, ledger.bias, ledger.stabilizer):
        assert amount(float(total[0])) in text
    for score in exploration.answer.scores:
        assert amount(score) in text


def test_caveats_are_in_it(exploration):
    worst = int(np.argmin(exploration.answer.scores))
    exploration.target = worst
    assert exploration.answer.explanation.caveats
    text = Page(report(exploration)).text
    assert all(caveat in text for caveat in exploration.answer.explanation.caveats)


def test_the_state_in_it_leads_back(exploration, explore, digits):
    exploration.ask(item=3, target=7)
    state = json.loads(re.search(r"\{.*\}", "".join(Page(report(exploration)).words[-40:]), re.DOTALL)[0])
    other = explore(digits)
    other.restore(state)
    assert other.question == exploration.question


def test_a_composite_without_text_form_is_no_hindrance(exploration):
    composite = exploration.composite
    by_function = (lambda place: False, composite.entries[-1][1])
    exploration.composite = type(composite)([by_function, *composite.entries], "mine")
    assert exploration.error == ""
    assert "This state has no text form." in Page(report(exploration)).text


def test_it_needs_no_network_and_runs_no_script(exploration):
    page = Page(report(exploration))
    assert not {"script", "link", "iframe", "object"} & {tag for tag, _ in page.tags}
    for _, attributes in page.tags:
        assert all(str(attributes.get(name, "data:")).startswith("data:") for name in ("src", "href"))


def test_hostile_names_are_text(explore):
    torch.manual_seed(0)
    hostile = "<img src=x onerror=alert(1)>"
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2)).eval()
    samples = TensorSamples(torch.rand(1, 1, 4, 4), [0], [f"{hostile}.png"])
    page = Page(report(explore(Subject(model, samples, [hostile, "<script>1</script>"], title="<b>own</b>"))))
    assert f"{hostile}.png" in page.text
    assert "<script>1</script>" in page.text
    assert "<b>own</b>" in page.text
    assert "script" not in {tag for tag, _ in page.tags}
    assert all("onerror" not in attributes for _, attributes in page.tags)


def test_without_an_answer_there_is_a_sentence(digits, explore):
    with pytest.raises(ValueError, match="Nothing is explained yet"):
        report(explore(Subject(digits.model)))
