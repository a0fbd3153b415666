"""Fixtures that several folders of tests share."""

import os
from pathlib import Path

import pytest
import torch

# Most tensors here are tiny: handing them between threads costs tenfold on a busy machine and gains nothing.
torch.set_num_threads(1)


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Folder of weights and pictures that are not part of the project; without it, its tests skip."""
    folder = Path(os.environ.get("LRPWIDGETS_DATA", Path(__file__).parents[2] / "shared" / "data"))
    if not folder.is_dir():
        pytest.skip(f"needs the shared test data: no folder {folder}, set LRPWIDGETS_DATA to where it is")
    return folder
