"""Small data sets and stores for the tests of the relevance store."""

from __future__ import annotations

import ctypes
import multiprocessing
from pathlib import Path

import numpy as np
import torch
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import RelevanceStore
from lrpwidgets.subjects import Subject, TensorSamples

FORKS = multiprocessing.get_context("forkserver")
"""Makes processes out of one that has loaded what takes long, so that they get to work at once."""
FORKS.set_forkserver_preload(
    [
        "zarr",
        "lrpwidgets.subjects.digits",
        "lrpwidgets.spray.attribute",
        "lrpwidgets.spray.examine",
        "lrpwidgets.spray.store",
    ]
)


def digits(inputs: int = 50) -> Subject:
    """The built-in digits, only the first of them."""
    subject = subjects.load("digits")
    data = subject.dataset
    subject.dataset = TensorSamples(data.inputs[:inputs], data.labels[:inputs], data.names[:inputs])
    return subject


def attribute(path: Path, subject: Subject, composite="epsilon_plus_flat", **options) -> RelevanceStore:
    """A store of `subject` in batches of 8, without a word."""
    options = {"batch_size": 8, "progress": False} | options
    return RelevanceStore.create(path, Explainer(subject.model, composite), subject, **options)


def explained(subject: Subject, rows, composite="epsilon_plus_flat", **options):
    """The explanation of some inputs, at once."""
    x = torch.stack([subject.item(row)[0] for row in rows])
    return Explainer(subject.model, composite).explain(x, **options)


def linear(weight: float, inputs: list[float]) -> Subject:
    """Inputs (1, 1, 1) of which the first score is `weight` times them, the second 0: so is the relevance."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(1, 2, bias=False))
    model[1].weight.data = torch.tensor([[weight], [0.0]])
    x = torch.tensor(inputs)[:, None, None, None]
    return Subject(model, TensorSamples(x, [0] * len(x), [f"sample {i}" for i in range(len(x))]), name="linear")


def files(store: Path) -> dict[str, bytes]:
    """Every file below `store`, by its path."""
    return {str(file.relative_to(store)): file.read_bytes() for file in sorted(store.rglob("*")) if file.is_file()}


def assert_near(found, expected, tolerance: float) -> None:
    """Each sample within `tolerance` of its largest magnitude."""
    expected = np.asarray(expected)
    largest = np.abs(expected).reshape(len(expected), -1).max(1).reshape(-1, *[1] * (expected.ndim - 1))
    assert np.all(np.abs(found - expected) <= tolerance * largest)


def attribute_alone(path: Path, inputs: int, batch_size: int) -> None:
    """What a process does that attributes digits."""
    torch.set_num_threads(1)
    attribute(path, digits(inputs), batch_size=batch_size)


def attribute_on_a_small_disk(path: Path, kilobytes: int, told: multiprocessing.SimpleQueue) -> None:
    """Attribute digits on a disk of that size at `path`, which no other process sees, and tell how that ended."""
    torch.set_num_threads(1)
    libc, new_mounts = ctypes.CDLL(None), 0x20000
    if libc.unshare(new_mounts) or libc.mount(b"tmpfs", bytes(path), b"tmpfs", 0, f"size={kilobytes}k".encode()):
        told.put(None)
        return
    try:
        attribute(path / "store", digits(), dtype="float32")
    except OSError as error:
        store = RelevanceStore.open(path / "store")
        rows = store.select().rows
        told.put((error.strerror, rows, store.relevance(rows), [*path.glob("**/*.partial")]))
