"""Fill a store over a data set: read inputs ahead, explain a batch, write behind.

:func:`completed` is the way in. What is slow is the explanation: one thread reads the next batches meanwhile and
another one writes the last, neither ever more than `AHEAD` batches away, so memory stays what a few batches take.
"""

from __future__ import annotations

import errno
import threading
import warnings
from collections import deque
from collections.abc import Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ..progress import Pace, Watcher, listening
from . import files
from .batch import Attribution, Batch
from .begin import Store, begun

if TYPE_CHECKING:
    from distributed import Client

    from ..lrp import Explainer
    from ..subjects import Subject
    from .dataset_store import DatasetStore
    from .info import Origin

AHEAD = 3
"""Batches that are read before they are explained, and batches that wait to be written."""

SETTLED = 2
"""Seconds after which what was written is put on the disk. After each file that would take longer than to explain."""


def completed(
    kind: type[Store],
    path: str | Path,
    info: Origin,
    probe: int,
    explainer: Explainer,
    subject: Subject,
    client: Client | None,
    progress: bool | Watcher,
) -> Store:
    """The store of that `kind` that `info` describes, made in the folder `path`, or gone on with where it ended.

    `probe` is the number of an input that could be read and explained.

    Raises
    ------
    ValueError
        If the store was begun in another way or with other software, which the message names, something in it is
        damaged, or the folder holds something else.
    OSError
        If the disk is full, or the folder cannot be written.
    """
    store = begun(kind, Path(path).absolute(), info)
    attribute(Attribution(store, explainer, subject.dataset, probe), client, progress)
    _warn(store, subject)
    return store


def attribute(attribution: Attribution, client: Client | None, progress: bool | Watcher) -> None:
    """Complete the store of `attribution`: here, or on the workers of `client`."""
    store = attribution.store
    missing = store.missing()
    try:
        with listening(progress) as watch, _settling(store.path if missing else None):
            pace = Pace(watch, _attributed(store, missing), len(store))
            pace.tell()
            if client is None:
                _here(attribution, missing, pace)
            else:
                from .distributed import spread

                spread(attribution, client, missing, pace)
    except OSError as error:
        if error.errno not in (errno.ENOSPC, errno.EDQUOT):
            raise
        raise OSError(error.errno, _full(store)) from error
    for array in store.arrays.values():
        array.sweep()


@contextmanager
def _settling(folder: Path | None) -> Iterator[None]:
    """Put what is written into `folder` on the disk every few seconds, and at the end, beside what writes it."""
    if folder is None:
        yield
        return
    ended = threading.Event()

    def settle() -> None:
        while not ended.wait(SETTLED):
            files.settle(folder)

    with ThreadPoolExecutor(1, "settle") as beside:
        settling = beside.submit(settle)
        try:
            yield
        finally:
            ended.set()
            settling.result()
            files.settle(folder)


def _here(attribution: Attribution, missing: list[int], pace: Pace) -> None:
    reader, writer = ThreadPoolExecutor(1, "read"), ThreadPoolExecutor(1, "write")
    store, written = attribution.store, deque[Future[int]]()
    try:
        for batch in _ahead(reader, attribution, missing):
            written.append(writer.submit(attribution.write, batch.number, attribution.explain(batch)))
            while len(written) > AHEAD or (written and written[0].done()):
                pace.advance(store.size_of(written.popleft().result()))
        for future in written:
            pace.advance(store.size_of(future.result()))
    finally:  # also after Ctrl-C: what was explained is written
        reader.shutdown(cancel_futures=True)
        writer.shutdown()


def _ahead(reader: ThreadPoolExecutor, attribution: Attribution, missing: Iterable[int]) -> Iterator[Batch]:
    numbers = iter(missing)
    reading = deque(reader.submit(attribution.read, number) for number in islice(numbers, AHEAD))
    while reading:
        yield reading.popleft().result()
        reading.extend(reader.submit(attribution.read, number) for number in islice(numbers, 1))


def _full(store: DatasetStore[Any]) -> str:
    return (
        f"The disk of the store {str(store.path)!r} is full after {_attributed(store, store.missing()):,} of "
        f"{len(store):,} inputs. They stay good: make room and run the same again, to go on from there."
    )


def _attributed(store: DatasetStore[Any], missing: list[int]) -> int:
    """How many inputs are there, those that failed among them."""
    return len(store) - sum(store.size_of(number) for number in missing)


def _warn(store: DatasetStore[Any], subject: Subject) -> None:
    """Name an input that failed, if there is one."""
    for row, why in store.failures.items():
        what = f"{len(store.failures):,} of {len(store):,} inputs could not be read or explained"
        first = f"The first is {subject.item_name(row)!r}: {why}"
        warnings.warn(f"{what}; store.failures has all. {first}", RuntimeWarning, stacklevel=4)
        return
