"""A thousand changes in a row leave nothing behind: neither widgets, nor nodes of the page, nor memory."""

from __future__ import annotations

import json
from dataclasses import dataclass
from itertools import count
from pathlib import Path

import nbformat
import psutil
import pytest
from playwright.sync_api import Page, WebSocket, expect

from tests.browser.dashboard import SEQUENCE, Dashboard, opened

KERNEL = "JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"
MODELS = "jupyterapp.widgetManagerPromise.promise.then((manager) => Object.keys(manager._models).length)"
MEGABYTE = 2**20

NOTEBOOK = """
import gc, json
import ipywidgets
from lrpwidgets import dashboards
from lrpwidgets.lrp import Explanation
from lrpwidgets.widgets.base.answers import Answer

def tell(_):
    gc.collect()
    alive = [type(each) for each in gc.get_objects()]
    told.value = json.dumps({
        "widgets": sum(issubclass(each, ipywidgets.Widget) for each in alive),
        "explanations": alive.count(Explanation),
        "answers": alive.count(Answer),
        "asked": tell.asked,
    })
    tell.asked += 1

tell.asked = 1
told, ask = ipywidgets.Label(), ipywidgets.Button(description="count")
ask.on_click(tell)
ipywidgets.VBox([dashboards.explore(composite="epsilon_gamma_box"), ipywidgets.HBox([ask, told])])
"""


@dataclass(frozen=True)
class Counts:
    """What there is, in the kernel and on the page; garbage is collected first."""

    kernel: dict[str, int]
    """living objects by kind"""
    models: int
    nodes: float
    listeners: float
    heap: float
    """MB of the page's JavaScript"""
    memory: float
    """MB of the kernel"""


class Counter:
    def __init__(self, page: Page, process: psutil.Process) -> None:
        self.page, self.process = page, process
        self.protocol = page.context.new_cdp_session(page)
        self.protocol.send("Performance.enable")
        self.asked = count(1)

    def counts(self) -> Counts:
        self.page.get_by_role("button", name="count", exact=True).click()
        label = self.page.locator(".widget-label").filter(has_text=f'"asked": {next(self.asked)}')
        kernel = dict(json.loads(label.inner_text()))
        kernel.pop("asked")
        for _ in range(2):
            self.protocol.send("HeapProfiler.collectGarbage")
        found = {each["name"]: each["value"] for each in self.protocol.send("Performance.getMetrics")["metrics"]}
        return Counts(
            kernel,
            self.page.evaluate(MODELS),
            found["Nodes"],
            found["JSEventListeners"],
            found["JSHeapUsedSize"] / MEGABYTE,
            self.process.memory_info().rss / MEGABYTE,
        )


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(NOTEBOOK)])
    notebook.metadata = {"kernelspec": {"name": "python3", "display_name": "", "language": "python"}}
    path: Path = tmp_path_factory.mktemp("notebook") / "steady.ipynb"
    nbformat.write(notebook, path)
    return serve(path)


def hurry(dashboard: Dashboard, rounds: range) -> None:
    """Ten changes a round, each drawn before the next one."""
    page = dashboard.page
    slider = page.get_by_label("gamma for conv2", exact=True)
    for number in rounds:
        slider.focus()
        for _ in range(5):
            with dashboard.redrawn():
                page.keyboard.press("ArrowRight" if number % 2 else "ArrowLeft")
        with dashboard.redrawn():
            page.keyboard.press("3" if number % 2 else "4")  # another class
        with dashboard.redrawn():
            page.keyboard.press("j" if number % 20 < 10 else "k")  # another input
        dashboard.choose_channel(("conv1", "relu2", "conv3")[number % 3], number % 5)
        with dashboard.redrawn():
            if number % 2:
                page.keyboard.press("p")
            else:
                page.get_by_label("Close this map").click()
        expect(page.locator("figure[data-kind=pin]")).to_have_count(number % 2)
        expect(page.locator("figure[aria-busy=true]")).to_have_count(0)


def test_a_thousand_changes_leave_nothing_behind(page, server):
    opens: list[bytes] = []

    def watch(socket: WebSocket) -> None:
        for event in ("framesent", "framereceived"):
            socket.on(event, lambda frame: b"comm_open" in frame_bytes(frame) and opens.append(frame))

    page.on("websocket", watch)
    page.goto(server.address)
    dashboard = opened(page).settled()
    counter = Counter(page, server.kernels()[page.evaluate(KERNEL)])
    hurry(dashboard, range(1, 21))
    page.wait_for_function(f"{SEQUENCE} > 100")
    early, opened_early = counter.counts(), len(opens)
    hurry(dashboard, range(21, 101))
    late = counter.counts()
    print(early, late, sep="\n")
    assert len(opens) == opened_early
    assert (late.kernel, late.models) == (early.kernel, early.models)
    assert late.memory < early.memory + 20
    assert late.nodes < 1.02 * early.nodes
    assert late.listeners < 1.02 * early.listeners
    assert late.heap < early.heap + 5
    expect(dashboard.error).to_have_count(0)


def frame_bytes(frame: str | bytes) -> bytes:
    return frame.encode() if isinstance(frame, str) else frame
