"""PatternNet and PatternAttribution against their definitions, on data whose signal is known."""

import pytest
import torch
import torch.nn.functional as F
from torch import nn

from lrpwidgets.lrp import Explainer, patterns
from tests.lrp.dense import assert_near
from tests.lrp.networks import realistic


def _distracted(samples=4000):
    """y is the signal s along (1, 0); the distractor d along (1, 1) is what the weights must cancel."""
    torch.manual_seed(0)
    s, d = torch.randn(2, samples, 1).double()
    return s * torch.tensor([1.0, 0.0]) + d * torch.tensor([1.0, 1.0])


def _network():
    torch.manual_seed(0)
    return realistic(
        nn.Sequential(
            *(nn.Conv2d(2, 6, 3, stride=2, padding=1, groups=2), nn.BatchNorm2d(6), nn.ReLU()),
            *(nn.Conv2d(6, 4, 3, padding=1), nn.ReLU(), nn.Flatten(), nn.Linear(64, 5), nn.ReLU(), nn.Linear(5, 3)),
        )
    ).double()


def _pictures(samples=40):
    torch.manual_seed(3)
    return F.avg_pool2d(torch.randn(samples, 2, 10, 10).double(), 3, 1) + 0.2


def test_a_pattern_is_the_direction_of_the_signal_and_not_of_the_weights():
    model = nn.Linear(2, 1, bias=False).double()
    with torch.no_grad():
        model.weight.copy_(torch.tensor([[1.0, -1.0]]))
    found = patterns.fit(Explainer(nn.Sequential(model)), _distracted().split(500)).tensors["0"]
    assert_near(found, torch.tensor([[1.0, 0.0]]).double(), 0.05)
    assert_near((found * model.weight).sum(), torch.tensor(1.0).double())


def test_patterns_agree_with_their_formula():
    model, x = _network(), _pictures()
    found = patterns.fit(Explainer(model), x.split(7))
    assert found.rectified == {"0": True, "3": True, "6": True, "8": False}
    dense = model[:6](x)
    y = F.linear(dense, model[6].weight, model[6].bias)
    for unit in range(5):
        active = y[:, unit] > 0
        inputs, outputs = dense[active], y[active, unit]
        covariance = (inputs * outputs[:, None]).mean(0) - inputs.mean(0) * outputs.mean()
        assert_near(found.tensors["6"][unit], covariance / (model[6].weight[unit] @ covariance))


def test_the_patterns_of_a_convolution_are_those_of_its_patches():
    model, x = _network(), _pictures()
    found = patterns.fit(Explainer(model), [x]).tensors["3"]
    inputs = model[:3](x)
    patches = F.unfold(inputs, 3, padding=1).movedim(1, -1).flatten(0, 1)
    y = model[3](inputs).flatten(2).movedim(1, -1).flatten(0, 1)
    for unit in range(4):
        active = y[:, unit] > 0
        signal, outputs = patches[active], y[active, unit]
        covariance = (signal * outputs[:, None]).mean(0) - signal.mean(0) * outputs.mean()
        weight = model[3].weight[unit].flatten()
        assert_near(found[unit].flatten(), covariance / (weight @ covariance))


@pytest.mark.parametrize("kind", ["attribution", "signal"])
def test_explanations_are_gradients_with_the_weights_exchanged(kind):
    model, x = _network(), _pictures()
    model = nn.Sequential(*list(model)[5:])
    x = torch.relu(torch.randn(30, 64).double() + 0.3)
    found = patterns.fit(Explainer(model), [x])
    explanation = Explainer(model, getattr(found, kind)()).explain(x[:3], 1)
    first, second = (found.tensors[name] for name in ("1", "3"))
    if kind == "attribution":
        first, second = first * model[1].weight, second * model[3].weight
    hidden = second[1] * explanation.scores[:, 1:2] * (model[:2](x[:3]) > 0)
    assert_near(explanation.relevance, hidden @ first)
    assert explanation.ledger.imbalance < 1e-9


def test_the_ledger_balances_and_attribution_loses_at_silent_outputs_and_borders_alone():
    explainer, x = Explainer(_network()), _pictures()
    found = patterns.fit(explainer, x.split(10))
    base = explainer.explain(x[:2])
    for composite in (found.attribution(), found.signal()):
        explanation = base.switch(composite)
        assert explanation.ledger.imbalance < 1e-9
        assert explanation.composite.name in ("pattern_attribution", "pattern_net")
    rows = {row.name: row for row in base.switch(found.attribution()).ledger.rows}
    assert_near(rows["8"].handed, rows["8"].received)


def test_nothing_to_fit_and_nothing_to_save_are_said():
    with pytest.raises(ValueError, match="no batch was given"):
        patterns.fit(Explainer(_network()), [])
    found = patterns.fit(Explainer(_network()), [_pictures()])
    with pytest.raises(ValueError, match="has no text form"):
        found.attribution().to_dict()
