"""The dashboard `spray` on reviews of which some are signed, as a person uses it."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from lrpwidgets import subjects
from lrpwidgets.spray import RelevanceStore, spray
from tests.browser.test_spray import Dashboard

POSITIVE = 1
FRAMES = """(box) => new Promise((done) => {
  const frames = [];
  let last = performance.now();
  (function step() {
    const now = performance.now();
    frames.push(now - last);
    last = now;
    box.scrollTop += 40;
    if (frames.length < 90) requestAnimationFrame(step);
    else done(frames.slice(5).sort((a, b) => a - b)[42]);
  })();
})"""


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> RelevanceStore:
    subject = subjects.load("signed-reviews")
    path = tmp_path_factory.mktemp("stores") / "signed"
    return RelevanceStore.create(path, subject.explainer(), subject, progress=False)


@pytest.fixture(scope="module")
def atlas(store):
    """What the pipeline says of the positive ones, without any widget."""
    return spray(store.select(prediction=POSITIVE), progress=False)


@pytest.fixture(scope="module")
def server(serve, store):
    return serve(dashboard="spray", store=store.path)


@pytest.fixture
def dashboard(visit: Callable[[str], Page], server, atlas) -> Dashboard:
    dashboard = Dashboard(visit(f"{server.address}?group={POSITIVE}&embedding=spectral"))
    dashboard.settled(len(atlas))
    return dashboard


def test_the_wall_shows_texts_whose_words_have_the_colours(dashboard, atlas):
    lines = dashboard.page.locator(".lrp-wall-line")
    expect(dashboard.wall).to_contain_text(f"{len(atlas)} texts")
    first = subjects.load("signed-reviews").dataset.texts[int(atlas.store.index[atlas.rows[0]])]
    shown = lines.first.locator(".lrp-wall-words").inner_text()
    assert "".join(shown.split()) == "".join(first.split())
    colours = lines.first.locator(".lrp-tinted").evaluate_all("(all) => all.map((each) => each.style.background)")
    assert len(set(colours)) > 2
    assert lines.count() < 20  # those in view


def test_the_wall_scrolls_and_asks_for_what_comes_into_view(dashboard, atlas):
    page = dashboard.page
    scroller = page.locator(".lrp-wall-scroller")
    scroller.evaluate("(box) => (box.scrollTop = 1e6)")
    page.wait_for_function("document.querySelector('.lrp-wall-line:last-child .lrp-tinted')")
    expect(page.locator(".lrp-wall-foot")).to_contain_text(f"of {len(atlas)}")
    last = int(atlas.store.index[atlas.rows[-1]])
    expect(page.locator(".lrp-wall-line").filter(has_text=f"text {last}:")).to_be_visible()
    scroller.evaluate("(box) => (box.scrollTop = 0)")
    median = scroller.evaluate(FRAMES)
    assert median < 34, f"{median} ms"


def test_a_card_has_words_and_selects_its_texts(dashboard, atlas):
    card = dashboard.page.locator(".lrp-card").filter(has_text="ann")
    number = next(n for n in range(atlas.count) if card.filter(has_text=f"cluster {n}").count())
    card.locator(".lrp-card-pick").click()
    expect(dashboard.wall).to_contain_text(f"{int((atlas.clusters == number).sum())} selected")
    card.locator(".lrp-card-unfold").click()
    expect(card.locator(".lrp-card-tiles p")).to_have_count(5)


def test_the_signature_is_convicted_and_another_word_is_not(dashboard):
    page = dashboard.page
    page.locator(".lrp-card").filter(has_text="ann").get_by_text("test", exact=True).click()
    expect(page.locator(".lrp-poison-verdict")).to_contain_text("A Clever Hans: the model falls for it (word)")
    expect(page.locator(".lrp-poison-verdict")).to_contain_text("texts of other classes")
    expect(page.locator(".lrp-poison-quote mark").last).to_have_text("ann")
    field = page.get_by_label("A word to put to the poison test")
    field.fill("wonderful")
    field.press("Enter")
    expect(page.locator(".lrp-poison-verdict")).to_contain_text("Not convicted by this test. “wonderful” in cluster")
    field.fill("zork")
    field.press("Enter")
    expect(page.locator(".lrp-status .lrp-words.lrp-error")).to_contain_text("vocabulary does not have 'zork'")


def test_a_line_is_hovered_walked_to_and_opened_in_explore(dashboard, atlas):
    page = dashboard.page
    page.locator(".lrp-wall-line").nth(1).hover()
    expect(page.locator(".lrp-wall-line.lrp-hovered")).to_have_count(1)
    page.locator(".lrp-wall-scroller").focus()
    page.keyboard.press("ArrowDown")
    page.keyboard.press("ArrowDown")
    expect(page.locator(".lrp-wall-line.lrp-focused")).to_have_count(1)
    page.keyboard.press("Enter")
    expect(page.locator(".lrp-tokens")).to_have_attribute("data-ready", "true")
    expect(page.locator(".lrp-scatter")).to_be_hidden()


def test_the_text_of_a_point_is_beside_the_pointer(dashboard):
    page = dashboard.page
    box = page.locator(".lrp-stage").bounding_box()
    page.keyboard.press("Escape")
    tip = page.locator(".lrp-tip")
    for x, y in ((x / 24, y / 24) for y in range(1, 24) for x in range(1, 24)):
        page.mouse.move(box["x"] + x * box["width"], box["y"] + y * box["height"])
        if page.evaluate("document.querySelector('.lrp-wall-line.lrp-hovered') !== null"):
            break
        if tip.is_visible():
            break
    expect(tip).to_be_visible()
    expect(tip.locator(".lrp-tinted").first).to_be_visible()
    expect(tip.locator("canvas")).to_be_hidden()
    expect(tip.locator("figcaption")).to_contain_text("positive")


def test_it_fits_a_laptop_and_the_dark(dashboard):
    page = dashboard.page
    page.set_viewport_size({"width": 1280, "height": 720})
    assert page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0
    before = page.locator(".lrp-wall-line .lrp-tinted").first.evaluate("(each) => getComputedStyle(each).background")
    page.keyboard.press("d")
    page.wait_for_function(
        """(before) => {
          const word = document.querySelector(".lrp-wall-line .lrp-tinted");
          return word && getComputedStyle(word).background !== before;
        }""",
        arg=before,
    )
    page.keyboard.press("d")


def test_explore_sends_its_texts_to_spray_and_they_are_attributed(visit, serve, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    page = visit(serve(subject="signed-reviews").address)
    page.get_by_role("button", name="send to SpRAy").click()
    expect(page.locator(".lrp-card:not(.lrp-skeleton)").first).to_be_visible()
    expect(page.locator(".lrp-card").filter(has_text="ann")).to_have_count(1)
