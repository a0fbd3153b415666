"""The `lrpwidgets` command.

`lrpwidgets serve` opens one dashboard with Voilà on this machine. Everything that can be wrong with its
options is said in one sentence before a server starts. The model itself is loaded in the kernel, so the
address is there in a second. One preheated kernel waits with the notebook already executed; when a page
takes it, another starts.

`lrpwidgets attribute` explains a whole data set and keeps the relevance on disk; `lrpwidgets spray` clusters it,
and `lrpwidgets verify` tells whether it is as it was written.
"""

from __future__ import annotations

import contextlib
import difflib
import os
import platform
import signal
import socket
import sys
import tempfile
import threading
import webbrowser
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlencode

import click

from lrpwidgets.dashboards import attributing, spraying, verifying
from lrpwidgets.dashboards.options import Options

if TYPE_CHECKING:
    from traitlets.config import Config

    from lrpwidgets.subjects import Subject

HERE = Path(__file__).parent
TEMPLATE = HERE / "template"
INSTALLED, CHECKOUT = HERE / "notebooks", HERE.parents[1] / "notebooks" / "dashboards"
NOTEBOOKS = INSTALLED if INSTALLED.is_dir() else CHECKOUT

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


class Refused(click.ClickException):
    """A sentence about the options; nothing was started."""

    exit_code = 2


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="lrpwidgets")
def main() -> None:
    """Open the black box, live: Layer-wise Relevance Propagation in Jupyter widgets."""


SUBJECT_OPTIONS = {
    "subject": click.option(
        "--subject",
        help="A built-in subject, such as digits, clever-hans or imagenet; or your own, path/to/file.py:function or "
        "package.module:function, whose code runs as `python file.py` would.",
    ),
    "arch": click.option("--arch", help="A torchvision classification model; implies --subject imagenet."),
    "weights": click.option("--weights", help="Its weights: a torchvision name, or a file."),
    "images": click.option("--images", help="A folder of pictures; implies --subject imagenet."),
    "split": click.option("--split", help="Which part of it, such as train; by default val, else test, else train."),
    "classes": click.option("--classes", help="A file of class names: one in a line, or JSON."),
    "crop": click.option(
        "--crop", type=click.IntRange(1), help="Height and width of its input in pixels; by default the weights' own."
    ),
    "select": click.option(
        "--select", help="Where the scores are in what the model returns: a key or attribute, or a position in a tuple."
    ),
    "device": click.option("--device", help="Where to compute: cpu, cuda, cuda:1, mps."),
}
"""Of every command that is about a subject."""


def subject_options(command: Callable[..., None]) -> Callable[..., None]:
    """Give `command` the options that say which subject it is about, and where to compute."""
    for option in reversed(SUBJECT_OPTIONS.values()):
        command = option(command)
    return command


@main.command()
@click.argument("dashboard", default="explore")
@click.option("--port", default=8866, show_default=True, help="Port on this machine; 0 takes a free one.")
@subject_options
@click.option("--store", type=click.Path(path_type=Path), help="For spray: the folder of a relevance store.")
@click.option("--token", help="A secret word that the page then asks for; the printed address contains it.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def serve(dashboard: str, port: int, store: Path | None, token: str | None, no_browser: bool, **choices: Any) -> None:
    """Open DASHBOARD (explore, maximize or spray) in the browser, until Ctrl-C.

    Without a store, spray explains its subject's data first, by default clever-hans, and keeps that in the cache.
    """
    notebook = find_notebook(dashboard)
    options = find_options(**choices)
    find_port(port)
    with in_a_sentence():
        if dashboard == "spray":
            options = replace(options, store=spraying.found_store(options, store))
        elif store is not None:
            raise Refused("--store is for the dashboard spray.")
        elif options.subject == "imagenet" or options.folder is not None:  # what ships is whole
            check_inputs(options.load_subject())  # only to see whether it can be: a page would say so too late
    serve_notebook(notebook, options, port=find_port(port), token=token, browser=not no_browser)


@main.command()
@subject_options
@click.option(
    "--store",
    required=True,
    type=click.Path(path_type=Path),
    help="Folder of the store: a new one, or one to go on with.",
)
@click.option("--composite", default="auto", show_default=True, help="Rules: a preset's name, or a JSON or YAML file.")
@click.option("--targets", default="predicted", show_default=True, help="predicted, label, or the number of a class.")
@click.option("--batch-size", default=64, show_default=True, type=click.IntRange(1), help="Inputs explained at once.")
@click.option("--layer", help="Keep the relevance of this layer too.")
@click.option(
    "--pool", type=click.IntRange(1), help="Keep sums over squares of pixels, so many in each direction at most."
)
@click.option(
    "--dtype", type=click.Choice(["float16", "float32"]), default="float16", show_default=True, help="On disk."
)
@click.option("--scheduler", help="Address of a Dask scheduler whose workers compute, as tcp://10.0.0.1:8786.")
def attribute(store: Path, composite: str, scheduler: str | None, targets: str, **asked: Any) -> None:
    """Explain every input of a subject and keep the relevance in a store.

    Ctrl-C ends it without loss: the same command goes on.
    """
    with in_a_sentence():
        asked["targets"] = attributing.find_targets(targets)
        options = find_options(**{name: asked.pop(name) for name in SUBJECT_OPTIONS})
        attributing.check(options, store, composite)
        try:
            click.echo(attributing.summary(*attributing.attributed(options, store, composite, scheduler, **asked)))
        except KeyboardInterrupt:
            click.echo(attributing.interrupted(store), err=True)
            raise SystemExit(130) from None


@main.command()
@click.option("--store", required=True, type=click.Path(path_type=Path), help="Folder of the relevance store.")
@click.option(
    "--by", type=click.Choice(["prediction", "label"]), default="prediction", show_default=True, help="What a class is."
)
@click.option("--class", "label", help="Name or number of one class; by default all are ranked.")
@click.option("--neighbors", default=10, show_default=True, type=click.IntRange(1), help="Of each map in the graph.")
@click.option("--sign", type=click.Choice(["signed", "absolute", "positive"]), default="signed", show_default=True)
@click.option("--seed", default=0, show_default=True, help="For everything random.")
@click.option("--test", is_flag=True, help="Put every cluster to the poison test.")
@click.option("--save", type=click.Path(path_type=Path), help="Folder for the atlases, a file each.")
@click.option("--virelay", type=click.Path(path_type=Path), help="Folder for a ViRelAy project.")
@SUBJECT_OPTIONS["subject"]
@SUBJECT_OPTIONS["select"]
def spray(store: Path, subject: str | None, select: str | None, **asked: Any) -> None:
    """Cluster the maps of a store, class by class, and rank the classes: which to look at first."""
    with in_a_sentence():
        for line in spraying.told(store, find_options(subject, select=select), **asked):
            click.echo(line)


@main.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--repair", is_flag=True, help="Remove what is damaged, so that the next attribution computes it again.")
def verify(store: Path, repair: bool) -> None:
    """Read all of STORE, of relevance or of references, and say what is not as it was written.

    Ends with 0 if everything is good, with 1 if something is damaged, and with 2 if there is no store. Batches that are
    not attributed yet are no damage.
    """
    with in_a_sentence():
        verdict = verifying.verified(store, repair)
    for line in verifying.told(store, verdict):
        click.echo(line)
    raise SystemExit(1 if verdict.faults else 0)


@contextlib.contextmanager
def in_a_sentence() -> Iterator[None]:
    """Errors that a person can do something about, as one sentence each."""
    try:
        yield
    except (ValueError, FileNotFoundError) as error:
        raise Refused(str(error)) from None
    except (OSError, RuntimeError) as error:
        raise click.ClickException(str(error).removeprefix(f"[Errno {getattr(error, 'errno', '')}] ")) from error


def find_notebook(dashboard: str) -> Path:
    """The notebook of `dashboard`."""
    notebooks = {path.stem: path for path in sorted(NOTEBOOKS.glob("*.ipynb"))}
    if dashboard not in notebooks:
        raise Refused(f"There is no dashboard {dashboard!r}{suggest(dashboard, notebooks)}")
    return notebooks[dashboard]


def find_options(
    subject: str | None = None,
    arch: str | None = None,
    weights: str | None = None,
    images: str | None = None,
    split: str | None = None,
    classes: str | None = None,
    crop: int | None = None,
    select: str | None = None,
    device: str | None = None,
) -> Options:
    """The options as far as they can be checked without loading a model."""
    from lrpwidgets.subjects.own import is_own

    network = {"--arch": arch, "--weights": weights, "--crop": crop}
    pictures = {"--images": images, "--split": split, "--classes": classes}
    given = [name for name, value in (network | pictures).items() if value is not None]
    if subject is not None:
        subject = check_subject(subject)
        check_together(subject, given)
    elif given and not arch and images is None:
        raise Refused(f"{given[0]} needs {NEEDED[given[0]]}.")
    if split is not None and images is None:
        raise Refused(f"--split needs {NEEDED['--split']}.")
    if images is not None and not Path(images).is_dir():
        raise Refused(f"--images must be a folder of pictures; there is no folder {images!r}.")
    if device is not None:
        check_device(device)
    own = subject is not None and is_own(subject)
    if own:
        click.echo(f"{subject} is code of your own; it runs as `python file.py` would.", err=True)
    return Options(
        subject=subject or ("imagenet" if given else None),
        arch=arch,
        weights=absolute(weights) if weights and Path(weights).is_file() else weights,
        images=absolute(images),
        crop=crop,
        classes=absolute(classes),
        split=split,
        folder=os.getcwd() if own else None,
        select=select,
        device=device,
    )


NEEDED = {
    "--weights": "--arch, the model that they are for",
    "--crop": "--arch, the model whose input it is",
    "--classes": "--arch, the model whose outputs they name",
    "--split": "--images, the folder that it is in",
}
"""What an option is nothing without."""


def check_subject(subject: str) -> str:
    """Refuse a subject that is neither built in nor there as code; that code's file by its whole path."""
    from lrpwidgets import subjects
    from lrpwidgets.subjects import own

    if own.is_own(subject):
        with in_a_sentence():
            return own.absolute(subject)
    if subject not in subjects.names():
        raise Refused(f"There is no subject {subject!r}{suggest(subject, subjects.names())}")
    return subject


def check_together(subject: str, given: list[str]) -> None:
    """Refuse options of torchvision's networks for a subject that has its own."""
    from lrpwidgets.subjects.own import is_own

    taken = ("--images", "--classes") if is_own(subject) else ()
    if subject != "imagenet" and (others := [name for name in given if name not in taken]):
        raise Refused(f"{others[0]} is for the subject imagenet, not for {subject!r}.")


def check_inputs(subject: Subject) -> None:
    """Refuse a subject of which there is nothing to see."""
    if not len(subject.dataset) and subject.from_image is None:
        remedy = "let its function return (model, dataset), or name a folder of pictures with --images"
        raise Refused(f"The subject {subject.name!r} has no inputs, and pictures cannot be uploaded; {remedy}.")


def absolute(path: str | None) -> str | None:
    """A path that holds in any working directory: a kernel has another one."""
    return None if path is None else str(Path(path).resolve())


def check_device(device: str) -> None:
    """Refuse a device that this machine does not have."""
    from lrpwidgets.lrp.explainer import available_device

    try:
        available_device(device)
    except ValueError as error:
        raise Refused(str(error)) from None


def find_port(port: int) -> int:
    """`port` itself if it is free; a free one for 0."""
    if not 0 <= port <= 65535:
        raise Refused(f"--port must lie between 0 and 65535; got {port}.")
    with socket.socket() as probe:
        if os.name == "posix":  # as the server does: a port that was closed a moment ago is free
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except PermissionError:
            raise Refused(f"Port {port} needs an administrator's rights; choose one above 1023.") from None
        except OSError:
            raise Refused(f"Port {port} is in use; choose another one, or --port 0 for any free one.") from None
        return int(probe.getsockname()[1])


def suggest(name: str, known: Iterable[str]) -> str:
    """The end of a sentence that says `name` is unknown."""
    close = difflib.get_close_matches(name, known, n=1)
    return f"; did you mean {close[0]!r}?" if close else f"; choose one of {', '.join(sorted(known))}."


def serve_notebook(
    notebook: Path, options: Options, *, port: int, token: str | None = None, browser: bool = True
) -> None:
    """Serve `notebook` at 127.0.0.1:`port` until the process is interrupted or terminated."""
    from tornado.ioloop import IOLoop
    from tornado.web import HTTPError
    from voila.app import Voila

    os.environ.update(options.to_environment())  # kernels inherit the environment
    if platform.libc_ver()[0] == "glibc":
        os.environ.update({name: value for name, value in ALLOCATOR.items() if name not in os.environ})
    address = f"http://127.0.0.1:{port}/" + (f"?{urlencode({'token': token})}" if token else "")
    loop = IOLoop.current()

    def announce() -> None:
        click.echo(f"{notebook.stem} is open at {address} (Ctrl-C ends it)")
        if browser:  # in a thread, as some browsers return only when they are closed
            threading.Thread(target=webbrowser.open, args=(address,), daemon=True).start()

    def stop(*_: object) -> None:
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, signal.SIG_IGN)  # kernels take a second to end; once more would leave some
        loop.add_callback_from_signal(loop.stop)

    with tempfile.TemporaryDirectory(prefix="lrp", ignore_cleanup_errors=True) as connections:
        send_promptly()
        # the instance, as the errors of notebook cells are logged through it
        voila = Voila.instance(config=configuration(notebook, port, token, connections))
        voila.initialize([str(notebook)])
        voila.template_paths.insert(0, str(TEMPLATE))  # first, also where share/jupyter has an older copy
        for number in (signal.SIGINT, signal.SIGTERM):
            signal.signal(number, stop)
        loop.add_callback(announce)  # runs once the server listens
        with contextlib.suppress(HTTPError):  # stopped while a kernel was starting; it ends with its parent
            voila.start()


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


def configuration(notebook: Path, port: int, token: str | None, connections: str) -> Config:
    """What Voilà is told; `connections` is the folder for its kernels' connection files."""
    from traitlets.config import Config

    # Unix sockets: no other user of the machine can reach them. Their paths may have 107 characters.
    sockets = sys.platform == "linux" and len(connections) < 40
    settings = {
        "Voila": {
            "ip": "127.0.0.1",
            "port": port,
            "port_retries": 0,
            "token": token or None,
            "connection_dir_root": connections,
            "open_browser": False,  # its own way writes a file, and leaves it there
            "log_level": "ERROR",
            "config_file_paths": [],  # someone's voila.json is meant for another server
            # A page on this machine needs no pings, and there is no good timeout for them: tornado warns of one that is
            # longer than their interval, and jupyter_server then closes the connection at the first of them.
            "tornado_settings": {"ws_ping_interval": 0},
        },
        "VoilaConfiguration": {
            "template": "lab",
            "allow_template_override": "NO",
            "allow_theme_override": "NO",
            "preheat_kernel": True,
            "show_tracebacks": True,  # our template shows the last line only
            "extension_allowlist": LAB_EXTENSIONS,
        },
        "VoilaKernelManager": {
            "kernel_pools_config": {notebook.name: {"pool_size": 1}, "default": {"pool_size": 0}},
            "fill_delay": 2,  # seconds; sooner, the next kernel would slow down the page that took this one
        },
        "KernelManager": {"transport": "ipc" if sockets else "tcp"},
        # a page ends its kernel when it is closed; these are for browsers that crash or lose their network
        "MappingKernelManager": {"cull_idle_timeout": 600, "cull_interval": 60, "cull_connected": False},
    }
    return Config(settings)
