"""Which layers can be changed, and which are offered."""

from __future__ import annotations

import pytest
import torch
import torchvision
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.improve import direction, places
from lrpwidgets.improve.layers import activations, place
from lrpwidgets.lrp import TwoClasses
from lrpwidgets.lrp.outputs import NoOutputError

from .nets import WITH, WITHOUT, Returning, Twice, conv, dense, handed_on, subject_of, tokens


def named(subject, **options):
    return [each.layer for each in places(subject.explainer(), subject, **options)]


@pytest.mark.parametrize(
    ("make", "shape", "expected"),
    [
        (dense, (1, 4, 4), ["relu", "gelu"]),
        (conv, (3, 8, 8), ["relu", "pool", "block"]),
        (lambda: conv(inplace=True), (3, 8, 8), ["relu", "pool", "block"]),
        (tokens, (5, 6), ["relu"]),
    ],
)
def test_activations_are_offered_from_the_input_up(make, shape, expected):
    assert named(subject_of(make(), *shape)) == expected


def test_a_model_without_activations_has_its_layers_offered():
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.Linear(8, 3))
    assert named(subject_of(model, 1, 4, 4)) == ["0", "1"]


def test_so_many_are_offered_at_most_the_first_and_the_last_among_them():
    subject = subjects.load("clever-hans")
    few, many = named(subject, most=3), named(subject, most=20)
    assert len(few) == 3
    assert (few[0], few[-1]) == (many[0], many[-1]) == ("relu1", "pool5")
    assert set(few) < set(many)
    assert named(subject, most=1) == ["relu1"]


@pytest.mark.parametrize(
    ("model", "size", "there"),
    [
        (lambda: torchvision.models.resnet18(num_classes=5), 64, {"layer1", "layer3", "layer4"}),
        (lambda: torchvision.models.squeezenet1_1(num_classes=5), 64, {"features.7", "features"}),
        (
            lambda: torchvision.models.VisionTransformer(32, 16, 3, 2, 24, 48, num_classes=5),
            32,
            {"encoder.layers.encoder_layer_0", "encoder.layers.encoder_layer_1"},
        ),
    ],
)
def test_blocks_are_offered_rather_than_what_is_in_them(model, size, there):
    torch.manual_seed(0)
    subject = subject_of(model(), 3, size, size)
    found = places(subject.explainer(), subject, most=40)
    assert there <= {each.layer for each in found}
    assert all(
        handed_on(subject.model, each.layer, subject.dataset.inputs[:2]).shape[1:] == each.shape for each in found
    )
    tokens = [each for each in found if len(each.shape) == 2]
    assert all(each.axis == 2 for each in tokens)


def test_a_select_does_not_make_scores_a_layer():
    subject = subject_of(Returning(conv()), 3, 8, 8, select="scores")
    assert named(subject) == ["model.relu", "model.pool", "model.block"]
    one = nn.Sequential(nn.Flatten(), nn.Linear(16, 8), nn.ReLU(), nn.Linear(8, 1))
    assert named(subject_of(one, 1, 4, 4, classes=2, select=TwoClasses())) == ["2"]


@pytest.mark.parametrize(
    ("layer", "why"),
    [
        ("shared", "is called 2 times"),
        ("never", "is never called"),
        ("recurrent", "gives no tensor of numbers but a tuple"),
        ("moves", r"gives \(\d, \d, 6\) for \d inputs, so its first axis does not count inputs"),
    ],
)
@pytest.mark.parametrize("steps", [3, 5])
def test_what_cannot_be_changed_is_refused_with_its_reason(layer, why, steps):
    subject = subject_of(Twice(), steps, 6)
    with pytest.raises(ValueError, match=f"The layer '{layer}' {why}; take one that can be changed: .*'first'"):
        direction(subject, layer, WITH, WITHOUT)
    assert layer not in named(subject)


def test_what_is_no_module_is_refused_with_the_nearest():
    subject = subject_of(conv(), 3, 8, 8)
    with pytest.raises(NoOutputError, match=r"the layer 'pol' is no module.*near it are 'pool'"):
        place(subject.explainer(), subject, "pol")


def test_activations_come_in_parts_and_all_of_them():
    subject = subject_of(conv(inplace=True), 3, 8, 8)
    x = subject.dataset.inputs.repeat(6, 1, 1, 1)
    parts = list(activations(subject.explainer(), "conv", x))
    assert [len(part) for part in parts] == [64, 64, 16]
    torch.testing.assert_close(torch.cat(parts), subject.model.conv(x).detach())
