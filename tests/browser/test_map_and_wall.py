"""The map and the wall as a person uses them: gestures are held against numpy, pixels against the colour map."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import nbformat
import numpy as np
import pytest
from playwright.sync_api import Page, expect

from lrpwidgets.colours import WHITE, coloured
from lrpwidgets.widgets.spray.lasso import inside
from tests.browser.dashboard import NEXT_FRAME

STANDIN = Path(__file__).parents[1] / "widgets" / "spray" / "standin.py"
COUNT = 2000

NOTEBOOK = """
from lrpwidgets.widgets.spray.scatter import EmbeddingScatter
from lrpwidgets.widgets.spray.wall import ThumbnailWall

state = Standin({count})
scatter, wall = EmbeddingScatter(state), ThumbnailWall(state)
rules = ".side {{ display: flex; gap: 12px; height: 700px }} .side > * {{ flex: 1 1 0 }}"
style = ipywidgets.HTML(f"<style>{{rules}}</style>")
side = ipywidgets.Box([scatter, wall])
side.add_class("side")
page = ipywidgets.VBox([style, side, told(state, scatter)])
page.add_class("lrp-page")
page
"""

DRAWN = """() => {
  const wall = document.querySelector(".lrp-wall");
  const range = wall.querySelector("[role=status]").textContent.replaceAll(",", "");
  const [from, to] = range.match(/\\d+/g)?.map(Number) ?? [1, 0];
  return wall.dataset.shown === "0" || Number(wall.dataset.drawn) === to - from + 1;
}"""

CLOCK = """(drawn) => {
  const wall = document.querySelector(".lrp-wall");
  window.took = null;
  document.addEventListener("pointerup", () => {
    const [start, before] = [performance.now(), wall.dataset.shown];
    const look = () => {
      if (wall.dataset.shown !== before && eval(drawn)()) window.took = performance.now() - start;
      else requestAnimationFrame(look);
    };
    look();
  }, { capture: true, once: true });
}"""

SCROLL = """async () => {
  const scroller = document.querySelector(".lrp-wall-scroller");
  const [frames, drawn] = [[], []];
  let last = performance.now();
  for (let i = 0; i < 180; i++) {
    scroller.scrollTop += 20;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
    drawn.push(Number(document.querySelector(".lrp-wall").dataset.drawn));
  }
  return { frames, drawn, at: scroller.scrollTop };
}"""


@dataclass(frozen=True)
class Views:
    """A page with both views, and what a person does there."""

    page: Page
    count: int

    def told(self) -> dict[str, Any]:
        """What the kernel knows."""
        return dict(json.loads(self.page.locator(".told").inner_text()))

    def knows(self, **parts: Any) -> dict[str, Any]:
        """Wait until the kernel knows `parts`; all it knows."""
        for name, value in parts.items():
            told = json.dumps({name: value})[1:-1]
            expect(self.page.locator(".told")).to_contain_text(told)
        return self.told()

    def at(self, x: float, y: float) -> tuple[float, float]:
        """A place on the map, given in shares of it, in pixels of the page."""
        box = self.page.locator(".lrp-stage").bounding_box()
        assert box
        return box["x"] + x * box["width"], box["y"] + y * box["height"]

    def draw(self, *places: tuple[float, float]) -> None:
        """Drag from place to place."""
        self.page.mouse.move(*self.at(*places[0]))
        self.page.mouse.down()
        for place in places[1:]:
            self.page.mouse.move(*self.at(*place), steps=6)
        self.page.mouse.up()

    def gesture(self, *places: tuple[float, float]) -> dict[str, Any]:
        """Drag, and what the kernel knows once it has heard of another outline."""
        before = json.dumps(self.told()["polygon"])
        self.draw(*places)
        expect(self.page.locator(".told")).not_to_contain_text(f'"polygon": {before}, ')
        return self.told()

    def hold(self, tool: str) -> None:
        self.page.get_by_role("button", name=tool, exact=True).click()

    def press(self, name: str) -> None:
        self.page.locator(".lrp-scatter-tools").get_by_role("button", name=name, exact=True).first.click()

    def settled(self) -> None:
        """Every tile in view has its pixels."""
        self.page.wait_for_function(DRAWN)
        self.page.evaluate(NEXT_FRAME)


@pytest.fixture(scope="module")
def standin() -> dict[str, Any]:
    """What the stand-in's module defines, which the notebook runs too."""
    defined: dict[str, Any] = {"__name__": "standin"}
    exec(STANDIN.read_text(), defined)
    return defined


@pytest.fixture(scope="module")
def server(serve: Callable[..., Any], tmp_path_factory: pytest.TempPathFactory) -> Callable[[int], Any]:
    """A page with this many points."""
    servers: dict[int, Any] = {}

    def server(count: int) -> Any:
        if count not in servers:
            cells = [nbformat.v4.new_code_cell(text) for text in (STANDIN.read_text(), NOTEBOOK.format(count=count))]
            notebook = nbformat.v4.new_notebook(cells=cells)
            notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
            path = tmp_path_factory.mktemp("notebook") / f"points{count}.ipynb"
            nbformat.write(notebook, path)
            servers[count] = serve(path)
        return servers[count]

    return server


@pytest.fixture
def look(visit, server) -> Callable[[int], Views]:
    def look(count: int) -> Views:
        page = visit(server(count).address)
        expect(page.locator(".lrp-wall")).to_have_attribute("data-shown", str(count))
        views = Views(page, count)
        views.settled()
        return views

    return look


@pytest.fixture
def views(look) -> Views:
    return look(COUNT)


@pytest.fixture(scope="module")
def xy(standin) -> np.ndarray:
    return standin["points"](COUNT).xy


HEART = [(0.5, 0.3), (0.7, 0.15), (0.9, 0.4), (0.5, 0.95), (0.1, 0.6), (0.3, 0.2)]
EIGHT = [(0.2, 0.2), (0.8, 0.8), (0.8, 0.2), (0.2, 0.8)]


@pytest.mark.parametrize("outline", [HEART, EIGHT])
def test_the_lasso_selects_what_numpy_says(views, xy, outline):
    told = views.gesture(*outline)
    assert len(told["polygon"]) > 12
    assert told["selection"] == np.flatnonzero(inside(xy, told["polygon"])).tolist()
    assert 0 < len(told["selection"]) < COUNT
    expect(views.page.locator(".lrp-wall h2")).to_have_text(f"{len(told['selection']):,} selected")
    views.settled()


def test_the_lasso_is_as_exact_on_a_map_that_was_zoomed_and_moved(views, xy):
    views.page.mouse.move(*views.at(0.3, 0.6))
    views.page.mouse.wheel(0, -700)
    views.page.mouse.wheel(0, -300)
    views.hold("pan")
    views.draw((0.5, 0.5), (0.6, 0.4))
    views.hold("lasso")
    told = views.gesture(*HEART)
    assert told["selection"] == np.flatnonzero(inside(xy, told["polygon"])).tolist()
    assert told["selection"]


def test_shift_adds_and_alt_subtracts(views, xy):
    first = views.gesture((0.1, 0.1), (0.6, 0.1), (0.6, 0.9), (0.1, 0.9))
    views.page.keyboard.down("Shift")
    second = views.gesture((0.5, 0.5), (0.9, 0.5), (0.9, 0.9), (0.5, 0.9))
    views.page.keyboard.up("Shift")
    both = inside(xy, first["polygon"]) | inside(xy, second["polygon"])
    assert second["selection"] == np.flatnonzero(both).tolist()
    views.page.keyboard.down("Alt")
    third = views.gesture((0.2, 0.2), (0.8, 0.2), (0.8, 0.6), (0.2, 0.6))
    views.page.keyboard.up("Alt")
    assert third["selection"] == np.flatnonzero(both & ~inside(xy, third["polygon"])).tolist()


def test_a_box_selects_what_lies_between_its_corners(views, xy):
    views.hold("box")
    told = views.gesture((0.2, 0.3), (0.5, 0.8))
    (left, top), _, (right, bottom), _ = told["polygon"]
    within = (xy[:, 0] > left) & (xy[:, 0] < right) & (xy[:, 1] > bottom) & (xy[:, 1] < top)
    assert told["selection"] == np.flatnonzero(within).tolist()


def test_hidden_groups_cannot_be_selected(views, xy):
    views.page.get_by_role("button", name="bees").click()
    expect(views.page.get_by_role("button", name="bees")).to_have_attribute("aria-pressed", "false")
    told = views.gesture(*HEART)
    kept = inside(xy, told["polygon"]) & (np.arange(COUNT) % 3 != 1)
    assert told["selection"] == np.flatnonzero(kept).tolist()


def test_invert_isolate_and_clear(views):
    chosen = views.gesture(*HEART)["selection"]
    others = sorted(set(range(COUNT)) - set(chosen))
    views.press("invert")
    views.knows(selection=others)
    views.press("isolate")
    views.knows(isolated=len(others))
    views.press("invert")  # nothing else is to be seen
    views.knows(selection=[])
    expect(views.page.locator(".lrp-wall h2")).to_have_text(f"{len(others):,} isolated")
    views.press("isolate")
    views.knows(isolated=None)
    views.gesture(*EIGHT)
    views.page.keyboard.press("Escape")
    views.page.locator(".lrp-stage").press("Escape")
    views.knows(selection=[])
    expect(views.page.locator(".lrp-wall h2")).to_have_text(f"{COUNT:,} heatmaps")


def test_a_point_under_the_mouse_shows_its_picture_and_a_click_selects_it(views):
    place = nearby(views)
    hovered = views.told()["hovered"]
    expect(views.page.locator(".lrp-tip figcaption")).to_have_text(f"sample {hovered}")
    views.page.mouse.click(*place)
    views.knows(selection=[hovered])
    views.page.mouse.click(*views.at(0.99, 0.01))  # nothing is there
    views.knows(selection=[])


def nearby(views: Views) -> tuple[float, float]:
    """Go over the map until the kernel hears of a point."""
    for step in range(200):
        place = views.at(0.2 + 0.003 * step, 0.5)
        views.page.mouse.move(*place)
        views.page.wait_for_timeout(40)
        if views.told()["hovered"] is not None:
            return place
    raise AssertionError("There is no point on the way.")


def test_the_wall_has_the_colours_of_maps_and_pictures(views, standin):
    wall = views.page.locator(".lrp-wall")
    wall.get_by_role("button", name="heatmap", exact=True).click()
    views.settled()
    for position in (0, 1):
        ramp = np.round(127 * standin["maps"]([position])[0, :, 0]) / 127
        assert np.abs(column(views, position) - coloured(ramp, 1, paper=WHITE)).max() <= 2
    wall.get_by_role("button", name="input", exact=True).click()
    views.settled()
    for position in (0, 5):
        picture = standin["pictures"]([position])[0, :, 4].astype(int)
        assert np.abs(column(views, position) - picture).max() <= 1


def column(views: Views, place: int) -> np.ndarray:
    """Colours down the middle of a tile of the first row, one for each of its eight pixels."""
    colours = views.page.evaluate(
        """(place) => {
          const canvas = document.querySelector(".lrp-wall-scroller canvas");
          const room = canvas.width - 8;
          const columns = Math.floor((room + 8) / 60);
          const side = Math.floor((room + 8) / columns) - 8;
          const x = 4 + Math.round((place * (room - side)) / (columns - 1)) + side / 2;
          const y = (i) => 4 + ((i + 0.5) * side) / 8;
          const read = (i) => canvas.getContext("2d").getImageData(Math.floor(x + 1), Math.floor(y(i)), 1, 1).data;
          return Array.from({ length: 8 }, (_, i) => [...read(i)]);
        }""",
        place,
    )
    return np.array(colours)[:, :3].astype(int)


def test_keys_walk_along_the_wall_and_enter_opens(views):
    wall = views.page.locator(".lrp-wall-scroller")
    wall.focus()
    wall.press("ArrowRight")
    views.knows(hovered=0)
    wall.press("ArrowRight")
    views.knows(hovered=1)
    expect(wall.locator("[role=option]")).to_have_text("sample 1")
    assert wall.get_attribute("aria-activedescendant") == wall.locator("[role=option]").get_attribute("id")
    wall.press("End")
    views.knows(hovered=COUNT - 1)
    wall.press("Enter")
    views.knows(opened=COUNT - 1)


def test_the_mouse_on_the_wall_marks_the_point_and_a_click_opens(views):
    page = views.page
    box = page.locator(".lrp-wall-scroller").bounding_box()
    first = box["x"] + 20, box["y"] + 20
    page.mouse.move(*first)
    views.knows(hovered=0)
    page.mouse.click(*first)
    views.knows(opened=0)
    page.get_by_role("button", name="Page down").click()
    views.knows(hovered=None)
    expect(page.get_by_role("button", name="Page up")).to_be_enabled()
    page.get_by_label("Order on the wall").select_option("backwards")  # begins at its top
    expect(page.get_by_role("button", name="Page up")).to_be_disabled()
    page.mouse.move(*first)
    views.knows(hovered=COUNT - 1)


def test_a_theme_repaints_both(views):
    views.page.evaluate(
        "document.querySelector('.lrp-page').dataset.theme = 'dark'; window.dispatchEvent(new Event('lrp-theme'))"
    )
    views.settled()
    paper = views.page.evaluate(
        "[...document.querySelector('.lrp-points').getContext('2d').getImageData(1, 1, 1, 1).data].slice(0, 3)"
    )
    assert sum(paper) < 200
    views.gesture(*HEART)
    views.settled()


@pytest.mark.parametrize("count", [2_000, 100_000])
def test_thumbnails_come_after_every_lasso(look, count):
    views = look(count)
    times = []
    for turn in range(5):
        views.page.evaluate("window.dispatchEvent(new Event('lrp-theme'))")  # no picture is known any more
        views.settled()
        views.page.evaluate(CLOCK, DRAWN)
        middle = 0.3 + 0.1 * turn
        angles = [2 * math.pi * step / 20 for step in range(20)]
        views.draw(*((middle + 0.2 * math.cos(angle), 0.5 + 0.2 * math.sin(angle)) for angle in angles))
        views.page.wait_for_function("window.took !== null")
        times.append(views.page.evaluate("window.took"))
    print(f"{count:,} points, lasso to thumbnails: {', '.join(f'{time:.0f}' for time in times)} ms")
    assert len(times) == 5  # how long is for a quiet machine to say


@pytest.mark.alone
def test_the_wall_is_never_blank_while_it_scrolls_over_ten_thousand(look):
    views = look(10_000)
    runs = [views.page.evaluate(SCROLL) for _ in range(3)]
    frames = min((sorted(run["frames"]) for run in runs), key=lambda each: each[90])  # other programs disturb some
    print(f"frames: median {frames[90]:.1f} ms, 95 % {frames[171]:.1f} ms, longest {frames[-1]:.0f} ms")
    assert runs[-1]["at"] == 3 * 180 * 20
    assert min(drawn for run in runs for drawn in run["drawn"]) > 0
