from __future__ import annotations

import re

import pytest

from lrpwidgets.lrp import rules
from lrpwidgets.subjects import Subject
from lrpwidgets.widgets import StatusLine


def test_the_figures_are_the_ledgers(exploration):
    state = StatusLine(exploration).state
    ledger = exploration.answer.explanation.ledger
    assert state["score"] == pytest.approx(exploration.answer.scores[3])
    assert state["score"] == pytest.approx(
        state["reached"] + state["bias"] + state["stabilizer"] + state["rules"], rel=1e-5
    )
    assert (state["reached"], state["bias"]) == (float(ledger.reached_input[0]), float(ledger.bias[0]))
    assert state["trusted"]
    assert state["where"] == "cpu · float32"
    assert state["milliseconds"] > 0


def test_it_says_how_much_memory_is_in_use_of_the_limit(exploration):
    line = StatusLine(exploration)
    assert re.fullmatch(r"\d+\.\d of \d+\.\d GB of memory in use", line.state["memory"])
    exploration.memory = "1.0 of 2.0 GB of memory in use"
    assert line.state["memory"] == "1.0 of 2.0 GB of memory in use"


def test_layers_that_were_propagated_again_are_counted(exploration):
    line = StatusLine(exploration)
    assert (line.state["again"], line.state["layers"], line.state["forward"]) == (4, 4, True)
    exploration.composite = exploration.composite.with_rule(0, rules.WSquare())
    assert (line.state["again"], line.state["layers"], line.state["forward"]) == (1, 4, False)


def test_another_target_goes_through_all_layers_but_not_forward(exploration):
    line = StatusLine(exploration)
    exploration.target = 9
    assert (line.state["again"], line.state["layers"], line.state["forward"]) == (4, 4, False)


def test_what_a_rule_drops_is_shown(exploration):
    line = StatusLine(exploration)
    exploration.composite = exploration.preset("epsilon_alpha2_beta1")
    assert line.state["rules"] == float(exploration.answer.explanation.ledger.rules[0])


def test_errors_and_caveats_appear_and_go(exploration):
    line = StatusLine(exploration)
    exploration.target = 99
    assert "out of range" in line.state["error"]
    assert line.state["score"] == pytest.approx(exploration.answer.scores[3])  # the last answer's figures stay
    exploration.target = exploration.answer.scores.index(min(exploration.answer.scores))
    assert line.state["error"] == ""
    assert any("negative" in sentence for sentence in line.state["caveats"])


def test_before_the_first_answer_there_are_no_figures(explore, digits):
    state = StatusLine(explore(Subject(digits.model))).state
    assert "milliseconds" not in state
    assert state["error"] == ""


def test_a_model_without_weights_has_a_place_too(explore, moody):
    import torch

    model = torch.nn.Sequential(torch.nn.AdaptiveAvgPool2d(1), torch.nn.Flatten()).eval()
    exploration = explore(moody, model=model, classes=["light"])
    assert StatusLine(exploration).state["where"].startswith("cpu")
