"""What the backend's objects print: rules and selectors as Python, results in a line."""

import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Composite, Explainer, Rather, composites, patterns
from lrpwidgets.lrp.rules import (
    RULES,
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
from lrpwidgets.lrp.selectors import Down, Exactly, Inside, Kind, Name, Position, Stage
from tests.lrp.networks import Residual, pictures, realistic
from tests.lrp.test_freed import Limited

RULES_AS_WRITTEN = {
    "Zero()": Zero(),
    "Epsilon(epsilon=1e-06)": Epsilon(),
    "Epsilon(epsilon=0.25, relative=True)": Epsilon(0.25, relative=True),
    "Gamma(gamma=0.5)": Gamma(0.5),
    "Gamma(gamma=0.25, stabilizer=0.001)": Gamma(stabilizer=1e-3),
    "AlphaBeta(alpha=2.0)": AlphaBeta(),
    "ZPlus()": ZPlus(),
    "Flat(stabilizer=0)": Flat(0),
    "WSquare(bias=False)": WSquare(bias=False),
    "ZBox((-1.0, -2.0), high=1.0)": ZBox((-1, -2), 1),
    "Pass()": Pass(),
    "Signal(epsilon=1e-06)": Signal(),
    "Half(epsilon=0.1)": Half(0.1),
    "Proportional(epsilon=1e-06)": Proportional(),
}
SELECTORS_AS_WRITTEN = {
    "Position(0)": Position(0),
    "Position(0, stop=2)": Position(0, 2),
    "Stage(0, stop=2, kind='conv')": Stage(0, 2, "conv"),
    "Stage(0, stop=2)": Stage(0, 2),
    "Kind('conv')": Kind("conv"),
    "Name('features.*')": Name("features.*"),
    "Exactly('head')": Exactly("head"),
    "Down('one.0')": Down("one.0"),
    "Inside('one', weighted=False)": Inside("one", weighted=False),
}
NAMES = {each.__name__: each for each in (Composite, Position, Stage, Kind, Name, Exactly, Down, Inside)} | RULES


@pytest.mark.parametrize(("text", "item"), (RULES_AS_WRITTEN | SELECTORS_AS_WRITTEN).items())
def test_rules_and_selectors_print_as_the_python_that_makes_them(text, item):
    assert repr(item) == text
    assert eval(text, NAMES) == item


def test_every_rule_is_printed_here():
    assert {type(rule) for rule in RULES_AS_WRITTEN.values()} == set(RULES.values())


def test_a_composite_prints_as_python_one_entry_a_line():
    composite = composites.get("epsilon_plus_flat")
    assert repr(composite).splitlines() == [
        "Composite([",
        "    (Position(0), Flat()),",
        "    (Kind('conv'), ZPlus()),",
        "    (Kind('linear'), Epsilon(epsilon=1e-06)),",
        "], 'epsilon_plus_flat')",
    ]
    assert eval(repr(composite), NAMES) == composite


def test_a_long_composite_prints_its_first_entries():
    composite = Composite([(Exactly(f"layer{number}"), Flat()) for number in range(50)])
    lines = repr(composite).splitlines()
    assert len(lines) == 15
    assert lines[-2] == "    # and 38 more"


@pytest.fixture(scope="module")
def explanation():
    return Explainer(realistic(Residual()).double(), "epsilon_plus_flat").explain(pictures(2, 16))


def test_an_explainer_prints_its_model_device_and_composite():
    model = realistic(Residual())
    count = sum(parameter.numel() for parameter in model.parameters())
    assert repr(Explainer(model)) == f"Explainer(Residual of {count:,} parameters on cpu, auto)"
    assert repr(Explainer(model, "epsilon")).endswith("on cpu, epsilon)")
    assert repr(Explainer(model, Gamma(0.5), unknown="gradient", select=len)).endswith(
        "on cpu, Gamma(gamma=0.5), unknown='gradient', select=<built-in function len>)"
    )


def first_score(explanation):
    return f"{float((explanation.scores * explanation.target)[0].sum()):.4g}"


@pytest.mark.parametrize(
    ("target", "words"),
    [
        (3, "class 3"),
        ([3, 1], "classes 3, 1"),
        (Rather(3, than=1), "class 3 rather than 1"),
        (torch.ones(5).double(), "weighted scores"),
    ],
    ids=["class", "classes", "contrast", "weights"],
)
def test_an_explanation_prints_what_is_explained_under_which_composite(explanation, target, words):
    other = explanation.retarget(target)
    text = repr(other)
    assert text.startswith(f"Explanation(epsilon_plus_flat: {words}, score {first_score(other)}, ")
    assert text.endswith(f"; 2 × <float64 (3, 16, 16)>, {len(other.layers)} layers, keeps 'all')")


def test_an_explanation_prints_conditions_several_targets_and_what_it_keeps(explanation):
    assert " through two.0, score " in repr(explanation.condition({"two.0": [1]}))
    assert "class 1 (the first of 2 targets), score " in repr(explanation.retarget(targets=[1, 2]))
    model, x = realistic(Limited()).double(), pictures(5, 16)
    parts = Explainer(model).explain(x, 1, keep="input")
    assert repr(parts).startswith("JoinedExplanation(epsilon_plus_flat: class 1, score ")
    assert repr(parts).endswith(f", …; 5 × <float64 (3, 16, 16)>, {len(parts.layers)} layers, keeps 'input')")


def test_dense_scores_of_tokens_print_too():
    model = nn.Sequential(nn.Embedding(9, 4), nn.Linear(4, 3)).double()
    text = repr(Explainer(model).explain(torch.arange(4)[None]))
    assert text.startswith("Explanation(epsilon: dense scores, score ")
    assert "1 × <int64 (4,)>" in text


def test_a_ledger_prints_as_the_equation_that_it_is(explanation):
    ledger = explanation.ledger
    amounts = {
        name: f"{name} {float(getattr(ledger, name).sum()):.4g}"
        for name in ("explained", "reached_input", "bias", "stabilizer", "rules")
    }
    whole, *parts = amounts.values()
    assert repr(ledger).startswith(
        f"Ledger({len(ledger.rows)} rows, summed over 2: {whole} = {' + '.join(parts)}; imbalance "
    )
    assert "summed over 2 × 2: " in repr(explanation.retarget(targets=[1, 2]).ledger)
    assert "summed" not in repr(Explainer(realistic(Residual())).explain(pictures(1, 16, torch.float32)).ledger)
    assert repr(ledger.rows[0]).startswith("Row('head', linear, Epsilon: received ")


def test_layers_tapes_and_patterns_print_shapes_and_no_numbers(explanation):
    assert repr(explanation["one.0"]) == "Layer('one.0', kind='conv', rule=ZPlus(), shape=(2, 8, 8, 8))"
    explainer = Explainer(realistic(Residual()).double())
    tape = explainer.record(pictures(2, 16))
    steps = len(explanation.layers)
    assert repr(tape) == f"Tape({steps} steps from <float64 (2, 3, 16, 16)> to scores <float64 (2, 5)>)"
    assert repr(tape.steps[0]) == "Step('stem.0': conv2d, conv)"
    assert repr(tape.call(tape.steps[0])) == "Call(conv2d: <float64 (2, 3, 16, 16)>, <float64 (2, 8, 16, 16)>)"
    fitted = patterns.fit(explainer, [pictures(2, 16)])
    assert repr(fitted).startswith("Patterns(<arrays: 7>, rectified=")
    assert "(Exactly('stem.0'), Pattern(<float64 (8, 3, 3, 3)>))," in repr(fitted.attribution())
