"""The ledger: every bit of the explained score is accounted for, each term from its own formula."""

import pytest
import torch
import torch.nn.functional as F
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from torch import nn

from lrpwidgets.lrp import Composite, Explainer, Rather, composites
from lrpwidgets.lrp.rules import (
    AlphaBeta,
    Epsilon,
    Flat,
    Gamma,
    Half,
    Proportional,
    Signal,
    WSquare,
    ZBox,
    Zero,
    ZPlus,
)
from lrpwidgets.lrp.selectors import Kind
from tests.lrp.dense import assert_near
from tests.lrp.networks import (
    HIGH,
    LOW,
    SMALL,
    Fire,
    Residual,
    alexnet,
    pictures,
    realistic,
    resnet18,
    small_networks,
    small_pictures,
    squeezenet,
    vgg16,
)

PRESETS = {
    name: composites.get(name, **({"low": LOW, "high": HIGH} if composites.takes_bounds(name) else {}))
    for name in composites.names()
}
UNIFORM = [
    Zero(),
    Epsilon(0.3),
    Gamma(),
    AlphaBeta(1.4),
    AlphaBeta(2),
    ZPlus(),
    Flat(),
    WSquare(),
    ZBox(-3.0, 3.0),
]


def assert_balanced(explanation, tolerance=1e-9):
    ledger = explanation.ledger
    accounted = ledger.reached_input + ledger.bias + ledger.stabilizer + ledger.rules
    scale = torch.stack([ledger.explained, ledger.reached_input, ledger.bias, ledger.stabilizer, ledger.rules])
    error = (accounted - ledger.explained).abs() / scale.abs().amax(0)
    assert float(error.max()) < tolerance
    assert ledger.imbalance < tolerance
    for row in ledger.rows:
        parts = torch.stack([row.received, row.handed, row.bias, row.stabilizer, row.rules])
        error = (parts[1:].sum(0) - row.received).abs() / (1 + parts.abs().amax(0))  # sums are as exact as their terms
        assert float(error.max()) < tolerance


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("net", SMALL, ids=lambda net: net.name)
def test_the_ledger_adds_up_to_the_explained_score(net, preset):
    small_networks()
    assert_balanced(Explainer(net, PRESETS[preset]).explain(small_pictures(), 1))


@pytest.mark.parametrize("rule", UNIFORM, ids=str)
@pytest.mark.parametrize("build", [Residual, Fire], ids=["residual", "fire"])
def test_the_ledger_adds_up_under_one_rule_for_every_layer(build, rule):
    model = realistic(build()).double()
    composite = Composite([("maxpool", rule), ("*", rule)])
    assert_balanced(Explainer(model, composite).explain(pictures(2, 16), torch.tensor([1.0, 0, -1, 2, 0])))


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "build",
    [alexnet, lambda: vgg16(norm=True), resnet18, squeezenet],
    ids=["alexnet", "vgg16_bn", "resnet18", "squeezenet"],
)
def test_the_ledger_adds_up_in_float32(build, preset):
    assert_balanced(Explainer(build(), PRESETS[preset]).explain(pictures(1, 64, torch.float32)), 1e-5)


def test_the_explained_score_is_the_score_times_its_weight():
    net, x = small_networks()[0], small_pictures()
    explanation = Explainer(net).explain(x, torch.tensor([1.0, -1, 0, 0, 0]))
    expected = explanation.scores[:, 0] - explanation.scores[:, 1]
    assert torch.allclose(explanation.ledger.explained, expected)
    assert torch.allclose(explanation.ledger.reached_input, explanation.relevance.flatten(1).sum(1))


@pytest.mark.parametrize("rule", [Zero(), Epsilon(1e-12), Gamma(stabilizer=1e-12), ZPlus(stabilizer=1e-12)], ids=str)
def test_a_network_without_biases_conserves(rule):
    torch.manual_seed(0)
    model = nn.Sequential(
        *(
            nn.Conv2d(3, 6, 3, bias=False),
            nn.ReLU(),
            nn.MaxPool2d(2),
            nn.Conv2d(6, 8, 3, bias=False),
            nn.ReLU(),
        ),
        *(nn.AvgPool2d(2), nn.Flatten(), nn.Linear(32, 4, bias=False)),
    ).double()
    ledger = Explainer(model, rule).explain(torch.rand(2, 3, 14, 14, dtype=torch.float64)).ledger
    assert torch.allclose(ledger.reached_input, ledger.explained, rtol=1e-5)
    assert float(ledger.bias.abs().max()) == 0


@pytest.mark.parametrize(
    "rule", [Flat(stabilizer=1e-12), WSquare(stabilizer=1e-12), ZBox(-1.0, 2.0, stabilizer=1e-12)], ids=str
)
def test_a_first_layer_rule_conserves_without_biases(rule):
    model = nn.Sequential(
        nn.Conv2d(3, 6, 3, bias=False), nn.ReLU(), nn.Flatten(), nn.Linear(216, 4, bias=False)
    ).double()
    composite = Composite([("first", rule), ("*", Zero())])
    ledger = Explainer(model, composite).explain(torch.rand(2, 3, 8, 8, dtype=torch.float64)).ledger
    assert torch.allclose(ledger.reached_input, ledger.explained)


def test_what_alpha2_beta1_creates_is_a_negative_entry_of_its_rule():
    layer = nn.Linear(3, 2, bias=False).double()
    with torch.no_grad():
        layer.weight.abs_()
    explanation = Explainer(nn.Sequential(layer), AlphaBeta(2)).explain(torch.rand(1, 3).double(), 0)
    score = explanation.scores[0, 0]
    assert torch.allclose(explanation.ledger.rules, -score)  # nothing counts against: the share −β·R has no place
    assert torch.allclose(explanation.ledger.reached_input, 2 * score, rtol=1e-5)


def test_what_gamma_drops_at_silent_units_is_an_entry_of_its_rule():
    silent, head = nn.Linear(3, 2, bias=False), nn.Linear(2, 1)
    with torch.no_grad():
        silent.weight[0] = 0
    model = nn.Sequential(silent, head).double()
    explanation = Explainer(model, Composite([("0", Gamma()), ("1", Flat())])).explain(torch.rand(1, 3).double())
    assert torch.allclose(explanation.ledger.rules, explanation.scores[0] / 2, rtol=1e-5)
    assert_balanced(explanation)


def test_a_large_epsilon_shows_as_absorbed_by_the_stabilizer():
    net, x = small_networks()[0], small_pictures()
    little, much = (Explainer(net, Epsilon(epsilon)).explain(x, 1).ledger for epsilon in (1e-9, 10.0))
    assert bool((little.stabilizer.abs() < 1e-6).all())
    assert bool((much.stabilizer.abs() > 0.3 * much.explained.abs()).all())


def test_the_ledger_has_one_row_per_step_from_the_output_down():
    explanation = Explainer(realistic(Residual()).double()).explain(pictures(2, 16))
    assert [row.name for row in explanation.ledger.rows] == [layer.name for layer in explanation.layers][::-1]
    assert torch.equal(explanation.ledger.rows[0].received, explanation.ledger.explained)


def test_the_frame_has_one_line_per_step_and_sample():
    explanation = Explainer(realistic(Residual()).double()).explain(pictures(2, 16))
    frame = explanation.ledger.to_frame()
    assert list(frame.columns) == [
        "sample",
        "name",
        "kind",
        "rule",
        "received",
        "handed",
        "bias",
        "stabilizer",
        "rules",
        "positions",
    ]
    assert len(frame) == 2 * len(explanation.layers)
    totals = frame.groupby("sample")[["bias", "stabilizer", "rules"]].sum()
    for term in totals:
        assert totals[term].to_numpy() == pytest.approx(getattr(explanation.ledger, term).numpy())


class Gated(nn.Module):
    """A signal times a gate that is computed from another input."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.gate = nn.Linear(4, 4).double()

    def forward(self, x, y):
        return x * self.gate(y.tanh()).sigmoid()


def test_a_gate_that_gets_nothing_any_more_after_a_switch_hands_nothing_on():
    model, inputs = Gated(), torch.randn(2, 2, 4, dtype=torch.float64).unbind(0)
    explanation = Explainer(model, Composite([(Kind("product"), Half()), ("*", Epsilon())])).explain(inputs, 1)
    switched = explanation.switch(rules={"mul": Signal()})
    assert_same(switched.relevance, Explainer(model, switched.composite).explain(inputs, 1).relevance)
    assert_balanced(switched)
    assert_balanced(switched.switch(rules={"mul": Half()}))


# Random networks.

PIECEWISE_LINEAR = {
    "conv": lambda net, x: net.conv(x),
    "strided": lambda net, x: net.strided(x),
    "pointwise": lambda net, x: net.pointwise(x),
    "transposed": lambda net, x: net.transposed(x),
    "norm": lambda net, x: net.norm(x),
    "conv and norm": lambda net, x: net.norm(net.conv(x)),
    "relu": lambda net, x: x.relu(),
    "relu in place": lambda net, x: (x + 0).relu_(),
    "leaky in place": lambda net, x: F.leaky_relu(net.conv(x), 0.2, inplace=True),
    "residual": lambda net, x: x + net.conv(x.relu()),
    "add in place": lambda net, x: net.pointwise(x).add_(x, alpha=0.5),
    "difference": lambda net, x: x - net.pointwise(x),
    "minus": lambda net, x: 0.3 - x,
    "max pool": lambda net, x: F.max_pool2d(x, 2, 1, 1),
    "average pool": lambda net, x: F.avg_pool2d(x, 3, 1, 1),
    "cat": lambda net, x: torch.cat([x[:, :2], net.conv(x)[:, 1:3]], dim=1),
    "swap": lambda net, x: torch.cat(x.chunk(2, dim=1)[::-1], dim=1),
    "set item": lambda net, x: _with_row(net.conv(x)),
    "turn": lambda net, x: x.transpose(2, 3).flip(2),
    "pad": lambda net, x: F.pad(x, (1, 0, 0, 1)),
    "mean": lambda net, x: x + x.mean((2, 3), keepdim=True),
    "scale": lambda net, x: x * 0.7,
    "dense": lambda net, x: (x.movedim(1, -1) @ net.matrix).movedim(-1, 1),
    "einsum": lambda net, x: torch.einsum("bchw,cd->bdhw", x, net.matrix),
    "stack": lambda net, x: torch.stack([*x.unbind(1)[1:], x[:, 0]], dim=1),
    "interpolate": lambda net, x: F.interpolate(x, (5, 4), mode="bilinear"),
    "through a view": lambda net, x: _through_a_view(net.conv(x), x),
    "time first": lambda net, x: _time_first(net, x),
    "plus another input": lambda net, x: x + net.other,
}
CURVED = {
    "gate": lambda net, x: x * torch.sigmoid(net.pointwise(x)),
    "squeeze and excitation": lambda net, x: net.pointwise(x.mean((2, 3), keepdim=True)).sigmoid() * x,
    "attention": lambda net, x: _attention(net, x),
    "layer norm": lambda net, x: F.layer_norm(x.movedim(1, -1), (4,), net.scale, net.shift).movedim(-1, 1),
    "group norm": lambda net, x: F.group_norm(x, 2, net.scale, net.shift, eps=0.1),
    "local response norm": lambda net, x: F.local_response_norm(x, 3, 0.5),
    "product": lambda net, x: x * net.conv(x),
    "over its norm": lambda net, x: x / (x.norm(dim=1, keepdim=True) + 0.1),
    "normalize": lambda net, x: F.normalize(x + 0.1, dim=1),
    "rms": lambda net, x: x * torch.rsqrt(x.square().mean(1, keepdim=True) + 0.1),
    "gelu": lambda net, x: F.gelu(x),
    "silu in place": lambda net, x: F.silu(net.conv(x), inplace=True),
    "times another input": lambda net, x: x * net.other.sigmoid(),
    "of two signals": lambda net, x: net.pointwise(x) * net.other,
}
STEPS = PIECEWISE_LINEAR | CURVED


def _with_row(x):
    x[:, 0] = x[:, 1]
    x[:, 2, 0] = 0.5
    return x


def _through_a_view(y, x):
    y[:, :2].mul_(0.5).add_(x[:, 2:])
    y.flatten(2)[:, 3].neg_()
    return y


def _time_first(net, x):
    rows = x.permute(3, 0, 2, 1)  # (time, samples, ..., channels)
    out = torch.zeros_like(rows)
    for time in range(len(rows)):
        out[time] = rows[time] @ net.matrix + (out[time - 1] if time else 0)
    return out.permute(1, 3, 2, 0)


def _attention(net, x):
    tokens = x.flatten(2).transpose(1, 2)
    logits = (tokens @ net.matrix) @ tokens.transpose(1, 2) / 2
    return (logits.softmax(-1) @ tokens).transpose(1, 2).unflatten(2, x.shape[2:])


class Random(nn.Module):
    """A chain of steps that share one set of layers, so that most modules are called several times."""

    def __init__(self, names, seed):
        super().__init__()
        torch.manual_seed(seed)
        self.names = names
        self.conv, self.strided = (
            nn.Conv2d(4, 4, 3, padding=1),
            nn.Conv2d(4, 4, 2, stride=2, padding=1, groups=2),
        )
        self.pointwise = nn.Conv2d(4, 4, 1, bias=False)
        self.transposed = nn.ConvTranspose2d(4, 4, 2, stride=2, groups=2)
        self.norm = nn.BatchNorm2d(4)
        self.matrix = nn.Parameter(torch.randn(4, 4))
        self.scale, self.shift = nn.Parameter(torch.rand(4) + 0.5), nn.Parameter(torch.randn(4))
        self.stem = nn.Conv2d(4, 4, 1)  # relevance passes what stands before the first layer with weights unchanged
        self.head = nn.Linear(4, 3)
        realistic(self, seed).double()

    def forward(self, x, other):
        x, self.other = self.stem(x), other
        for name in self.names:
            x = STEPS[name](self, x)
        return self.head(F.adaptive_max_pool2d(x, 1).flatten(1))


def _inputs():
    return torch.randn(2, 4, 5, 5, dtype=torch.float64), torch.randn(2, 4, 1, 1, dtype=torch.float64)


def assert_same(found, fresh):
    """The relevance of both inputs, bit for bit."""
    for one, other in zip(found, fresh, strict=True):
        assert torch.equal(one, other)


# LRP-0 may divide by a sum of 1e-7, and rounding errors grow with it; a wrong formula is off by far more.
RANDOM = 1e-6
rules = st.sampled_from([*UNIFORM, Epsilon(0.2, relative=True)])
product_rules = st.sampled_from([Signal(), Half(), Half(0.1), Proportional(0.1)])


def _composite(first, conv, pool, rest, product, matmul):
    response = Epsilon() if isinstance(rest, WSquare) else rest  # its squared weights are not defined
    return Composite(
        [
            *(("first", first), (Kind("conv"), conv), (Kind("maxpool"), pool), ("local_response_norm*", response)),
            *((Kind("product"), product), (Kind("matmul"), matmul), ("*", rest)),
        ]
    )


@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=8),
    seed=st.integers(0, 1000),
    entries=st.tuples(rules, rules, rules, rules, product_rules, product_rules),
    data=st.data(),
)
def test_random_networks_balance_and_switch_to_what_a_fresh_explanation_gives(names, seed, entries, data):
    model, inputs = Random(names, seed), _inputs()
    explainer = Explainer(model, _composite(*entries))
    explanation = explainer.explain(inputs, 1)
    assert_near(explanation.scores, model(*inputs).detach(), 1e-12)  # a norm is recorded as its parts, which round
    assert_balanced(explanation, RANDOM)
    takers = [layer.name for layer in explanation.layers if layer.takes_rule and "response" not in layer.name]
    name = data.draw(st.sampled_from(takers))
    rule = data.draw(product_rules if explanation[name].kind in ("product", "matmul") else rules)
    switched = explanation.switch(rules={name: rule}).retarget(2)
    assert_same(switched.relevance, Explainer(model, switched.composite).explain(inputs, 2).relevance)
    assert_balanced(switched, RANDOM)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
    entries=st.tuples(rules, rules, rules, rules, product_rules, product_rules),
)
def test_several_targets_are_explained_as_each_alone_on_random_networks(names, seed, entries):
    model, inputs = Random(names, seed), _inputs()
    explainer, asked = Explainer(model, _composite(*entries)), [2, Rather(0, than=1), [1, 0]]
    together = explainer.explain(inputs, targets=asked)
    assert_balanced(together, RANDOM)
    for number, target in enumerate(asked):
        alone = explainer.explain(inputs, target)
        for whole, part in zip(together.relevance, alone.relevance, strict=True):
            assert_near(whole[number], part, RANDOM)
        for term in ("explained", "reached_input", "bias", "stabilizer", "rules"):
            scale = max(float(getattr(alone.ledger, term).abs().max()) for term in ("explained", "bias", "rules"))
            difference = getattr(together.ledger, term)[number] - getattr(alone.ledger, term)
            assert float(difference.abs().max()) <= RANDOM * (scale + float(getattr(alone.ledger, term).abs().max()))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(
    names=st.lists(st.sampled_from(sorted(STEPS)), min_size=1, max_size=6),
    seed=st.integers(0, 1000),
    entries=st.tuples(rules, rules, rules, rules, product_rules, product_rules),
)
def test_a_batch_is_explained_as_its_samples_are_on_random_networks(names, seed, entries):
    model, inputs = Random(names, seed), _inputs()
    explainer = Explainer(model, _composite(*entries))
    together = explainer.explain(inputs, 1)
    for number in range(2):
        alone = explainer.explain(tuple(x[number : number + 1] for x in inputs), 1)
        for whole, part in zip(together.relevance, alone.relevance, strict=True):
            assert_near(whole[number], part[0], RANDOM)
        for term in ("explained", "reached_input", "bias", "stabilizer", "rules"):
            scale = max(float(getattr(alone.ledger, term).abs().max()) for term in ("explained", "bias", "rules"))
            difference = getattr(together.ledger, term)[number] - getattr(alone.ledger, term)[0]
            assert float(difference.abs()) <= RANDOM * (scale + float(getattr(alone.ledger, term).abs()))


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize=True)
@given(names=st.lists(st.sampled_from(sorted(PIECEWISE_LINEAR)), min_size=1, max_size=8), seed=st.integers(0, 1000))
def test_zero_equals_gradient_times_input_on_random_networks(names, seed):
    model, inputs = Random(names, seed), _inputs()
    leaves = tuple(x.clone().requires_grad_() for x in inputs)
    gradients = torch.autograd.grad(model(*leaves)[:, 1].sum(), leaves, materialize_grads=True, allow_unused=True)
    expected = [gradient * x for gradient, x in zip(gradients, inputs, strict=True)]
    scale = max(float(each.abs().max()) for each in expected) + 1e-9
    for relevance, each in zip(Explainer(model, Zero()).explain(inputs, 1).relevance, expected, strict=True):
        assert torch.allclose(relevance, each, rtol=0, atol=1e-9 * scale)
