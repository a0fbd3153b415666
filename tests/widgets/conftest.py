"""Explorations to hang views on. There is no event loop in these tests, so every answer is there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import count
from types import SimpleNamespace
from typing import Any

import pytest
import torch
from torch import nn

from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets import Exploration, View
from lrpwidgets.widgets.base import cells


@pytest.fixture(autouse=True)
def at_once() -> None:
    """No answer is waited for."""


class Moody(nn.Module):
    """A small network that refuses dark pictures."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.conv = nn.Conv2d(1, 4, 3)
        self.dense = nn.Linear(4 * 4 * 4, 3)
        self.forwards = 0

    def forward(self, x: torch.Tensor) -> torch.Tensor:
        self.forwards += 1
        if bool((x == 0).all()):
            raise RuntimeError("no light\nno life")
        return self.dense(self.conv(x).relu().flatten(1))


@pytest.fixture
def moody() -> Subject:
    """A subject of five samples, of which the fourth makes the model raise."""
    torch.manual_seed(1)
    inputs = torch.rand(5, 1, 6, 6)
    inputs[3] = 0
    samples = TensorSamples(inputs, [0, 1, 2, 0, 1], [f"picture {i}" for i in range(5)])
    return Subject(Moody().eval(), samples, ["ant", "bee", "cat"], bounds=((0.0,), (1.0,)), name="moody")


@pytest.fixture
def explore() -> Iterator[Callable[..., Exploration]]:
    """An exploration of a subject, with some of its fields replaced."""
    made = []

    def explore(subject: Subject, composite: Any = None, **fields: Any) -> Exploration:
        made.append(Exploration(replace(subject, **fields), composite))
        return made[-1]

    yield explore
    for exploration in made:
        exploration.close()


@pytest.fixture
def exploration(explore, digits) -> Exploration:
    """The digits, their first question answered."""
    return explore(digits)


@pytest.fixture
def run_cell(monkeypatch) -> Callable[..., None]:
    """Let the rest of the test be the run of a cell, as a kernel tells of it; without a cell outside of one."""
    numbers = count()

    def run_cell(cell: str | None, code: str = "", history: bool = True, kind: str = "execute_request") -> None:
        message = {
            "header": {"msg_type": kind, "msg_id": f"request {next(numbers)}"},
            "metadata": {"cellId": cell} if cell else {},
            "content": {"code": code, "store_history": history},
        }
        kernel = SimpleNamespace(get_parent=lambda: message)
        monkeypatch.setattr(cells, "get_ipython", lambda: SimpleNamespace(kernel=kernel))

    monkeypatch.setattr(cells, "_newest", {})
    return run_cell


@pytest.fixture
def say() -> Callable[..., None]:
    """Send a view what its script would send."""

    def say(view: View, *buffers: bytes, **message: Any) -> None:
        view._handle_custom_msg(message, list(buffers))

    return say
