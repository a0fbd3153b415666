"""The server of a dashboard: Voilà with one notebook, behind a door, on this machine only."""

from __future__ import annotations

import contextlib
import os
import platform
import signal
import ssl
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import parse_qsl, urlencode

import click
from tornado.web import Application, HTTPError

from .door import Door
from .line import EACH, Line, Watch
from .line import page as waiting_page
from .options import Options
from .warm import warm_up

if TYPE_CHECKING:
    from traitlets.config import Config

TEMPLATE = Path(__file__).parent / "template"

LAB_EXTENSIONS = [
    "@jupyter-widgets/jupyterlab-manager",
    "@voila-dashboards/widgets-manager8",
    "anywidget",
    "bqplot",
    "bqscales",
]
"""What a page loads; anything else that is installed for JupyterLab stays out of it."""

ALLOCATOR = {
    "MALLOC_ARENA_MAX": "1",  # worker threads too: their own arenas would return every large block
    "MALLOC_MMAP_MAX_": "0",
    "MALLOC_TOP_PAD_": str(2**26),
    "MALLOC_TRIM_THRESHOLD_": str(2**32),
}
"""glibc, told to keep freed memory.

By default it unmaps each large activation when it is freed, and the next one costs a page fault per 4 KiB.
With these, everything on the CPU ran 1.4 to 2.7 times faster. They act on processes started with them only.
"""

POLICY = "; ".join(
    [
        "default-src 'self'",
        "script-src 'self' 'unsafe-inline' 'unsafe-eval' blob: data:",  # widgets bring their scripts in messages
        "style-src 'self' 'unsafe-inline' data:",
        "img-src 'self' data: blob:",
        "media-src 'self' data: blob:",
        "font-src 'self' data:",
        "connect-src 'self' ws: wss: data: blob:",
        "object-src 'none'",
        "base-uri 'self'",
        "form-action 'self'",
        "frame-ancestors 'self'",
    ]
)
"""What a page may load: nothing from another machine (Content Security Policy, level 3)."""

AHEAD = 1
"""Kernels that are started before anybody comes."""

PATIENCE = 60
"""Seconds for all that a notebook shows to arrive, once it has run."""

OFTEN = 3
"""Seconds between two looks for kernels that nobody looks at any more."""

ROUTES = ("/api/kernels/", "/voila/templates/", "/voila/static/", "/voila/api/shutdown/", "/voila/labextensions/")
"""What a page needs of Voilà beside itself. Not files, contents, themes, log in and out, nor what waits for queries."""

ANY_TEMPLATE = "/voila/templates/(.*)"
TEMPLATE_FILES = r"/voila/templates/((?:lab|base)/static/(?!.*\.\.)[\w./-]+)"
"""Voilà's own route raises raw errors for all that is not such a file."""


def serve_notebook(
    notebook: Path,
    options: Options,
    *,
    port: int,
    token: str | None = None,
    hosts: Iterable[str] = (),
    tls: ssl.SSLContext | None = None,
    most: int | None = None,
    browser: bool = True,
) -> None:
    """Serve `notebook` at 127.0.0.1:`port` until the process is interrupted or terminated.

    To `most` visitors at a time, and no more than there is memory for. Raises KeyboardInterrupt once it has ended after
    Ctrl-C, and BrokenPipeError if nobody reads the address.
    """
    from tornado.ioloop import IOLoop

    os.environ.update(options.to_environment())  # kernels inherit the environment
    if platform.libc_ver()[0] == "glibc":
        os.environ.update({name: value for name, value in ALLOCATOR.items() if name not in os.environ})
    way = f"{'https' if tls else 'http'}://127.0.0.1:{port}/"
    address = way + (f"?{urlencode({'token': token})}" if token else "")
    loop = IOLoop.current()

    ends: list[BaseException] = []

    def announce() -> None:
        try:
            click.echo(f"{notebook.stem} is open at {address} (Ctrl-C ends it)")
        except BrokenPipeError as error:  # raised here tornado would log it and go on, at an address nobody knows
            ends.append(error)
            loop.stop()
        if browser and not ends:  # in a thread, as some browsers return only when they are closed
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    def stop(signalled: int, *_: object) -> None:
        ends.extend([KeyboardInterrupt()] * (signalled == signal.SIGINT))
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # kernels take a second to end; once more would leave some
        loop.add_callback_from_signal(loop.stop)

    with tempfile.TemporaryDirectory(prefix="lrp", ignore_cleanup_errors=True) as connections:
        send_promptly()
        warm_up()
        door = partial(Door, token=token, port=port, hosts=hosts, tls=tls is not None)
        voila = behind_a_door(
            notebook, door, Line(most, each=options.memory or EACH), tls, configuration(notebook, port, connections)
        )
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        loop.add_callback(announce)  # runs once the server listens
        with contextlib.suppress(HTTPError):  # stopped while a kernel was starting; it ends with its parent
            voila.start()
    for end in ends:
        raise end


def behind_a_door(
    notebook: Path, door: Callable[[Application], Door], line: Line, tls: ssl.SSLContext | None, config: Config
) -> Any:
    """Voilà with that notebook, ready to start, with the routes that a page needs and no others."""
    from tornado.httpserver import HTTPServer
    from tornado.ioloop import IOLoop, PeriodicCallback
    from voila.app import Voila

    class Served(Voila):  # type: ignore[misc]  # Voilà has no types
        def init_handlers(self) -> list[Any]:
            *others, (_, page, settings) = super().init_handlers()
            kept = [each for each in others if any(part in each[0] for part in ROUTES)]
            kept = [(path.replace(ANY_TEMPLATE, TEMPLATE_FILES), *handler) for path, *handler in kept]
            return [*kept, (r"/()", in_line(page, line), settings)]

        def listen(self) -> None:
            server = HTTPServer(door(self.app), ssl_options=tls)
            server.listen(self.port, self.ip)
            watch = Watch()
            PeriodicCallback(lambda: end_what_is_left(self.kernel_manager, watch), 1000 * OFTEN).start()
            try:
                IOLoop.current().start()
            finally:
                server.stop()
                self.stop()

    # the instance, as the errors of notebook cells are logged through it
    voila = Served.instance(config=config)
    voila.initialize([str(notebook)])
    voila.template_paths.insert(0, str(TEMPLATE))  # first, also where share/jupyter has an older copy
    return voila


def in_line(page: Any, line: Line) -> Any:
    """The handler `page`, for one visitor after the other; the others wait, and ask again every second."""

    class InLine(page):  # type: ignore[misc]
        async def get(self, path: str | None = None) -> None:
            ahead = ready(self.kernel_manager)
            inside = len(self.kernel_manager.list_kernel_ids()) - len(ahead)
            room = line.room(inside, starting=AHEAD - sum(ahead.values()))
            ticket, place = line.ask(self.get_query_argument("ticket", None), full=inside >= room)
            if place:
                rest = [pair for pair in parse_qsl(self.request.query, keep_blank_values=True) if pair[0] != "ticket"]
                self.set_header("Refresh", f"1; url=/?{urlencode([*rest, ('ticket', ticket)])}")
                self.set_header("Cache-Control", "no-store")
                self.finish(waiting_page(place, room))
                return
            try:
                await super().get(path)
            finally:
                line.entered()

    return InLine


def ready(kernels: Any) -> dict[str, bool]:
    """The kernels that Voilà has started ahead, for the next visitor, by id: whether they have run the notebook."""
    pools = kernels._pools.values()
    done = [each for pool in pools for each in pool if each.done() and not each.cancelled() and not each.exception()]
    return {each.result()["kernel_id"]: each.result()["task"].done() for each in done}


async def end_what_is_left(kernels: Any, watch: Watch) -> None:
    """End the kernels that nobody looks at any more: of browsers that crashed, or lost their network."""
    connections = {each: kernels._kernel_connections.get(each, 0) for each in kernels.list_kernel_ids()}
    for kernel in watch.left(connections, ready(kernels)):
        with contextlib.suppress(KeyError, HTTPError):  # its page has ended it meanwhile
            await kernels.shutdown_kernel(kernel, now=True)


def send_promptly() -> None:
    """Let Voilà's websockets send every message at once.

    Left alone, TCP holds small messages back until the browser has confirmed the ones before. While a slider
    moves that takes 40 ms each time: 65 ms from the slider to new pixels instead of 33.
    """
    import voila.app

    class PromptWebsocket(voila.app.VoilaKernelWebsocketHandler):  # type: ignore[misc]  # Voilà has no types
        async def open(self, *args: str, **kwargs: str) -> None:
            self.set_nodelay(True)
            await super().open(*args, **kwargs)

    voila.app.VoilaKernelWebsocketHandler = PromptWebsocket


def configuration(notebook: Path, port: int, connections: str) -> Config:
    """What Voilà is told; `connections` is the folder for its kernels' connection files."""
    from tornado.web import RequestHandler
    from traitlets.config import Config

    class Nothing(RequestHandler):
        def prepare(self) -> None:
            self.set_status(404)
            self.finish("There is nothing here; the dashboard is at /.\n")

    # Unix sockets: no other user of the machine can reach them. Their paths may have 107 characters.
    sockets = sys.platform == "linux" and len(connections) < 40
    settings = {
        "Voila": {
            "ip": "127.0.0.1",
            "port": port,
            "port_retries": 0,
            "connection_dir_root": connections,
            "open_browser": False,  # its own way writes a file, and leaves it there
            "log_level": "ERROR",
            "config_file_paths": [],  # someone's voila.json is meant for another server
            # A page on this machine needs no pings, and there is no good timeout for them: tornado warns of one that is
            # longer than their interval, and jupyter_server then closes the connection at the first of them.
            "tornado_settings": {
                "ws_ping_interval": 0,
                "headers": {"Content-Security-Policy": POLICY, "Referrer-Policy": "same-origin"},
                "default_handler_class": Nothing,
            },
        },
        "VoilaConfiguration": {
            "template": "lab",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "preheat_kernel": True,
            "show_tracebacks": True,  # our template shows the last line only
            "extension_allowlist": LAB_EXTENSIONS,
        },
        # On a busy machine the messages of a page are read long after its cell has run; it would be shown without them.
        "VoilaExecutor": {"iopub_timeout": PATIENCE},
        "VoilaKernelManager": {
            "kernel_pools_config": {notebook.name: {"pool_size": AHEAD}, "default": {"pool_size": 0}},
            "fill_delay": 2,  # seconds; sooner, the next kernel would slow down the page that took this one
        },
        "KernelManager": {"transport": "ipc" if sockets else "tcp"},
    }
    return Config(settings)
