"""A state to hang the map and the wall on. There is no event loop in these tests, so every tile is there at once."""

import pytest
from standin import Standin


@pytest.fixture
def state():
    return Standin()
