from __future__ import annotations

import json
import time
from collections import OrderedDict

import numpy as np
import pytest
import torch
import torchvision
import yaml
from torch import nn

from lrpwidgets.lrp import Composite, Explainer, composites, rules
from lrpwidgets.lrp.selectors import Down, Exactly, Inside, Kind, Name, Position
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets import RuleBoard
from lrpwidgets.widgets.explore import composite_file


@pytest.fixture
def exploration(explore, digits):
    """The digits under rules that have a knob."""
    return explore(digits, "epsilon_gamma_box")


def subject_of(model, size=64):
    torch.manual_seed(0)
    samples = TensorSamples(torch.rand(2, 3, size, size), [0, 1], ["one", "two"])
    return Subject(model.eval(), samples, bounds=((0.0,) * 3, (1.0,) * 3), name="net")


@pytest.fixture(scope="module")
def squeezenet():
    torch.manual_seed(0)
    return subject_of(torchvision.models.squeezenet1_0(weights=None))


@pytest.fixture(scope="module")
def resnet():
    torch.manual_seed(0)
    return subject_of(torchvision.models.resnet50(weights=None))


@pytest.fixture(scope="module")
def vgg():
    """Two stages of convolutions and two dense layers, wrapped as a person would who normalizes inside the model."""
    torch.manual_seed(0)
    features = [nn.Conv2d(3, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 8, 3), nn.ReLU(), nn.MaxPool2d(2)]
    classifier = [nn.Flatten(), nn.Linear(8 * 14 * 14, 16), nn.ReLU(), nn.Linear(16, 5)]
    vgg = nn.Sequential(OrderedDict(features=nn.Sequential(*features), classifier=nn.Sequential(*classifier)))
    return subject_of(nn.Sequential(OrderedDict(net=vgg)))


def rows(board):
    """By layer name, what the board shows of it: rule and values, changed, again."""
    return {row["name"]: shown(board, index) for index, row in enumerate(board.network["rows"])}


def shown(board, index):
    state = board.state
    return {
        "rule": state["rules"][state["rule"][index]],
        "changed": index in state["changed"],
        "again": index in state["again"],
    }


def marked(board, mark):
    return [name for name, row in rows(board).items() if row[mark]]


def families(board):
    """By the words for it, an entry of the composite."""
    return {family["name"]: family for family in board.state["families"]}


def rule_of(board, family):
    return board.state["rules"][families(board)[family]["rule"]]


def names_of(board, family):
    return [board.network["rows"][row]["name"] for row in family["rows"]]


def amounts(board):
    """Received, handed, bias, stabilizer, rules by layer, and by block."""
    table = np.frombuffer(board.amounts, np.float32).reshape(-1, 5)
    names = [row["name"] for row in board.network["rows"]]
    return dict(zip([*names, *board.network["blocks"]], table, strict=True))


def by_hand(exploration, composite):
    """What the backend says of the present input under `composite`, from the beginning."""
    explainer = Explainer(exploration.subject.model, composite)
    return explainer.explain(exploration.answer.shown.x, exploration.answer.target)


def check_against(exploration, composite):
    """The answer has the relevance and the rules of a composite that was written by hand."""
    assert exploration.error == ""
    expected, found = by_hand(exploration, composite), exploration.answer.whole
    torch.testing.assert_close(found.relevance, expected.relevance)
    assert {layer.name: layer.rule for layer in found.layers} == {layer.name: layer.rule for layer in expected.layers}


# -- rows ------------------------------------------------------------------------------------------------------------


def test_rows_run_from_the_output_down_with_kind_and_shape(exploration):
    board = RuleBoard(exploration)
    assert [(row["name"], row["kind"], row["shape"]) for row in board.network["rows"]] == [
        ("linear", "linear", "10"),
        ("pool3", "maxpool", "64×2²"),
        ("conv3", "conv", "64×4²"),
        ("pool2", "maxpool", "32×4²"),
        ("conv2", "conv", "32×8²"),
        ("conv1", "conv", "16×8²"),
    ]
    assert board.network["blocks"] == {}


def test_a_max_pool_has_a_rule_only_where_the_composite_gives_it_one(explore, vgg):
    board = RuleBoard(explore(vgg, "epsilon_plus_flat"))
    pools = [row["name"] for row in board.network["rows"] if row["kind"] == "maxpool"]
    assert [rows(board)[pool]["rule"] for pool in pools] == [None, None]
    board = RuleBoard(explore(vgg, "vgg_tutorial"))
    assert [rows(board)[pool]["rule"] for pool in pools] == [["Gamma", [0.25]]] * 2


def test_a_vgg_folds_into_features_and_classifier(explore, vgg):
    board = RuleBoard(explore(vgg))
    assert list(board.network["blocks"]) == ["net.classifier", "net.features"]
    inside = [row["block"] for row in board.network["rows"]]
    assert inside == ["net.classifier"] * 2 + ["net.features"] * 4
    assert board.network["blocks"]["net.features"] == {"kind": "Sequential", "shape": "8×14²", "family": "linear"}


def test_a_squeezenet_folds_into_its_fires(explore, squeezenet):
    board = RuleBoard(explore(squeezenet, "epsilon_plus_flat"))
    fires = [f"features.{number}" for number in (12, 10, 9, 8, 7, 5, 4, 3)]
    assert list(board.network["blocks"]) == ["classifier", *fires]
    assert {board.network["blocks"][fire]["kind"] for fire in fires} == {"Fire"}
    assert board.network["blocks"]["features.12"]["shape"] == "512×3²"  # both branches together
    alone = [row["name"] for row in board.network["rows"] if not row["block"]]
    assert alone == ["features.11", "features.6", "features.2", "features.0"]


def test_a_resnet_folds_into_its_bottlenecks_shortcuts_included(explore, resnet):
    board = RuleBoard(explore(resnet, "epsilon_plus_flat"))
    blocks = board.network["blocks"]
    assert list(blocks) == [
        f"layer{stage}.{number}"
        for stage, count in ((4, 3), (3, 6), (2, 4), (1, 3))
        for number in reversed(range(count))
    ]
    assert {block["kind"] for block in blocks.values()} == {"Bottleneck"}
    assert [(row["name"], row["leads"]) for row in board.network["rows"] if row["block"] == "layer2.0"] == [
        ("layer2.0.add", False),
        ("layer2.0.downsample.0", True),
        ("layer2.0.conv3", True),
        ("layer2.0.conv2", True),
        ("layer2.0.conv1", True),
    ]


def test_a_vision_transformer_folds_into_its_encoder_blocks(explore):
    vit = torchvision.models.VisionTransformer(32, 8, 3, 2, 16, 32, num_classes=4)
    board = RuleBoard(explore(subject_of(vit, 32)))
    assert list(board.network["blocks"]) == [f"encoder.layers.encoder_layer_{number}" for number in (2, 1, 0)]


@pytest.mark.parametrize("name", ["squeezenet", "resnet"])
def test_losses_of_blocks_and_single_layers_add_up_to_those_of_the_ledger(explore, request, name):
    exploration = explore(request.getfixturevalue(name), "epsilon_plus")
    board = RuleBoard(exploration)
    table, ledger = amounts(board), exploration.answer.whole.ledger
    single = [row["name"] for row in board.network["rows"] if not row["block"]]
    total = sum(table[name].astype(float) for name in [*single, *board.network["blocks"]])
    expected = [float(getattr(ledger, amount)) for amount in ("bias", "stabilizer", "rules")]
    np.testing.assert_allclose(total[2:], expected, rtol=1e-4, atol=1e-6)


def test_a_row_has_the_amounts_of_the_ledger(exploration):
    found = amounts(RuleBoard(exploration))
    for row in exploration.answer.whole.ledger.rows:
        if row.name in found:
            expected = [float(getattr(row, each)) for each in ("received", "handed", "bias", "stabilizer", "rules")]
            np.testing.assert_allclose(found[row.name], expected, rtol=1e-6)


def test_what_leaves_a_block_enters_the_one_below(explore, squeezenet):
    table = amounts(RuleBoard(explore(squeezenet, "epsilon")))
    np.testing.assert_allclose(table["features.5"][0], table["features.7"][1], rtol=1e-4)
    np.testing.assert_allclose(table["features.3"][0], table["features.4"][1], rtol=1e-4)


def test_relevance_that_is_not_finite_reaches_the_browser_as_such(explore, moody):
    rule = rules.AlphaBeta()
    object.__setattr__(rule, "alpha", 1e30)  # out of range
    exploration = explore(moody, Composite([("*", rule)]))
    found = amounts(RuleBoard(exploration))
    assert np.isfinite(found["dense"]).all()
    assert not np.isfinite(found["conv"]).all()


def test_the_network_is_described_once(exploration, say):
    board, sent = RuleBoard(exploration), []
    board.observe(sent.append, "network")
    say(board, layer="conv2", knob="gamma", value=0.5)
    exploration.item = 0
    assert sent == []


# -- changes ---------------------------------------------------------------------------------------------------------


LINEAR = [name for name, rule in rules.RULES.items() if issubclass(rule, rules.LinearRule)]


@pytest.mark.parametrize("name", [name for name in LINEAR if name not in ("ZBox", "Pass")])
def test_every_rule_can_be_chosen_for_a_layer_and_gives_what_the_backend_gives(exploration, say, name):
    board, begin = RuleBoard(exploration), exploration.composite
    say(board, layer="conv2", rule=name)
    rule = rules.RULES[name]()
    assert rows(board)["conv2"]["rule"] == [name, [getattr(rule, knob.name) for knob in rule.knobs()]]
    check_against(exploration, Composite([("conv2", rule), *begin.entries]))


@pytest.mark.parametrize("name", rules.RULES)
def test_sliders_are_made_from_the_rules_own_knobs(exploration, name):
    described = RuleBoard(exploration).network["rules"][name]
    assert described["help"] == rules.RULES[name].__doc__.partition("\n")[0]
    assert described["knobs"] == [
        {
            "name": knob.name,
            "symbol": knob.symbol,
            "help": knob.help,
            "slider": list(knob.slider),
            "logarithmic": knob.logarithmic,
        }
        for knob in rules.RULES[name].knobs()
    ]


@pytest.mark.parametrize("name", [name for name in rules.RULES if name not in ("ZBox", "Pass")])
def test_both_ends_of_every_slider_are_values_that_the_rule_takes(name):
    for knob in rules.RULES[name].knobs():
        for end in knob.slider:
            rules.RULES[name]().turned(**{knob.name: end})


def test_a_knob_of_a_layer_turns_that_layer_only(exploration, say):
    board, begin = RuleBoard(exploration), exploration.composite
    say(board, layer="conv2", knob="gamma", value=0.5)
    assert rows(board)["conv2"]["rule"] == ["Gamma", [0.5]]
    assert rows(board)["conv3"]["rule"] == ["Gamma", [0.25]]
    check_against(exploration, Composite([("conv2", rules.Gamma(0.5)), *begin.entries]))


def test_a_block_changes_its_convolutions_and_leaves_its_sum(explore, resnet, say):
    exploration = explore(resnet, "epsilon_plus_flat")
    board, begin = RuleBoard(exploration), exploration.composite
    say(board, block="layer2.0", rule="Gamma")
    say(board, block="layer2.0", knob="gamma", value=2.0)
    assert exploration.composite.entries == ((Inside("layer2.0"), rules.Gamma(2.0)), *begin.entries)
    names = ["conv1", "conv2", "conv3", "downsample.0"]
    check_against(exploration, Composite([*((f"layer2.0.{n}", rules.Gamma(2.0)) for n in names), *begin.entries]))
    assert rows(board)["layer2.0.add"]["rule"] == ["Epsilon", [1e-6]]


def test_from_here_down_gives_the_rule_of_a_layer_to_all_below(explore, resnet, say):
    exploration = explore(resnet, "epsilon_plus_flat")
    board, begin = RuleBoard(exploration), exploration.composite
    say(board, layer="layer1.1.conv2", rule="WSquare")
    say(board, layer="layer1.1.conv2", down=True)
    assert exploration.composite.entries == ((Down("layer1.1.conv2"), rules.WSquare()), *begin.entries)
    below = ["conv1", "layer1.0.*", "layer1.1.conv1", "layer1.1.conv2"]
    check_against(exploration, Composite([*((Name(name), rules.WSquare()) for name in below), *begin.entries]))


def test_from_a_block_down_includes_all_its_branches(explore, squeezenet, say):
    exploration = explore(squeezenet, "epsilon_plus_flat")
    board = RuleBoard(exploration)
    say(board, block="features.4", rule="Flat")
    say(board, block="features.4", down=True)
    flat = [name for name, row in rows(board).items() if row["rule"] == ["Flat", []]]
    parts = [
        f"{fire}.{part}" for fire in ("features.4", "features.3") for part in ("expand3x3", "expand1x1", "squeeze")
    ]
    assert flat == [*parts, "features.0"]


def test_a_family_moves_all_its_layers_at_once(exploration, say):
    board, begin = RuleBoard(exploration), exploration.composite
    entry = families(board)["convolutions"]["entry"]
    say(board, entry=entry, knob="gamma", value=0.5)
    assert exploration.composite == begin.with_rule(entry, rules.Gamma(0.5))
    assert rule_of(board, "convolutions") == ["Gamma", [0.5]]
    check_against(exploration, begin.with_rule(entry, rules.Gamma(0.5)))


def test_families_run_from_the_output_down_and_hold_their_layers(exploration):
    board = RuleBoard(exploration)
    assert [(name, names_of(board, family)) for name, family in families(board).items()] == [
        ("dense layers", ["linear"]),
        ("convolutions", ["conv2", "conv3"]),
        ("first layer", ["conv1"]),
    ]


def test_families_are_named_in_words(explore, digits):
    composite = Composite(
        [
            (Exactly("conv1"), rules.Flat()),
            (Position(-1), rules.Zero()),
            (Kind("linear"), rules.Zero()),
            ("conv2", rules.Gamma()),
            (Down("conv2"), rules.Flat()),
            (Name("*"), rules.Flat()),
        ]
    )
    board = RuleBoard(explore(digits, composite))
    assert list(families(board)) == ["last layer", "all other layers", "conv2", "conv1"]
    assert marked(board, "changed") == []  # there is no preset to differ from
    assert not board.state["preset"]


def test_a_layer_with_a_rule_of_its_own_leaves_its_family(exploration, say):
    board = RuleBoard(exploration)
    say(board, layer="conv2", rule="Flat")
    assert names_of(board, families(board)["convolutions"]) == ["conv3"]
    assert names_of(board, families(board)["conv2"]) == ["conv2"]


def test_the_rule_of_the_bounds_is_offered_to_the_first_layer_where_they_are_known(explore, moody, say):
    board = RuleBoard(explore(moody, "epsilon_plus_flat"))
    assert [row["family"] for row in board.network["rows"]] == ["linear", "first"]
    assert "ZBox" in board.network["choices"]["first"]
    assert "ZBox" not in board.network["choices"]["linear"]
    say(board, layer="conv", rule="ZBox")
    assert rows(board)["conv"]["rule"] == ["ZBox", []]
    assert "ZBox" not in RuleBoard(explore(moody, bounds=None)).network["choices"]["first"]


def test_products_are_offered_rules_for_products(explore, say):
    vit = torchvision.models.VisionTransformer(32, 8, 1, 2, 16, 32, num_classes=4)
    board = RuleBoard(explore(subject_of(vit, 32)))
    product = next(row for row in board.network["rows"] if row["kind"] == "matmul")
    assert board.network["choices"][product["family"]] == ["Signal", "Half", "Proportional"]
    say(board, layer=product["name"], rule="Signal")
    assert board.shared.error == ""
    assert rows(board)[product["name"]]["rule"] == ["Signal", [1e-6]]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "many", None])
def test_a_value_that_the_rule_does_not_take_is_a_sentence(exploration, say, value):
    board, before = RuleBoard(exploration), exploration.composite
    say(board, layer="conv2", knob="gamma", value=value)
    assert exploration.error == f"Gamma: gamma must be 0 or a number from 1e-37 to 1e+12, got {value!r}."
    assert exploration.composite is before
    say(board, layer="conv2", knob="gamma", value=1.0)
    assert exploration.error == ""


@pytest.mark.parametrize(
    "message",
    [
        *(
            {"layer": "nowhere", "rule": "Flat"},
            {"layer": "conv2", "rule": "Magic"},
            {"block": "conv2", "rule": "Flat"},
        ),
        *({"entry": 99, "rule": "Flat"}, {"layer": "pool2", "rule": "Flat"}, {"open": "nowhere"}, {}),
    ],
)
def test_a_message_that_makes_no_sense_is_an_error_and_nothing_else(exploration, say, message):
    board, before = RuleBoard(exploration), exploration.composite
    say(board, **message)
    assert exploration.error
    assert exploration.composite is before
    assert board.received == 1  # so that the browser shows again what is


def test_a_rule_that_fails_gives_way_to_the_one_before(explore, moody, say):
    exploration = explore(moody, Composite([("*", rules.Epsilon())]))
    board = RuleBoard(exploration)
    for _ in range(2):  # also where the sentence is the same again
        say(board, entry=0, rule="ZBox")
        assert exploration.error == "" or rows(board)["dense"]["rule"][0] == "Epsilon"
    assert board.received == 2


# -- marks -----------------------------------------------------------------------------------------------------------


def test_changed_rows_are_those_that_differ_from_the_preset(exploration, say):
    board = RuleBoard(exploration)
    assert marked(board, "changed") == []
    say(board, layer="conv2", knob="gamma", value=0.5)
    assert marked(board, "changed") == ["conv2"]
    say(board, entry=families(board)["dense layers"]["entry"], rule="ZPlus")
    assert marked(board, "changed") == ["linear", "conv2"]


def test_all_layers_as_the_preset_has_them_are_the_preset_itself(exploration, say):
    board, preset = RuleBoard(exploration), exploration.composite
    say(board, entry=families(board)["convolutions"]["entry"], knob="gamma", value=0.5)
    say(board, layer="conv2", knob="gamma", value=0.25)
    assert exploration.composite != preset
    say(board, layer="conv3", knob="gamma", value=0.25)
    assert exploration.composite == preset


def test_a_changed_layer_goes_back_to_the_preset_and_others_stay(exploration, say):
    board, preset = RuleBoard(exploration), exploration.composite
    say(board, layer="conv2", rule="Flat")
    say(board, layer="conv3", rule="ZPlus")
    say(board, layer="conv2", reset=True)
    assert exploration.composite == Composite([(Exactly("conv3"), rules.ZPlus()), *preset.entries], preset.name)
    say(board, layer="conv3", reset=True)
    assert exploration.composite == preset


def test_a_block_goes_back_to_the_preset_with_all_inside(explore, resnet, say):
    exploration = explore(resnet, "epsilon_plus_flat")
    board, preset = RuleBoard(exploration), exploration.composite
    say(board, layer="layer1.1.add", rule="Flat")
    say(board, block="layer1.1", rule="Gamma")
    say(board, layer="layer1.2.conv1", rule="Gamma")
    say(board, block="layer1.1", reset=True)
    assert marked(board, "changed") == ["layer1.2.conv1"]
    say(board, layer="layer1.2.conv1", reset=True)
    assert exploration.composite == preset


def test_a_family_goes_back_to_the_preset(exploration, say):
    board, preset = RuleBoard(exploration), exploration.composite
    say(board, layer="conv2", rule="Flat")
    say(board, entry=families(board)["convolutions"]["entry"], knob="gamma", value=0.5)
    say(board, entry=families(board)["conv2"]["entry"], reset=True)
    assert marked(board, "changed") == ["conv3", "conv2"]
    say(board, entry=families(board)["convolutions"]["entry"], reset=True)
    assert exploration.composite == preset


def test_only_rows_that_were_propagated_again_are_marked(exploration, say):
    board = RuleBoard(exploration)
    assert marked(board, "again") == []  # a new input: all of them, which says nothing
    say(board, layer="conv1", rule="Flat")
    assert marked(board, "again") == ["conv1"]
    say(board, layer="conv2", knob="gamma", value=0.5)
    assert marked(board, "again") == ["conv2", "conv1"]
    exploration.item = 0
    assert marked(board, "again") == []


def test_the_open_layer_is_said_and_opened_by_its_name(exploration, say):
    board = RuleBoard(exploration)
    say(board, open="conv2")
    assert exploration.layer == board.chosen == "conv2"
    exploration.layer = None
    assert board.chosen == ""


# -- undo ------------------------------------------------------------------------------------------------------------


def test_a_drag_is_undone_as_one(exploration, say):
    board, preset = RuleBoard(exploration), exploration.composite
    for value in (0.3, 0.4, 0.5):
        say(board, layer="conv2", knob="gamma", value=value, drag="a1")
    say(board, layer="conv2", knob="gamma", value=0.6, drag="a2")
    assert board.travel == [True, False]
    say(board, undo=True)
    assert rows(board)["conv2"]["rule"] == ["Gamma", [0.5]]
    say(board, undo=True)
    assert exploration.composite == preset
    assert board.travel == [False, True]
    say(board, redo=True)
    assert rows(board)["conv2"]["rule"] == ["Gamma", [0.5]]


def test_a_drag_that_begins_where_the_slider_was_can_be_undone(exploration, say):
    board, preset = RuleBoard(exploration), exploration.composite
    for value in (0.25, 0.3, 0.4):
        say(board, layer="conv2", knob="gamma", value=value, drag="a1")
    say(board, undo=True)
    assert exploration.composite == preset
    assert board.travel == [False, True]


def test_a_change_is_one_message_to_the_browser(exploration, say):
    board = RuleBoard(exploration)
    say(board, layer="conv2", knob="gamma", value=0.3, drag="a")
    before = board.seq
    say(board, layer="conv2", knob="gamma", value=0.4, drag="a")
    assert board.seq == before + 1


def test_a_slider_that_comes_to_the_same_still_gets_its_answer(exploration, say):
    board = RuleBoard(exploration)
    say(board, layer="conv2", knob="gamma", value=0.25)
    assert board.received == 1


# -- files -----------------------------------------------------------------------------------------------------------


def export(board, say, form):
    """Name and content of the file that the browser is given."""
    sent = []
    board.send = lambda message, buffers: sent.append((message["save"], bytes(buffers[0])))
    say(board, export=form)
    ((name, content),) = sent
    return name, content


@pytest.mark.parametrize("form", ["json", "yaml"])
@pytest.mark.parametrize("preset", composites.names())
def test_every_preset_survives_the_way_through_a_file(explore, digits, say, preset, form):
    exploration = explore(digits, preset)
    board, composite = RuleBoard(exploration), exploration.composite
    name, content = export(board, say, form)
    assert name == f"{preset}.{form}"
    other = explore(digits, "excitation_backprop" if preset != "excitation_backprop" else "epsilon")
    say(RuleBoard(other), content, **{"import": name})
    assert other.error == ""
    assert other.composite == composite


@pytest.mark.parametrize("form", ["json", "yaml"])
def test_changes_survive_the_way_through_a_file(explore, resnet, say, form):
    exploration = explore(resnet, "epsilon_gamma_box")
    board, begin = RuleBoard(exploration), exploration.composite
    say(board, layer="layer1.1.conv2", knob="gamma", value=1e-5)
    say(board, block="layer2.0", rule="AlphaBeta")
    say(board, layer="layer1.0.conv1", down=True)
    changed = exploration.composite
    name, content = export(board, say, form)
    exploration.composite = begin
    say(board, content, **{"import": name})
    assert exploration.composite == changed
    assert "layer2.0.conv1" in marked(board, "changed")


def test_a_file_is_plain_json_or_yaml(exploration, say):
    board, data = RuleBoard(exploration), json.loads(json.dumps(exploration.composite.to_dict()))
    assert json.loads(export(board, say, "json")[1]) == data
    assert yaml.safe_load(export(board, say, "yaml")[1]) == data


@pytest.mark.parametrize(
    ("name", "file"),
    [("../../etc/passwd", "etc_passwd.json"), ("<b>ä</b>", "b_b.json"), ("...", "composite.json"), ("a b", "a_b.json")],
)
def test_the_file_of_a_composite_has_a_harmless_name(name, file):
    assert composite_file.file_name(Composite([("*", rules.Zero())], name), "json") == file


def test_a_composite_with_a_function_cannot_be_exported(explore, digits, say):
    exploration = explore(digits, Composite([(lambda place: True, rules.Epsilon())]))
    say(RuleBoard(exploration), export="json")
    assert "is a function and cannot be saved" in exploration.error


ENTRY = b"entries: [{layers: '*', rule: Epsilon, "


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (
            b"",
            "'f.yaml' holds no composite for this network: it is a NoneType, not a mapping with 'name' and 'entries'.",
        ),
        (b"[1, 2]", "it is a list, not a mapping"),
        (b"{", "'f.yaml' is neither JSON nor YAML:"),
        (b"\xff\xfe\x00", "'f.yaml' holds no composite for this network: 'utf-8' codec can't decode"),
        (b"GIF89a\x00\x01", "'f.yaml' is neither JSON nor YAML:"),
        (b"entries: 3", "A composite is {'name': ..., 'entries': [{'layers': selector"),
        (b"entries: []", "No selector of the composite 'custom' matches the layer 'conv1'"),
        (b"entries: [{layers: '*', rule: Magic}]", "There is no rule 'Magic'; rules are Zero,"),
        (b"entries: [{layers: '*', rule: [Magic]}]", "holds no composite for this network: "),
        (ENTRY + b"gamma: 1}]", "The rule Epsilon has no field 'gamma'."),
        (ENTRY + b"epsilon: -1}]", "Epsilon: epsilon must be a number from 1e-37 to 1e+12, got -1."),
        (ENTRY + b"epsilon: .nan}]", "Epsilon: epsilon must be a number from 1e-37 to 1e+12, got nan."),
        (ENTRY + b"epsilon: .inf}]", "Epsilon: epsilon must be a number from 1e-37 to 1e+12, got inf."),
        (b"entries: [{layers: {magic: {}}, rule: Flat}]", "{'magic': {}} is no selector"),
        (b"entries: [{layers: {exactly: {name: conv9}}, rule: Flat}]", "speaks of a layer 'conv9' that is not there"),
        (b"entries: [{layers: {down: {layer: 5}}, rule: Flat}]", "holds no composite for this network: "),
        (b"entries: [{layers: {position: {start: x}}, rule: Flat}]", "holds no composite for this network: "),
        (b"a: &a [x, x]\nentries: [*a, *a]", "references (*) are not allowed; write the entries out."),
        (
            b"!!python/object/apply:os.system ['true']",
            "'f.yaml' is neither JSON nor YAML: could not determine a constr",
        ),
        (b"[" * 100_000, "'f.yaml' holds no composite: it is nested too deeply."),
        (b" " * (2**20 + 1), "'f.yaml' has 1.0 MB; the file of a composite has 1 MB at most."),
        (b"[" + b"1," * 500_000 + b"]", "it has more than 30,000 values, which take YAML too long; write it as JSON."),
        (b"a:\n" + b"? b\n" * 200_000, "it has more than 30,000 values, which take YAML too long; write it as JSON."),
        (b"entries:\n" + b"- {layers: '*', rule: Zero}\n" * 2001, "has 2,000 entries at most, got 2,001."),
        (json.dumps({"entries": [{"layers": "*", "rule": "Zero"}] * 20_000}).encode(), "at most, got 20,000."),
        (json.dumps({"entries": [{"layers": "*a" * 400_000, "rule": "Zero"}]}).encode(), "letters at most, got 800,"),
    ],
    ids=lambda value: repr(value[:20]) if isinstance(value, bytes) else None,
)
def test_a_bad_file_is_a_sentence_and_changes_nothing(exploration, say, content, sentence):
    board, before, began = RuleBoard(exploration), exploration.composite, time.process_time()
    say(board, content, **{"import": "f.yaml"})
    assert sentence in exploration.error
    assert exploration.composite is before
    assert exploration.answer.whole.composite == before
    assert time.process_time() - began < 5  # the kernel waits


def test_a_file_that_is_too_large_for_the_browser_is_a_sentence(exploration, say):
    say(RuleBoard(exploration), problem="“big.json” has 7.0 MB; the file of a composite has 1 MB at most.")
    assert exploration.error == "“big.json” has 7.0 MB; the file of a composite has 1 MB at most."
