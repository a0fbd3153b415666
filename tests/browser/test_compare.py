"""The dashboard `compare` on the digits, as a person uses it."""

from __future__ import annotations

import re

import pytest
from playwright.sync_api import Page, expect

COLOURED = """(canvas) => {
  const { data } = canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height);
  return data.some((value, place) => place % 4 === 0 && value !== data[place + 2]);
}"""
"""Whether there is a pixel with another red than blue."""


@pytest.fixture(scope="module")
def server(serve):
    return serve(dashboard="compare", subject="digits")


@pytest.fixture
def compared(visit, server) -> Page:
    """A page whose maps are there, and some inputs flipped."""
    page: Page = visit(server.address)
    expect(page.locator(".lrp-methods-row").first).to_be_visible()
    expect(page.locator(".lrp-methods-map:disabled")).to_have_count(0)
    expect(page.locator(".lrp-ranking-row").first).to_be_visible()
    return page


def order(page: Page) -> list[str]:
    """The methods as the table ranks them."""
    return page.locator(".lrp-ranking-row").evaluate_all("(rows) => rows.map((row) => row.dataset.method)")


def test_maps_curves_and_a_ranking_come_by_themselves(compared):
    rows = compared.locator(".lrp-methods-row")
    assert rows.count() == compared.locator(".lrp-ranking-row").count() == 11
    for row in rows.all():
        assert row.locator("canvas").first.evaluate(COLOURED)
    expect(compared.locator(".lrp-flipcurves .bqplot path.line").first).to_be_attached()
    expect(compared.locator(".lrp-ranking-said")).to_contain_text("With uniform noise")
    expect(compared.locator(".lrp-flips figure")).to_have_count(6)


def test_another_fill_sorts_the_table_again(compared):
    expect(compared.locator(".lrp-ranking .lrp-head").first).to_contain_text("60 of 60")  # else the order may change
    before = order(compared)
    compared.get_by_role("button", name="zero", exact=True).click()
    expect(compared.locator(".lrp-ranking-now")).to_have_text("zero")
    assert sorted(order(compared)) == sorted(before)
    assert order(compared) != before


def test_a_slider_takes_more_of_the_picture_away(compared):
    figures = compared.locator(".lrp-flips figure b")
    compared.get_by_label("How much is flipped").fill("0")
    expect(figures.first).to_have_text("1.00")
    compared.get_by_label("How much is flipped").fill("8")
    expect(compared.locator(".lrp-flips-left p")).to_contain_text("100 % flipped")
    expect(figures.first).not_to_have_text("1.00")


def test_a_map_is_enlarged_and_its_method_turned(compared):
    compared.get_by_role("button", name=re.compile("^SmoothGrad: .* larger")).first.click()
    sheet = compared.get_by_role("dialog", name="A map, large")
    expect(sheet).to_contain_text("SmoothGrad")
    sheet.get_by_label("noise").fill("0.4")
    expect(sheet.locator(".lrp-methods-settings")).to_contain_text("0.4")
    compared.keyboard.press("Escape")
    expect(sheet).to_be_hidden()


def test_a_method_is_added_from_the_menu_which_says_why_others_cannot(compared):
    compared.get_by_text("+ method").click()
    rollout = compared.locator(".lrp-methods-head [data-method=attention_rollout]")
    expect(rollout).to_be_disabled()
    expect(rollout).to_contain_text("attention")
    compared.locator(".lrp-methods-head [data-method=guided_backprop]").click()
    expect(compared.locator(".lrp-methods-row[data-method=guided_backprop] canvas").first).to_be_visible()
    expect(compared.locator(".lrp-ranking-row[data-method=guided_backprop]")).to_be_visible()


@pytest.mark.parametrize("size", [(1280, 720), (1440, 900), (1920, 1080)])
def test_nothing_is_cut_off(compared, size):
    compared.set_viewport_size({"width": size[0], "height": size[1]})
    assert compared.evaluate("document.documentElement.scrollWidth") == size[0]
    expect(compared.get_by_role("button", name="+ method").or_(compared.get_by_text("+ method"))).to_be_in_viewport()


def test_a_person_can_let_it_wait_and_go_on(visit, server):
    page = visit(f"{server.address}?subject=digits&samples=355")
    expect(page.locator(".lrp-ranking-row").first).to_be_visible()
    page.get_by_role("button", name="pause").click()
    page.get_by_role("button", name="go on").click()
    expect(page.get_by_role("button", name="pause")).to_be_visible()
