"""Explainers and explanations that were copied, saved or sent to another process are as good as the first."""

import copy
import io
import pickle
import subprocess
import sys

import cloudpickle
import pytest
import torch
from torch import nn

from lrpwidgets.lrp import (
    Composite,
    Explainer,
    Rather,
    StaleExplanationError,
    UnknownOperationError,
    operations,
    patterns,
)
from lrpwidgets.lrp.rules import Flat, Gamma, ZPlus
from lrpwidgets.lrp.selectors import Kind
from tests.lrp.networks import SMALL, Fire, Residual, pictures, realistic, small_networks, small_pictures
from tests.lrp.test_freed import Attending, Limited, Reading
from tests.lrp.test_operations import CASES


def _saved(item):
    file = io.BytesIO()
    torch.save(item, file)
    file.seek(0)
    return torch.load(file, weights_only=False)


WAYS = {
    "pickle": lambda item: pickle.loads(pickle.dumps(item)),
    "cloudpickle": lambda item: pickle.loads(cloudpickle.dumps(item)),
    "deepcopy": copy.deepcopy,
    "torch.save": _saved,
}


@pytest.fixture(params=WAYS)
def copied(request):
    return WAYS[request.param]


def assert_same(found, expected):
    """All that both say, bit for bit."""
    for one, other in zip(_tuple(found.relevance), _tuple(expected.relevance), strict=True):
        assert torch.equal(one, other)
    assert torch.equal(found.scores, expected.scores)
    assert torch.equal(found.target, expected.target)
    assert (found.composite, found.keep) == (expected.composite, expected.keep)
    assert (found.caveats, found.recomputed) == (expected.caveats, expected.recomputed)
    assert found.ledger.imbalance == expected.ledger.imbalance
    for row, other in zip(found.ledger.rows, expected.ledger.rows, strict=True):
        assert (row.name, row.rule, row.kind) == (other.name, other.rule, other.kind)
        assert torch.equal(row.handed, other.handed)
    for layer, other in zip(found.layers, expected.layers, strict=True):
        assert (layer.name, layer.kind, layer.rule, layer.shape) == (other.name, other.kind, other.rule, other.shape)
        if expected.keep != "input":
            assert torch.equal(layer.relevance, other.relevance)


def _tuple(item):
    return item if isinstance(item, tuple) else (item,)


NETWORKS = {
    "residual": (Residual, lambda: pictures(2, 16, torch.float32)),
    "fire": (Fire, lambda: pictures(2, 16, torch.float32)),
    "attention": (Attending, lambda: torch.randn(2, 4, 8)),
    "recurrent": (Reading, lambda: torch.randn(2, 4, 8)),
    "16 bits": (lambda: Fire().bfloat16(), lambda: pictures(2, 16, torch.bfloat16)),
}


@pytest.fixture(params=NETWORKS)
def explained(request):
    """An explainer, an input and their explanation."""
    build, inputs = NETWORKS[request.param]
    explainer, x = Explainer(realistic(build())), inputs()
    return explainer, x, explainer.explain(x)


def test_a_copy_says_the_same_and_can_be_asked_on(explained, copied):
    explanation = explained[2]
    copy = copied(explanation)
    assert_same(copy, explanation)
    assert_same(copy.switch("epsilon"), explanation.switch("epsilon"))
    assert_same(copy.retarget(Rather(1, than=2)), explanation.retarget(Rather(1, than=2)))
    layer = explanation.layers[0].name
    assert_same(copy.condition({layer: [1]}), explanation.condition({layer: [1]}))
    assert copy.parameters.keys() == explanation.parameters.keys() != set()
    for name, relevance in explanation.parameters.items():
        assert torch.equal(copy.parameters[name], relevance)


@pytest.mark.parametrize("asked", ["targets", "condition", "switch"])
def test_what_was_asked_on_can_be_copied(copied, asked):
    explanation = Explainer(realistic(Residual()).double()).explain(pictures(2, 16))
    asked_on = {
        "targets": lambda: explanation.retarget(targets=[1, Rather(1, than=2)]),
        "condition": lambda: explanation.condition({"one.0": [1, 2]}),
        "switch": lambda: explanation.switch(rules={"one.0": Flat()}),
    }[asked]()
    assert_same(copied(asked_on), asked_on)
    assert_same(copied(asked_on).switch(Gamma()), asked_on.switch(Gamma()))


@pytest.mark.parametrize("keep", ["layers", "input"])
def test_a_copy_has_what_was_kept_and_says_what_was_not(copied, keep):
    explanation = Explainer(realistic(Residual()).double()).explain(pictures(2, 16), targets=[1, 2], keep=keep)
    copy = copied(explanation)
    assert_same(copy, explanation)
    with pytest.raises(ValueError, match=f"kept '{keep}' only; switching rules needs"):
        copy.switch("epsilon")


def test_without_activations_the_weights_of_the_model_stay_behind():
    model, x = nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 500), nn.ReLU(), nn.Linear(500, 5)), pictures(1, 16)
    explainer = Explainer(model.double())
    assert len(pickle.dumps(explainer.explain(x, keep="input"))) < 40_000
    assert len(pickle.dumps(explainer.explain(x))) > 3_000_000


def test_the_parts_of_a_batch_that_did_not_fit_can_be_copied(copied):
    explanation = Explainer(realistic(Limited()).double()).explain(pictures(5, 16), keep="layers")
    copy = copied(explanation)
    assert_same(copy, explanation)
    assert len(copy.parts) == 3


@pytest.mark.parametrize("net", SMALL, ids=lambda net: net.name)
def test_an_explanation_is_copied_however_the_forward_is_written(net):
    small_networks()
    explanation = Explainer(net).explain(small_pictures())
    copy = WAYS["pickle"](explanation)
    assert_same(copy.switch("epsilon"), explanation.switch("epsilon"))


@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:DeprecationWarning")
@pytest.mark.parametrize("name", CASES)
def test_every_function_and_every_row_of_the_table_is_found_again(name):
    case = CASES[name]()
    explanation = Explainer(case.model).explain(case.x)
    copy = WAYS["pickle"](explanation)
    for step, other in zip(copy._tape.steps, explanation._tape.steps, strict=True):
        assert step.operation is other.operation
        assert step.function == other.function
    assert_same(copy.retarget(0), explanation.retarget(0))


IN_ANOTHER_PROCESS = """
import pickle, sys
explanation = pickle.load(sys.stdin.buffer)
sys.stdout.buffer.write(pickle.dumps([explanation.switch("epsilon").relevance, explanation.parameters["0.weight"]]))
"""


def test_an_explanation_is_asked_on_in_another_process():
    torch.manual_seed(0)
    model = nn.Sequential(nn.Conv2d(3, 4, 3), nn.BatchNorm2d(4), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten())
    explanation = Explainer(model).explain(pictures(2, 16, torch.float32))
    run = subprocess.run(
        [sys.executable, "-c", IN_ANOTHER_PROCESS], input=pickle.dumps(explanation), stdout=subprocess.PIPE, check=True
    )
    relevance, weight = pickle.loads(run.stdout)
    assert torch.allclose(relevance, explanation.switch("epsilon").relevance, atol=1e-6)
    assert torch.allclose(weight, explanation.parameters["0.weight"], atol=1e-6)


def test_weights_that_changed_after_the_explanation_are_noticed_in_the_copy(copied):
    explainer, x = Explainer(realistic(Residual())), pictures(1, 16, torch.float32)
    explanation = explainer.explain(x)
    fresh, model = copied((explanation, explainer.model))
    with torch.no_grad():
        explainer.model.head.weight.mul_(2)
    assert fresh.switch("epsilon").recomputed  # it has weights of its own
    with pytest.raises(StaleExplanationError):
        copied(explanation).switch("epsilon")
    with torch.no_grad():
        model.head.weight.mul_(2)
    with pytest.raises(StaleExplanationError):
        fresh.switch("epsilon")


def test_a_copied_explainer_explains_in_the_same_way_with_a_model_of_its_own(explained, copied):
    explainer, x, explanation = explained
    copy = copied(explainer)
    assert_same(copy.explain(x), explanation)
    assert copy.cache is not explainer.cache
    theirs, ours = (dict(each.model.named_parameters()) for each in (copy, explainer))
    assert all(theirs[name] is not weight for name, weight in ours.items())


def test_the_weights_of_a_copied_explainer_are_looked_at_again(copied):
    explainer, x = Explainer(realistic(Residual()).double()), pictures(1, 16)
    explainer.explain(x)
    copy = copied(explainer)
    with torch.no_grad():
        copy.model.head.weight[0, 0] = torch.nan
    with pytest.raises(ValueError, match=r"'head.weight' contains NaN"):
        copy.explain(x)


def test_an_explainer_that_is_loaded_elsewhere_computes_where_its_model_is():
    file = io.BytesIO()
    torch.save(Explainer(realistic(Residual())), file)
    file.seek(0)
    explainer = torch.load(file, map_location="meta", weights_only=False)
    assert explainer.device == torch.device("meta")


def _second(output):
    return output[1]


class Two(Residual):
    def forward(self, x):
        return None, super().forward(x)


def test_a_function_that_selects_the_scores_goes_along():
    explainer, x = Explainer(realistic(Two()).double(), select=_second), pictures(1, 16)
    assert_same(WAYS["pickle"](explainer).explain(x), explainer.explain(x))


def test_a_nameless_function_needs_cloudpickle():
    explainer, x = Explainer(realistic(Two()).double(), select=lambda output: output[1]), pictures(1, 16)
    with pytest.raises((pickle.PicklingError, AttributeError), match="lambda"):
        pickle.dumps(explainer)
    assert_same(WAYS["cloudpickle"](explainer).explain(x), explainer.explain(x))
    composite = Composite([(lambda place: place.kind == "conv", ZPlus()), ("*", Flat())])
    explanation = Explainer(realistic(Residual()).double(), composite).explain(x)
    copy = WAYS["cloudpickle"](explanation)
    assert torch.equal(copy.relevance, explanation.relevance)


def test_composites_rules_and_patterns_are_copied(copied):
    composite = Composite([(Kind("conv"), ZPlus(0.1)), ("*", Gamma(0.5))], "mine")
    assert copied(composite) == composite
    explainer, x = Explainer(realistic(Residual()).double()), pictures(2, 16)
    fitted = patterns.fit(explainer, [x])
    expected = explainer.explain(x).switch(fitted.attribution())
    assert torch.equal(explainer.explain(x).switch(copied(fitted).attribution()).relevance, expected.relevance)


class LogGamma(nn.Module):
    def forward(self, x):
        return torch.lgamma(x)


def test_a_registered_operation_must_be_registered_where_the_explanation_is_loaded(monkeypatch):
    model, x = nn.Sequential(LogGamma(), nn.Flatten(), nn.Linear(3 * 256, 5)).double(), pictures(1, 16)
    before = dict(operations.OPERATIONS)
    with pytest.raises(UnknownOperationError):
        Explainer(model).explain(x)
    monkeypatch.setattr(operations, "OPERATIONS", dict(before))
    operations.register(torch.lgamma, operations.Activation())
    explanation = Explainer(model).explain(x)
    content = pickle.dumps(explanation)
    assert_same(pickle.loads(content), explanation)
    monkeypatch.setattr(operations, "OPERATIONS", before)
    with pytest.raises(LookupError, match=r"an entry Activation for `lgamma` that the operation table lacks"):
        pickle.loads(content)
