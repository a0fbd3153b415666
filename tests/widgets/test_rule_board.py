from __future__ import annotations

import pytest

from lrpwidgets.lrp import Composite, rules
from lrpwidgets.lrp.selectors import Kind, Name, Position
from lrpwidgets.widgets import RuleBoard


def of(board, layers):
    return next(row for row in board.rows if row["layers"] == layers)


def test_rows_run_from_the_output_down_and_name_their_layers(exploration):
    board = RuleBoard(exploration)
    assert [(row["layers"], row["names"]) for row in board.rows] == [
        ("dense layers", ["linear"]),
        ("convolutions", ["conv2", "conv3"]),
        ("first layer", ["conv1"]),
    ]


LINEAR = [name for name, rule in rules.RULES.items() if issubclass(rule, rules.LinearRule)]


@pytest.mark.parametrize("name", [name for name in LINEAR if name not in ("ZBox", "Pass")])
def test_sliders_are_made_from_the_rules_own_knobs(exploration, say, name):
    board = RuleBoard(exploration)
    say(board, row=of(board, "convolutions")["row"], rule=name)
    row = of(board, "convolutions")
    rule = rules.RULES[name]()
    assert exploration.error == ""
    assert row["rule"] == name
    assert row["help"] == rules.RULES[name].__doc__.partition("\n")[0]
    assert [knob["name"] for knob in row["knobs"]] == [knob.name for knob in rule.knobs()]
    for shown, knob in zip(row["knobs"], rule.knobs(), strict=True):
        assert shown["value"] == getattr(rule, knob.name)
        assert (shown["symbol"], shown["help"]) == (knob.symbol, knob.help)
        assert (shown["slider"], shown["logarithmic"]) == (knob.slider, knob.logarithmic)


@pytest.mark.parametrize("name", [name for name in rules.RULES if name not in ("ZBox", "Pass")])
def test_both_ends_of_every_slider_are_values_that_the_rule_takes(name):
    for knob in rules.RULES[name].knobs():
        for end in knob.slider:
            rules.RULES[name]().turned(**{knob.name: end})


def test_a_knob_changes_the_composite_and_the_answer(exploration, say):
    board = RuleBoard(exploration)
    row = of(board, "convolutions")["row"]
    say(board, row=row, knob="gamma", value=0.5)
    assert exploration.composite.entries[row][1] == rules.Gamma(0.5)
    assert exploration.answer.explanation.composite == exploration.composite
    assert of(board, "convolutions")["knobs"][0]["value"] == 0.5


def test_the_rule_of_the_bounds_is_offered_where_the_bounds_are_known(explore, moody, say):
    board = RuleBoard(explore(moody, composite="epsilon_plus_flat"))
    row = of(board, "first layer")["row"]
    say(board, row=row, rule="ZBox")
    assert board.exploration.composite.entries[row][1] == rules.ZBox((0.0,), (1.0,))
    assert "ZBox" not in RuleBoard(explore(moody, bounds=None)).rows[0]["choices"]


@pytest.mark.parametrize("value", [-1.0, float("nan"), float("inf"), "many", None])
def test_a_value_that_the_rule_does_not_take_is_a_sentence(exploration, say, value):
    board = RuleBoard(exploration)
    before = exploration.composite
    say(board, row=of(board, "convolutions")["row"], knob="gamma", value=value)
    assert exploration.error == f"Gamma: gamma must be a number at least 0, got {value!r}."
    assert exploration.composite is before
    say(board, row=of(board, "convolutions")["row"], knob="gamma", value=1.0)
    assert exploration.error == ""


@pytest.mark.parametrize("message", [{"row": 99, "rule": "Flat"}, {"row": 0, "rule": "Magic"}, {"row": 0}, {}])
def test_a_message_that_makes_no_sense_is_an_error_and_nothing_else(exploration, say, message):
    board = RuleBoard(exploration)
    before = exploration.composite
    say(board, **message)
    assert exploration.error
    assert exploration.composite is before


def test_changed_rows_are_those_that_differ_from_the_preset(exploration, say):
    board = RuleBoard(exploration)
    assert not any(row["changed"] for row in board.rows)
    say(board, row=of(board, "convolutions")["row"], knob="gamma", value=0.5)
    assert [row["layers"] for row in board.rows if row["changed"]] == ["convolutions"]
    say(board, row=of(board, "convolutions")["row"], knob="gamma", value=0.25)
    assert not any(row["changed"] for row in board.rows)


def test_only_rows_that_were_propagated_again_are_marked(exploration, say):
    board = RuleBoard(exploration)
    assert not any(row["again"] for row in board.rows)  # a new input: all of them, which says nothing
    say(board, row=of(board, "first layer")["row"], rule="Flat")
    assert [row["layers"] for row in board.rows if row["again"]] == ["first layer"]
    say(board, row=of(board, "convolutions")["row"], knob="gamma", value=0.5)
    assert [row["layers"] for row in board.rows if row["again"]] == ["convolutions", "first layer"]
    exploration.item = 0
    assert not any(row["again"] for row in board.rows)


def test_groups_are_named_in_words(explore, digits):
    composite = Composite(
        [
            (Position(-1), rules.Zero()),
            (Kind("linear"), rules.Zero()),
            ("conv[23]", rules.Gamma()),
            (Name("*"), rules.Flat()),
        ]
    )
    board = RuleBoard(explore(digits, composite))
    assert [row["layers"] for row in board.rows] == ["all other layers", "conv[23]", "last layer"]
    assert not any(row["changed"] for row in board.rows)  # there is no preset to differ from


def test_a_rule_that_fails_is_shown_beside_its_error(exploration, say):
    board = RuleBoard(exploration)
    say(board, row=of(board, "dense layers")["row"], rule="ZBox")
    if exploration.error:
        assert of(board, "dense layers")["rule"] == "ZBox"
    say(board, row=of(board, "dense layers")["row"], rule="Epsilon")
    assert exploration.error == ""
