"""Tuning rules: the tree of candidates gives the maps that each has on its own, and who judges did not choose."""

from __future__ import annotations

from itertools import pairwise
from types import SimpleNamespace

import pytest
import torch
from torch import nn

from lrpwidgets.evaluate import HeldOut, Interval, srg, tune, tuning_cost
from lrpwidgets.evaluate import tuning as module
from lrpwidgets.lrp import Composite, Explainer, composites
from lrpwidgets.lrp.rules import AlphaBeta, Epsilon, Flat, Gamma, ZBox, ZPlus
from lrpwidgets.lrp.selectors import Kind, Position
from lrpwidgets.progress import Cancelled
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets.explore.composite_file import read, written
from tests.lrp.networks import Residual, pictures, realistic

QUICK = {"region": 4, "steps": 2, "batch": 64, "progress": False}
TWO = ["Epsilon", ZPlus()]


def subject_of(model, x, **fields) -> Subject:
    return Subject(realistic(model), TensorSamples(x, [0] * len(x), list(map(str, range(len(x))))), **fields)


@pytest.fixture(scope="module")
def deep() -> Subject:
    """Nine convolutions and a dense layer."""
    torch.manual_seed(0)
    channels = [2, *[4] * 9]
    convolutions = [[nn.Conv2d(one, other, 3, padding=1), nn.ReLU()] for one, other in pairwise(channels)]
    layers = [layer for pair in convolutions for layer in pair]
    x = torch.rand(100, 2, 8, 8)
    return subject_of(nn.Sequential(*layers, nn.Flatten(), nn.Linear(256, 3)), x, bounds=((0.0, 0.0), (1.0, 1.0)))


@pytest.fixture(scope="module")
def tuned(deep):
    return tune(deep, **QUICK)


@pytest.fixture
def explained(monkeypatch):
    """Inputs, targets and maps that were scored, in their order."""
    maps = []

    def watched(explainer, x, relevance, target, **how):
        maps.append((x, target, relevance.clone()))
        return srg(explainer, x, relevance, target, **how)

    monkeypatch.setattr(module, "srg", watched)
    return maps


def test_three_blocks_of_four_rules_take_less_than_a_third_of_the_layers(deep, tuned):
    assert len(tuned.trials) == 64
    assert {trial.gain.samples for trial in tuned.trials} == {50}
    assert tuned.fresh >= 3 * tuned.layers


@pytest.mark.parametrize("blocks", [1, 2, 3, 9, [4, 5]])
def test_the_cost_is_known_before(deep, blocks):
    asked = {"rules": TWO, "blocks": blocks, "samples": 4} | QUICK
    forwards = []
    found = tune(deep, **asked | {"progress": lambda progress: forwards.append((progress.done, progress.total))})
    cost = tuning_cost(deep, **{name: value for name, value in asked.items() if name != "progress"})
    assert (found.layers, found.fresh) == (cost.layers, cost.fresh)
    assert forwards[-1] == (cost.forwards, cost.forwards)


def test_blocks_are_consecutive_layers_above_the_first_and_each_deeper_than_the_one_below(tuned):
    assert tuned.blocks == (("2",), ("4", "6", "8"), ("10", "12", "14", "16", "19"))


def residual() -> Subject:
    return subject_of(Residual().double(), pictures(8, 16))


def test_the_maps_of_every_candidate_are_those_of_an_explanation_of_its_own(explained):
    subject = residual()
    found = tune(subject, [Epsilon(), Gamma(), AlphaBeta(2)], blocks=2, samples=8, **QUICK)
    chosen, judged = explained[:9], explained[9:]
    rules = {repr(rule): rule for rule in (Epsilon(), Gamma(), AlphaBeta(2))}
    assert len(found.trials) == len(chosen)
    gains = {}
    for trial in found.trials:
        composite = found.composite
        for number, rule in enumerate(trial.rules):
            composite = composite.with_rule(number, rules[rule])
        x, target, _ = chosen[0]
        fresh = Explainer(subject.model, composite).explain(x, target).relevance
        same = [relevance for _, _, relevance in chosen if torch.allclose(relevance, fresh, rtol=1e-6, atol=1e-9)]
        assert len(same) == 1
        how = {name: value for name, value in QUICK.items() if name != "batch"}
        gains[trial.rules] = srg(Explainer(subject.model), x, same[0], target, seed=0, **how).interval.value
        assert trial.gain.value == pytest.approx(gains[trial.rules])
    assert list(gains.values()) == sorted(gains.values(), reverse=True)
    assert len(judged) == 2


def test_who_judges_has_not_chosen(explained):
    found = tune(residual(), TWO, blocks=2, samples=8, **QUICK)
    chosen, (best, start) = explained[:4], explained[4:]
    assert not any(torch.equal(one, other) for one in chosen[0][0] for other in best[0])
    assert len(chosen[0][0]) == len(best[0]) == 4
    x, target, relevance = start
    assert torch.equal(relevance, Explainer(residual().model, "epsilon_plus_flat").explain(x, target).relevance)
    held = found.held_out
    assert held.difference.value == pytest.approx(held.tuned.value - held.start.value)
    assert (held.tuned.samples, held.start.samples, held.difference.samples) == (4, 4, 4)


def test_batches_change_nothing_but_the_noise(deep):
    asked = {"rules": TWO, "samples": 20, **QUICK, "fill": "zero"}
    one, other = tune(deep, **asked), tune(deep, **asked | {"batch": 3})
    assert (one.layers, one.fresh) == (other.layers, other.fresh)
    gains = [{trial.rules: trial.gain.value for trial in each.trials} for each in (one, other)]
    assert gains[0] == pytest.approx(gains[1], rel=1e-4, abs=1e-5)


def test_the_seed_makes_it_the_same_again(deep):
    asked = {"rules": TWO, "samples": 8, **QUICK}
    one, same, other = tune(deep, **asked), tune(deep, **asked), tune(deep, seed=1, **asked)
    assert (one.trials, one.held_out) == (same.trials, same.held_out)
    assert one.trials != other.trials


def test_on_digits_it_says_what_it_found(digits):
    found = tune(digits, TWO, samples=40, start="epsilon_gamma_box", seed=0, **QUICK | {"region": 1, "steps": 8})
    assert isinstance(dict(found.composite.entries)[Position(0)], ZBox)  # of the start, with the subject's bounds
    assert found.held_out.verdict in found.conclusion
    assert "with uniform on 20 inputs" in found.conclusion
    assert "epsilon_gamma_box" in found.conclusion


@pytest.mark.parametrize(
    ("low", "high", "samples", "verdict"),
    [(0.1, 0.3, 20, "helped"), (-0.3, -0.1, 20, "worse"), (-0.1, 0.3, 20, "told apart"), (0.1, 0.3, 5, "fewer than 6")],
)
def test_the_verdict_goes_by_the_difference_and_not_with_too_few_inputs(low, high, samples, verdict):
    any_, difference = Interval(1.0, 0.0, 2.0, samples), Interval((low + high) / 2, low, high, samples)
    assert verdict in HeldOut(any_, any_, difference).verdict


def test_the_start_cannot_be_told_from_itself():
    found = tune(residual(), [ZPlus(), Gamma(1e6)], blocks=1, samples=4, start=ZPlus(), **QUICK)
    assert found.held_out.difference.value == pytest.approx(0, abs=1e-3)


def test_the_composite_opens_in_explore_and_goes_through_its_text_form(deep, tuned):
    layout = deep.explainer().explain(deep.item(0)[0][None]).layout
    for form in ("json", "yaml"):
        assert read(written(tuned.composite, form).encode(), f"tuned.{form}", layout) == tuned.composite
    resolved = tuned.composite.rules_in(layout)
    for names, rule in zip(tuned.blocks, tuned.trials[0].rules, strict=True):
        assert {repr(resolved[name]) for name in names} == {rule}
    assert resolved["0"] == Flat()  # the first layer's in the preset for such networks


def test_layers_of_other_kinds_keep_their_rules(digits):
    start = Composite([(Position(0), Flat()), (Kind("maxpool"), ZPlus()), ("*", Epsilon())], "own")
    found = tune(digits, TWO, blocks=1, samples=4, start=start, **QUICK)
    layout = digits.explainer().explain(digits.item(0)[0][None]).layout
    before, after = start.rules_in(layout), found.composite.rules_in(layout)
    assert {name for name in before if before[name] != after[name]} <= set(found.blocks[0])
    assert found.start is start


def test_a_watcher_ends_it_at_any_time(deep):
    for last in (0, 100, 900):

        def cancel(progress, last=last):
            if progress.done > last:
                raise Cancelled

        with pytest.raises(Cancelled):
            tune(deep, TWO, samples=40, **QUICK | {"progress": cancel})


def test_what_cannot_be_tuned_is_refused_before_any_map_is_scored(deep, explained):
    few = Subject(deep.model, TensorSamples(torch.rand(3, 2, 8, 8), [0] * 3, list("abc")))
    for subject, wrong, sentence in (
        (deep, {"rules": ["Epsilonn", "Gamma"]}, "no rule 'Epsilonn'; rules are"),
        (deep, {"rules": ["ZBox", "Gamma"]}, "ZBox needs 'low'"),
        (deep, {"rules": ["Half", "Gamma"]}, "for convolutions and dense layers, got Half"),
        (deep, {"rules": ["Gamma"]}, "two rules to choose from, got 1"),
        (deep, {"rules": "Gamma"}, "must be a list of rules"),
        (deep, {"rules": ["Gamma", Gamma()]}, r"must differ, got Gamma\(.*\) twice"),
        (deep, {"rules": [Gamma(), ZBox((0.0, 0.0), (1.0, 1.0))]}, r"^\d+: "),
        (deep, {"blocks": 10}, "from 1 to 9, .*; got 10"),
        (deep, {"blocks": 0}, "from 1 to 9, .*; got 0"),
        (deep, {"blocks": 2.5}, "from 1 to 9, .*; got 2.5"),
        (deep, {"blocks": 9}, "make 262,144 candidates, and 10,000 are the most"),
        (deep, {"blocks": [3, 3]}, r"add up to 9; got \[3, 3\]"),
        (deep, {"blocks": [10, -1]}, r"add up to 9; got \[10, -1\]"),
        (deep, {"samples": 3}, "from 4 on"),
        (few, {}, "the subject has 3"),
        (deep, {"start": "epsilon_pluss"}, "Did you mean 'epsilon_plus'"),
        (few, {"start": "epsilon_gamma_box"}, "the subject has 3"),
        (deep, {"region": 9}, "region must"),
        (deep, {"fill": "black"}, "fill must"),
        (deep, {"batch": 0}, "batch must"),
    ):
        for operation in (tune, tuning_cost):
            with pytest.raises(ValueError, match=sentence):
                operation(subject, **wrong)
    assert explained == []


def test_maps_that_are_not_finite_lose_no_work_and_are_told(deep, monkeypatch):
    walk = module._walk

    def broken(search, x, target):
        for explanation in walk(search, x, target):
            relevance = explanation.relevance.clone()
            relevance[1] = torch.inf
            yield SimpleNamespace(relevance=relevance, recomputed=explanation.recomputed)

    monkeypatch.setattr(module, "_walk", broken)
    found = tune(deep, TWO, samples=8, **QUICK)
    assert found.unfit == 8
    assert "8 maps were not finite and count as maps of zeros" in found.conclusion


def test_a_batch_that_does_not_fit_memory_is_told_with_the_way_out(deep, monkeypatch):
    explain = Explainer.explain
    monkeypatch.setattr(Explainer, "explain", lambda self, x, *more, **how: explain(self, x, *more, keep="input"))
    monkeypatch.setattr(module, "_prepared", lambda *all_, prepare=module._prepared: _kept(prepare, explain, all_))
    with pytest.raises(ValueError, match=r"2 inputs do not fit memory .* give a smaller batch"):
        tune(deep, TWO, samples=4, **QUICK)


def _kept(prepare, explain, asked):
    """Preparations, whose single input fits."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(Explainer, "explain", explain)
        return prepare(*asked)


def test_presets_that_need_bounds_are_told_where_there_are_none():
    subject = residual()
    assert composites.requires_bounds("epsilon_gamma_box")
    with pytest.raises(ValueError, match="needs low and high"):
        tune(subject, start="epsilon_gamma_box", **QUICK)


def test_a_network_of_one_layer_has_no_block():
    subject = subject_of(nn.Sequential(nn.Flatten(), nn.Linear(16, 3)), torch.rand(8, 1, 4, 4))
    with pytest.raises(ValueError, match="blocks must be"):
        tune(subject, **QUICK)


def test_kinds_match_by_depth(tuned):
    """The blocks are positions, which are text in a file; what follows them is the start."""
    selectors = [selector for selector, _ in tuned.composite.entries]
    assert selectors == [Position(1, 1), Position(2, 4), Position(5, 9), Position(0), Kind("conv"), Kind("linear")]
