"""Changing a composite for some layers of a network, and what it comes to."""

import json
import random

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Composite, Explainer
from lrpwidgets.lrp.rules import Epsilon, Flat, Gamma, Signal, ZPlus
from lrpwidgets.lrp.selectors import Down, Exactly, Inside, Kind, Position
from tests.lrp.networks import pictures, realistic

PRESET = Composite([(Position(0), Flat()), (Kind("conv"), ZPlus()), (Kind("linear"), Epsilon())], "mine")


class Blocks(nn.Module):
    """Two blocks, the first with a sum and an inner module, then a dense layer."""

    def __init__(self):
        super().__init__()
        self.stem = nn.Conv2d(3, 4, 3, padding=1)
        self.block = Block()
        self.block2 = nn.Sequential(nn.Conv2d(4, 4, 3), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(4, 4, 3), nn.ReLU())
        self.head = nn.Linear(4 * 5 * 5, 3)

    def forward(self, x):
        return self.head(self.block2(self.block(self.stem(x).relu())).flatten(1))


class Block(nn.Module):
    def __init__(self):
        super().__init__()
        self.one, self.inner = nn.Conv2d(4, 4, 3, padding=1), nn.Sequential(nn.Conv2d(4, 4, 1))

    def forward(self, x):
        return (self.inner(self.one(x).relu()) + x).relu()


@pytest.fixture(scope="module")
def explanation():
    return Explainer(realistic(Blocks()), PRESET).explain(pictures(1, 16, torch.float32))


@pytest.fixture(scope="module")
def layout(explanation):
    return explanation.layout


def test_the_rules_in_a_network_are_those_that_its_explanation_has(explanation, layout):
    composite = PRESET.revised(Down("block.add"), Gamma(), layout).revised(Exactly("head"), ZPlus(), layout)
    switched = explanation.switch(composite)
    assert composite.rules_in(layout) == {layer.name: layer.rule for layer in switched.layers if layer.takes_rule}


@pytest.mark.parametrize(
    ("selector", "layers"),
    [
        (Exactly("block.one"), ["block.one"]),
        (Inside("block"), ["block.one", "block.inner.0"]),
        (Inside("block.inner"), ["block.inner.0"]),
        (Inside("block", weighted=False), ["block.one", "block.inner.0", "block.add"]),
        (Inside("block2"), ["block2.0", "block2.3"]),
        (Inside("block2", weighted=False), ["block2.0", "block2.3"]),
        (Down("block.add"), ["stem", "block.one", "block.inner.0", "block.add"]),
    ],
    ids=str,
)
def test_a_revision_changes_the_layers_of_its_selector_and_no_others(layout, selector, layers):
    before, after = PRESET.rules_in(layout), PRESET.revised(selector, Gamma(0.5), layout).rules_in(layout)
    assert after == before | dict.fromkeys(layers, Gamma(0.5))


def test_a_layer_that_is_changed_often_keeps_one_entry(layout):
    composite = PRESET
    for gamma in (0.1, 0.2, 0.3):
        composite = composite.revised(Exactly("block.one"), Gamma(gamma), layout)
    assert composite.entries == ((Exactly("block.one"), Gamma(0.3)), *PRESET.entries)


def test_what_comes_to_the_same_adds_no_entry(layout):
    assert PRESET.revised(Exactly("block.one"), ZPlus(), layout) == PRESET
    assert PRESET.revised(Inside("block2"), ZPlus(), layout) == PRESET


def test_a_layer_that_goes_back_leaves_other_changes_alone(layout):
    changed = PRESET.revised(Exactly("head"), Gamma(), layout)
    twice = changed.revised(Exactly("block.one"), Gamma(), layout)
    assert twice.revised(Exactly("block.one"), ZPlus(), layout) == changed


def test_an_entry_whose_layers_are_all_decided_by_newer_ones_goes(layout):
    composite = PRESET.revised(Exactly("stem"), Gamma(), layout).revised(Exactly("block.one"), Gamma(2.0), layout)
    composite = composite.revised(Down("block.add"), ZPlus(), layout)
    assert composite.entries == ((Down("block.add"), ZPlus()), *PRESET.entries)


def test_an_older_entry_stays_for_the_layers_that_are_left_to_it(layout):
    composite = PRESET.revised(Inside("block"), Gamma(), layout).revised(Exactly("block.one"), Flat(), layout)
    assert [selector for selector, _ in composite.entries[:2]] == [Exactly("block.one"), Inside("block")]
    assert composite.rules_in(layout)["block.inner.0"] == Gamma()


def test_a_layer_inside_a_changed_block_can_be_put_back(layout):
    composite = PRESET.revised(Inside("block"), Gamma(), layout).revised(Exactly("block.one"), ZPlus(), layout)
    assert composite.rules_in(layout) == PRESET.rules_in(layout) | {"block.inner.0": Gamma()}


def test_entries_of_families_stay_even_where_they_decide_nothing(layout):
    composite = Composite([*PRESET.entries, ("no.such.*", Gamma()), (Kind("matmul"), Signal())], "mine")
    assert composite.revised(Exactly("head"), ZPlus(), layout).entries[1:] == composite.entries


def test_a_preset_rule_that_holds_for_lack_of_an_entry_is_no_change(layout):
    assert PRESET.revised(Exactly("block.add"), Epsilon(), layout) == PRESET


def test_a_revision_never_changes_the_relevance_of_what_lies_above(explanation, layout):
    switched = explanation.switch(PRESET.revised(Inside("block"), Gamma(), layout))
    assert set(switched.recomputed).isdisjoint({"head", "block2.0", "block2.3"})


@pytest.mark.parametrize(
    ("selector", "sentence"),
    [
        (Exactly("block.two"), r"speaks of a layer 'block.two' that is not there; .*'block.one'"),
        (Down("stern"), r"speaks of a layer 'stern' that is not there; .*'stem'"),
        (Inside("blocks"), r"speaks of a module 'blocks' that is not there; .*'block'"),
    ],
)
def test_a_layer_that_is_not_there_is_named(layout, selector, sentence):
    composite = Composite([(selector, Gamma()), *PRESET.entries])
    with pytest.raises(ValueError, match=sentence):
        composite.resolve(layout)


def test_a_module_survives_the_way_through_json(layout):
    composite = PRESET.revised(Inside("block", weighted=False), Gamma(), layout).revised(
        Inside("block2"), Flat(), layout
    )
    assert Composite.from_dict(json.loads(json.dumps(composite.to_dict()))) == composite


@pytest.mark.parametrize("seed", range(20))
def test_whatever_the_order_of_changes_the_newest_counts_and_no_entry_is_idle(layout, seed):
    chosen = random.Random(seed)
    composite, expected = PRESET, PRESET.rules_in(layout)
    names = [name for name, rule in expected.items() if rule]
    for _ in range(12):
        selector = chosen.choice([Exactly(chosen.choice(names)), Inside("block"), Inside("block2"), Down("block.add")])
        rule = chosen.choice([ZPlus(), Gamma(), Flat(), Epsilon()])
        composite = composite.revised(selector, rule, layout)
        expected |= {place.name: rule for place in layout.places if place.name in names and selector(place)}
        assert composite.rules_in(layout) == expected
    for index in range(len(composite.entries) - len(PRESET.entries)):
        without = Composite([*composite.entries[:index], *composite.entries[index + 1 :]])
        assert without.rules_in(layout) != expected
