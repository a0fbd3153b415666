"""Every rule against the dense matrix, over the shapes that linear layers come in."""

import json
from collections.abc import Callable
from dataclasses import dataclass, fields

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from lrpwidgets.lrp import Composite, Explainer, rules
from lrpwidgets.lrp.rules import AlphaBeta, Epsilon, Flat, Gamma, LinearRule, Pass, WSquare, ZBox, Zero, ZPlus
from tests.lrp.dense import Dense, account, assert_near, dense


class Function(nn.Module):
    """A layer written as a function of its input."""

    def __init__(self, name: str, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.name, self.function = name, function

    def forward(self, x: Tensor) -> Tensor:
        return self.function(x)

    def extra_repr(self) -> str:
        return self.name


def _halves(function: Callable[[Tensor, Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    return lambda x: function(*x.chunk(2, dim=1))


def _batch_norm(features: int, norm: type[nn.Module] = nn.BatchNorm2d) -> nn.Module:
    made = norm(features)
    with torch.no_grad():
        for tensor in (made.running_mean, made.weight, made.bias):
            tensor.normal_()
        made.running_var.uniform_(0.5, 2)
    return made.eval()


torch.manual_seed(0)
WEIGHTED = [
    (nn.Linear(6, 4), (6,)),
    (nn.Linear(6, 4, bias=False), (6,)),
    (nn.Linear(5, 3), (4, 5)),
    (nn.Conv1d(2, 3, 3), (2, 9)),
    (nn.Conv1d(4, 6, 4, stride=3, padding=2, groups=2, bias=False), (4, 11)),
    (nn.Conv1d(2, 3, 3, padding="same", dilation=2), (2, 8)),
    (nn.Conv1d(2, 3, 4, padding="same"), (2, 8)),
    (nn.Conv2d(3, 4, 3), (3, 6, 5)),
    (nn.Conv2d(3, 4, 3, bias=False), (3, 6, 6)),
    (nn.Conv2d(3, 4, 1), (3, 4, 4)),
    (nn.Conv2d(2, 4, 3, padding=1), (2, 5, 5)),
    (nn.Conv2d(2, 4, 5, stride=2, padding=2), (2, 7, 7)),
    (nn.Conv2d(2, 4, 2, stride=3), (2, 7, 7)),  # the last row and column reach no output
    (nn.Conv2d(2, 4, (3, 1), stride=(1, 2), padding=(0, 1)), (2, 5, 6)),
    (nn.Conv2d(2, 4, 3, padding=2, dilation=2), (2, 6, 6)),
    (nn.Conv2d(2, 4, 3, padding="same"), (2, 5, 5)),
    (nn.Conv2d(2, 4, 4, padding="same"), (2, 6, 6)),
    (nn.Conv2d(2, 4, (2, 3), padding="same", dilation=(1, 2), bias=False), (2, 6, 6)),
    (nn.Conv2d(2, 4, 3, padding="valid"), (2, 5, 5)),
    (nn.Conv2d(4, 6, 3, groups=2, padding=1), (4, 5, 5)),
    (nn.Conv2d(4, 4, 3, groups=4, stride=2, bias=False), (4, 7, 7)),
    (nn.Conv2d(4, 8, 3, groups=4), (4, 5, 5)),
    (nn.Conv3d(2, 3, 2), (2, 3, 4, 4)),
    (nn.Conv3d(2, 4, 3, stride=(1, 2, 2), padding=1, groups=2, bias=False), (2, 3, 4, 4)),
    (nn.ConvTranspose1d(2, 3, 4, stride=2, padding=1), (2, 6)),
    (nn.ConvTranspose2d(2, 3, 3), (2, 4, 4)),
    (nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2), (2, 4, 4)),
    (nn.ConvTranspose2d(4, 4, 2, stride=3, output_padding=(1, 2), groups=4, bias=False), (4, 3, 3)),
    (nn.ConvTranspose2d(2, 3, 3, dilation=2), (2, 4, 4)),
    (nn.ConvTranspose3d(2, 2, 2, stride=2), (2, 2, 3, 3)),
    (nn.Sequential(nn.Conv2d(2, 4, 3), _batch_norm(4)), (2, 5, 5)),
    (nn.Sequential(nn.Conv2d(2, 4, 3, bias=False), _batch_norm(4)), (2, 5, 5)),
    (nn.Sequential(nn.Conv2d(4, 6, 3, groups=2, stride=2), _batch_norm(6)), (4, 5, 5)),
    (nn.Sequential(nn.ConvTranspose2d(4, 6, 3, groups=2, stride=2), _batch_norm(6)), (4, 3, 3)),
    (nn.Sequential(nn.Linear(6, 4), _batch_norm(4, nn.BatchNorm1d)), (6,)),
]
AVERAGES = [
    (nn.AvgPool1d(3, padding=1), (2, 9)),
    (nn.AvgPool2d(2), (3, 6, 5)),
    (nn.AvgPool2d(3, stride=2, padding=1), (2, 7, 7)),
    (nn.AvgPool2d(3, stride=2, padding=1, count_include_pad=False), (2, 7, 7)),
    (nn.AvgPool2d(2, ceil_mode=True), (2, 5, 5)),
    (nn.AvgPool3d(2), (2, 4, 4, 4)),
    (nn.AdaptiveAvgPool2d(3), (2, 7, 5)),
    (nn.AdaptiveAvgPool2d(5), (2, 3, 3)),
    (nn.AdaptiveAvgPool2d(1), (2, 3, 3)),
    (Function("mean", lambda x: x.mean((2, 3))), (3, 4, 4)),
    (Function("mean keepdim", lambda x: torch.mean(x, dim=1, keepdim=True)), (3, 4, 4)),
    (Function("sum of an axis", lambda x: x.sum(1)), (3, 4)),
]
SUMS = [
    (Function("a + b", _halves(lambda a, b: a + b)), (6, 3)),
    (Function("a - b", _halves(lambda a, b: a - b)), (6, 3)),
    (Function("a + 2 b", _halves(lambda a, b: torch.add(a, b, alpha=2))), (6, 3)),
    (Function("a - 3 b", _halves(lambda a, b: torch.sub(a, b, alpha=3))), (6, 3)),
    (Function("b - 2 a", _halves(lambda a, b: torch.rsub(a, b, alpha=2))), (6, 3)),
    (Function("b - a", _halves(lambda a, b: torch.rsub(a, other=b))), (6, 3)),
    (Function("a += b", _halves(lambda a, b: a.clone().add_(b, alpha=-0.5))), (6, 3)),
    (Function("a[:1] + b", _halves(lambda a, b: a[:, :1] + b)), (6, 3)),
    (Function("a + b[0]", _halves(lambda a, b: a + b[:, 0, :1, None])), (6, 3, 2)),
    (Function("1 - a", lambda x: 1 - x), (6,)),
    (Function("a + constant", lambda x: torch.linspace(-1, 1, 4, dtype=x.dtype) + x), (3, 4)),
    (Function("a - constant", lambda x: x - torch.ones(3, 1, dtype=x.dtype)), (3, 4)),
    (_batch_norm(3), (3, 4, 4)),
    (_batch_norm(3, nn.BatchNorm1d), (3, 4)),
    (_batch_norm(5, nn.BatchNorm1d), (5,)),
    (_batch_norm(2, nn.BatchNorm3d), (2, 2, 2, 2)),
]
LAYERS = WEIGHTED + AVERAGES + SUMS
RULES = [
    Zero(),
    Epsilon(),
    Epsilon(0.5),
    Epsilon(0.25, relative=True),
    Gamma(),
    Gamma(3.0, stabilizer=0.1),
    AlphaBeta(1),
    AlphaBeta(1.4),
    AlphaBeta(2),
    ZPlus(),
    Flat(),
    WSquare(),
    WSquare(bias=False),
    ZBox(-6.0, 5.0),
]


@pytest.mark.parametrize("front", [nn.Identity(), nn.ReLU()], ids=["signed", "non-negative"])
@pytest.mark.parametrize("rule", RULES, ids=str)
@pytest.mark.parametrize(("layer", "shape"), LAYERS, ids=str)
def test_a_rule_agrees_with_the_dense_matrix(layer, shape, rule, front):
    layer = layer.double().eval()
    torch.manual_seed(1)
    x = torch.randn(2, *shape, dtype=torch.float64)
    model = nn.Sequential(front, layer, nn.Flatten()).eval()
    target = torch.randn(model(x).shape, dtype=torch.float64)
    explanation = Explainer(model, rule).explain(x, target)
    averages = any(layer is each for each, _ in AVERAGES)
    for sample, received in enumerate((explanation.scores * target).detach()):
        expected = account(rule, dense(layer, front(x[sample]), averages), received)
        assert_near(explanation.relevance[sample].flatten(), expected.handed)
        for term in ("bias", "stabilizer", "rules"):
            found = getattr(explanation.ledger, term)[sample]
            assert_near(found, getattr(expected, term), of=torch.cat([received, found[None]]))


@pytest.mark.parametrize("mode", ["reflect", "replicate", "circular"])
@pytest.mark.parametrize("rule", RULES, ids=str)
def test_relevance_on_mirrored_padding_returns_to_the_pixels_that_were_mirrored(rule, mode):
    torch.manual_seed(1)
    layer = nn.Conv2d(2, 3, 3, padding=1, padding_mode=mode).double()
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64)
    target = torch.randn(1, 75, dtype=torch.float64)
    explanation = Explainer(nn.Sequential(layer, nn.Flatten()), rule).explain(x, target)

    def pad(x):
        return F.pad(x, (1, 1, 1, 1), mode=mode)

    def inner(x):
        return F.conv2d(x, layer.weight, layer.bias)

    expected = account(rule, dense(inner, pad(x)[0]), (explanation.scores * target)[0].detach())
    origin = torch.autograd.functional.jacobian(pad, x).reshape(-1, x.numel())
    assert_near(explanation.relevance.flatten(), expected.handed @ origin)


def test_zeros_around_an_input_get_nothing_from_flat_and_on_one_side_they_absorb_it():
    x = torch.randn(1, 2, 5, 5, dtype=torch.float64)
    layer = nn.Conv2d(2, 3, 3).double()
    around = Explainer(nn.Sequential(nn.ZeroPad2d(1), layer, nn.Flatten()), Flat()).explain(x, 3)
    assert float(around.ledger.bias) == 0
    assert around.ledger.imbalance < 1e-9
    beside = nn.Sequential(nn.ZeroPad2d((2, 0, 2, 0)), layer, nn.Flatten())  # a convolution has no such padding
    explanation = Explainer(beside, Flat()).explain(x, 3)
    assert float(explanation.ledger.bias.abs()) > 0.1 * float(explanation.ledger.explained.abs())
    assert explanation.ledger.imbalance < 1e-9


def test_padding_with_minus_infinity_keeps_the_ledger_finite():
    pad = Function("pad", lambda x: F.max_pool2d(F.pad(x, (1, 1, 1, 1), value=-torch.inf), 3, 2))
    model = nn.Sequential(pad, nn.Flatten(), nn.Linear(18, 3)).double()
    explanation = Explainer(model, Zero()).explain(torch.randn(2, 2, 5, 5, dtype=torch.float64))
    assert explanation.ledger.imbalance < 1e-9


@pytest.mark.parametrize("layer", [nn.Conv2d(2, 2, 3, padding=1), nn.Linear(4, 4), nn.BatchNorm2d(2)], ids=str)
def test_pass_hands_relevance_on_unchanged(layer):
    x = torch.randn(2, 2, 4, 4)
    explanation = Explainer(nn.Sequential(layer, nn.Flatten()).eval(), Pass()).explain(x, 3)
    assert torch.equal(explanation.relevance.flatten(1), explanation.scores * explanation.target)


def test_pass_refuses_a_layer_that_changes_the_shape():
    model = nn.Sequential(nn.Linear(4, 3))
    with pytest.raises(ValueError, match=r"0: Pass needs one input shaped like the output \(1, 3\)"):
        Explainer(model, Pass()).explain(torch.randn(1, 4))


def test_zbox_takes_one_pair_of_bounds_per_channel():
    torch.manual_seed(0)
    layer = nn.Conv2d(3, 4, 3, padding=1).double()
    x = torch.rand(2, 3, 5, 5, dtype=torch.float64)
    rule = ZBox((-0.5, -1.0, -2.0), (1.0, 2.0, 1.5))
    target = torch.randn(2, 100, dtype=torch.float64)
    explanation = Explainer(nn.Sequential(layer, nn.Flatten()), rule).explain(x, target)
    for sample, received in enumerate((explanation.scores * target).detach()):
        assert_near(explanation.relevance[sample].flatten(), account(rule, dense(layer, x[sample]), received).handed)


def test_zbox_says_when_its_bounds_do_not_fit_the_channels():
    with pytest.raises(ValueError, match=r"0: ZBox has bounds for 2 channels, but its input .* has 3"):
        Explainer(nn.Sequential(nn.Conv2d(3, 4, 3), nn.Flatten()), ZBox((0.0, 0.0), (1.0, 1.0))).explain(
            torch.rand(1, 3, 5, 5)
        )


@pytest.mark.parametrize("rule", [rule for rule in RULES if rule != Flat()], ids=str)  # counts zero weights too
def test_a_rule_agrees_below_a_layer_that_gives_relevance_to_silent_units(rule):
    """Flat above hands relevance to units that are exactly 0, which no rule of contributions does."""
    torch.manual_seed(0)
    lower = nn.Linear(6, 5, bias=False).double()
    with torch.no_grad():
        lower.weight[0] = 0
        lower.weight[1].abs_()
        lower.weight[2].abs_().neg_()
    x = torch.randn(6, dtype=torch.float64).abs()
    upper = nn.Linear(5, 3).double()
    explanation = Explainer(nn.Sequential(lower, upper), Composite([("0", rule), ("1", Flat())])).explain(
        x[None], torch.ones(1, 3)
    )
    above = account(Flat(), dense(upper, lower(x).detach()), explanation.scores[0].detach())
    expected = account(rule, dense(lower, x), above.handed)
    assert_near(explanation.relevance[0], expected.handed)
    ledger = explanation.ledger.rows[-1]
    assert (ledger.name, ledger.rule) == ("0", type(rule).__name__)
    for term in ("bias", "stabilizer", "rules"):
        assert_near(getattr(ledger, term)[0], getattr(expected, term), of=above.handed)


def test_gamma_becomes_zplus_as_gamma_grows():
    model, x = _network()
    zplus = Explainer(model, ZPlus(stabilizer=0.0)).explain(x, 1)
    assert bool((zplus.scores[:, 1] > 0).all())  # for z < 0 the generalized γ favours the negative contributions
    gamma = Explainer(model, Gamma(1e12, stabilizer=0.0)).explain(x, 1)
    assert_near(gamma.relevance, zplus.relevance)


def test_epsilon_becomes_zero_as_epsilon_vanishes():
    model, x = _network()
    assert_near(Explainer(model, Epsilon(1e-13)).explain(x).relevance, Explainer(model, Zero()).explain(x).relevance)


def test_alpha1_is_zplus():
    model, x = _network()
    alpha1 = Explainer(model, AlphaBeta(1)).explain(x)
    assert torch.equal(alpha1.relevance, Explainer(model, ZPlus()).explain(x).relevance)


def _network():
    """A network of rectified layers with non-negative input, whose class 1 has a positive score."""
    torch.manual_seed(3)
    model = nn.Sequential(
        nn.Conv2d(2, 4, 3, bias=False), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(16, 3)
    ).double()
    with torch.no_grad():
        model[4].weight[1].abs_()
        model[4].bias.zero_()
    return model, torch.rand(3, 2, 6, 6, dtype=torch.float64)


@pytest.mark.parametrize("rule", RULES, ids=str)
def test_a_rule_survives_the_way_through_json(rule):
    assert rules.from_dict(json.loads(json.dumps(rule.to_dict()))) == rule


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (lambda: Epsilon(0), r"Epsilon: epsilon must be a number from 1e-37 to 1e\+12, got 0"),
        (lambda: Epsilon(float("nan")), "epsilon must be a number"),
        (lambda: Epsilon("much"), r"epsilon must be a number from 1e-37 to 1e\+12, got 'much'"),
        (lambda: Gamma(-0.1), r"gamma must be 0 or a number from 1e-37 to 1e\+12"),
        (lambda: AlphaBeta(0.5), "alpha must be a number from 1 to 1000"),
        (lambda: AlphaBeta(2, 2), "alpha - beta must be 1, got 2 - 2"),
        (lambda: AlphaBeta(2, float("nan")), "AlphaBeta: beta must be 0 or a number from 1e-37 to 999, got nan"),
        (lambda: WSquare(bias=None), "WSquare: bias must be True or False, got None"),
        (lambda: Epsilon(relative=1), "Epsilon: relative must be True or False, got 1"),
        (lambda: ZBox(1, 1), "low must be below high"),
        (lambda: ZBox(float("nan"), 1), r"ZBox: low must be a number from .*, or one per channel, got nan"),
        (
            lambda: ZBox(-1, (1.0, float("inf"))),
            r"ZBox: high must be a number from .*, or one per channel, got \(1.0, in",
        ),
        (lambda: ZBox("black", 1), r"ZBox: low must be a number from .*, or one per channel, got 'black'"),
        (lambda: ZBox(((-1, -1),), 1), r"ZBox: low must be a number from .*, or one per channel, got \(\(-1, -1\),\)"),
        (lambda: ZBox((), 1), r"ZBox: low must be a number from .*, or one per channel, got \(\)"),
        (lambda: ZBox((-1, -1), (1, 1, 1)), "ZBox: low has 2 channels, high has 3; give one number for each"),
        (lambda: rules.from_dict({"rule": "Gama"}), "no rule 'Gama'; rules are Zero, Epsilon"),
        (lambda: rules.from_dict({"rule": "Gamma", "epsilon": 1}), "Gamma has no field 'epsilon'"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_rule_out_of_range_says_what_it_wants(make, message):
    with pytest.raises(ValueError, match=message):
        make()


@pytest.mark.parametrize("value", [-1, -1e-9, float("nan"), float("inf"), "1", None, True], ids=str)
@pytest.mark.parametrize("rule", [Gamma, AlphaBeta, ZPlus, Flat, WSquare, lambda **given: ZBox(-1, 1, **given)])
def test_a_stabilizer_is_a_number_that_is_not_negative(rule, value):
    with pytest.raises(ValueError, match=r"stabilizer must be 0 or a number from 1e-37 to 1e\+12, got"):
        rule(stabilizer=value)
    assert rule(stabilizer=0).stabilizer == 0


@dataclass(frozen=True)
class Shifted(LinearRule):
    """A rule of one's own with a number that no slider shows, and one that a slider shows as a whole number."""

    shift: float = -1.0
    steps: int = rules.knob(1, "n", "How many.", (1, 9), least=1)

    def divide(self, step, relevance):
        raise NotImplementedError


def test_the_numbers_of_a_rule_of_ones_own_are_checked_too():
    assert Shifted(-3, 2).turned(steps=4) == Shifted(-3, 4)
    assert [knob.name for knob in Shifted.knobs()] == ["steps"]
    with pytest.raises(ValueError, match=r"Shifted: shift must be a number from -1e\+12 to 1e\+12, got nan"):
        Shifted(float("nan"))
    with pytest.raises(ValueError, match=r"Shifted: steps must be a number from 1 to 1e\+12, got 0"):
        Shifted(steps=0)


@pytest.mark.parametrize("make", [list, tuple, torch.tensor, np.array], ids=["list", "tuple", "tensor", "array"])
def test_bounds_of_a_box_come_in_any_form(make):
    assert ZBox(make([-1.0, -2.0]), make([1.0, 2.0])) == ZBox((-1, -2), (1, 2))


def test_a_slider_may_turn_alpha_and_beta_follows():
    assert AlphaBeta(2).turned(alpha=1.4) == AlphaBeta(1.4)
    assert AlphaBeta(1.4).beta == pytest.approx(0.4)
    assert AlphaBeta(1.4, 0.4) == AlphaBeta(alpha=1.4, beta=0.4)


@pytest.mark.parametrize("rule", [rule for rule in RULES if type(rule).knobs()], ids=str)
def test_every_knob_has_what_a_slider_needs(rule):
    for knob in rule.knobs():
        least, most = knob.slider
        assert least < most
        assert knob.help
        assert knob.symbol
        assert rule.turned(**{knob.name: least}) != rule.turned(**{knob.name: most})


def test_the_referee_itself_conserves_the_z_of_a_layer():
    layer = Dense(torch.randn(3, 4).double(), torch.randn(3).double(), torch.randn(4).double(), 4, False)
    found = account(Zero(), layer, layer.z)
    assert_near(found.handed.sum() + found.bias, layer.z.sum())


LOW, HIGH = (-2.0, -1.0, -0.5), (1.0, 2.0, 3.0)


class Moves(nn.Module):
    """A layer with those weights of an input that was moved."""

    def __init__(self, move: Callable[[Tensor], Tensor], layer: nn.Module, weight: Tensor) -> None:
        super().__init__()
        self.move, self.layer = move, layer.double()
        self.layer.weight.data, self.layer.bias.data = weight.clone(), torch.full((2,), 0.3, dtype=torch.float64)

    def forward(self, x: Tensor) -> Tensor:
        return self.layer(self.move(x)).flatten(1)


def moved(w: Tensor) -> dict[str, nn.Module]:
    """One function, Σ w x over a picture of (3, 4, 4), that moves its input in several ways before it is summed."""
    blocks = F.pixel_unshuffle(w, 2)
    last = w.movedim(1, 3).flatten(1)
    return {
        "as it is": Moves(lambda x: x, nn.Conv2d(3, 2, 4), w),
        "flat": Moves(lambda x: x.flatten(1), nn.Linear(48, 2), w.flatten(1)),
        "channels last": Moves(lambda x: x.permute(0, 2, 3, 1).reshape(-1, 48), nn.Linear(48, 2), last),
        "blue first": Moves(lambda x: x[:, [2, 1, 0]], nn.Conv2d(3, 2, 4), w[:, [2, 1, 0]]),
        "in blocks": Moves(lambda x: F.pixel_unshuffle(x, 2), nn.Conv2d(12, 2, 2), blocks),
    }


@pytest.mark.parametrize("name", ["flat", "channels last", "blue first", "in blocks"])
def test_bounds_go_where_the_network_moves_its_channels(name):
    weight = torch.randn(2, 3, 4, 4, dtype=torch.float64)
    x = torch.rand(2, 3, 4, 4, dtype=torch.float64)
    models = moved(weight)
    maps = [Explainer(models[each], ZBox(LOW, HIGH)).explain(x, 1).relevance for each in ("as it is", name)]
    torch.testing.assert_close(maps[1], maps[0], rtol=1e-9, atol=1e-12)


TAKEN = {rule: ({"low": -1.0, "high": 1.0} if rule is ZBox else {}) for rule in rules.RULES.values()}
FIELDS = [(rule, each.name) for rule in TAKEN for each in fields(rule)]
NO_NUMBERS = [float("nan"), float("inf"), -float("inf"), 1e38, 10**400, 1 + 1j, "0.1", [[1.0]], {}, np.float64("nan")]


@pytest.mark.parametrize("value", NO_NUMBERS, ids=lambda value: repr(value)[:12])
@pytest.mark.parametrize(("rule", "name"), FIELDS, ids=lambda item: getattr(item, "__name__", item))
def test_no_field_takes_what_would_change_sums_without_a_word(rule, name, value):
    with pytest.raises(ValueError, match=f"{rule.__name__}: {name} must be .*, got "):
        rule(**{**TAKEN[rule], name: value})
    with pytest.raises(ValueError, match=f"{rule.__name__}: {name} must be .*, got "):
        rules.from_dict({"rule": rule.__name__, **TAKEN[rule], name: value})


@pytest.mark.parametrize(("rule", "name"), FIELDS, ids=lambda item: getattr(item, "__name__", item))
def test_a_truth_value_is_no_number_and_a_number_no_truth_value(rule, name):
    wrong = 1 if isinstance(getattr(rule, name, None), bool) else True
    with pytest.raises(ValueError, match=f"{rule.__name__}: {name} must be .*, got {wrong}"):
        rule(**{**TAKEN[rule], name: wrong})


@pytest.mark.parametrize("rule", [Epsilon(1e-37), ZPlus(1e-37), Gamma(0.25, 1e-37), Gamma(1e12), Flat(1e12)], ids=repr)
def test_what_lies_at_the_ends_of_a_range_gives_finite_relevance(rule):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Linear(6, 4, bias=False), nn.ReLU(), nn.Linear(4, 2))
    model[0].weight.data[1] = 0  # an output of nothing, divided by the stabilizer alone
    explanation = Explainer(model, rule).explain(torch.randn(3, 6), 0)
    assert bool(explanation.relevance.isfinite().all())
    assert explanation.ledger.imbalance < 1e-5


@pytest.mark.parametrize("rule", [Epsilon, Gamma, ZPlus])
def test_a_number_that_is_0_in_32_bits_is_refused(rule):
    with pytest.raises(ValueError, match=r"must be .* 1e-37 to 1e\+12, got 1e-60"):
        rule(1e-60)


def test_numbers_of_numpy_become_plain_ones():
    assert type(Epsilon(np.float32(0.5)).epsilon) is float
    assert type(Gamma(np.int64(2)).gamma) is float
    assert Gamma(np.float64(0.5)) == Gamma(0.5)


@pytest.mark.parametrize(
    ("description", "said"),
    [
        ({"rule": ["Epsilon"]}, r"There is no rule \['Epsilon'\]; rules are Zero"),
        ({"rule": "ZBox"}, "The rule ZBox needs 'low' and 'high'."),
        ({"rule": "ZBox", "low": 0}, "The rule ZBox needs 'high'."),
    ],
)
def test_a_description_that_lacks_something_is_a_sentence(description, said):
    with pytest.raises(ValueError, match=said):
        rules.from_dict(description)
