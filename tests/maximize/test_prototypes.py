"""Strategies: planted ones are found, prototypes are in their middle, and what is unusual is said to be."""

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.maximize import references, strategies
from lrpwidgets.maximize.prototypes import mixed
from lrpwidgets.subjects import Subject, TensorSamples


@pytest.fixture(scope="module")
def planted() -> Subject:
    """Class 0 is recognized by its left or by its right pixel; class 1 by the lower ones."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(4, 4, bias=False), nn.ReLU(), nn.Linear(4, 2, bias=False))
    with torch.no_grad():
        model[1].weight.copy_(torch.eye(4))
        model[3].weight.copy_(torch.tensor([[1.0, 1.0, 0.0, 0.0], [0.0, 0.0, 1.0, 1.0]]))
    inputs = 0.02 * torch.rand(80, 1, 2, 2)
    inputs[:40, 0, 0, 0] += 1  # left
    inputs[40:60, 0, 0, 1] += 1  # right
    inputs[60:, 0, 1, 0] += 1
    labels = [0] * 60 + [1] * 20
    return Subject(model.eval(), TensorSamples(inputs, labels, [str(number) for number in range(80)]))


def test_planted_strategies_are_found(planted):
    found = strategies(references(planted, "1"), 0)
    assert found.count == 2
    assert found.samples.tolist() == list(range(60))
    assert found.strategy.tolist() == [0] * 40 + [1] * 20
    assert repr(found) == "Strategies(class 0 in '1': 2 of 60 inputs, 67%, 33%)"
    assert found.shares.tolist() == pytest.approx([2 / 3, 1 / 3])
    assert set(found.prototypes(0)) <= set(range(40))
    assert set(found.prototypes(1, k=3)) <= set(range(40, 60))
    assert [found.channels(number, k=1)[0][0] for number in (0, 1)] == [0, 1]
    assert found.channels(0, k=1)[0][1] > 0.95


def test_an_input_that_is_recognized_in_no_known_way_is_unusual(planted):
    found, explainer = strategies(references(planted, "1"), 0), planted.explainer()
    usual = found.of(explainer.explain(planted.dataset.inputs[[3, 45]], 0))
    assert found.nearest(usual).tolist() == [0, 1]
    np.testing.assert_allclose(usual, found.mixtures[[3, 45]], rtol=1e-4, atol=1e-6)
    x = torch.tensor([[[[0.6, 0.6], [0.0, 0.0]]]])  # both at once
    assert found.unusual(found.of(explainer.explain(x, 0))).tolist() == [1.0]
    assert float(found.unusual(found.mixtures).mean()) == pytest.approx(0.5, abs=0.02)


def test_mixtures_are_parts_of_the_relevance():
    rows = mixed(np.array([[1.0, -3.0], [0.0, 0.0]], np.float32))
    assert rows.tolist() == [[0.25, -0.75], [0.0, 0.0]]


def test_the_same_seed_gives_the_same_strategies_of_digits():
    found = references(subjects.load("digits"), "relu3")
    one, other = strategies(found, 3, count=3), strategies(found, 3, count=3)
    assert one.strategy.tolist() == other.strategy.tolist()
    assert one.count == 3
    assert all(store == 3 for store in found.store.target[one.samples])
    assert list(one.shares) == sorted(one.shares, reverse=True)


@pytest.mark.parametrize(
    ("label", "count", "message"),
    [
        (
            7,
            None,
            "0 inputs were explained for class 7, and 10 are needed at least; classes with most are class 0, class 1",
        ),
        (1, 11, "20 inputs were explained for class 1, and 22 are needed"),
        (0, 0, "count must be a whole number from 1 on, or None, got 0"),
    ],
)
def test_what_cannot_be_clustered_is_refused(planted, label, count, message):
    with pytest.raises(ValueError, match=message):
        strategies(references(planted, "1"), label, count)


def test_a_strategy_that_is_not_there(planted):
    with pytest.raises(ValueError, match="There is no strategy 2; there are 2, numbered from 0"):
        strategies(references(planted, "1"), 0).prototypes(2)
