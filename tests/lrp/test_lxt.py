"""LXT as an outside referee: the operations of a transformer one by one, and whole transformers made of them.

LXT's explicit functions, version 2.1, are torch operations whose backward pass is relevance. Where they differ:

* LXT stabilizes z + ε without the sign of z; with the tiny ε of these tests the sign makes no difference.
* An LXT function takes the ε of its denominators, `layer_norm` only below its surface: `layer_norm_grad_fn`.
* Its softmax sums over the last axis whatever axis is asked for, and its RMS norm computes in float32.

`lxt.efficient`, gradient × input on a patched model, cannot be imported with transformers 5. Its formulas are
written down here with plain autograd instead; :class:`Efficient` says how.
"""

import math

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torchvision.models import VisionTransformer

from lrpwidgets.lrp import Composite, Explainer, composites, rules
from lrpwidgets.lrp.selectors import Kind
from tests.lrp.dense import assert_near

theirs = pytest.importorskip("lxt.explicit.functional")
their_rules = pytest.importorskip("lxt.explicit.rules")
special = pytest.importorskip("lxt.explicit.special")

TINY = 1e-12
TOLERANCE = 1e-5

_PRODUCTS = (Kind("matmul"), Kind("product"))
ATTN_LRP = Composite([*((kind, rules.Half(TINY)) for kind in _PRODUCTS), ("*", rules.Epsilon(TINY))])
CP_LRP = Composite([*((kind, rules.Signal(TINY)) for kind in _PRODUCTS), ("*", rules.Epsilon(TINY))])


def random(*shape: int, seed: int = 0, scale: float = 1.0) -> Tensor:
    return scale * torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def explained(model: nn.Module, inputs, composite: Composite | str, target=None):
    """The explanation of `model`, checked to have its scores and to account for all they are worth."""
    explanation = Explainer(model, composite).explain(inputs, target)
    with torch.no_grad():
        assert_near(explanation.scores, model(*inputs) if isinstance(inputs, tuple) else model(inputs), 1e-12)
    assert explanation.ledger.imbalance < 1e-9
    return explanation


# One operation at a time.


class Lone(nn.Module):
    """A network of a single operation, all of whose outputs are scores."""

    def __init__(self, operation) -> None:
        super().__init__()
        self.operation = operation

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.operation(*inputs).flatten(1)


WEIGHT, BIAS, SCALE = random(6, 5, seed=10), random(6, seed=11), random(5, seed=12)
ROWS, WIDE = (2, 4, 5), (2, 3, 4, 5)  # (samples, tokens, features), (samples, heads, tokens, features)
MASK = torch.ones(4, 4, dtype=torch.bool).tril()


def _layer_norm(x: Tensor, weight: Tensor | None = None, bias: Tensor | None = None) -> Tensor:
    return theirs.layer_norm_grad_fn.apply(x, weight, bias, 1e-5, TINY)


def _matmul(a: Tensor, b: Tensor) -> Tensor:
    return theirs.matmul(a, b, False, TINY)


def _add(*terms: Tensor) -> Tensor:
    total, *others = terms
    for term in others:
        total = theirs.add2(total, term, False, TINY)
    return total


def _attention(q: Tensor, k: Tensor, v: Tensor, mask: Tensor | None = None, scale: float | None = None) -> Tensor:
    logits = theirs.mul2(_matmul(q, k.mT), scale or 1 / math.sqrt(q.shape[-1]))
    if mask is not None:
        logits = logits.masked_fill(~mask, -math.inf)
    return _matmul(theirs.softmax(logits, -1), v)


def _by_hand(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    return F.softmax(q @ k.transpose(-2, -1) / math.sqrt(q.shape[-1]), dim=-1) @ v


def _masked(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    logits = (q @ k.mT * q.shape[-1] ** -0.5).masked_fill(~MASK, -math.inf)
    return logits.softmax(-1) @ v


def _plus_mask(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    hidden = torch.zeros(4, 4).double().masked_fill(~MASK, -math.inf)
    return (q @ k.mT / q.shape[-1] ** 0.5 + hidden).softmax(-1) @ v


OPERATIONS = {
    # name: (ours, LXT's, shapes of the inputs)
    "softmax": (lambda x: F.softmax(x, -1), lambda x: theirs.softmax(x, -1), [ROWS]),
    "softmax of another axis": (
        lambda x: x.softmax(1),
        lambda x: theirs.softmax(x.transpose(1, 2), -1).transpose(1, 2),
        [ROWS],
    ),
    "nn.Softmax": (nn.Softmax(dim=-1), lambda x: theirs.softmax(x, -1), [WIDE]),
    "softmax of scaled logits": (
        lambda x: torch.softmax(x / 3, dim=-1),
        lambda x: theirs.softmax(x, -1, temperature=3.0),
        [ROWS],
    ),
    "Q Kᵀ": (lambda q, k: q @ k.transpose(-2, -1), lambda q, k: _matmul(q, k.mT), [WIDE, WIDE]),
    "A V": (torch.matmul, _matmul, [(2, 3, 4, 4), WIDE]),
    "bmm": (lambda q, k: torch.bmm(q, k.mT), lambda q, k: _matmul(q, k.mT), [ROWS, ROWS]),
    "einsum": (
        lambda q, k: torch.einsum("bhid,bhjd->bhij", q, k),
        lambda q, k: _matmul(q, k.mT),
        [WIDE, WIDE],
    ),
    "a ⊙ b": (lambda a, b: a * b, theirs.mul2, [ROWS, ROWS]),
    "torch.mul": (torch.mul, theirs.mul2, [WIDE, WIDE]),
    "layer norm": (lambda x: F.layer_norm(x, (5,)), _layer_norm, [ROWS]),
    "layer norm with weight and bias": (
        lambda x: F.layer_norm(x, (5,), SCALE, BIAS[:5]),
        lambda x: _layer_norm(x, SCALE, BIAS[:5]),
        [ROWS],
    ),
    "rms norm": (
        lambda x: F.rms_norm(x, (5,), SCALE, 1e-6),
        lambda x: theirs.rms_norm_identity(x, SCALE, 1e-6),
        [ROWS],
    ),
    "linear": (lambda x: F.linear(x, WEIGHT, BIAS), lambda x: theirs.linear_epsilon(x, WEIGHT, BIAS, TINY), [ROWS]),
    "linear without bias": (
        lambda x: F.linear(x, WEIGHT),
        lambda x: theirs.linear_epsilon(x, WEIGHT, None, TINY),
        [(2, 5)],
    ),
    "a + b": (lambda a, b: a + b, _add, [ROWS, ROWS]),
    "a + b + c": (lambda a, b, c: a + b + c, _add, [ROWS, ROWS, ROWS]),
    "a + constant": (lambda a: a + SCALE, lambda a: _add(a, SCALE.expand(ROWS)), [ROWS]),
    "mean": (lambda x: x.mean(1, keepdim=True), lambda x: theirs.mean(x, 1, True, TINY), [ROWS]),
    "GELU": (F.gelu, lambda x: their_rules.identity(F.gelu, x), [ROWS]),
    "GELU by tanh": (
        nn.GELU(approximate="tanh"),
        lambda x: their_rules.identity(nn.GELU(approximate="tanh"), x),
        [ROWS],
    ),
    "SiLU": (F.silu, lambda x: their_rules.identity(F.silu, x), [ROWS]),
    "tanh": (torch.tanh, lambda x: their_rules.identity(torch.tanh, x), [ROWS]),
    "gated": (
        lambda a, b: F.silu(a) * b,
        lambda a, b: theirs.mul2(their_rules.identity(F.silu, a), b),
        [ROWS, ROWS],
    ),
    "attention by hand": (_by_hand, _attention, [WIDE] * 3),
    "attention": (F.scaled_dot_product_attention, _attention, [WIDE] * 3),
    "attention with its scale": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, scale=1.0),
        lambda q, k, v: _attention(q, k, v, scale=1.0),
        [WIDE] * 3,
    ),
    "attention under a causal mask": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True),
        lambda q, k, v: _attention(q, k, v, MASK),
        [WIDE] * 3,
    ),
    "attention under a mask": (
        lambda q, k, v: F.scaled_dot_product_attention(q, k, v, attn_mask=MASK),
        lambda q, k, v: _attention(q, k, v, MASK),
        [WIDE] * 3,
    ),
    "attention masked by hand": (_masked, lambda q, k, v: _attention(q, k, v, MASK), [WIDE] * 3),
    "attention with a mask added": (_plus_mask, lambda q, k, v: _attention(q, k, v, MASK), [WIDE] * 3),
}


def by_lxt(function, inputs: tuple[Tensor, ...], weights: Tensor) -> tuple[Tensor, ...]:
    """Relevance of `inputs` as LXT's backward pass leaves it, from the scores times `weights`."""
    leaves = tuple(x.clone().requires_grad_() for x in inputs)
    scores = function(*leaves)
    return torch.autograd.grad(scores, leaves, (scores * weights.reshape(scores.shape)).detach())


@pytest.mark.parametrize("name", OPERATIONS)
def test_an_operation_agrees_with_lxt(name):
    ours, lxt, shapes = OPERATIONS[name]
    inputs = tuple(random(*shape, seed=seed) for seed, shape in enumerate(shapes))
    model = Lone(ours)
    weights = random(*model(*inputs).shape, seed=20)
    assert_near(lxt(*inputs).flatten(1), model(*inputs), 1e-6)
    found = explained(model, inputs, ATTN_LRP, weights).relevance
    for ours, expected in zip(found if len(inputs) > 1 else (found,), by_lxt(lxt, inputs, weights), strict=True):
        assert_near(ours, expected, TOLERANCE)


def _deviation(x: Tensor, eps: float = 1e-5) -> Tensor:
    return (x.var(-1, correction=0, keepdim=True) + eps).sqrt()


def _rms(x: Tensor) -> Tensor:
    return theirs.rms_norm_identity(x, SCALE, 1e-6)


BY_HAND = {
    # name: (ours, LXT's)
    "rms norm by rsqrt": (lambda x: SCALE * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6)), _rms),
    "rms norm by sqrt": (lambda x: x / torch.sqrt((x**2).mean(-1, keepdim=True) + 1e-6) * SCALE, _rms),
    "layer norm by squares": (
        lambda x: (
            (x - x.mean(-1, keepdim=True))
            / ((x - x.mean(-1, keepdim=True)).pow(2).mean(-1, keepdim=True) + 1e-5).sqrt()
        ),
        _layer_norm,
    ),
    "layer norm by var": (lambda x: (x - x.mean(-1, keepdim=True)) / _deviation(x), _layer_norm),
    "layer norm by std": (
        lambda x: (x - x.mean(-1, keepdim=True)) / x.std(-1, correction=0, keepdim=True),
        lambda x: theirs.layer_norm_grad_fn.apply(x, None, None, 0.0, TINY),
    ),
    "normalize": (lambda x: F.normalize(x, dim=-1), lambda x: theirs.normalize(x, 2.0, -1)),
    "x / |x|": (lambda x: x / x.norm(dim=-1, keepdim=True), lambda x: theirs.normalize(x, 2.0, -1)),
}


@pytest.mark.parametrize("preset", ["attn_lrp", "cp_lrp"])
@pytest.mark.parametrize("name", BY_HAND)
def test_a_norm_written_by_hand_has_a_constant_scale_as_in_lxt(name, preset):
    (ours, lxt), x, weights = BY_HAND[name], random(*ROWS), random(2, 20, seed=20)
    (expected,) = by_lxt(lxt, (x,), weights)
    composite = composites.get(preset, epsilon=TINY)
    assert_near(explained(Lone(ours), x, composite, weights).relevance, expected, TOLERANCE)


def test_a_tensor_times_itself_keeps_all_its_relevance():
    x, weights = random(*ROWS), random(2, 20, seed=20)
    assert_near(explained(Lone(lambda x: x * x), x, ATTN_LRP, weights).relevance, x**2 * weights.reshape(ROWS), 1e-9)


@pytest.mark.parametrize("name", ["attention", "attention by hand", "attention under a causal mask"])
def test_under_cp_lrp_the_relevance_of_attention_goes_to_its_values(name):
    ours, _, shapes = OPERATIONS[name]
    inputs = tuple(random(*shape, seed=seed) for seed, shape in enumerate(shapes))
    model, mask = Lone(ours), MASK if "causal" in name else MASK | True
    weights = random(*model(*inputs).shape, seed=20)
    attention = (inputs[0] @ inputs[1].mT / math.sqrt(5)).masked_fill(~mask, -math.inf).softmax(-1)
    (expected,) = by_lxt(lambda v: their_rules.epsilon_lrp(attention.matmul, TINY, v), inputs[2:], weights)
    q, k, v = explained(model, inputs, CP_LRP, weights).relevance
    assert_near(v, expected, TOLERANCE)
    assert not q.any()
    assert not k.any()


# Multi-head attention.


class SelfAttention(nn.Module):
    """torch's multi-head attention of a sequence with itself, all of whose outputs are scores."""

    def __init__(self, need_weights: bool = False) -> None:
        super().__init__()
        torch.manual_seed(5)
        self.need_weights = need_weights
        self.attention = livelier(nn.MultiheadAttention(8, 2, batch_first=True)).double().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.attention(x, x, x, need_weights=self.need_weights)[0].flatten(1)


def livelier(model: nn.Module) -> nn.Module:
    """`model` with biases and affine parameters as training leaves them."""
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if weight.dim() == 1:
                weight.normal_(1 if "ln" in name or "norm" in name else 0, 0.3)
            elif not weight.any():
                weight.normal_(0, 0.5)
    for module in model.modules():
        if isinstance(module, nn.LayerNorm):
            nn.init.normal_(module.weight, 1, 0.3)
            nn.init.normal_(module.bias, 0, 0.3)
    return model


def multi_head(attention: nn.MultiheadAttention, x: Tensor, attend, linear) -> Tensor:
    """Self-attention in torch's layout, of the functions `attend` and `linear`."""
    packed = zip(attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3), strict=True)
    q, k, v = (
        linear(x, weight, bias).unflatten(-1, (attention.num_heads, -1)).transpose(1, 2) for weight, bias in packed
    )
    joined = attend(q, k, v).transpose(1, 2).flatten(2)
    return linear(joined, attention.out_proj.weight, attention.out_proj.bias)


def _linear(x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    return theirs.linear_epsilon(x, weight, bias, TINY)


def _constant_attention(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
    attention = (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1).detach()
    return their_rules.epsilon_lrp(torch.matmul, TINY, attention, v)


@pytest.mark.parametrize("need_weights", [False, True], ids=["fused", "with weights"])
@pytest.mark.parametrize(
    ("composite", "attend"), [(ATTN_LRP, _attention), (CP_LRP, _constant_attention)], ids=["AttnLRP", "CP-LRP"]
)
def test_multi_head_attention_agrees_with_lxt(composite, attend, need_weights):
    model, x = SelfAttention(need_weights), random(2, 4, 8)
    weights = random(2, 32, seed=20)
    (expected,) = by_lxt(lambda x: multi_head(model.attention, x, attend, _linear).flatten(1), (x,), weights)
    assert_near(explained(model, x, composite, weights).relevance, expected, TOLERANCE)


def test_multi_head_attention_agrees_with_lxts_own_for_cp_lrp():
    model, x = SelfAttention(), random(2, 4, 8).abs()
    attention, weights = model.attention, random(2, 32, seed=20)
    with torch.no_grad():  # values far above 0, since LXT's ε for them is fixed at 1e-6
        attention.in_proj_weight[16:].abs_()
        attention.in_proj_bias[16:].abs_()
    (wq, wk, wv), (bq, bk, bv) = attention.in_proj_weight.chunk(3), attention.in_proj_bias.chunk(3)

    def lxt(x: Tensor) -> Tensor:
        def into(x: Tensor) -> Tensor:
            return _linear(x, wv, bv)

        def out(x: Tensor) -> Tensor:
            return _linear(x, attention.out_proj.weight, attention.out_proj.bias)

        return special.multi_head_attention_cp(x, x, x, True, 2, 4, wq, bq, wk, bk, into, out)[0]

    assert_near(explained(model, x, CP_LRP, weights).relevance, *by_lxt(lxt, (x,), weights), TOLERANCE)


# Whole transformers, of LXT's functions and by the gradient.


class Explicit:
    """The parts of a transformer as LXT's explicit functions, which make the backward pass relevance."""

    def __init__(self, constant_attention: bool) -> None:
        self.attend = _constant_attention if constant_attention else _attention

    linear = staticmethod(_linear)
    add = staticmethod(_add)

    def convolution(self, layer: nn.Conv2d, x: Tensor) -> Tensor:
        return their_rules.epsilon_lrp(layer, TINY, x)

    def norm(self, layer: nn.LayerNorm, x: Tensor) -> Tensor:
        return theirs.layer_norm_grad_fn.apply(x, layer.weight, layer.bias, layer.eps, TINY)

    def activation(self, function, x: Tensor) -> Tensor:
        return their_rules.identity(function, x)

    def relevance(self, forward, x: Tensor, weights: Tensor) -> Tensor:
        return by_lxt(forward, (x,), weights)[0]


class Efficient:
    """The parts of a transformer for gradient × input, as in `lxt.efficient`, with plain autograd.

    The standard deviation of a layer norm is constant, an activation has the constant slope f(x) / x, and the
    gradients of queries, keys and values are scaled by ¼, ¼ and ½, those of products by ½. For CP-LRP the attention
    weights are constant instead.
    """

    def __init__(self, constant_attention: bool) -> None:
        self.constant_attention = constant_attention

    linear = staticmethod(F.linear)

    def add(self, a: Tensor, b: Tensor) -> Tensor:
        return a + b

    def convolution(self, layer: nn.Conv2d, x: Tensor) -> Tensor:
        return layer(x)

    def norm(self, layer: nn.LayerNorm, x: Tensor) -> Tensor:
        centred = x - x.mean(-1, keepdim=True)
        deviation = (x.var(-1, unbiased=False, keepdim=True) + layer.eps).sqrt().detach()
        return centred / deviation * layer.weight + layer.bias

    def rms_norm(self, x: Tensor, weight: Tensor, epsilon: float) -> Tensor:
        return weight * (x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + epsilon).detach())

    def activation(self, function, x: Tensor) -> Tensor:
        return x * (function(x) / x).where(x != 0, 0).detach()  # of a number that is 0 there is nothing to pass on

    def gated(self, gate: Tensor, signal: Tensor) -> Tensor:
        product = gate * signal
        return (product + product.detach()) / 2

    def attended(self, q: Tensor, k: Tensor, v: Tensor) -> tuple[Tensor, ...]:
        """Queries, keys and values whose gradients, times themselves, are the relevance that attention gives them."""
        if self.constant_attention:
            return q.detach(), k.detach(), v
        return tuple(part * x + (1 - part) * x.detach() for part, x in ((1 / 4, q), (1 / 4, k), (1 / 2, v)))

    def attend(self, q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        q, k, v = self.attended(q, k, v)
        return (q @ k.mT / math.sqrt(q.shape[-1])).softmax(-1) @ v

    def relevance(self, forward, x: Tensor, weights: Tensor) -> Tensor:
        leaf = x.clone().requires_grad_()
        (gradient,) = torch.autograd.grad((forward(leaf) * weights).sum(), leaf)
        return gradient * x


def vision_transformer(parts: Explicit | Efficient, model: VisionTransformer, x: Tensor) -> Tensor:
    """The forward of torchvision's vision transformer, of `parts`."""
    x = parts.convolution(model.conv_proj, x).flatten(2).transpose(1, 2)
    x = torch.cat([model.class_token.expand(len(x), -1, -1), x], 1)
    x = parts.add(x, model.encoder.pos_embedding.expand_as(x))
    for block in model.encoder.layers:
        y = multi_head(block.self_attention, parts.norm(block.ln_1, x), parts.attend, parts.linear)
        x = parts.add(y, x)
        x = parts.add(x, mlp(parts, block.mlp[0], block.mlp[3], F.gelu, parts.norm(block.ln_2, x)))
    return parts.linear(parts.norm(model.encoder.ln, x)[:, 0], model.heads.head.weight, model.heads.head.bias)


def mlp(parts: Explicit | Efficient, up: nn.Linear, down: nn.Linear, function, x: Tensor) -> Tensor:
    return parts.linear(parts.activation(function, parts.linear(x, up.weight, up.bias)), down.weight, down.bias)


def small_vision_transformer() -> VisionTransformer:
    torch.manual_seed(6)
    model = VisionTransformer(
        image_size=16, patch_size=4, num_layers=2, num_heads=2, hidden_dim=16, mlp_dim=32, num_classes=5
    )
    model = livelier(model).double().eval()
    nn.init.normal_(model.encoder.pos_embedding, 0, 0.3)
    return model


PARTS = [Explicit, Efficient]
METHODS = {"AttnLRP": (ATTN_LRP, False), "CP-LRP": (CP_LRP, True)}


@pytest.mark.parametrize("parts", PARTS, ids=lambda parts: parts.__name__)
@pytest.mark.parametrize("method", METHODS)
def test_a_vision_transformer_is_explained_as_by_lxt(method, parts):
    composite, constant_attention = METHODS[method]
    model, x = small_vision_transformer(), random(2, 3, 16, 16, seed=1)
    weights = F.one_hot(torch.tensor([1, 4]), 5).double()
    built = parts(constant_attention)
    with torch.no_grad():
        assert_near(vision_transformer(built, model, x), model(x), 1e-12)
    expected = built.relevance(lambda x: vision_transformer(built, model, x), x, weights)
    assert_near(explained(model, x, composite, [1, 4]).relevance, expected, TOLERANCE)


@pytest.mark.parametrize("preset", ["attn_lrp", "cp_lrp"])
def test_the_presets_are_the_rules_that_agree_with_lxt(preset):
    composite = {"attn_lrp": ATTN_LRP, "cp_lrp": CP_LRP}[preset]
    for model, x in (small_vision_transformer(), random(2, 3, 16, 16, seed=1)), (Decoder(), random(2, 4, 8, seed=1)):
        expected = explained(model, x, composite, 2).relevance
        assert_near(explained(model, x, composites.get(preset, epsilon=TINY), 2).relevance, expected, TOLERANCE)
        explained(model, x, preset, 2)


def test_the_two_referees_agree():
    model, x = small_vision_transformer(), random(2, 3, 16, 16, seed=1)
    weights = random(2, 5, seed=2)
    for constant_attention in (False, True):
        ways = [parts(constant_attention) for parts in PARTS]
        one, other = (way.relevance(lambda x, way=way: vision_transformer(way, model, x), x, weights) for way in ways)
        assert_near(one, other, 1e-7)


def test_cp_lrp_conserves_in_a_vision_transformer_without_biases():
    model, x = small_vision_transformer(), random(2, 3, 16, 16, seed=1)
    with torch.no_grad():
        for name, weight in model.named_parameters():
            if name.endswith("bias") or "token" in name or "embedding" in name:
                weight.zero_()
    ledger = explained(model, x, CP_LRP, 0).ledger
    assert_near(ledger.reached_input, ledger.explained, 1e-6)


class Encoder(nn.Module):
    """torch's own encoder of two layers, and the score of its mean token."""

    def __init__(self, norm_first: bool) -> None:
        super().__init__()
        torch.manual_seed(7)
        layer = nn.TransformerEncoderLayer(8, 2, 16, activation="gelu", batch_first=True, norm_first=norm_first)
        self.encoder = nn.TransformerEncoder(layer, 2, enable_nested_tensor=False)
        self.head = nn.Linear(8, 3)
        livelier(self).double().eval()

    def forward(self, x: Tensor) -> Tensor:
        return self.head(self.encoder(x).mean(1))


def encoder(parts: Efficient, model: Encoder, x: Tensor) -> Tensor:
    """The forward of :class:`Encoder`, of `parts`."""
    for layer in model.encoder.layers:
        attend = lambda x, layer=layer: multi_head(layer.self_attn, x, parts.attend, parts.linear)  # noqa: E731
        forward = lambda x, layer=layer: mlp(parts, layer.linear1, layer.linear2, F.gelu, x)  # noqa: E731
        for step, norm in ((attend, layer.norm1), (forward, layer.norm2)):
            x = x + step(parts.norm(norm, x)) if layer.norm_first else parts.norm(norm, x + step(x))
    return model.head(x.mean(1))


@pytest.mark.parametrize("norm_first", [False, True])
@pytest.mark.parametrize("method", METHODS)
def test_torchs_transformer_encoder_is_explained_by_gradient_times_input(method, norm_first):
    composite, constant_attention = METHODS[method]
    model, x = Encoder(norm_first), random(2, 4, 8, seed=1)
    parts, weights = Efficient(constant_attention), torch.tensor([1.0, -1, 0.5]).double()
    assert_near(encoder(parts, model, x).detach(), model(x).detach(), 1e-12)
    expected = parts.relevance(lambda x: encoder(parts, model, x), x, weights)
    assert_near(explained(model, x, composite, weights).relevance, expected, TOLERANCE)


class Decoder(nn.Module):
    """A block as in a language model: RMS norms, causal attention, a gated MLP; scores of the last token."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(8)
        self.before, self.between, self.after = (nn.RMSNorm(8, eps=1e-6) for _ in range(3))
        self.q, self.k, self.v, self.o = (nn.Linear(8, 8, bias=False) for _ in range(4))
        self.gate, self.up, self.down = (nn.Linear(8, 12, bias=False), nn.Linear(8, 12), nn.Linear(12, 8))
        self.head = nn.Linear(8, 4, bias=False)
        livelier(self).double().eval()

    def forward(self, x: Tensor) -> Tensor:
        y = self.before(x)
        q, k, v = (layer(y).unflatten(-1, (2, 4)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        attended = F.scaled_dot_product_attention(q, k, v, is_causal=True)
        x = x + self.o(attended.transpose(1, 2).flatten(2))
        y = self.between(x)
        x = x + self.down(F.silu(self.gate(y)) * self.up(y))
        return self.head(self.after(x)[:, -1])

    def of_lxt(self, x: Tensor) -> Tensor:
        """The same forward, of LXT's explicit functions."""

        def norm(layer: nn.RMSNorm, x: Tensor) -> Tensor:
            return their_rules.identity(layer, x)  # as rms_norm_identity, but in float64

        def linear(layer: nn.Linear, x: Tensor) -> Tensor:
            return _linear(x, layer.weight, layer.bias)

        y = norm(self.before, x)
        q, k, v = (linear(layer, y).unflatten(-1, (2, 4)).transpose(1, 2) for layer in (self.q, self.k, self.v))
        attended = _attention(q, k, v, MASK)
        x = _add(x, linear(self.o, attended.transpose(1, 2).flatten(2)))
        y = norm(self.between, x)
        gated = theirs.mul2(their_rules.identity(F.silu, linear(self.gate, y)), linear(self.up, y))
        x = _add(x, linear(self.down, gated))
        return linear(self.head, norm(self.after, x)[:, -1])


def test_a_block_of_a_language_model_is_explained_as_by_lxt():
    model, x = Decoder(), random(2, 4, 8, seed=1)
    weights = torch.tensor([[1.0, 0, 0, -1], [0, 1, 0.5, 0]]).double()
    assert_near(model.of_lxt(x).detach(), model(x).detach(), 1e-12)
    (expected,) = by_lxt(model.of_lxt, (x,), weights)
    assert_near(explained(model, x, ATTN_LRP, weights).relevance, expected, TOLERANCE)
