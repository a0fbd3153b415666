"""What a visitor of a served dashboard gets, whatever the dashboard shows."""

from __future__ import annotations

import json
import platform
import re
from pathlib import Path
from urllib.parse import urlencode

import nbformat
import psutil
import pytest
from playwright.sync_api import Page, expect

from lrpwidgets.dashboards.command import find_notebook

SECONDS = 60

VIEW = """
import os, sys
import anywidget, traitlets

class View(anywidget.AnyWidget):
    _esm = '''
    function render({ model, el }) {
      const show = () => Object.assign(el.dataset, { ready: "true", seq: model.get("seq") });
      model.on("change:seq", show);
      el.addEventListener("click", () => model.send("next"));
      el.textContent = model.get("text");
      show();
    }
    export default { render };
    '''
    seq = traitlets.Int(0).tag(sync=True)
    text = traitlets.Unicode().tag(sync=True)

def count(view, content, buffers):
    view.seq += 1

view = View(text=str(os.getpid()))
view.on_msg(count)
print("not for the visitor")
print("not for the visitor either", file=sys.stderr)
view
"""


def write_notebook(folder: Path, source: str) -> Path:
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(source)])
    notebook.metadata = {
        "kernelspec": {"name": "python3", "display_name": "", "language": "python"},
        "title": "view",
    }
    path = folder / "view.ipynb"
    nbformat.write(notebook, path)
    return path


@pytest.fixture(scope="module")
def server(serve, tmp_path_factory):
    return serve(write_notebook(tmp_path_factory.mktemp("notebook"), VIEW))


def open_view(page: Page, address: str) -> str:
    """Open the page, and give the process id of its kernel."""
    page.goto(address)
    expect(page.locator("#loading")).to_have_count(0)
    expect(page.locator("[data-ready=true]")).to_have_attribute("data-seq", "0")
    return page.locator("[data-ready=true]").inner_text()


def kernel_id(page: Page) -> str:
    return str(page.evaluate("JSON.parse(document.getElementById('jupyter-config-data').textContent).kernelId"))


@pytest.mark.parametrize("width", [1280, 1920])
def test_the_dashboard_has_the_whole_window(page, server, width):
    page.set_viewport_size({"width": width, "height": 800})
    open_view(page, server.address)
    box = page.locator("[data-ready=true]").bounding_box()
    assert (box["x"], box["y"], box["width"]) == (0, 0, width)
    assert page.evaluate("document.documentElement.scrollWidth") == width
    expect(page.locator("#rendered_cells")).to_have_css("background-color", "rgb(250, 249, 246)")


def test_only_the_last_value_of_a_cell_is_shown(page, server):
    open_view(page, server.address)
    expect(page).to_have_title("view")
    expect(page.locator("body")).not_to_contain_text("not for the visitor")
    expect(page.locator("body")).not_to_contain_text("import anywidget")


def test_a_click_reaches_the_kernel_and_comes_back(page, server):
    open_view(page, server.address)
    page.locator("[data-ready=true]").click()
    expect(page.locator("[data-ready=true]")).to_have_attribute("data-seq", "1")


def test_closing_a_tab_ends_its_kernel(page, server):
    open_view(page, server.address)
    process = server.kernels()[kernel_id(page)]
    with page.expect_event("close"):
        page.close(run_before_unload=True)
    process.wait(SECONDS)


def test_a_reload_ends_the_old_kernel_and_gets_a_new_one(page, server):
    before = open_view(page, server.address)
    process = server.kernels()[kernel_id(page)]
    page.reload()
    expect(page.locator("[data-ready=true]")).not_to_have_text(before)
    process.wait(SECONDS)


def test_tabs_opened_at_once_have_kernels_of_their_own(new_page, server):
    pages = [new_page() for _ in range(3)]
    for page in pages:
        page.goto(server.address, wait_until="commit")
    for page in pages:
        expect(page.locator("[data-ready=true]")).to_have_attribute("data-seq", "0")
    assert len({page.locator("[data-ready=true]").inner_text() for page in pages}) == 3
    assert {kernel_id(page) for page in pages} <= server.kernels().keys()
    pages[0].locator("[data-ready=true]").click()
    expect(pages[0].locator("[data-ready=true]")).to_have_attribute("data-seq", "1")
    expect(pages[1].locator("[data-ready=true]")).to_have_attribute("data-seq", "0")


def test_a_page_says_that_its_kernel_is_gone(page, server):
    open_view(page, server.address)
    expect(page.locator("#lost")).to_be_hidden()
    server.kernels()[kernel_id(page)].kill()
    expect(page.locator("#lost")).to_be_visible()


def test_an_error_in_the_notebook_is_one_sentence_and_its_traceback_stays_at_home(page, serve, tmp_path):
    server = serve(write_notebook(tmp_path, "raise ValueError('There is no model <b>here</b>.')"))
    page.goto(server.address)
    expect(page.locator("#loading_text")).to_have_text("ValueError: There is no model <b>here</b>.")
    assert "Traceback" not in page.content()
    assert any("Traceback" in line for line in server.log)


def test_a_token_is_asked_for(page, serve, tmp_path):
    server = serve(write_notebook(tmp_path, VIEW), token="a word&more")
    assert server.address.endswith("/?token=a+word%26more")
    page.goto(server.address.partition("?")[0])
    expect(page).to_have_url(re.compile("/login"))
    open_view(page, server.address)
    process = server.kernels()[kernel_id(page)]
    page.goto("about:blank")
    process.wait(SECONDS)


def test_a_kernel_is_given_the_options_and_an_allocator_that_keeps_memory(page, server):
    open_view(page, server.address)
    environment = server.kernels()[kernel_id(page)].environ()
    assert json.loads(environment["LRPWIDGETS_OPTIONS"])["subject"] is None  # the dashboard has its own
    if platform.libc_ver()[0] == "glibc":
        assert environment["MALLOC_MMAP_MAX_"] == "0"


def test_a_stopped_server_leaves_nothing(page, serve, tmp_path):
    server = serve(write_notebook(tmp_path, VIEW))
    open_view(page, server.address)
    kernels = list(server.kernels().values())
    connections = {Path(word).parent for kernel in kernels for word in kernel.cmdline() if word.endswith(".json")}
    assert connections
    page.goto("about:blank")
    server.process.terminate()
    assert server.process.wait(SECONDS) == 0
    psutil.wait_procs(kernels, SECONDS)
    assert not [folder for folder in connections if folder.exists()]


def test_a_notebook_runs_in_jupyterlab(lab, tmp_path):
    page = lab(write_notebook(tmp_path, VIEW))
    page.locator("[data-ready=true]").click()
    expect(page.locator("[data-ready=true]")).to_have_attribute("data-seq", "1")


def test_the_explore_dashboard_opens(visit, digits):
    page = visit(digits.address)
    expect(page.locator("[data-ready=true]").first).to_be_visible()
    expect(page).to_have_title("lrpwidgets")


def test_the_explore_notebook_runs_in_jupyterlab(lab):
    page = lab(find_notebook("explore"))
    expect(page.locator("[data-ready=true]").first).to_be_visible()


OWN = """
from pathlib import Path
from helper import CLASSES
from torch import nn, rand

def pair():
    with open("ran", "a") as file:  # in the working directory of whoever typed the command
        file.write("once ")
    return nn.Sequential(nn.Conv2d(3, 3, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten()), Data()

class Data:
    classes = CLASSES

    def __len__(self):
        return 4

    def __getitem__(self, index):
        return rand(3, 8, 8), index % 3
"""


def test_ones_own_code_is_served_and_no_link_makes_other_code_run(look, serve, tmp_path):
    (tmp_path / "helper.py").write_text("CLASSES = ['ring', 'square', 'cross']")
    (tmp_path / "mine.py").write_text(OWN)
    (tmp_path / "other.py").write_text(OWN.replace('"ran"', repr(str(tmp_path / "others ran"))))
    server = serve(subject=f"{tmp_path / 'mine.py'}:pair")
    dashboard = look(server.address)
    expect(dashboard.page.locator(".lrp-top")).to_contain_text("Sequential · Data")
    expect(dashboard.page.locator(".lrp-scores")).to_contain_text("square")
    dashboard.page.goto("about:blank")
    other = json.dumps(f"{tmp_path / 'other.py'}:pair")
    dashboard = look(f"{server.address}?{urlencode({'subject': other})}")
    expect(dashboard.error).to_contain_text("This state is of the subject")
    assert (server.home / "ran").read_text().startswith("once once ")
    assert not (tmp_path / "others ran").exists()
