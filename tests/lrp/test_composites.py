"""Composites: which rule each layer gets, and the text form of that."""

import json
from types import FunctionType

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrpwidgets.lrp import Composite, Explainer, composites
from lrpwidgets.lrp.rules import (
    AlphaBeta,
    Epsilon,
    Flat,
    Gamma,
    Half,
    Pass,
    Proportional,
    Signal,
    WSquare,
    ZBox,
    Zero,
    ZPlus,
)
from lrpwidgets.lrp.selectors import Down, Kind, Name, Position, Stage
from tests.lrp.dense import assert_near
from tests.lrp.networks import HIGH, LOW, Fire, Residual, pictures, realistic, vgg16

PRESETS = [
    composites.get(name, **({"low": LOW, "high": HIGH} if composites.takes_bounds(name) else {}))
    for name in composites.names()
]
MARK = Gamma(0.5)


@pytest.fixture(scope="module")
def residual():
    return Explainer(realistic(Residual())).explain(pictures(1, 16, torch.float32))


@pytest.fixture(scope="module")
def fire():
    return Explainer(realistic(Fire())).explain(pictures(1, 16, torch.float32))


def selected(explanation, selector):
    """Names of the layers that `selector` matches, in execution order."""
    switched = explanation.switch(Composite([(selector, MARK), ("*", Zero())]))
    return [layer.name for layer in switched.layers if layer.rule == MARK]


@pytest.mark.parametrize(
    ("selector", "names"),
    [
        ("one.*", ["one.0", "one.3"]),
        ("t?o.0", ["two.0"]),
        ("head", ["head"]),
        ("linear", ["head"]),
        ("conv", ["stem.0", "one.0", "one.3", "two.0", "two.3", "shortcut"]),
        (Kind("conv"), ["stem.0", "one.0", "one.3", "two.0", "two.3", "shortcut"]),
        ("sum", ["add", "add#2"]),
        ("add*", ["add", "add#2"]),
        ("pool", ["mean"]),
        ("maxpool", ["max_pool2d"]),
        (Name("max_pool2d"), ["max_pool2d"]),
        ("max_pool*", []),
        ("first", ["stem.0"]),
        ("last", ["head"]),
        (Position(0, 1), ["stem.0", "one.0"]),
        (Position(-2, -1), ["two.3", "shortcut", "head"]),
        (Position(-1), ["head"]),
        (Stage(0, 0), ["stem.0"]),
        (Stage(1, 1, "conv"), ["one.0", "one.3", "two.0", "two.3", "shortcut"]),
        (Stage(0, 0, "maxpool"), ["max_pool2d"]),
        (Stage(2, 9), ["head"]),
        (Down("one.0"), ["stem.0", "one.0"]),
        (Down("add"), ["stem.0", "one.0", "one.3", "add"]),
        (lambda place: place.kind == "conv" and place.weighted_after >= 4, ["stem.0", "one.0"]),
        (
            lambda place: place.goes_to("shortcut") and place.weighted,
            ["stem.0", "one.0", "one.3", "shortcut"],
        ),
    ],
    ids=lambda value: "a function" if isinstance(value, FunctionType) else str(value),  # not its address
)
def test_a_selector_finds_its_layers(residual, selector, names):
    assert selected(residual, selector) == names


def test_layers_of_equal_depth_in_branches_share_their_position(fire):
    assert selected(fire, Position(2)) == ["narrow", "wide"]
    assert selected(fire, "squeeze") == ["squeeze"]


def test_the_first_match_wins(residual):
    switched = residual.switch(Composite([("one.0", Flat()), ("one.*", Gamma()), ("conv", ZPlus()), ("*", Zero())]))
    rules = {layer.name: layer.rule for layer in switched.layers}
    assert [rules[name] for name in ("one.0", "one.3", "two.0", "head")] == [Flat(), Gamma(), ZPlus(), Zero()]


def test_sums_and_pools_that_nothing_matches_get_a_tiny_epsilon(residual):
    switched = residual.switch(Composite([("conv", ZPlus()), ("linear", Zero())]))
    assert switched["add"].rule == switched["mean"].rule == Epsilon()
    assert switched["max_pool2d"].rule is None


def test_a_word_that_is_also_a_layers_name_is_refused():
    class Clash(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv, self.last = nn.Conv2d(3, 2, 3), nn.Linear(2 * 14 * 14, 2)

        def forward(self, x):
            return self.last(self.conv(x).flatten(1))

    x = pictures(1, 16, torch.float32)
    explanation = Explainer(Clash(), "epsilon_plus_flat").explain(x)
    assert explanation["conv"].rule == Flat()
    with pytest.raises(ValueError, match=r"'conv' names a layer of this model and is also a word for Kind"):
        explanation.switch(Composite([("conv", ZPlus()), ("*", Zero())]))
    assert selected(explanation, Name("last")) == ["last"]
    assert selected(explanation, Position(-1)) == ["last"]


@pytest.mark.parametrize("composite", PRESETS, ids=lambda composite: composite.name)
def test_a_preset_survives_the_way_through_json(residual, composite):
    again = Composite.from_dict(json.loads(json.dumps(composite.to_dict())))
    assert again == composite
    assert residual.switch(composite).switch(again).recomputed == []


def test_every_selector_with_a_text_form_survives_the_way_through_json():
    entries = [
        ("features.*", Zero()),
        ("first", Flat()),
        (Name("last"), ZPlus()),
        (Kind("pool"), Epsilon(0.1, relative=True)),
        (Position(-2, -1), AlphaBeta(1.4)),
        (Position(3), WSquare(bias=False)),
        (Stage(0, 2, "conv"), Gamma(2.0)),
        (Stage(1, 1), ZBox((0.0, -1.0), (1.0, 2.0))),
        (Down("features.10"), Zero()),
    ]
    composite = Composite(entries, "mine")
    assert Composite.from_dict(json.loads(json.dumps(composite.to_dict()))) == composite


@pytest.mark.parametrize(
    ("make", "error", "message"),
    [
        (
            lambda: composites.get("epsilon_pluss"),
            ValueError,
            "no composite 'epsilon_pluss'. Did you mean 'epsilon_plus'",
        ),
        (lambda: composites.get("zzz"), ValueError, "Presets are epsilon_plus_flat, epsilon_plus"),
        (
            lambda: composites.get("epsilon_gamma_box"),
            ValueError,
            "needs low and high: the bounds of the input",
        ),
        (lambda: composites.get("epsilon_gamma_box", low=0), ValueError, "'epsilon_gamma_box' needs high"),
        (
            lambda: composites.get("epsilon", gamma=1),
            ValueError,
            "has no parameter 'gamma'; it takes epsilon",
        ),
        (lambda: composites.get("excitation_backprop", gamma=1), ValueError, "it takes none"),
        (
            lambda: composites.get("epsilon", epsilon=-1),
            ValueError,
            r"epsilon must be a number from 1e-37 to 1e\+12",
        ),
        (
            lambda: Composite([("*", "Epsilon")]),
            TypeError,
            "maps selectors to rules; '\\*' maps to 'Epsilon'",
        ),
        (
            lambda: Composite([(3, Zero())]),
            TypeError,
            "A selector is a string or a function of a Place, got 3",
        ),
        (lambda: Kind("convolution"), ValueError, "no kind of layer 'convolution'; kinds are conv, linear"),
        (
            lambda: Composite([(lambda place: True, Zero())]).to_dict(),
            ValueError,
            "is a function and cannot be saved",
        ),
        (lambda: Composite.from_dict({"entries": [{"rule": "Zero"}]}), ValueError, "A composite is {'name'"),
        (lambda: Composite.from_dict({}), ValueError, "A composite is {'name'"),
        (
            lambda: Composite.from_dict({"entries": [{"layers": {"plase": {}}, "rule": "Zero"}]}),
            ValueError,
            "is no selector; selectors are text or one of kind, name, exactly, position, stage, down",
        ),
        (
            lambda: Composite.from_dict({"entries": [{"layers": "*", "rule": "Epsilom"}]}),
            ValueError,
            "no rule 'Epsilom'; rules are Zero",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_mistake_is_named_with_the_way_out(make, error, message):
    with pytest.raises(error, match=message):
        make()


def test_a_weighted_layer_without_a_rule_is_an_error_that_names_it(residual):
    with pytest.raises(ValueError, match=r"No selector of the composite 'custom' matches the layer 'head' \(linear\)"):
        residual.switch(Composite([("conv", ZPlus())]))


def test_auto_is_epsilon_plus_flat_for_convolutions_and_epsilon_without():
    x = pictures(1, 16, torch.float32)
    assert Explainer(realistic(Fire())).explain(x).composite == composites.get("epsilon_plus_flat")
    assert Explainer(nn.Sequential(nn.Flatten(), nn.Linear(768, 2))).explain(x).composite.name == "epsilon"


def test_presets_map_layers_as_their_authors_say(residual):
    box = ZBox(LOW, HIGH)
    expected = {
        "epsilon": (Epsilon(), Epsilon(), Epsilon()),
        "epsilon_plus": (ZPlus(), ZPlus(), Epsilon()),
        "epsilon_plus_flat": (Flat(), ZPlus(), Epsilon()),
        "epsilon_alpha2_beta1": (AlphaBeta(2), AlphaBeta(2), Epsilon()),
        "epsilon_alpha2_beta1_flat": (Flat(), AlphaBeta(2), Epsilon()),
        "epsilon_gamma_box": (box, Gamma(0.25), Epsilon()),
        "deep_taylor": (box, ZPlus(), ZPlus()),
        "excitation_backprop": (ZPlus(), ZPlus(), ZPlus()),
    }
    for composite in PRESETS:
        switched = residual.switch(composite)
        rules = tuple(switched[name].rule for name in ("stem.0", "two.3", "head"))
        assert rules == expected.get(composite.name, rules)
        assert switched["add"].rule == Epsilon() or composite.name in ("vgg_tutorial", "epsilon", "lstm_lrp")


def test_deep_taylor_takes_w_square_for_unbounded_input(residual):
    assert residual.switch("deep_taylor")["stem.0"].rule == WSquare()


def test_vgg_tutorial_has_the_documented_layer_ranges():
    explanation = Explainer(vgg16(), composites.get("vgg_tutorial", low=LOW, high=HIGH)).explain(
        pictures(1, 32, torch.float32)
    )
    rules = {layer.name: layer.rule for layer in explanation.layers if layer.takes_rule}
    features = {int(name.split(".")[1]): rule for name, rule in rules.items() if name.startswith("features")}
    assert features.pop(0) == ZBox(LOW, HIGH)
    for index, rule in features.items():
        assert rule == (Gamma(0.25) if index <= 16 else Epsilon(0.25, relative=True)), index
    assert sorted(features) == [2, 4, 5, 7, 9, 10, 12, 14, 16, 17, 19, 21, 23, 24, 26, 28, 30]
    assert {rules[name] for name in rules if name.startswith(("classifier", "avgpool"))} == {Zero()}


def test_with_rule_turns_one_entry(residual):
    composite = composites.get("epsilon_plus_flat").with_rule(1, Gamma(1.0))
    assert composite.name == "epsilon_plus_flat"
    switched = residual.switch("epsilon_plus_flat").switch(composite)
    assert switched["stem.0"].rule == Flat()
    assert switched["one.0"].rule == Gamma(1.0)


# Decomposition depth.


def rules_of(explanation):
    return {layer.name: layer.rule for layer in explanation.layers if layer.takes_rule}


@pytest.mark.parametrize("layer", ["stem.0", "one.0", "add", "two.3", "head"])
@pytest.mark.parametrize("name", ["epsilon_plus_flat", "epsilon_plus", "epsilon_alpha2_beta1", "excitation_backprop"])
def test_flat_from_a_layer_down_leaves_what_lies_above_or_beside(residual, name, layer):
    plain = rules_of(residual.switch(name))
    found = rules_of(residual.switch(composites.get(name, flat_from=layer)))
    below = {
        "stem.0": {"stem.0"},
        "one.0": {"stem.0", "one.0"},
        "add": {"stem.0", "one.0", "one.3", "add"},
        "two.3": {"stem.0", "one.0", "one.3", "add", "two.0", "two.3"},
        "head": set(plain) - {"max_pool2d"},
    }[layer]
    assert found == {each: Flat() if each in below else rule for each, rule in plain.items()}
    assert found["max_pool2d"] is None


def test_flat_from_has_the_name_and_the_parameters_of_the_preset(residual):
    composite = composites.get("epsilon_gamma_box", flat_from="one.0", low=LOW, high=HIGH, gamma=2.0)
    assert composite.name == "epsilon_gamma_box"
    assert rules_of(residual.switch(composite))["two.0"] == Gamma(2.0)
    assert composite == composites.get("epsilon_gamma_box", low=LOW, high=HIGH, gamma=2.0).flat_from("one.0")
    assert composites.get("epsilon", flat_from=None) == composites.get("epsilon")


def test_flat_from_survives_the_way_through_json():
    composite = composites.get("epsilon_plus", flat_from="features.3")
    assert Composite.from_dict(json.loads(json.dumps(composite.to_dict()))) == composite


def test_from_the_flat_layer_down_relevance_does_not_look_at_the_picture():
    torch.manual_seed(0)
    layers = [nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 3, 3, padding=1), nn.ReLU(), nn.Conv2d(3, 4, 3)]
    model = nn.Sequential(*layers, nn.Flatten(), nn.Linear(4 * 36, 5)).double()
    x = torch.rand(1, 1, 8, 8, dtype=torch.float64)
    explanation = Explainer(model, composites.get("epsilon_plus", flat_from="2")).explain(x, 1)

    def spread(relevance, channels):
        box = torch.ones(1, 1, 3, 3, dtype=torch.float64)
        inside = F.conv2d(torch.ones(1, 1, 8, 8, dtype=torch.float64), box, padding=1)
        return F.conv2d(relevance.sum(1, keepdim=True) / (channels * inside), box, padding=1)

    expected = spread(3 * spread(explanation["2"].relevance, 3), 1)
    assert_near(explanation.relevance, expected, 1e-5)


@pytest.mark.parametrize("way", ["explain", "switch"])
def test_a_layer_that_is_not_there_is_no_depth(way):
    model, x = realistic(Residual()), pictures(1, 16, torch.float32)
    composite = composites.get("epsilon_plus", flat_from="one.O")
    with pytest.raises(ValueError, match=r"one\.O"):
        Explainer(model, composite).explain(x) if way == "explain" else Explainer(model).explain(x).switch(composite)


# The preset for a network.


class Squeezing(nn.Module):
    """A convolution whose channels are gated by what the picture is like as a whole."""

    def __init__(self):
        super().__init__()
        self.conv, self.narrow, self.wide = nn.Conv2d(3, 8, 3), nn.Conv2d(8, 2, 1), nn.Conv2d(2, 8, 1)
        self.head = nn.Linear(8, 5)

    def forward(self, x):
        x = F.relu(self.conv(x))
        x = x * torch.sigmoid(self.wide(F.relu(self.narrow(F.adaptive_avg_pool2d(x, 1)))))
        return self.head(x.mean((2, 3)))


class Attending(nn.Module):
    """One layer of attention, on tokens or on patches of a picture."""

    def __init__(self, patches):
        super().__init__()
        self.start = nn.Conv2d(3, 8, 4, stride=4) if patches else nn.Embedding(11, 8)
        self.encoder, self.head = nn.TransformerEncoderLayer(8, 2, 16, 0.0, batch_first=True), nn.Linear(8, 5)

    def forward(self, x):
        x = self.start(x)
        x = x if x.dim() == 3 else x.flatten(2).transpose(1, 2)
        return self.head(self.encoder(x).mean(1))


class Recurrent(nn.Module):
    def __init__(self, cell):
        super().__init__()
        self.cell, self.head = cell(4, 6, batch_first=True), nn.Linear(6, 3)

    def forward(self, x):
        return self.head(self.cell(x)[0][:, -1])


class Convolving(nn.Module):
    def __init__(self):
        super().__init__()
        self.table, self.conv, self.head = nn.Embedding(10, 4), nn.Conv1d(4, 6, 3), nn.Linear(6, 3)

    def forward(self, tokens):
        there = (tokens >= 0).unsqueeze(-1)
        rows = self.table(tokens.clamp(min=0)) * there
        return self.head(self.conv(rows.transpose(1, 2)).relu().amax(-1))


PICTURE = pictures(2, 16, torch.float32)
TOKENS = torch.arange(10).reshape(2, 5)
FAMILIES = {
    "cnn": (lambda: realistic(Fire()), PICTURE, "epsilon_plus_flat"),
    "residual": (lambda: realistic(Residual()), PICTURE, "epsilon_plus_flat"),
    "squeeze and excitation": (Squeezing, PICTURE, "epsilon_plus_flat"),
    "one-dimensional": (
        lambda: nn.Sequential(nn.Conv1d(4, 2, 3), nn.Flatten()),
        torch.randn(2, 4, 9),
        "epsilon_plus_flat",
    ),
    "over tokens": (lambda: Convolving(), TOKENS, "epsilon"),
    "transformer": (lambda: Attending(False), TOKENS, "attn_lrp"),
    "vision transformer": (lambda: Attending(True), PICTURE, "attn_lrp_vision"),
    "lstm": (lambda: Recurrent(nn.LSTM), torch.randn(2, 7, 4), "lstm_lrp"),
    "gru": (lambda: Recurrent(nn.GRU), torch.randn(2, 7, 4), "lstm_lrp"),
    "plain recurrent": (lambda: Recurrent(nn.RNN), torch.randn(2, 7, 4), "epsilon"),
    "mlp": (lambda: nn.Sequential(nn.Linear(4, 6), nn.ReLU(), nn.Linear(6, 3)), torch.randn(2, 4), "epsilon"),
}


@pytest.mark.parametrize("family", FAMILIES)
def test_auto_is_the_preset_for_the_family_of_the_network(family):
    build, x, name = FAMILIES[family]
    torch.manual_seed(0)
    model = build().eval()
    explanation = Explainer(model).explain(x, 1)
    assert explanation.composite == composites.get(name)
    assert explanation.composite.name == name
    assert explanation.ledger.imbalance < 1e-4
    assert explanation.switch("auto").recomputed == []
    assert torch.equal(Explainer(model, "epsilon").explain(x, 1).switch("auto").relevance, explanation.relevance)


@pytest.mark.parametrize("name", [name for name in composites.names() if not composites.requires_bounds(name)])
@pytest.mark.parametrize("family", FAMILIES)
def test_every_preset_takes_every_network(family, name):
    build, x, _ = FAMILIES[family]
    torch.manual_seed(0)
    explanation = Explainer(build().eval(), name).explain(x, 1)
    assert bool(explanation.relevance.isfinite().all())
    assert explanation.ledger.imbalance < 1e-4


# Rules for products, and rules for linear layers.


@pytest.fixture(scope="module")
def squeezing():
    torch.manual_seed(0)
    return Explainer(Squeezing().eval(), "epsilon_plus").explain(PICTURE, 1)


@pytest.fixture(scope="module")
def attending():
    torch.manual_seed(0)
    return Explainer(Attending(False).eval()).explain(TOKENS, 1)


LINEAR = "Zero, Epsilon, Gamma, AlphaBeta, ZPlus, Flat, WSquare, ZBox, Pass"
PRODUCT = "Signal, Half, Proportional"


@pytest.mark.parametrize("rule", [Signal(), Half(), Proportional()], ids=str)
@pytest.mark.parametrize(("layer", "kind"), [("conv", "conv"), ("head", "linear"), ("mean", "pool")])
def test_a_rule_for_products_does_not_fit_a_linear_layer(squeezing, layer, kind, rule):
    message = f"The layer '{layer}' is of kind '{kind}' and cannot take {type(rule).__name__}; use {LINEAR}"
    with pytest.raises(ValueError, match=message):
        squeezing.switch(rules={layer: rule})


@pytest.mark.parametrize("rule", [Zero(), Epsilon(), Flat(), Pass()], ids=str)
def test_a_rule_for_linear_layers_does_not_fit_a_product(squeezing, attending, rule):
    for explanation, kind in ((squeezing, "product"), (attending, "matmul")):
        layer = next(layer.name for layer in explanation.layers if layer.kind == kind)
        message = f"The layer '{layer}' is of kind '{kind}' and cannot take {type(rule).__name__}; use {PRODUCT}"
        with pytest.raises(ValueError, match=message):
            explanation.switch(rules={layer: rule})


@pytest.mark.parametrize("rule", [Signal(), Half(), Proportional()], ids=str)
def test_a_product_takes_each_rule_for_products(squeezing, attending, rule):
    for explanation, kind in ((squeezing, "product"), (attending, "matmul")):
        layer = next(layer.name for layer in explanation.layers if layer.kind == kind)
        switched = explanation.switch(rules={layer: rule})
        assert switched[layer].rule == rule
        assert switched.ledger.imbalance < 1e-4


def test_a_composite_passes_rules_over_where_they_do_not_fit(squeezing):
    switched = squeezing.switch(Composite([("*", Half()), ("*", ZPlus())]))
    assert {layer.rule for layer in switched.layers if layer.kind == "product"} == {Half()}
    assert {layer.rule for layer in switched.layers if layer.takes_rule and layer.kind != "product"} == {ZPlus()}
    matches = switched.composite.matches(switched.layout)
    assert matches[0] == [layer.name for layer in switched.layers if layer.kind == "product"]
    assert not set(matches[0]) & set(matches[1])


def test_products_that_nothing_matches_give_all_to_the_signal_or_half_to_each_factor(squeezing, attending):
    switched = squeezing.switch(Epsilon())
    assert {layer.rule for layer in switched.layers if layer.kind == "product"} == {Signal()}
    switched = attending.switch(Epsilon())
    assert {layer.rule for layer in switched.layers if layer.kind == "matmul"} == {Half()}


def test_one_rule_for_products_alone_is_no_composite_for_weighted_layers(squeezing):
    with pytest.raises(ValueError, match="No selector of the composite 'Half' matches the layer 'conv'"):
        squeezing.switch(Half())


@pytest.mark.parametrize(
    "rule",
    [
        Signal(),
        Signal(0.1),
        Half(),
        Half(0.01),
        Proportional(),
        Proportional(0.5),
        Pass(),
        ZBox((0.0, 1.0), (1.0, 2.0)),
    ],
    ids=str,
)
def test_every_rule_survives_the_way_through_json(rule):
    composite = Composite([(Kind("product"), rule), ("matmul", rule), ("*", Zero())], "mine")
    data = json.loads(json.dumps(composite.to_dict()))
    assert Composite.from_dict(data) == composite
    assert data["entries"][0]["rule"] == type(rule).__name__


@pytest.mark.parametrize("rule", [Signal, Half, Proportional])
def test_a_rule_for_products_has_an_epsilon_above_zero(rule):
    for wrong in (0, -1, "much", float("inf")):
        with pytest.raises(ValueError, match=rf"{rule.__name__}: epsilon must be a number from 1e-37 to 1e\+12"):
            rule(wrong)
    assert rule().turned(epsilon=0.5) == rule(0.5)
