"""Fixtures that several folders of tests share."""

import asyncio
import os
from collections.abc import Iterator
from pathlib import Path

import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.subjects import Subject

# Most tensors here are tiny: handing them between threads costs tenfold on a busy machine and gains nothing.
torch.set_num_threads(1)


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


@pytest.fixture(autouse=True)
def no_loop() -> Iterator[None]:
    """Hide the event loop that Playwright leaves running on this thread, where browser tests went before.

    The browser tests themselves have theirs.
    """
    loop = asyncio._get_running_loop()
    asyncio._set_running_loop(None)
    yield
    asyncio._set_running_loop(loop)
