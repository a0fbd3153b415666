"""The heatmap alone: what the browser draws, counts and saves is held against NumPy and the backend."""

from __future__ import annotations

import base64
import io
import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import nbformat
import numpy as np
import pytest
import torch
from PIL import Image
from playwright.sync_api import Page, expect

from lrpwidgets import subjects
from lrpwidgets.colours import GAMMA, MAPS, averaged, coloured
from lrpwidgets.lrp import Explainer, composites
from lrpwidgets.subjects import Stroke, Subject, painted
from tests.browser.dashboard import NEXT_FRAME, READ, end_of_scale

SIDE = 8
SEQUENCE = "Number(document.querySelector('.lrp-heatmap')?.dataset.seq)"
NOTEBOOK = """
from lrpwidgets import subjects
from lrpwidgets.widgets import Exploration, HeatmapView
HeatmapView(Exploration(subjects.load("digits"), "epsilon_gamma_box"))
"""

AS_LARGE_AS_ITS_FRAME = """() => {
  const [pixels, frame] = [".lrp-pixels", ".lrp-frame"].map((each) => document.querySelectorAll(each)[1]);
  return pixels.width === Math.min(300, frame.clientWidth);
}"""

FINE = """
import torch
from torch import nn
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets import Exploration, HeatmapView

stripes = torch.where(torch.arange(300) % 2 == 0, 1.0, -1.0).expand(150, 300)
model = nn.Sequential(nn.Flatten(), nn.Linear(300 * 300, 2))
with torch.no_grad():
    model[1].weight[0] = torch.cat([stripes, torch.randn(150, 300, generator=torch.manual_seed(0))]).flatten()
    model[1].bias.zero_()
subject = Subject(model.eval(), TensorSamples(torch.ones(1, 1, 300, 300), [0], ["stripes"]), name="fine")
exploration = Exploration(subject, "epsilon")
exploration.target = 0
HeatmapView(exploration)
"""
"""Relevance that is as fine as it can be: stripes of ±1 in the upper half, noise in the lower one."""


@dataclass(frozen=True)
class Heatmap:
    """The view, and what a person does with it."""

    page: Page

    def pixels(self, which: int = 1) -> np.ndarray:
        """Colours of the input (0), the live map (1) or a pinned one, (H, W, 3)."""
        self.page.evaluate(NEXT_FRAME)  # a view draws with the next frame
        read = self.page.locator(".lrp-pixels").nth(which).evaluate(READ)
        return np.array(read["data"], np.uint8).reshape(read["size"])[..., :3]

    def shows(self, pixels: np.ndarray, limit: float, which: int = 1, name: str = "red–blue") -> None:
        """A map has the colours of these pixels."""
        expected = coloured(pixels, limit, MAPS[name]).astype(int)
        assert np.abs(self.pixels(which) - expected).max() <= 1

    def choose(self, label: str, option: str) -> None:
        if self.page.locator(".lrp-more").is_hidden():
            self.page.get_by_role("button", name="tools").click()
        self.page.get_by_label(label, exact=True).select_option(label=option)

    def tool(self, name: str) -> None:
        if self.page.locator(".lrp-more").is_hidden():
            self.page.get_by_role("button", name="tools").click()
        self.page.get_by_role("button", name=name, exact=True).click()

    def press(self, name: str) -> None:
        self.page.get_by_role("button", name=name, exact=True).click()

    def pin(self, name: str) -> None:
        """Pin what the menu calls `name`."""
        pins = self.page.locator("figure[data-kind=pin]").count()
        self.page.get_by_label("Pin another map").click()
        self.press(name)
        expect(self.page.locator("figure[data-kind=pin]")).to_have_count(pins + 1)
        expect(self.page.locator("figure[data-kind=pin][aria-busy=false]")).to_have_count(pins + 1)

    @contextmanager
    def redrawn(self) -> Iterator[None]:
        before = self.page.evaluate(SEQUENCE)
        yield
        self.page.wait_for_function(f"{SEQUENCE} > {before}")

    def move(self, x: float, y: float, which: int = 1) -> None:
        """Move the pointer to a point, in pixels of the input."""
        box = self.page.locator(".lrp-frame").nth(which).bounding_box()
        self.page.mouse.move(box["x"] + box["width"] * x / SIDE, box["y"] + box["height"] * y / SIDE)

    def drag(self, start: tuple[float, float], stop: tuple[float, float], which: int = 1) -> None:
        self.move(*start, which)
        self.page.mouse.down()
        self.move(*stop, which)
        self.page.mouse.up()

    def path(self, mark: str, which: int = 1) -> str:
        """A path that is drawn above a pane."""
        return self.page.locator("figure").nth(which).locator(f".lrp-{mark}").last.get_attribute("d") or ""

    def saved(self, item: str) -> tuple[str, bytes]:
        """Name and content of a file that the menu saves."""
        self.page.locator("summary").filter(has_text="save").click()
        with self.page.expect_download() as download:
            self.press(item)
        return download.value.suggested_filename, Path(download.value.path()).read_bytes()


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory) -> str:
    return address_of(NOTEBOOK, serve, tmp_path_factory)


def address_of(code: str, serve, tmp_path_factory) -> str:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(code)])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    path = tmp_path_factory.mktemp("heatmap") / "heatmap.ipynb"
    nbformat.write(notebook, path)
    return serve(path).address


@pytest.fixture
def heatmap(visit, server) -> Heatmap:
    page = visit(server)
    page.wait_for_function(f"{SEQUENCE} > 0")
    return Heatmap(page)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return subjects.load("digits")


@pytest.fixture(scope="module")
def explain(subject) -> Callable[..., np.ndarray]:
    """Relevance of the first digit on the page, (H, W)."""

    def explain(composite: str = "epsilon_gamma_box", target: int | None = None) -> np.ndarray:
        low, high = subject.bounds
        bounds = {"low": low, "high": high} if composites.takes_bounds(composite) else {}
        x, _ = subject.item(subject.start)
        explanation = Explainer(subject.model, composites.get(composite, **bounds)).explain(x[None], target)
        return explanation.relevance[0].sum(0).numpy()

    return explain


def figure(text: str) -> float:
    return float(text.replace("−", "-"))


# -- colours and scale -------------------------------------------------------------------------------------------------


def test_every_colour_map_draws_what_python_says(heatmap, explain):
    for name in MAPS:
        heatmap.choose("colours", name)
        heatmap.shows(explain(), end_of_scale(explain()), name=name)


def test_one_sign_alone(heatmap, explain):
    for sign, values in (("positive", np.maximum(explain(), 0)), ("negative", np.minimum(explain(), 0))):
        heatmap.choose("sign", f"{sign} only")
        heatmap.shows(values, end_of_scale(explain()))


def test_the_scale_ends_at_a_percentile(heatmap, explain):
    for percentile in (99.9, 95):
        heatmap.choose("scale ends at", f"{percentile:g} %")
        limit = float(np.percentile(np.abs(explain()), percentile))
        heatmap.shows(explain(), limit)
        text = heatmap.page.locator(".lrp-scale .lrp-number").last.inner_text()
        assert figure(text) == pytest.approx(limit, rel=5e-3)


def test_maps_of_one_composite_share_a_scale_and_others_have_their_own(heatmap, explain, subject):
    unit = heatmap.page.locator(".lrp-scale .lrp-quiet")
    heatmap.pin("the second best class")
    expect(unit).to_contain_text("one scale for both")
    with torch.no_grad():
        order = subject.model(subject.item(subject.start)[0][None])[0].argsort(descending=True)
    second = explain(target=int(order[1]))
    shared = end_of_scale(explain(), second)
    for which, values in ((1, explain()), (2, second)):
        heatmap.shows(values, shared, which)
    heatmap.pin("epsilon")
    expect(unit).to_contain_text("others have their own")
    for which, values, limit in (
        (1, explain(), shared),
        (2, second, shared),
        (3, explain("epsilon"), end_of_scale(explain("epsilon"))),
    ):
        heatmap.shows(values, limit, which)
    expect(heatmap.page.locator("figure").nth(3)).to_contain_text("±")
    heatmap.press("one scale for all")
    expect(unit).to_contain_text("one scale for all")
    for which, values in ((1, explain()), (2, second), (3, explain("epsilon"))):
        heatmap.shows(values, end_of_scale(explain(), second, explain("epsilon")), which)
    heatmap.press("one scale for each composite")
    heatmap.shows(explain("epsilon"), end_of_scale(explain("epsilon")), 3)


def test_overlay_lets_the_grey_of_the_input_through(heatmap, explain):
    heatmap.page.get_by_label("overlay", exact=True).fill("0.5")
    grey = heatmap.pixels(0).mean(-1)
    relevance, limit = explain(), end_of_scale(explain())
    strength = (np.clip(np.abs(relevance) / limit, 0, 1) ** GAMMA)[..., None]
    paper = (255 + (grey - 255) * 0.5)[..., None]
    expected = paper + (coloured(np.sign(relevance), 1) - paper) * strength
    assert np.abs(heatmap.pixels() - expected).max() <= 1


def test_shortcut_buttons_bring_gain_and_overlay_back_and_change_the_colours(heatmap, explain):
    page = heatmap.page
    page.get_by_label("gain", exact=True).fill("1")
    heatmap.shows(explain(), end_of_scale(explain()) / 10)
    page.evaluate("document.querySelector('[data-shortcut=g]').click()")
    heatmap.shows(explain(), end_of_scale(explain()))
    page.evaluate("document.querySelector('[data-shortcut=m]').click()")
    heatmap.shows(explain(), end_of_scale(explain()), name="orange–purple")
    page.evaluate("document.querySelector('[data-shortcut=o]').click()")
    assert json.loads(page.locator(".lrp-heatmap").get_attribute("data-look"))["overlay"] == 0.5


# -- marks, regions and the pointer ------------------------------------------------------------------------------------


def test_the_contour_goes_around_the_strongest_pixels(heatmap, explain):
    heatmap.choose("contour", "top 20 %")
    for sign, strength in (("both", np.abs(explain())), ("positive only", np.maximum(explain(), 0))):
        heatmap.choose("sign", sign)
        strong = (strength >= np.percentile(strength, 80)) & (strength > 0)
        around = np.pad(strong, 1).astype(int)
        edges = sum(int(np.abs(np.diff(around, axis=axis)).sum()) for axis in (0, 1))
        for which in (0, 1):
            strokes = re.findall(r"M(\d+) (\d+)([HV])(\d+)", heatmap.path("contour", which))
            assert sum(int(to) - int(x if way == "H" else y) for x, y, way, to in strokes) == edges


def test_dots_mark_the_strongest_pixels(heatmap, explain):
    heatmap.choose("dots", "top 5")
    found = {(float(x), float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)h0", heatmap.path("dots"))}
    best = np.argsort(-np.abs(explain()), axis=None)[:5]
    assert found == {(i % SIDE + 0.5, i // SIDE + 0.5) for i in best.tolist()}


def told(heatmap: Heatmap) -> list[float]:
    """Σ inside, Σ outside, and percent of the area, as the page says them."""
    text = heatmap.page.locator(".lrp-region").inner_text()
    return [figure(number) for number in re.findall(r"inside (\S+) · Σ outside (\S+) · (\S+) %", text)[0]]


def test_the_numbers_of_a_box_are_numpys(heatmap, explain):
    heatmap.tool("box")
    heatmap.drag((2.5, 1.5), (5.5, 6.5))
    inside = np.zeros((SIDE, SIDE), bool)
    inside[1:7, 2:6] = True
    relevance = explain()
    sums = relevance[inside].sum(), relevance[~inside].sum()
    assert told(heatmap) == pytest.approx([*sums, 100 * inside.mean()], rel=6e-3)
    text = heatmap.page.locator(".lrp-region").inner_text()
    assert min(sums) > 0
    ratio = relevance[~inside].mean() / relevance[inside].mean()
    assert figure(text.rpartition("= ")[2]) == pytest.approx(ratio, rel=6e-3)
    share = np.maximum(relevance, 0)[inside].sum() / np.maximum(relevance, 0).sum()
    assert text.startswith(f"{100 * share:.0f} % of the evidence for “3” lies in the marked region")
    heatmap.press("invert")
    assert told(heatmap) == pytest.approx([*sums[::-1], 100 * (~inside).mean()], rel=6e-3)
    heatmap.press("clear")
    expect(heatmap.page.locator(".lrp-region")).to_be_hidden()


def test_a_brush_selects_what_a_stroke_covers(heatmap, explain):
    heatmap.tool("brush")
    heatmap.page.get_by_label("radius", exact=True).fill("1.7")
    heatmap.drag((1.5, 2.5), (5.5, 2.5))
    y, x = np.mgrid[:SIDE, :SIDE]
    inside = np.hypot(x - np.clip(x, 1, 5), y - 2) <= 1.7
    assert told(heatmap)[2] == pytest.approx(100 * inside.mean(), rel=6e-3)
    assert told(heatmap)[0] == pytest.approx(explain()[inside].sum(), rel=6e-3)


def test_keys_read_pixels_and_draw_a_box(heatmap, explain):
    page = heatmap.page
    heatmap.tool("box")
    page.locator(".lrp-frame").nth(1).focus()
    for key in ("Enter", "ArrowLeft", "ArrowUp", "Space", "ArrowRight", "ArrowDown", "ArrowDown", "Space", "ArrowDown"):
        page.keyboard.press(key)
    expect(page.locator(".lrp-readout")).to_contain_text("pointer (4, 6)")
    assert told(heatmap)[0] == pytest.approx(explain()[3:6, 3:5].sum(), rel=6e-3)


def test_the_read_out_has_the_values_of_all_maps(heatmap, explain, subject):
    heatmap.pin("epsilon")
    heatmap.move(3.5, 2.5)
    text = heatmap.page.locator(".lrp-readout").inner_text()
    found = re.fullmatch(r"pointer \(3, 2\): (\S+) for (\d), (\S+) pinned", text)
    assert figure(found[1]) == pytest.approx(explain()[2, 3], rel=5e-3)
    assert figure(found[3]) == pytest.approx(explain("epsilon")[2, 3], rel=5e-3)


def test_tools_need_no_kernel(page, visit, server, explain):
    sent = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: sent.append(frame)))
    visit(server)
    page.wait_for_function(f"{SEQUENCE} > 0")
    heatmap = Heatmap(page)
    heatmap.pin("epsilon")
    page.wait_for_function("document.body.dataset.kernel === 'idle'")
    frames = len(sent)
    assert frames
    for label, option in (
        ("colours", "fire–ice"),
        ("one scale for", "each map"),
        ("contour", "top 5 %"),
        ("dots", "top 10"),
    ):
        heatmap.choose(label, option)
    page.get_by_label("gain", exact=True).fill("0.5")
    heatmap.press("difference")
    heatmap.tool("box")
    heatmap.drag((2.5, 1.5), (5.5, 6.5))
    page.get_by_label("Zoom in").click()
    heatmap.saved("figure (SVG)")
    page.evaluate(NEXT_FRAME)
    assert len(sent) == frames


def test_the_look_is_on_the_element_for_links(heatmap):
    heatmap.choose("colours", "brown–teal")
    heatmap.page.get_by_label("gain", exact=True).fill("1")
    heatmap.page.get_by_label("Zoom in").click()
    look = json.loads(heatmap.page.locator(".lrp-heatmap").get_attribute("data-look"))
    assert (look["map"], look["gain"], look["zoom"][0]) == ("brown–teal", 10, 1.5)


# -- pins --------------------------------------------------------------------------------------------------------------


def test_the_live_map_is_pinned_and_closed(heatmap, explain):
    heatmap.press("pin")
    pane = heatmap.page.locator("figure[data-kind=pin][aria-busy=false]")
    expect(pane).to_have_count(1)
    np.testing.assert_array_equal(heatmap.pixels(2), heatmap.pixels(1))
    expect(pane.locator(".lrp-foot")).to_contain_text("correlation 1 ")
    pane.get_by_label("Close this map").click()
    expect(pane).to_have_count(0)


def test_a_pin_says_how_alike_it_is_and_shows_the_difference(heatmap, explain):
    heatmap.pin("epsilon")
    live, pinned = explain(), explain("epsilon")
    foot = heatmap.page.locator("figure[data-kind=pin] .lrp-foot").inner_text()
    alike = figure(re.search(r"correlation (\S+)", foot)[1])
    assert alike == pytest.approx(np.corrcoef(live.ravel(), pinned.ravel())[0, 1], abs=1e-3)
    assert figure(re.search(r"Σ R (\S+)", foot)[1]) == pytest.approx(pinned.sum(), rel=5e-3)
    heatmap.press("difference")
    heatmap.shows(live - pinned, end_of_scale(live - pinned), 2)
    expect(heatmap.page.locator("figcaption").nth(2)).to_contain_text("difference")


# -- painting ----------------------------------------------------------------------------------------------------------


def test_paint_changes_the_score_as_the_backend_says(heatmap, subject):
    heatmap.tool("paint grey")
    heatmap.page.get_by_label("radius", exact=True).fill("1.7")
    x, _ = subject.item(subject.start)
    low, high = subject.bounds
    explainer = Explainer(subject.model, composites.get("epsilon_gamma_box", low=low, high=high))
    before = explainer.explain(x[None])
    changed = painted(x, [Stroke("grey", 1.7, ((3.5, 3.5),))], subject.bounds)
    after = explainer.explain(changed[None])
    with heatmap.redrawn():
        heatmap.drag((3.5, 3.5), (3.5, 3.5), which=0)
    expect(heatmap.page.locator("figure").first).to_contain_text("painted: not the original input")
    np.testing.assert_array_equal(heatmap.pixels(0), np.asarray(subject.to_image(changed).convert("RGB")))
    relevance = after.relevance[0].sum(0).numpy()
    heatmap.shows(relevance, end_of_scale(relevance))
    scores = [float(each.scores[0, after.top_class]) for each in (before, after)]
    note = heatmap.page.locator("figcaption").nth(1).locator(".lrp-quiet").last.inner_text()
    assert [figure(part) for part in note.removeprefix("f = ").split(" → ")] == pytest.approx(scores, rel=5e-3)
    with heatmap.redrawn():
        heatmap.press("clear paint")
    expect(heatmap.page.locator("figure").first).not_to_contain_text("painted")
    np.testing.assert_array_equal(heatmap.pixels(0), np.asarray(subject.to_image(x).convert("RGB")))


def test_a_stroke_is_undone(heatmap):
    heatmap.tool("paint grey")
    heatmap.page.get_by_label("radius", exact=True).fill("1")
    pictures = [heatmap.pixels(0)]
    for y in (1.5, 5.5):
        with heatmap.redrawn():
            heatmap.drag((3.5, y), (3.5, y), which=0)
        pictures.append(heatmap.pixels(0))
    with heatmap.redrawn():
        heatmap.press("undo stroke")
    np.testing.assert_array_equal(heatmap.pixels(0), pictures[1])
    assert (pictures[1] != pictures[2]).any()


# -- files -------------------------------------------------------------------------------------------------------------


def test_the_saved_picture_has_the_pixels_of_the_screen(heatmap):
    name, content = heatmap.saved("picture (PNG)")
    assert re.fullmatch(r"[\w-]+\.png", name)
    saved = np.asarray(Image.open(io.BytesIO(content)).convert("RGB")).astype(int)
    times, left, top = 56, 24, 24 + 40
    for which in (0, 1):
        start = left + which * (SIDE * times + 24) + times // 2
        found = saved[top + times // 2 :: times, start::times][:SIDE, :SIDE]
        np.testing.assert_allclose(found, heatmap.pixels(which), atol=1)


def test_the_saved_figure_has_words_scale_and_contour_as_vectors(heatmap):
    heatmap.choose("contour", "top 20 %")
    name, content = heatmap.saved("figure (SVG)")
    root = ET.fromstring(content)
    space = "{http://www.w3.org/2000/svg}"
    words = [node.text for node in root.iter(f"{space}text")]
    for text in heatmap.page.locator(".lrp-scale .lrp-number").all_inner_texts():
        assert text in words
    assert any("relevance per pixel" in word for word in words if word)
    assert heatmap.path("contour") in [node.get("d") for node in root.iter(f"{space}path")]
    images = [node.get("href") for node in root.iter(f"{space}image")]
    assert len(images) == 2
    assert all(source.startswith("data:image/png;base64,") for source in images)
    assert name.endswith(".svg")


def test_a_map_larger_than_its_pane_is_averaged_and_then_coloured(visit, serve, tmp_path_factory):
    page = visit(address_of(FINE, serve, tmp_path_factory))
    page.wait_for_function(f"{SEQUENCE} > 0")
    heatmap, rng = Heatmap(page), torch.manual_seed(0)
    stripes = np.where(np.arange(300) % 2, -1.0, 1.0) * np.ones((150, 300))
    weights = np.concatenate([stripes, torch.randn(150, 300, generator=rng).numpy()])
    relevance, limit = weights, end_of_scale(weights)

    def drawn(which: int = 1) -> tuple[int, int]:
        height, width, _ = heatmap.pixels(which).shape
        heatmap.shows(averaged(relevance, (height, width)), limit, which)
        return height, width

    room = round(page.locator(".lrp-frame").nth(1).evaluate("(node) => node.clientWidth"))
    assert drawn() == (room, room)
    assert room < 300
    assert (heatmap.pixels()[2 : room // 2 - 2, 2:-2] == 255).all()  # of the stripes nothing is left
    for width, height in ((1280, 720), (1366, 768), (1920, 1080)):
        page.set_viewport_size({"width": width, "height": height})
        page.wait_for_function(AS_LARGE_AS_ITS_FRAME)
        drawn()
    page.set_viewport_size({"width": 700, "height": 500})
    page.wait_for_function(f"document.querySelectorAll('.lrp-pixels')[1].width < {room}")
    assert drawn()[0] < room
    page.locator(".lrp-frame").nth(1).focus()
    for _ in range(3):
        page.keyboard.press("+")
    assert drawn() == (300, 300)  # there is room for all of the part that is seen
    _, content = heatmap.saved("figure (SVG)")
    source = next(ET.fromstring(content).iter("{http://www.w3.org/2000/svg}image")).get("href")
    assert Image.open(io.BytesIO(base64.b64decode(source.partition(",")[2]))).size == (300, 300)


def test_numbers_and_report_come_from_python(heatmap, explain):
    name, content = heatmap.saved("numbers (NPZ)")
    np.testing.assert_allclose(np.load(io.BytesIO(content))["pixels"], explain(), rtol=1e-5, atol=1e-7)
    assert name.endswith(".npz")
    heatmap.page.get_by_label("gain", exact=True).fill("1")
    name, content = heatmap.saved("report (HTML)")
    assert name.endswith(".html")
    assert "gain 10" in content.decode()
