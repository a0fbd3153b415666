"""Explore on texts, as a person uses it: the sentence is the heatmap."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lrpwidgets.colours import coloured
from tests.browser.conftest import Server
from tests.browser.dashboard import NEXT_FRAME
from tests.browser.test_first_minute import CUT, FAINT
from tests.subjects import answering
from tests.widgets.texts import toy

SEQUENCE = "Number(document.querySelector('.lrp-tokens')?.dataset.seq)"
COLOUR = "(word) => getComputedStyle(word).backgroundColor.match(/[\\d.]+/g).map(Number)"
HOSTILE, LONG = len(toy.TEXTS), len(toy.TEXTS) + 1

SCROLL = """async (box) => {
  const times = [];
  box.scrollTop = 0;
  let last = performance.now();
  for (let step = 0; step < 90; step++) {
    box.scrollTop += box.scrollHeight / 120;
    const now = await new Promise(requestAnimationFrame);
    times.push(now - last);
    last = now;
  }
  return times.sort((a, b) => a - b)[45];
}"""
"""Milliseconds from frame to frame, as the median, while a box is scrolled."""

REDRAW = """async () => {
  const levels = [...document.querySelectorAll(".lrp-text-tools [aria-label='What has a colour'] button")];
  const times = [];
  for (const level of levels) {
    const start = performance.now();
    level.click();
    times.push(performance.now() - start);
  }
  return times;
}"""

INK_AT_ENDS = """(canvas) => {
  const { width, height } = canvas;
  const sides = [[0, 0, 1, height], [width - 1, 0, 1, height], [0, height - 1, width, 1]];
  const rows = document.querySelectorAll(".lrp-trace-label").length * 22 * (window.devicePixelRatio || 1);
  return sides.map(([x, y, w, h]) => {
    const { data } = canvas.getContext("2d").getImageData(x, Math.max(y, rows), w, h - Math.max(0, rows - y));
    return data.some((value, at) => at % 4 === 3 && value > 0);
  });
}"""
"""Whether anything is drawn at the left, right and lower end of the names below a trace."""

PASTE = """(text) => {
  const clipboardData = new DataTransfer();
  clipboardData.setData("text/plain", text);
  document.body.dispatchEvent(new ClipboardEvent("paste", { bubbles: true, cancelable: true, clipboardData }));
}"""


@dataclass(frozen=True)
class Reading:
    """The page of a text, and what a person does there."""

    page: Page

    @property
    def said(self):
        return self.page.locator(".lrp-text-said")

    def word(self, text: str):
        return self.page.locator(".lrp-word[role=button]").filter(has_text=text).first

    @contextmanager
    def redrawn(self) -> Iterator[None]:
        """Wait until what is done inside has changed the words."""
        before = self.page.evaluate(SEQUENCE)
        yield
        self.page.wait_for_function(f"{SEQUENCE} > {before}")

    def look_at(self, item: int) -> None:
        with self.redrawn():
            self.page.locator(f".lrp-thumbnails [data-index='{item}']").click()

    def colour_by(self, level: str) -> None:
        self.page.get_by_role("button", name=level, exact=True).click()


@pytest.fixture(scope="module")
def texts(serve: Callable[..., Server]) -> Server:
    """The explore dashboard on texts."""
    return serve(subject=f"{Path(toy.__file__)}:make")


@pytest.fixture
def reading(visit: Callable[[str], Page], texts: Server) -> Reading:
    page = visit(texts.address)
    page.wait_for_function(f"{SEQUENCE} > 0")
    return Reading(page)


def test_words_have_the_colours_of_their_relevance_at_every_level(reading):
    end = 1.0  # that of "ending", −1
    for word in ("slow", "funny", "ending", "never"):
        expected = coloured(toy.VALUES[word], end)
        assert np.abs(reading.word(word).evaluate(COLOUR)[:3] - expected).max() <= 1
    expect(reading.word("clum")).to_have_attribute("data-value", "−0.30")
    expect(reading.page.locator(".lrp-ends")).to_have_text("−1+1relevance per word, sum of its tokens, in units of f")
    expect(reading.page.locator(".lrp-sinks")).to_contain_text(
        "shown but outside the scale; they hold 0.17 of Σ R = 0.52"
    )
    reading.colour_by("token")
    expect(reading.page.locator(".lrp-token").nth(1)).to_have_attribute("data-value", "−0.20")
    reading.look_at(1)
    reading.colour_by("sentence")
    values = reading.page.locator(".lrp-run[data-value]").evaluate_all("(all) => all.map((each) => each.dataset.value)")
    assert values == ["0.00", "−0.60", "1.50"]
    reading.page.get_by_label("sinks").uncheck()
    expect(reading.page.locator(".lrp-sinks")).to_contain_text("coloured like the rest")


def test_a_struck_word_is_crossed_out_and_taken_back_by_hand_and_by_keys(reading):
    with reading.redrawn():
        reading.word("never").click()
    expect(reading.said).to_have_text("without “never”: f 0.52 → 0.22")
    expect(reading.word("never")).to_have_attribute("aria-pressed", "true")
    expect(reading.word("never")).to_have_css("text-decoration-line", "line-through")
    reading.word("never").focus()
    reading.page.keyboard.press("ArrowRight")
    expect(reading.word("dull")).to_be_focused()
    expect(reading.page.locator(".lrp-told")).to_contain_text("dull · position 23, id")
    with reading.redrawn():
        reading.page.keyboard.press("Delete")
    expect(reading.said).to_have_text("without “never”, “dull”: f 0.52 → 0.82")
    expect(reading.word("dull")).to_be_focused()
    with reading.redrawn():
        reading.page.keyboard.press(" ")
    expect(reading.said).to_have_text("without “never”: f 0.52 → 0.22")
    with reading.redrawn():
        reading.word("never").click()
    expect(reading.said).to_have_text("f = 0.52")


def test_score_and_relevance_follow_what_is_typed(reading):
    reading.page.keyboard.press("e")
    field = reading.page.get_by_label("Text to explain")
    expect(field).to_be_focused()
    field.fill("a good film")
    expect(reading.said).to_have_text("f = 0.65")
    field.press_sequentially(", never dull", delay=20)
    expect(reading.word("dull")).to_be_visible()
    expect(reading.said).to_have_text("f = 0.4")
    expect(field).to_have_value("a good film, never dull")
    reading.page.get_by_role("button", name="as it was").click()
    expect(reading.said).to_have_text("f = 0.52")
    expect(field).to_have_value(toy.TEXTS[0])


def test_a_text_is_pasted_or_opened_as_a_file(reading):
    with reading.redrawn():
        reading.page.evaluate(PASTE, "bad and dull")
    expect(reading.said).to_have_text("f = 1.1")
    files = [{"name": f"{name}.txt", "mimeType": "text/plain", "buffer": name.encode()} for name in ("good", "moving")]
    reading.page.locator(".lrp-strip input[type=file]").set_input_files(files)
    expect(reading.page.locator(".lrp-thumbnails [aria-selected=true]")).to_contain_text("moving")
    expect(reading.page.locator(".lrp-count b")).to_have_text(f"{LONG + 3} texts")


def test_a_word_that_is_pointed_at_is_marked_in_all_views(reading):
    page = reading.page
    page.evaluate(
        """() => {
          window.heard = [];
          document.querySelector(".lrp-page").addEventListener("lrp-word", ({ detail }) => heard.push(detail));
        }"""
    )
    reading.word("clum").hover()
    expect(page.locator(".lrp-tokens .lrp-touched")).to_have_text("clumsy")
    assert page.evaluate("heard.at(-1)") == 3
    page.evaluate("document.querySelector('.lrp-page').dispatchEvent(new CustomEvent('lrp-word', { detail: 12 }))")
    expect(page.locator(".lrp-tokens .lrp-touched")).to_have_text("funny")


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_words_can_be_read_on_every_colour_and_nothing_is_cut_off(reading, theme):
    page = reading.page
    page.set_viewport_size({"width": 1280, "height": 720})
    if theme == "dark":
        page.keyboard.press("d")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    with reading.redrawn():
        page.get_by_role("button", name="pin", exact=True).click()
    expect(page.locator(".lrp-pin-text[aria-busy=false] .lrp-word").first).to_be_visible()
    for level in ("sentence", "token", "word"):
        reading.colour_by(level)
        assert page.evaluate(FAINT) == []
    assert page.evaluate(CUT) == []
    assert "picture" not in page.locator(".lrp-page").inner_text()
    page.get_by_role("button", name="Close this map").click()
    expect(page.locator(".lrp-pin-text")).to_have_count(0)


@pytest.mark.parametrize("width", [1280, 1920])
def test_struck_words_stay_inside_their_pane(reading, width):
    page = reading.page
    page.set_viewport_size({"width": width, "height": 900})
    rows = page.locator(".lrp-strikes .lrp-strike-row")
    expect(rows.nth(3)).to_be_visible()
    ends = rows.evaluate_all(
        """(rows) => rows.flatMap((row) => [...row.children]).map(
          (each) => each.getBoundingClientRect().right - each.closest(".lrp-strikes").getBoundingClientRect().right)"""
    )
    assert max(ends) <= 0


@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_names_of_words_and_layers_are_whole_below_and_beside_the_way_down(reading, size):
    page = reading.page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    canvas = page.locator(".lrp-trace-sheet canvas")
    with reading.redrawn():
        page.keyboard.press("e")
        page.get_by_label("Text to explain").fill(f"{'dull' * 20} 映画映画映画映画 clumsy, {'warm' * 20}")
    page.evaluate(NEXT_FRAME)
    assert canvas.evaluate(INK_AT_ENDS) == [False, False, False]
    with reading.redrawn():
        page.get_by_label("Text to explain").fill("dull" * 20 + " film")  # wide columns
    page.evaluate(NEXT_FRAME)
    assert canvas.evaluate(INK_AT_ENDS) == [False, False, False]
    box = canvas.bounding_box()
    page.mouse.move(box["x"] + box["width"] - 5, box["y"] + 5)
    expect(page.locator(".lrp-tokens .lrp-touched")).to_have_text("film")
    mark = page.locator(".lrp-trace-mark").bounding_box()
    assert mark["x"] + mark["width"] == pytest.approx(box["x"] + box["width"], abs=2)


@pytest.mark.alone
def test_four_thousand_tokens_scroll_smoothly(reading):
    reading.look_at(LONG)
    expect(reading.page.locator(".lrp-word")).to_have_count(4001)
    box = reading.page.locator(".lrp-texts")
    medians = [box.evaluate(SCROLL) for _ in range(3)]
    assert min(medians) <= 17, medians
    redraws = reading.page.evaluate(REDRAW)
    assert max(redraws) < 500, redraws


def test_hostile_tokens_are_text(reading):
    page = reading.page
    reading.look_at(HOSTILE)
    expect(page.locator(".lrp-text").first).to_contain_text("<script>owned=2</script>")
    for token in ("onerror", "[U+202E]"):
        expect(reading.word(token)).to_be_visible()
    expect(page.locator(".lrp-snippet").nth(HOSTILE)).to_contain_text("<img src=x")
    assert page.evaluate("window.owned") is None
    assert page.locator(".lrp-page :is(script, iframe, img)").count() == 0


def test_files_and_python_are_made(reading):
    page = reading.page
    for kind, begins in (("figure (SVG)", "<svg"), ("paper (LaTeX)", "% needs"), ("report (HTML)", "<!DOCTYPE html>")):
        page.locator(".lrp-tokens summary").last.click()
        with page.expect_download() as saved:
            page.get_by_role("button", name=kind).click()
        assert Path(saved.value.path()).read_text(encoding="utf-8").startswith(begins)
    with reading.redrawn():
        reading.word("never").click()
    page.get_by_role("button", name="Copy Python code").click()
    expect(page.get_by_role("dialog", name="Copy as Python")).to_contain_text("texts.struck(encoded, [21]")


def test_a_link_brings_the_level_and_the_sinks(reading, new_page):
    page = reading.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    reading.look_at(1)
    reading.colour_by("sentence")
    page.get_by_label("sinks").uncheck()
    page.get_by_role("button", name="Copy a link to this view").click()
    expect(page.locator(".lrp-note")).to_have_text("link copied")
    other = new_page()
    other.goto(str(page.evaluate("navigator.clipboard.readText()")))
    expect(other.get_by_role("button", name="sentence", exact=True)).to_have_attribute("aria-pressed", "true")
    expect(other.get_by_label("sinks")).not_to_be_checked()
    values = ".lrp-run[data-value]"
    expect(other.locator(values)).to_have_count(3)
    shown = [
        each.locator(values).evaluate_all("(all) => all.map((run) => run.dataset.value)") for each in (page, other)
    ]
    assert shown[0] == shown[1]
    other.reload()
    expect(other.get_by_role("button", name="sentence", exact=True)).to_have_attribute("aria-pressed", "true")
    with page.expect_download() as saved:
        page.get_by_role("button", name="Save this view as a file").click()
    state = json.loads(Path(saved.value.path()).read_text(encoding="utf-8"))
    assert state["look"] == {"level": "sentence", "sinks": False}


def test_an_answer_is_chosen_by_its_words_and_is_in_the_link(serve, visit, new_page):
    page = visit(serve(subject=f"{Path(answering.__file__)}:make").address)
    page.wait_for_function(f"{SEQUENCE} > 0")
    reading = Reading(page)
    reading.look_at(1)
    choice = page.locator("select[aria-label='Class to explain']")
    choice.focus()
    page.keyboard.press("Enter")
    expect(page.get_by_placeholder("Search …")).to_be_focused()
    page.keyboard.press("Escape")
    choice.click()
    expect(page.get_by_placeholder("Search …")).to_be_focused()
    page.keyboard.type("never dull")
    with reading.redrawn():
        page.keyboard.press("Enter")
    expect(page.get_by_role("button", name="keep “never dull”")).to_be_visible()
    page.wait_for_function("location.search.includes('target=')")
    other = new_page()
    other.goto(page.url)
    expect(other.get_by_role("button", name="keep “never dull”")).to_be_visible()
    words = [each.locator(".lrp-text").first.inner_text() for each in (page, other)]  # with their relevance
    assert words[0] == words[1]
    expect(page.locator(".lrp-strikes")).to_contain_text("they move when a word is struck")
