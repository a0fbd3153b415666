"""What a person finds in the first minute: rooms, three steps, words that can be read, in Voilà at usual sizes."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

from tests.browser.conftest import Server
from tests.browser.dashboard import SEQUENCE, opened

SIZES = [(1280, 720), (1366, 768), (1920, 1080)]

FAINT = r"""() => {
  const rgba = (text) => { const [r, g, b, a = 1] = text.match(/[\d.]+/g).map(Number); return [r, g, b, a]; };
  const over = (top, under) => top.slice(0, 3).map((value, i) => value * top[3] + under[i] * (1 - top[3]));
  const linear = (v) => (v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4);
  const light = (c) => c.reduce((sum, v, i) => sum + linear(v / 255) * [0.2126, 0.7152, 0.0722][i], 0);
  const lineage = (node) => (node ? [...lineage(node.parentElement), node] : []);
  const paper = (node) => lineage(node).map((each) => rgba(getComputedStyle(each).backgroundColor))
    .reduce((under, top) => over(top, under), [255, 255, 255]);
  const found = [];
  const walker = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
  while (walker.nextNode()) {
    const [node, words] = [walker.currentNode.parentElement, walker.currentNode.textContent.trim()];
    if (!words || !node.checkVisibility() || !node.closest(".lrp-page, #rendered_cells")) continue;
    if (node.closest(":disabled, script, style, option, svg")) continue;
    const [a, b] = [light(over(rgba(getComputedStyle(node).color), paper(node))), light(paper(node))];
    const ratio = (Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05);
    if (ratio < 4.5) found.push(`${words}: ${ratio.toFixed(2)}`);
  }
  return found;
}"""
"""Texts of ours with less contrast than 4.5 : 1, by the formula of WCAG 2.2."""

CUT = """() => [...document.querySelectorAll(".lrp-page *")]
  .filter((node) => node.checkVisibility() && getComputedStyle(node).textOverflow === "ellipsis")
  .filter((node) => node.scrollWidth > node.clientWidth + 1).map((node) => node.innerText)"""
"""Texts that end in three dots."""


def room(page: Page, name: str) -> None:
    page.get_by_role("navigation", name="Rooms").get_by_role("button", name=name).filter(visible=True).click()


def explained(page: Page) -> None:
    """The data set is explained, and its atlas is there."""
    expect(page.locator(".lrp-wall")).to_have_attribute("data-shown", re.compile("[1-9]"))
    page.wait_for_function("Number(document.querySelector('.lrp-wall').dataset.drawn) > 0")
    expect(page.locator(".lrp-busy")).to_have_count(0)


@pytest.mark.parametrize("size", SIZES)
def test_what_one_looks_at_goes_to_spray_and_back(look, digits: Server, size):
    page = look(f"{digits.address}?subject=digits&item=12").page
    page.set_viewport_size({"width": size[0], "height": size[1]})
    name = page.locator(".lrp-heatmap figcaption b").first.inner_text()
    room(page, "SpRAy")
    explained(page)
    expect(page.locator(".lrp-heatmap")).to_be_hidden()
    expect(page.locator(".lrp-wall")).to_contain_text("1 selected")
    expect(page).to_have_url(re.compile("room=spray&.*selected="))
    expect(page.get_by_role("heading", name="Strategies of the network for “")).to_be_visible()
    page.locator(".lrp-ranks button").filter(has_text="all maps").click()
    expect(page.locator(".lrp-wall")).to_contain_text("355 heatmaps")
    explained(page)
    page.locator(".lrp-wall-scroller canvas").click(position={"x": 20, "y": 20})
    expect(page.locator(".lrp-heatmap")).to_be_visible()
    expect(page.locator(".lrp-heatmap figcaption b").first).not_to_have_text(name)
    expect(page).to_have_url(re.compile("item=0"))


def test_a_link_to_spray_opens_there(look, visit, digits: Server):
    page = visit(f"{digits.address}?room=spray&subject=digits&group=4&sign=absolute&embedding=spectral")
    explained(page)
    expect(page.get_by_role("heading", name="Strategies of the network for “4”")).to_be_visible()
    room(page, "Explore")
    expect(page.locator(".lrp-heatmap")).to_be_visible()


@pytest.fixture
def newcomer(look, digits: Server) -> Page:
    """Somebody who was never here."""
    page = look(digits.address).page
    page.evaluate("localStorage.removeItem('lrp-tour'), localStorage.setItem('newcomer', 'yes')")
    page.reload()
    page.wait_for_function(f"{SEQUENCE} > 0")
    return page


def test_three_steps_are_offered_once_and_each_can_be_done_by_hand(newcomer: Page):
    page, card = newcomer, newcomer.locator(".lrp-step")
    page.get_by_role("button", name="show me").click()
    expect(card).to_contain_text("1 of 3")
    expect(page.locator(".lrp-question")).to_have_class(re.compile("lrp-pointed"))
    page.get_by_label("Rather than which class").select_option("9")
    expect(card.get_by_role("button", name="done")).to_be_disabled()
    card.get_by_role("button", name="next").click()
    expect(card).to_contain_text("2 of 3")
    card.get_by_role("button", name="do it for me").click()
    expect(page.locator(".lrp-heatmap")).to_contain_text("painted: not the original input")
    card.get_by_role("button", name="next").click()
    page.locator(".lrp-tile[data-channel]:not([data-channel=all])").first.click()
    expect(card.get_by_role("button", name="done")).to_be_disabled()
    card.get_by_role("button", name="that is all").click()
    expect(card).to_be_hidden()
    expect(page.get_by_label("Rather than which class")).to_have_value("")
    expect(page.locator(".lrp-heatmap")).not_to_contain_text("painted: not the original input")
    opened(page).still_works()


def test_who_does_not_want_the_steps_is_not_asked_again_and_a_key_shows_them(newcomer: Page):
    newcomer.get_by_role("button", name="no, thanks").click()
    expect(newcomer.get_by_text("New here?")).to_be_hidden()
    newcomer.keyboard.press("t")
    expect(newcomer.locator(".lrp-step")).to_contain_text("1 of 3")
    newcomer.locator(".lrp-step").get_by_role("button", name="close").click()
    newcomer.reload()
    newcomer.wait_for_function(f"{SEQUENCE} > 0")
    expect(newcomer.get_by_text("New here?")).to_be_hidden()


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_all_can_be_read_and_nothing_is_cut_off(look, digits: Server, theme):
    page = look(digits.address).page
    page.set_viewport_size({"width": 1280, "height": 720})
    if theme == "dark":
        page.keyboard.press("d")
        expect(page.locator("html")).to_have_attribute("data-theme", "dark")
    page.get_by_role("button", name="pin", exact=True).click()
    expect(page.locator("figure[data-kind=pin][aria-busy=false]")).to_have_count(1)
    assert page.evaluate(FAINT) == []
    assert page.evaluate(CUT) == []
    room(page, "Maximize")
    expect(page.locator(".lrp-forming")).to_have_attribute("data-ready", "true")
    expect(page.locator(".lrp-concepts")).to_have_attribute("data-item", re.compile(r"\d"))
    assert page.evaluate(FAINT) == []
    assert page.evaluate(CUT) == []
    room(page, "SpRAy")
    explained(page)
    assert page.evaluate(FAINT) == []
    assert page.evaluate(CUT) == []


def test_the_page_has_landmarks(look, digits: Server):
    page = look(digits.address).page
    for role in ("banner", "main", "contentinfo"):
        expect(page.get_by_role(role)).to_have_count(1)
    expect(page.get_by_role("navigation", name="Rooms")).to_have_count(1)
