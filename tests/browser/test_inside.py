"""The layer inspector as a person uses it: its pixels are held against the backend's numbers."""

from __future__ import annotations

import nbformat
import numpy as np
import pytest
from playwright.sync_api import expect

from lrpwidgets import subjects
from lrpwidgets.colours import coloured
from lrpwidgets.widgets import Exploration
from lrpwidgets.widgets.explore.channel_maps import ChannelMaps
from tests.browser.dashboard import READ

REACH = """() => Math.max(
  ...[...document.querySelectorAll(".lrp-inside *, .lrp-charts > *")].map((each) => each.getBoundingClientRect().right),
)"""

NOTEBOOK = """
import ipywidgets
from lrpwidgets import subjects
from lrpwidgets.widgets import Exploration, HeatmapView
from lrpwidgets.widgets.explore.layer_inspector import LayerInspector

exploration = Exploration(subjects.load("digits"))
ipywidgets.VBox([HeatmapView(exploration), LayerInspector(exploration)])
"""


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    notebook = tmp_path_factory.mktemp("notebook") / "inside.ipynb"
    made = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    made.metadata = {"kernelspec": {"name": "python3", "display_name": "Python 3", "language": "python"}}
    nbformat.write(made, notebook)
    return serve(notebook)


@pytest.fixture
def inside(visit, server):
    page = visit(server.address)
    expect(page.locator(".lrp-tile").first).to_be_visible()
    return page


@pytest.fixture(scope="module")
def exploration():
    made = Exploration(subjects.load("digits"))
    yield made
    made.close()


def pixels(canvas):
    read = canvas.evaluate(READ)
    return np.array(read["data"], np.uint8).reshape(read["size"])[..., :3].astype(int)


def tile(page, channel):
    return page.locator(f'.lrp-tile[data-channel="{channel}"]')


def first_channel(page):
    return int(page.locator(".lrp-tile").nth(1).get_attribute("data-channel"))


def test_each_map_has_the_colours_of_its_channels_relevance(inside, exploration):
    view = ChannelMaps(exploration)
    relevance = exploration.answer.whole[view.head["layer"]].relevance[0].numpy()
    channels = [each["channel"] for each in view.tiles[1:]]
    scale = np.abs(relevance[channels]).max()
    for channel in channels:
        expected = coloured(relevance[channel], scale).astype(int)
        assert np.abs(pixels(tile(inside, channel).locator("canvas.lrp-r")) - expected).max() <= 1
    whole = relevance.sum(0)
    expected = coloured(whole, np.abs(whole).max()).astype(int)
    assert np.abs(pixels(tile(inside, "all").locator("canvas.lrp-r")) - expected).max() <= 1


def test_a_sign_leaves_only_its_relevance(inside, exploration):
    view = ChannelMaps(exploration)
    whole = exploration.answer.whole[view.head["layer"]].relevance[0].numpy().sum(0)
    inside.get_by_role("button", name="−", exact=True).first.click()
    expected = coloured(np.minimum(whole, 0), np.abs(whole).max()).astype(int)
    assert np.abs(pixels(tile(inside, "all").locator("canvas.lrp-r")) - expected).max() <= 1


def test_only_a_channel_shows_the_backends_conditional_relevance(inside, exploration):
    layer, channel = ChannelMaps(exploration).head["layer"], first_channel(inside)
    tile(inside, channel).click()
    expect(tile(inside, channel)).to_have_attribute("aria-selected", "true")
    heatmap = inside.locator(".lrp-heatmap")
    before = heatmap.get_attribute("data-seq")
    inside.get_by_role("button", name=f"only channel #{channel}").click()
    expect(heatmap).not_to_have_attribute("data-seq", before)
    conditioned = exploration.answer.whole.condition({layer: [channel]}).relevance[0].sum(0).numpy()
    shown = pixels(inside.locator(".lrp-pixels").nth(1))
    assert np.abs(shown - coloured(conditioned, np.abs(conditioned).max()).astype(int)).max() <= 1


def test_arrows_and_enter_choose_channels_without_a_mouse(inside):
    inside.locator(".lrp-tile").first.focus()
    inside.keyboard.press("ArrowRight")
    inside.keyboard.press("Enter")
    second = inside.locator(".lrp-tile").nth(1)
    expect(second).to_be_focused()
    expect(second).to_have_attribute("aria-selected", "true")
    inside.keyboard.press("ArrowRight")
    inside.keyboard.press("Shift+Enter")
    expect(inside.locator('.lrp-tile[aria-selected="true"]')).to_have_count(2)


def test_a_bar_chooses_its_channel(inside):
    channel = first_channel(inside)
    inside.locator(".lrp-chart .bargroup").first.locator("rect").first.click()
    expect(tile(inside, channel)).to_have_attribute("aria-selected", "true")


def test_bars_along_the_depth_are_there_and_say_their_amounts(inside):
    chart = inside.locator(".lrp-chart").nth(1)
    expect(chart.locator(".bargroup").first).to_be_visible()
    chart.locator(".bargroup").first.locator("rect").first.hover()
    expect(chart.locator(".lrp-said")).to_contain_text("At the output: handed on")


def test_another_layer_brings_its_own_maps(inside, exploration):
    name = ChannelMaps(exploration).layers[-1][0]
    channels = exploration.answer.whole[name].shape[1]
    inside.get_by_label("Layer to look into").select_option(name)
    expect(inside.locator(".lrp-inside-tools")).to_contain_text(f"{channels} channel")


def test_toggles_send_the_kernel_nothing(page, server):
    frames = []
    page.on("websocket", lambda socket: socket.on("framesent", lambda frame: frames.append(frame)))
    page.goto(server.address)
    expect(page.locator(".lrp-tile").first).to_be_visible()
    page.wait_for_load_state("networkidle")
    before = len([frame for frame in frames if b"comm_msg" in _bytes(frame)])
    for name in ("activation", "both", "+", "−", "±", "relevance"):
        page.locator(".lrp-inside .lrp-choices button").filter(has_text=name).first.click()
    assert len([frame for frame in frames if b"comm_msg" in _bytes(frame)]) == before


def _bytes(frame):
    return frame if isinstance(frame, bytes) else frame.encode()


@pytest.mark.parametrize("width", [480, 640, 1280])
def test_nothing_needs_a_scroll_bar_to_the_right(inside, width):
    inside.set_viewport_size({"width": width, "height": 900})
    inside.wait_for_function(f"({REACH})() <= {width}")
