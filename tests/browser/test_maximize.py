"""The dashboard `maximize` on the digits, as a person uses it, in Voilà and in JupyterLab."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lrpwidgets import subjects
from lrpwidgets.dashboards.command import find_notebook
from lrpwidgets.lrp import Explainer
from lrpwidgets.maximize import maximize, objectives, references
from tests.browser.dashboard import BEGIN

DIGITS = subjects.load("digits")
PIXELS = """(canvas) => [...canvas.getContext("2d").getImageData(0, 0, canvas.width, canvas.height).data]"""


@pytest.fixture(scope="module")
def server(serve):
    return serve(dashboard="maximize", subject="digits")


@dataclass(frozen=True)
class Film:
    """The page, and what a person does there."""

    page: Page

    @property
    def view(self):
        return self.page.locator(".lrp-forming")

    @property
    def step(self) -> int:
        return int(self.view.get_attribute("data-step") or -1)

    def reaches(self, step: int) -> None:
        self.page.wait_for_function(f"Number(document.querySelector('.lrp-forming').dataset.step) >= {step}")

    @contextmanager
    def another(self) -> Iterator[None]:
        """Wait until what is done here has begun another film, and that has ended."""
        before = self.view.get_attribute("data-film") or ""
        yield
        expect(self.view).not_to_have_attribute("data-film", before)
        self.ends()

    def ends(self) -> None:
        expect(self.view).to_have_attribute("data-ended", "true")
        expect(self.page.locator(".lrp-honesty")).to_have_attribute("data-step", self.view.get_attribute("data-step"))

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def pixels(self) -> np.ndarray:
        canvas = self.view.locator("> canvas")
        side = int(canvas.evaluate("(one) => one.width"))
        return np.array(canvas.evaluate(PIXELS), np.uint8).reshape(side, side, 4)[..., :3]

    def choose(self, label: str, option: str) -> None:
        self.page.get_by_label(label, exact=True).select_option(option)

    def type(self, label: str, text: str) -> None:
        field = self.page.get_by_label(label, exact=True)
        field.fill(text)
        field.press("Tab")


def opened(page: Page) -> Film:
    page.wait_for_selector(".lrp-forming[data-step]")
    return Film(page)


def shown(objective: object, **settings: object) -> np.ndarray:
    """What the library makes, without any widget."""
    return np.asarray(maximize(subjects.load("digits"), objective, **settings).finish().picture().convert("RGB"))


def same(found: np.ndarray, expected: np.ndarray) -> None:
    """Two threads may sum in another order than one."""
    assert np.abs(found.astype(int) - expected.astype(int)).max() <= 2


def test_a_person_watches_a_film_and_asks_on(visit, server):
    film = opened(visit(f"{server.address}?subject=digits&number=3&steps=60"))
    page = film.page
    film.reaches(5)
    film.press("pause")
    expect(film.view).to_have_attribute("data-running", "false")
    expect(page.locator(".lrp-honesty")).to_contain_text("would like, not what it sees")
    at = film.step
    film.press("step")
    film.reaches(at + 1)
    film.press("play")
    film.ends()
    assert film.step == 60
    same(film.pixels(), shown(objectives.class_score(3), steps=60))
    expect(page.locator(".lrp-standing")).to_contain_text("against 355 real inputs")
    expect(page.locator(".lrp-status")).to_contain_text("60 of 60")

    page.locator(".lrp-kept button").nth(2).click()
    with film.another():
        film.press("restart from here")
    expect(film.view).to_contain_text("begun at frame 4")

    channel = page.locator(".lrp-rows button").nth(1)
    number = int(channel.get_attribute("data-channel"))
    with film.another():
        channel.click()
        expect(page.get_by_label("Channel to excite")).to_have_value(str(number))
    with film.another():
        film.choose("Prior", "fourier")
    layer = page.locator(".lrp-concepts").get_attribute("data-layer")
    same(film.pixels(), shown(objectives.channel(layer, number), prior="fourier", steps=60))
    expect(page.locator(".lrp-priors")).to_have_attribute("data-tiles", "15")


def test_real_inputs_stand_beside_it_and_lead_on(visit, server):
    film = opened(visit(f"{server.address}?subject=digits&layer=conv3&number=15&steps=10&item=8"))
    page = film.page
    film.ends()
    samples, list_ = page.locator(".lrp-samples"), page.locator(".lrp-concepts")
    expect(samples).to_have_attribute("data-what", "#15")
    expected = references(DIGITS, "conv3", k=5, composite=BEGIN).channel(15)
    mattered = samples.get_by_role("group", name="Where it mattered").get_by_role("button")
    assert [int(each.get_attribute("data-item")) for each in mattered.all()] == expected.samples.tolist()
    expect(samples).to_contain_text("For which classes")
    mattered.nth(2).click()
    expect(list_).to_have_attribute("data-item", str(expected.samples[2]))
    expect(mattered.nth(2)).to_have_attribute("aria-pressed", "true")
    expect(list_.locator(".lrp-located")).to_contain_text("where #15 of conv3: Σ R")
    ways = page.locator(".lrp-strategies")
    expect(ways).to_have_attribute("data-name", "3")
    ways.get_by_role("button", name="Prototype").first.click()
    expect(list_).not_to_have_attribute("data-item", str(expected.samples[2]))


def test_what_one_looks_at_goes_from_room_to_room(visit, digits):
    address = digits.address
    page = visit(f"{address}?subject=digits&item=9&layer=conv3&channels=[]")
    tile = page.locator(".lrp-tile").nth(3)
    number = str(tile.get_attribute("data-channel"))
    tile.hover()
    tile.locator(".lrp-tile-wish").click()
    film = opened(page)
    expect(page.get_by_label("Channel to excite")).to_be_visible()  # no style of the other room hides it
    expect(page.get_by_label("Channel to excite")).to_have_value(number)
    expect(page.locator(".lrp-concepts")).to_have_attribute("data-item", "9")
    expect(page).to_have_url(re.compile(f"room=maximize&.*layer=conv3&number={number}"))
    film.press("stop")
    page.keyboard.press("ArrowRight")  # a key of the other room, where it opens the next input
    page.get_by_label("The next input").click()
    expect(page.locator(".lrp-concepts")).to_have_attribute("data-item", "10")
    page.get_by_role("button", name="Explore", exact=True).click()
    expect(page.locator(".lrp-heatmap")).to_be_visible()
    expect(film.view).to_be_hidden()
    expect(page.locator(f".lrp-tile[data-channel='{number}']")).to_have_attribute("aria-selected", "true")
    expect(page).to_have_url(re.compile("item=10&"))
    page.keyboard.press("a")
    expect(film.view).to_be_visible()
    expect(page).to_have_url(re.compile("room=maximize&"))
    page.reload()
    opened(page)
    expect(page.get_by_label("Channel to excite")).to_have_value(number)


def test_what_cannot_be_is_said_and_the_page_goes_on(visit, server):
    film = opened(visit(f"{server.address}?subject=digits&layer=conv2&number=5&steps=20"))
    page = film.page
    film.ends()
    film.type("Channel to excite", "500")
    expect(page.locator(".lrp-status .lrp-words")).to_contain_text("The layer 'conv2' has no channel 500")
    expect(page.get_by_label("Channel to excite")).to_have_value("5")
    with film.another():
        film.type("Channel to excite", "6")
    expect(page.locator(".lrp-status .lrp-words.lrp-error")).to_have_count(0)
    film.type("Steps", "0")
    expect(page.locator(".lrp-status .lrp-words")).to_contain_text("steps must be a whole number from 1")


@pytest.mark.alone
def test_stop_acts_at_once_and_two_tabs_do_not_disturb_each_other(new_page, visit, server):
    film = opened(visit(f"{server.address}?subject=digits&number=1&steps=2000"))
    film.reaches(3)
    other = new_page()
    other.goto(f"{server.address}?subject=digits&number=7&steps=2000")
    second = opened(other)
    second.reaches(3)
    began = time.perf_counter()
    second.press("stop")
    expect(second.view).to_have_attribute("data-running", "false")
    assert time.perf_counter() - began < 5  # how fast it is, tests/benchmarks say
    at = film.step
    film.reaches(at + 5)
    assert second.step < 2000
    expect(film.view).to_have_attribute("data-running", "true")


def test_the_link_and_python_are_what_is_on_the_screen(visit, server):
    film = opened(visit(f"{server.address}?subject=digits&number=2&steps=30&prior=l2"))
    film.ends()
    page = film.page
    film.press("Copy Python code that computes this")
    code = page.locator(".lrp-sheet pre").inner_text()
    page.keyboard.press("Escape")
    made: dict = {}
    exec(code.replace('result.picture().save("maximized.png")', "").replace("print(", "str("), made)
    same(film.pixels(), np.asarray(made["result"].picture().convert("RGB")))
    with page.expect_download() as saved:
        film.press("Save the picture, and in its file what is to be said of it (PNG)")
    assert saved.value.suggested_filename.endswith("-30.png")


def test_one_clicks_through_the_graph_from_layer_to_layer(visit, server):
    page = opened(visit(f"{server.address}?subject=digits&number=3&item=8&steps=5")).page
    graph, listed = page.locator(".lrp-flow"), page.locator(".lrp-concepts")
    own = graph.locator("[data-layer]").nth(1)
    expect(listed).to_have_attribute("data-layer", "conv3")
    expect(own).to_have_attribute("data-layer", "conv3")
    assert graph.locator("path").count() > 20
    whole = Explainer(DIGITS.model, BEGIN).explain(DIGITS.item(8)[0][None], 3)
    through = float(whole.condition({"conv3": [5]})["conv2"].relevance[0, 24].sum())
    assert f"#5 of conv3 → #24 of conv2: +{through:.3g}" in graph.locator("[data-gap='1'] title").all_text_contents()

    lower = graph.locator("[data-layer=conv2] button").first
    lower.hover()
    expect(graph.locator("[data-gap='1'] path:not(.lrp-off)")).not_to_have_count(0)
    expect(graph.locator("[data-gap='0'] path:not(.lrp-off)")).to_have_count(0)
    expect(own.locator("button span").first).to_contain_text("+")
    number = lower.get_attribute("data-channel")
    lower.click()
    expect(own).to_have_attribute("data-layer", "conv2")
    expect(listed).to_have_attribute("data-layer", "conv2")
    expect(graph.locator("[aria-pressed=true]")).to_have_attribute("data-channel", number)
    expect(page.get_by_label("Channel to excite")).to_have_value(number)

    graph.locator("[data-layer=conv3] button").first.press("Enter")
    expect(own).to_have_attribute("data-layer", "conv3")
    expect(graph.locator("[aria-pressed=true]")).to_be_focused()


def test_it_works_in_jupyterlab(lab):
    film = opened(lab(find_notebook("maximize")))
    page = film.page
    film.reaches(3)
    film.press("stop")
    expect(film.view).to_have_attribute("data-ended", "true")
    with film.another():
        film.type("Steps", "25")
    assert film.step == 25
    with film.another():
        film.choose("Class to excite", "7")
    same(film.pixels(), shown(objectives.class_score(7), steps=25))
    expect(page.locator(".lrp-honesty")).to_contain_text("“7” would like")
