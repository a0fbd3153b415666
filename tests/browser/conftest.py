"""A real browser, on Voilà and on JupyterLab.

Every view sets `data-ready="true"` on its root element once it is drawn and counts its pictures in
`data-seq`: tests wait for facts and never sleep. Pages cannot reach another machine, and a test fails
if one of its pages tried to, or wrote an error to the console.

    def test_the_heatmap_is_there(visit, digits):
        page = visit(digits.address)
        expect(page.locator(".lrp-heatmap")).to_have_attribute("data-ready", "true")
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from urllib.parse import urlsplit

import psutil
import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from lrpwidgets import subjects
from lrpwidgets.dashboards.command import find_port
from lrpwidgets.lrp import Explainer, Explanation, Rather
from lrpwidgets.subjects import Subject
from tests.browser.dashboard import BEGIN, Dashboard, opened

SECONDS = 60
"""Patience with a kernel, a server or a page on a busy machine."""

CHROMIUM = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome")
"""The first that is here; one without windows opens a page in two thirds of the time."""
ARGUMENTS = [
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1, EXCLUDE localhost",  # no other machine
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
]


@dataclass(frozen=True)
class Server:
    """A server of ours, and where it is."""

    process: subprocess.Popen[str]
    address: str
    home: Path
    log: list[str]
    entrance: str = ""
    """The address with the token."""

    def kernels(self) -> dict[str, psutil.Process]:
        """The running kernels, by their id."""
        return {re.search(r"kernel-([-\w]{36})", place.name)[1]: child for place, child in self._places()}

    def folders(self) -> set[Path]:
        """Where their connection files are."""
        return {place.parent for place, _ in self._places()}

    def _places(self) -> list[tuple[Path, psutil.Process]]:
        """Sockets of kernels: these are copies of one process, so that no command line tells which is which."""
        found = []
        for child in psutil.Process(self.process.pid).children(recursive=True):
            with contextlib.suppress(psutil.Error):  # it has ended meanwhile
                names = [Path(each.laddr) for each in child.net_connections("unix") if each.laddr]
                found += [(place, child) for place in names if place.name.startswith("kernel-")]
        return found


BEEN_HERE = "location.protocol === 'http:' && !localStorage.newcomer && localStorage.setItem('lrp-tour', 'seen')"
"""Whoever tests has seen the three steps that a newcomer is offered."""

OTHERS = "Could not restore the debugger state"
"""What JupyterLab itself may write while a kernel restarts."""

GONE = "widget model not found"
"""What it writes of a notebook whose kernel is gone; an error but in tests that are marked so."""


@dataclass(frozen=True)
class Watch:
    """What a page did that it should not do."""

    requests: list[str]
    errors: list[str]


@pytest.fixture(autouse=True)
def no_loop() -> None:
    """Playwright's event loop is the one that these tests need."""


@pytest.fixture(scope="session")
def browser() -> Iterator[Browser]:
    with sync_playwright() as playwright:
        system = next(filter(None, map(shutil.which, CHROMIUM)), None)
        if not system and not Path(playwright.chromium.executable_path).exists():
            pytest.fail("There is no browser: install Chromium, or run `playwright install chromium`.")
        browser = playwright.chromium.launch(executable_path=system, args=ARGUMENTS)
        yield browser
        browser.close()


def watch(page: Page, others: Sequence[str]) -> Watch:
    """Note what `page` asks of other machines (in vain, see `ARGUMENTS`), and its errors but for those of `others`."""
    watched = Watch([], [])

    def note(url: str) -> None:
        parts = urlsplit(url)
        if parts.scheme not in ("about", "blob", "data") and parts.hostname not in ("127.0.0.1", "localhost"):
            watched.requests.append(url)

    page.on("request", lambda request: note(request.url))
    page.on("websocket", lambda socket: note(socket.url))

    def blame(text: str) -> None:
        if not any(each in text for each in others):
            watched.errors.append(text)

    page.on("console", lambda line: line.type == "error" and blame(line.text))
    page.on("pageerror", lambda error: blame(str(error)))
    return watched


@dataclass(frozen=True)
class Visitors:
    """Browsers that are open, and the servers that let them in: whoever visits has shown every token."""

    servers: list[Server]
    contexts: list[BrowserContext]

    def server(self, server: Server) -> Server:
        self.servers.append(server)
        for context in self.contexts:
            self._let_in(context, server)
        return server

    def context(self, context: BrowserContext) -> BrowserContext:
        self.contexts.append(context)
        for server in self.servers:
            if server.process.poll() is None:
                self._let_in(context, server)
        return context

    @staticmethod
    def _let_in(context: BrowserContext, server: Server) -> None:
        context.request.get(server.entrance, max_redirects=0)  # the cookie; no page, and so no kernel


@pytest.fixture(scope="module")
def visitors() -> Visitors:
    return Visitors([], [])


@pytest.fixture
def new_page(browser: Browser, visitors: Visitors, request: pytest.FixtureRequest) -> Iterator[Callable[[], Page]]:
    """Open further pages of the same visitor; each must behave (see `watch`)."""
    context = visitors.context(browser.new_context(viewport={"width": 1280, "height": 800}))
    context.set_default_timeout(1000 * SECONDS)
    context.add_init_script(BEEN_HERE)
    expect.set_options(timeout=1000 * SECONDS)
    watched = []
    others = [OTHERS, *[GONE] * (request.node.get_closest_marker("kernel_gone") is not None)]

    def open_page() -> Page:
        page = context.new_page()
        watched.append(watch(page, others))
        return page

    yield open_page
    found = [Watch([*one.requests], [*one.errors]) for one in watched]  # leaving a page ends what it was about to load
    for page in context.pages:
        page.goto("about:blank")  # leaving a page ends its kernel; closing the context would not
    visitors.contexts.remove(context)
    context.close()
    for one in found:
        assert one == Watch([], [])


@pytest.fixture
def page(new_page: Callable[[], Page]) -> Page:
    return new_page()


@pytest.fixture
def visit(page: Page) -> Callable[[str], Page]:
    """Open a dashboard, and wait until there is something to see."""

    def visit(address: str) -> Page:
        page.goto(address)
        page.wait_for_function("!document.querySelector('#loading:not(.failed)')")
        failed = page.locator("#loading_text")
        assert not failed.count(), failed.inner_text()
        return page

    return visit


@pytest.fixture(scope="session")
def ending() -> Iterator[list[subprocess.Popen[str]]]:
    """Servers that were told to end; nobody waits for them while there are tests to run."""
    processes: list[subprocess.Popen[str]] = []
    yield processes
    for process in processes:
        try:
            process.wait(SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()


@pytest.fixture(scope="module")
def start(
    tmp_path_factory: pytest.TempPathFactory, ending: list[subprocess.Popen[str]]
) -> Iterator[Callable[..., Server]]:
    """Start a server by its command line, with a home of its own, and wait until it prints its `address`.

    It ends with the tests of its module: it takes more than a gigabyte, and those of all modules more than there is.
    """
    processes: list[subprocess.Popen[str]] = []

    def start(*command: str, address: str, home: Path | None = None) -> Server:
        home = home or tmp_path_factory.mktemp("home")
        folders = {f"JUPYTER_{kind}_DIR": str(home / kind.lower()) for kind in ("CONFIG", "DATA", "RUNTIME")}
        environment = {**os.environ, **folders, "HOME": str(home), "PYTHONUNBUFFERED": "1"}
        process = subprocess.Popen(
            [sys.executable, *command], cwd=home, env=environment, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip
        processes.append(process)
        output = iter(process.stdout or ())
        log: list[str] = []
        for line in output:
            log.append(line)
            if found := re.search(address, line):
                # somebody must go on reading: a full pipe would block the server
                threading.Thread(target=log.extend, args=(output,), daemon=True).start()
                return Server(process, found[0], home, log)
        raise AssertionError("The server ended before it printed its address:\n" + "".join(log))

    yield start
    for process in processes:
        process.terminate()
    ending += processes


@pytest.fixture(scope="module")
def serve(start: Callable[..., Server], visitors: Visitors) -> Callable[..., Server]:
    """Run `lrpwidgets serve` with these options, or serve another notebook just the same way."""

    def serve(notebook: Path | None = None, dashboard: str = "explore", **options: object) -> Server:
        server = run(notebook, dashboard, options)
        way, _, _ = server.address.partition("?")
        return visitors.server(replace(server, address=way, entrance=server.address))

    def run(notebook: Path | None, dashboard: str, options: dict[str, object]) -> Server:
        if notebook:
            script = SERVE_NOTEBOOK.format(notebook=str(notebook), options={"token": "a word&more", **options})
            return start("-c", script, address=r"http://127\.0\.0\.1:\S+")
        arguments = [word for name, value in options.items() for word in (f"--{name}", str(value))]
        main = "from lrpwidgets.dashboards.command import main; main()"
        command = ("-c", main, "serve", dashboard, "--no-browser", "--port", "0")
        return start(*command, *arguments, address=r"http://127\.0\.0\.1:\S+")

    return serve


SERVE_NOTEBOOK = """
from pathlib import Path
from lrpwidgets.dashboards.command import find_port
from lrpwidgets.dashboards.server import serve_notebook
from lrpwidgets.dashboards.options import Options
serve_notebook(Path({notebook!r}), Options(), port=find_port(0), browser=False, **{options!r})
"""


@pytest.fixture(scope="module")
def digits(serve: Callable[..., Server]) -> Server:
    """The explore dashboard on the digits, one server for all tests of a module."""
    return serve()


@pytest.fixture
def look(visit: Callable[[str], Page]) -> Callable[[str], Dashboard]:
    """Open the dashboard `explore` at an address."""
    return lambda address: opened(visit(address))


@pytest.fixture
def dashboard(look: Callable[[str], Dashboard], digits: Server) -> Dashboard:
    """The digits, the first of them explained."""
    return look(digits.address)


@pytest.fixture(scope="module")
def subject() -> Subject:
    return subjects.load("digits")


@pytest.fixture(scope="module")
def explain(subject: Subject) -> Callable[..., Explanation]:
    """What the backend says of a digit, under the composite that the dashboard begins with."""

    def explain(item: int | None = None, target: int | Rather | None = None) -> Explanation:
        x, _ = subject.item(subject.start if item is None else item)
        return Explainer(subject.model, BEGIN).explain(x[None], target)

    return explain


@pytest.fixture(scope="module")
def lab_server(start: Callable[..., Server], tmp_path_factory: pytest.TempPathFactory) -> Server:
    """JupyterLab that asks nobody for news, with its home as its root."""
    home = tmp_path_factory.mktemp("lab")
    (home / "config" / "labconfig").mkdir(parents=True)
    quiet = {"disabledExtensions": {"@jupyterlab/apputils-extension:announcements": True}}
    (home / "config" / "labconfig" / "page_config.json").write_text(json.dumps(quiet))
    options = [
        "--no-browser",
        "--allow-root",
        "--ip=127.0.0.1",
        f"--port={find_port(0)}",
        f"--ServerApp.root_dir={home}",
        "--IdentityProvider.token=lab",
        "--LabApp.expose_app_in_browser=True",
        "--LabApp.extension_manager=readonly",
        "--LabApp.check_for_updates_class=jupyterlab.NeverCheckForUpdate",
    ]
    return start("-m", "jupyterlab", *options, address=r"http://127\.0\.0\.1:\d+/", home=home)


@pytest.fixture
def lab(lab_server: Server, page: Page) -> Iterator[Callable[[Path], Page]]:
    """Open a copy of a notebook in JupyterLab and run all its cells, in a kernel that ends with the test."""

    def lab(notebook: Path) -> Page:
        shutil.copy(notebook, lab_server.home)
        page.goto(f"{lab_server.address}lab/tree/{notebook.name}?token=lab&reset")
        page.wait_for_function("window.jupyterapp?.shell?.currentWidget?.sessionContext")
        page.evaluate(
            """async () => {
                await jupyterapp.restored;
                const { context, sessionContext } = jupyterapp.shell.currentWidget;
                await Promise.all([context.ready, sessionContext.ready]);
                await jupyterapp.commands.execute("notebook:run-all-cells");
            }"""
        )
        return page

    yield lab
    page.evaluate("jupyterapp.serviceManager.sessions.shutdownAll()")
