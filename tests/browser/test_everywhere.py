"""A person's path through all rooms, at usual sizes, light and dark, in Voilà and in JupyterLab."""

from __future__ import annotations

import io
import re
from collections.abc import Callable

from PIL import Image
from playwright.sync_api import Page, expect

from lrpwidgets.dashboards.command import find_notebook
from tests.browser.conftest import Server
from tests.browser.dashboard import NEXT_FRAME, opened
from tests.browser.test_explore import OVERLAPS
from tests.browser.test_first_minute import CUT, FAINT, SIZES, explained, room
from tests.browser.test_jupyterlab import CUT_OFF, run_command, turn
from tests.widgets.texts import toy

ROOMS = {
    "Maximize": ".lrp-forming",
    "Compare": ".lrp-methods-map canvas",
    "SpRAy": ".lrp-wall",
    "Improve": ".lrp-forget",
    "Explore": ".lrp-heatmap",
}
BESIDE = (".lrp-inside", ".lrp-rules tbody tr:last-child", ".lrp-classes")
"""What is scrolled to in Explore while its maps stay."""


def gradient() -> bytes:
    file = io.BytesIO()
    Image.radial_gradient("L").resize((300, 200)).save(file, "PNG")
    return file.getvalue()


def enter_all(page: Page) -> None:
    """Bring a picture, pin its map, and open every room once."""
    opened(page).upload("gradient.png", gradient())
    expect(page.locator(".lrp-heatmap figcaption b").first).to_have_text("gradient.png")
    page.get_by_role("button", name="pin", exact=True).click()
    expect(page.locator("figure[data-kind=pin][aria-busy=false]")).to_have_count(1)
    room(page, "Maximize")
    expect(page.locator(".lrp-concepts")).to_contain_text("gradient.png")
    expect(page.locator(".lrp-priors")).to_have_attribute("data-tiles", re.compile(r"\d"))
    room(page, "SpRAy")
    explained(page)


def resize(page: Page, size: tuple[int, int]) -> None:
    """Give the window another size, and scroll to the page."""
    page.set_viewport_size({"width": size[0], "height": size[1]})
    page.evaluate(NEXT_FRAME)
    page.locator(".lrp-page").filter(visible=True).evaluate("(page) => page.scrollIntoView()")


def fits(page: Page) -> None:
    """The rooms are in sight; nothing is cut off, covered, or to be scrolled to the right."""
    for tab in page.get_by_role("navigation", name="Rooms").filter(visible=True).get_by_role("button").all():
        expect(tab).to_be_in_viewport(ratio=1)
    assert page.evaluate(CUT_OFF) == []
    assert page.evaluate(CUT) == []
    assert page.evaluate(OVERLAPS) == []


def maps_stay(page: Page) -> None:
    """Whatever is scrolled to, all of each map is in sight."""
    page.locator(".lrp-panes").evaluate("(panes) => panes.scrollTo(0, 0)")  # what is said of pins is below them
    for part in BESIDE:
        page.locator(part).last.scroll_into_view_if_needed()
        for map_ in page.locator(".lrp-pixels").all():
            expect(map_).to_be_in_viewport(ratio=0.99)


def keys_work(page: Page) -> None:
    """The words, the three steps and a change that is taken back, by keys; the sheets fit into the window."""
    composite = page.get_by_label("Composite", exact=True)
    before = composite.input_value()
    dashboard = opened(page)
    with dashboard.redrawn():
        composite.select_option("epsilon")
    page.locator(".lrp-frame").first.focus()
    with dashboard.redrawn():
        page.keyboard.press("Control+z")
    expect(composite).to_have_value(before)
    page.keyboard.press("?")
    sheet = page.get_by_role("dialog", name="Keys and words")
    expect(sheet).to_be_in_viewport(ratio=1)
    page.keyboard.press("Escape")
    page.keyboard.press("t")
    expect(page.locator(".lrp-step")).to_be_in_viewport(ratio=1)
    page.locator(".lrp-step").get_by_role("button", name="close").click()


def walk(page: Page, darken: Callable[[], None]) -> None:
    """Every room at every size, in the light and in the dark."""
    enter_all(page)
    for dark in (False, True):
        if dark:
            darken()
        for name, view in ROOMS.items():
            room(page, name)
            expect(page.locator(view).first).to_be_visible()
            for size in SIZES:
                resize(page, size)
                fits(page)
                if name == "Explore":
                    maps_stay(page)
                    keys_work(page)
            assert page.evaluate(FAINT) == []


def test_in_voila(look, digits: Server):
    page = look(digits.address).page
    walk(page, lambda: page.keyboard.press("d"))
    expect(page.locator("html")).to_have_attribute("data-theme", "dark")


def test_texts_in_voila(visit, serve):
    page = visit(serve(subject=f"{toy.__file__}:make").address)
    expect(page.locator(".lrp-tokens")).to_have_attribute("data-ready", "true")
    page.get_by_role("button", name="pin", exact=True).click()
    page.locator(".lrp-word[role=button]").filter(has_text="never").click()
    expect(page.locator(".lrp-pin-text[aria-busy=false] .lrp-struck")).to_have_text("never")
    page.get_by_role("button", name="edit", exact=True).click()
    for key in ("Escape", "d"):
        page.keyboard.press(key)
        for size in SIZES:
            resize(page, size)
            fits(page)
        assert page.evaluate(FAINT) == []
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and words")).to_be_in_viewport(ratio=1)


def test_pictures_with_questions_in_voila(visit, serve):
    page = visit(serve(subject="visual-questions").address)
    dashboard = opened(page)
    for view in (".lrp-heatmap", ".lrp-tokens"):
        with dashboard.redrawn():
            page.locator(view).get_by_role("button", name="pin", exact=True).click()
    page.keyboard.press("e")
    with dashboard.redrawn():  # as a name, a long question ends in dots beside three maps
        page.get_by_label("Text to explain").fill("Is it a ring?")
    for key in ("Escape", "d"):
        page.keyboard.press(key)
        for size in SIZES:
            resize(page, size)
            fits(page)
        assert page.evaluate(FAINT) == []
    page.keyboard.press("?")
    expect(page.get_by_role("dialog", name="Keys and words")).to_be_in_viewport(ratio=1)


def test_in_jupyterlab(lab):
    page = lab(find_notebook("explore"))
    opened(page)
    run_command(page, "application:toggle-left-area")  # it would take a quarter of a small window
    walk(page, lambda: turn(page, "Dark"))
    turn(page, "Light")  # it stays for whoever comes next
