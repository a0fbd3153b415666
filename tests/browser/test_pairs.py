"""Explore on pictures with a question each, as a person uses it: two heatmaps that follow one question."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lrpwidgets import subjects
from lrpwidgets.colours import coloured
from lrpwidgets.lrp import Explanation
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.modality import modality_of
from lrpwidgets.subjects.shown import Shown
from tests.browser.conftest import Server
from tests.browser.dashboard import BEGIN, Dashboard, end_of_scale, opened
from tests.browser.test_texts import COLOUR

RING = "How large is the ring?"


@pytest.fixture(scope="module")
def asked() -> Subject:
    return subjects.load("visual-questions")


@pytest.fixture(scope="module")
def server(serve: Callable[..., Server]) -> Server:
    return serve(subject="visual-questions")


@pytest.fixture
def dashboard(visit: Callable[[str], Page], server: Server) -> Dashboard:
    return opened(visit(server.address))


def both_show(dashboard: Dashboard, subject: Subject, shown: Shown) -> Explanation:
    """The two heatmaps have the colours of the explanation of `shown`, which is returned."""
    explanation = subject.explainer(BEGIN).explain(shown.x)
    pixels, tokens = (each[0].numpy() for each in explanation.relevance)
    summed = pixels.sum(0)
    difference = np.abs(dashboard.pixels() - coloured(summed, end_of_scale(summed)).astype(int))
    assert difference.max() <= 1
    words = dashboard.page.locator(".lrp-word[role=button]:not(.lrp-struck, .lrp-sunk)")
    own = [amount for place, amount in enumerate(tokens) if place not in shown.text.sinks]
    end = float(dashboard.page.locator(".lrp-ends .lrp-number").last.inner_text())
    assert end >= np.abs(own).max()
    for word, amount in zip(words.all(), own, strict=True):
        assert np.abs(word.evaluate(COLOUR)[:3] - coloured(np.array(amount), end)).max() <= 1
    return explanation


def test_both_heatmaps_follow_the_question(dashboard, asked):
    page, modality = dashboard.page, modality_of(asked)
    dashboard.look_at(2)
    shown = modality.sample(asked, 2)
    both_show(dashboard, asked, shown)
    page.keyboard.press("e")
    field = page.get_by_label("Text to explain")
    expect(field).to_have_value(shown.text.text)
    with dashboard.redrawn():
        field.fill(RING)
    expect(page.locator(".lrp-word[role=button]").first).to_have_text("How")
    expect(page.locator(".lrp-heatmap figcaption b").first).to_have_text(RING)
    typed = modality.typed(asked, shown, RING)
    explanation = both_show(dashboard, asked, typed)
    expect(page.locator(".lrp-classes button").first).to_contain_text(asked.class_name(explanation.top_class))
    with dashboard.redrawn():
        page.locator(".lrp-word[role=button]").filter(has_text="ring").click()
    expect(page.locator(".lrp-word.lrp-struck")).to_have_text("ring")
    without = modality.changed(asked, typed, [4])
    struck = asked.explainer(BEGIN).explain(without.x, explanation.top_class)
    expect(page.locator(".lrp-text-said")).to_contain_text("without “ring”: f ")
    summed = struck.relevance[0][0].sum(0).numpy()
    assert np.abs(dashboard.pixels() - coloured(summed, end_of_scale(summed)).astype(int)).max() <= 1
    with dashboard.redrawn():
        page.get_by_role("button", name="as it was").click()
    both_show(dashboard, asked, shown)


def test_a_link_brings_the_look_of_both(dashboard, new_page):
    page = dashboard.page
    page.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page.get_by_label("gain", exact=True).fill("0.5")
    page.get_by_role("button", name="token", exact=True).click()
    page.get_by_role("button", name="Copy a link to this view").click()
    expect(page.locator(".lrp-note")).to_have_text("link copied")
    other = new_page()
    other.goto(str(page.evaluate("navigator.clipboard.readText()")))
    expect(other.get_by_role("button", name="token", exact=True)).to_have_attribute("aria-pressed", "true")
    np.testing.assert_array_equal(opened(other).pixels(), dashboard.pixels())
