"""The examples in docstrings do what they show."""

import doctest
import importlib
import pkgutil

import pytest

import lrpwidgets

MODULES = [
    module.name
    for module in pkgutil.walk_packages(lrpwidgets.__path__, "lrpwidgets.")
    if not module.name.endswith("train_digits")
]


@pytest.mark.parametrize("name", MODULES)
def test_examples_print_what_they_show(name):
    assert doctest.testmod(importlib.import_module(name)).failed == 0
