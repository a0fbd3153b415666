"""A function as a text: the same in every process, and another for another function."""

from __future__ import annotations

import operator
import os
import subprocess
import sys
from functools import partial

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import TwoClasses
from lrpwidgets.spray.functions import identity

HEAD = 0
WEIGHTS = torch.tensor([1.0, 2.0])


def head(output):
    return output[HEAD]


def of(number):
    return lambda output: output[number]


def default(output, number=0):
    return output[number]


def through(output):
    return head(output)


class Head:
    """An object that is called."""

    def __init__(self, number):
        self.number = number

    def __call__(self, output):
        return output[self.number]

    def method(self, output):
        return output[self.number]


ONES = {
    "none": (lambda: None, lambda: "logits"),
    "key": (lambda: "logits", lambda: "hidden"),
    "position": (lambda: 0, lambda: 1),
    "constant": (lambda: lambda output: output[0], lambda: lambda output: output[1]),
    "name": (lambda: lambda output: output.logits, lambda: lambda output: output.hidden),
    "instruction": (lambda: lambda output: output[0] + 1, lambda: lambda output: output[0] - 1),
    "nested": (
        lambda: lambda output: sum(each[0] for each in output),
        lambda: lambda output: sum(each[1] for each in output),
    ),
    "set": (lambda: lambda output: output in {"a", "b"}, lambda: lambda output: output in {"a", "c"}),
    "enclosed": (lambda: of(0), lambda: of(1)),
    "enclosed tensor": (lambda: of(WEIGHTS.clone()), lambda: of(WEIGHTS + 1)),
    "default": (lambda: default, lambda: lambda output, number=1: output[number]),
    "partial": (lambda: partial(default, number=0), lambda: partial(default, number=1)),
    "object": (lambda: Head(0), lambda: Head(1)),
    "method": (lambda: Head(0).method, lambda: Head(1).method),
    "of operator": (lambda: operator.itemgetter(0), lambda: operator.itemgetter(1)),
    "of torch": (lambda: torch.logit, lambda: torch.log),
    "module": (lambda: nn.Identity(), lambda: nn.Flatten()),
    "two classes": (lambda: TwoClasses("logits"), lambda: TwoClasses("hidden")),
    "probability": (lambda: TwoClasses(), lambda: TwoClasses(probability=True)),
    "two classes of a function": (lambda: TwoClasses(of(0)), lambda: TwoClasses(of(1))),
}


@pytest.mark.parametrize("kind", ONES)
def test_equal_functions_have_one_text_and_others_another(kind):
    make, other = ONES[kind]
    assert identity(make()) == identity(make())
    assert identity(make()) != identity(other())


def test_a_key_is_written_as_it_is():
    assert [identity(each) for each in (None, "logits", 0)] == ["None", "'logits'", "0"]
    assert identity(TwoClasses("logits", probability=True)) == "TwoClasses('logits', probability=True)"
    assert identity(of(0)).startswith("<lambda> #")


def test_what_a_function_takes_from_its_module_counts(monkeypatch):
    for function in (head, through):
        before = identity(function)
        monkeypatch.setattr(sys.modules[__name__], "HEAD", 1)
        assert identity(function) != before
        monkeypatch.undo()
        assert identity(function) == before


def test_a_name_that_is_an_attribute_is_not_taken_from_the_module(monkeypatch):
    function = lambda output: output.logits  # noqa: E731
    before = identity(function)
    monkeypatch.setattr(sys.modules[__name__], "logits", torch.rand(3), raising=False)
    assert identity(function) == before


def test_functions_that_call_each_other_have_an_end():
    def one(output):
        return two(output)

    def two(output):
        return one(output)

    assert identity(one).startswith("one #")


SCRIPT = """
import torch
from torch.nn import functional as F
from lrpwidgets.spray.functions import identity
HEADS = ("a", "b")
def helper(output): return output[HEADS[0]]
select = lambda output, k=0: F.relu(helper(output)[k]) if k in {"x", "y", "z", 0} else torch.sigmoid(output)
print(identity(select))
"""


def test_the_text_is_the_same_in_every_process():
    told = [
        subprocess.run(
            [sys.executable, "-c", SCRIPT],
            env=os.environ | {"PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout
        for seed in ("1", "2")
    ]
    assert told[0] == told[1]
    assert told[0].startswith("<lambda> #")
