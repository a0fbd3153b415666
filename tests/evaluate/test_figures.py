"""Localization, appearance, sanity and intervals, on maps of which the figure is known."""

from __future__ import annotations

import copy
import math

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import evaluate
from lrpwidgets.evaluate import (
    Interval,
    area,
    cascade,
    compressed,
    context,
    continuity,
    contrast,
    data_randomization,
    entropy,
    gini,
    interval,
    mass,
    rank,
    similarity,
)
from lrpwidgets.lrp import Explainer
from lrpwidgets.lrp.rules import AlphaBeta, Epsilon


@pytest.fixture
def mask():
    mask = torch.zeros(2, 4, 5, dtype=torch.bool)
    mask[0, 1, 1:4] = True
    mask[1, :, 0] = True
    return mask


def test_all_public_names_are_there():
    assert all(callable(getattr(evaluate, name)) for name in evaluate.__all__)


def test_all_relevance_inside_the_mask_is_one_and_none_is_zero(mask):
    inside = mask[:, None].float().expand(-1, 3, -1, -1)
    assert mass(inside, mask).tolist() == rank(inside, mask).tolist() == [1, 1]
    assert mass(1 - inside, mask).tolist() == rank(1 - inside, mask).tolist() == [0, 0]
    assert context(inside, mask).tolist() == [0, 0]


def test_a_constant_map_has_the_area_of_the_mask(mask):
    flat = torch.ones(2, 3, 4, 5)
    assert area(mask).tolist() == pytest.approx([3 / 20, 4 / 20])
    for figure in (mass, rank):
        torch.testing.assert_close(figure(flat, mask), area(mask))
    torch.testing.assert_close(context(flat, mask), torch.ones(2, dtype=torch.float64))


@pytest.mark.parametrize(
    ("pool", "left", "right"),
    [
        ("sum,pos", 1, 0), ("sum,abs", 1, 2), ("pos,sum", 3, 2), ("l1-norm", 5, 6),
        ("max-norm", 3, 4), ("l2-norm", math.sqrt(13), math.sqrt(20)), ("l2-norm,sq", 13, 20),
    ],
)  # fmt: skip
def test_pools_are_those_of_clevr_xai(pool, left, right):
    relevance = torch.tensor([[[3.0, 2.0]], [[-2.0, -4.0]]])[None]
    inside = torch.tensor([[[True, False]]])
    torch.testing.assert_close(mass(relevance, inside, pool).item(), left / (left + right))


def test_masks_that_do_not_fit_or_are_empty_are_refused(mask):
    relevance = torch.ones(2, 3, 4, 5)
    with pytest.raises(ValueError, match=r"needs a mask \(2, 4, 5\), got \(2, 5, 4\)"):
        mass(relevance, mask.mT)
    mask[1] = False
    with pytest.raises(ValueError, match="mask of sample 1 is empty"):
        rank(relevance, mask)
    with pytest.raises(ValueError, match="one of sum,pos"):
        mass(relevance, ~mask, "mean")
    with pytest.raises(ValueError, match="mask of sample 0 covers everything"):
        context(relevance, torch.ones_like(mask))


def test_what_is_not_finite_has_no_figure(mask):
    relevance = torch.ones(2, 3, 4, 5)
    relevance[1, 0, 0, 0] = torch.inf
    figures = [entropy, gini, compressed, lambda maps: rank(maps, mask), lambda maps: similarity(maps, maps)]
    for figure in figures:
        with pytest.raises(ValueError, match="sample 1 is not finite"):
            figure(relevance)


def test_the_fewer_positions_have_all_the_smaller_is_entropy_and_file_and_the_larger_gini():
    one, few, noise = torch.zeros(3, 1, 20, 20)
    one[0, 3, 4] = 5
    few[0, 3:9, 4:9] = -2
    noise += torch.randn(20, 20, generator=torch.Generator().manual_seed(0))
    maps = torch.stack([one, few, noise])
    assert entropy(maps)[:2].tolist() == pytest.approx([0, math.log(30)])
    assert gini(maps)[:2].tolist() == pytest.approx([1 - 1 / 400, 1 - 30 / 400])
    assert gini(torch.ones(1, 1, 9, 9)).item() == pytest.approx(0, abs=1e-12)
    for figure, sign in ((entropy, 1), (gini, -1), (compressed, 1)):
        assert (sign * np.diff(figure(maps).numpy()) > 0).all()
    with pytest.raises(ValueError, match="needs maps"):
        compressed(torch.ones(2, 5))


def test_continuity_of_a_linear_map_is_that_of_its_matrix():
    found = continuity(lambda x: 3 * x, torch.randn(4, 2, 5, 5))
    shaken = math.sqrt(25) * 3 * math.sqrt(2)  # ‖3 Σ_c n‖₁ / ‖n‖₂ is no more, by Cauchy and Schwarz
    assert ((found > 0.5 * shaken) & (found <= 3 * math.sqrt(50))).all()
    assert continuity(lambda x: torch.ones_like(x), torch.randn(4, 2, 5, 5)).tolist() == [0] * 4


def test_similarity_is_spearmans_over_the_positions_that_count():
    one = torch.tensor([[[1.0, 2, 3, 4]], [[1.0, 2, 3, 4]]])
    other = torch.tensor([[[10.0, 20, 30, 40]], [[4.0, 3, 2, -1]]])
    assert similarity(one, other).tolist() == pytest.approx([1, -1])
    assert similarity(one, -one, absolute=True).tolist() == pytest.approx([1, 1])
    where = torch.tensor([[True, True, True, False]] * 2)
    other[0, 0, 3] = -99
    assert similarity(one, other, where=where)[0] == pytest.approx(1)
    assert similarity(one, torch.zeros_like(one)).tolist() == [0, 0]
    with pytest.raises(ValueError, match="one shape"):
        similarity(one, other[:, :, :3])
    with pytest.raises(ValueError, match=r"needs a mask \(2, 4\), got \(2, 3\)"):
        similarity(one, other, where=where[:, :3])
    where[1, 1:] = False
    with pytest.raises(ValueError, match="mask of sample 1 holds fewer than 2 positions"):
        similarity(one, other, where=where)


def maps_under(rule, x, target):
    return lambda model: Explainer(model, rule).explain(x, target, keep="input").relevance


def test_alpha_one_everywhere_explains_no_model_and_no_class(digits):
    """Sixt et al. 2020, on digits: figures as others have measured them, with room for another seed."""
    x = torch.stack([digits.item(item)[0] for item in range(20)])
    target = digits.model(x).argmax(1)
    before = copy.deepcopy(digits.model.state_dict())
    found = {}
    for rule in (AlphaBeta(1), Epsilon(0.01)):
        *_, (name, alike) = cascade(digits.model, maps_under(rule, x, target), where=(x != 0).any(1), absolute=True)
        other = contrast(lambda numbers, rule=rule: maps_under(rule, x, numbers)(digits.model), target, 10)
        found[type(rule)] = float(alike.mean()), float(other.abs().mean())
    assert name == "conv1"
    assert found[AlphaBeta][0] > 0.75 > 0.5 > found[Epsilon][0]
    assert found[AlphaBeta][1] > 0.95 > 0.8 > found[Epsilon][1]
    assert all(torch.equal(digits.model.state_dict()[key], value) for key, value in before.items())


def test_parameters_that_are_all_alike_are_randomized_and_not_zeroed():
    class Scaled(nn.Module):
        def __init__(self):
            super().__init__()
            self.linear, self.scale = nn.Linear(6, 6), nn.Parameter(torch.full((6,), 0.1))

        def forward(self, x):
            return self.linear(x) * self.scale

    model, x = nn.Sequential(Scaled(), nn.Linear(6, 2)), torch.randn(3, 6)
    seen = {}
    for name, _ in cascade(model, lambda changed: seen.setdefault(id(changed), changed)(x)):
        assert name in ("1", "0.linear", "0")
    changed = list(seen.values())[-1]
    assert (changed[0].scale != 0).all()
    assert len(changed[0].scale.unique()) == 6
    assert (model[0].scale == 0.1).all()


def memorized(x, labels, seed):
    torch.manual_seed(seed)
    model = nn.Sequential(
        nn.Flatten(), nn.Linear(64, 128), nn.ReLU(), nn.Linear(128, 128), nn.ReLU(), nn.Linear(128, 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=3e-3)
    for _ in range(150):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(x), labels).backward()
        optimizer.step()
    assert (model(x).argmax(1) == labels).all()
    return model.eval()


def test_maps_of_random_labels_differ_as_far_as_a_method_depends_on_what_was_learned(digits):
    x = torch.stack([digits.item(item)[0] for item in range(200)])
    labels = torch.tensor([digits.item(item)[1] for item in range(200)])
    relabelled = labels[torch.randperm(200, generator=torch.Generator().manual_seed(0))]
    model, twin, other = memorized(x, labels, 0), memorized(x, labels, 1), memorized(x, relabelled, 0)
    few, ink = x[:60], (x[:60] != 0).any(1)
    target, found = model(few).argmax(1), {}
    for rule in (AlphaBeta(1), Epsilon(0.01)):
        explain = maps_under(rule, few, target)
        alike = interval(data_randomization(model, other, explain, where=ink, absolute=True))
        learned = interval(similarity(explain(model), explain(twin), where=ink, absolute=True))
        found[type(rule)] = alike, learned
    assert found[Epsilon][0].high < found[Epsilon][1].low  # two that learned the same are more alike
    assert found[Epsilon][0].high < 0.5 < found[AlphaBeta][0].low
    with pytest.raises(ValueError, match="same parameters"):
        data_randomization(model, copy.deepcopy(model), explain)


def test_a_model_without_parameters_and_a_single_class_are_refused():
    with pytest.raises(ValueError, match="without parameters"):
        next(cascade(nn.ReLU(), lambda model: torch.zeros(1, 2)))
    with pytest.raises(ValueError, match="two at least"):
        contrast(lambda target: torch.zeros(1, 2), torch.zeros(1, dtype=torch.int64), 1)
    with pytest.raises(ValueError, match="numbers of 3 classes"):
        contrast(lambda target: torch.zeros(1, 2), torch.tensor([3]), 3)


def test_an_interval_covers_the_mean_as_often_as_it_says():
    random = np.random.default_rng(0)
    found = [interval(random.normal(3, 1, 30), resamples=500, seed=seed) for seed in range(200)]
    assert 0.88 < np.mean([each.low <= 3 <= each.high for each in found]) < 0.99


def test_intervals_that_do_not_overlap_are_apart_and_a_single_sample_is_apart_from_none():
    low, high = interval([1.0, 2, 3]), interval([11.0, 12, 13])
    assert low.apart(high)
    assert high.apart(low)
    assert not low.apart(interval([2.0]))
    assert str(Interval(0.5, 0.4, 0.6, 12)) == "0.5 (0.4 to 0.6, 12 samples)"
    for wrong in ([], [1.0, math.nan]):
        with pytest.raises(ValueError, match="finite values"):
            interval(wrong)
