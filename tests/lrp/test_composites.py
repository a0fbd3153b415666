"""Composites: which rule each layer gets, and the text form of that."""

import json

import pytest
import torch
from networks import HIGH, LOW, Fire, Residual, pictures, realistic, vgg16
from torch import nn

from lrpwidgets.lrp import Composite, Explainer, composites
from lrpwidgets.lrp.rules import AlphaBeta, Epsilon, Flat, Gamma, WSquare, ZBox, Zero, ZPlus
from lrpwidgets.lrp.selectors import Down, Kind, Name, Position, Stage

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
    ids=str,
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
            "epsilon must be a number greater than 0",
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
            "is no selector; selectors are text or one of kind, name, layer, position, stage, down",
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
