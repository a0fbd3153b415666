"""Relevance stores that the workers of a Dask cluster fill."""

from __future__ import annotations

import logging
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import dask
import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Cancelled, Explainer
from lrpwidgets.spray import Progress, RelevanceStore
from lrpwidgets.spray.batch import Attribution
from lrpwidgets.spray.distributed import Luggage, packed
from lrpwidgets.subjects import load
from lrpwidgets.subjects.texts import TextSamples
from tests.spray.attributions import assert_near, attribute, digits, explained, files

distributed = pytest.importorskip("distributed")
CommClosedError = distributed.comm.CommClosedError


@pytest.fixture(autouse=True)
def quiet():
    """Workers that are killed on purpose are no news."""
    loggers = [logging.getLogger(f"distributed.{name}") for name in ("nanny", "scheduler", "client", "worker", "core")]
    levels = [logger.level for logger in loggers]
    for logger in loggers:
        logger.setLevel(logging.CRITICAL)
    yield
    for logger, level in zip(loggers, levels, strict=True):
        logger.setLevel(level)


@contextmanager
def started(workers: int) -> Iterator[distributed.Client]:
    with (
        dask.config.set({"distributed.scheduler.allowed-failures": 1}),
        distributed.LocalCluster(n_workers=workers, threads_per_worker=1, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        yield client


@pytest.fixture
def cluster(request):
    """A client of so many workers, each of them a process with one thread, for a test that spoils them."""
    with started(request.param) as client:
        yield client


@pytest.fixture(scope="module")
def workers():
    """A client of two such workers, for all tests that leave them as they were."""
    with started(2) as client:
        yield client


def pids(client) -> list[int]:
    return [*client.run(os.getpid).values()]


@pytest.mark.parametrize("cluster", [1, 2], indirect=True, ids=["the only worker", "one of two workers"])
def test_a_worker_that_is_killed_half_way_leaves_no_trace(cluster, tmp_path):
    killed: list[int] = []

    def kill(progress: Progress) -> None:
        if progress.done >= progress.total / 2 and not killed:
            killed.append(pids(cluster)[0])
            os.kill(killed[0], signal.SIGKILL)

    expected = attribute(tmp_path / "here", digits(200), batch_size=2)
    store = attribute(tmp_path / "there", digits(200), batch_size=2, client=cluster, progress=kill)
    assert killed
    assert store.done.all()
    assert files(store.path) == files(expected.path)


def test_workers_do_all_that_is_done_here(workers, tmp_path):
    seen: list[Progress] = []
    options = {"targets": "label", "layers": ["relu1"], "pool": 4}
    expected = attribute(tmp_path / "here", digits(), **options)
    attribute(tmp_path / "there", digits(), client=workers, progress=seen.append, **options)
    assert files(tmp_path / "there") == files(expected.path)
    assert [seen[0].done, seen[-1].done] == [0, 50]
    # What ends a run here ends it there, and what one began the other completes.

    def cancel(progress: Progress) -> None:
        if progress.done >= 16:
            raise Cancelled

    with pytest.raises(Cancelled):
        attribute(tmp_path / "begun", digits(), client=workers, progress=cancel, **options)
    assert RelevanceStore.open(tmp_path / "begun").done.sum() >= 16
    attribute(tmp_path / "begun", digits(), **options)
    assert files(tmp_path / "begun") == files(expected.path)
    # An error on a worker is raised here, and those inputs are tried again later.
    subject = digits()
    subject.dataset = Guarded(subject.dataset, tmp_path / "guard")
    with pytest.raises(PermissionError, match="guarded"):
        attribute(tmp_path / "guarded", subject, client=workers, batch_size=2)
    (tmp_path / "guard").touch()
    store = attribute(tmp_path / "guarded", subject, client=workers, batch_size=2)
    assert store.done.all()
    # Nothing stays on the workers.
    assert not any(name.startswith("lrpwidgets") for names in workers.run(_plugins).values() for name in names)


def _plugins(dask_worker) -> list[str]:
    return [*dask_worker.plugins]


class Guarded:
    """Digits that only this process can read, until a file is there."""

    def __init__(self, samples, key: Path) -> None:
        self.samples, self.key, self.owner = samples, key, os.getpid()

    def __len__(self) -> int:
        return len(self.samples)

    def __getitem__(self, index: int):
        if os.getpid() != self.owner and not self.key.exists():
            raise PermissionError("guarded")
        return self.samples[index]


class Deadly(nn.Module):
    """Ends its process, if that is another one than it was made in."""

    def __init__(self) -> None:
        super().__init__()
        self.owner, self.flat, self.linear = os.getpid(), nn.Flatten(), nn.Linear(64, 10)

    def forward(self, x):
        if os.getpid() != self.owner:
            os.kill(os.getpid(), signal.SIGKILL)
        return self.linear(self.flat(x))


@pytest.mark.parametrize("cluster", [1], indirect=True)
def test_a_batch_that_ends_every_worker_is_named(cluster, tmp_path):
    subject = digits(4)
    subject.model = Deadly()
    with pytest.raises(RuntimeError, match=r"The batch 0 \(inputs 0 to 3\) ended every worker that tried it"):
        attribute(tmp_path / "store", subject, "epsilon", client=cluster)


def _change_code() -> None:
    from lrpwidgets.spray import code

    code.digest = lambda: "0" * 64


@pytest.mark.parametrize("cluster", [1], indirect=True)
def test_a_worker_with_other_code_gets_no_work(cluster, tmp_path):
    cluster.run(_change_code)
    (address,) = cluster.scheduler_info()["workers"]
    with pytest.raises(
        ValueError,
        match=rf"The worker '{address}' computes with other software: code of lrpwidgets.lrp \(0{{12}} there",
    ):
        attribute(tmp_path / "store", digits(8), client=cluster)
    assert RelevanceStore.open(tmp_path / "store").missing() == [0]


def test_a_worker_that_comes_later_sees_to_its_code_itself(tmp_path, monkeypatch):
    store = attribute(tmp_path / "store", digits(8))
    luggage = Luggage.of(Attribution(store, Explainer(digits().model, "epsilon_plus_flat"), digits(8).dataset, 0))
    monkeypatch.setattr("lrpwidgets.spray.distributed.code.identity", lambda: {"code": "other", "torch": "1.2.3"})
    with pytest.raises(ValueError, match=r"code of lrpwidgets.lrp \(other there, .*; torch \(1.2.3 there, .* here\)"):
        luggage.unpacked()


def test_a_scheduler_that_is_lost_is_told_in_a_sentence(workers, tmp_path):
    def lose(progress: Progress) -> None:
        if progress.done:
            raise CommClosedError("ConnectionPool closing.")

    with pytest.raises(RuntimeError, match=r"The Dask scheduler at .* was lost, or was started anew. What was written"):
        attribute(tmp_path / "store", digits(16), client=workers, progress=lose)
    assert RelevanceStore.open(tmp_path / "store").done.any()


def test_workers_without_processes_leave_the_threads_alone(tmp_path):
    threads = torch.get_num_threads()
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=3, processes=False, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        store = attribute(tmp_path / "store", digits(), client=client)
    assert torch.get_num_threads() == threads
    assert_near(store.relevance(range(50)), explained(digits(), range(50)).relevance, 2.0**-11)


def test_texts_are_explained_by_workers_as_here(tmp_path):
    subject = load("sentiment", model="lstm")
    samples = TextSamples(subject.dataset.texts[:40], subject.dataset.labels[:40], subject.tokenizer)
    subject = replace(subject, dataset=samples)
    with (
        distributed.LocalCluster(n_workers=1, threads_per_worker=1, processes=False, dashboard_address=None) as local,
        distributed.Client(local) as client,
    ):
        there, here = (
            RelevanceStore.create(
                tmp_path / name, subject.explainer(), subject, progress=False, batch_size=16, client=each
            )
            for name, each in (("there", client), ("here", None))
        )
    assert np.array_equal(there.relevance(range(40)), here.relevance(range(40)))
    assert there.info == here.info


def test_what_cannot_travel_is_named(tmp_path):
    store = attribute(tmp_path / "store", digits(8))
    samples = digits(8).dataset
    object.__setattr__(samples, "lock", threading.Lock())
    attribution = Attribution(store, Explainer(digits().model, "epsilon_plus_flat"), samples, 0)
    with pytest.raises(
        TypeError, match=r"The dataset cannot be sent to another process: .*lock.*Keep open files, locks"
    ):
        packed(attribution)


def test_a_worker_that_does_not_see_the_store_says_so(tmp_path):
    store = attribute(tmp_path / "store", digits(8))
    attribution = Attribution(store, Explainer(digits().model, "epsilon_plus_flat"), digits(8).dataset, 0)
    luggage = Luggage.of(attribution)
    assert np.array_equal(luggage.unpacked().store.index, np.arange(8))
    store.path.rename(tmp_path / "elsewhere")
    with pytest.raises(FileNotFoundError, match=r"A worker does not see the store .*: all workers need a file system"):
        luggage.unpacked()
    attribute(tmp_path / "store", digits(9))
    with pytest.raises(FileNotFoundError, match="A worker sees another store in "):
        luggage.unpacked()


@pytest.mark.parametrize("client", ["tcp://127.0.0.1:8786", 3], ids=str)
def test_what_is_no_client_is_refused(tmp_path, client):
    with pytest.raises(
        TypeError, match=r"client must be a dask.distributed.Client, one that is not asynchronous; got "
    ):
        attribute(tmp_path / "store", digits(8), client=client)


class Heads(nn.Module):
    """Digits with a second head."""

    def __init__(self) -> None:
        super().__init__()
        self.body = digits().model

    def forward(self, x):
        scores = self.body(x)
        return {"logits": scores, "flipped": scores.flip(1)}


def test_workers_find_the_scores_as_this_process_does(workers, tmp_path):
    subject = digits(24)
    subject.model = Heads().eval()
    for name, select in (("key", "flipped"), ("function", lambda output: output["flipped"])):
        subject.select = select
        here, there = (
            RelevanceStore.create(
                tmp_path / f"{name}-{client}",
                subject.explainer("epsilon"),
                subject,
                client=client,
                progress=False,
                batch_size=8,
            )
            for client in (None, workers)
        )
        assert np.array_equal(here.relevance(range(24)), there.relevance(range(24)))
        assert np.array_equal(here.prediction, there.prediction)
        assert here.info == there.info


def test_a_store_is_not_gone_on_with_by_workers_for_other_scores(workers, tmp_path):
    subject = digits(24)
    subject.model = Heads().eval()

    def stop(progress: Progress) -> None:
        if progress.done:
            raise Cancelled

    subject.select = lambda output: output["logits"]
    with pytest.raises(Cancelled):
        RelevanceStore.create(tmp_path / "store", subject.explainer("epsilon"), subject, batch_size=8, progress=stop)
    subject.select = lambda output: output["flipped"]
    with pytest.raises(ValueError, match=r"begun differently: select \("):
        RelevanceStore.create(tmp_path / "store", subject.explainer("epsilon"), subject, batch_size=8, client=workers)
