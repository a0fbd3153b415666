"""Compare on texts, as a person uses it: the sentence in the colours of each method."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lrpwidgets.colours import coloured
from tests.browser.test_first_minute import CUT, FAINT
from tests.browser.test_texts import COLOUR, PASTE
from tests.widgets.texts import toy


@pytest.fixture(scope="module")
def server(serve):
    return serve(dashboard="compare", subject=f"{Path(toy.__file__)}:make")


@pytest.fixture
def compared(visit, server) -> Page:
    """A page of three methods and three texts, of which the first is looked at."""
    page: Page = visit(
        f"{server.address}?subject=toy&methods=%5B%22erasure%22%2C%22epsilon%22%5D&items=%5B1%2C3%2C4%5D&samples=4"
    )
    expect(page.locator(".lrp-methods-said")).to_have_count(3)
    expect(page.locator(".lrp-methods-said:disabled")).to_have_count(0)
    expect(page.locator(".lrp-ranking-row").first).to_be_visible()
    return page


def word(page: Page, method: str, text: str):
    return page.locator(f".lrp-methods-row[data-method={method}] .lrp-methods-word").filter(has_text=text).first


def test_words_have_the_colours_of_their_shares_and_sinks_are_outside_of_the_scale(compared):
    expect(compared.locator(".lrp-methods-row[data-method=epsilon]")).to_contain_text(
        "The film is good. The ending is bad."
    )
    foot = compared.locator(".lrp-methods-foot").inner_text()
    scale = float(re.search(r"full colour: ([\d.]+)", foot)[1])
    shown = [
        toy.VALUES.get(each, 0.0)
        for each in ("[CLS]", *["the", "film", "is", "good", ".", "the", "ending", "is", "bad", "."])
    ]
    whole = np.abs(shown).sum()
    for each in ("film", "good", "bad"):
        expected = coloured(np.clip(-toy.VALUES[each] / whole / scale, -1, 1), 1.0)  # explained is "negative"
        found = word(compared, "epsilon", each).evaluate(COLOUR)[:3]
        assert np.abs(np.array(found) - expected).max() <= 3, each
    expect(word(compared, "epsilon", "[CLS]")).to_have_class(re.compile("lrp-methods-sink"))
    expect(compared.locator(".lrp-methods-foot")).to_contain_text("of Σ|R| per word, for all maps; hatched sinks")
    expect(compared.locator(".lrp-flipcurves")).to_contain_text("Strike words, watch the score")
    expect(compared.locator(".lrp-ranking-said")).to_contain_text("words cut out")


def test_another_text_is_looked_at_and_a_word_is_marked_in_all_rows(compared):
    compared.locator(".lrp-methods-text").nth(1).click()
    expect(compared.locator(".lrp-methods-text").nth(1)).to_have_attribute("aria-pressed", "true")
    expect(word(compared, "epsilon", "moving")).to_be_visible()
    expect(compared.locator(".lrp-flips-text").first).to_contain_text("A warm and moving film")
    word(compared, "epsilon", "moving").hover()
    expect(compared.locator(".lrp-methods-said .lrp-touched")).to_have_text(["moving"] * 3)
    expect(word(compared, "epsilon", "moving")).to_have_attribute(
        "title", re.compile(r"^moving: −?\d+(\.\d+)? % of Σ\|R\|$")
    )


def test_a_slider_strikes_words_and_they_are_cut_out_or_hidden(compared):
    compared.get_by_label("How much is flipped").fill("0")
    expect(compared.locator(".lrp-flips-text s")).to_have_count(0)
    compared.get_by_label("How much is flipped").fill("8")
    expect(compared.locator(".lrp-flips-left p")).to_contain_text("100 % flipped")
    expect(compared.locator(".lrp-flips-text").first.locator("s")).to_have_count(10)
    compared.get_by_role("button", name="hidden").click()
    expect(compared.locator(".lrp-ranking-now")).to_have_text("hide")
    expect(compared.locator(".lrp-ranking-said")).to_contain_text("With words hidden")


def test_a_text_is_enlarged_and_opened_in_another_room(compared):
    compared.locator(".lrp-methods-row[data-method=epsilon] .lrp-methods-said").click()
    sheet = compared.get_by_role("dialog", name="A map, large")
    expect(sheet.locator(".lrp-methods-word").filter(has_text="ending")).to_have_attribute("data-value", "1.00")
    compared.keyboard.press("Escape")
    expect(sheet).to_be_hidden()
    compared.locator(".lrp-methods-row[data-method=epsilon] .lrp-methods-said").click()
    sheet.get_by_role("button", name="open in Explore").click()
    expect(compared.locator(".lrp-tokens .lrp-word[role=button]").first).to_be_visible()
    expect(compared.locator(".lrp-tokens .lrp-text").first).to_contain_text("The ending is bad")


def test_a_class_is_compared_rather_than_another(compared):
    than = compared.get_by_label("The class that it is contrasted with")
    expect(than).to_be_hidden()
    compared.get_by_label("The class that is explained").select_option(label="positive")
    expect(than).to_be_visible()
    than.select_option(label="negative")
    expect(compared.locator(".lrp-flips-left p")).to_contain_text("positive rather than negative")
    compared.get_by_label("The class that is explained").select_option(label="negative")
    expect(than).to_have_value("")


def test_a_text_is_typed_pasted_or_opened_as_a_file(compared):
    field = compared.get_by_label("A text of your own")
    field.fill("never dull")
    field.press("Enter")
    chosen = compared.locator(".lrp-methods-text[aria-pressed=true]")
    expect(chosen).to_contain_text("never dull")
    expect(word(compared, "epsilon", "never")).to_be_visible()
    expect(field).to_have_value("")
    compared.evaluate(PASTE, "bad and dull")
    expect(chosen).to_contain_text("bad and dull")
    file = {"name": "good.txt", "mimeType": "text/plain", "buffer": b"good"}
    compared.locator(".lrp-methods input[type=file]").set_input_files(file)
    expect(chosen).to_contain_text("good.txt")
    compared.locator(".lrp-methods input[type=file]").set_input_files({**file, "name": "nothing.txt", "buffer": b" "})
    expect(compared.locator(".lrp-methods")).to_contain_text("There is no word in the text")


def test_a_hostile_text_is_letters_and_a_long_one_scrolls_in_all_rows_at_once(compared):
    compared.locator(".lrp-methods-text").nth(2).click()
    expect(compared.locator(".lrp-methods-row[data-method=epsilon]")).to_contain_text("<script>")
    assert compared.evaluate("typeof owned") == "undefined"
    field = compared.get_by_label("A text of your own")
    field.fill(" ".join(["a funny film, never dull"] * 20))
    field.press("Enter")
    rows = compared.locator(".lrp-methods-said:enabled")
    expect(rows).to_have_count(3)
    expect(rows.nth(2)).to_contain_text("dull a funny")
    rows.first.evaluate("(row) => row.scrollTop = 60")
    compared.wait_for_function(
        "[...document.querySelectorAll('.lrp-methods-said')].every((row) => row.scrollTop === 60)"
    )


@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("size", [(1280, 800), (1440, 900)])
def test_words_can_be_read_on_every_colour_and_nothing_is_cut_off(compared, size, theme):
    compared.set_viewport_size({"width": size[0], "height": size[1]})
    if theme == "dark":
        compared.keyboard.press("d")
        expect(compared.locator("html")).to_have_attribute("data-theme", "dark")
    assert compared.evaluate("document.documentElement.scrollWidth") == size[0]
    assert compared.evaluate(FAINT) == []
    assert compared.evaluate(CUT) == []
    assert "pixel" not in compared.locator(".lrp-page").inner_text()


def test_what_is_known_of_words_is_held_against_the_maps(visit, serve):
    page = visit(f"{serve(dashboard='compare', subject='sentiment').address}?subject=sentiment&samples=20")
    page.get_by_role("button", name="hold against the known truth").click()
    expect(page.locator(".lrp-ranking")).to_contain_text("Rank accuracy: of the K words that decide")
    expect(page.locator(".lrp-ranking-row")).to_have_count(7)
