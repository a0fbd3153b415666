"""Honesty: real inputs are found natural, made up ones are not, and the sentence says why."""

import math

import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.maximize import maximize, objectives
from lrpwidgets.maximize.honesty import examined
from lrpwidgets.subjects import Subject


@pytest.fixture(scope="module")
def digits() -> Subject:
    return subjects.load("digits")


@pytest.fixture
def run(digits):
    return maximize(digits, objectives.class_score(3), "none", steps=30)


def test_real_inputs_are_natural(digits, run):
    found = [examined(run, digits.dataset[index][0]) for index in range(0, 100, 5)]
    assert sum(each.natural for each in found) >= 0.8 * len(found)
    assert [each.nearest for each in found] == list(range(0, 100, 5))
    assert all(each.distance == pytest.approx(0, abs=1e-3) for each in found)
    assert "like a real input as far as three tests can tell" in next(each for each in found if each.natural).sentence


def test_numbers_are_those_of_the_model(digits, run):
    x, scores = digits.dataset.inputs, digits.model(digits.dataset.inputs).detach()[:, 3]
    honesty = examined(run, x[11])
    torch.testing.assert_close(honesty.activations, scores)
    assert honesty.activation == pytest.approx(float(scores[11]), rel=1e-5)
    assert honesty.percentile == pytest.approx(float((scores < scores[11]).float().mean()))
    distances = torch.cdist(x.flatten(1), x.flatten(1)).fill_diagonal_(torch.inf).amin(1)
    torch.testing.assert_close(honesty.distances, distances, atol=1e-3, rtol=1e-3)
    assert len(honesty.log_densities) == len(x) // 2
    assert honesty.density_percentile == pytest.approx(
        float((honesty.log_densities < honesty.log_density).float().mean())
    )


def test_what_excites_beyond_measure_is_no_natural_input(run):
    honesty = run.finish().honesty
    assert not honesty.natural
    assert honesty.percentile == 1
    assert honesty.sentence.startswith("No natural input: it excites ")
    assert "times as much as the strongest of 355 real inputs" in honesty.sentence
    assert honesty.sentence.endswith("It shows what “3” would like, not what it sees.")
    assert str(honesty) == honesty.sentence


def test_a_blank_image_is_too_likely_or_too_far(digits, run):
    honesty = examined(run, torch.zeros(1, 8, 8))
    assert not honesty.natural


def test_its_ledger_balances_as_that_of_any_input(run):
    explanation = run.finish().honesty.explanation
    assert explanation.ledger.imbalance < 1e-5
    assert explanation.relevance.shape == (1, 1, 8, 8)
    assert int(explanation.target.argmax()) == 3


def test_a_constant_image_stays_under_shifts(digits):
    run = maximize(digits, objectives.channel("conv1", 2, position=(4, 4)), "none", steps=0)
    honesty = examined(run, torch.full((1, 8, 8), 0.5))
    assert honesty.under_shifts == pytest.approx(1, abs=1e-5) or math.isnan(honesty.under_shifts)


def test_without_data_there_is_nothing_to_compare_with(digits):
    result = maximize(digits.model, objectives.class_score(3), "none", size=(1, 8, 8), steps=3).finish()
    honesty = result.honesty
    assert math.isnan(honesty.percentile)
    assert math.isnan(honesty.log_density)
    assert honesty.nearest == -1
    assert not honesty.natural
    assert honesty.sentence == "Made up to excite “class 3”. There are no real inputs to hold it against."


def test_a_picture_is_shown_as_the_subject_shows_its_inputs(digits, run):
    result = run.finish()
    assert result.picture().tobytes() == digits.to_image(result.image).tobytes()
