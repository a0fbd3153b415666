"""Region perturbation, on linear models whose curves are known, and on digits, where rankings are."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from lrpwidgets.evaluate import Flipping, flip, interval, srg
from lrpwidgets.evaluate.fills import filler
from lrpwidgets.evaluate.regions import regions
from lrpwidgets.lrp import Explainer, Rather, composites
from lrpwidgets.progress import Cancelled

CLASSES = 3


@pytest.fixture
def linear():
    """A model whose score of class c is Σ w_c x, and pictures."""
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(2 * 6 * 9, CLASSES)).double()
    return model, torch.randn(5, 2, 6, 9, dtype=torch.float64)


def shares(model, x, target):
    return model[1].weight[target].reshape(1, *x.shape[1:]) * x


def test_a_linear_model_loses_what_each_pixel_gave(linear):
    model, x = linear
    relevance = shares(model, x, 1)
    curves = flip(model, x, relevance, 1, fill="zero", region=1, steps=54)
    given = relevance.sum(1).flatten(1).sort(descending=True).values.cumsum(1)
    expected = model(x)[:, 1:2] - torch.cat([torch.zeros(5, 1), given], 1)
    torch.testing.assert_close(curves.scores, expected.detach())
    torch.testing.assert_close(curves.aopc, (expected[:, :1] - expected).mean(1).detach())
    torch.testing.assert_close(curves.taken, torch.linspace(0, 1, 55), check_dtype=False)


def test_the_least_relevant_pixels_first_raise_the_score_of_a_linear_model(linear):
    model, x = linear
    relevance = shares(model, x, 1)
    gain = srg(model, x, relevance, 1, fill="zero", region=1, steps=54)
    assert (gain.values > 0).all()
    torch.testing.assert_close(gain.values, gain.least.area - gain.most.area)
    opposite = srg(model, x, -relevance, 1, fill="zero", region=1, steps=54)
    torch.testing.assert_close(opposite.values, -gain.values)


def test_regions_go_as_a_whole_by_their_sum_and_those_at_the_edge_are_smaller(linear):
    model, x = linear
    number = regions((6, 9), 4)
    assert number.tolist() == [[0] * 4 + [1] * 4 + [2]] * 4 + [[3] * 4 + [4] * 4 + [5]] * 2
    relevance = shares(model, x, 0)
    sums = torch.stack([relevance[:, :, number == each].sum((1, 2)) for each in range(6)], 1)
    curves = flip(model, x, relevance, 0, fill="zero", region=4)
    lost = sums.sort(descending=True).values.cumsum(1)
    torch.testing.assert_close(curves.scores[:, 1:], (model(x)[:, :1] - lost).detach())


def test_a_step_takes_several_regions_if_there_are_more_than_steps():
    how = Flipping(steps=4, share=0.5)
    assert how.cuts(20).tolist() == [0, 2, 5, 8, 10]
    assert how.cuts(2).tolist() == [0, 1]
    assert how.forwards(torch.zeros(3, 1, 32, 40), orders=2) == 3 * (1 + 2 * 4)


def test_it_costs_as_many_inputs_as_it_says(linear):
    model, x = linear
    told = []
    flip(model, x, x, 0, region=2, steps=7, repeats=2, batch=3, progress=lambda now: told.append((now.done, now.total)))
    assert told[-1] == (5 * (1 + 2 * 7),) * 2
    assert told[0] == (3, told[-1][1])


def test_whatever_the_batch_the_curves_are_the_same(linear):
    model, x = linear
    one, other = (flip(model, x, x, batch=batch, region=2, repeats=2, seed=4).scores for batch in (1, 64))
    torch.testing.assert_close(one, other)
    assert not torch.equal(one, flip(model, x, x, region=2, repeats=2, seed=5).scores)


def test_the_class_stays_that_of_the_whole_input(linear):
    model, x = linear
    predicted = model(x).argmax(1)
    torch.testing.assert_close(flip(model, x, x, region=3).scores, flip(model, x, x, predicted, region=3).scores)


def test_probabilities_and_differences_are_followed_too(linear):
    model, x = linear
    curves = flip(model, x, x, 2, output="probability", fill="zero", region=1)
    torch.testing.assert_close(curves.scores[:, 0], model(x).softmax(1)[:, 2].detach())
    torch.testing.assert_close(curves.scores[:, -1], model(0 * x).softmax(1)[:, 2].detach())
    rather = flip(model, x, x, Rather(0, than=1), fill="zero", region=1)
    torch.testing.assert_close(rather.scores[:, 0], (model(x)[:, 0] - model(x)[:, 1]).detach())


def test_relevance_may_come_without_channels_and_inputs_without_space(linear):
    model, x = linear
    with_channels = flip(model, x, x, 0, region=2).scores
    torch.testing.assert_close(with_channels, flip(model, x, x.sum(1), 0, region=2).scores)
    vectors, flat = torch.randn(4, 7), nn.Linear(7, 2)
    curves = flip(flat, vectors, flat.weight[1] * vectors, 1, fill="zero", region=1)
    torch.testing.assert_close(curves.scores[:, -1], flat.bias[1].expand(4).detach(), check_dtype=False)


def test_what_is_alike_goes_in_random_order_and_a_random_order_gains_nothing(linear):
    model, x = linear
    some, others = (flip(model, x, torch.zeros_like(x), 0, region=1, seed=seed).scores for seed in (0, 1))
    assert not torch.equal(some, others)
    many = x.repeat(40, 1, 1, 1)
    gain = srg(model, many, torch.randn(many.shape), 0, fill="zero", region=1).interval
    assert gain.low < 0 < gain.high


def test_what_is_no_relevance_or_out_of_range_is_refused_before_any_work(linear):
    model, x = linear
    broken = x.clone()
    broken[2, 0, 0, 0] = torch.nan
    for wrong, sentence in ((broken, "sample 2 is not finite"), (x[:, :, :5], r"got \(5, 2, 5, 9\)")):
        with pytest.raises(ValueError, match=sentence):
            flip(model, x, wrong)
    for settings, sentence in (
        ({"region": 0}, "region must"), ({"region": 10}, "1 to 9"), ({"steps": 1.5}, "steps must"),
        ({"share": 0}, "share must"), ({"fill": "black"}, "uniform, zero"), ({"order": "worst"}, "most, least"),
        ({"output": "logit"}, "score, probability"), ({"bounds": (1, 0)}, "lowest"), ({"repeats": 0}, "repeats must"),
    ):  # fmt: skip
        with pytest.raises(ValueError, match=sentence):
            flip(model, x, x, **settings)
    with pytest.raises(ValueError, match="needs pictures"):
        flip(nn.Linear(7, 2), torch.zeros(1, 7), torch.zeros(1, 7), region=1, fill="neighbours")


def test_a_watcher_ends_it(linear):
    model, x = linear

    def cancel(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        flip(model, x, x, region=1, progress=cancel)


# What is put in the place of what is gone.


@pytest.fixture
def pictures():
    torch.manual_seed(1)
    return torch.rand(3, 2, 12, 10, dtype=torch.float64)


def filled(x, fill, missing, bounds=None, region=2):
    return filler(fill, x, bounds, region, 0)(torch.arange(len(x)), missing.expand(len(x), -1, -1))


@pytest.fixture
def hole():
    missing = torch.zeros(12, 10, dtype=torch.bool)
    missing[3:6, 2:8] = True
    return missing


@pytest.mark.parametrize("fill", ["uniform", "zero", "mean", "blur", "neighbours"])
def test_only_what_is_missing_is_filled(pictures, hole, fill):
    made = filled(pictures, fill, hole)
    torch.testing.assert_close(made[:, :, ~hole], pictures[:, :, ~hole], rtol=0, atol=0)
    assert not torch.equal(made[:, :, hole], pictures[:, :, hole])


def test_what_each_fill_puts_there(pictures, hole):
    uniform = filled(pictures, "uniform", hole, (torch.tensor([2.0, 5.0]).reshape(2, 1, 1), 9.0))
    assert uniform[:, 0, hole].min() >= 2
    assert uniform[:, 1, hole].min() >= 5
    assert uniform[:, :, hole].max() <= 9
    assert (filled(pictures, "zero", hole)[:, :, hole] == 0).all()
    means = pictures.mean((2, 3), keepdim=True).expand_as(pictures)
    torch.testing.assert_close(filled(pictures, "mean", hole)[:, :, hole], means[:, :, hole])


def test_noise_of_each_channel_is_in_its_own_bounds_in_any_form():
    x, missing = torch.zeros(2, 3, 8, 5), torch.ones(2, 8, 5, dtype=torch.bool)
    low, high = (0.0, 10.0, 20.0), (1.0, 11.0, 22.0)
    of_channels = [torch.tensor(bound).reshape(3, 1, 1) for bound in (low, high)]
    forms = [(low, high), tuple(map(torch.tensor, (low, high))), tuple(of_channels)]
    found = [filler("uniform", x, bounds, 1, seed=0)(torch.arange(2), missing) for bounds in forms]
    assert torch.equal(found[0], found[1])
    assert torch.equal(found[0], found[2])
    assert ((found[0] >= of_channels[0]) & (found[0] <= of_channels[1])).all()


def test_neighbours_continue_a_plane(hole):
    y, x = torch.meshgrid(torch.arange(12.0), torch.arange(10.0), indexing="ij")
    plane = (3 * x - 2 * y).double().expand(1, 2, -1, -1)
    made = filled(plane, "neighbours", hole)
    noise = 0.01 * plane.std()
    assert (made - plane).abs().max() < 6 * noise


def test_neighbours_fill_a_picture_of_which_nothing_is_left(pictures):
    made = filled(pictures, "neighbours", torch.ones(12, 10, dtype=torch.bool))
    assert made.isfinite().all()


# What is known of digits.


@pytest.fixture(scope="module")
def known(digits):
    """Digits, and their maps by method."""
    x = torch.stack([digits.item(item)[0] for item in range(60)])
    low, high = digits.bounds
    composite = composites.get("epsilon_gamma_box", low=low, high=high)
    inputs = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(digits.model(inputs).max(1).values.sum(), inputs)
    maps = {"lrp": Explainer(digits.model, composite).explain(x).relevance, "gradient × input": x * gradient}
    maps |= {"sensitivity": gradient.square(), "random": torch.randn(x.shape)}
    return x, maps


def test_noise_and_zero_rank_methods_the_other_way_round(digits, known):
    x, maps = known
    of = {
        (name, fill): interval(
            flip(digits.model, x, each, fill=fill, region=1, steps=32, share=0.5, bounds=digits.bounds).aopc
        )
        for name, each in maps.items()
        for fill in ("uniform", "zero")
    }
    for other in ("gradient × input", "sensitivity", "random"):
        assert of["lrp", "uniform"].low > of[other, "uniform"].value
    assert of["gradient × input", "zero"].low > of["lrp", "zero"].value
    assert of["lrp", "zero"].low > of["sensitivity", "zero"].high


def test_the_gain_of_lrp_is_above_that_of_sensitivity_whatever_the_fill_and_chance_has_none(digits, known):
    x, maps = known
    for fill in ("uniform", "zero"):
        gains = {
            name: srg(digits.model, x, each, fill=fill, region=1, steps=32, bounds=digits.bounds).interval
            for name, each in maps.items()
        }
        assert gains["lrp"].low > gains["sensitivity"].high
        assert gains["sensitivity"].low > gains["random"].high
        assert abs(gains["random"].value) < 0.2 * gains["lrp"].value
