"""Objectives: the numbers that they are, and what they refuse."""

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Explainer, TwoClasses
from lrpwidgets.maximize.network import Network
from lrpwidgets.maximize.objectives import (
    Objective,
    channel,
    class_score,
    direction,
    diversity,
    log_probability,
)
from tests.lrp.networks import pictures, realistic

CLASSES = ["hen", "goose", "scooter"]


@pytest.fixture
def model() -> nn.Module:
    parts = nn.Conv2d(3, 5, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(5, 3)
    return realistic(nn.Sequential(*parts))


@pytest.fixture
def x():
    return pictures(4, 10, torch.float32)


def value(objective: Objective, model: nn.Module, x: torch.Tensor, select=None, classes=CLASSES) -> torch.Tensor:
    network = Network(Explainer(model, select=select), objective.layers, x[:1])
    return objective.settled(network, classes, select).of(network.run(x))


def test_values_are_those_of_the_model(model, x):
    scores, activation = model(x), model[:2](x)
    torch.testing.assert_close(value(class_score(2), model, x), scores[:, 2])
    torch.testing.assert_close(value(class_score("goose"), model, x), scores[:, 1])
    torch.testing.assert_close(value(log_probability("goose"), model, x), scores.log_softmax(1)[:, 1])
    torch.testing.assert_close(value(channel("1", 3), model, x), activation[:, 3].mean((1, 2)))
    torch.testing.assert_close(value(channel("1", 3, position=(2, 7)), model, x), activation[:, 3, 2, 7])


def test_objectives_add_subtract_and_scale(model, x):
    scores, activation = model(x), model[:2](x)
    objective = class_score("hen") - 0.5 * class_score("goose") + channel("1", 0) / 4
    expected = scores[:, 0] - 0.5 * scores[:, 1] + activation[:, 0].mean((1, 2)) / 4
    torch.testing.assert_close(value(objective, model, x), expected)
    torch.testing.assert_close(value(-objective, model, x), -expected)
    assert objective.layers == ["1"]
    assert objective.reads_scores


def test_texts(model, x):
    network = Network(Explainer(model), ["1"], x[:1])
    objective = class_score("hen") - 2 * class_score(1) + channel("1", 3, position=(2, 7))
    assert str(objective.settled(network, CLASSES, None)) == "“hen” - 2 × “goose” + channel 3 at (2, 7) of 1"
    assert str(-class_score(1)) == "- “1”"
    assert str(log_probability("hen")) == "log p(“hen”)"


def test_a_direction_is_the_product_times_a_power_of_the_cosine(model, x):
    vector = torch.tensor([1.0, -1.0, 0.5, 0.0, 2.0])
    activation = model[:2](x).flatten(2)
    product = (activation * vector[:, None]).sum(1)
    cosine = (product / (activation.norm(dim=1) * vector.norm())).nan_to_num(0.0)  # where nothing is active
    expected = (product * cosine.clamp(min=0.1) ** 2).mean(1)
    torch.testing.assert_close(value(direction("1", vector, power=2), model, x), expected)
    one_hot = torch.eye(5)[3]
    torch.testing.assert_close(value(direction("1", one_hot, power=0), model, x), value(channel("1", 3), model, x))


def test_diversity_is_0_for_one_and_least_for_equal_ones(model, x):
    assert value(diversity("1"), model, x[:1]).tolist() == [0]
    alike = value(diversity("1"), model, x[:1].expand(3, -1, -1, -1))
    torch.testing.assert_close(alike, torch.full((3,), -2.0))
    assert float(value(diversity("1"), model, x).detach().sum()) > -12
    assert (class_score(0) + diversity("1")).alone.layers == []


def test_of_dense_scores_the_mean_counts(x):
    model = realistic(nn.Conv2d(3, 3, 3))
    torch.testing.assert_close(value(class_score(1), model, x), model(x)[:, 1].mean((1, 2)))
    torch.testing.assert_close(value(log_probability(1), model, x), model(x).log_softmax(1)[:, 1].mean((1, 2)))


def test_one_score_for_two_classes(x):
    model = realistic(nn.Sequential(nn.Flatten(), nn.Linear(300, 1)))
    score = model(x)[:, 0]
    torch.testing.assert_close(value(class_score(0), model, x, TwoClasses(), ["no", "yes"]), -score)
    probability = value(log_probability("yes"), model, x, TwoClasses(), ["no", "yes"])
    torch.testing.assert_close(probability, score.sigmoid().log())


@pytest.mark.parametrize(
    ("objective", "message"),
    [
        (class_score(3), "no class 3; the model has 3, numbered from 0"),
        (class_score(-1), "no class -1"),
        (class_score("geese"), "no class 'geese'; the nearest are 'goose'"),
        (class_score(True), "no class True"),
        (channel("1", 5), "The layer '1' has no channel 5; it has 5, numbered from 0"),
        (channel("1", 0, position=(8, 0)), r"no position \(8, 0\); its positions count \(8, 8\), from 0"),
        (channel("1", 0, position=3), r"no position \(3,\)"),
        (direction("1", torch.ones(4)), r"one number for each of its 5 channels, got \(4,\)"),
    ],
)
def test_what_is_not_there_is_refused(model, x, objective, message):
    with pytest.raises(ValueError, match=message):
        value(objective, model, x)


@pytest.mark.parametrize("vector", [[0.0, 0.0], [1.0, float("nan")]])
def test_a_direction_that_points_nowhere_is_refused(vector):
    with pytest.raises(ValueError, match="finite numbers that are not all 0"):
        direction("1", vector)


def test_an_objective_is_added_to_objectives_and_scaled_by_numbers():
    with pytest.raises(TypeError, match="added to another one"):
        class_score(0) + 3
    with pytest.raises(ValueError, match="scaled by a finite number, got nan"):
        class_score(0) * float("nan")
