"""A state to hang the map and the wall on. There is no event loop in these tests, so every tile is there at once."""

import pytest

from tests.widgets.spray.standin import Standin


@pytest.fixture
def state():
    return Standin()
