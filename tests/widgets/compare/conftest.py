"""Referees to hang views on. There is no event loop in these tests, so every figure is there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lrpwidgets.subjects import Subject
from lrpwidgets.widgets.compare import Referee

QUICK: dict[str, Any] = {
    "methods": ("sensitivity", "epsilon_gamma_box"),
    "items": (8, 9, 10),
    "samples": 20,
    "region": 2,
}


@pytest.fixture
def compared() -> Iterator[Callable[..., Referee]]:
    """A referee of a subject, with parts of its question."""
    made = []

    def compared(subject: Subject, **question: Any) -> Referee:
        made.append(Referee(subject, **{**QUICK, **question}))
        return made[-1]

    yield compared
    for each in made:
        each.close()


@pytest.fixture
def referee(compared, digits) -> Referee:
    """Two methods on three digits, measured on twenty."""
    made: Referee = compared(digits)
    return made
