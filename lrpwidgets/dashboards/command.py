"""The `lrpwidgets` command.

`lrpwidgets serve` opens one dashboard with Voilà on this machine. Everything that can be wrong with its
options is said in one sentence before a server starts. The model itself is loaded in the kernel, so the
address is there in a second. One preheated kernel waits with the notebook already executed; when a page
takes it, another starts.

`lrpwidgets attribute` explains a whole data set and keeps the relevance on disk; `lrpwidgets spray` clusters it,
and `lrpwidgets verify` tells whether it is as it was written.
"""

from __future__ import annotations

import difflib
import os
import secrets
import socket
import ssl
from collections.abc import Callable, Iterable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from lrpwidgets.dashboards import attributing, maximizing, spraying, verifying
from lrpwidgets.dashboards.endings import STOPPED, Commands, Refused
from lrpwidgets.dashboards.options import Options
from lrpwidgets.memory import size

if TYPE_CHECKING:
    from lrpwidgets.subjects import Subject

HERE = Path(__file__).parent
INSTALLED, CHECKOUT = HERE / "notebooks", HERE.parents[1] / "notebooks" / "dashboards"
NOTEBOOKS = INSTALLED if INSTALLED.is_dir() else CHECKOUT

TOKEN = "LRPWIDGETS_TOKEN"
"""Variable of the environment with the secret word."""


NEEDED_MEMORY = 10**9
"""Bytes that a kernel takes: torch, a network, the explanation of an input."""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
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
@click.option(
    "--store",
    type=click.Path(path_type=Path),
    help="For spray: a relevance store; for maximize: where references are kept.",
)
@click.option(
    "--token-file",
    type=click.Path(path_type=Path),
    help=f"A file with the secret word that the page asks for; else it is in ${TOKEN}, or made up.",
)
@click.option("--no-token", is_flag=True, help="Let in everybody who reaches the port, also other users here.")
@click.option("--token", hidden=True)
@click.option("--allow-host", multiple=True, help="A name that it has behind a proxy, such as lab.example.org.")
@click.option("--certfile", type=click.Path(path_type=Path), help="A certificate in PEM, for https.")
@click.option("--keyfile", type=click.Path(path_type=Path), help="Its key.")
@click.option(
    "--most-visitors",
    type=click.IntRange(1),
    help="At the same time; the others wait in line. In any case no more than there is memory for.",
)
@click.option("--memory", help="What a kernel may take, such as 2GB; by default what suits the machine.")
@click.option("--no-browser", is_flag=True, help="Only print the address.")
def serve(
    dashboard: str,
    port: int,
    store: Path | None,
    token: str | None,
    token_file: Path | None,
    no_token: bool,
    allow_host: tuple[str, ...],
    certfile: Path | None,
    keyfile: Path | None,
    most_visitors: int | None,
    memory: str | None,
    no_browser: bool,
    **choices: Any,
) -> None:
    """Open DASHBOARD (explore, compare, maximize, spray or improve) in the browser, until Ctrl-C.

    Without a store, spray explains its subject's data first, by default clever-hans, and keeps that in the cache.
    So does improve, which looks there for what the model is to forget.
    """
    notebook = find_notebook(dashboard)
    secret = find_token(token, token_file, no_token=no_token)
    tls = find_certificate(certfile, keyfile)
    options = replace(find_options(**choices), memory=find_memory(memory))
    find_port(port)
    if dashboard == "spray":
        options = replace(options, store=spraying.found_store(options, store))
    elif store is not None and dashboard != "maximize":
        raise Refused("--store is for the dashboards spray and maximize.")
    elif store is not None:
        options = replace(options, store=maximizing.found_references(options, store))
    elif options.subject == "imagenet" or options.folder is not None:  # what ships is whole
        check_inputs(options.load_subject())  # only to see whether it can be: a page would say so too late
    if secret is None:
        click.echo("Without a token, everybody who reaches the port can use it, also other users here.", err=True)
    serve_notebook(
        notebook,
        options,
        port=find_port(port),
        token=secret,
        hosts=allow_host,
        tls=tls,
        most=most_visitors,
        browser=not no_browser,
    )


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
@click.option("--layer", "layers", multiple=True, help="Keep the channels of this layer; may be repeated.  [a few]")
@click.option(
    "--pool", type=click.IntRange(1), help="Keep sums over squares of pixels, so many in each direction at most."
)
@click.option(
    "--dtype", type=click.Choice(["float16", "float32"]), default="float16", show_default=True, help="On disk."
)
@click.option("--scheduler", help="Address of a Dask scheduler whose workers compute, as tcp://10.0.0.1:8786.")
def attribute(store: Path, composite: str, scheduler: str | None, targets: str, **asked: Any) -> None:
    """Explain every input of a subject, by default clever-hans, and keep the relevance in a store.

    Ctrl-C ends it without loss: the same command goes on.
    """
    asked["targets"], asked["layers"] = attributing.find_targets(targets), asked["layers"] or None
    options = find_options(**{name: asked.pop(name) for name in SUBJECT_OPTIONS})
    attributing.check(options, store, composite)
    try:
        click.echo(attributing.summary(*attributing.attributed(options, store, composite, scheduler, **asked)))
    except KeyboardInterrupt:
        click.echo(attributing.interrupted(store), err=True)
        raise SystemExit(STOPPED) from None


@main.command()
@click.option("--store", required=True, type=click.Path(path_type=Path), help="Folder of the relevance store.")
@click.option(
    "--by", type=click.Choice(["prediction", "label"]), default="prediction", show_default=True, help="What a class is."
)
@click.option("--class", "label", help="Name or number of one class; by default all are ranked.")
@click.option("--neighbors", default=10, show_default=True, type=click.IntRange(1), help="Of each map in the graph.")
@click.option("--sign", type=click.Choice(["signed", "absolute", "positive"]), default="signed", show_default=True)
@click.option(
    "--layer", default="auto", show_default=True, help="What is compared: input, a layer's channels, or auto."
)
@click.option("--clusters", default="auto", show_default=True, help="A number, spectral, agglomerative or hdbscan.")
@click.option("--seed", default=0, show_default=True, help="For everything random.")
@click.option("--json", "written", flag_value="json", help="A record for each cluster, as JSON.")
@click.option("--csv", "written", flag_value="csv", help="The same as CSV.")
@click.option("--test", is_flag=True, help="Put every cluster to the poison test.")
@click.option("--save", type=click.Path(path_type=Path), help="Folder for the atlases, a file each.")
@click.option("--virelay", type=click.Path(path_type=Path), help="Folder for a ViRelAy project.")
@SUBJECT_OPTIONS["subject"]
@SUBJECT_OPTIONS["select"]
def spray(store: Path, subject: str | None, select: str | None, written: spraying.As | None, **asked: Any) -> None:
    """Cluster the maps of a store, class by class, and rank the classes: which to look at first."""
    options, aside = find_options(subject, select=select), partial(click.echo, err=True)
    for line in spraying.told(store, options, written=written or "text", aside=aside, **asked):
        click.echo(line)


@main.command()
@click.argument("store", type=click.Path(path_type=Path))
@click.option("--repair", is_flag=True, help="Remove what is damaged, so that the next attribution computes it again.")
def verify(store: Path, repair: bool) -> None:
    """Read all of STORE, of relevance or of references, and say what is not as it was written.

    Ends with 0 if everything is good, with 1 if something is damaged, and with 2 if there is no store. Batches that are
    not attributed yet are no damage.
    """
    verdict = verifying.verified(store, repair)
    for line in verifying.told(store, verdict):
        click.echo(line)
    raise SystemExit(1 if verdict.faults else 0)


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
    from lrpwidgets.lrp.devices import available_device

    try:
        available_device(device)
    except ValueError as error:
        raise Refused(str(error)) from None


def serve_notebook(*what: Any, **options: Any) -> None:
    """See :func:`.server.serve_notebook`, which loads a web server."""
    from .server import serve_notebook

    serve_notebook(*what, **options)


def find_token(token: str | None, file: Path | None, *, no_token: bool) -> str | None:
    """The secret word: from a file, the environment, or made up; None if none is wanted."""
    if token is not None:
        raise Refused(
            "--token would show the word to every user of this machine, in the list of processes; put it into a file "
            f"and give --token-file, or into the environment as {TOKEN}."
        )
    given = os.environ.pop(TOKEN, None)  # kernels need not know it
    if no_token:
        if file is not None:
            raise Refused("--token-file gives a token, and --no-token wants none; leave one of them out.")
        return None
    if file is not None:
        try:
            given = file.read_text().strip()
        except (OSError, UnicodeDecodeError):
            raise Refused(
                f"The token cannot be read from {str(file)!r}: it must be a text file with one word."
            ) from None
    if given is None:
        return secrets.token_urlsafe(24)
    if not given:
        where = f"The file {str(file)!r}" if file is not None else f"${TOKEN}"
        raise Refused(f"{where} is empty: give it a secret word, or start with --no-token to let everybody in.")
    return given


def find_certificate(certfile: Path | None, keyfile: Path | None) -> ssl.SSLContext | None:
    """What makes the server speak https; None for http."""
    if certfile is None and keyfile is None:
        return None
    if certfile is None:
        raise Refused("--keyfile is nothing without --certfile, the certificate that it is for.")
    made = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    try:
        made.load_cert_chain(certfile, keyfile)
    except (OSError, ssl.SSLError) as error:
        files = " and ".join(repr(str(each)) for each in (certfile, keyfile) if each is not None)
        reason = "they are no PEM files that belong together" if isinstance(error, ssl.SSLError) else error.strerror
        raise Refused(f"No certificate with its key could be read from {files}: {reason}.") from None
    return made


def find_memory(memory: str | None) -> int | None:
    """The bytes that a kernel may take; None if nobody says."""
    if memory is None:
        return None
    try:
        wanted = size(memory)
    except ValueError:
        raise Refused(f"--memory must be a size such as 2GB, 1.5GB or 1500MB; got {memory!r}.") from None
    if wanted < NEEDED_MEMORY:
        least = f"{NEEDED_MEMORY / 10**9:.0f}GB"
        raise Refused(f"--memory must be at least {least}, which a kernel takes to start; got {memory!r}.")
    return wanted


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
