"""What a visitor of a served dashboard gets, whatever the dashboard shows."""

from __future__ import annotations

import json
import os
import platform
import re
import subprocess
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.parse import urlencode
from urllib.request import urlopen

import nbformat
import psutil
import pytest
from playwright.sync_api import Page, expect

from lrpwidgets.dashboards.command import find_notebook
from tests.browser.conftest import SERVE_NOTEBOOK

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


LATE = """
import sys, time
def wait():
    time.sleep(6)  # as on a busy machine: that the cell has run is told before what it shows
    del sys.stdout.flush, sys.stderr.flush
sys.stdout.flush = sys.stderr.flush = lambda: None  # they would wait for this
get_ipython().kernel.iopub_thread.schedule(wait)
"""


def test_an_output_that_comes_long_after_its_cell_has_run_is_waited_for(visit, serve, tmp_path):
    page = visit(serve(write_notebook(tmp_path, LATE + VIEW)).address)
    expect(page.locator("[data-ready=true]")).to_have_count(1)


SLOW = VIEW.replace("_esm = '''", "_esm = '''await new Promise((done) => setTimeout(done, 500));")
"""A view whose script comes late, as on a busy machine."""

SEEN = """new MutationObserver(() => {
  const begun = document.querySelector(".jp-OutputArea-output") && !document.querySelector("#loading");
  if (begun && !("seen" in window)) window.seen = document.querySelectorAll(".lrp-heatmap, [data-ready=true]").length;
}).observe(document, { childList: true, subtree: true })"""
"""How many views there are when the page stops saying that it loads."""


def test_a_view_whose_script_comes_late_is_waited_for(page, serve, tmp_path):
    server = serve(write_notebook(tmp_path, SLOW))
    page.add_init_script(SEEN)
    page.goto(server.address)
    page.wait_for_function("'seen' in window")
    assert page.evaluate("window.seen") == 1


STILL = """
import os
del os.environ["LRPWIDGETS_OPTIONS"]  # as on a server of others
from lrpwidgets import subjects
from lrpwidgets.widgets import Exploration, HeatmapView
HeatmapView(Exploration(subjects.load("digits")))
"""


def test_pictures_that_stand_before_a_view_are_not_the_page(page, serve, tmp_path):
    server = serve(write_notebook(tmp_path, STILL))
    page.add_init_script(SEEN)
    page.goto(server.address)
    page.wait_for_function("'seen' in window")
    assert page.evaluate("window.seen") == 1
    expect(page.locator(".lrp-still")).to_be_hidden()


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


def test_a_token_is_asked_for(browser, server):
    context = browser.new_context()
    page = context.new_page()
    assert page.goto(server.address).status == 403
    page.get_by_label("Token").fill("another word")
    page.get_by_role("button", name="Open").click()
    expect(page.get_by_role("alert")).to_have_text("That is not the token of this dashboard.")
    page.get_by_label("Token").fill("a word&more")
    page.get_by_role("button", name="Open").click()
    expect(page.locator("[data-ready]")).to_have_attribute("data-seq", "0")
    page.goto("about:blank")
    context.close()


def test_the_address_that_is_printed_lets_in_and_its_token_is_gone_from_it(browser, server):
    assert server.entrance.endswith("/?token=a+word%26more")
    context = browser.new_context()
    page = context.new_page()
    page.goto(server.entrance + "&item=3")
    expect(page.locator("[data-ready]")).to_have_attribute("data-seq", "0")
    assert page.url == server.address + "?item=3"
    assert context.cookies()[0]["httpOnly"]
    page.goto("about:blank")
    context.close()


def test_nothing_is_there_for_whoever_has_no_token(browser, server, page):
    """Whatever a page loads, by whoever has not shown the token: the page's own requests, and a socket."""
    asked = []
    page.on("request", lambda request: asked.append(request.url))
    open_view(page, server.address)
    kernel = kernel_id(page)
    context = browser.new_context()
    for url in {*asked, server.address, f"{server.address}api/kernels/{kernel}", f"{server.address}nowhere"}:
        if url.startswith("http"):
            assert context.request.get(url).status == 403, url
    for method in ("post", "delete", "put", "patch", "head"):
        assert getattr(context.request, method)(f"{server.address}voila/api/shutdown/{kernel}").status == 403
    handshake = {
        "Connection": "Upgrade",
        "Upgrade": "websocket",
        "Sec-WebSocket-Version": "13",
        "Sec-WebSocket-Key": "x3JJHMbDL1EzLkh9GBhXDw==",
    }
    assert context.request.get(f"{server.address}api/kernels/{kernel}/channels", headers=handshake).status == 403
    context.close()
    page.locator("[data-ready]").click()  # and the kernel lives on
    expect(page.locator("[data-ready]")).to_have_attribute("data-seq", "1")


@pytest.mark.skipif(not hasattr(os, "getuid") or os.getuid() != 0, reason="only root can become somebody else")
def test_another_user_of_the_machine_finds_no_token_and_no_way_to_a_kernel(dashboard, digits):
    token = digits.entrance.partition("token=")[2]
    assert len(token) > 30
    processes = [digits.process.pid, *(each.pid for each in digits.kernels().values())]
    folders = digits.folders()
    assert folders
    reads = [f"cat /proc/{each}/cmdline /proc/{each}/environ" for each in processes]
    reads += [f"ls {folder}; cat {folder}/*" for folder in folders]
    found = subprocess.run(["sh", "-c", "; ".join(reads)], user="nobody", capture_output=True, text=True, check=False)
    assert token not in found.stdout
    assert "JUPYTER_CONFIG_DIR" not in found.stdout  # what an environment would show
    assert '"key"' not in found.stdout  # what a connection file would
    assert found.stderr.count("denied") >= len(processes) + len(folders)


def test_what_does_not_serve_a_dashboard_is_not_there(new_page, server):
    request = new_page().context.request
    for path in (
        "login",
        "logout",
        "voila/files/view.ipynb",
        "voila/tree",
        "api/contents",
        "voila/api/themes/x",
        "voila/templates/lab/static/nothing.js",
        "voila/templates/lab/static/..%2f..%2fpage.html.j2",
        "voila/templates/%2e%2e/x",
        "voila/templates/other/static/x.js",
        "x/y",
    ):
        found = request.get(server.address + path)
        assert (found.status, "Traceback" in found.text()) == (404, False), path


def test_a_name_that_is_not_of_this_machine_is_refused(new_page, server):
    request = new_page().context.request
    for host in ("evil.example:80", "evil.example", "127.0.0.1.evil.example", "10.0.0.1"):
        found = request.get(server.address, headers={"Host": host})
        assert found.status == 421, host
        assert "--allow-host" in found.text()


def test_a_dashboard_is_served_by_https_and_behind_a_proxy(browser, start, tmp_path):
    certificate, key = tmp_path / "own.pem", tmp_path / "own.key"
    make = ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost"]
    subprocess.run([*make, "-out", certificate, "-keyout", key], check=True, capture_output=True)
    main = "from lrpwidgets.dashboards.command import main; main()"
    options = ["--certfile", str(certificate), "--keyfile", str(key), "--allow-host", "lab.example.org"]
    command = ["-c", main, "serve", "explore", "--no-browser", "--port", "0", *options]
    server = start(*command, address=r"https://127\.0\.0\.1:\S+")
    context = browser.new_context(ignore_https_errors=True)
    headers = {"Host": "lab.example.org"}
    assert context.request.get(server.address, headers=headers, max_redirects=0).status == 303
    page = context.new_page()
    page.goto(server.address)
    expect(page.locator(".lrp-heatmap")).to_have_attribute("data-ready", "true")
    assert [each["secure"] for each in context.cookies() if each["name"].startswith("lrpwidgets-")] == [True]
    page.goto("about:blank")
    context.close()


def test_a_crowd_comes_in_one_after_the_other_as_many_as_there_is_room_for(new_page, serve, tmp_path):
    server = serve(write_notebook(tmp_path, VIEW), most=2)
    pages = [new_page() for _ in range(4)]
    for page in pages:
        page.goto(server.address, wait_until="commit")
    ready = [page.locator("[data-ready]") for page in pages]
    expect(ready[0]).to_have_attribute("data-seq", "0")
    expect(ready[1]).to_have_attribute("data-seq", "0")
    expect(pages[2].get_by_role("status")).to_contain_text("You are number 1 in line.")
    expect(pages[3].get_by_role("status")).to_contain_text("You are number 2 in line.")
    assert len(server.kernels()) <= 3  # one is ready for the next
    pages[0].goto("about:blank")
    expect(ready[2]).to_have_attribute("data-seq", "0")
    expect(pages[3].get_by_role("status")).to_contain_text("You are number 1 in line.")
    pages[1].goto("about:blank")
    expect(ready[3]).to_have_attribute("data-seq", "0")


def test_a_flood_of_requests_starts_no_more_kernels_than_there_is_room_for_and_they_end(start, tmp_path):
    """From something that never connects to a kernel."""
    notebook = str(write_notebook(tmp_path, VIEW))
    hasty = "from lrpwidgets.dashboards import line; line.UNVISITED = 5"
    script = f"{hasty}\n{SERVE_NOTEBOOK.format(notebook=notebook, options={'most': 2})}"
    server = start("-c", script, address=r"http://127\.0\.0\.1:\d+/")

    def ask(_: int) -> str:
        with urlopen(server.address) as page:
            return str(page.read())

    kernels: dict[str, psutil.Process] = {}
    with ThreadPoolExecutor(200) as crowd:
        asked = [crowd.submit(ask, number) for number in range(200)]
        while not all(each.done() for each in asked):
            kernels |= server.kernels()
    opened = [page for each in asked if "You are number" not in (page := each.result())]
    assert 1 <= len(opened) <= 2
    assert len(kernels) <= 3  # one is ready for the next
    for page in opened:
        found = re.search(r'"kernelId": ?"([-\w]+)"', page)
        assert found
        kernels[found[1]].wait(SECONDS)


def test_a_page_may_load_nothing_from_elsewhere(new_page, server):
    policy = new_page().context.request.get(server.address).headers["content-security-policy"]
    assert "default-src 'self'" in policy
    assert "http" not in policy


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
    connections = server.folders()
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
