"""What people print says what matters in a few lines, and never the numbers of an array."""

import dataclasses
import importlib
import pkgutil
from collections.abc import Iterator
from typing import Any

import numpy as np
import pytest
import torch

import lrpwidgets
from lrpwidgets.readable import Readable

ARRAYS = ("Tensor", "NDArray", "bytes", "csr_array", "Ints", "Floats")


def _dataclasses() -> Iterator[type]:
    """All that have a public name."""
    for module in pkgutil.walk_packages(lrpwidgets.__path__, "lrpwidgets."):
        if "train_" not in module.name:
            for each in vars(importlib.import_module(module.name)).values():
                ours = isinstance(each, type) and each.__module__ == module.name and not each.__name__.startswith("_")
                if ours and dataclasses.is_dataclass(each):
                    yield each


@pytest.mark.parametrize("kind", list(_dataclasses()), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_no_dataclass_prints_the_numbers_of_an_array(kind):
    written_by_dataclasses = hasattr(kind.__repr__, "__wrapped__")
    arrays = [each.name for each in dataclasses.fields(kind) if any(name in str(each.type) for name in ARRAYS)]
    shown = [each.name for each in dataclasses.fields(kind) if each.repr and each.name in arrays]
    assert not (written_by_dataclasses and shown)


@dataclasses.dataclass(frozen=True, repr=False)
class Thing(Readable):
    name: Any
    size: Any = 1
    shown: Any = dataclasses.field(default=2, metadata={"shown": True})
    hidden: Any = dataclasses.field(default=3, repr=False)
    listed: Any = dataclasses.field(default_factory=list)


@pytest.mark.parametrize(
    ("thing", "text"),
    [
        (Thing("a"), "Thing('a', shown=2)"),
        (Thing("a", 2, 2, 2, [1]), "Thing('a', size=2, shown=2, listed=[1])"),
        (Thing(torch.zeros(2, 3), np.zeros(4, np.int32)), "Thing(<float32 (2, 3)>, size=<int32 (4,)>, shown=2)"),
        (Thing((torch.zeros(1), None), {1: np.zeros(1)}), "Thing(<arrays: 2>, size=<arrays: 1>, shown=2)"),
        (Thing(b"x" * 2000, list(range(99))), "Thing(<2,000 bytes>, size=<entries: 99>, shown=2)"),
        (Thing((1,) * 9, {"a": 1}), "Thing((1, 1, 1, 1, 1, 1, 1, 1, 1), size={'a': 1}, shown=2)"),
    ],
    ids=["default", "changed", "arrays", "containers", "large", "plain"],
)
def test_a_readable_thing_prints_as_the_call_that_makes_it(thing, text):
    assert repr(thing) == text
