"""Texts to hang views on."""

from __future__ import annotations

import pytest

from lrpwidgets.subjects import Subject
from lrpwidgets.widgets import Exploration
from tests.widgets.texts.toy import make


@pytest.fixture
def toy() -> Subject:
    """A subject whose relevance everybody knows."""
    return make()


@pytest.fixture
def reading(explore, toy) -> Exploration:
    """Its first text, explained."""
    return explore(toy)
