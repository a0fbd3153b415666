"""Programs that compute the same function of the same input have the same relevance, under every preset.

A pair is two functions of a few shared weights and a tensor; a network around them makes scores of their results:
write the program and its equal, and say where they stand. What cannot be equal names the caveat that says so.
"""

import math
import os
from collections.abc import Callable
from typing import Any

import pytest
import torch
import torch.nn.functional as F
import torchvision
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import Tensor, nn
from torch.nn.utils import parametrizations

from lrpwidgets.lrp import Composite, Explainer, Explanation, composites
from tests.lrp.dense import assert_near
from tests.lrp.networks import realistic

Program = Callable[["Parts", Tensor], Tensor]

BATCH, CHANNELS, SIZE, TOKENS, WIDTH, HEADS = 2, 4, 6, 5, 8, 2
MEAN, STD = torch.tensor([0.5, 0.4, 0.3]).double(), torch.tensor([0.2, 0.3, 0.25]).double()


class Parts(nn.Module):
    """Weights that a program and its equal share."""

    def __init__(self) -> None:
        super().__init__()
        torch.manual_seed(3)
        self.stem, self.conv = nn.Conv2d(3, CHANNELS, 3, padding=1), nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1)
        self.after, self.point = nn.Conv2d(CHANNELS, CHANNELS, 3), nn.Conv2d(CHANNELS, CHANNELS, 1)
        self.norm, self.frozen = nn.BatchNorm2d(CHANNELS), torchvision.ops.FrozenBatchNorm2d(CHANNELS)
        self.embed, self.dense = nn.Linear(3, WIDTH), nn.Linear(WIDTH, WIDTH)
        self.query, self.key, self.value = (nn.Linear(WIDTH, WIDTH) for _ in range(3))
        self.token_norm, self.position_norm = nn.BatchNorm1d(WIDTH), nn.BatchNorm1d(TOKENS)
        self.layer_norm = nn.LayerNorm(WIDTH)
        self.head, self.token_head = nn.Linear(CHANNELS, 3), nn.Linear(WIDTH, 3)
        realistic(self, 4)
        with torch.no_grad():
            for norm in (self.norm, self.token_norm, self.position_norm):
                for each in (norm.weight, norm.bias, norm.running_mean):
                    each.normal_()  # of both signs
                norm.running_var.uniform_(0.5, 2)
            for name in ("weight", "bias", "running_mean", "running_var"):
                getattr(self.frozen, name).copy_(getattr(self.norm, name))
            self.frozen.eps = self.norm.eps
            self.layer_norm.weight.normal_()
            self.layer_norm.bias.normal_()
        self.signed, self.wide = nn.Parameter(torch.randn(CHANNELS)), nn.Parameter(torch.randn(WIDTH))
        self.register_buffer("mask", torch.ones(TOKENS, TOKENS, dtype=torch.bool).tril())
        self.double().eval()


class Network(nn.Module):
    """A program with layers around it."""

    def __init__(self, program: Program, place: str) -> None:
        super().__init__()
        self.parts, self.program, self.place = Parts(), program, place

    def forward(self, x: Tensor) -> Tensor:
        p = self.parts
        if self.place == "picture":  # (B, CHANNELS, SIZE, SIZE), never negative
            y = F.relu(self.program(p, F.relu(p.stem(x))))
            return p.head(F.relu(p.after(y)).mean((2, 3)))
        if self.place == "head":  # the same, from there to the scores
            return self.program(p, F.relu(p.stem(x)))
        if self.place == "tokens":  # (B, TOKENS, WIDTH)
            return p.token_head(self.program(p, p.embed(x)).relu().mean(1))
        assert self.place == "input"
        return self.program(p, x)


def example(place: str) -> Tensor:
    generator = torch.Generator().manual_seed(5)
    shape = (BATCH, TOKENS, 3) if place == "tokens" else (BATCH, 3, SIZE, SIZE)
    return torch.randn(shape, generator=generator, dtype=torch.float64)


def preset(name: str, low: Any = -4.0, high: Any = 4.0) -> Composite:
    return composites.get(name, **({"low": low, "high": high} if composites.takes_bounds(name) else {}))


def explained(program: Program, place: str, composite: Composite) -> Explanation:
    explanation = Explainer(Network(program, place), composite).explain(example(place), WEIGHTS)
    assert explanation.ledger.imbalance < 1e-9
    return explanation


WEIGHTS = torch.tensor([0.7, -1.2, 0.4]).double()


def assert_equal(one: Explanation, other: Explanation) -> None:
    """Scores, relevance of the input and the losses in the ledger are the same."""
    assert_near(one.scores, other.scores, 1e-9)
    scale = max(float(one.relevance.abs().max()), float(one.ledger.explained.abs().max()))
    assert_near(one.relevance, other.relevance, 1e-9, of=torch.tensor(scale))
    for amount in ("bias", "stabilizer", "rules"):
        ours, theirs = getattr(one.ledger, amount), getattr(other.ledger, amount)
        assert float((ours - theirs).abs().max()) <= 1e-9 * max(scale, float(theirs.abs().max())), amount


def column(values: Tensor) -> Tensor:
    """One number per channel, shaped to scale a picture."""
    return values[:, None, None]


def spelled_norm(norm: nn.BatchNorm2d, x: Tensor) -> Tensor:
    return (x - column(norm.running_mean)) / column(norm.running_var + norm.eps).sqrt() * column(norm.weight) + column(
        norm.bias
    )


def scaled_conv(p: Parts, x: Tensor, scale: Tensor, shift: Tensor | float = 0.0) -> Tensor:
    """The convolution with the scale and shift in its weights."""
    return F.conv2d(x, p.conv.weight * scale[:, None, None, None], p.conv.bias * scale + shift, padding=1)


def split(x: Tensor) -> Tensor:
    """(B, TOKENS, WIDTH) → (B, HEADS, TOKENS, WIDTH / HEADS)."""
    return x.unflatten(-1, (HEADS, -1)).transpose(1, 2)


def attention(p: Parts, x: Tensor, attend: Callable[[Tensor, Tensor, Tensor], Tensor]) -> Tensor:
    return attend(split(p.query(x)), split(p.key(x)), split(p.value(x))).transpose(1, 2).flatten(2)


def by_hand(scores: Tensor, axis: int = -1) -> Tensor:
    e = torch.exp(scores - scores.amax(axis, keepdim=True))
    return e / e.sum(axis, keepdim=True)


def packed(p: Parts) -> nn.MultiheadAttention:
    layer = nn.MultiheadAttention(WIDTH, HEADS, batch_first=True).double().eval()
    with torch.no_grad():
        layer.in_proj_weight.copy_(torch.cat([p.query.weight, p.key.weight, p.value.weight]))
        layer.in_proj_bias.copy_(torch.cat([p.query.bias, p.key.bias, p.value.bias]))
        layer.out_proj.load_state_dict(p.dense.state_dict())
    return layer


def patches(p: Parts, x: Tensor) -> Tensor:
    columns = F.unfold(x, 3, padding=1)
    return (p.conv.weight.flatten(1) @ columns + p.conv.bias[:, None]).unflatten(2, x.shape[2:])


def parametrized(kind: Callable[[nn.Module], nn.Module]) -> tuple[Program, Program]:
    """A layer under a parametrization, and one with the weight that comes of it."""

    def layer(p: Parts) -> nn.Module:
        torch.manual_seed(8)
        return kind(nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1).double()).eval()

    return lambda p, x: layer(p)(x), lambda p, x: F.conv2d(x, layer(p).weight.detach(), layer(p).bias, padding=1)


def normalized(x: Tensor, axes: Any) -> Tensor:
    """`x` normalized over the `axes`."""
    return (x - x.mean(axes, keepdim=True)) / (x.var(axes, unbiased=False, keepdim=True) + 1e-5).sqrt()


def _classified(p: Parts, x: Tensor) -> Tensor:
    """Scores of a picture."""
    return p.head(F.relu(p.after(F.relu(p.stem(x)))).mean((2, 3)))


def normed(p: Parts, x: Tensor, deviation: Callable[[Tensor], Tensor]) -> Tensor:
    """A layer norm by hand, its deviation of the centred rows by `deviation`."""
    c = x - x.mean(-1, keepdim=True)
    return c / deviation(c) * p.layer_norm.weight + p.layer_norm.bias


def rms(x: Tensor) -> Tensor:
    return torch.rsqrt(x.square().mean(-1, keepdim=True) + 1e-6)


HALVES = slice(None, WIDTH // 2), slice(WIDTH // 2, None)
SCALE, SHIFT = torch.tensor([1.5, -0.5, 2.0, 0.3]).double(), torch.tensor([0.2, -0.4, 0.1, 0.6]).double()

PAIRS: dict[str, tuple[Program, Program, str]] = {
    # Constant scales and shifts.
    "frozen batch norm": (lambda p, x: p.frozen(p.conv(x)), lambda p, x: p.norm(p.conv(x)), "picture"),
    "a batch norm by hand": (lambda p, x: spelled_norm(p.norm, p.conv(x)), lambda p, x: p.norm(p.conv(x)), "picture"),
    "a lone batch norm by hand": (
        lambda p, x: spelled_norm(p.norm, F.max_pool2d(p.conv(x), 1).relu()),
        lambda p, x: p.norm(F.max_pool2d(p.conv(x), 1).relu()),
        "picture",
    ),
    "minus": (lambda p, x: -p.conv(x), lambda p, x: F.conv2d(x, -p.conv.weight, -p.conv.bias, padding=1), "picture"),
    "signs": (lambda p, x: p.conv(x) * column(SCALE), lambda p, x: scaled_conv(p, x, SCALE), "picture"),
    "signs, first": (lambda p, x: column(SCALE) * p.conv(x), lambda p, x: scaled_conv(p, x, SCALE), "picture"),
    "a quotient": (lambda p, x: p.conv(x) / column(SCALE), lambda p, x: scaled_conv(p, x, 1 / SCALE), "picture"),
    "a layer scale": (
        lambda p, x: p.dense(x) * p.wide,
        lambda p, x: F.linear(x, p.dense.weight * p.wide[:, None], p.dense.bias * p.wide),
        "tokens",
    ),
    "a number": (lambda p, x: p.conv(x) * -2 + 0.5, lambda p, x: scaled_conv(p, x, -2 + 0 * SCALE, 0.5), "picture"),
    "a chain": (
        lambda p, x: (1 - (p.conv(x) - 0.5) / column(SCALE)) * 3,
        lambda p, x: scaled_conv(p, x, -3 / SCALE, 3 + 1.5 / SCALE),
        "picture",
    ),
    "alpha": (
        lambda p, x: torch.sub(column(SHIFT), p.conv(x), alpha=2),
        lambda p, x: scaled_conv(p, x, -2 + 0 * SCALE, SHIFT),
        "picture",
    ),
    "rsub": (
        lambda p, x: torch.rsub(p.conv(x), 1, alpha=3),
        lambda p, x: scaled_conv(p, x, -3 + 0 * SCALE, 1.0),
        "picture",
    ),
    "addcmul": (
        lambda p, x: torch.addcmul(column(SHIFT), p.conv(x), column(SCALE)),
        lambda p, x: scaled_conv(p, x, SCALE, SHIFT),
        "picture",
    ),
    "in place": (
        lambda p, x: p.conv(x).mul_(column(SCALE)).add_(column(SHIFT)),
        lambda p, x: scaled_conv(p, x, SCALE, SHIFT),
        "picture",
    ),
    "a bias added": (
        lambda p, x: F.conv2d(x, p.conv.weight, padding=1) + column(p.conv.bias),
        lambda p, x: p.conv(x),
        "picture",
    ),
    "behind a permute": (
        lambda p, x: (p.conv(x).permute(0, 2, 3, 1) * SCALE + SHIFT).permute(0, 3, 1, 2),
        lambda p, x: scaled_conv(p, x, SCALE, SHIFT),
        "picture",
    ),
    "a norm behind a view": (
        lambda p, x: F.batch_norm(
            p.conv(x).flatten(2), p.norm.running_mean, p.norm.running_var, p.norm.weight, p.norm.bias
        ).view(x.shape),
        lambda p, x: p.norm(p.conv(x)),
        "picture",
    ),
    "a norm of tokens": (
        lambda p, x: p.token_norm(p.dense(x).transpose(1, 2)).transpose(1, 2),
        lambda p, x: p.token_norm(p.dense(x).flatten(0, 1)).view(x.shape),
        "tokens",
    ),
    "a norm of positions": (
        lambda p, x: p.position_norm(p.dense(x)),
        lambda p, x: (
            p.dense(x) * (p.position_norm.weight / (p.position_norm.running_var + p.position_norm.eps).sqrt())[:, None]
            + (
                p.position_norm.bias
                - p.position_norm.running_mean
                * p.position_norm.weight
                / (p.position_norm.running_var + p.position_norm.eps).sqrt()
            )[:, None]
        ),
        "tokens",
    ),
    "behind dropout and copies": (
        lambda p, x: p.norm(F.dropout(p.conv(x), 0.5, training=False).contiguous().clone()),
        lambda p, x: p.norm(p.conv(x)),
        "picture",
    ),
    "behind a pooling": (
        lambda p, x: F.avg_pool2d(p.conv(x), 3, 1, 1) * column(SCALE) + 1,
        lambda p, x: 1 + column(SCALE) * F.avg_pool2d(p.conv(x), 3, 1, 1),
        "picture",
    ),
    "behind a sum": (
        lambda p, x: (p.conv(x) + x) * column(SCALE) + 1,
        lambda p, x: 1 + torch.add(x, p.conv(x)).mul(column(SCALE)),
        "picture",
    ),
    "nothing added": (lambda p, x: sum([p.conv(x).relu()]), lambda p, x: p.conv(x).relu() + torch.zeros(1), "picture"),
    "weight norm": (*parametrized(parametrizations.weight_norm), "picture"),
    "spectral norm": (*parametrized(parametrizations.spectral_norm), "picture"),
    # Layers.
    "patches": (patches, lambda p, x: p.conv(x), "picture"),
    "a dense layer as a convolution": (
        lambda p, x: F.conv2d(x.mean((2, 3), keepdim=True), p.head.weight[..., None, None], p.head.bias).flatten(1),
        lambda p, x: p.head(x.mean((2, 3))),
        "head",
    ),
    "a dense layer of all pixels": (
        lambda p, x: F.conv2d(x, weight_of_all(p).view(3, *x.shape[1:])).flatten(1),
        lambda p, x: x.flatten(1) @ weight_of_all(p).T,
        "head",
    ),
    "einsum": (
        lambda p, x: torch.einsum("bnd,ed->bne", x, p.dense.weight) + p.dense.bias,
        lambda p, x: p.dense(x),
        "tokens",
    ),
    "matmul": (lambda p, x: x @ p.dense.weight.T + p.dense.bias, lambda p, x: p.dense(x), "tokens"),
    "addmm": (
        lambda p, x: torch.addmm(p.dense.bias, x.flatten(0, 1), p.dense.weight.T).view(x.shape),
        lambda p, x: p.dense(x),
        "tokens",
    ),
    "a layer in two parts": (
        lambda p, x: torch.cat(
            [F.linear(x, w, b) for w, b in zip(p.dense.weight.chunk(2), p.dense.bias.chunk(2), strict=True)], -1
        ),
        lambda p, x: p.dense(x),
        "tokens",
    ),
    # Poolings and sums.
    "mean": (lambda p, x: p.head(x.mean((2, 3))), lambda p, x: p.head(F.adaptive_avg_pool2d(x, 1).flatten(1)), "head"),
    "average": (
        lambda p, x: p.head(x.flatten(2).mean(-1)),
        lambda p, x: p.head(F.avg_pool2d(x, SIZE)[..., 0, 0]),
        "head",
    ),
    "sum over size": (
        lambda p, x: p.head(x.sum((2, 3)) / x[0, 0].numel()),
        lambda p, x: p.head(x.mean((2, 3))),
        "head",
    ),
    "mean of signs": (
        lambda p, x: p.conv(x).sum((2, 3), keepdim=True) / SIZE**2 + x,
        lambda p, x: p.conv(x).mean((2, 3), keepdim=True) + x,
        "picture",
    ),
    "order of a sum": (
        lambda p, x: (p.conv(x) + p.point(x)) + x,
        lambda p, x: x + (p.point(x) + p.conv(x)),
        "picture",
    ),
    "a sum of a list": (
        lambda p, x: sum([p.conv(x), p.point(x), x]),
        lambda p, x: torch.stack([p.conv(x), p.point(x), x]).sum(0),
        "picture",
    ),
    "a mean of branches": (
        lambda p, x: (p.conv(x) + p.point(x)) / 2,
        lambda p, x: torch.stack([p.conv(x), p.point(x)], 1).mean(1),
        "picture",
    ),
    "a difference": (
        lambda p, x: p.conv(x) - p.point(x) + 1,
        lambda p, x: torch.add(p.conv(x), p.point(x), alpha=-1) + 1,
        "picture",
    ),
    # Norms, and distances.
    "layer norm by std": (
        lambda p, x: normed(p, x, lambda c: (c.var(-1, correction=0, keepdim=True) + p.layer_norm.eps).sqrt()),
        lambda p, x: p.layer_norm(x),
        "tokens",
    ),
    "layer norm by squares": (
        lambda p, x: normed(p, x, lambda c: (c.pow(2).mean(-1, keepdim=True) + p.layer_norm.eps) ** 0.5),
        lambda p, x: p.layer_norm(x),
        "tokens",
    ),
    "layer norm by rsqrt": (
        lambda p, x: (
            ((x - x.mean(-1, keepdim=True)) * torch.rsqrt(x.var(-1, unbiased=False, keepdim=True) + p.layer_norm.eps))
            * p.layer_norm.weight
            + p.layer_norm.bias
        ),
        lambda p, x: p.layer_norm(x),
        "tokens",
    ),
    "zeros around a convolution's input": (
        lambda p, x: F.conv2d(F.pad(x, (1, 1, 1, 1)), p.conv.weight, p.conv.bias),
        lambda p, x: p.conv(x),
        "picture",
    ),
    "zeros by a kernel's name": (
        lambda p, x: F.conv2d(torch.ops.aten.constant_pad_nd(x, [1, 1, 1, 1], 0.0), p.conv.weight, p.conv.bias),
        lambda p, x: p.conv(x),
        "picture",
    ),
    "zeros in two places": (
        lambda p, x: F.conv2d(nn.ZeroPad2d((0, 0, 1, 1))(x), p.conv.weight, p.conv.bias, padding=(0, 1)),
        lambda p, x: p.conv(x),
        "picture",
    ),
    "a grey picture normalized for three channels": (
        lambda p, x: _classified(p, (x[:, :1] - column(MEAN)) / column(STD)),
        lambda p, x: _classified(p, (x[:, :1].expand(-1, 3, -1, -1) - column(MEAN)) / column(STD)),
        "input",
    ),
    "zeros around the input": (
        lambda p, x: p.head(
            F.relu(p.after(F.relu(F.conv2d(F.pad(x, [1] * 4), p.stem.weight, p.stem.bias)))).mean((2, 3))
        ),
        _classified,
        "input",
    ),
    "a sum as a product with ones": (
        lambda p, x: F.linear(torch.cat([x, p.dense(x)], -1), torch.eye(WIDTH).double().repeat(1, 2)),
        lambda p, x: x + p.dense(x),
        "tokens",
    ),
    "a sum and a shift as a product with ones": (
        lambda p, x: F.linear(torch.cat([x, p.dense(x)], -1), -torch.eye(WIDTH).double().repeat(1, 2), p.wide),
        lambda p, x: p.wide - x - p.dense(x),
        "tokens",
    ),
    "a sum by einsum": (
        lambda p, x: torch.einsum("nbtw,n->btw", torch.stack([x, p.dense(x)]), torch.ones(2).double()),
        lambda p, x: p.dense(x) + x,
        "tokens",
    ),
    "a sum as a matrix product": (
        lambda p, x: torch.cat([x, p.dense(x)], -1) @ torch.eye(WIDTH).double().repeat(2, 1),
        lambda p, x: p.dense(x) + x,
        "tokens",
    ),
    "layer norm over channels": (
        lambda p, x: normalized(x, 1) * column(p.signed) + column(p.norm.bias),
        lambda p, x: F.layer_norm(x.movedim(1, -1), (CHANNELS,), p.signed, p.norm.bias).movedim(-1, 1),
        "picture",
    ),
    "instance norm by hand": (
        lambda p, x: normalized(x, (2, 3)) * column(p.signed) + column(p.norm.bias),
        lambda p, x: F.instance_norm(x, weight=p.signed, bias=p.norm.bias),
        "picture",
    ),
    "layer norm over channels and rows": (
        lambda p, x: normalized(x, (1, 2)),
        lambda p, x: F.layer_norm(x.permute(0, 3, 1, 2), (CHANNELS, SIZE)).permute(0, 2, 3, 1),
        "picture",
    ),
    "a layer norm's weights by hand": (
        lambda p, x: F.layer_norm(x, (WIDTH,)) * p.layer_norm.weight + p.layer_norm.bias,
        lambda p, x: p.layer_norm(x),
        "tokens",
    ),
    "rms norm": (
        lambda p, x: p.wide * (x * rms(x)),
        lambda p, x: F.rms_norm(x, (WIDTH,), p.wide, 1e-6),
        "tokens",
    ),
    "rms norm by its norm": (
        lambda p, x: x / x.norm(dim=-1, keepdim=True) * math.sqrt(WIDTH) * p.wide,
        lambda p, x: F.rms_norm(x, (WIDTH,), p.wide, 0.0),
        "tokens",
    ),
    "vector norm": (
        lambda p, x: torch.linalg.vector_norm(x, ord=2, dim=-1, keepdim=True) * x,
        lambda p, x: x * (x * x).sum(-1, keepdim=True).sqrt(),
        "tokens",
    ),
    "normalize": (lambda p, x: F.normalize(x, dim=-1), lambda p, x: x / (x**2).sum(-1, keepdim=True).sqrt(), "tokens"),
    "group norm": (
        lambda p, x: F.group_norm(p.conv(x), 2, p.signed, p.norm.bias),
        lambda p, x: grouped(p, p.conv(x)),
        "picture",
    ),
    "a distance": (
        lambda p, x: distances(p, x, lambda d: d.norm(dim=-1)),
        lambda p, x: distances(p, x, lambda d: (d**2).sum(-1).sqrt()),
        "head",
    ),
    "a distance by linalg": (
        lambda p, x: distances(p, x, lambda d: torch.linalg.vector_norm(d, dim=-1)),
        lambda p, x: distances(p, x, lambda d: (d * d).sum(-1) ** 0.5),
        "head",
    ),
    "a spread": (
        lambda p, x: distances(p, x, lambda d: d.std(-1)),
        lambda p, x: distances(
            p, x, lambda d: ((d - d.mean(-1, keepdim=True)).square().sum(-1) / (CHANNELS - 1)).sqrt()
        ),
        "head",
    ),
    # Attention.
    "attention": (
        lambda p, x: attention(p, x, F.scaled_dot_product_attention),
        lambda p, x: attention(p, x, lambda q, k, v: (q @ k.mT / math.sqrt(WIDTH / HEADS)).softmax(-1) @ v),
        "tokens",
    ),
    "attention, scaled queries": (
        lambda p, x: attention(p, x, lambda q, k, v: ((q * (WIDTH / HEADS) ** -0.5) @ k.mT).softmax(-1) @ v),
        lambda p, x: attention(p, x, F.scaled_dot_product_attention),
        "tokens",
    ),
    "attention, softmax by hand": (
        lambda p, x: attention(p, x, lambda q, k, v: by_hand(q @ k.mT / math.sqrt(WIDTH / HEADS)) @ v),
        lambda p, x: attention(p, x, F.scaled_dot_product_attention),
        "tokens",
    ),
    "attention by einsum": (
        lambda p, x: attention(
            p,
            x,
            lambda q, k, v: torch.einsum(
                "bhij,bhjd->bhid", (torch.einsum("bhid,bhjd->bhij", q, k) * (WIDTH / HEADS) ** -0.5).softmax(-1), v
            ),
        ),
        lambda p, x: attention(p, x, F.scaled_dot_product_attention),
        "tokens",
    ),
    "masked attention": (
        lambda p, x: attention(p, x, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, p.mask)),
        lambda p, x: attention(p, x, lambda q, k, v: (q @ k.mT / 2).masked_fill(~p.mask, -math.inf).softmax(-1) @ v),
        "tokens",
    ),
    "masked attention, mask added": (
        lambda p, x: attention(
            p,
            x,
            lambda q, k, v: (
                (q @ k.mT / 2 + torch.zeros(TOKENS, TOKENS).masked_fill(~p.mask, -math.inf)).softmax(-1) @ v
            ),
        ),
        lambda p, x: attention(p, x, lambda q, k, v: F.scaled_dot_product_attention(q, k, v, is_causal=True)),
        "tokens",
    ),
    "multi-head attention": (
        lambda p, x: packed(p)(x, x, x, need_weights=False)[0],
        lambda p, x: p.dense(attention(p, x, F.scaled_dot_product_attention)),
        "tokens",
    ),
    "multi-head attention with its weights": (
        lambda p, x: packed(p)(x, x, x)[0],
        lambda p, x: p.dense(attention(p, x, F.scaled_dot_product_attention)),
        "tokens",
    ),
    "softmax of shifted scores": (
        lambda p, x: (p.dense(x) - p.dense(x).amax(-1, keepdim=True)).softmax(-1) * x,
        lambda p, x: p.dense(x).softmax(-1) * x,
        "tokens",
    ),
    # Nonlinearities.
    "silu": (lambda p, x: F.silu(p.dense(x)), lambda p, x: p.dense(x) * torch.sigmoid(p.dense(x)), "tokens"),
    "gelu by erf": (
        lambda p, x: F.gelu(p.dense(x)),
        lambda p, x: applied(p.dense(x), lambda h: h * 0.5 * (1 + torch.erf(h / math.sqrt(2)))),
        "tokens",
    ),
    "gelu by tanh": (
        lambda p, x: F.gelu(p.dense(x), approximate="tanh"),
        lambda p, x: applied(
            p.dense(x), lambda h: 0.5 * h * (1 + torch.tanh(math.sqrt(2 / math.pi) * (h + 0.044715 * torch.pow(h, 3))))
        ),
        "tokens",
    ),
    "gelu by tanh, powers by products": (
        lambda p, x: F.gelu(p.dense(x), approximate="tanh"),
        lambda p, x: applied(
            p.dense(x), lambda h: (1 + torch.tanh(math.sqrt(2 / math.pi) * h * (1 + 0.044715 * h * h))) * h * 0.5
        ),
        "tokens",
    ),
    "mish": (
        lambda p, x: F.mish(p.conv(x)),
        lambda p, x: applied(p.conv(x), lambda h: h * torch.tanh(F.softplus(h))),
        "picture",
    ),
    "softsign": (
        lambda p, x: F.softsign(p.dense(x)),
        lambda p, x: applied(p.dense(x), lambda h: h / (1 + h.abs())),
        "tokens",
    ),
    "relu by clamp": (lambda p, x: p.conv(x).clamp(min=0), lambda p, x: p.conv(x).relu(), "picture"),
    "relu by maximum": (
        lambda p, x: torch.maximum(p.conv(x), torch.zeros(()).double()),
        lambda p, x: p.conv(x).relu(),
        "picture",
    ),
    "type and shape of another": (
        lambda p, x: p.conv(x).type_as(p.point(x)).view_as(p.point(x)).expand_as(x).to(x),
        lambda p, x: p.conv(x),
        "picture",
    ),
    "a constant takes another's type": (
        lambda p, x: p.conv(x) + column(p.signed).float().type_as(p.point(x)),
        lambda p, x: p.conv(x) + column(p.signed).float().double(),
        "picture",
    ),
}


def applied(h: Tensor, function: Callable[[Tensor], Tensor]) -> Tensor:
    return function(h)


def weight_of_all(p: Parts) -> Tensor:
    return torch.randn(3, CHANNELS * SIZE**2, generator=torch.Generator().manual_seed(1), dtype=torch.float64)


def grouped(p: Parts, x: Tensor) -> Tensor:
    rows = x.reshape(len(x), 2, -1)
    rows = (rows - rows.mean(-1, keepdim=True)) / (rows.var(-1, correction=0, keepdim=True) + 1e-5).sqrt()
    return rows.view(x.shape) * column(p.signed) + column(p.norm.bias)


def distances(p: Parts, x: Tensor, measure: Callable[[Tensor], Tensor]) -> Tensor:
    """How far apart three pairs of embeddings are."""
    one, other = p.conv(x).mean((2, 3)), p.point(x).mean((2, 3))
    return torch.stack([measure(one - other), measure(one + other), measure(2 * one - other)], 1)


@pytest.mark.parametrize("name", composites.names())
@pytest.mark.parametrize("pair", PAIRS)
def test_equal_programs_have_equal_relevance(pair, name):
    program, twin, place = PAIRS[pair]
    composite = preset(name)
    assert_equal(explained(program, place, composite), explained(twin, place, composite))


# A model that prepares its input itself has the map of the model without that, on the prepared input.


def net(p: Parts, x: Tensor) -> Tensor:
    return p.head(F.relu(p.conv(F.relu(p.stem(x)))).mean((2, 3)))


def by_channels(x: Tensor) -> Tensor:
    """As torchvision's GoogLeNet and Inception transform their input."""
    channels = [x[:, i].unsqueeze(1) * float(1 / STD[i]) + float(-MEAN[i] / STD[i]) for i in range(3)]
    return torch.cat(channels, 1)


def channels_last(x: Tensor) -> Tensor:
    return ((x.permute(0, 2, 3, 1) - MEAN) / STD).permute(0, 3, 1, 2)


def in_place(x: Tensor) -> Tensor:
    return x.clone().sub_(column(MEAN)).div_(column(STD))


def by_batch_norm(x: Tensor) -> Tensor:
    return F.batch_norm(x, MEAN, STD**2, eps=0)


PREPARED: dict[str, Callable[[Tensor], Tensor]] = {
    "(x - mean) / std": lambda x: (x - column(MEAN)) / column(STD),
    "by channels": by_channels,
    "channels last": channels_last,
    "in place": in_place,
    "by a batch norm": by_batch_norm,
    "bytes": lambda x: ((x * 255).div(255) - column(MEAN)) / column(STD),
    "torchvision": lambda x: torchvision.transforms.functional.normalize(x, MEAN.tolist(), STD.tolist()),
    "inverted": lambda x: (1 - x - column(1 - MEAN)) / -column(STD),
}


@pytest.mark.parametrize("name", composites.names())
@pytest.mark.parametrize("prepare", PREPARED)
def test_a_model_that_prepares_its_input_is_explained_as_if_that_were_done_outside(prepare, name):
    pixels = torch.rand(BATCH, 3, SIZE, SIZE, generator=torch.Generator().manual_seed(6), dtype=torch.float64)
    inside = Network(lambda p, x: net(p, PREPARED[prepare](x)), "input")
    low, high = (-MEAN / STD).tolist(), ((1 - MEAN) / STD).tolist()
    one = Explainer(inside, preset(name, 0.0, 1.0)).explain(pixels, WEIGHTS)
    outer = Explainer(Network(net, "input"), preset(name, tuple(low), tuple(high)))
    assert_equal(one, outer.explain(PREPARED["(x - mean) / std"](pixels), WEIGHTS))


# Random networks in random spellings.

Spelling = Callable[["Parts", Tensor], Tensor]


def _normed_by_hand(p: Parts, x: Tensor) -> Tensor:
    scale = p.norm.weight / (p.norm.running_var + p.norm.eps).sqrt()
    return x * column(scale) + column(p.norm.bias - p.norm.running_mean * scale)


def _normed_last(p: Parts, x: Tensor) -> Tensor:
    deviation = (p.norm.running_var + p.norm.eps).sqrt()
    rows = (x.movedim(1, -1) - p.norm.running_mean) / deviation * p.norm.weight
    return rows.movedim(-1, 1) + column(p.norm.bias)


def _in_groups(p: Parts, x: Tensor) -> Tensor:
    return grouped(p, x)


SPELLINGS: dict[str, list[Spelling]] = {
    "convolution": [
        lambda p, x: p.conv(x),
        patches,
        lambda p, x: F.conv2d(x, p.conv.weight, padding=1) + column(p.conv.bias),
        lambda p, x: -F.conv2d(x, -p.conv.weight, -p.conv.bias, padding=1),
        lambda p, x: F.conv2d(x, p.conv.weight * 2, padding="same") / 2 + column(p.conv.bias),
        lambda p, x: torch.cat([F.conv2d(x, w[None], b[None], padding=1) for w, b in _rows(p.conv)], 1),
    ],
    "pointwise": [
        lambda p, x: p.point(x),
        lambda p, x: F.conv2d(x, p.point.weight) + column(p.point.bias),
        lambda p, x: F.conv2d(x, 3 * p.point.weight, 3 * p.point.bias) / 3,
        lambda p, x: torch.conv2d(x.contiguous(), p.point.weight, p.point.bias).clone(),
    ],
    "norm": [
        lambda p, x: p.norm(x),
        lambda p, x: p.frozen(x),
        lambda p, x: spelled_norm(p.norm, x),
        _normed_by_hand,
        _normed_last,
        lambda p, x: p.norm(x.transpose(2, 3)).transpose(2, 3),
        lambda p, x: F.batch_norm(x.flatten(2), *_statistics(p.norm), eps=p.norm.eps).reshape(x.shape),
    ],
    "scale": [
        lambda p, x: x * column(SCALE),
        lambda p, x: column(SCALE) * x,
        lambda p, x: x / (1 / column(SCALE)),
        lambda p, x: torch.mul(x, SCALE.view(1, -1, 1, 1)),
        lambda p, x: (x.movedim(1, -1) * SCALE).movedim(-1, 1),
        lambda p, x: -(x * -column(SCALE)),
    ],
    "shift": [
        lambda p, x: x + column(SHIFT),
        lambda p, x: column(SHIFT) + x,
        lambda p, x: x - -column(SHIFT),
        lambda p, x: torch.rsub(-x, column(SHIFT)),
        lambda p, x: x.clone().add_(column(SHIFT)),
        lambda p, x: (x + 1) + (column(SHIFT) - 1),
    ],
    "relu": [
        lambda p, x: F.relu(x),
        lambda p, x: x.clamp(min=0),
        lambda p, x: torch.relu_(x.clone()),
        lambda p, x: torch.maximum(x, x.new_zeros(())),
        lambda p, x: F.threshold(x, 0.0, 0.0),
        lambda p, x: F.leaky_relu(x, 0.0),
    ],
    "residual": [
        lambda p, x: x + p.point(x),
        lambda p, x: p.point(x) + x,
        lambda p, x: torch.add(input=x, other=p.point(x)),
        lambda p, x: torch.stack([x, p.point(x)]).sum(0),
        lambda p, x: sum([x, p.point(x)]),
        lambda p, x: p.point(x).add_(x),
    ],
    "channel norm": [
        lambda p, x: normalized(x, 1) * column(p.signed),
        lambda p, x: F.layer_norm(x.movedim(1, -1), (CHANNELS,), p.signed).movedim(-1, 1),
        lambda p, x: F.layer_norm(x.permute(0, 2, 3, 1), (CHANNELS,)).permute(0, 3, 1, 2) * column(p.signed),
    ],
    "group norm": [lambda p, x: F.group_norm(x, 2, p.signed, p.norm.bias), _in_groups],
    "pooling": [
        lambda p, x: F.avg_pool2d(x, 2, 1),
        lambda p, x: F.avg_pool2d(x, 2, 1, divisor_override=1) / 4,
        lambda p, x: x.unfold(2, 2, 1).unfold(3, 2, 1).mean((-1, -2)),
        lambda p, x: F.avg_pool2d(input=x, kernel_size=(2, 2), stride=(1, 1)),
    ],
    "gate": [
        lambda p, x: x * torch.sigmoid(p.point(x)),
        lambda p, x: p.point(x).sigmoid() * x,
        lambda p, x: torch.mul(x, torch.special.expit(p.point(x))),
    ],
    "turn": [
        lambda p, x: x.transpose(2, 3),
        lambda p, x: x.permute(0, 1, 3, 2),
        lambda p, x: x.mT.contiguous(),
        lambda p, x: torch.einsum("bchw->bcwh", x),
    ],
}


def _rows(layer: nn.Conv2d) -> list[tuple[Tensor, Tensor]]:
    return list(zip(layer.weight, layer.bias, strict=True))


def _statistics(norm: nn.BatchNorm2d) -> tuple[Tensor, ...]:
    return norm.running_mean, norm.running_var, norm.weight, norm.bias


def chain(names: list[str], spelled: list[int]) -> Program:
    """A network of the named layers, each in one of its spellings."""

    def program(p: Parts, x: Tensor) -> Tensor:
        x = p.stem(x)
        for name, number in zip(names, spelled, strict=True):
            x = SPELLINGS[name][number % len(SPELLINGS[name])](p, x)
        return p.head(x.mean((2, 3)))

    return program


@settings(max_examples=int(os.environ.get("LRPWIDGETS_REWRITINGS", "60")), deadline=None, derandomize=True)
@given(
    names=st.lists(st.sampled_from(sorted(SPELLINGS)), min_size=1, max_size=6),
    spelled=st.lists(st.integers(0, 41), min_size=12, max_size=12),
    composite=st.sampled_from(composites.names()),
)
def test_random_networks_have_one_map_in_all_their_spellings(names, spelled, composite):
    if names.count("pooling") > 3:
        names = [name for name in names if name != "pooling"] or ["relu"]
    one, other = (chain(names, spelled[start : start + len(names)]) for start in (0, 6))
    rules = preset(composite)
    assert_equal(explained(one, "input", rules), explained(other, "input", rules))
