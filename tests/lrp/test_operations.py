"""Every row of the operation table and every expansion: scores, ledger, samples, and a second way to its relevance."""

import math
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import PackedSequence, pack_padded_sequence, pack_sequence, pad_packed_sequence
from torchvision.ops import roi_align

from lrpwidgets.lrp import Composite, Explainer, Explanation, expansions, operations, recorder
from lrpwidgets.lrp.rules import AlphaBeta, Epsilon, Flat, Gamma, Half, Signal, WSquare, Zero, ZPlus
from lrpwidgets.lrp.selectors import Kind
from tests.lrp.dense import Dense, account, assert_near

aten = torch.ops.aten
ROW, ROWS, PICTURE, VIDEO = (3, 6), (3, 4, 6), (3, 4, 6, 6), (3, 4, 4, 4, 4)


def constant(*shape: int, seed: int = 0) -> Tensor:
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed + sum(shape)), dtype=torch.float64)


class Lone(nn.Module):
    """A network of a single function, all of whose outputs are scores."""

    def __init__(self, function: Callable[..., Tensor], *modules: nn.Module) -> None:
        super().__init__()
        self.function, self.kept = function, nn.ModuleList(modules).double()
        self.eval()

    def forward(self, *inputs: Tensor) -> Tensor:
        return self.function(*inputs).flatten(1)


def weights(scores: Tensor) -> Tensor:
    """The same weights of the scores for every sample, of both signs."""
    return constant(scores[0].numel(), seed=5).expand(scores.shape)


def explained(function: Callable[..., Tensor], inputs: Tensor | tuple[Tensor, ...], composite="auto") -> Explanation:
    """An explanation of all outputs of `function`, checked to have its scores and to account for all of it."""
    model = function if isinstance(function, Lone) else Lone(function)
    given = inputs if isinstance(inputs, tuple) else (inputs,)
    with torch.no_grad():
        scores = model(*given)
    explanation = Explainer(model, composite).explain(inputs, weights(scores).to(scores.dtype))
    assert_near(explanation.scores, scores, 1e-12)
    assert_balanced(explanation)
    return explanation


def assert_balanced(explanation: Explanation, tolerance: float = 1e-9) -> None:
    ledger = explanation.ledger
    assert ledger.imbalance < tolerance
    for row in ledger.rows:
        out = row.handed + row.bias + row.stabilizer + row.rules
        scale = 1 + max(float(each.abs().max()) for each in (row.received, row.bias, row.rules, row.handed))
        assert torch.allclose(row.received, out, rtol=0, atol=tolerance * scale), row


def assert_each_sample_alone(explain: Callable[..., Explanation], inputs: tuple[Tensor, ...], tolerance=1e-9) -> None:
    """Relevance and ledger of a batch are those of its samples."""
    together = explain(inputs)
    for number in range(len(inputs[0])):
        alone = explain(tuple(x[number : number + 1] for x in inputs))
        for whole, part in zip(_tuple(together.relevance), _tuple(alone.relevance), strict=True):
            assert_near(whole[number], part[0], tolerance)
        scale = max(float(getattr(alone.ledger, term).abs().max()) for term in TERMS) + 1e-12
        for term in TERMS:
            whole, part = getattr(together.ledger, term)[number], getattr(alone.ledger, term)[0]
            assert abs(float(whole - part)) <= tolerance * scale, term


TERMS = ("explained", "reached_input", "bias", "stabilizer", "rules")


def _tuple(item):
    return item if isinstance(item, tuple) else (item,)


def gradient_times_input(function: Callable[[Tensor], Tensor], x: Tensor) -> Tensor:
    leaf = x.clone().requires_grad_()
    scores = function(leaf.clone()).flatten(1)
    (gradient,) = torch.autograd.grad((scores * weights(scores)).sum(), leaf)
    return gradient * x


# The cases, by family; each a function of its inputs and their shapes.


def _running(channels: int) -> tuple[Tensor, Tensor, Tensor, Tensor]:
    mean, var, weight, bias = (constant(channels, seed=seed) for seed in range(4))
    return mean, var.abs() + 0.5, weight, bias


def _whole(x: Tensor, *rest: int) -> Tensor:
    """A constant with one entry per sample, the same for all."""
    return constant(1, *rest).expand(len(x), *rest)


LINEAR: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "conv1d": (lambda x: F.conv1d(x, constant(5, 4, 3), constant(5), padding=1), ROWS),
    "conv1d, same": (lambda x: F.conv1d(x, constant(5, 4, 4), padding="same"), ROWS),
    "conv2d": (lambda x: F.conv2d(x, constant(6, 2, 3, 3), constant(6), 2, 1, 1, 2), PICTURE),
    "conv2d, dilated": (lambda x: F.conv2d(x, constant(3, 4, 2, 3), None, 1, 2, (1, 2)), PICTURE),
    "conv3d": (lambda x: F.conv3d(x, constant(3, 4, 2, 2, 3), constant(3), padding=1), VIDEO),
    "conv_transpose1d": (lambda x: F.conv_transpose1d(x, constant(4, 3, 3), constant(3), 2), ROWS),
    "conv_transpose2d": (
        lambda x: F.conv_transpose2d(x, constant(4, 3, 3, 2), constant(6), 2, 1, 1, groups=2),
        PICTURE,
    ),
    "conv_transpose3d": (lambda x: F.conv_transpose3d(x, constant(4, 2, 2, 2, 2), None, 2), VIDEO),
    "conv of a reflected edge": (
        lambda x: F.conv2d(F.pad(x, (1, 1, 1, 1), "reflect"), constant(2, 4, 3, 3)),
        PICTURE,
    ),
    "linear": (lambda x: F.linear(x, constant(5, 6), constant(5)), ROWS),
    "x @ W": (lambda x: x @ constant(6, 5), ROWS),
    "W @ x": (lambda x: constant(5, 4) @ x, ROWS),
    "matmul": (lambda x: torch.matmul(x, constant(4, 6, 5)), PICTURE),
    "x.__rmatmul__(W)": (lambda x: x.__rmatmul__(constant(5, 4)), ROWS),
    "mm": (lambda x: x.mm(constant(6, 5)), ROW),
    "bmm": (lambda x: torch.bmm(_whole(x, 5, 4), x), ROWS),
    "mv": (lambda x: x.flatten(1).mv(constant(24)).unsqueeze(1), ROWS),
    "einsum with a constant": (lambda x: torch.einsum("bcf,gf->bgc", x, constant(5, 6)), ROWS),
    "einsum, constant first": (lambda x: torch.einsum("ij, bjf -> bif", constant(3, 4), x), ROWS),
    "einsum by list": (lambda x: torch.einsum("bcf,cf->bf", [x, constant(4, 6)]), ROWS),
    "diff": (lambda x: torch.diff(x, dim=1), ROWS),
    "diff, twice, with more": (lambda x: torch.diff(x, 2, prepend=x[..., :1], append=x[..., :2] * 3), ROWS),
    "linalg.solve": (lambda x: torch.linalg.solve(constant(4, 4), x), ROWS),
    "linalg.solve, from the right": (lambda x: torch.linalg.solve(constant(6, 6), x, left=False), ROWS),
    "linalg.solve, vectors": (lambda x: torch.linalg.solve(constant(1, 4, 6, 6).expand(len(x), 4, 6, 6), x), ROWS),
    "linalg.solve_triangular": (
        lambda x: torch.linalg.solve_triangular(constant(6, 6), x, upper=True, left=False),
        ROWS,
    ),
    "linalg.solve_triangular, ones": (
        lambda x: torch.linalg.solve_triangular(constant(4, 4), x, upper=False, unitriangular=True),
        ROWS,
    ),
    "einsum of one": (lambda x: torch.einsum("bcf->bfc", x), ROWS),
    "einsum of one, summed": (lambda x: torch.einsum("bchw->bh", x), PICTURE),
    "einsum of one diagonal": (lambda x: torch.einsum("bchh->bhc", x), PICTURE),
    "tensordot": (lambda x: torch.tensordot(x, constant(6, 5), dims=1), ROWS),
    "batch_norm": (lambda x: F.batch_norm(x, *_running(4)), PICTURE),
    "instance_norm, running": (lambda x: F.instance_norm(x, *_running(4), use_input_stats=False), PICTURE),
    "avg_pool1d": (lambda x: F.avg_pool1d(x, 2), ROWS),
    "avg_pool2d": (lambda x: F.avg_pool2d(x, 3, 2, 1, ceil_mode=True), PICTURE),
    "avg_pool2d, no pad": (lambda x: F.avg_pool2d(x, 3, 2, 1, count_include_pad=False), PICTURE),
    "avg_pool3d": (lambda x: F.avg_pool3d(x, 2), VIDEO),
    "cumsum": (lambda x: x.cumsum(1), ROWS),
    "adaptive_avg_pool1d": (lambda x: F.adaptive_avg_pool1d(x, 4), ROWS),
    "adaptive_avg_pool2d": (lambda x: F.adaptive_avg_pool2d(x, (4, 1)), PICTURE),
    "adaptive_avg_pool3d": (lambda x: F.adaptive_avg_pool3d(x, (1, 2, 3)), VIDEO),
    "mean": (lambda x: x.mean(1), ROWS),
    "mean of all": (lambda x: x.mean((1, 2), keepdim=True), ROWS),
    "sum": (lambda x: torch.sum(x, dim=-1), ROWS),
    "sum, time first": (lambda x: x.transpose(0, 1).sum(0), ROWS),
    "mean, one number each": (lambda x: x.mean((1, 2)).unsqueeze(1), ROWS),
    "a product, one number each": (lambda x: (x.flatten(1) @ constant(24)).unsqueeze(1), ROWS),
    "mean, sample by sample": (lambda x: torch.stack([each.mean(0) for each in x.unbind(0)]), ROWS),
    "W @ x, sample by sample": (lambda x: torch.stack([constant(5, 4) @ each for each in x]), ROWS),
    "interpolate, nearest": (lambda x: F.interpolate(x, scale_factor=2), PICTURE),
    "interpolate, nearest-exact": (lambda x: F.interpolate(x, (9, 4), mode="nearest-exact"), PICTURE),
    "interpolate, linear": (lambda x: F.interpolate(x, 9, mode="linear"), ROWS),
    "interpolate, bilinear": (lambda x: F.interpolate(x, (9, 4), mode="bilinear"), PICTURE),
    "interpolate, corners": (lambda x: F.interpolate(x, 11, mode="bilinear", align_corners=True), PICTURE),
    "interpolate, antialias": (lambda x: F.interpolate(x, 4, mode="bilinear", antialias=True), PICTURE),
    "interpolate, bicubic": (lambda x: F.interpolate(x, (9, 4), mode="bicubic"), PICTURE),
    "interpolate, trilinear": (lambda x: F.interpolate(x, (5, 3, 6), mode="trilinear"), VIDEO),
    "interpolate, area": (lambda x: F.interpolate(x, (3, 4), mode="area"), PICTURE),
    "grid_sampler": (
        lambda x: F.grid_sample(x, constant(1, 3, 2, 2).tanh().expand(len(x), -1, -1, -1), align_corners=False),
        PICTURE,
    ),
    "nn.Upsample": (nn.Upsample(scale_factor=(2, 1.5), mode="bilinear"), PICTURE),
    "upsample": (lambda x: F.upsample(x, scale_factor=2), PICTURE),
    "add": (lambda x: x + constant(4, 6), ROWS),
    "add, alpha": (lambda x: torch.add(x, constant(6), alpha=2), ROWS),
    "add of a broadcast": (lambda x: x + x.mean(1, keepdim=True), ROWS),
    "add of the same": (lambda x: x + x, ROWS),
    "1 + x": (lambda x: 1 + x, ROWS),
    "x.__radd__": (lambda x: x.__radd__(constant(6)), ROWS),
    "x - c": (lambda x: x - constant(4, 1), ROWS),
    "sub, alpha": (lambda x: torch.sub(x, x.flip(1), alpha=0.3), ROWS),
    "subtract": (lambda x: torch.subtract(x.roll(1, 1), x), ROWS),
    "1 - x": (lambda x: 1 - x, ROWS),
    "rsub": (lambda x: torch.rsub(x, x.roll(1, 2), alpha=2), ROWS),
    "max_pool1d": (lambda x: F.max_pool1d(x, 2), ROWS),
    "max_pool2d": (lambda x: F.max_pool2d(x, 3, 2, 1, ceil_mode=True), PICTURE),
    "max_pool2d, dilated": (lambda x: F.max_pool2d(x, 2, 1, 0, 2), PICTURE),
    "max_pool3d": (lambda x: F.max_pool3d(x, 2), VIDEO),
    "max_pool1d, indices": (lambda x: F.max_pool1d(x, 2, return_indices=True)[0], ROWS),
    "max_pool2d, indices": (lambda x: F.max_pool2d(x, 2, return_indices=True)[0], PICTURE),
    "max_pool3d, indices": (lambda x: F.max_pool3d(x, 2, return_indices=True)[0], VIDEO),
    **{
        f"max_unpool{n}d": (
            lambda x, n=n: getattr(F, f"max_unpool{n}d")(
                x,
                getattr(F, f"max_pool{n}d")(
                    _whole(x, *(2 * s if i else s for i, s in enumerate(x.shape[1:]))), 2, return_indices=True
                )[1],
                2,
            ),
            shape,
        )
        for n, shape in ((1, ROWS), (2, PICTURE), (3, VIDEO))
    },
    "max_pool1d_with_indices": (lambda x: F.max_pool1d_with_indices(x, 2)[0], ROWS),
    "max_pool2d_with_indices": (lambda x: F.max_pool2d_with_indices(x, 2)[0], PICTURE),
    "max_pool3d_with_indices": (lambda x: F.max_pool3d_with_indices(x, 2)[0], VIDEO),
    "adaptive_max_pool1d": (lambda x: F.adaptive_max_pool1d(x, 4), ROWS),
    "adaptive_max_pool2d": (lambda x: F.adaptive_max_pool2d(x, (4, 1)), PICTURE),
    "adaptive_max_pool3d": (lambda x: F.adaptive_max_pool3d(x, (1, 2, 3)), VIDEO),
    "addmm": (lambda x: torch.addmm(constant(5), x, constant(6, 5), beta=0.5, alpha=2), ROW),
    "baddbmm": (lambda x: torch.baddbmm(_whole(x, 4, 5), x, _whole(x, 6, 5)), ROWS),
    "addmv": (lambda x: torch.addmv(_whole(x), x, constant(6)).unsqueeze(1), ROW),
    "addcmul": (lambda x: torch.addcmul(x, x.flip(1), constant(6), value=0.5), ROWS),
    "lerp": (lambda x: torch.lerp(x, x.flip(1), 0.3), ROWS),
    "lerp_": (lambda x: (x * 1).lerp_(x.flip(1), 0.3), ROWS),
    "addcmul_": (lambda x: (x * 1).addcmul_(x.flip(1), constant(6), value=0.5), ROWS),
    "addmm_": (lambda x: (x * 1).addmm_(x, constant(6, 6)), ROW),
    "lerp by a tensor": (lambda x: x.lerp(constant(4, 6), torch.linspace(0, 1, 6).double()), ROWS),
    "addmm by name": (lambda x: torch.addmm(input=constant(5), mat1=x, mat2=constant(6, 5), alpha=2), ROW),
    "baddbmm by name": (
        lambda x: torch.baddbmm(input=_whole(x, 4, 5), batch1=x, batch2=_whole(x, 6, 5), beta=0.5, alpha=2),
        ROWS,
    ),
    "addmv by name": (lambda x: torch.addmv(input=_whole(x), mat=x, vec=constant(6)).unsqueeze(1), ROW),
    "addr": (lambda x: torch.stack([torch.addr(constant(6, 5), each, constant(5)) for each in x.unbind(0)]), ROW),
    "addcdiv": (lambda x: torch.addcdiv(x, tensor1=x.flip(1), tensor2=constant(6).exp(), value=0.5), ROWS),
    "inner": (lambda x: torch.inner(x, constant(5, 6)), ROWS),
    "outer": (lambda x: torch.stack([torch.outer(each, constant(3)) for each in x.unbind(0)]), ROW),
    "ger": (lambda x: torch.stack([torch.ger(constant(3), each) for each in x.unbind(0)]), ROW),
    "kron": (lambda x: torch.stack([torch.kron(each, constant(2, 3)) for each in x.unbind(0)]), ROWS),
    "dot": (lambda x: torch.stack([torch.dot(each, constant(6)) for each in x.unbind(0)]).unsqueeze(1), ROW),
    "vdot": (lambda x: torch.stack([torch.vdot(constant(6), each) for each in x.unbind(0)]).unsqueeze(1), ROW),
    "linalg.vecdot": (lambda x: torch.linalg.vecdot(x, constant(6)), ROWS),
    "linalg.multi_dot": (
        lambda x: torch.stack([torch.linalg.multi_dot([constant(5, 4), each, constant(6, 3)]) for each in x]),
        ROWS,
    ),
    "linalg.matmul": (lambda x: torch.linalg.matmul(x, constant(6, 5)), ROWS),
    "bilinear of a constant": (lambda x: F.bilinear(x, _whole(x, 4, 3), constant(5, 6, 3), constant(5)), ROWS),
    "torch.batch_norm": (
        lambda x: torch.batch_norm(x, *_running(4)[2:], *_running(4)[:2], False, 0.1, 1e-5, False),
        PICTURE,
    ),
    "fold": (lambda x: F.fold(x, (3, 4), (2, 2)), (3, 8, 6)),
    "fold, overlapping": (lambda x: F.fold(x, 4, 3, padding=1, stride=1), (3, 18, 16)),
    "roi_align": (
        lambda x: roi_align(x, [torch.tensor([[0, 1, 4, 5.0], [1, 0, 3.5, 2]]).double()] * len(x), (2, 3)).view(
            len(x), -1
        ),
        PICTURE,
    ),
    "index_add": (lambda x: x.new_zeros(len(x), 3, 6).index_add(1, PLACES, x), ROWS),
    "index_add of both": (lambda x: x.index_add(2, PLACES, x.flip(1)[:, :, :4]), ROWS),
    "index_add to a constant": (lambda x: _whole(x, 3, 6).index_add(1, PLACES, x), ROWS),
    "index_add of a constant": (lambda x: x.index_add(1, PLACES, _whole(x, 4, 6)), ROWS),
    "index_add_, of tokens": (
        lambda x: (
            torch.zeros(len(x) * 2, 6)
            .double()
            .index_add_(0, (PLACES[:, None] % 2 + 2 * torch.arange(len(x))).T.flatten(), x.flatten(0, 1))
            .view(len(x), 2, 6)
        ),
        ROWS,
    ),
    "scatter_add": (lambda x: x.new_zeros(len(x), 4, 3).scatter_add(2, SPREAD.expand(len(x), -1, -1), x), ROWS),
    "scatter_add_": (lambda x: (x * 2).scatter_add_(2, SPREAD.expand(len(x), -1, -1), x.flip(1)), ROWS),
    "scatter_reduce, sum": (
        lambda x: _whole(x, 4, 3).scatter_reduce(2, SPREAD.expand(len(x), -1, -1), x, "sum"),
        ROWS,
    ),
    "scatter_reduce, mean": (
        lambda x: x.scatter_reduce(2, SPREAD.expand(len(x), -1, -1), x.flip(1), reduce="mean"),
        ROWS,
    ),
    "scatter_reduce, mean of others": (
        lambda x: x.new_zeros(len(x), 4, 4).scatter_reduce(
            2, SPREAD.expand(len(x), -1, -1), x, "mean", include_self=False
        ),
        ROWS,
    ),
    "aten.convolution": (
        lambda x: aten.convolution(x, constant(6, 2, 3, 3), constant(6), [2, 1], [1, 0], [1, 2], False, [0, 0], 2),
        PICTURE,
    ),
    "aten.convolution, transposed": (
        lambda x: aten.convolution.default(x, constant(4, 3, 3), None, [2], [1], [1], True, [1], 1),
        ROWS,
    ),
    "aten._native_batch_norm_legit_no_training": (
        lambda x: aten._native_batch_norm_legit_no_training(x, *_running(4)[2:], *_running(4)[:2], 0.1, 1e-5)[0],
        PICTURE,
    ),
    "aten.batch_norm": (
        lambda x: aten.batch_norm(x, *_running(4)[2:], *_running(4)[:2], False, 0.1, 1e-5, False),
        PICTURE,
    ),
    "aten._adaptive_avg_pool2d": (lambda x: aten._adaptive_avg_pool2d(x, [3, 2]), PICTURE),
    "aten.sum": (lambda x: aten.sum.dim_IntList(x, [1], True), ROWS),
    "aten.linear": (lambda x: aten.linear(x, constant(5, 6), constant(5)), ROWS),
    "upsample_nearest1d": (lambda x: aten.upsample_nearest1d(x, [9]), ROWS),
    "upsample_nearest2d": (lambda x: torch._C._nn.upsample_nearest2d(x, [9, 4]), PICTURE),
    "upsample_nearest3d": (lambda x: aten.upsample_nearest3d(x, [5, 3, 6]), VIDEO),
    "upsample_nearest_exact1d": (lambda x: aten._upsample_nearest_exact1d(x, [9]), ROWS),
    "upsample_nearest_exact2d": (lambda x: aten._upsample_nearest_exact2d(x, [9, 4]), PICTURE),
    "upsample_nearest_exact3d": (lambda x: aten._upsample_nearest_exact3d(x, [5, 3, 6]), VIDEO),
    "upsample_linear1d": (lambda x: aten.upsample_linear1d(x, [9], False), ROWS),
    "upsample_bilinear2d": (lambda x: aten.upsample_bilinear2d.vec(x, None, True, [1.5, 2.0]), PICTURE),
    "upsample_bilinear2d_aa": (lambda x: aten._upsample_bilinear2d_aa(x, [4, 3], False), PICTURE),
    "upsample_trilinear3d": (lambda x: aten.upsample_trilinear3d(x, [5, 3, 6], True), VIDEO),
    "upsample_bicubic2d": (lambda x: aten.upsample_bicubic2d(x, [9, 4], False), PICTURE),
    "upsample_bicubic2d_aa": (lambda x: aten._upsample_bicubic2d_aa(x, [4, 3], False), PICTURE),
    "index_put, accumulated": (
        lambda x: x.index_put((torch.arange(len(x))[:, None], PLACES), x.flip(1), accumulate=True),
        ROWS,
    ),
}


def _with_last(x: Tensor) -> Tensor:
    out = x.new_zeros(x.shape)
    for t in range(x.shape[1]):
        out[:, t] = x[:, t] * 0.5
    return out


def _set_where(x: Tensor) -> Tensor:
    x = x * 1.0
    x[..., torch.arange(6) % 2 == 0] = 2.0
    x[:, 1] = x[:, 2]
    return x


def _time_first(x: Tensor) -> Tensor:
    x = x.transpose(0, 1)
    out = torch.empty(4, x.shape[1], 6, dtype=x.dtype)
    for t in range(4):
        out[t] = x[3 - t]
    return out.transpose(0, 1)


def _copied_to(x: Tensor) -> Tensor:
    buffer = torch.empty_like(x)
    buffer.copy_(x)
    return buffer + 1


def _through_a_view(x: Tensor) -> Tensor:
    y = x * 2
    y[:, :2].mul_(0.5).add_(x[:, 2:])
    y.view(len(x), 2, 12)[:, 1].neg_()
    return y


def _windows(x: Tensor) -> Tensor:
    b, c, h, w = x.shape
    windows = x.view(b, c, h // 2, 2, w // 2, 2).permute(0, 2, 4, 3, 5, 1).reshape(-1, 4, c)
    mixed = windows @ constant(4, 4)
    return mixed.view(b, h // 2, w // 2, 2, 2, c).permute(0, 5, 1, 3, 2, 4).reshape(b, c, h, w)


def _heads(x: Tensor) -> Tensor:
    b, tokens, features = x.shape
    folded = x.view(b, tokens, 2, features // 2).transpose(1, 2).reshape(b * 2, tokens, features // 2)
    mixed = torch.bmm(folded, constant(1, 3, 3).expand(b * 2, -1, -1))
    return mixed.view(b, 2, tokens, 3).transpose(1, 2).reshape(b, tokens, features)


def _class_token(x: Tensor) -> Tensor:
    x = F.linear(x, constant(6, 6))
    x = torch.cat([constant(1, 1, 6).expand(len(x), -1, -1), x], 1) + constant(1, 5, 6)
    return F.linear(x, constant(3, 6))[:, 0] + F.linear(x, constant(3, 6))[:, 2]


def _packed(x: Tensor) -> Tensor:
    packed = pack_padded_sequence(x, torch.full((len(x),), 3), batch_first=True)
    data = F.linear(packed.data, constant(6, 6), constant(6))
    return pad_packed_sequence(PackedSequence(data, packed.batch_sizes), batch_first=True)[0]


def _several_views(x: Tensor) -> Tensor:
    q, k, v = x.transpose(0, 1).unsqueeze(0).expand(3, -1, -1, -1).unbind(0)
    return (q - 2 * k.flip(0) + v.roll(1, 0)).transpose(0, 1)


INDEX = torch.tensor([5, 0, 0, 2])
PLACES = torch.tensor([2, 0, 2, 1])
SPREAD = torch.tensor([[0, 1, 2, 0, 0, 1], [2, 2, 2, 2, 2, 2], [1, 0, 1, 0, 1, 0], [0, 0, 1, 1, 2, 2]])
MASK = torch.tensor([True, False, True, True, False, True])

ROUTING: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "view": (lambda x: x.view(-1, 8, 3), ROWS),
    "view_as": (lambda x: x.view_as(torch.empty(len(x), 2, 12)), ROWS),
    "reshape": (lambda x: x.transpose(1, 2).reshape(len(x), -1), ROWS),
    "reshape_as": (lambda x: x.reshape_as(torch.empty(len(x), 2, 12)), ROWS),
    "flatten": (lambda x: torch.flatten(x, 1), PICTURE),
    "unflatten": (lambda x: x.unflatten(-1, (2, 3)), ROWS),
    "nn.Unflatten": (nn.Unflatten(1, (2, 2)), ROWS),
    "ravel": (lambda x: x.ravel().view(-1, 24), ROWS),
    "squeeze": (lambda x: x[:, :1].squeeze(1), ROWS),
    "unsqueeze": (lambda x: x.unsqueeze(0).squeeze(0), ROWS),
    "permute": (lambda x: x.permute(2, 0, 1).permute(1, 0, 2), ROWS),
    "transpose": (lambda x: x.transpose(0, 2).transpose(1, 2).transpose(0, 1), ROWS),
    "swapaxes": (lambda x: x.swapaxes(1, 2), ROWS),
    "swapdims": (lambda x: x.swapdims(1, 2), ROWS),
    "movedim": (lambda x: x.movedim(0, -1).movedim(-1, 0), ROWS),
    "moveaxis": (lambda x: x.moveaxis(1, -1), ROWS),
    "t": (lambda x: x.t().t(), ROW),
    "T": (lambda x: x.T.T, ROW),
    "mT": (lambda x: x.mT, ROWS),
    "roll": (lambda x: x.roll((1, 2), (1, 2)), ROWS),
    "flip": (lambda x: x.flip(1, 2), ROWS),
    "x[...]": (lambda x: x[:, 1:, ::2], ROWS),
    "x[None]": (lambda x: x[:, None, ..., -1], ROWS),
    "x[indices]": (lambda x: x[..., INDEX], ROWS),
    "x[mask]": (lambda x: x[:, :, MASK], ROWS),
    "x[pairs]": (lambda x: x[:, [0, 1, 1], [2, 3, 3]], ROWS),
    "select": (lambda x: x.select(2, -1), ROWS),
    "narrow": (lambda x: x.narrow(1, 1, 2), ROWS),
    "index_select": (lambda x: x.index_select(2, INDEX), ROWS),
    "take_along_dim": (lambda x: torch.take_along_dim(x, INDEX[None, None], -1), ROWS),
    "gather": (lambda x: x.gather(2, INDEX.expand(len(x), 4, 4)), ROWS),
    "masked_select": (lambda x: x.masked_select(MASK).view(len(x), -1), ROWS),
    "chunk": (lambda x: torch.cat(x.chunk(2, 1)[::-1], 1), ROWS),
    "split": (lambda x: torch.cat(x.split([1, 3], 1)[::-1], 1), ROWS),
    "split_with_sizes": (lambda x: x.split_with_sizes([1, 3], 1)[1], ROWS),
    "tensor_split": (lambda x: x.tensor_split(3, 2)[1], ROWS),
    "unbind": (lambda x: x.unbind(1)[2] - 0.5 * x.unbind(1)[0], ROWS),
    "diagonal": (lambda x: x.diagonal(dim1=1, dim2=2), ROWS),
    "expand": (lambda x: x[:, :, None].expand(-1, -1, 3, -1), ROWS),
    "expand_as": (lambda x: x[:, :1].expand_as(torch.empty(len(x), 5, 6)), ROWS),
    "broadcast_to": (lambda x: torch.broadcast_to(x, (2, *x.shape)).transpose(0, 1), ROWS),
    "broadcast_tensors": (lambda x: sum(torch.broadcast_tensors(x, x[:, :1] * 2)), ROWS),
    "repeat": (lambda x: x.repeat(1, 2, 1), ROWS),
    "repeat_interleave": (lambda x: x.repeat_interleave(2, 0).view(len(x), -1), ROWS),
    "tile": (lambda x: torch.tile(x, (1, 1, 2)), ROWS),
    "meshgrid": (lambda x: torch.meshgrid(x[:, 0, 0], torch.arange(2.0).double(), indexing="ij")[0], ROWS),
    "channel_shuffle": (lambda x: torch.channel_shuffle(x, 2), PICTURE),
    "pixel_shuffle": (lambda x: F.pixel_shuffle(x, 2), PICTURE),
    "pixel_unshuffle": (lambda x: F.pixel_unshuffle(x, 2), PICTURE),
    "max": (lambda x: x.max(1)[0], ROWS),
    "max, values": (lambda x: torch.max(x, dim=2, keepdim=True).values, ROWS),
    "max of two": (lambda x: torch.max(x, x.flip(1)), ROWS),
    "max with a constant": (lambda x: torch.max(x, constant(4, 6)), ROWS),
    "min": (lambda x: x.min(1)[0], ROWS),
    "amax": (lambda x: x.amax((1, 2), keepdim=True), ROWS),
    "amin": (lambda x: x.amin(-1), ROWS),
    "maximum": (lambda x: torch.maximum(x, x.roll(1, 1)), ROWS),
    "maximum with a constant": (lambda x: torch.maximum(x, torch.tensor(0.3).double()), ROWS),
    "minimum": (lambda x: torch.minimum(x, x.roll(1, 1)), ROWS),
    "topk": (lambda x: x.topk(2, 1)[0], ROWS),
    "sort": (lambda x: x.sort(-1, descending=True)[0], ROWS),
    "pad_sequence": (lambda x: nn.utils.rnn.pad_sequence(list(x), True, 0.5), ROWS),
    "fmax": (lambda x: torch.fmax(x, x.flip(1)), ROWS),
    "fmin with a constant": (lambda x: torch.fmin(x, constant(6)), ROWS),
    "fliplr": (lambda x: torch.fliplr(x), ROWS),
    "flipud": (lambda x: torch.flipud(x.transpose(0, 1)).transpose(0, 1), ROWS),
    "rot90": (lambda x: torch.rot90(x, 1, (1, 2)), ROWS),
    "hsplit": (lambda x: torch.hsplit(x, 2)[1], ROWS),
    "vsplit": (lambda x: torch.vsplit(x.transpose(0, 1), 2)[1].transpose(0, 1), ROWS),
    "unsafe_chunk": (lambda x: x.unsafe_chunk(2, 1)[1], ROWS),
    "dstack": (lambda x: torch.dstack([x, x.flip(1)]), ROWS),
    "column_stack": (lambda x: torch.column_stack([x.flatten(1), x[:, 0]]), ROWS),
    "pad": (lambda x: F.pad(x, (1, 2), value=0.7), ROWS),
    "pad, circular": (lambda x: F.pad(x, (1, 2), mode="circular"), ROWS),
    "masked_fill": (lambda x: x.masked_fill(MASK, 0.5), ROWS),
    "tril": (lambda x: x.tril(), ROWS),
    "triu": (lambda x: torch.triu(x, 1), ROWS),
    "where": (lambda x: torch.where(x > 0, x, constant(6)), ROWS),
    "where of two": (lambda x: torch.where(MASK, x, x.flip(1)), ROWS),
    "where, other way round": (lambda x: torch.where(x > 0, 0.5, x), ROWS),
    "out[:, t] = h": (_with_last, ROWS),
    "out[t] = h": (_time_first, ROWS),
    "x[mask] = c": (_set_where, ROWS),
    "copy_": (_copied_to, ROWS),
    "through a view": (_through_a_view, ROWS),
    "cat": (lambda x: torch.cat([x, x[:, :2]], dim=1), ROWS),
    "cat with a constant": (lambda x: torch.cat([_whole(x, 2, 6), x], 1), ROWS),
    "concat": (lambda x: torch.concat((x, x), -1), ROWS),
    "concatenate": (lambda x: torch.concatenate([x, 2 * x], -1), ROWS),
    "stack": (lambda x: torch.stack([x[:, 2], x[:, 0], x[:, 0]], 1), ROWS),
    "stack, time first": (lambda x: torch.stack([*x.unbind(1), _whole(x, 6)]).movedim(0, 1), ROWS),
    "hstack": (lambda x: torch.hstack([x, x.flip(1)]), ROWS),
    "vstack": (lambda x: torch.vstack([x.transpose(0, 1), x.transpose(0, 1)]).transpose(0, 1), ROWS),
    "windows": (_windows, PICTURE),
    "heads in the batch": (_heads, ROWS),
    "class token": (_class_token, ROWS),
    "packed": (_packed, ROWS),
    "several views": (_several_views, ROWS),
    "aten.slice": (lambda x: aten.slice.Tensor(x, 1, 1, 4, 2), ROWS),
    "aten._unsafe_view": (lambda x: aten._unsafe_view(x, [-1, 24]), ROWS),
    "aten.constant_pad_nd": (lambda x: aten.constant_pad_nd(x, [1, 2], 0.7), ROWS),
    "linalg.diagonal": (lambda x: torch.linalg.diagonal(x), ROWS),
    "take": (lambda x: torch.take(x, torch.arange(len(x) * 24).view(len(x), 24)[:, [5, 0, 0, 23]]), ROWS),
    "median": (lambda x: x.median(2)[0], ROWS),
    "kthvalue": (lambda x: x.kthvalue(2, 1)[0], ROWS),
    "cummax": (lambda x: x.cummax(1)[0], ROWS),
    "cummin": (lambda x: x.cummin(2)[0], ROWS),
    "Tensor.unfold": (lambda x: x.unfold(2, 3, 1), ROWS),
    "F.unfold": (lambda x: F.unfold(x, 3, padding=1, stride=2), PICTURE),
    "im2col": (lambda x: torch._C._nn.im2col(x, (2, 3), (1, 2), (0, 1), (2, 1)), PICTURE),
    "as_strided": (lambda x: x.as_strided((len(x), 3, 2, 6), (24, 6, 6, 1)), ROWS),
    "as_strided of a part": (lambda x: (2 * x)[:, 1:].as_strided((len(x), 2, 3), (24, 6, 2), 7), ROWS),
    "index_copy": (lambda x: x.index_copy(1, PLACES[1:], x.flip(2)[:, 1:] * 2), ROWS),
    "index_copy_ to a constant": (lambda x: _whole(x, 5, 6).clone().index_copy_(1, INDEX[[1, 3]], x[:, :2]), ROWS),
    "index_fill": (lambda x: x.index_fill(2, INDEX, 2), ROWS),
    "index_put": (lambda x: x.index_put((torch.arange(len(x))[:, None], PLACES[1:]), x[:, 1:] * 3), ROWS),
    "masked_scatter": (lambda x: x.masked_scatter(MASK, x.flip(1)[..., :4].contiguous()), ROWS),
    "diag_embed": (lambda x: torch.diag_embed(x), ROWS),
    "scatter": (lambda x: x.scatter(2, INDEX[[0, 1, 3]].expand(len(x), 4, 3), x.flip(1)[..., :3] * 2), ROWS),
    "scatter of a number": (lambda x: x.scatter(2, INDEX.expand(len(x), 4, 4), 2), ROWS),
    "scatter of a number to tokens": (
        lambda x: x.flatten(0, 1).scatter(-1, torch.arange(4).repeat(len(x))[:, None], value=-2).view(len(x), -1),
        ROWS,
    ),
    "scatter to a constant": (
        lambda x: torch.zeros(len(x), 4, 8).double().scatter_(2, torch.arange(6).expand(len(x), 4, 6), x),
        ROWS,
    ),
    "scatter_reduce, amax": (
        lambda x: x.new_full((len(x), 4, 4), 0.2).scatter_reduce(2, SPREAD.expand(len(x), -1, -1), x, "amax"),
        ROWS,
    ),
    "scatter_reduce, amin of others": (
        lambda x: (
            torch.zeros(len(x), 4, 4)
            .double()
            .scatter_reduce_(2, SPREAD.expand(len(x), -1, -1), x, reduce="amin", include_self=False)
        ),
        ROWS,
    ),
    "clamp by a value": (lambda x: x.clamp(min=x.flip(1)), ROWS),
    "clamp by two": (lambda x: torch.clamp(x, x.flip(1) - 1, x.flip(2).abs() + 1), ROWS),
    "clamp of a constant": (lambda x: torch.clamp_max(constant(4, 6), x), ROWS),
}

ACTIVATIONS: dict[str, Callable[[Tensor], Tensor]] = {
    **{name: getattr(torch, name) for name in ("relu", "abs", "exp", "square", "sigmoid", "tanh", "erf", "sin", "cos")},
    **{name: getattr(torch, name) for name in ("expm1", "sinh", "tan", "atan", "nan_to_num", "exp2", "cosh")},
    "asin": lambda x: torch.asin(x.tanh()),
    "acos": lambda x: torch.acos(x.tanh()),
    "log2": lambda x: torch.log2(x.exp()),
    "log10": lambda x: torch.log10(x.exp()),
    "logit": lambda x: torch.logit(x.sigmoid()),
    "special.logit": lambda x: torch.special.logit(x.sigmoid()),
    "special.expit": torch.special.expit,
    "threshold": lambda x: F.threshold(x, 0.1, 0.2),
    **{name: getattr(F, name) for name in ("relu6", "softplus", "hardsigmoid", "leaky_relu", "elu", "selu", "celu")},
    **{name: getattr(F, name) for name in ("softshrink", "hardshrink")},
    **{name: getattr(F, name) for name in ("gelu", "silu", "mish", "hardswish", "softsign", "logsigmoid", "hardtanh")},
    **{f"{name} of exp": (lambda x, name=name: getattr(x.exp(), name)()) for name in ("reciprocal", "rsqrt", "sqrt")},
    **{f"{name} of exp": (lambda x, name=name: getattr(x.exp(), name)()) for name in ("log", "log1p")},
    "gelu by tanh": nn.GELU("tanh"),
    "prelu": lambda x: F.prelu(x, torch.full((4,), 0.3).double()),
    "rrelu": lambda x: F.rrelu(x, 0.2, 0.2),
    "pow": lambda x: x.pow(2),
    "x ** 3": lambda x: x**3,
    "x.__pow__": lambda x: x.__pow__(2),
    "clamp": lambda x: x.clamp(min=-0.3, max=2),
    "clip": lambda x: torch.clip(x, 0.1, 2),
    "clamp_min": lambda x: x.clamp_min(0.2),
    "clamp_max": lambda x: x.clamp_max(0.2),
    "clone": lambda x: x.clone(),
    "contiguous": lambda x: x.contiguous(),
    "detach": lambda x: x.detach(),
    "detach_": lambda x: (x * 2).detach_(),
    "data": lambda x: x.data,
    "requires_grad_": lambda x: (x * 2).requires_grad_(False),
    "to": lambda x: x.to(torch.float64, copy=True),
    "double": lambda x: x.double(),
    "type_as": lambda x: x.type_as(torch.empty(0, dtype=torch.float64)),
    "type": lambda x: x.type(torch.float64),
    "cpu": lambda x: x.cpu(),
    "as_tensor": lambda x: torch.as_tensor(x),
    "asarray": lambda x: torch.asarray(x),
    "aten.relu": lambda x: aten.relu(x),
    "aten.relu_": lambda x: aten.relu_.default(2 * x),
    "aten.alias": lambda x: aten.alias(x),
    "aten._to_copy": lambda x: aten._to_copy(x, dtype=torch.float64),
    **{name: getattr(torch, name) for name in ("sign", "round", "floor", "ceil", "trunc")},
    **{
        name: getattr(torch, name)
        for name in (
            "absolute",
            "fix",
            "frac",
            "deg2rad",
            "rad2deg",
            "arctan",
            "asinh",
            "arcsinh",
            "sgn",
            "erfc",
            "positive",
        )
    },
    **{f"special.{name}": getattr(torch.special, name) for name in ("expm1", "round", "erf", "erfc", "exp2")},
    **{
        name: (lambda x, name=name: getattr(torch, name)(x.tanh()))
        for name in ("atanh", "arcsin", "arccos", "arctanh", "erfinv")
    },
    **{name: (lambda x, name=name: getattr(torch, name)(x.cosh())) for name in ("acosh", "arccosh")},
    "special.erfinv": lambda x: torch.special.erfinv(x.tanh()),
    "special.log1p": lambda x: torch.special.log1p(x.exp()),
    "x * c": lambda x: x * constant(6),
    "multiply": lambda x: torch.multiply(x, constant(4, 1)),
    "2 * x": lambda x: 2 * x,
    "c.__rmul__": lambda x: x.__rmul__(constant(6)),
    "neg": lambda x: -x,
    "negative": lambda x: torch.negative(x),
    "x / c": lambda x: x / constant(6),
    "div": lambda x: torch.div(x, 3),
    "divide": lambda x: x.divide(3),
    "true_divide": lambda x: torch.true_divide(x, 3),
    "1 / x": lambda x: 1 / x,
    "__rdiv__": lambda x: x.__rdiv__(2),
    "x.__rtruediv__": lambda x: x.__rtruediv__(2),
    **{
        name: (lambda x, name=name: getattr(F, name)(x, 0.5, False))
        for name in ("dropout", "dropout1d", "alpha_dropout", "feature_alpha_dropout")
    },
    "dropout2d": lambda x: F.dropout2d(x.unsqueeze(2), 0.5, False).squeeze(2),
    "dropout3d": lambda x: F.dropout3d(x[..., None, None], 0.5, False)[..., 0, 0],
    "feature_dropout": lambda x: torch.feature_dropout(x, 0.5, False),
}

NARROW: dict[str, Callable[[Tensor], Tensor]] = {
    "float": lambda x: x.float().double(),
    "half": lambda x: x.half().double(),
    "bfloat16": lambda x: x.bfloat16().double(),
}


def _attention(x: Tensor, scale: float = 1.0) -> Tensor:
    return (scale * x @ x.mT).softmax(-1) @ x


def _rms_by_hand(x: Tensor) -> Tensor:
    return x * torch.rsqrt(x.pow(2).mean(-1, keepdim=True) + 1e-6) * constant(6)


def _squeeze_and_excitation(x: Tensor) -> Tensor:
    scale = F.relu(F.conv2d(F.adaptive_avg_pool2d(x, 1), constant(2, 4, 1, 1), constant(2)))
    return x * torch.sigmoid(F.conv2d(scale, constant(4, 2, 1, 1), constant(4)))


def _swiglu(x: Tensor) -> Tensor:
    return F.linear(F.silu(F.linear(x, constant(5, 6))) * F.linear(x, constant(5, 6, seed=1)), constant(6, 5))


NONLINEAR: dict[str, tuple[Callable[[Tensor], Tensor], tuple[int, ...]]] = {
    "softmax": (lambda x: x.softmax(-1), ROWS),
    "softmax, time first": (lambda x: x.transpose(0, 1).softmax(0).transpose(0, 1), ROWS),
    "softmin": (lambda x: F.softmin(x, 1), ROWS),
    "softmax, masked": (lambda x: x.masked_fill(~MASK, -math.inf).softmax(-1), ROWS),
    "softmax, mask scattered": (
        lambda x: (
            x.flatten(0, 1).scatter(-1, torch.arange(4).repeat(len(x))[:, None], -math.inf).softmax(-1).view(x.shape)
        ),
        ROWS,
    ),
    "softmax, mask added": (lambda x: (x + torch.zeros(6).masked_fill(~MASK, -math.inf)).softmax(-1), ROWS),
    "log_softmax": (lambda x: F.log_softmax(x, 1), ROWS),
    "special.softmax": (lambda x: torch.special.softmax(x, 1), ROWS),
    "special.log_softmax": (lambda x: torch.special.log_softmax(x, -1), ROWS),
    "logsumexp": (lambda x: x.logsumexp(-1), ROWS),
    "layer_norm": (lambda x: F.layer_norm(x, (6,), constant(6), constant(6, seed=1)), ROWS),
    "layer_norm of two axes": (lambda x: F.layer_norm(x, (4, 6), constant(4, 6)), ROWS),
    "rms_norm": (lambda x: F.rms_norm(x, (6,), constant(6)), ROWS),
    "group_norm": (lambda x: F.group_norm(x, 2, constant(4), constant(4, seed=1)), PICTURE),
    "instance_norm": (lambda x: F.instance_norm(x, weight=constant(4), bias=constant(4, seed=1)), PICTURE),
    "local_response_norm": (lambda x: F.local_response_norm(x, 3, 0.7, 0.6, 0.9), PICTURE),
    "x * y": (lambda x: x * x.roll(1, 1), ROWS),
    "mul": (lambda x: torch.mul(x, x.mean(1, keepdim=True)), ROWS),
    "x * x": (lambda x: x * x, ROWS),
    "x.__rmul__": (lambda x: x.__rmul__(x.tanh()), ROWS),
    "multiply": (lambda x: torch.multiply(x, x.sigmoid()), ROWS),
    "div": (lambda x: x / x.exp().sum(-1, keepdim=True), ROWS),
    "divide": (lambda x: torch.divide(x, x.square() + 1), ROWS),
    "true_divide": (lambda x: torch.true_divide(x.tanh(), x.exp()), ROWS),
    "by its norm": (lambda x: x / x.norm(dim=-1, keepdim=True), ROWS),
    "by its linalg.norm": (lambda x: x / torch.linalg.norm(x, dim=-1, keepdim=True), ROWS),
    "by its vector norm": (lambda x: x / torch.linalg.vector_norm(x, dim=(1, 2), keepdim=True), ROWS),
    "by its std": (lambda x: (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5), ROWS),
    "by its var": (lambda x: x / torch.sqrt(x.var(-1, keepdim=True, correction=0) + 1e-5), ROWS),
    "F.normalize": (lambda x: F.normalize(x, dim=-1), ROWS),
    "rms by hand": (_rms_by_hand, ROWS),
    "q @ k": (lambda x: x @ x.mT, ROWS),
    "torch.mm": (lambda x: torch.stack([torch.mm(each, each.T) for each in x.unbind(0)]), ROWS),
    "torch.bmm": (lambda x: torch.bmm(x, x.transpose(1, 2)), ROWS),
    "einsum": (lambda x: torch.einsum("bif,bjf->bij", x, x.flip(1)), ROWS),
    "einsum with heads": (
        lambda x: torch.einsum("bihd,bjhd->bhij", x.view(-1, 4, 2, 3), x.tanh().view(-1, 4, 2, 3)),
        ROWS,
    ),
    "attention": (_attention, ROWS),
    "attention, time first": (
        lambda x: torch.einsum(
            "bij,jbf->ibf", torch.einsum("ibf,jbf->bij", x.movedim(1, 0), x.movedim(1, 0)).softmax(-1), x.movedim(1, 0)
        ).movedim(0, 1),
        ROWS,
    ),
    "glu": (lambda x: F.glu(x, -1), ROWS),
    "nn.GLU": (nn.GLU(1), ROWS),
    "cosine_similarity": (lambda x: F.cosine_similarity(x, x.roll(1, 1), dim=-1), ROWS),
    "sdpa": (lambda x: F.scaled_dot_product_attention(x, x.roll(1, 1), x), ROWS),
    "sdpa, causal": (lambda x: F.scaled_dot_product_attention(x, x, x, is_causal=True, scale=0.7), ROWS),
    "addmm of both": (lambda x: torch.baddbmm(x @ x.mT, x, x.mT, beta=0.5), ROWS),
    "addcmul of both": (lambda x: torch.addcmul(x, x.sigmoid(), x.flip(1)), ROWS),
    "lerp by a gate": (lambda x: torch.lerp(x, x.flip(1), x.sigmoid()), ROWS),
    "squeeze and excitation": (_squeeze_and_excitation, PICTURE),
    "SwiGLU": (_swiglu, ROWS),
    "F.bilinear by einsum": (lambda x: torch.einsum("bi,bj->bij", x, x), ROW),
    "F.bilinear": (lambda x: F.bilinear(x, x.flip(1), constant(5, 6, 6), constant(5)), ROWS),
    "aten._softmax": (lambda x: aten._softmax(x, -1, False), ROWS),
    "aten._log_softmax": (lambda x: aten._log_softmax(x, 1, False), ROWS),
    "aten.native_layer_norm": (lambda x: aten.native_layer_norm(x, [6], constant(6), None, 1e-5)[0], ROWS),
    "aten.native_group_norm": (
        lambda x: aten.native_group_norm(x, constant(4), constant(4, seed=1), len(x), 4, 36, 2, 1e-5)[0],
        PICTURE,
    ),
    "tensordot of both": (lambda x: torch.stack([torch.tensordot(each, each, dims=2) for each in x])[:, None], ROWS),
    "mv of both": (lambda x: torch.stack([each.mv(each[0]) for each in x]), ROWS),
    "outer of both": (lambda x: torch.stack([torch.outer(each, each.tanh()) for each in x]), ROW),
    "inner of both": (lambda x: torch.stack([torch.inner(each, each.flip(0)) for each in x]), ROWS),
    "kron of both": (lambda x: torch.stack([torch.kron(each, each[:2]) for each in x]), ROWS),
    "addcdiv of both": (lambda x: torch.addcdiv(x, x.flip(1), x.exp(), value=-1), ROWS),
    "by its std_mean": (lambda x: _standardized(x, *torch.std_mean(x, -1, keepdim=True)), ROWS),
    "by its var_mean": (
        lambda x: _standardized(x, torch.var_mean(x, 2, keepdim=True)[0].sqrt(), torch.var_mean(x, 2, keepdim=True)[1]),
        ROWS,
    ),
    "prod": (lambda x: x.prod(1), ROWS),
    "prod, kept": (lambda x: torch.prod(x, dim=2, keepdim=True), ROWS),
    "prod of all": (lambda x: torch.stack([each.prod() for each in x])[:, None], ROWS),
    "cumprod": (lambda x: x.cumprod(2), ROWS),
    "by its pairwise_distance": (lambda x: x / F.pairwise_distance(x, x.flip(1)).unsqueeze(-1), ROWS),
    "by its cdist": (lambda x: x / torch.cdist(x, x.flip(1) + 1).mean(-1, keepdim=True), ROWS),
    "torch.instance_norm": (
        lambda x: torch.instance_norm(x, constant(4), constant(4, seed=1), None, None, True, 0.1, 1e-5, False),
        PICTURE,
    ),
    "linear with own weights": (lambda x: torch.stack([F.linear(each, each.tanh()) for each in x]), ROWS),
    "linear with own weights and a bias": (
        lambda x: torch.stack([F.linear(each, each.tanh(), constant(4)) for each in x]),
        ROWS,
    ),
    "conv2d with own weights": (lambda x: _dynamic_convolution(x), PICTURE),
}


def _standardized(x: Tensor, std: Tensor, mean: Tensor) -> Tensor:
    return (x - mean) / (std + 1e-5)


def _dynamic_convolution(x: Tensor) -> Tensor:
    """Each picture has filters of its own, as in a CondConv."""
    kernels = F.linear(x.mean((2, 3)), constant(2 * 4 * 9, 4)).view(-1, 4, 3, 3)
    made = F.conv2d(x.reshape(1, -1, *x.shape[2:]), kernels, constant(2).repeat(len(x)), padding=1, groups=len(x))
    return made.view(len(x), 2, *x.shape[2:])


def _recurrent(kind: str, **settings) -> nn.Module:
    torch.manual_seed(0)
    layer = getattr(nn, kind)(6, 4, **settings).double()
    first = settings.get("batch_first", False)
    return Lone(lambda x: layer(x)[0] if first else layer(x.transpose(0, 1))[0].transpose(0, 1), layer)


def _cell(kind: str, **settings) -> nn.Module:
    torch.manual_seed(0)
    cell = getattr(nn, kind)(6, 4, **settings).double()

    def run(x: Tensor) -> Tensor:
        state, made = None, []
        for step in x.unbind(1):
            state = cell(step, state)
            made.append(state[0] if isinstance(state, tuple) else state)
        return torch.stack(made, 1)

    return Lone(run, cell)


def _last_state(kind: str, **settings) -> nn.Module:
    torch.manual_seed(0)
    layer = getattr(nn, kind)(6, 4, batch_first=True, **settings).double()

    def run(x: Tensor) -> Tensor:
        _, state = layer(x)
        return (state[0] if isinstance(state, tuple) else state)[-1]

    return Lone(run, layer)


def _packed_lstm() -> nn.Module:
    torch.manual_seed(0)
    layer = nn.LSTM(6, 4, 2, batch_first=True, bidirectional=True).double()

    def run(x: Tensor) -> Tensor:
        packed = pack_padded_sequence(x, torch.full((len(x),), 3), batch_first=True)
        return pad_packed_sequence(layer(packed)[0], batch_first=True)[0]

    return Lone(run, layer)


MODULES: dict[str, Callable[[], nn.Module]] = {
    "LSTM": lambda: _recurrent("LSTM", batch_first=True),
    "LSTM, time first": lambda: _recurrent("LSTM", num_layers=2, bidirectional=True),
    "LSTM, projected": lambda: _recurrent("LSTM", proj_size=2, bias=False),
    "LSTM, last state": lambda: _last_state("LSTM", num_layers=2),
    "LSTM, packed": _packed_lstm,
    "GRU": lambda: _recurrent("GRU", batch_first=True, bidirectional=True),
    "GRU, last state": lambda: _last_state("GRU", bias=False),
    "RNN": lambda: _recurrent("RNN", num_layers=2),
    "RNN of relu": lambda: _recurrent("RNN", nonlinearity="relu", batch_first=True),
    "LSTMCell": lambda: _cell("LSTMCell"),
    "GRUCell": lambda: _cell("GRUCell"),
    "RNNCell": lambda: _cell("RNNCell"),
    "RNNCell of relu": lambda: _cell("RNNCell", nonlinearity="relu", bias=False),
}


@dataclass(frozen=True)
class Case:
    model: nn.Module
    x: Tensor


def _cases() -> Iterator[tuple[str, Callable[[], Case]]]:
    for name, (function, shape) in (LINEAR | ROUTING).items():
        yield name, lambda function=function, shape=shape: Case(Lone(function), constant(*shape, seed=9))
    for name, (function, shape) in NONLINEAR.items():
        yield f"{name}.", lambda function=function, shape=shape: Case(Lone(function), constant(*shape, seed=9))
    for name, function in ACTIVATIONS.items():
        yield f"{name}()", lambda function=function: Case(Lone(function), constant(*ROWS, seed=9))
    for name, build in MODULES.items():
        yield name, lambda build=build: Case(build(), constant(*ROWS, seed=9))


CASES = dict(_cases())
HALVES = Composite([(Kind("product"), Half()), (Kind("matmul"), Signal()), ("*", Epsilon(0.1))], "halves")


@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:DeprecationWarning")
@pytest.mark.parametrize("composite", ["auto", HALVES], ids=["auto", "other rules"])
@pytest.mark.parametrize("name", CASES)
def test_scores_and_ledger_are_right_and_a_batch_is_explained_as_its_samples_are(name, composite):
    case = CASES[name]()
    assert_each_sample_alone(lambda inputs: explained(case.model, inputs, composite), (case.x,))


@pytest.mark.filterwarnings("ignore:.*:UserWarning", "ignore:.*:DeprecationWarning")
@pytest.mark.parametrize("name", LINEAR | ROUTING)
def test_zero_equals_gradient_times_input_where_the_function_is_piecewise_linear(name):
    function, shape = (LINEAR | ROUTING)[name]
    x = constant(*shape, seed=9)
    assert_near(explained(function, x, Zero()).relevance, gradient_times_input(function, x))


@pytest.mark.parametrize("name", ACTIVATIONS)
def test_relevance_passes_what_has_one_value_in_and_one_out_unchanged(name):
    function, x = ACTIVATIONS[name], constant(*ROWS, seed=9)
    explanation = explained(function, x)
    y = function(x.clone())
    assert_near(explanation.relevance, (y.flatten(1) * weights(y.flatten(1))).view(x.shape))


@pytest.mark.parametrize("name", NARROW)
def test_relevance_passes_a_change_of_precision(name):
    x = constant(*ROWS, seed=9)
    model = Lone(NARROW[name])
    explanation = Explainer(model).explain(x, weights(model(x)))
    assert explanation.ledger.imbalance < 1e-6
    assert_near(explanation.relevance, (model(x) * weights(model(x))).view(x.shape), 1e-6)


@pytest.mark.parametrize("name", CASES)
def test_what_is_known_to_have_no_negative_element_has_none(name, monkeypatch):
    monkeypatch.setattr(recorder, "_let_go", lambda values, lasting: None)  # also of what no step reads any more
    case = CASES[name]()
    for x in (case.x, case.x.abs(), case.x.abs() / 10):
        for value in Explainer(case.model, unknown="gradient").record(x).values:
            assert not value.nonnegative or bool((value.tensor >= 0).all())


class _Moved(nn.Module):
    """Looks tokens up after a function of them."""

    def __init__(self, function: Callable[[Tensor], Tensor]) -> None:
        super().__init__()
        self.function, self.table = function, nn.Parameter(constant(12, 4))

    def forward(self, tokens: Tensor) -> Tensor:
        found = self.function(tokens)
        rows = found.double() @ self.table if found.shape[-1] == 12 else self.table[found]
        return rows.flatten(1)


MOVED: dict[str, Callable[[Tensor], Tensor]] = {
    "add": lambda ids: torch.add(ids, 1),
    "1 +": lambda ids: 1 + ids,
    "radd": lambda ids: ids.__radd__(1),
    "sub": lambda ids: (ids + 2).sub(1),
    "subtract": lambda ids: torch.subtract(ids + 2, 1),
    "rsub": lambda ids: torch.rsub(ids, 9),
    "9 -": lambda ids: 9 - ids,
    "mul": lambda ids: ids.mul(2),
    "multiply": lambda ids: torch.multiply(ids, 2),
    "2 *": lambda ids: ids.__rmul__(2),
    "floor_divide": lambda ids: torch.floor_divide(ids, 2),
    "//": lambda ids: ids // 2,
    "remainder": lambda ids: torch.remainder(ids, 3),
    "%": lambda ids: ids % 3,
    "mod": lambda ids: ids.__mod__(3),
    "int": lambda ids: ids.int(),
    "short": lambda ids: ids.short().long(),
    "one-hot": lambda ids: F.one_hot(ids, 12),
}


@pytest.mark.parametrize("name", MOVED)
def test_tokens_get_the_relevance_of_the_rows_that_a_function_of_them_finds(name):
    explanation = Explainer(_Moved(MOVED[name]), "epsilon").explain(TOKENS, (weighted := constant(20, seed=5)))
    found = MOVED[name](TOKENS)
    rows = _Moved(MOVED[name]).table[found.argmax(-1) if found.dim() == 3 else found].detach()
    assert_near(explanation.relevance, (rows * weighted.view(5, 4)).sum(-1), 1e-4)


def test_every_row_of_the_table_and_every_expansion_is_tried(monkeypatch):
    seen: set[str] = set()
    find, take_apart = operations.find, expansions.find

    def looked_up(call):
        seen.add(operations.key(call.function))
        return find(call)

    def taken_apart(function, key):
        seen.add(key)
        return take_apart(function, key)

    monkeypatch.setattr(operations, "find", looked_up)
    monkeypatch.setattr(expansions, "find", taken_apart)
    for build in CASES.values():
        case = build()
        Explainer(case.model, unknown="gradient").explain(case.x)
    for function in NARROW.values():
        Explainer(Lone(function)).explain(constant(*ROWS))
    Explainer(_Lookup()).explain(TOKENS)
    Explainer(Lone(lambda ids: F.embedding_bag(ids, constant(6, 4)))).explain(TOKENS)
    for function in MOVED.values():
        Explainer(_Moved(function)).explain(TOKENS)
    assert set(operations.OPERATIONS) | set(expansions.EXPANSIONS) <= seen | ALIASES


ALIASES = {
    "cuda",
    "_index_put_impl",
    "_grouped_mm",
    "__radd__",
    "__rmul__",
    "__rdiv__",
    "linalg_norm",
    "linalg_vector_norm",
    "upsample",
}
"""Names that other versions of torch give to functions that are tried under another name, and what is tried alone."""


def test_the_experts_of_grouped_matrix_products_are_dense_layers():
    x, experts = constant(2, 4, 16, seed=9).float(), constant(3, 16, 8).float()

    def grouped(x: Tensor) -> Tensor:
        ends = torch.tensor([3, 3, 8], dtype=torch.int32)
        return torch._grouped_mm(x.flatten(0, 1), experts, offs=ends).unflatten(0, (2, 4))

    def one_by_one(x: Tensor) -> Tensor:
        rows = x.flatten(0, 1)
        return torch.cat([rows[:3] @ experts[0], rows[3:] @ experts[2]]).unflatten(0, (2, 4))

    found, expected = (
        Explainer(Lone(f), Zero()).explain(x, weights(Lone(f)(x)).float()) for f in (grouped, one_by_one)
    )
    assert_near(found.scores, grouped(x).flatten(1), 1e-6)
    assert_near(found.relevance, expected.relevance, 1e-6)
    assert_balanced(found, 1e-5)


def test_an_exported_program_is_explained_as_its_model():
    torch.manual_seed(0)
    model = nn.Sequential(
        *(nn.Conv2d(4, 4, 3), nn.BatchNorm2d(4), nn.Hardswish(), nn.MaxPool2d(2), nn.Flatten(2), nn.LayerNorm(4)),
        *(nn.TransformerEncoderLayer(4, 2, 8, batch_first=True), nn.Flatten(), nn.Linear(16, 3)),
    )
    model, x = model.double().eval(), constant(*PICTURE)
    program = torch.export.export(model, (x,)).module()
    program.eval = lambda: program  # it knows one mode only
    assert_near(Explainer(program, "epsilon").explain(x).relevance, Explainer(model, "epsilon").explain(x).relevance)


# Packed sequences of different lengths.


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_sequences_of_different_lengths_are_explained_as_each_alone(kind, enforce_sorted):
    torch.manual_seed(0)
    layer = getattr(nn, kind)(6, 4, 2, bidirectional=True).double()
    lengths = [4, 3, 1] if enforce_sorted else [1, 4, 3]

    def run(x: Tensor, own: list[int]) -> Tensor:
        packed = pack_padded_sequence(x, torch.tensor(own), batch_first=True, enforce_sorted=enforce_sorted)
        padded, found = pad_packed_sequence(layer(packed)[0], batch_first=True)
        last = torch.stack([padded[i, n - 1] for i, n in enumerate(found)])
        return torch.cat([last, padded[:, 0]], 1)

    x = constant(3, 4, 6, seed=9)
    together = explained(lambda x: run(x, lengths), x, "epsilon")
    for number, length in enumerate(lengths):
        alone = explained(lambda x, length=length: run(x, [length]), x[number : number + 1], "epsilon")
        assert_near(together.relevance[number], alone.relevance[0])
        assert not together.relevance[number, length:].any()
        for term in TERMS:
            assert_near(getattr(together.ledger, term)[number], getattr(alone.ledger, term)[0], 1e-8)


@pytest.mark.parametrize("enforce_sorted", [True, False])
def test_sequences_that_are_packed_from_a_list_are_explained_as_each_alone(enforce_sorted):
    torch.manual_seed(0)
    layer, lengths = nn.LSTM(6, 4).double(), [4, 3, 1] if enforce_sorted else [1, 4, 3]

    def run(x: Tensor, own: list[int]) -> Tensor:
        packed = pack_sequence([each[:n] for each, n in zip(x.unbind(0), own, strict=True)], enforce_sorted)
        return pad_packed_sequence(layer(packed)[0], batch_first=True)[0][:, 0]

    x = constant(3, 4, 6, seed=9)
    together = explained(lambda x: run(x, lengths), x, "epsilon")
    for number, length in enumerate(lengths):
        alone = explained(lambda x, length=length: run(x, [length]), x[number : number + 1], "epsilon")
        assert_near(together.relevance[number], alone.relevance[0])


# Closed forms and independent ones.


def _detached(function: Callable[[Tensor], Tensor]) -> Callable[[Tensor], Tensor]:
    """Gradient × input of `function`, which detaches what counts as constant."""
    return lambda x: gradient_times_input(function, x)


def _centred(x: Tensor, axes: tuple[int, ...], eps: float = 1e-5) -> Tensor:
    variance = x.var(axes, correction=0, keepdim=True)
    return (x - x.mean(axes, keepdim=True)) / (variance + eps).sqrt().detach()


def _group_norm(x: Tensor) -> Tensor:
    normed = _centred(x.unflatten(1, (2, 2)), (2, 3, 4)).flatten(1, 2)
    return normed * constant(4)[:, None, None] + constant(4, seed=1)[:, None, None]


def _rms(x: Tensor, eps: float) -> Tensor:
    return x * (x.square().mean(-1, keepdim=True) + eps).rsqrt().detach() * constant(6)


CONSTANT_SCALE = {
    "layer_norm": lambda x: _centred(x, (-1,)) * constant(6) + constant(6, seed=1),
    "layer_norm of two axes": lambda x: _centred(x, (-2, -1)) * constant(4, 6),
    "group_norm": _group_norm,
    "instance_norm": lambda x: _centred(x, (2, 3)) * constant(4)[:, None, None] + constant(4, seed=1)[:, None, None],
    "rms_norm": lambda x: _rms(x, torch.finfo(torch.float64).eps),
    "rms by hand": lambda x: _rms(x, 1e-6),
    "by its norm": lambda x: x / x.norm(dim=-1, keepdim=True).detach(),
    "by its linalg.norm": lambda x: x / x.norm(dim=-1, keepdim=True).detach(),
    "by its vector norm": lambda x: x / x.norm(dim=(1, 2), keepdim=True).detach(),
    "F.normalize": lambda x: x / x.norm(dim=-1, keepdim=True).detach(),
    "by its std": lambda x: (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5).detach(),
    "by its var": lambda x: x / (x.var(-1, keepdim=True, correction=0) + 1e-5).sqrt().detach(),
    "div": lambda x: x / x.exp().sum(-1, keepdim=True).detach(),
    "divide": lambda x: x / (x.square() + 1).detach(),
    "multiply": lambda x: x * x.sigmoid().detach(),
    "squeeze and excitation": lambda x: x * (_squeeze_and_excitation(x) / x).detach(),
    "glu": lambda x: x[..., :3] * x[..., 3:].sigmoid().detach(),
    "lerp by a gate": lambda x: torch.lerp(x, x.flip(1), x.sigmoid().detach()),
    "addcmul of both": lambda x: x + x.sigmoid().detach() * x.flip(1),
    "addcdiv of both": lambda x: x - x.flip(1) / x.exp().detach(),
    "by its std_mean": lambda x: (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5).detach(),
    "by its var_mean": lambda x: (x - x.mean(-1, keepdim=True)) / (x.std(-1, keepdim=True) + 1e-5).detach(),
    "by its pairwise_distance": lambda x: x / (x - x.flip(1) + 1e-6).norm(dim=-1, keepdim=True).detach(),
    "by its cdist": lambda x: x / torch.cdist(x, x.flip(1) + 1).mean(-1, keepdim=True).detach(),
    "torch.instance_norm": lambda x: CONSTANT_SCALE["instance_norm"](x),
    "aten.native_layer_norm": lambda x: _centred(x, (-1,)) * constant(6),
    "aten.native_group_norm": lambda x: _group_norm(x),
}


@pytest.mark.parametrize("name", CONSTANT_SCALE)
def test_what_scales_the_signal_counts_as_constant(name):
    function, shape = NONLINEAR[name]
    x = constant(*shape, seed=9)
    assert_near(CONSTANT_SCALE[name](x), function(x), 1e-12)
    assert_near(explained(function, x, Zero()).relevance, gradient_times_input(CONSTANT_SCALE[name], x))


HALF = {
    "x * y": lambda x: (x * x.roll(1, 1).detach() + x.detach() * x.roll(1, 1)) / 2,
    "x * x": lambda x: x * x.detach(),
    "einsum": lambda x: (x @ x.flip(1).mT.detach() + x.detach() @ x.flip(1).mT) / 2,
    "q @ k": lambda x: (x @ x.mT.detach() + x.detach() @ x.mT) / 2,
    "torch.bmm": lambda x: (x @ x.mT.detach() + x.detach() @ x.mT) / 2,
    "torch.mm": lambda x: (x @ x.mT.detach() + x.detach() @ x.mT) / 2,
    "SwiGLU": lambda x: _half_swiglu(x),
    "F.bilinear by einsum": lambda x: (x[:, :, None] * x[:, None].detach() + x[:, :, None].detach() * x[:, None]) / 2,
    "F.bilinear": lambda x: _halves(lambda a, b: F.bilinear(a, b, constant(5, 6, 6)), x, x.flip(1)) + constant(5),
    "tensordot of both": lambda x: _halves(lambda a, b: (a * b).sum((1, 2)), x, x)[:, None],
    "mv of both": lambda x: _halves(lambda a, b: torch.einsum("bij,bj->bi", a, b), x, x[:, 0]),
    "outer of both": lambda x: _halves(lambda a, b: torch.einsum("bi,bj->bij", a, b), x, x * (x.tanh() / x).detach()),
    "inner of both": lambda x: _halves(lambda a, b: a @ b.mT, x, x.flip(1)),
    "kron of both": lambda x: _halves(
        lambda a, b: torch.einsum("bij,bkl->bikjl", a, b).reshape(len(a), 8, 36), x, x[:, :2]
    ),
    "prod": lambda x: _equal_parts(x, 1),
    "prod, kept": lambda x: _equal_parts(x, 2)[..., None],
    "prod of all": lambda x: _equal_parts(x.flatten(1), 1)[:, None],
    "cumprod": lambda x: torch.stack([_equal_parts(x[..., : n + 1], 2) for n in range(6)], 2),
    "linear with own weights": lambda x: _halves(lambda a, b: a @ b.mT, x, x * (x.tanh() / x).detach()),
    "linear with own weights and a bias": lambda x: (
        _halves(lambda a, b: a @ b.mT, x, x * (x.tanh() / x).detach()) + constant(4)
    ),
    "conv2d with own weights": lambda x: _half_convolution(x),
}


def _halves(product: Callable[[Tensor, Tensor], Tensor], a: Tensor, b: Tensor) -> Tensor:
    return (product(a, b.detach()) + product(a.detach(), b)) / 2


def _equal_parts(x: Tensor, axis: int) -> Tensor:
    """A product of which every factor has the same part of the gradient times its value."""
    product = x.detach().prod(axis, keepdim=True)
    return (x * (product / x).detach()).mean(axis)


def _half_convolution(x: Tensor) -> Tensor:
    kernels = F.linear(x.mean((2, 3)), constant(2 * 4 * 9, 4)).view(-1, 2, 4, 3, 3)

    def product(a: Tensor, b: Tensor) -> Tensor:
        return torch.cat([F.conv2d(one[None], kernel, padding=1) for one, kernel in zip(a, b, strict=True)])

    return _halves(product, x, kernels) + constant(2)[:, None, None]


def _half_swiglu(x: Tensor) -> Tensor:
    a, b = F.linear(x, constant(5, 6)), F.linear(x, constant(5, 6, seed=1))
    gate = a * (F.silu(a) / a).detach()
    return F.linear((gate * b.detach() + gate.detach() * b) / 2, constant(6, 5))


@pytest.mark.parametrize("name", HALF)
def test_two_signals_share_their_product_in_halves(name):
    function, shape = NONLINEAR[name]
    x = constant(*shape, seed=9)
    composite = Composite([(Kind("product"), Signal(1e-13)), (Kind("matmul"), Half(1e-13)), ("*", Zero())])
    assert_near(HALF[name](x), function(x), 1e-12)
    assert_near(explained(function, x, composite).relevance, gradient_times_input(HALF[name], x), 1e-7)


@pytest.mark.parametrize("axis", [1, 2])
def test_a_softmax_follows_the_formula_of_attnlrp(axis):
    x = constant(*ROWS, seed=9)
    s = x.softmax(axis)
    received = s * weights(s.flatten(1)).view(s.shape)
    total = received.sum(axis, keepdim=True)
    explanation = explained(lambda x: x.softmax(axis), x)
    assert_near(explanation.relevance, x * (received - s * total))
    constant_of = s - x * s + s * (s * x).sum(axis, keepdim=True)  # s(x) less its Jacobian times x
    assert_near(explanation.ledger.bias, (received / s * constant_of).flatten(1).sum(1))


def test_what_a_softmax_of_one_large_value_absorbs_is_exact():
    explanation = Explainer(Lone(lambda x: x.softmax(-1))).explain(torch.full((2, 1), 1e9), torch.ones(2, 1))
    assert explanation.ledger.bias.tolist() == [1, 1]


def test_masked_inputs_of_a_softmax_get_nothing():
    x = constant(*ROWS, seed=9)
    (function, _), (added, _) = NONLINEAR["softmax, masked"], NONLINEAR["softmax, mask added"]
    expected = torch.zeros_like(x)
    shown = x[..., MASK]
    s = shown.softmax(-1)
    received = s * weights(torch.zeros(3, 24)).view(x.shape)[..., MASK]
    expected[..., MASK] = shown * (received - s * received.sum(-1, keepdim=True))
    assert_near(explained(function, x).relevance, expected)
    assert_near(explained(added, x, Zero()).relevance, expected)


def _response_matrix(x: Tensor, size: int, alpha: float, beta: float, k: float) -> Tensor:
    """Contributions (outputs, inputs) of one sample's local response norm, term by term (Binder et al. 2016)."""
    channels, height, width = x.shape
    found = torch.zeros(x.numel(), x.numel(), dtype=x.dtype)
    place = torch.arange(x.numel()).view(x.shape)
    share = alpha / size
    for row in range(height):
        for column in range(width):
            for own in range(channels):
                window = [j for j in range(own - size // 2, own + (size - 1) // 2 + 1) if 0 <= j < channels]
                pixel = x[:, row, column]
                around = k + share * sum(pixel[j] ** 2 for j in window)
                at = place[own, row, column]
                for j in window:
                    if j == own:
                        part = pixel[own] * (k + share * pixel[own] ** 2) ** -beta
                    else:
                        part = -2 * share * beta * pixel[own] * pixel[j] ** 2 * around ** (-beta - 1)
                    found[at, place[j, row, column]] = part
    return found


RESPONSE = {"odd": (3, 0.7, 0.6, 0.9), "even": (4, 1.5, 0.75, 1.0), "AlexNet's": (5, 1e-4, 0.75, 2.0)}


@pytest.mark.parametrize("settings", RESPONSE.values(), ids=RESPONSE)
@pytest.mark.parametrize(
    "rule", [Zero(), Epsilon(0.2), Gamma(0.5), AlphaBeta(2), AlphaBeta(1.5), ZPlus(), Flat()], ids=str
)
def test_a_local_response_norm_shares_as_a_dense_matrix_of_binders_contributions(rule, settings):
    x = constant(2, 5, 2, 2, seed=9)
    explanation = explained(lambda x: F.local_response_norm(x, *settings), x, rule)
    for number, sample in enumerate(x):
        matrix = _response_matrix(sample, *settings) / sample.flatten()
        received = (explanation.scores * explanation.target)[number]
        _assert_account(
            explanation, number, rule, Dense(matrix, torch.zeros(20).double(), sample.flatten(), 5, False), received
        )


def _assert_account(explanation: Explanation, number: int, rule, layer: Dense, received: Tensor) -> None:
    expected, ledger = account(rule, layer, received), explanation.ledger
    assert_near(explanation.relevance[number].flatten(), expected.handed, 1e-8)
    scale = received.abs().max()
    for term in ("bias", "stabilizer", "rules"):
        assert_near(getattr(ledger, term)[number], getattr(expected, term).double(), 1e-8, of=scale)


def test_the_squared_weights_of_a_local_response_norm_are_refused():
    with pytest.raises(ValueError, match="squared weights of a local response norm are not defined"):
        Explainer(Lone(lambda x: F.local_response_norm(x, 3)), WSquare()).explain(constant(*PICTURE))


SIGNED = [Zero(), Epsilon(0.2), Gamma(0.5), AlphaBeta(2), ZPlus(), Flat(), WSquare(), WSquare(bias=False)]
NORMED = {name: function for name, function in CONSTANT_SCALE.items() if "_norm" in name}


@pytest.mark.parametrize("rule", SIGNED, ids=str)
@pytest.mark.parametrize("name", NORMED)
def test_a_norm_shares_as_the_dense_matrix_with_its_scale_held_constant(name, rule):
    function, shape = NONLINEAR[name]
    x = constant(*shape, seed=9)
    explanation = explained(function, x, rule)
    for number, sample in enumerate(x):

        def frozen(flat: Tensor, sample: Tensor = sample) -> Tensor:
            return NORMED[name](flat.view(1, *sample.shape)).flatten()

        flat = sample.flatten()
        matrix = torch.autograd.functional.jacobian(frozen, flat)
        matrix = torch.where(matrix.abs() < 1e-14, 0.0, matrix)
        bias = frozen(flat) - matrix @ flat
        bias = torch.where(bias.abs() < 1e-12, 0.0, bias)
        received = (explanation.scores * explanation.target)[number]
        _assert_account(explanation, number, rule, Dense(matrix, bias, flat, len(sample), False), received)


CONTRACTIONS = ["W @ x", "bmm", "mv", "einsum with a constant", "einsum, constant first", "einsum by list", "tensordot"]


@pytest.mark.parametrize("rule", SIGNED, ids=str)
@pytest.mark.parametrize("name", [*CONTRACTIONS, "x @ W", "matmul", "mm", "x.__rmatmul__(W)"])
def test_a_product_with_a_constant_shares_as_its_dense_matrix(name, rule):
    function, shape = LINEAR[name]
    x = constant(*shape, seed=9)
    explanation = explained(function, x, rule)
    for number, sample in enumerate(x):

        def flatly(flat: Tensor, sample: Tensor = sample) -> Tensor:
            return function(flat.view(1, *sample.shape)).flatten()

        flat = sample.flatten()
        matrix = torch.autograd.functional.jacobian(flatly, flat)
        received = (explanation.scores * explanation.target)[number]
        layer = Dense(matrix, torch.zeros(len(matrix)).double(), flat, len(sample), False)
        _assert_account(explanation, number, rule, layer, received)


def test_a_gate_gets_no_relevance():
    x, y = constant(*PICTURE, seed=9), constant(*PICTURE, seed=10)

    def gated(x: Tensor, y: Tensor) -> Tensor:
        return x * torch.sigmoid(F.conv2d(y.mean((2, 3), keepdim=True), constant(4, 4, 1, 1)))

    signal, gate = explained(gated, (x, y)).relevance
    assert not gate.any()
    scores = gated(x, y).flatten(1)
    assert_near(signal, (scores * weights(scores)).view(x.shape))


GATES = {
    "sigmoid": torch.sigmoid,
    "hardsigmoid": F.hardsigmoid,
    "softmax": lambda y: y.softmax(-1),
    "1 - sigmoid": lambda y: 1 - y.sigmoid(),
    "a view of a gate": lambda y: y.sigmoid().flip(1).unsqueeze(2).squeeze(2),
    "reciprocal": lambda y: (y.exp() + 1).reciprocal(),
    "1 / y": lambda y: 1 / y.exp(),
    "rsqrt": lambda y: torch.rsqrt(y.square() + 1),
    "the root of a norm": lambda y: y.norm(dim=-1, keepdim=True).sqrt(),
    "half a gate": lambda y: 0.5 * y.sigmoid(),
    "a product of gates": lambda y: y.sigmoid() * y.softmax(1),
    "a dropped-out gate": lambda y: F.dropout(y.sigmoid(), 0.5, training=False),
    "gates, stacked": lambda y: torch.stack([y.sigmoid()[:, 0], y.softmax(-1)[:, 1]], 1)[:, [0, 1, 1, 0]],
}


@pytest.mark.parametrize("order", ["signal first", "gate first"])
@pytest.mark.parametrize("name", GATES)
def test_everything_goes_to_the_factor_that_is_no_gate(name, order):
    x, y = constant(*ROWS, seed=9), constant(*ROWS, seed=10)
    function = GATES[name]
    signal, gate = explained(
        lambda x, y: x * function(y) if order == "signal first" else function(y) * x, (x, y)
    ).relevance
    scores = (x * function(y)).flatten(1)
    assert not gate.any()
    assert_near(signal, (scores * weights(scores)).view(x.shape))


# Embeddings.

TOKENS = torch.tensor([[1, 2, 2, 0, 5], [4, 1, 1, 3, 0], [0, 0, 2, 5, 5]])


class _Lookup(nn.Module):
    def __init__(self, **settings) -> None:
        super().__init__()
        torch.manual_seed(0)
        self.embedding = nn.Embedding(6, 4, **settings)
        self.head = nn.Linear(20, 3)
        self.double()

    def forward(self, tokens: Tensor) -> Tensor:
        return self.head(self.embedding(tokens).flatten(1).relu())


@pytest.mark.parametrize("settings", [{}, {"padding_idx": 0}], ids=["", "padding"])
@pytest.mark.parametrize("dtype", [torch.int64, torch.int32])
def test_a_token_gets_the_relevance_of_its_whole_row(dtype, settings):
    model = _Lookup(**settings)
    rows = model.embedding(TOKENS).detach()
    explanation = Explainer(model, Zero()).explain(TOKENS.to(dtype), 1)
    inner = Explainer(Lone(lambda rows: model.head(rows.flatten(1).relu()), model.head), Zero()).explain(rows, 1)
    assert explanation.relevance.shape == TOKENS.shape
    assert_near(explanation.relevance, inner.relevance.sum(-1))
    assert_balanced(explanation)


def test_a_batch_of_tokens_is_explained_as_its_samples_are():
    model = _Lookup()
    assert_each_sample_alone(lambda inputs: Explainer(model).explain(inputs, 1), (TOKENS,))


def test_tokens_with_positions_and_attention_are_explained_as_each_alone():
    torch.manual_seed(0)
    embedding, layer = nn.Embedding(6, 8), nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    positions = nn.Parameter(torch.randn(5, 8))

    def run(tokens: Tensor) -> Tensor:
        return layer(embedding(tokens) + positions, src_key_padding_mask=tokens == 0).mean(1)

    model = Lone(run, embedding, layer)
    model.register_parameter("positions", positions)
    positions.data = positions.data.double()
    tokens = torch.tensor([[1, 2, 2, 0, 5], [4, 1, 1, 3, 0], [3, 0, 0, 0, 0]])
    assert_each_sample_alone(lambda inputs: explained(model, inputs), (tokens,))


# Attention.

PRODUCTS = [Composite([(Kind("matmul"), rule(1e-10)), ("*", Epsilon(1e-10))], rule.__name__) for rule in (Half, Signal)]
TOKEN_MASK = torch.rand(5, 5, generator=torch.Generator().manual_seed(3)) > 0.4
TOKEN_MASK.fill_diagonal_(True)
PADDED = torch.tensor([[False, False, False, False, True], [False] * 5, [False, True, False, True, True]])


def by_hand(q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
    """Attention of its parts, with what is added to the logits."""
    logits = (q @ k.mT) * (1 / math.sqrt(q.shape[-1]))
    return (logits if bias is None else logits + bias).softmax(-1) @ v


def _hidden(mask: Tensor) -> Tensor:
    """What a boolean `mask` of what may be seen adds to the logits."""
    return torch.zeros(mask.shape, dtype=torch.float64).masked_fill(~mask, -math.inf)


MASKS = {
    "none": (lambda: {}, None),
    "causal": (lambda: {"is_causal": True}, _hidden(torch.ones(5, 5).tril().bool())),
    "bool": (lambda: {"attn_mask": TOKEN_MASK}, _hidden(TOKEN_MASK)),
    "float": (lambda: {"attn_mask": constant(5, 5)}, constant(5, 5)),
    "of each head": (lambda: {"attn_mask": constant(2, 5, 5)}, constant(2, 5, 5)),
}


@pytest.mark.parametrize("composite", PRODUCTS, ids=lambda composite: composite.name)
@pytest.mark.parametrize("mask", MASKS)
def test_scaled_dot_product_attention_is_explained_as_written_by_hand(mask, composite):
    settings, bias = MASKS[mask]
    q, k, v = (constant(3, 2, 5, 4, seed=seed) for seed in (1, 2, 3))
    assert_each_sample_alone(
        lambda inputs: explained(
            lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **settings()), inputs, composite
        ),
        (q, k, v),
        1e-7,
    )
    found = explained(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, **settings()), (q, k, v), composite)
    expected = explained(lambda q, k, v: by_hand(q, k, v, bias), (q, k, v), composite)
    for ours, theirs in zip(found.relevance, expected.relevance, strict=True):
        assert_near(ours, theirs, 1e-7, of=expected.relevance[2])


def test_grouped_queries_are_explained_as_if_keys_and_values_were_repeated():
    q, k, v = constant(3, 4, 5, 6), constant(3, 2, 5, 6, seed=1), constant(3, 2, 5, 6, seed=2)
    found = explained(lambda q, k, v: F.scaled_dot_product_attention(q, k, v, enable_gqa=True), (q, k, v))
    expected = explained(lambda q, k, v: by_hand(q, k[:, [0, 0, 1, 1]], v[:, [0, 0, 1, 1]]), (q, k, v))
    for ours, theirs in zip(found.relevance, expected.relevance, strict=True):
        assert_near(ours, theirs, 1e-7)


@pytest.mark.parametrize("composite", PRODUCTS, ids=lambda composite: composite.name)
def test_attention_by_einsum_is_explained_as_by_matrices(composite):
    q, k, v = (constant(3, 5, 2, 4, seed=seed) for seed in (1, 2, 3))

    def einsum(q: Tensor, k: Tensor, v: Tensor) -> Tensor:
        weights = (torch.einsum("bihd,bjhd->bhij", q, k) * 0.5).softmax(-1)
        return torch.einsum("bhij,bjhd->bihd", weights, v)

    found = explained(einsum, (q, k, v), composite)
    expected = explained(
        lambda q, k, v: by_hand(q.transpose(1, 2), k.transpose(1, 2), v.transpose(1, 2)).transpose(1, 2),
        (q, k, v),
        composite,
    )
    for ours, theirs in zip(found.relevance, expected.relevance, strict=True):
        assert_near(ours, theirs, 1e-7, of=expected.relevance[2])


class HandWritten(nn.Module):
    """An ``nn.MultiheadAttention`` as elementary calls, batch first."""

    def __init__(self, layer: nn.MultiheadAttention) -> None:
        super().__init__()
        self.layer = layer

    def forward(self, q: Tensor, k: Tensor, v: Tensor, bias: Tensor | None = None) -> Tensor:
        layer = self.layer
        if layer.in_proj_weight is None:
            matrices = layer.q_proj_weight, layer.k_proj_weight, layer.v_proj_weight
        else:
            matrices = layer.in_proj_weight.chunk(3)
        biases = layer.in_proj_bias.chunk(3) if layer.in_proj_bias is not None else (None,) * 3
        q, k, v = (
            F.linear(x, w, b).unflatten(-1, (layer.num_heads, -1)).transpose(1, 2)
            for x, w, b in zip((q, k, v), matrices, biases, strict=True)
        )
        return layer.out_proj(by_hand(q, k, v, bias).transpose(1, 2).flatten(2))


def _multihead(**settings) -> nn.MultiheadAttention:
    torch.manual_seed(0)
    layer = nn.MultiheadAttention(8, 2, **settings).double().eval()
    for parameter in layer.parameters():
        if parameter.dim() == 1:
            nn.init.normal_(parameter, 0, 0.3)
    return layer


MULTIHEAD_MASKS = {
    "no mask": ({}, None),
    "mask": ({"attn_mask": ~TOKEN_MASK}, _hidden(TOKEN_MASK)),
    "float mask": ({"attn_mask": constant(5, 5)}, constant(5, 5)),
    "padding": ({"key_padding_mask": PADDED}, _hidden(~PADDED)[:, None, None]),
    "both": (
        {"attn_mask": ~TOKEN_MASK, "key_padding_mask": PADDED},
        _hidden(TOKEN_MASK) + _hidden(~PADDED)[:, None, None],
    ),
    "causal": (
        {"attn_mask": torch.ones(5, 5).triu(1).bool(), "is_causal": True},
        _hidden(torch.ones(5, 5).tril().bool()),
    ),
}


@pytest.mark.filterwarnings("ignore:.*mismatched.*:UserWarning")
@pytest.mark.parametrize("composite", PRODUCTS, ids=lambda composite: composite.name)
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "time first"])
@pytest.mark.parametrize("need_weights", [True, False], ids=["with weights", "fused"])
@pytest.mark.parametrize("mask", MULTIHEAD_MASKS)
def test_multi_head_attention_is_explained_as_written_by_hand(mask, need_weights, batch_first, composite):
    layer, (settings, bias) = _multihead(batch_first=batch_first), MULTIHEAD_MASKS[mask]
    x = constant(3, 5, 8, seed=9)

    def run(x: Tensor) -> Tensor:
        x = x if batch_first else x.transpose(0, 1)
        made = layer(x, x, x, need_weights=need_weights, **settings)[0]
        return made if batch_first else made.transpose(0, 1)

    hand = HandWritten(layer)
    found = explained(Lone(run, layer), x, composite)
    expected = explained(Lone(lambda x: hand(x, x, x, bias), hand), x, composite)
    assert_near(found.relevance, expected.relevance, 1e-6)
    if bias is None or bias.dim() == 2:
        assert_each_sample_alone(lambda inputs: explained(Lone(run, layer), inputs, composite), (x,), 1e-6)


@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "time first"])
def test_cross_attention_of_other_widths_is_explained_as_written_by_hand(batch_first):
    layer = _multihead(batch_first=batch_first, kdim=6, vdim=7, bias=False)
    q, k, v = constant(3, 5, 8), constant(3, 4, 6), constant(3, 4, 7)

    def run(*inputs: Tensor) -> Tensor:
        made = layer(*(inputs if batch_first else (x.transpose(0, 1) for x in inputs)))[0]
        return made if batch_first else made.transpose(0, 1)

    hand = HandWritten(layer)
    found = explained(Lone(run, layer), (q, k, v), PRODUCTS[0])
    expected = explained(Lone(hand, hand), (q, k, v), PRODUCTS[0])
    for ours, theirs in zip(found.relevance, expected.relevance, strict=True):
        assert_near(ours, theirs, 1e-6)


def test_attention_with_learned_and_zero_tokens_balances():
    layer = _multihead(batch_first=True, add_bias_kv=True, add_zero_attn=True)
    nn.init.normal_(layer.bias_k)
    nn.init.normal_(layer.bias_v)
    model = Lone(lambda x: layer(x, x, x)[0], layer)
    assert_each_sample_alone(lambda inputs: explained(model, inputs), (constant(3, 5, 8, seed=9),), 1e-7)


@pytest.mark.parametrize("activation", ["relu", "gelu"])
@pytest.mark.parametrize("norm_first", [True, False], ids=["norm first", "norm last"])
@pytest.mark.parametrize("batch_first", [True, False], ids=["batch first", "time first"])
def test_torchs_transformer_encoder_is_explained_where_it_would_take_its_fast_path(batch_first, norm_first, activation):
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, activation=activation, batch_first=batch_first, norm_first=norm_first)
    encoder = nn.TransformerEncoder(layer, 2, nn.LayerNorm(8), enable_nested_tensor=not norm_first)

    def run(x: Tensor) -> Tensor:
        return encoder(x) if batch_first else encoder(x.transpose(0, 1)).transpose(0, 1)

    model = Lone(run, encoder)
    assert_each_sample_alone(lambda inputs: explained(model, inputs), (constant(3, 5, 8, seed=9),), 1e-7)


@pytest.mark.filterwarnings("ignore:.*nested:UserWarning")
def test_padding_in_torchs_transformer_encoder_is_as_if_the_samples_were_shorter():
    torch.manual_seed(0)
    layer = nn.TransformerEncoderLayer(8, 2, 16, batch_first=True)
    encoder = nn.TransformerEncoder(layer, 2).double().eval()
    padded = torch.tensor([[False] * 5, [False, False, False, False, True], [False, False, True, True, True]])
    x = constant(3, 5, 8, seed=9)
    together = explained(Lone(lambda x: encoder(x, src_key_padding_mask=padded)[:, 0], encoder), x)
    for number, hidden in enumerate(padded):
        shorter = x[number : number + 1, ~hidden]
        alone = explained(Lone(lambda x: encoder(x)[:, 0], encoder), shorter)
        assert_near(together.relevance[number, ~hidden], alone.relevance[0], 1e-6)
        assert not together.relevance[number, hidden].any()


def test_torchs_transformer_with_a_decoder_balances():
    torch.manual_seed(0)
    model = nn.Transformer(8, 2, 1, 1, 16, batch_first=True)
    mask = nn.Transformer.generate_square_subsequent_mask(4, dtype=torch.float64)
    run = Lone(lambda x, y: model(x, y, tgt_mask=mask, tgt_is_causal=True), model)
    inputs = constant(3, 5, 8), constant(3, 4, 8)
    assert_each_sample_alone(lambda inputs: explained(run, inputs), inputs, 1e-7)


# A product with several inputs, and a condition on what mixes samples.


def test_inputs_with_different_axes_are_explained_as_each_alone():
    def run(x: Tensor, y: Tensor) -> Tensor:
        x = x.permute(2, 0, 1)  # (features, samples, tokens)
        return (x * y.T[:, :, None]).permute(1, 2, 0) + y[:, None]

    assert_each_sample_alone(lambda inputs: explained(run, inputs), (constant(3, 4, 6), constant(3, 6)))


@pytest.mark.parametrize(
    "function",
    [
        lambda x: x - x.mean(0),
        lambda x: x.flip(0) * x,
        lambda x: x @ x.T @ x,
        lambda x: torch.cat([x, x.roll(1, 0) + x], 1),
        lambda x: x.softmax(0),
        lambda x: x.cumsum(0),
        lambda x: x.sort(0)[0],
        lambda x: x - x.max(0)[0],
        lambda x: x / x.norm(),
    ],
    ids=["batch mean", "product", "similarity", "roll", "softmax", "cumsum", "sort", "max", "norm"],
)
def test_a_function_that_mixes_samples_is_refused_and_explained_one_sample_at_a_time(function):
    x = constant(3, 6, seed=9)
    with pytest.raises(NotImplementedError, match="mixes the samples"):
        Explainer(Lone(function)).explain(x)
    explained(function, x[:1])
