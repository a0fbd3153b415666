"""Numbers of every kind: 16 bits, memory layouts, whole numbers, randomness, zeros."""

import copy

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from lrpwidgets.lrp import Explainer
from lrpwidgets.lrp.rules import Zero
from tests.lrp.dense import assert_near
from tests.lrp.networks import Fire, Residual, pictures, realistic

HALF = [torch.bfloat16, torch.float16]
PRESETS = ["epsilon_plus_flat", "epsilon_plus", "epsilon", "epsilon_alpha2_beta1"]


class Vision(nn.Module):
    """A vision transformer of two blocks on patches of 4 × 4 pixels."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.patches, self.position = nn.Conv2d(3, 16, 4, stride=4), nn.Parameter(0.1 * torch.randn(17, 16))
        self.token = nn.Parameter(torch.randn(1, 1, 16))
        layer = nn.TransformerEncoderLayer(16, 2, 32, 0.0, "gelu", batch_first=True, norm_first=True)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.norm, self.head = nn.LayerNorm(16), nn.Linear(16, 5)

    def forward(self, x):
        x = self.patches(x).flatten(2).transpose(1, 2)
        x = torch.cat([self.token.expand(len(x), -1, -1), x], 1) + self.position
        return self.head(self.norm(self.encoder(x))[:, 0])


class Reading(nn.Module):
    """An LSTM that reads sequences of different lengths, packed."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.embedding, self.lstm, self.head = nn.Embedding(20, 8), nn.LSTM(8, 12, batch_first=True), nn.Linear(12, 3)
        self.lengths = torch.tensor([7, 4])

    def forward(self, tokens):
        packed = pack_padded_sequence(self.embedding(tokens), self.lengths, batch_first=True)
        outputs, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True)
        return self.head(outputs.sum(1))


def similarity(one: Tensor, other: Tensor) -> float:
    """Smallest cosine between the maps of a sample."""
    return float(F.cosine_similarity(one.double().flatten(1), other.double().flatten(1)).min())


# 16 bits.


@pytest.mark.parametrize("dtype", HALF, ids=str)
@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("build", [Residual, Fire], ids=["residual", "fire"])
def test_a_model_in_16_bits_has_relevance_in_32(build, preset, dtype):
    model, x = realistic(build()), pictures(2, 16, torch.float32)
    expected = Explainer(model, preset).explain(x, 1)
    explanation = Explainer(copy.deepcopy(model).to(dtype), preset).explain(x.to(dtype), 1)
    assert explanation.scores.dtype == dtype
    assert explanation.relevance.dtype == torch.float32
    assert {layer.relevance.dtype for layer in explanation.layers} == {torch.float32}
    assert explanation.ledger.imbalance < 1e-4
    assert similarity(explanation.relevance, expected.relevance) > 0.98


@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_a_vision_transformer_in_16_bits_is_close_to_its_twin_in_32(dtype):
    model, x = Vision().eval(), pictures(2, 16, torch.float32)
    expected = Explainer(model).explain(x, 1)
    explanation = Explainer(copy.deepcopy(model).to(dtype)).explain(x.to(dtype), 1)
    assert explanation.relevance.dtype == torch.float32
    assert explanation.ledger.imbalance < 1e-4
    assert similarity(explanation.relevance, expected.relevance) > 0.98


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("build", [Residual, Fire, Vision], ids=["residual", "fire", "vision"])
def test_under_autocast_relevance_has_32_bits(build, preset):
    model, x = realistic(build()), pictures(2, 16, torch.float32)
    expected = Explainer(model, preset).explain(x, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        explanation = Explainer(model, preset).explain(x, 1)
    assert explanation.scores.dtype == torch.bfloat16
    assert explanation.relevance.dtype == torch.float32
    assert explanation.ledger.imbalance < 1e-4
    assert similarity(explanation.relevance, expected.relevance) > 0.98


def test_what_is_asked_on_outside_of_autocast_is_the_same_as_inside():
    model, x = realistic(Residual()), pictures(2, 16, torch.float32)
    with torch.autocast("cpu", dtype=torch.bfloat16):
        explanation = Explainer(model, "epsilon_plus").explain(x, 1)
        inside = [
            explanation.switch("epsilon").relevance,
            explanation.retarget(2).relevance,
            explanation.condition({"two.0": 3}).relevance,
            explanation.parameters["two.0.weight"],
        ]
    outside = [
        explanation.switch("epsilon").relevance,
        explanation.retarget(2).relevance,
        explanation.condition({"two.0": 3}).relevance,
        explanation.parameters["two.0.weight"],
    ]
    for one, other in zip(inside, outside, strict=True):
        assert one.dtype == torch.float32
        assert torch.equal(one, other)


@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_a_model_in_16_bits_is_asked_on_as_any_other(dtype):
    model, x = realistic(Residual()).to(dtype), pictures(2, 16, dtype)
    explanation = Explainer(model, "epsilon_plus").explain(x, 1)
    fresh = Explainer(model, "epsilon_alpha2_beta1").explain(x, 3)
    assert torch.equal(explanation.switch("epsilon_alpha2_beta1").retarget(3).relevance, fresh.relevance)
    assert explanation.condition({"two.0": 3}).ledger.imbalance < 1e-4
    several = explanation.retarget(targets=[3, 1])
    assert_near(several.relevance[1], explanation.relevance, 1e-6)


@pytest.mark.parametrize("dtype", HALF, ids=str)
def test_the_parameters_of_a_model_in_16_bits_have_relevance(dtype):
    model, x = realistic(Residual()), pictures(2, 16, torch.float32)
    expected = Explainer(model, "epsilon_plus").explain(x, 1).parameters
    found = Explainer(copy.deepcopy(model).to(dtype), "epsilon_plus").explain(x.to(dtype), 1).parameters
    assert found.keys() == expected.keys()
    for name, carried in found.items():
        assert carried.dtype == torch.float32
        assert similarity(carried.flatten()[None], expected[name].flatten()[None]) > 0.98, name


def test_the_parameters_under_autocast_have_names_and_relevance():
    model, x = realistic(Residual()), pictures(2, 16, torch.float32)
    expected = Explainer(model, "epsilon_plus").explain(x, 1).parameters
    with torch.autocast("cpu", dtype=torch.bfloat16):
        found = Explainer(model, "epsilon_plus").explain(x, 1).parameters
    assert found.keys() == expected.keys()


def test_scores_that_overflow_float16_are_refused_with_the_reason():
    model = nn.Sequential(nn.Linear(4, 64), nn.ReLU(), nn.Linear(64, 3)).half()
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.fill_(100)
    x = torch.full((1, 4), 10.0)
    with pytest.raises(ValueError, match=r"NaN or infinity .*; float16 overflows above 65504, use bfloat16 or float32"):
        Explainer(model).explain(x.half())
    Explainer(model.to(torch.bfloat16)).explain(x.bfloat16())


def test_a_target_keeps_its_precision_in_16_bits():
    model, x = realistic(Residual()).to(torch.bfloat16), pictures(1, 16, torch.bfloat16)
    weights = torch.tensor([0.123, 0, 0, 0, 0])
    explanation = Explainer(model, "epsilon_plus").explain(x, weights)
    expected = float(explanation.scores[0, 0]) * 0.123
    assert float(explanation.ledger.explained[0]) == pytest.approx(expected, rel=1e-5)


@pytest.mark.parametrize("autocast", [False, True], ids=["plain", "autocast"])
def test_a_recurrent_network_reads_packed_sequences(autocast):
    model = Reading().eval()
    tokens = torch.randint(0, 20, (2, 7), generator=torch.Generator().manual_seed(1))
    expected = Explainer(model).explain(tokens, 1)
    with torch.autocast("cpu", dtype=torch.bfloat16, enabled=autocast):
        explanation = Explainer(model).explain(tokens, 1)
    assert explanation.relevance.shape == (2, 7)
    assert explanation.relevance.dtype == torch.float32
    assert not explanation.relevance[1, 4:].any()
    assert explanation.ledger.imbalance < (1e-4 if autocast else 1e-5)
    assert similarity(explanation.relevance, expected.relevance) > 0.98


# Memory layouts.


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize("build", [Residual, Fire], ids=["residual", "fire"])
def test_channels_last_changes_nothing(build, preset):
    model, x = realistic(build()).double(), pictures(2, 16)
    expected = Explainer(model, preset).explain(x, 1)
    last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    for each, given in (
        (model, x.contiguous(memory_format=torch.channels_last)),
        (last, x),
        (last, x.contiguous(memory_format=torch.channels_last)),
    ):
        explanation = Explainer(each, preset).explain(given, 1)
        assert_near(explanation.relevance, expected.relevance, 1e-9)
        assert explanation.ledger.imbalance < 1e-9
        for layer, other in zip(explanation.layers, expected.layers, strict=True):
            assert_near(layer.relevance, other.relevance, 1e-9)


def test_channels_last_changes_nothing_in_float32():
    model, x = realistic(Residual()), pictures(2, 16, torch.float32)
    expected = Explainer(model, "epsilon_plus_flat").explain(x, 1).relevance
    last = copy.deepcopy(model).to(memory_format=torch.channels_last)
    found = Explainer(last, "epsilon_plus_flat").explain(x.contiguous(memory_format=torch.channels_last), 1).relevance
    assert_near(found, expected, 1e-5)


@pytest.mark.parametrize("preset", PRESETS)
@pytest.mark.parametrize(
    "view",
    [
        lambda: pictures(2, 16).transpose(2, 3),
        lambda: pictures(1, 16).expand(2, -1, -1, -1),
        lambda: pictures(2, 16)[:, :1].expand(-1, 3, -1, -1),
        lambda: pictures(2, 32)[:, :, ::2, ::2],
        lambda: pictures(4, 16)[::2],
        lambda: pictures(2, 16).movedim(1, -1).contiguous().movedim(-1, 1),
        lambda: pictures(2, 16).flip(3),
        lambda: pictures(2, 16)[:, [2, 1, 0]],
        lambda: pictures(2, 20)[..., 2:18, 3:19],
    ],
    ids=[
        *("transposed", "expanded batch", "expanded channels", "strided", "every other sample"),
        *("channels last", "flipped", "indexed", "cropped"),
    ],
)
def test_a_view_is_explained_as_its_copy(preset, view):
    model, x = realistic(Residual()).double(), view()
    kept = x.clone()
    found, expected = (Explainer(model, preset).explain(each, 1) for each in (x, x.contiguous()))
    assert_near(found.relevance, expected.relevance, 1e-9)
    assert found.relevance.shape == x.shape
    assert found.ledger.imbalance < 1e-9
    assert torch.equal(x, kept)


def test_a_model_that_writes_into_an_expanded_input_leaves_it():
    class Writing(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.head = nn.Linear(4, 2)

        def forward(self, x):
            return self.head((x * 1).relu_().add_(1))

    model, x = Writing().double(), torch.randn(1, 4).double().expand(3, -1)
    assert_near(Explainer(model).explain(x, 1).relevance, Explainer(model).explain(x.clone(), 1).relevance)


# Kinds of numbers.


@pytest.mark.parametrize(
    ("convert", "name"),
    [
        (lambda x: torch.complex(x, x), "complex64"),
        (lambda x: x > 0, "bool"),
        (lambda x: (x * 100).to(torch.int8), "int8"),
        (lambda x: x.half(), "float16"),
    ],
    ids=["complex", "bool", "int8", "float16"],
)
def test_numbers_that_the_model_does_not_compute_in_are_refused(convert, name):
    x = pictures(2, 16, torch.float32)
    with pytest.raises(TypeError, match=rf"inputs are torch.{name}, but the model computes in torch.float32"):
        Explainer(realistic(Fire())).explain(convert(x))


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32], ids=str)
def test_whole_numbers_for_a_model_of_real_ones_are_refused(dtype):
    x = (pictures(2, 16, torch.float32) * 50).to(dtype)
    with pytest.raises((TypeError, ValueError), match=rf"inputs are {dtype}|cannot take an input of .*(Long|Int|int)"):
        Explainer(realistic(Fire())).explain(x)
    with pytest.raises(
        (TypeError, ValueError), match=rf"inputs are {dtype}|cannot take an input of .*(Long|Int|int|dtype)"
    ):
        Explainer(nn.Sequential(nn.Flatten(), nn.Linear(3 * 16 * 16, 2))).explain(x)


@pytest.mark.parametrize("dtype", [torch.int64, torch.int32], ids=str)
def test_tokens_have_the_relevance_of_their_embeddings(dtype):
    class Bag(nn.Module):
        def __init__(self):
            super().__init__()
            torch.manual_seed(0)
            self.embedding, self.head = nn.Embedding(20, 6), nn.Linear(6, 3)

        def forward(self, tokens):
            return self.head(F.relu(self.embedding(tokens)).sum(1))

    model = Bag().double()
    tokens = torch.randint(0, 20, (2, 5), generator=torch.Generator().manual_seed(1)).to(dtype)
    explanation = Explainer(model, Zero()).explain(tokens, 1)
    expected = F.relu(model.embedding.weight)[tokens.long()] @ model.head.weight[1]
    assert explanation.relevance.shape == (2, 5)
    assert explanation.relevance.dtype == torch.float64
    assert_near(explanation.relevance, expected.detach())
    assert explanation.ledger.imbalance < 1e-9


# Randomness and branches.


def test_dropout_that_eval_mode_does_not_switch_off_is_said():
    class Random(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.head = nn.Linear(4, 32), nn.Linear(32, 2)

        def forward(self, x):
            return self.head(F.dropout(self.layer(x), 0.5))

    torch.manual_seed(0)
    explanation = Explainer(Random().eval().double()).explain(torch.randn(1, 4).double(), 1)
    (caveat,) = [each for each in explanation.caveats if "Dropout" in each]
    assert "dropout" in caveat
    assert "one random draw" in caveat
    assert explanation.ledger.imbalance < 1e-9


@pytest.mark.parametrize(
    "drop",
    [lambda x: F.dropout(x, 0.5, False), lambda x: F.dropout(x, 0.0), lambda x: F.dropout(x, 0.5, training=False)],
    ids=["off", "none", "off by name"],
)
def test_dropout_that_does_nothing_is_not_said(drop):
    class Quiet(nn.Module):
        def __init__(self):
            super().__init__()
            self.layer, self.head = nn.Linear(4, 8), nn.Linear(8, 2)

        def forward(self, x):
            return self.head(drop(self.layer(x))).abs()

    assert Explainer(Quiet().eval()).explain(torch.randn(2, 4), 1).caveats == []


class Branching(nn.Module):
    """Takes one of two ways, and the shorter one several times, as the input tells."""

    def __init__(self):
        super().__init__()
        torch.manual_seed(0)
        self.one, self.other, self.head = nn.Linear(4, 4), nn.Linear(4, 4), nn.Linear(4, 3)

    def forward(self, x):
        if x.sum() > 0:
            x = F.relu(self.one(x))
        else:
            for _ in range(int(x.abs().max().item()) + 1):
                x = F.relu(self.other(x)) + x
        return self.head(x)


@pytest.mark.parametrize("sign", [1, -1])
def test_the_branch_that_was_taken_is_explained(sign):
    model = Branching().double()
    x = sign * torch.rand(1, 4, generator=torch.Generator().manual_seed(2)).double() * 3
    leaf = x.clone().requires_grad_()
    (gradient,) = torch.autograd.grad(model(leaf)[:, 1].sum(), leaf)
    explanation = Explainer(model, Zero()).explain(x, 1)
    assert_near(explanation.relevance, gradient * x)
    assert any(layer.name.startswith("one") for layer in explanation.layers) == (sign == 1)


# Zeros, and ends that are no scores.


@pytest.mark.parametrize("preset", [*PRESETS, "deep_taylor", "excitation_backprop"])
@pytest.mark.parametrize("build", [Residual, Fire, Vision], ids=["residual", "fire", "vision"])
@pytest.mark.parametrize("dtype", [torch.float32, torch.bfloat16], ids=str)
def test_an_input_of_zeros_has_finite_relevance_that_is_accounted_for(build, preset, dtype):
    model = realistic(build()).to(dtype)
    explanation = Explainer(model, preset).explain(torch.zeros(1, 3, 16, 16, dtype=dtype), 1)
    assert bool(explanation.relevance.isfinite().all())
    assert explanation.ledger.imbalance < 1e-4


def test_a_score_of_zero_among_others_is_said():
    model = nn.Sequential(nn.Linear(4, 2, bias=False)).double()
    x = torch.stack([torch.zeros(4), torch.ones(4)]).double()
    explanation = Explainer(model).explain(x)
    assert any("score is 0" in caveat for caveat in explanation.caveats)
    assert not explanation.relevance[0].any()
    assert explanation.relevance[1].any()
    assert explanation.ledger.imbalance < 1e-9


@pytest.mark.parametrize(
    "end",
    [
        nn.Softmax(1),
        nn.LogSoftmax(1),
        nn.Sequential(nn.Softmax(-1), nn.Flatten()),
        nn.Sequential(nn.Unflatten(1, (5, 1)), nn.Softmax(1), nn.Flatten()),
    ],
    ids=["softmax", "log softmax", "softmax and flatten", "softmax of a view"],
)
def test_a_network_that_ends_in_a_softmax_is_told_so(end):
    model = nn.Sequential(realistic(Residual()), end)
    explanation = Explainer(model.eval(), "epsilon").explain(pictures(2, 16, torch.float32))
    assert any("ends in a softmax, so evidence for other classes counts too" in each for each in explanation.caveats)


def test_a_softmax_inside_is_not_an_end():
    model = nn.Sequential(nn.Linear(4, 6), nn.Softmax(1), nn.Linear(6, 3))
    explanation = Explainer(model).explain(torch.rand(2, 4), torch.ones(3))
    assert not any("softmax" in caveat for caveat in explanation.caveats)
