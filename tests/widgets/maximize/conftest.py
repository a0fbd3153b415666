"""Studios to hang views on. There is no event loop in these tests, so every frame is there at once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from lrpwidgets.subjects import Subject
from lrpwidgets.widgets.maximize import Studio


@pytest.fixture
def film() -> Iterator[Callable[..., Studio]]:
    """A studio of a subject, with parts of its wish."""
    made = []

    def film(subject: Subject, **wish: Any) -> Studio:
        made.append(Studio(subject, **{"steps": 32, **wish}))
        return made[-1]

    yield film
    for each in made:
        each.close()


@pytest.fixture
def studio(film, digits) -> Studio:
    """A zero whose film has ended."""
    made: Studio = film(digits, prior="l2")
    made.play()
    return made
