"""Conditions: relevance through chosen channels or positions only, against sums and explanations of parts."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrpwidgets.lrp import Explainer
from lrpwidgets.lrp.rules import AlphaBeta, Epsilon, Gamma, Zero, ZPlus
from tests.lrp.dense import assert_near
from tests.lrp.networks import Fire, Residual, pictures, realistic

PRESETS = ["epsilon_plus_flat", "epsilon_alpha2_beta1", "epsilon", "excitation_backprop"]


def plain() -> nn.Sequential:
    """Convolutions and dense layers one after the other."""
    layers = [
        *(nn.Conv2d(3, 6, 3, padding=1), nn.BatchNorm2d(6), nn.ReLU(), nn.MaxPool2d(2)),
        *(nn.Conv2d(6, 8, 3), nn.ReLU(), nn.AdaptiveAvgPool2d(2), nn.Flatten()),
        *(nn.Linear(32, 7), nn.ReLU(), nn.Linear(7, 5)),
    ]
    return realistic(nn.Sequential(*layers)).double()


class Block(nn.Module):
    """A block of a transformer that normalizes first."""

    def __init__(self, width):
        super().__init__()
        self.norm, self.attention = nn.LayerNorm(width), nn.MultiheadAttention(width, 2, batch_first=True)
        self.second, self.wide, self.narrow = nn.LayerNorm(width), nn.Linear(width, 12), nn.Linear(12, width)

    def forward(self, x):
        y = self.norm(x)
        x = x + self.attention(y, y, y, need_weights=False)[0]
        return x + self.narrow(F.gelu(self.wide(self.second(x))))


class Tokens(nn.Module):
    """A transformer of two blocks on six tokens."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.position = nn.Embedding(11, 8), nn.Parameter(torch.randn(6, 8))
        self.blocks, self.head = nn.Sequential(Block(8), Block(8)), nn.Linear(8, 5)

    def forward(self, x):
        return self.head(self.blocks(self.embedding(x) + self.position).mean(1))


class Patches(nn.Module):
    """A vision transformer of one block: patches, a class token, positions."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.token = nn.Conv2d(3, 8, 4, stride=4), nn.Parameter(torch.randn(1, 1, 8))
        self.position = nn.Parameter(torch.randn(1, 17, 8))
        self.block, self.norm, self.head = Block(8), nn.LayerNorm(8), nn.Linear(8, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.position
        return self.head(self.norm(self.block(x))[:, 0])


@pytest.fixture
def x():
    return pictures(2, 16)


@pytest.fixture
def residual():
    return realistic(Residual()).double()


def ledger_of(explanation):
    names = ("explained", "reached_input", "bias", "stabilizer", "rules")
    return torch.stack([getattr(explanation.ledger, name) for name in names])


def channel_by_channel(explanation, layer, channels):
    """The sum of the maps and of the ledgers under one channel each."""
    each = [explanation.condition({layer: channel}) for channel in range(channels)]
    return sum(one.relevance for one in each), sum(ledger_of(one) for one in each)


# Over all channels, the conditioned maps add up.


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    ("layer", "channels"), [("0", 6), ("1", 6), ("2", 6), ("3", 6), ("4", 8), ("6", 8), ("7", 32), ("8", 7), ("10", 5)]
)
def test_over_all_channels_the_maps_of_a_plain_network_add_up_to_the_whole(x, layer, channels, preset):
    explanation = Explainer(plain(), preset).explain(x, 1)
    relevance, ledger = channel_by_channel(explanation, layer, channels)
    assert_near(relevance, explanation.relevance)
    assert_near(ledger[1], explanation.ledger.reached_input)


@pytest.mark.parametrize("rule", [Zero(), Epsilon(0.3), Gamma(), AlphaBeta(2), ZPlus()], ids=str)
@pytest.mark.parametrize(("layer", "channels"), [("stem.0", 8), ("stem.2", 8), ("max_pool2d", 8), ("relu", 8)])
def test_over_all_channels_the_maps_of_a_residual_network_add_up_where_no_shortcut_leads_around(
    residual, x, layer, channels, rule
):
    explanation = Explainer(residual, rule).explain(x, 1)
    relevance, _ = channel_by_channel(explanation, layer, channels)
    assert_near(relevance, explanation.relevance)


def test_over_all_channels_the_maps_add_up_in_float32():
    model, x = plain().float(), pictures(2, 16, torch.float32)
    explanation = Explainer(model, "epsilon_plus").explain(x, 1)
    assert_near(channel_by_channel(explanation, "4", 8)[0], explanation.relevance, 1e-6)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_maps_through_a_block_and_its_shortcut_add_up_to_the_whole(residual, x, preset):
    explanation = Explainer(residual, preset).explain(x, 1)
    block, _ = channel_by_channel(explanation, "two.3", 12)
    shortcut, _ = channel_by_channel(explanation, "shortcut", 12)
    assert_near(block + shortcut, explanation.relevance)
    assert float((block - explanation.relevance).abs().max()) > 0.01 * float(explanation.relevance.abs().max())


@pytest.mark.parametrize("preset", PRESETS)
def test_the_maps_through_two_branches_add_up_to_the_whole(x, preset):
    explanation = Explainer(realistic(Fire()).double(), preset).explain(x, 1)
    parts = [channel_by_channel(explanation, branch, 6)[0] for branch in ("narrow", "wide")]
    assert_near(sum(parts), explanation.relevance)


def test_relevance_through_a_layer_beside_a_shortcut_is_what_is_left_without_the_shortcut(residual, x):
    # The block's own relevance, all of it, as the start of its propagation.
    explanation = Explainer(residual, "epsilon_plus").explain(x, 1)
    through, _ = channel_by_channel(explanation, "one.3", 8)
    kept = explanation.condition({"one.3": torch.ones(1)})
    assert_near(through, kept.relevance)
    assert_near(kept.ledger.explained, explanation["one.3"].relevance.flatten(1).sum(1))
    beside = explanation["max_pool2d"].relevance - kept["max_pool2d"].relevance
    rest = explanation.condition({"add": torch.ones(1)})["max_pool2d"].relevance
    assert_near(rest, explanation["max_pool2d"].relevance)
    handed = explanation["add"].relevance - explanation["one.3"].relevance  # epsilon: up to the stabilizer
    assert_near(beside, handed, 1e-4)


# Against the explanation of the network's lower part.


@pytest.mark.parametrize("rule", [Zero(), Epsilon(0.1), Gamma(), AlphaBeta(2), ZPlus()], ids=str)
@pytest.mark.parametrize(("layer", "axis"), [("2", 1), ("3", 1), ("5", 1), ("9", 1)])
def test_a_condition_is_the_explanation_of_the_lower_part_from_the_masked_relevance(x, rule, layer, axis):
    model = plain()
    explanation = Explainer(model, rule).explain(x, 1)
    activation, relevance = explanation[layer].activation, explanation[layer].relevance
    assert not relevance[activation == 0].any()
    mask = torch.zeros_like(activation)
    mask[:, [1, 3, 4]] = 1
    weights = torch.where(activation != 0, mask * relevance / activation, 0.0)
    below = Explainer(model[: int(layer) + 1], rule).explain(x, weights)
    conditioned = explanation.condition({layer: [1, 3, 4]})
    assert_near(conditioned.relevance, below.relevance)
    for name in [str(number) for number in range(int(layer)) if number != 1]:
        assert_near(conditioned[name].relevance, below[name].relevance)
    assert_near(ledger_of(conditioned), ledger_of(below))


def test_the_layer_itself_keeps_what_meets_the_condition_and_what_lies_above_gets_nothing(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    conditioned = explanation.condition({"4": [2, 5]})
    expected = torch.zeros_like(explanation["4"].relevance)
    expected[:, [2, 5]] = explanation["4"].relevance[:, [2, 5]]
    assert torch.equal(conditioned["4"].relevance, expected)
    for name in ("5", "8", "10"):
        assert not conditioned[name].relevance.any()
    assert torch.equal(conditioned.scores, explanation.scores)
    assert torch.equal(conditioned.target, explanation.target)


def test_an_explanation_is_not_changed_by_its_conditions(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    before = [layer.relevance.clone() for layer in explanation.layers], ledger_of(explanation)
    explanation.condition({"4": 2}).switch("epsilon").retarget(2)
    assert all(torch.equal(layer.relevance, kept) for layer, kept in zip(explanation.layers, before[0], strict=True))
    assert torch.equal(ledger_of(explanation), before[1])


# Forms of a condition.


@pytest.mark.parametrize(
    "channels",
    [[3], (3,), range(3, 4), torch.tensor([3]), torch.tensor(3), torch.arange(8)[3], torch.arange(8).numpy()[3]],
    ids=["list", "tuple", "range", "tensor", "number in a tensor", "argmax", "numpy"],
)
def test_a_channel_may_be_written_in_several_ways(x, channels):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    expected = explanation.condition({"4": 3}).relevance
    assert torch.equal(explanation.condition({"4": channels}).relevance, expected)


def test_a_mask_multiplies_the_relevance_of_the_layer(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    received = explanation["4"].relevance
    torch.manual_seed(0)
    for mask in (
        torch.rand(received.shape),
        torch.rand(8, 1, 1).double(),
        torch.rand(2, 1, 6, 6) > 0.5,
        torch.tensor([True, False] * 4)[:, None, None],
        torch.ones(1),
    ):
        assert_near(explanation.condition({"4": mask})["4"].relevance, received * mask, 1e-12)


def test_a_mask_of_one_truth_value_per_channel_selects_channels(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    mask = torch.tensor([False, False, True, False, False, True, False, False])
    expected = explanation.condition({"4": [2, 5]}).relevance
    assert torch.equal(explanation.condition({"4": mask}).relevance, expected)


def test_a_condition_weighted_by_channel_is_the_weighted_sum_of_channels(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    weights = torch.linspace(-1, 2, 8).double()
    expected = sum(w * explanation.condition({"4": c}).relevance for c, w in enumerate(weights))
    assert_near(explanation.condition({"4": weights[:, None, None]}).relevance, expected)


def test_a_channel_twice_counts_once(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    assert torch.equal(explanation.condition({"4": [2, 2]}).relevance, explanation.condition({"4": 2}).relevance)


def test_positions_keep_one_place_in_all_channels(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    mask = torch.zeros(6, 6).double()
    mask[1, 4] = mask[0, 5] = 1
    conditioned = explanation.condition({}, positions={"4": [(1, 4), (0, 5)]})
    assert torch.equal(conditioned["4"].relevance, explanation["4"].relevance * mask)
    places = [(row, column) for row in range(6) for column in range(6)]
    each = [explanation.condition({}, positions={"4": [place]}).relevance for place in places]
    assert_near(sum(each), explanation.relevance)
    assert_near(explanation.condition({}, positions={"4": places}).relevance, explanation.relevance)


def test_only_the_receptive_field_of_a_position_gets_relevance(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    relevance = explanation.condition({"4": None}, positions={"4": [(0, 0)]}).relevance
    assert relevance[:, :, :7, :7].any()
    assert not relevance[:, :, 7:].any()
    assert not relevance[:, :, :, 7:].any()


def test_channels_and_positions_of_a_layer_must_both_be_met(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    mask = torch.zeros(8, 6, 6)
    mask[2, 1, 4] = mask[3, 1, 4] = 1
    both = explanation.condition({"4": [2, 3]}, {"4": [(1, 4)]})
    assert torch.equal(both.relevance, explanation.condition({"4": mask}).relevance)
    assert_near(both.relevance, explanation.condition({"4": [2, 3]}).condition({}, {"4": [(1, 4)]}).relevance, 1e-12)


def test_a_dense_layer_on_vectors_has_channels_alone(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    assert torch.equal(
        explanation.condition({"8": 2}, {"8": [()]}).relevance, explanation.condition({"8": 2}).relevance
    )


def test_a_folded_norm_is_conditioned_by_its_own_name(residual, x):
    explanation = Explainer(residual, "epsilon_plus").explain(x, 1)
    assert torch.equal(explanation.condition({"two.1": 3}).relevance, explanation.condition({"two.0": 3}).relevance)


# Several layers.


def test_of_two_layers_both_must_be_passed_in_whatever_order_they_are_named(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    expected = explanation.condition({"8": [1, 2]}).condition({"4": 3})
    for channels in ({"8": [1, 2], "4": 3}, {"4": 3, "8": [1, 2]}):
        found = explanation.condition(channels)
        assert torch.equal(found.relevance, expected.relevance)
        assert torch.equal(ledger_of(found), ledger_of(expected))
    assert not torch.equal(expected.relevance, explanation.condition({"4": 3}).relevance)


def test_over_the_channels_of_two_layers_the_maps_add_up(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    upper = explanation.condition({"8": 2})
    parts = [explanation.condition({"8": 2, "4": channel}).relevance for channel in range(8)]
    assert_near(sum(parts), upper.relevance)


def test_a_position_of_one_layer_and_a_channel_of_another(x):
    explanation = Explainer(plain(), "epsilon_plus").explain(x, 1)
    found = explanation.condition({"8": 2}, {"0": [(3, 3)]})
    assert torch.equal(found.relevance, explanation.condition({"8": 2}).condition({}, {"0": [(3, 3)]}).relevance)


# Tokens.


@pytest.fixture
def tokens():
    torch.manual_seed(4)
    return torch.randint(0, 11, (2, 6))


@pytest.mark.parametrize("layer", ["blocks.0.wide", "blocks.0.gelu", "blocks.0.norm", "embedding", "blocks.1.narrow"])
def test_the_channels_of_tokens_lie_in_the_last_axis(tokens, layer):
    explanation = Explainer(Tokens().double(), "attn_lrp").explain(tokens, 1)
    found = explanation.condition({layer: [1, 3]})
    expected = torch.zeros_like(found[layer].relevance)
    expected[..., [1, 3]] = explanation[layer].relevance[..., [1, 3]]
    assert torch.equal(found[layer].relevance, expected)
    assert found.relevance.shape == (2, 6)
    third = explanation.condition({}, positions={layer: [(2,)]})[layer].relevance
    assert torch.equal(third[:, 2], explanation[layer].relevance[:, 2])
    assert not third[:, [0, 1, 3, 4, 5]].any()


@pytest.mark.parametrize(("layer", "channels"), [("blocks.0.add#2", 8), ("embedding", 8), ("blocks.1.add#2", 8)])
def test_over_all_channels_of_the_stream_the_maps_of_a_transformer_add_up(tokens, layer, channels):
    explanation = Explainer(Tokens().double(), "attn_lrp").explain(tokens, 1)
    relevance, _ = channel_by_channel(explanation, layer, channels)
    assert_near(relevance, explanation.relevance)
    each = [explanation.condition({}, positions={layer: [(token,)]}).relevance for token in range(6)]
    assert_near(sum(each), explanation.relevance)


def test_what_passes_one_token_above_the_last_attention_stays_with_that_token(tokens):
    explanation = Explainer(Tokens().double(), "attn_lrp").explain(tokens, 1)
    found = explanation.condition({}, {"blocks.1.narrow": [(2,)]})["blocks.1.second"].relevance
    assert found[:, 2].any()
    assert not found[:, [0, 1, 3, 4, 5]].any()


@pytest.mark.parametrize("layer", ["block.add", "block.add#2", "block.wide", "norm", "add"])
def test_the_channels_of_a_vision_transformers_stream_are_not_its_tokens(layer):
    explanation = Explainer(Patches().double(), "attn_lrp").explain(pictures(2, 16), 1)
    assert explanation[layer].shape[1] == 17
    found = explanation.condition({layer: 3})[layer].relevance
    assert torch.equal(found[..., 3], explanation[layer].relevance[..., 3])
    assert not found[..., [0, 1, 2, 4, 5, 6, 7]].any()


def test_the_channels_of_patches_are_those_of_their_convolution():
    explanation = Explainer(Patches().double(), "attn_lrp").explain(pictures(2, 16), 1)
    relevance, _ = channel_by_channel(explanation, "patches", 8)
    assert_near(relevance, explanation.relevance)


# Asking on.


def test_a_switched_condition_is_the_condition_of_the_switched_explanation(residual, x):
    explanation = Explainer(residual, "epsilon_plus").explain(x, 1)
    one = explanation.condition({"two.0": [1, 2]}).switch("epsilon_alpha2_beta1_flat")
    other = explanation.switch("epsilon_alpha2_beta1_flat").condition({"two.0": [1, 2]})
    assert torch.equal(one.relevance, other.relevance)
    assert torch.equal(ledger_of(one), ledger_of(other))
    named = explanation.condition({"two.0": [1, 2]}).switch(rules={"stem.0": Gamma()})
    assert torch.equal(
        named.relevance, explanation.switch(rules={"stem.0": Gamma()}).condition({"two.0": [1, 2]}).relevance
    )


def test_a_rule_below_the_condition_costs_what_lies_below_it(residual, x):
    conditioned = Explainer(residual, "epsilon_plus").explain(x, 1).condition({"two.0": [1, 2]})
    assert conditioned.switch("epsilon_plus").recomputed == []
    assert conditioned.switch("epsilon_plus_flat").recomputed == ["stem.0"]


def test_a_retargeted_condition_is_the_condition_of_the_retargeted_explanation(residual, x):
    explanation = Explainer(residual, "epsilon_plus").explain(x, 1)
    one = explanation.condition({"two.0": [1, 2]}).retarget(3)
    other = explanation.retarget(3).condition({"two.0": [1, 2]})
    assert torch.equal(one.relevance, other.relevance)
    assert torch.equal(ledger_of(one), ledger_of(other))
    assert torch.equal(one.retarget(1).relevance, explanation.condition({"two.0": [1, 2]}).relevance)
    several = explanation.condition({"two.0": [1, 2]}).retarget(targets=[3, 1])
    assert torch.equal(several.relevance[0], one.relevance)


def test_switch_retarget_and_condition_follow_each_other_in_any_order(residual, x):
    explanation = Explainer(residual, "epsilon_plus").explain(x, 1)
    one = explanation.condition({"relu": 2}).switch("epsilon").retarget(4).condition({"stem.0": [0, 3]})
    other = explanation.switch("epsilon").retarget(4).condition({"relu": 2, "stem.0": [0, 3]})
    assert torch.equal(one.relevance, other.relevance)


@pytest.mark.parametrize("preset", PRESETS)
def test_the_ledger_of_a_condition_accounts_for_what_meets_it(residual, x, preset):
    explanation = Explainer(residual, preset).explain(x, 1)
    for channels in ({"two.0": [1, 2]}, {"shortcut": 3}, {"relu": [0, 5], "stem.0": 1}, {"head": 1}):
        conditioned = explanation.condition(channels)
        ledger = conditioned.ledger
        assert ledger.imbalance < 1e-9
        lowest = list(channels)[-1]
        assert_near(ledger.explained, conditioned[lowest].relevance.flatten(1).sum(1))
        assert ledger.rows[0].name == lowest
        for row in ledger.rows:
            out = row.handed + row.bias + row.stabilizer + row.rules
            assert_near(out, row.received, 1e-9, of=explanation.ledger.explained)


def test_the_parameters_under_a_condition_are_those_of_the_layers_below(x):
    explanation = Explainer(plain(), Zero()).explain(x, 1)
    names = explanation.condition({"4": 2}).parameters
    assert set(names) <= {"0.weight", "0.bias", "1.bias", "4.weight", "4.bias"}
    assert not names["4.weight"][[0, 1, 3, 4, 5, 6, 7]].any()
    assert_near(names["4.weight"][2], explanation.parameters["4.weight"][2], 1e-12)


# What does not exist is named.


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (({},), r"names at least one layer, as in condition\("),
        (({"five": 1},), "There is no layer 'five'"),
        (({}, {"five": [(0, 0)]}), "There is no layer 'five'"),
        (({"4": 8},), "The layer '4' has channels 0 to 7, there is no 8"),
        (({"4": -1},), "The layer '4' has channels 0 to 7, there is no -1"),
        (({"4": [0, 9]},), "The layer '4' has channels 0 to 7, there is no 9"),
        (({"8": torch.tensor([7])},), "The layer '8' has channels 0 to 6, there is no 7"),
        (({"4": torch.ones(3, 1, 1)},), r"mask for '4' has shape \(3, 1, 1\); the layer has \(2, 8, 6, 6\)"),
        (({"4": torch.ones(1, 2, 8, 6, 6)},), r"mask for '4' has shape \(1, 2, 8, 6, 6\)"),
        (({}, {"4": [(6, 0)]}), r"The layer '4' has positions within \(6, 6\), there is no \(6, 0\)"),
        (({}, {"4": [(0, -1)]}), r"The layer '4' has positions within \(6, 6\), there is no \(0, -1\)"),
        (({}, {"4": [(0,)]}), r"The layer '4' has positions within \(6, 6\), there is no \(0,\)"),
        (({}, {"8": [(0,)]}), r"The layer '8' has positions within \(\), there is no \(0,\)"),
    ],
    ids=str,
)
def test_what_does_not_exist_is_named(x, arguments, message):
    with pytest.raises(ValueError, match=message):
        Explainer(plain(), "epsilon_plus").explain(x).condition(*arguments)


def test_a_condition_that_no_relevance_reaches_is_named(x):
    explanation = Explainer(realistic(Fire()).double(), "epsilon_plus").explain(x)
    with pytest.raises(ValueError, match="No relevance flows to the layer 'narrow'"):
        explanation.condition({"narrow": 1, "wide": 2})


def test_a_position_along_one_axis_may_be_a_number(tokens):
    explanation = Explainer(Tokens().double(), "attn_lrp").explain(tokens, 1)
    found, expected = (explanation.condition({}, {"blocks.0.wide": [place]}).relevance for place in (2, (2,)))
    assert torch.equal(found, expected)


def test_a_convolution_that_covers_its_input_has_its_channels_where_convolutions_have_them():
    model = realistic(nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 5, 6), nn.Flatten())).double()
    explanation = Explainer(model, "epsilon").explain(pictures(2, 8))
    assert explanation["2"].kind == "linear"
    assert explanation.channel_axis("2") == 1
    parts = [explanation.condition({"2": channel}).relevance for channel in range(5)]
    assert_near(sum(parts), explanation.relevance)
