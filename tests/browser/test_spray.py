"""The dashboard `spray` on the shapes with a copyright sign, as a person uses it."""

from __future__ import annotations

import csv
import re
from collections.abc import Callable
from dataclasses import dataclass

import pytest
from playwright.sync_api import Locator, Page, expect

from lrpwidgets import subjects
from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import RelevanceStore, spray

STAR = 5


@pytest.fixture(scope="module")
def store(tmp_path_factory) -> RelevanceStore:
    subject = subjects.load("clever-hans", seed=1)
    path = tmp_path_factory.mktemp("stores") / "hans"
    return RelevanceStore.create(path, Explainer(subject.model, "epsilon_plus_flat"), subject, progress=False)


@pytest.fixture(scope="module")
def server(serve, store):
    return serve(dashboard="spray", store=store.path)


@pytest.fixture(scope="module")
def stars(store):
    """What the pipeline says of the stars, without any widget."""
    return spray(store.select(prediction=STAR))


@dataclass(frozen=True)
class Dashboard:
    """The page, and what a person does there."""

    page: Page

    @property
    def wall(self) -> Locator:
        return self.page.locator(".lrp-wall")

    @property
    def shown(self) -> int:
        return int(self.wall.get_attribute("data-shown") or -1)

    def settled(self, maps: int) -> None:
        """The atlas of so many maps is there, with its thumbnails and cards."""
        expect(self.wall).to_have_attribute("data-shown", str(maps))
        self.page.wait_for_function("Number(document.querySelector('.lrp-wall').dataset.drawn) > 0")
        expect(self.page.locator(".lrp-card:not(.lrp-skeleton)").first).to_be_visible()

    def choose_class(self, name: str) -> None:
        self.page.locator(".lrp-ranks button").filter(has_text=name).click()

    def card(self, name: str) -> Locator:
        return self.page.locator(".lrp-card").filter(has_text=name)

    def lasso(self, *corners: tuple[float, float], modifier: str | None = None) -> None:
        """Draw around a part of the map; corners are shares of its width and height."""
        box = self.page.locator(".lrp-stage").bounding_box()
        places = [(box["x"] + x * box["width"], box["y"] + y * box["height"]) for x, y in corners]
        mouse, keyboard = self.page.mouse, self.page.keyboard
        if modifier:
            keyboard.down(modifier)
        mouse.move(*places[0])
        mouse.down()
        for place in places[1:]:
            mouse.move(*place, steps=4)
        mouse.up()
        if modifier:
            keyboard.up(modifier)


LEFT = ((0.01, 0.01), (0.5, 0.01), (0.5, 0.99), (0.01, 0.99))
RIGHT = ((0.5, 0.01), (0.99, 0.01), (0.99, 0.99), (0.5, 0.99))


@pytest.fixture
def look(visit: Callable[[str], Page]) -> Callable[[str], Dashboard]:
    return lambda address: Dashboard(visit(address))


@pytest.fixture
def dashboard(look, server, stars) -> Dashboard:
    """The stars where the spectrum puts them: that takes less time than t-SNE."""
    dashboard = look(f"{server.address}?group={STAR}&embedding=spectral")
    dashboard.settled(len(stars))
    return dashboard


def test_it_opens_with_the_class_that_stands_apart(look, server, stars):
    dashboard = look(server.address)
    dashboard.settled(len(stars))
    page = dashboard.page
    expect(page.locator(".lrp-moving")).to_be_hidden()  # t-SNE is there
    expect(page.get_by_role("heading", name="Strategies of the network for “star”")).to_be_visible()
    expect(page.locator(".lrp-ranks button")).to_have_count(7)  # six classes, and all maps
    expect(page.locator(".lrp-ranks button").nth(1)).to_contain_text("star")
    expect(page.locator(".lrp-card")).to_have_count(stars.count)
    expect(page.locator(".lrp-status")).to_contain_text("2,400 of 2,400")


def test_shift_adds_to_a_lasso_and_alt_takes_away(dashboard, stars):
    page, every = dashboard.page, len(stars)
    dashboard.lasso(*LEFT)
    expect(dashboard.wall).to_contain_text("selected")
    left = dashboard.shown
    assert 0 < left < every
    dashboard.lasso(*RIGHT, modifier="Shift")
    expect(dashboard.wall).to_contain_text(f"{every} selected")
    dashboard.lasso(*LEFT, modifier="Alt")
    expect(dashboard.wall).to_contain_text(f"{every - left} selected")
    page.get_by_role("button", name="invert", exact=True).click()
    expect(dashboard.wall).to_contain_text(f"{left} selected")
    page.keyboard.press("Escape")
    expect(dashboard.wall).to_contain_text(f"{every} heatmaps")


def test_a_card_selects_its_cluster(dashboard, stars):
    dashboard.card("cluster 1").locator(".lrp-card-pick").click()
    size = int((stars.clusters == 1).sum())
    expect(dashboard.wall).to_contain_text(f"{size} selected")
    dashboard.card("cluster 0").locator(".lrp-card-pick").click(modifiers=["Shift"])
    expect(dashboard.wall).to_contain_text(f"{len(stars)} selected")


def test_another_class_is_a_click_away(dashboard, store):
    dashboard.choose_class("disc")
    discs = store.select(prediction=0)
    dashboard.settled(len(discs))
    expect(dashboard.page.get_by_role("heading", name="Clusters of “disc”")).to_be_visible()


def test_the_line_through_the_eigenvalues_makes_other_clusters(dashboard):
    page = dashboard.page
    page.locator(".lrp-eigenvalues rect.bar").nth(3).click()
    expect(page.locator(".lrp-card")).to_have_count(4)
    expect(page.locator(".lrp-eigenvalues")).to_contain_text("the eigengap says 2")
    handle = page.locator(".lrp-eigenvalues .dot").bounding_box()
    bar = page.locator(".lrp-eigenvalues rect.bar").nth(5).bounding_box()
    page.mouse.move(handle["x"] + handle["width"] / 2, handle["y"] + handle["height"] / 2)
    page.mouse.down()
    page.mouse.move(bar["x"] + bar["width"] + 1, handle["y"], steps=6)
    page.mouse.up()
    expect(page.locator(".lrp-card")).to_have_count(6)


@pytest.mark.parametrize(
    ("label", "option", "shown"),
    [
        ("Colour of the points", "prediction", "star"),
        ("Colour of the points", "right or wrong", "wrong"),
        ("Colour of the points", "score", "score"),
        ("Clustering", "agglomerative", "cluster 1"),
        ("What is compared of the relevance", "absolute", "cluster 0"),
    ],
)
def test_a_choice_is_seen_in_the_legend(dashboard, label, option, shown):
    dashboard.page.get_by_label(label, exact=True).select_option(option)
    expect(dashboard.page.locator(".lrp-legend")).to_contain_text(shown)
    expect(dashboard.page.locator(".lrp-status .lrp-words.lrp-error")).to_have_count(0)


def test_under_another_composite_the_atlas_moves(dashboard, stars):
    page = dashboard.page
    before = page.locator(".lrp-scatter").get_attribute("data-seq")
    page.get_by_label("Composite under which the maps are computed", exact=True).select_option("epsilon")
    expect(page.locator(".lrp-scatter")).not_to_have_attribute("data-seq", before)
    dashboard.settled(len(stars))
    expect(page.locator(".lrp-status .lrp-words.lrp-error")).to_have_count(0)


def test_the_poison_test_unmasks_the_tag_and_acquits_the_others(dashboard):
    page = dashboard.page
    page.locator(".lrp-cards").get_by_text("test all", exact=True).click()
    expect(dashboard.card("Clever Hans")).to_have_count(1)
    expect(dashboard.card("not convicted")).to_have_count(1)
    expect(page.locator(".lrp-poison")).to_contain_text("A Clever Hans: the model falls for it")
    expect(page.locator(".lrp-ranks .lrp-hans")).to_contain_text("Clever Hans")


def test_a_thumbnail_opens_its_input_with_rules_and_layers_and_back(dashboard, store, stars):
    page = dashboard.page
    page.locator(".lrp-wall-scroller canvas").click(position={"x": 20, "y": 20})
    expect(page.locator(".lrp-heatmap")).to_have_attribute("data-ready", "true")
    expect(page.locator(".lrp-scatter")).to_be_hidden()
    first = subjects.load("clever-hans", seed=1).item_name(int(store.index[stars.rows[0]]))
    expect(page.locator(".lrp-heatmap")).to_contain_text(first)
    page.get_by_role("navigation").get_by_role("button", name="SpRAy").filter(visible=True).click()
    expect(page.locator(".lrp-scatter")).to_be_visible()
    expect(page.locator(".lrp-heatmap")).to_be_hidden()


def test_a_cluster_keeps_its_name(dashboard, look, server, stars):
    dashboard.card("cluster 1").locator(".lrp-card-name").click()
    dashboard.page.keyboard.type("copyright sign")
    dashboard.page.keyboard.press("Enter")
    expect(dashboard.page.locator(".lrp-legend")).to_contain_text("copyright sign")
    again = look(server.address)
    again.settled(len(stars))
    expect(again.card("copyright sign")).to_have_count(1)
    again.card("copyright sign").locator(".lrp-card-name").click()
    again.page.keyboard.press("Control+A")
    again.page.keyboard.press("Delete")
    again.page.keyboard.press("Enter")
    expect(again.card("cluster 1")).to_have_count(1)


def test_the_address_brings_everything_back(dashboard, look):
    page = dashboard.page
    dashboard.choose_class("ring")
    page.get_by_label("Colour of the points", exact=True).select_option("score")
    expect(page.get_by_role("heading", name="Clusters of “ring”")).to_be_visible()
    page.wait_for_function("location.search.includes('group=1') && location.search.includes('colour=score')")
    again = look(page.url)
    expect(again.page.get_by_role("heading", name="Strategies of the network for “ring”")).to_be_visible()
    expect(again.page.get_by_label("Colour of the points", exact=True)).to_have_value("score")


def test_a_damaged_link_is_a_sentence(look, server):
    page = look(f"{server.address}?group=99").page
    expect(page.locator(".lrp-status .lrp-words.lrp-error")).to_contain_text("There is no class 99")


def test_the_selection_and_a_report_are_saved(dashboard, stars):
    page = dashboard.page
    dashboard.card("cluster 1").locator(".lrp-card-pick").click()
    size = int((stars.clusters == 1).sum())
    expect(dashboard.wall).to_contain_text(f"{size} selected")
    with page.expect_download() as download:
        page.get_by_text("Export ▾", exact=True).click()
        page.get_by_text("Export selection", exact=True).click()
    with open(download.value.path(), newline="") as file:
        rows = list(csv.DictReader(file))
    assert [int(row["row"]) for row in rows] == stars.rows[stars.clusters == 1].tolist()
    with page.expect_download() as download:
        page.get_by_text("Export ▾", exact=True).click()
        page.get_by_text("HTML report", exact=True).click()
    text = download.value.path().read_text()
    assert text.count("<circle") == len(stars)
    assert not re.search(r"https?://(?!www\.w3\.org)", text)


def test_box_and_hover_link_map_and_wall(dashboard):
    page = dashboard.page
    page.locator(".lrp-wall-scroller canvas").hover(position={"x": 20, "y": 20})
    page.wait_for_function("document.querySelector('.lrp-scatter').dataset.ready === 'true'")
    page.get_by_role("button", name="box", exact=True).click()
    dashboard.lasso((0.02, 0.02), (0.98, 0.98))
    assert dashboard.page.locator(".lrp-wall").inner_text().split()[0].isdigit()
    expect(dashboard.wall).to_contain_text("selected")


def test_it_fits_a_laptop_and_the_dark(dashboard):
    page = dashboard.page
    page.set_viewport_size({"width": 1280, "height": 720})
    overflow = page.evaluate("document.documentElement.scrollWidth - innerWidth")
    assert overflow <= 0
    page.keyboard.press("d")
    assert page.evaluate("getComputedStyle(document.querySelector('.lrp-wall')).colorScheme") == "dark"
    page.keyboard.press("d")
