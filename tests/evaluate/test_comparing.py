"""The referee, on digits: what it can tell, and what it says where it cannot."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets.evaluate import Comparison, Interval, Standing, compare
from lrpwidgets.evaluate.contenders import BASELINES
from lrpwidgets.progress import Cancelled
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.tables import Table

QUICK = {"region": 1, "steps": 16}


@pytest.fixture(scope="module")
def compared(digits):
    asked = ["epsilon_gamma_box", "gradient_times_input", "sensitivity"]  # the first needs the bounds of the subject
    return compare(digits, asked, samples=60, progress=False, **QUICK)


def test_methods_stand_in_the_order_of_their_gain_under_each_fill(compared):
    for fill in ("uniform", "zero"):
        gains = [each.gain.value for each in compared.standings if each.fill == fill]
        assert gains == sorted(gains, reverse=True)
        assert len(gains) == 5
    assert compared.standings[0].method == "epsilon_gamma_box"
    assert {each.method for each in compared.standings[3:5]} == set(BASELINES)


def test_it_says_who_cannot_be_told_apart_and_on_how_many_inputs(compared):
    assert compared.conclusion.startswith(f"On {len(compared.items)} inputs: with uniform the order is epsilon_gamma")
    for pairs in compared.undecided.values():
        for one, other in pairs:
            assert f"{one} and {other}" in compared.conclusion
    assert {each.gain.samples for each in compared.standings} == {len(compared.items)}


def test_it_ends_as_soon_as_it_can_tell(digits):
    found = compare(digits, ["sensitivity"], fills=["uniform"], samples=200, progress=False, **QUICK)
    decided = not any(found.undecided.values())
    assert decided == (len(found.items) < 200)


def test_methods_that_are_alike_are_not_told_apart(digits):
    """ε-LRP with a small ε is nearly gradient × input, on a network of ReLUs."""
    found = compare(digits, ["epsilon", "gradient_times_input"], fills=["zero"], samples=40, progress=False, **QUICK)
    assert {"epsilon", "gradient_times_input"} in map(set, found.undecided["zero"])
    assert len(found.items) == 40


def test_who_cannot_explain_is_left_out_with_the_reason(digits):
    found = compare(digits, ["gradient_times_input", "attention_rollout"], samples=20, progress=False, **QUICK)
    assert "attention_rollout" not in {each.method for each in found.standings}
    assert found.obstacles["attention_rollout"]
    with pytest.raises(ValueError, match=r"no method to compare with the baselines\. attention_rollout: "):
        compare(digits, ["attention_rollout"], **QUICK)


def test_what_is_out_of_range_is_refused_before_any_work(digits):
    for wrong, sentence in (
        ({"fills": []}, "one fill at least"), ({"samples": 1}, "two samples"), ({"region": 0}, "region must"),
        ({"fills": ["black"]}, "fill must"), ({"repeats": -1}, "repeats must"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=sentence):
            compare(digits, ["sensitivity"], **wrong)
    with pytest.raises(ValueError, match="Did you mean 'sensitivity'"):
        compare(digits, ["sensitivty"])


def test_a_watcher_ends_it(digits):
    def cancel(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        compare(digits, ["sensitivity"], progress=cancel, **QUICK)


def test_it_needs_no_bounds_and_no_pictures():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(12, 20), nn.ReLU(), nn.Linear(20, 3)).eval()
    data = TensorSamples(torch.randn(30, 12), [0] * 30, [str(i) for i in range(30)])
    found = compare(Subject(model, data), ["gradient_times_input"], samples=30, progress=False, **QUICK)
    assert found.standings[0].method == "gradient_times_input"


@pytest.mark.parametrize("sure", [True, False])
def test_the_first_is_another_one_only_if_it_can_be_told_apart(sure):
    any_ = Interval(0.0, -1.0, 1.0, 20)
    orders = {"uniform": ["lrp", "deeplift", "random"], "zero": ["deeplift", "lrp", "random"]}
    rows = [Standing(name, fill, any_, any_) for fill, order in orders.items() for name in order]
    undecided = {"uniform": [], "zero": [] if sure else [("deeplift", "lrp")]}
    found = Comparison(Table(rows), undecided, np.arange(20), {})
    assert ("none of them is the best as such" in found.conclusion) == sure
