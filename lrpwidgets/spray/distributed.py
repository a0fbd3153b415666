"""Fill a store over a data set on the workers of a Dask cluster: a copy of the model each, and the same files.

A task is one batch: its worker reads it, explains it and writes it into the store itself. A worker explains one batch
at a time, with as many threads as it has, and reads and writes others meanwhile. The tasks of a worker that is lost go
to the others, and a new worker gets its copy as all do.
"""

from __future__ import annotations

import socket
import threading
import uuid
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import islice
from typing import TYPE_CHECKING, Any

import cloudpickle
import torch
from distributed import (
    CancelledError,
    Client,
    Future,
    KilledWorker,
    WorkerPlugin,
    as_completed,
    get_worker,
)
from distributed.comm import CommClosedError

from ..lrp import Explainer
from ..lrp.hooks import copied
from . import code
from .batch import Attribution
from .memory import keep_freed

if TYPE_CHECKING:
    from pathlib import Path

    from distributed import Worker
    from torch import nn

    from ..lrp import Composite
    from ..lrp.explainer import Unknown
    from ..lrp.rules import Rule
    from ..progress import Pace
    from ..subjects import Samples
    from .dataset_store import DatasetStore
    from .info import Origin

WAITING = 2
"""Batches that are handed out for each thread of a worker: one that it works on, and one that waits."""


def spread(attribution: Attribution, client: Client, missing: list[int], pace: Pace) -> None:
    """Complete the batches `missing` on the workers of `client`.

    Raises
    ------
    TypeError
        If `client` is none, or the model or the data cannot be sent to another process.
    RuntimeError
        If a batch ends every worker that tries it, or the scheduler is lost.
    ValueError
        If a worker has other code or another torch.
    OSError
        If a worker does not see the store, or cannot write it.
    """
    if not isinstance(client, Client) or client.asynchronous:
        raise TypeError(f"client must be a dask.distributed.Client, one that is not asynchronous; got {client!r}.")
    copies, address = Copies(packed(attribution)), client.scheduler.address
    try:
        check_workers(client, attribution.store.info)
        client.register_plugin(copies, name=copies.name)
        try:
            for number in _completed(attribution, client, copies.name, missing):
                pace.advance(attribution.store.size_of(number))
        finally:
            with suppress(OSError, ValueError):  # a scheduler that is gone, or began anew, has nothing to forget
                client.unregister_worker_plugin(copies.name)
    except (CommClosedError, CancelledError) as error:
        raise RuntimeError(
            f"The Dask scheduler at {address!r} was lost, or was started anew. What was written stays good; run the "
            "same again, to go on from there."
        ) from error


def check_workers(client: Client, info: Origin) -> None:
    """Raise ValueError for a worker of which the code or torch is another one; those that come later see to that."""
    for address, found in client.run(code.identity, on_error="return").items():
        if isinstance(found, BaseException):
            raise ValueError(
                f"The worker {address!r} cannot tell by which code it computes: {found}. Install there what is here."
            )
        _check_worker(address, found, info)


def _check_worker(address: str, found: dict[str, str], info: Origin) -> None:
    if other := code.differences(found, info.identity):
        raise ValueError(
            f"The worker {address!r} computes with other software: {'; '.join(other)}. Install there what is here, or "
            "do without that worker."
        )


@dataclass(frozen=True, eq=False)
class Luggage:
    """What travels to a worker."""

    kind: type[DatasetStore[Any]]
    path: Path
    info: Origin
    model: nn.Module
    """On the CPU: a worker need not have the device that the model is on here."""
    composite: str | Composite | Rule
    device: str
    unknown: Unknown
    select: Any
    dataset: Samples
    probe: int

    @classmethod
    def of(cls, attribution: Attribution) -> Luggage:
        """What a worker needs to do the same as `attribution`."""
        store, explainer = attribution.store, attribution.explainer
        there = explainer.device.type == "cpu"
        return cls(
            kind=type(store),
            path=store.path.absolute(),
            info=store.info,
            model=explainer.model if there else copied(explainer.model).cpu(),
            composite=explainer.composite,
            device=str(explainer.device),
            unknown=explainer.unknown,
            select=explainer.select,
            dataset=attribution.dataset,
            probe=attribution.probe,
        )

    def unpacked(self) -> Attribution:
        """The same attribution here; OSError if the store cannot be seen, ValueError for other code."""
        way = "all workers need a file system in which the store has the same path"
        try:
            store = self.kind.open(self.path)
        except FileNotFoundError:
            raise FileNotFoundError(f"A worker does not see the store {str(self.path)!r}: {way}.") from None
        if store.info != self.info:
            raise FileNotFoundError(f"A worker sees another store in {str(self.path)!r}: {way}.")
        _check_worker(socket.gethostname(), code.identity(), self.info)
        explainer = Explainer(self.model, self.composite, self.device, self.unknown, self.select)
        return Attribution(store, explainer, self.dataset, self.probe)


class Copies(WorkerPlugin):  # type: ignore[misc]  # distributed has no types for it
    """Gives every worker, also one that comes later, what it needs."""

    def __init__(self, luggage: bytes) -> None:
        self.name = f"lrpwidgets-{uuid.uuid4().hex}"
        self._luggage = luggage

    def setup(self, worker: Worker) -> None:
        """Called on the worker: keep what it needs, which its first task unpacks, so that an error is the task's."""
        self._alone = threading.Lock()
        self._attribution: Attribution | None = None
        # Without processes of their own, workers leave the threads of this one as they are.
        self._threads = None if worker.address.startswith("inproc://") else worker.state.nthreads

    def run(self, number: int) -> None:
        """Read, explain and write the batch `number` on this worker."""
        with self._alone:
            attribution = self._attribution = self._attribution or self._unpacked()
        batch = attribution.read(number)
        with self._alone:
            values = attribution.explain(batch)
        attribution.write(number, values)

    def _unpacked(self) -> Attribution:
        if self._threads is not None:
            keep_freed()
            torch.set_num_threads(self._threads)
        luggage: Luggage = cloudpickle.loads(self._luggage)
        return luggage.unpacked()


def packed(attribution: Attribution) -> bytes:
    """The luggage for a worker; raises TypeError that says what cannot travel."""
    luggage = Luggage.of(attribution)
    try:
        content: bytes = cloudpickle.dumps(luggage)
    except Exception as error:  # pickle raises nearly anything
        culprits = [name for name in ("model", "dataset", "select") if not _travels(getattr(luggage, name))]
        raise TypeError(
            f"The {' and the '.join(culprits) or 'explainer'} cannot be sent to another process: {error}. Keep open "
            "files, locks and generators out of it, or open them when they are first used."
        ) from error
    return content


def _travels(what: Any) -> bool:
    try:
        cloudpickle.dumps(what)
    except Exception:
        return False
    return True


def _completed(attribution: Attribution, client: Client, name: str, missing: list[int]) -> Iterator[int]:
    """The numbers of batches as they are done; only so many are handed out as keep all workers busy."""
    numbers, flying, done = iter(missing), dict[Future, int](), as_completed()
    try:
        while True:
            room = max(1, WAITING * sum(client.nthreads().values())) - len(flying)
            for number in islice(numbers, max(0, room)):
                future = client.submit(_run, name, number, key=f"{name}-{number}", pure=False)
                flying[future] = number
                done.add(future)
            if not flying:
                return
            future = next(done)
            number = flying.pop(future)
            if future.status != "finished":  # else nothing is fetched: there is nothing, and the worker may be gone
                _raise(attribution, future, number)
            yield number
    finally:
        client.cancel(list(flying))


def _raise(attribution: Attribution, future: Future, number: int) -> None:
    try:
        future.result()
    except KilledWorker as error:
        first = number * attribution.store.info.batch_size
        last = first + attribution.store.size_of(number) - 1
        raise RuntimeError(
            f"The batch {number} (inputs {first} to {last}) ended every worker that tried it, perhaps for want of "
            "memory. What was written stays good; run the same again with workers that have more memory or fewer "
            "threads."
        ) from error


def _run(name: str, number: int) -> None:
    get_worker().plugins[name].run(number)
