"""What ``lrpwidgets attribute`` does: from the words of the command line to a store, with a sentence at the end."""

from __future__ import annotations

import asyncio
import warnings
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from .options import WHOLE, Options

if TYPE_CHECKING:
    from distributed import Client

    from ..lrp import Composite
    from ..spray import RelevanceStore
    from ..subjects import Subject

PATIENCE = 9
"""Seconds in which a Dask scheduler must answer; with what comes before and after, the sentence is there in 10."""

NAMED = 5
"""Inputs that failed of which the closing sentence says why."""


def check(options: Options, store: Path, composite: str) -> None:
    """Raise ValueError for what is wrong, as far as that is known without loading a model."""
    from ..lrp import composites
    from ..spray import layout

    if options.subject == "imagenet" and options.images is None:
        raise ValueError("The subject imagenet has no pictures of its own: name a folder of them with --images.")
    if composite != "auto" and not Path(composite).is_file() and composite not in composites.names():
        try:
            composites.get(composite)
        except ValueError as error:
            raise ValueError(f"{error} A file with one would do as well.") from None
    layout.check_free(store)


def find_targets(text: str) -> str | int:
    """What to explain; ValueError if it is neither of the words nor the number of a class."""
    if text in ("predicted", "label"):
        return text
    if not text.isdecimal():
        raise ValueError(f"--targets must be predicted, label or the number of a class; got {text!r}.")
    return int(text)


def attributed(
    options: Options, store: Path, composite: str, scheduler: str | None, **asked: Any
) -> tuple[RelevanceStore, Subject]:
    """The completed store, and its subject; raises as :meth:`.RelevanceStore.create` does."""
    from ..spray import RelevanceStore
    from ..spray.memory import keep_freed

    keep_freed()
    with connected(scheduler) as client, warnings.catch_warnings():
        warnings.filterwarnings("ignore", ".* could not be read or explained", RuntimeWarning)  # `summary` tells
        subject = options.load_subject(WHOLE)
        explainer = subject.explainer(find_composite(composite, subject), options.device)
        return RelevanceStore.create(store, explainer, subject, client=client, **asked), subject


def find_composite(text: str, subject: Subject) -> str | Composite:
    """The preset of that name, with the bounds of the subject's input, or the composite in that file."""
    from ..lrp import composites
    from ..lrp.selectors import Layout
    from ..spray.examine import first
    from ..widgets.base import presets
    from ..widgets.explore import composite_file

    if text == "auto":
        return text
    if text in composites.names():
        return presets.preset(subject, text)
    explainer = subject.explainer()
    _, _, steps = first(subject, lambda x, _: explainer.record(x[None]).steps)
    return composite_file.read(Path(text).read_bytes(), text, Layout(steps))


@contextmanager
def connected(scheduler: str | None) -> Iterator[Client | None]:
    """A client of the Dask scheduler at that address, None without one; ValueError if there is none."""
    if scheduler is None:
        yield None
        return
    try:
        from distributed import Client
    except ImportError:
        raise ValueError("--scheduler needs Dask: pip install 'lrpwidgets[distributed]'.") from None
    try:
        asyncio.run(_greeted(scheduler))
        client = Client(scheduler, timeout=PATIENCE)
    except Exception as error:  # what is no address, or no Dask, raises nearly anything
        reason = " ".join(str(error).split()) or f"what is there did not answer within {PATIENCE} s"
        raise ValueError(
            f"There is no Dask scheduler at {scheduler!r} ({reason}); start one with `dask scheduler`."
        ) from None
    with client:
        yield client


async def _greeted(address: str) -> None:
    """Ask what is there; TimeoutError if it accepts a connection and says nothing, which a client waits for forever."""
    from distributed import Security, rpc

    if not address:
        raise ValueError("the address is empty")  # a client would start workers here
    async with rpc(address, connection_args=Security().get_connection_args("client")) as there:
        found = await asyncio.wait_for(there.identity(), PATIENCE)
    if found["type"] != "Scheduler":
        raise ValueError(f"it is a {found['type'].lower()}")


def summary(store: RelevanceStore, subject: Subject) -> str:
    """What was done, and what has to be said of it."""
    lines = [f"The relevance of {int(store.done.sum()):,} inputs is in {str(store.path)!r}."]
    failures = store.failures
    if failures:
        lines.append(f"{len(failures):,} inputs could not be read or explained:")
        lines += [f"  {subject.item_name(row)}: {why}" for row, why in list(failures.items())[:NAMED]]
        lines += ["  ..."] if len(failures) > NAMED else []
    return "\n".join([*lines, *store.info.caveats])


def interrupted(store: Path) -> str:
    """What to say after Ctrl-C."""
    from ..spray import RelevanceStore

    try:
        found = RelevanceStore.open(store)
    except (OSError, ValueError):
        return "Stopped before anything was written."
    return (
        f"Stopped: {int((found.prediction != -2).sum()):,} of {len(found):,} inputs are in {str(store)!r}. The same "
        "command goes on from there."
    )
