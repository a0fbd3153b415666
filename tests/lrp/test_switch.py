"""Switching rules and targets: the same numbers as a fresh explanation, with no more work than needed."""

from copy import deepcopy
from itertools import permutations

import pytest
import torch
from torch import Tensor, nn

from lrpwidgets import shelves
from lrpwidgets.lrp import Composite, Explainer, Explanation, composites
from lrpwidgets.lrp.rules import Epsilon, Flat, Gamma, WSquare, Zero, ZPlus
from lrpwidgets.lrp.weighted import EffectiveWeights
from lrpwidgets.shelves import Shelves
from tests.lrp.dense import assert_near
from tests.lrp.networks import HIGH, LOW, Fire, Residual, pictures, realistic

PRESETS = {
    name: composites.get(name, **({"low": LOW, "high": HIGH} if composites.takes_bounds(name) else {}))
    for name in composites.names()
}
NETWORKS = {"residual": Residual, "fire": Fire}


class Counting(nn.Module):
    """A model that counts its forward passes."""

    def __init__(self, model: nn.Module) -> None:
        super().__init__()
        self.model, self.calls = model, 0

    def forward(self, x: Tensor) -> Tensor:
        self.calls += 1
        return self.model(x)


@pytest.fixture(params=NETWORKS)
def model(request) -> Counting:
    return Counting(realistic(NETWORKS[request.param]()).double()).eval()


@pytest.fixture
def residual() -> nn.Module:
    return realistic(Residual()).double()


@pytest.fixture
def x() -> Tensor:
    return pictures(2, 16)


def assert_same(found: Explanation, fresh: Explanation) -> None:
    """Relevance everywhere and the ledger, bit for bit."""
    assert torch.equal(found.relevance, fresh.relevance)
    for layer, expected in zip(found.layers, fresh.layers, strict=True):
        assert (layer.name, layer.rule) == (expected.name, expected.rule)
        assert torch.equal(layer.relevance, expected.relevance)
    for term in ("explained", "reached_input", "bias", "stabilizer", "rules"):
        assert torch.equal(getattr(found.ledger, term), getattr(fresh.ledger, term))


@pytest.mark.parametrize(("before", "after"), list(permutations(PRESETS, 2)))
def test_switching_between_presets_equals_a_fresh_explanation(residual, x, before, after):
    switched = Explainer(residual, PRESETS[before]).explain(x, 2).switch(PRESETS[after])
    assert_same(switched, Explainer(residual, PRESETS[after]).explain(x, 2))


def test_switching_any_single_layer_equals_a_fresh_explanation_and_does_only_what_lies_below(model, x):
    explainer = Explainer(model, "epsilon_plus")
    explanation = explainer.explain(x, 1)
    for layer in explanation.layers:
        if not layer.takes_rule:
            continue
        switched = explanation.switch(rules={layer.name: Gamma(0.7)})
        assert_same(switched, Explainer(model, switched.composite).explain(x, 1))
        assert set(switched.recomputed) == _reached_from(explanation, layer.name)
    fresh = 3  # the first time, a model is looked at twice more: whether torch shows all that it computes with
    assert model.calls == fresh * (1 + sum(layer.takes_rule for layer in explanation.layers))


def _reached_from(explanation: Explanation, name: str) -> set[str]:
    """`name` and the layers whose relevance changes when `name` hands on something else."""
    changed = explanation.switch(rules={name: Flat()})
    below = {name}
    for old, new in zip(explanation.layers, changed.layers, strict=True):
        if not torch.equal(old.relevance, new.relevance):
            below.add(old.name)
    return below


def test_the_first_layers_rule_costs_the_first_layer_alone(model, x):
    explanation = Explainer(model, "epsilon_plus").explain(x)
    first = explanation.layers[0].name
    for rule in (Flat(), WSquare(), Epsilon(0.1)):
        assert explanation.switch(rules={first: rule}).recomputed == [first]
    assert explanation.switch("epsilon_plus_flat").recomputed == [first]


def test_a_rule_in_a_branch_leaves_the_other_branch_alone(residual, x):
    explanation = Explainer(residual, "epsilon_plus").explain(x)
    recomputed = explanation.switch(rules={"two.3": Gamma()}).recomputed
    assert "shortcut" not in recomputed
    assert "head" not in recomputed
    assert recomputed[-3:] == ["two.0", "two.2", "two.3"]
    assert recomputed[0] == "stem.0"


def test_the_shortcut_alone_does_not_touch_the_block_beside_it(residual, x):
    explanation = Explainer(residual, "epsilon_plus").explain(x)
    recomputed = explanation.switch(rules={"shortcut": Gamma()}).recomputed
    assert not {"two.0", "two.2", "two.3"} & set(recomputed)
    assert "one.0" in recomputed


@pytest.mark.parametrize("name", PRESETS)
def test_the_same_composite_again_costs_nothing(model, x, name):
    explanation = Explainer(model, PRESETS[name]).explain(x)
    again = explanation.switch(PRESETS[name])
    assert again.recomputed == []
    assert again.relevance is explanation.relevance
    assert explanation.retarget(None).recomputed == []


def test_a_batch_norm_is_switched_by_its_own_name_or_its_convolutions(residual, x):
    explanation = Explainer(residual, "epsilon_plus").explain(x)
    assert explanation["one.1"] is explanation["one.0"]
    switched = explanation.switch(rules={"one.1": Gamma()})
    assert switched["one.0"].rule == Gamma()
    assert_same(switched, explanation.switch(rules={"one.0": Gamma()}))


@pytest.mark.parametrize("name", PRESETS)
def test_another_target_equals_a_fresh_explanation_without_a_forward(model, x, name):
    explainer = Explainer(model, PRESETS[name])
    explanation = explainer.explain(x)
    calls = model.calls
    contrast = torch.tensor([1.0, 0, -1, 0, 0.5])
    found = [explanation.retarget(target) for target in (3, [0, 4], contrast)]
    assert model.calls == calls
    for retargeted, target in zip(found, (3, [0, 4], contrast), strict=True):
        assert_same(retargeted, explainer.explain(x, target))


def test_switch_and_retarget_follow_each_other_in_any_order(model, x):
    explainer = Explainer(model, "epsilon_plus")
    explanation = explainer.explain(x)
    one = explanation.switch("epsilon_alpha2_beta1").retarget(3).switch(rules={explanation.layers[0].name: Flat()})
    other = explanation.retarget(3).switch("epsilon_alpha2_beta1_flat")
    assert torch.equal(one.relevance, other.relevance)
    assert torch.equal(one.retarget(1).retarget(3).relevance, one.relevance)


def test_an_explanation_is_not_changed_by_those_made_from_it(model, x):
    explanation = Explainer(model, "epsilon_plus").explain(x)
    before = [layer.relevance.clone() for layer in explanation.layers]
    explanation.switch("epsilon_alpha2_beta1").retarget(2).switch(Zero())
    for layer, kept in zip(explanation.layers, before, strict=True):
        assert torch.equal(layer.relevance, kept)


def test_a_rule_for_a_layer_that_takes_none_is_refused(residual, x):
    explanation = Explainer(residual).explain(x)
    with pytest.raises(ValueError, match=r"'stem.2' takes no rule: it is of kind 'activation'"):
        explanation.switch(rules={"stem.2": Zero()})


def test_an_unknown_layer_is_named_with_its_neighbours(residual, x):
    with pytest.raises(ValueError, match=r"no layer 'stem.O'; the nearest names are .*'stem.0'"):
        Explainer(residual).explain(x).switch(rules={"stem.O": Zero()})


def test_a_max_pool_given_a_rule_counts_as_an_average_pool(residual, x):
    explanation = Explainer(residual, ZPlus()).explain(x)
    assert explanation["max_pool2d"].rule is None
    switched = explanation.switch(rules={"max_pool2d": Zero()})
    assert switched["max_pool2d"].rule == Zero()
    received, activation = switched["max_pool2d"].relevance, explanation["stem.2"].activation
    average = nn.functional.avg_pool2d(activation, 2)
    share = nn.functional.interpolate(torch.where(average > 0, received / (4 * average), 0.0), scale_factor=2)
    assert_near(switched["stem.2"].relevance, activation * share)


@pytest.mark.parametrize("dilation", [3, (1, 3)])
def test_a_dilated_max_pool_takes_no_rule_and_says_so(x, dilation):
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.MaxPool2d(2, dilation=dilation), nn.Flatten(), nn.LazyLinear(3))
    model = model.double()
    with torch.no_grad():
        model(x)
    with pytest.raises(
        ValueError, match=r"a dilated max pooling has no average pooling to stand for it; give it no rule"
    ):
        Explainer(model, ZPlus()).explain(x).switch(rules={"1": Zero()})


# Effective weights are kept between explanations.


def test_a_training_step_is_seen_by_the_next_explanation(residual, x):
    explainer = Explainer(residual, PRESETS["epsilon_gamma_box"])
    before = explainer.explain(x, 1)
    optimizer = torch.optim.SGD(residual.parameters(), lr=0.01)
    residual(x)[:, 0].sum().backward()
    optimizer.step()
    after = explainer.explain(x, 1)
    assert not torch.equal(before.relevance, after.relevance)
    assert torch.equal(after.relevance, Explainer(residual, PRESETS["epsilon_gamma_box"]).explain(x, 1).relevance)


@pytest.mark.parametrize("assign", [False, True])
def test_loaded_weights_are_seen_by_the_next_explanation(residual, x, assign):
    explainer = Explainer(residual, PRESETS["epsilon_gamma_box"])
    explainer.explain(x, 1)
    residual.load_state_dict(realistic(Residual(), seed=5).double().state_dict(), assign=assign)
    expected = Explainer(residual, PRESETS["epsilon_gamma_box"]).explain(x, 1)
    assert torch.equal(explainer.explain(x, 1).relevance, expected.relevance)


@pytest.mark.parametrize("tensor", ["running_mean", "running_var", "weight", "bias"])
def test_a_changed_batch_norm_is_seen_by_the_next_explanation(residual, x, tensor):
    explainer = Explainer(residual, ZPlus())
    explainer.explain(x, 1)
    with torch.no_grad():
        getattr(residual.stem[1], tensor).mul_(1.5).add_(0.1)
    assert torch.equal(explainer.explain(x, 1).relevance, Explainer(residual, ZPlus()).explain(x, 1).relevance)


def test_weights_written_past_the_version_counter_are_seen_after_clear(residual, x):
    explainer = Explainer(residual, ZPlus())
    explainer.explain(x, 1)
    residual.head.weight.data[:] += 1
    explainer.cache.clear()
    assert torch.equal(explainer.explain(x, 1).relevance, Explainer(residual, ZPlus()).explain(x, 1).relevance)


@pytest.fixture
def looked_up(monkeypatch) -> list[tuple[int, ...]]:
    """The shape of the weight of every step that looks for effective weights."""
    shapes: list[tuple[int, ...]] = []
    of = EffectiveWeights.of

    def watched(self, sources):
        shapes.append(tuple(sources[0].shape))
        return of(self, sources)

    monkeypatch.setattr(EffectiveWeights, "of", watched)
    return shapes


@pytest.mark.parametrize("name", PRESETS)
def test_targets_look_nothing_up_twice(model, x, looked_up, name):
    explanation = Explainer(model, PRESETS[name]).explain(x, 3)
    other = explanation.retarget(1)  # γ may need a matrix more if outputs below 0 get relevance now
    looked_up.clear()
    other.retarget(3).retarget(1)
    explanation.retarget(1)
    assert looked_up == []


def test_another_rule_for_a_layer_looks_up_what_that_layer_needs(residual, x, looked_up):
    explanation = Explainer(residual, ZPlus()).explain(x)
    looked_up.clear()
    explanation.switch(rules={"one.0": Gamma(0.3)}).retarget(2)
    assert looked_up == [tuple(residual.one[0].weight.shape)]


@pytest.mark.parametrize("keep", ["layers", "input"])
def test_what_was_looked_up_does_not_outlive_the_activations(residual, x, keep):
    explainer = Explainer(residual, ZPlus())
    assert explainer.explain(x, keep="all")._plan._found
    assert not explainer.explain(x, keep=keep)._plan._found


def test_a_copy_of_an_explanation_takes_no_effective_weights_along(residual, x):
    explanation = Explainer(residual, ZPlus()).explain(x)
    copied = deepcopy(explanation)
    assert not copied._plan._found
    assert torch.equal(copied.retarget(1).relevance, explanation.retarget(1).relevance)


def test_the_parameters_of_an_explanation_are_not_told_by_weights_that_changed_since(residual, x):
    explanation = Explainer(residual, ZPlus()).explain(x)
    with torch.no_grad():
        residual.one[0].weight.mul_(2)
    with pytest.raises(RuntimeError, match="weights changed since"):
        _ = explanation.parameters


def test_a_slider_over_many_values_does_not_fill_the_memory(residual, x, monkeypatch):
    kept, weights = Shelves(), sum(parameter.nbytes for parameter in residual.parameters())
    kept.room = 5 * weights
    monkeypatch.setattr(shelves, "SHELVES", kept)
    explanation = Explainer(residual, ZPlus()).explain(x)
    for step in range(50):
        explanation = explanation.switch(Gamma(0.1 + step))
        assert kept.bytes <= kept.room
    assert kept.bytes > kept.room / 2


@pytest.mark.parametrize("room", [0, 1000])
def test_effective_weights_that_were_let_go_are_made_again(residual, x, monkeypatch, room):
    expected = [Explainer(residual, each).explain(x).relevance for each in (ZPlus(), Gamma(0.3))]
    kept = Shelves()
    kept.room = room
    monkeypatch.setattr(shelves, "SHELVES", kept)
    explanation = Explainer(residual, ZPlus()).explain(x)
    for _ in range(3):
        for rule, relevance in zip((ZPlus(), Gamma(0.3)), expected, strict=True):
            explanation = explanation.switch(rule)
            assert torch.equal(explanation.relevance, relevance)


def test_the_cache_lets_go_of_a_model_that_is_gone(x):
    explainer = Explainer(realistic(Residual()).double(), ZPlus())
    explainer.explain(x)
    assert len(explainer.cache._kept) > 0
    explainer.model = nn.Identity()
    assert len(explainer.cache._kept) == 0


def test_rules_that_keep_the_weights_share_them_with_the_model(residual, x):
    explainer = Explainer(nn.Sequential(nn.Conv2d(3, 2, 3), nn.Flatten()).double(), Epsilon())
    explainer.explain(x)
    assert len(explainer.cache._kept) == 0


def test_groups_name_the_layers_that_each_entry_decides(residual, x):
    explanation = Explainer(residual, Composite([("first", Flat()), ("conv", ZPlus()), ("linear", Epsilon())])).explain(
        x
    )
    assert explanation.composite.matches(explanation.layout) == [
        ["stem.0"],
        ["one.0", "one.3", "two.0", "two.3", "shortcut"],
        ["head"],
    ]


def test_an_explanation_of_weights_that_changed_since_cannot_be_switched():
    model = nn.Sequential(nn.Linear(4, 3), nn.ReLU(), nn.Linear(3, 2))
    explanation = Explainer(model, Epsilon()).explain(torch.rand(1, 4))
    with torch.no_grad():
        model[0].weight.mul_(2)
    for ask_on in (lambda: explanation.switch(Zero()), lambda: explanation.retarget(1)):
        with pytest.raises(RuntimeError, match="weights changed since"):
            ask_on()


def test_one_call_of_a_shared_module_can_have_a_rule_of_its_own():
    shared = nn.Linear(4, 4)
    explanation = Explainer(nn.Sequential(shared, nn.ReLU(), shared), Epsilon()).explain(torch.rand(1, 4))
    switched = explanation.switch(rules={"0": Flat()})
    assert [layer.rule for layer in switched.layers if layer.takes_rule] == [Flat(), Epsilon()]


def test_an_effective_weight_of_a_constant_that_is_gone_is_not_found_again_in_its_place():
    cache, weight = EffectiveWeights(), torch.ones(3)
    for number in range(20):  # each takes the memory of the one before it
        scale = torch.full((3,), float(number))
        assert cache.of([weight, scale])("folded", lambda scale=scale: weight * scale)[0] == number
        del scale
