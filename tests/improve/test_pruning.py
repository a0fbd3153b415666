"""Pruning: which channels go, what is said of it, what is left, and what is refused."""

from __future__ import annotations

import json

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import improve
from lrpwidgets.improve import prune_toy
from lrpwidgets.improve.pruning_curves import multiply_adds
from lrpwidgets.progress import Cancelled, Progress
from lrpwidgets.subjects import Subject, TensorSamples
from lrpwidgets.subjects import digits as digits_data

from .small import network, perceptron, subject_of


@pytest.fixture(scope="module")
def training():
    inputs, labels = digits_data.training()
    return TensorSamples(inputs, labels.tolist(), [str(number) for number in range(len(labels))])


def widths(subject: Subject) -> list[int]:
    """Outputs of all layers."""
    layers = (nn.Conv2d, nn.Linear)
    return [len(each.weight) for each in subject.model.modules() if isinstance(each, layers)]


def test_the_channels_with_the_lowest_scores_go(digits):
    scores = improve.unit_scores(digits, progress=False)
    every = torch.cat(list(scores.values()))
    threshold = float(every.sort().values[len(every) // 2 - 1])
    expected = [int((each > threshold).sum()) for each in scores.values()]
    assert widths(improve.prune(digits, progress=False)) == [*expected, 10]
    assert widths(improve.prune(digits, scores, progress=False)) == [*expected, 10]


def test_per_layer_each_loses_the_same_fraction(digits):
    assert widths(improve.prune(digits, "weight", 0.25, per_layer=True, progress=False)) == [12, 24, 48, 10]


def test_layers_that_are_not_named_stay(digits):
    assert widths(improve.prune(digits, "weight", 0.5, layers=["conv2"], progress=False)) == [16, 16, 64, 10]


def test_channels_that_hang_together_go_together():
    model = improve.prune(network("resnet18"), "weight", progress=False).model
    assert model.conv1.out_channels == model.layer1[0].conv2.out_channels == model.layer2[0].conv1.in_channels
    assert model.layer2[0].conv2.out_channels == model.layer2[0].downsample[0].out_channels


def test_every_layer_keeps_a_channel_unless_asked_otherwise(digits):
    scores = improve.UnitScores("mine", {"conv1": torch.zeros(16), "conv2": torch.ones(32), "conv3": torch.ones(64)})
    assert widths(improve.prune(digits, scores, 0.3, progress=False))[0] == 1
    gone = improve.prune(digits, scores, 0.3, least=0, progress=False)
    assert len(gone.repair.structure["masked"]["conv1"]["channels"]) == 16
    assert any("nothing would be left of it" in each for each in gone.repair.said)


def test_the_repair_tells_all_and_json_has_it(digits):
    repair = improve.prune(digits, fraction=0.25, samples=3, seed=2, progress=False).repair
    assert repair.name == "pruning"
    assert repair.settings["by"] == "relevance"
    assert repair.settings["samples"] == 3
    assert json.loads(json.dumps([repair.structure, repair.settings])) == [repair.structure, repair.settings]
    assert repair.said[0].startswith("28 of 112 channels went, of 3 of 3 layers; 3 of these are smaller now")
    assert len(repair.used) == 30


def test_one_that_was_masked_is_not_pruned_again():
    once = improve.prune(network("perceptron"), cut="never", progress=False)
    twice = improve.prune(once, "weight", 0.5, cut="never", progress=False)
    before, after = ({key: len(each["channels"]) for key, each in r.structure["masked"].items()} for r in twice.repairs)
    assert before["0"] + before["2"] == 18
    assert after["0"] + after["2"] == 9
    assert int((twice.model[0].mask.keep == 0).sum()) == before["0"] + after["0"]


def test_half_of_the_digits_network_reads_nearly_as_well_after_little_training(digits, training):
    tuned = improve.pruning_curve(
        digits, fractions=[0.5], data=training, fine_tune=improve.Training(epochs=2), progress=False
    )
    whole, half = tuned
    assert half.accuracy.value > 0.95
    assert half.parameters < whole.parameters / 2
    assert half.subject.repair.history.losses


# Curves


def test_a_curve_has_the_model_before_and_each_step_smaller(digits):
    rows = improve.pruning_curve(digits, "weight", [0.2, 0.5, 0.8], progress=False)
    assert [row.fraction for row in rows] == pytest.approx([0, 0.2, 0.5, 0.8], abs=0.01)
    for name in ("parameters", "multiply_adds"):
        figures = [getattr(row, name) for row in rows]
        assert figures == sorted(set(figures), reverse=True)
    assert all(row.accuracy.low <= row.accuracy.value <= row.accuracy.high and row.seconds > 0 for row in rows)
    assert rows[-1].subject.title == "Small CNN · handwritten digits · pruning"
    assert len(rows[-1].subject.repairs) == 3


def test_what_judges_has_not_been_seen(digits):
    rows = improve.pruning_curve(digits, fractions=[0.3], progress=False)
    assert rows[0].accuracy.samples + len(rows[1].subject.used) == len(digits.dataset)
    later = improve.pruning_curve(rows[1].subject, "weight", [0.3], progress=False)
    assert later[0].accuracy.samples < rows[0].accuracy.samples


def test_without_iterations_every_step_begins_anew(digits, training):
    rows = improve.pruning_curve(digits, "weight", [0.2, 0.5], iterative=False, data=training, progress=False)
    assert [len(row.subject.repairs) for row in rows[1:]] == [1, 1]
    at_once = improve.prune(digits, "weight", 0.5, data=training, progress=False)
    assert widths(rows[2].subject) == widths(at_once)


def test_steps_come_one_by_one_and_can_be_ended(digits):
    steps = improve.pruning_steps(digits, "weight", [0.2, 0.5], progress=False)
    assert next(steps).fraction == 0
    seen: list[Progress] = []

    def end(progress: Progress) -> None:
        seen.append(progress)
        if progress.done == 1:
            raise Cancelled

    with pytest.raises(Cancelled):
        improve.pruning_curve(digits, "weight", [0.2, 0.5], progress=end)
    assert seen[-1].total == 2


def test_multiply_adds_are_those_of_the_layers():
    model = nn.Sequential(nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 16, 5))
    assert multiply_adds(model, torch.randn(1, 3, 4, 4)) == 4 * 3 * 9 * 16 + 64 * 5


# The toy


@pytest.mark.parametrize(("points", "classes"), [("moons", 2), ("circle", 2), ("blobs", 4)])
def test_the_toy_learns(points, classes):
    made = prune_toy.toy(points, units=60)
    assert made.accuracy() > 0.95
    assert len(made.subject.classes) == classes


def test_the_table_of_the_toy_has_every_criterion():
    rows = prune_toy.compare(references=[1], seeds=2, units=20, progress=False)
    assert {row.criterion for row in rows} == prune_toy.CRITERIA.keys()
    assert all(row.accuracy.samples == 2 for row in rows)


def test_unknown_points_are_told():
    with pytest.raises(ValueError, match="points must be one of moons, circle, blobs, got 'spiral'"):
        prune_toy.toy("spiral")


# What is refused


@pytest.mark.parametrize("fraction", [0, 1, -0.1, 1.5, True, "half", float("nan")])
def test_a_fraction_is_between_0_and_1(digits, fraction):
    with pytest.raises(ValueError, match="fraction is the part of the channels that goes, between 0 and 1; got"):
        improve.prune(digits, "weight", fraction, progress=False)


def test_too_little_and_everything_are_refused(digits):
    with pytest.raises(ValueError, match=r"fraction=0.001 removes none of 112 channels"):
        improve.prune(digits, "weight", 0.001, progress=False)
    with pytest.raises(ValueError, match=r"fraction=0.999 removes all 112 channels, and nothing would be left"):
        improve.prune(digits, "weight", 0.999, least=0, progress=False)


def test_a_layer_that_is_not_there_is_told_with_the_nearest(digits):
    with pytest.raises(ValueError, match=r"no convolution or dense layer 'conv4'; the nearest names are 'conv"):
        improve.prune(digits, "weight", layers=["conv4"], progress=False)


def test_the_layer_of_the_scores_alone_is_refused(digits):
    with pytest.raises(ValueError, match="The layer 'linear' makes the scores, and keeps all"):
        improve.prune(digits, "weight", layers=["linear"], progress=False)


def test_cut_only_says_what_cannot_be_cut_and_why():
    with pytest.raises(ValueError, match=r"cannot be cut: .*(layer_norm|cat).*, with cut='possible'"):
        improve.prune(network("vit"), "random", cut="only", progress=False)
    subject = network("resnet18")
    with pytest.raises(ValueError, match=r"'layer1.0.conv2' cannot be cut: other layers depend on its shape"):
        improve.prune(subject, "random", cut="only", layers=["layer1.0.conv2"], progress=False)
    inside = improve.prune(subject, "random", cut="only", layers=["layer1.0.conv1"], progress=False)
    assert inside.model.layer1[0].conv1.out_channels == 32
    masked = improve.prune(subject, "random", layers=["layer1.0.conv2"], progress=False)
    assert list(masked.repair.structure["masked"]) == ["layer1.0.conv2", "layer1.0.bn2"]


def test_closed_choices_and_counts_are_checked(digits):
    with pytest.raises(ValueError, match="cut must be one of possible, only, never, got 'yes'"):
        improve.prune(digits, "weight", cut="yes", progress=False)
    with pytest.raises(ValueError, match="least counts the channels that every layer keeps, from 0 on; got -1"):
        improve.prune(digits, "weight", least=-1, progress=False)


def test_scores_of_another_model_are_refused(digits):
    other = improve.UnitScores("mine", {"conv1": torch.zeros(3)})
    with pytest.raises(ValueError, match=r"There are 3 scores for .*16 channels of 'conv1'"):
        improve.prune(digits, other, layers=["conv1"], progress=False)
    with pytest.raises(ValueError, match="There are no scores for 'conv2'"):
        improve.prune(digits, other, layers=["conv2"], progress=False)


def test_without_labels_only_what_needs_none_prunes():
    subject = Subject(perceptron().eval(), [(torch.randn(12), None) for _ in range(4)])
    with pytest.raises(ValueError, match="needs reference samples of a known class"):
        improve.prune(subject, progress=False)
    assert widths(improve.prune(subject, "weight", per_layer=True, progress=False)) == [10, 8, 3]
    with pytest.raises(ValueError, match="A curve needs inputs with labels to prune by and others to judge by"):
        improve.pruning_curve(subject, "weight", progress=False)


def test_a_model_of_one_layer_has_nothing_to_prune():
    with pytest.raises(ValueError, match="The model has no channels to prune"):
        improve.prune(subject_of(nn.Sequential(nn.Linear(4, 3)), 4), progress=False)


@pytest.mark.parametrize("fractions", [[], [0.5, 0.2], [0.2, 0.2], [0, 0.5], [0.5, 1]])
def test_fractions_of_a_curve_grow(digits, fractions):
    with pytest.raises(ValueError, match="fractions grow, from above 0 to below 1"):
        improve.pruning_curve(digits, "weight", fractions, progress=False)


def test_numbers_of_the_seed_are_drawn_from_numpy_alone(digits):
    before = torch.get_rng_state(), np.random.get_state()[1].copy()
    improve.prune(digits, "random", progress=False)
    assert torch.equal(torch.get_rng_state(), before[0])
    assert np.array_equal(np.random.get_state()[1], before[1])
