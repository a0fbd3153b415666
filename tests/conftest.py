"""Fixtures that several folders of tests share."""

import asyncio
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
import torch
from threadpoolctl import threadpool_limits

from lrpwidgets import subjects
from lrpwidgets.subjects import Subject

try:
    from fcntl import LOCK_EX, LOCK_SH, LOCK_UN, flock
except ImportError:  # on Windows nobody waits: run the tests there one after the other
    flock = None

# Most tensors here are tiny: handing them between threads costs tenfold on a busy machine and gains nothing.
# That is so for torch, for the libraries below NumPy, and for kernels and servers that tests start.
torch.set_num_threads(1)
threadpool_limits(1)
os.environ |= {"OMP_NUM_THREADS": "1", "NUMBA_NUM_THREADS": "1"}  # numba's, which UMAP loads, is that of torch, too

DOOR, ROOM = Path(__file__), Path(__file__).with_name("__init__.py")
"""Files that tests lock, so that some are alone; nobody writes into them."""


@pytest.hookimpl(wrapper=True)
def pytest_runtest_protocol(item: pytest.Item) -> Iterator[None]:
    """Run a test that is marked ``alone``, since it measures time, while no other process runs a test of these."""
    with turn(alone=item.get_closest_marker("alone") is not None):
        return (yield)


@contextmanager
def turn(alone: bool) -> Iterator[None]:
    """The time in which a test runs: together with others, or `alone`."""
    if flock is None:
        yield
        return
    with DOOR.open() as door, ROOM.open() as room:
        flock(door, LOCK_EX)  # who waits to be alone keeps it shut, else the others would go in and out for ever
        flock(room, LOCK_EX if alone else LOCK_SH)
        flock(door, LOCK_UN)
        try:
            yield
        finally:
            flock(room, LOCK_UN)  # closing would not do: a process that was forked meanwhile has it open as well


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of weights and pictures that are not part of the project; without it, its tests skip."""
    folder = Path(os.environ.get("LRPWIDGETS_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the shared test data: no folder {folder}, set LRPWIDGETS_DATA to where it is")
    return folder


@pytest.fixture(scope="session")
def digits() -> Subject:
    """The subject that everything can be tried with."""
    return subjects.load("digits")


@contextmanager
def without_loop() -> Iterator[None]:
    """Hide the event loop that Playwright leaves running on this thread, where browser tests went before."""
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    try:
        yield
    finally:
        asyncio._set_running_loop(loop)


@pytest.fixture(autouse=True)
def no_loop() -> Iterator[None]:
    """Of every test; the browser tests themselves have theirs. What lives longer than a test hides it by itself."""
    with without_loop():
        yield
