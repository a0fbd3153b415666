"""Functions that are recorded as the elementary calls they consist of: attention, recurrent layers, ...

Relevance then passes them by the rules of these calls, and every one of them has its line in the ledger. The
results are those of the fused kernels up to rounding. :data:`EXPANSIONS`, at the end, lists all; besides, any
function of torch's that is written in Python and has no entry in the operation table is opened.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from functools import cache, partial, reduce
from itertools import pairwise
from types import FunctionType
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import handle_torch_function, has_torch_function

State = tuple[Tensor, ...]


def find(function: Callable[..., Any], key: str) -> Callable[..., Any] | None:
    """What to run in place of `function`, called `key` in the tables, so that its elementary calls can be seen."""
    if key in EXPANSIONS:
        return EXPANSIONS[key]
    if isinstance(function, FunctionType) and function.__module__.startswith("torch."):
        return _opened(function)
    return None


@cache
def _opened(function: FunctionType) -> Callable[..., Any] | None:
    """A copy of `function` that runs its body instead of handing itself over to whoever records torch calls."""
    checks = {name for name in function.__code__.co_names if name.startswith("has_torch_function")}
    if not checks:
        return None
    scope = {**function.__globals__, **dict.fromkeys(checks, lambda *_: False)}
    opened = FunctionType(function.__code__, scope, function.__name__, function.__defaults__, function.__closure__)
    opened.__kwdefaults__ = function.__kwdefaults__
    return opened


def scaled_dot_product_attention(
    query: Tensor,
    key: Tensor,
    value: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    """``F.scaled_dot_product_attention``."""
    if enable_gqa:
        groups = query.shape[-3] // key.shape[-3]
        key, value = key.repeat_interleave(groups, -3), value.repeat_interleave(groups, -3)
    scores = (query * (1 / math.sqrt(query.shape[-1]) if scale is None else scale)) @ key.transpose(-2, -1)
    if is_causal:
        attn_mask = torch.ones(scores.shape[-2:], dtype=torch.bool, device=query.device).tril()
    if attn_mask is None:
        weights = F.softmax(scores, -1)
    else:
        hidden = ~attn_mask if attn_mask.dtype == torch.bool else attn_mask == -math.inf
        blind = hidden.all(-1, keepdim=True)  # rows that may look at nobody, which attention gives zeros
        if attn_mask.dtype == torch.bool or bool((hidden | (attn_mask == 0)).all()):
            scores = scores.masked_fill(hidden & ~blind, -math.inf)
        else:
            scores = scores + attn_mask.masked_fill(blind, 0)
        weights = F.softmax(scores, -1)
        weights = weights.masked_fill(blind, 0) if bool(blind.any()) else weights
    return (F.dropout(weights, dropout_p) if dropout_p else weights) @ value


def embedding_bag(
    input: Tensor,
    weight: Tensor,
    offsets: Tensor | None = None,
    max_norm: float | None = None,
    norm_type: float = 2,
    scale_grad_by_freq: bool = False,
    mode: str = "mean",
    sparse: bool = False,
    per_sample_weights: Tensor | None = None,
    include_last_offset: bool = False,
    padding_idx: int | None = None,
) -> Tensor:
    """``F.embedding_bag`` of bags of one size, (B, N)."""
    if input.dim() != 2:
        raise NotImplementedError(
            "Bags of different sizes, told by `offsets`, mix the samples of the batch. Give indices (B, N), padded "
            "with the `padding_idx` of the nn.EmbeddingBag."
        )
    rows = F.embedding(input, weight, padding_idx, max_norm, norm_type)
    shown = torch.ones_like(input, dtype=torch.bool) if padding_idx is None else input != padding_idx
    hidden = ~shown.unsqueeze(-1)
    if mode == "max":
        return rows.masked_fill(hidden, -math.inf).amax(1).masked_fill(hidden.all(1), 0)
    if per_sample_weights is not None:
        rows = rows * per_sample_weights.unsqueeze(-1)
    total: Tensor = rows.masked_fill(hidden, 0).sum(1)
    return total if mode == "sum" else total / shown.sum(1, keepdim=True).clamp(min=1)


def addmm(input: Tensor, mat1: Tensor, mat2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``torch.addmm``: a product added to a tensor."""
    return _added(input, mat1 @ mat2, beta, alpha)


def baddbmm(input: Tensor, batch1: Tensor, batch2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``torch.baddbmm``: products of a batch of matrices, added to a tensor."""
    return _added(input, batch1 @ batch2, beta, alpha)


def addmv(input: Tensor, mat: Tensor, vec: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``torch.addmv``: matrix times vector, added to a tensor."""
    return _added(input, mat @ vec, beta, alpha)


def addr(input: Tensor, vec1: Tensor, vec2: Tensor, *, beta: float = 1, alpha: float = 1) -> Tensor:
    """``torch.addr``: an outer product, added to a tensor."""
    return _added(input, outer(vec1, vec2), beta, alpha)


def _added(input: Tensor, product: Tensor, beta: float, alpha: float) -> Tensor:
    return (product if alpha == 1 else product * alpha) + (input if beta == 1 else input * beta)


def addcmul(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """``torch.addcmul``."""
    product = tensor1 * tensor2
    return input + (product if value == 1 else product * value)


def addcdiv(input: Tensor, tensor1: Tensor, tensor2: Tensor, *, value: float = 1) -> Tensor:
    """``torch.addcdiv``."""
    quotient = tensor1 / tensor2
    return input + (quotient if value == 1 else quotient * value)


def inner(input: Tensor, other: Tensor) -> Tensor:
    """``torch.inner``: the last axis of each summed away."""
    made: Tensor = torch.tensordot(input, other, dims=([-1], [-1]))
    return made


def outer(input: Tensor, vec2: Tensor) -> Tensor:
    """``torch.outer``."""
    return input.unsqueeze(-1) * vec2


def dot(input: Tensor, tensor: Tensor) -> Tensor:
    """``torch.dot``, ``torch.vdot``."""
    return input @ tensor


def vecdot(x: Tensor, y: Tensor, *, dim: int = -1) -> Tensor:
    """``torch.linalg.vecdot``."""
    return (x * y).sum(dim)


def multi_dot(tensors: Sequence[Tensor]) -> Tensor:
    """``torch.linalg.multi_dot``: a chain of matrix products."""
    return reduce(torch.matmul, tensors)


def kron(input: Tensor, other: Tensor) -> Tensor:
    """``torch.kron``: each element of one times the whole of the other."""
    axes = max(input.dim(), other.dim())
    one, two = (x.reshape(*[1] * (axes - x.dim()), *x.shape) for x in (input, other))
    outside = one.reshape([size for n in one.shape for size in (n, 1)])
    inside = two.reshape([size for n in two.shape for size in (1, n)])
    return (outside * inside).reshape([n * m for n, m in zip(one.shape, two.shape, strict=True)])


def diff(
    input: Tensor, n: int = 1, dim: int = -1, prepend: Tensor | None = None, append: Tensor | None = None
) -> Tensor:
    """``torch.diff``: each element less the one before it, `n` times."""
    parts = [part for part in (prepend, input, append) if part is not None]
    x = torch.cat(parts, dim) if len(parts) > 1 else input
    for _ in range(n):
        x = x.narrow(dim, 1, x.shape[dim] - 1) - x.narrow(dim, 0, x.shape[dim] - 1)
    return x


def solve(A: Tensor, B: Tensor, *, left: bool = True) -> Tensor:  # noqa: N803  # torch's names
    """``torch.linalg.solve``: a product with the inverse of the matrix."""
    return _solved(torch.linalg.inv(A), B, left=left, vector=B.dim() == 1 or B.shape == A.shape[:-1])


def solve_triangular(A: Tensor, B: Tensor, *, upper: bool, left: bool = True, unitriangular: bool = False) -> Tensor:  # noqa: N803
    """``torch.linalg.solve_triangular``: a product with the inverse of the matrix."""
    matrix = A.triu() if upper else A.tril()
    if unitriangular:
        matrix = matrix - torch.diag_embed(matrix.diagonal(dim1=-2, dim2=-1) - 1)
    return _solved(torch.linalg.inv(matrix), B, left=left, vector=False)


def _solved(inverse: Tensor, right: Tensor, *, left: bool, vector: bool) -> Tensor:
    if vector:
        return (inverse @ right.unsqueeze(-1)).squeeze(-1)
    return inverse @ right if left else right @ inverse


def bilinear(input1: Tensor, input2: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    """``F.bilinear``: x Wᵏ y for every output k."""
    rows = input1 @ weight.permute(1, 0, 2).flatten(1)
    each = rows.reshape(*rows.shape[:-1], weight.shape[0], -1)
    product = (each @ input2.unsqueeze(-1)).squeeze(-1)
    return product if bias is None else product + bias


def grouped_mm(
    mat_a: Tensor, mat_b: Tensor, offs: Tensor | None = None, bias: Tensor | None = None, out_dtype: Any = None
) -> Tensor:
    """``torch._grouped_mm``, of a mixture of experts: each group of rows has a matrix of its own."""
    if offs is None:
        return mat_a @ mat_b
    ends = [0, *offs.tolist()]
    groups = list(pairwise(ends))
    if mat_b.dim() == 2:
        alone = mat_a.dim() == 2
        parts = [
            (mat_a[:, a:b] @ mat_b[a:b]) if alone else (mat_a[i] @ mat_b[:, a:b]) for i, (a, b) in enumerate(groups)
        ]
        return torch.stack(parts) if alone else torch.cat(parts, -1)
    return torch.cat([mat_a[start:stop] @ mat_b[i] for i, (start, stop) in enumerate(groups) if start < stop])


def std_mean(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """``torch.std_mean``."""
    return input.std(*args, **kwargs), _mean_beside(input, *args, **kwargs)


def var_mean(input: Tensor, *args: Any, **kwargs: Any) -> tuple[Tensor, Tensor]:
    """``torch.var_mean``."""
    return input.var(*args, **kwargs), _mean_beside(input, *args, **kwargs)


def _mean_beside(input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, **_: Any) -> Tensor:
    return input.mean() if dim is None or isinstance(dim, bool) else input.mean(dim, keepdim)


def cumprod(input: Tensor, dim: int, **_: Any) -> Tensor:
    """``torch.cumprod``: a product for every number of factors."""
    return torch.stack([input.narrow(dim, 0, n + 1).prod(dim) for n in range(input.shape[dim])], dim)


def pairwise_distance(x1: Tensor, x2: Tensor, p: float = 2.0, eps: float = 1e-6, keepdim: bool = False) -> Tensor:
    """``F.pairwise_distance``."""
    distance: Tensor = torch.linalg.vector_norm(x1 - x2 + eps, p, -1, keepdim)
    return distance


def cdist(x1: Tensor, x2: Tensor, p: float = 2.0, *_: Any, **__: Any) -> Tensor:
    """``torch.cdist``."""
    distances: Tensor = torch.linalg.vector_norm(x1.unsqueeze(-2) - x2.unsqueeze(-3), p, -1)
    return distances


def batch_norm(
    input: Tensor, weight: Any, bias: Any, mean: Any, var: Any, training: bool, momentum: float, eps: float, *_: Any
) -> Tensor:
    """``torch.batch_norm``, which has another order than ``F.batch_norm``."""
    return F.batch_norm(input, mean, var, weight, bias, training, momentum, eps)


def instance_norm(
    input: Tensor, weight: Any, bias: Any, mean: Any, var: Any, by_input: bool, momentum: float, eps: float, *_: Any
) -> Tensor:
    """``torch.instance_norm``, which has another order than ``F.instance_norm``."""
    return F.instance_norm(input, mean, var, weight, bias, by_input, momentum, eps)


def convolution(
    input: Tensor,
    weight: Tensor,
    bias: Tensor | None,
    stride: Sequence[int],
    padding: Sequence[int],
    dilation: Sequence[int],
    transposed: bool,
    output_padding: Sequence[int],
    groups: int,
) -> Tensor:
    """``torch.convolution``, of any number of axes, as exported programs have it."""
    name = f"conv{'_transpose' if transposed else ''}{weight.dim() - 2}d"
    between = {"output_padding": output_padding} if transposed else {}
    made: Tensor = getattr(F, name)(input, weight, bias, stride, padding, **between, groups=groups, dilation=dilation)
    return made


def native_softmax(input: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    """``aten._softmax``."""
    return F.softmax(input.float() if half_to_float else input, dim)


def native_log_softmax(input: Tensor, dim: int, half_to_float: bool = False) -> Tensor:
    """``aten._log_softmax``."""
    return F.log_softmax(input.float() if half_to_float else input, dim)


def native_layer_norm(
    input: Tensor, shape: list[int], weight: Tensor | None, bias: Tensor | None, eps: float
) -> tuple[Tensor | None, ...]:
    """``aten.native_layer_norm``, without the statistics that it returns besides."""
    return F.layer_norm(input, shape, weight, bias, eps), None, None


def native_group_norm(
    input: Tensor, weight: Tensor | None, bias: Tensor | None, *sizes_groups_eps: Any
) -> tuple[Tensor | None, ...]:
    """``aten.native_group_norm``, without the statistics that it returns besides."""
    *_, groups, eps = sizes_groups_eps
    return F.group_norm(input, groups, weight, bias, eps), None, None


def native_batch_norm(
    input: Tensor, weight: Any, bias: Any, mean: Tensor, var: Tensor, momentum: float, eps: float
) -> tuple[Tensor | None, ...]:
    """``aten._native_batch_norm_legit_no_training``, without the statistics that it returns besides."""
    return F.batch_norm(input, mean, var, weight, bias, False, momentum, eps), None, None


def lerp(input: Tensor, end: Tensor, weight: Tensor | float) -> Tensor:
    """``torch.lerp``."""
    return input * (1 - weight) + end * weight


def glu(input: Tensor, dim: int = -1) -> Tensor:
    """``F.glu``."""
    signal, gate = input.chunk(2, dim)
    return signal * torch.sigmoid(gate)


def cosine_similarity(x1: Tensor, x2: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    """``F.cosine_similarity``."""
    one, other = (x / torch.linalg.vector_norm(x, dim=dim, keepdim=True).clamp_min(eps) for x in (x1, x2))
    products: Tensor = one * other
    return products.sum(dim)


def started(x: Tensor, state: Tensor) -> Tensor:
    """The first `state` for the sequences in `x`, recorded as one call.

    So even a constant state is known to belong to the samples of `x`, and has its place in products and sums.
    """
    if has_torch_function((x, state)):
        made: Tensor = handle_torch_function(started, (x, state), x, state)
        return made
    return state.clone()


def centred(x: Tensor, axes: tuple[int, ...]) -> Tensor:
    """`x` less its mean over the `axes`, as one call."""
    if has_torch_function((x,)):
        made: Tensor = handle_torch_function(centred, (x,), x, axes)
        return made
    return x - x.mean(axes, keepdim=True)


Axes = int | Sequence[int] | None


def variance(
    input: Tensor,
    dim: Axes | bool = None,
    unbiased: bool | None = None,
    keepdim: bool = False,
    *,
    correction: float | None = None,
) -> Tensor:
    """``torch.var``."""
    if isinstance(dim, bool):
        dim, unbiased = None, dim
    if correction is None:
        correction = 1 if unbiased is None else int(unbiased)
    axes = _axes(input, dim)
    count = math.prod(input.shape[axis] for axis in axes)
    squares: Tensor = centred(input, axes).square().sum(axes, keepdim=keepdim)
    return squares / max(count - correction, 0)


def deviation(*args: Any, **kwargs: Any) -> Tensor:
    """``torch.std``."""
    return variance(*args, **kwargs).sqrt()


def vector_norm(x: Tensor, ord: float = 2, dim: Axes = None, keepdim: bool = False, **kwargs: Any) -> Tensor:
    """``torch.linalg.vector_norm``."""
    return norm(x, ord, dim, keepdim, **kwargs)


def norm(
    input: Tensor, p: float | str | None = 2, dim: Axes = None, keepdim: bool = False, dtype: torch.dtype | None = None
) -> Tensor:
    """``torch.norm``."""
    x, axes = input.to(dtype) if dtype else input, _axes(input, dim)
    if p in (None, "fro") or p == 2:
        return x.square().sum(axes, keepdim=keepdim).sqrt()
    if isinstance(p, str):
        raise NotImplementedError(f"The norm {p!r} of a matrix has no rule; use the Frobenius norm, p='fro'.")
    sizes = x.abs()
    if math.isinf(p):
        return sizes.amax(axes, keepdim=keepdim) if p > 0 else sizes.amin(axes, keepdim=keepdim)
    if p == 1:
        return sizes.sum(axes, keepdim=keepdim)
    return sizes.pow(p).sum(axes, keepdim=keepdim).pow(1 / p)


def linalg_norm(input: Tensor, ord: float | str | None = None, dim: Axes = None, *args: Any, **kwargs: Any) -> Tensor:
    """``torch.linalg.norm``: of vectors, and the Frobenius norm of matrices."""
    of_matrix = len(_axes(input, dim)) == 2 and (dim is not None or input.dim() == 2)
    if of_matrix and ord not in (None, "fro"):
        raise NotImplementedError(f"The norm {ord!r} of a matrix has no rule; use the Frobenius norm, ord='fro'.")
    return norm(input, ord, dim, *args, **kwargs)


def _axes(x: Tensor, dim: Axes | bool) -> tuple[int, ...]:
    """The axes that `dim` means, counted from the left; None means all."""
    if dim is None or (isinstance(dim, Sequence) and not dim):
        return tuple(range(x.dim()))
    return tuple(axis % x.dim() for axis in ((dim,) if isinstance(dim, int) else dim))


def combined(terms: Sequence[Tensor], coefficients: Sequence[Tensor | float], shift: Tensor | float) -> Tensor:
    """Σ_i c_i ⊙ x_i + shift: several sums in one call."""
    first, *others = (c * x for c, x in zip(coefficients, terms, strict=True))
    return sum(others, start=first) + shift


def lstm_cell(
    x: Tensor, state: State, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> State:
    """One step of an LSTM: new hidden and cell state."""
    return _lstm_step(*_joint(w_ih, w_hh, b_ih, b_hh), x, tuple(started(x, s) for s in state))


def gru_cell(
    x: Tensor, h: Tensor, w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None = None, b_hh: Tensor | None = None
) -> Tensor:
    """One step of a GRU: its new hidden state."""
    (h,) = _gru_step(w_ih, w_hh, b_ih, b_hh, x, (started(x, h),))
    return h


def rnn_cell(
    squash: Callable[[Tensor], Tensor],
    x: Tensor,
    h: Tensor,
    w_ih: Tensor,
    w_hh: Tensor,
    b_ih: Tensor | None = None,
    b_hh: Tensor | None = None,
) -> Tensor:
    """One step of a plain recurrent layer: its new hidden state."""
    (h,) = _rnn_step(squash, *_joint(w_ih, w_hh, b_ih, b_hh), x, (started(x, h),))
    return h


def _joint(w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None) -> tuple[Tensor, Tensor | None]:
    """One linear map of (x, h) instead of two, so that they share relevance as parts of one sum (Arras et al. 2017)."""
    return torch.cat([w_ih, w_hh], 1), None if b_ih is None or b_hh is None else b_ih + b_hh


def _lstm_step(weight: Tensor, bias: Tensor | None, x: Tensor, state: State) -> State:
    h, c = state
    i, f, g, o = F.linear(torch.cat([x, h], -1), weight, bias).chunk(4, -1)
    c = torch.sigmoid(f) * c + torch.sigmoid(i) * torch.tanh(g)
    return torch.sigmoid(o) * torch.tanh(c), c


def _gru_step(w_ih: Tensor, w_hh: Tensor, b_ih: Tensor | None, b_hh: Tensor | None, x: Tensor, state: State) -> State:
    (h,) = state
    xr, xz, xn = F.linear(x, w_ih, b_ih).chunk(3, -1)
    hr, hz, hn = F.linear(h, w_hh, b_hh).chunk(3, -1)
    z = torch.sigmoid(xz + hz)
    n = torch.tanh(xn + torch.sigmoid(xr + hr) * hn)
    return ((1 - z) * n + z * h,)


def _rnn_step(
    squash: Callable[[Tensor], Tensor], weight: Tensor, bias: Tensor | None, x: Tensor, state: State
) -> State:
    (h,) = state
    return (squash(F.linear(torch.cat([x, h], -1), weight, bias)),)


def _lstm_layer(weights: Sequence[Tensor | None]) -> Callable[[Tensor, State], State]:
    w_ih, w_hh, b_ih, b_hh, w_hr = weights
    assert w_ih is not None
    assert w_hh is not None
    step = partial(_lstm_step, *_joint(w_ih, w_hh, b_ih, b_hh))
    if w_hr is None:
        return step

    def projected(x: Tensor, state: State) -> State:
        h, c = step(x, state)
        return F.linear(h, w_hr), c

    return projected


def _gru_layer(weights: Sequence[Tensor | None]) -> Callable[[Tensor, State], State]:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    assert w_ih is not None
    assert w_hh is not None
    return partial(_gru_step, w_ih, w_hh, b_ih, b_hh)


def _rnn_layer(
    squash: Callable[[Tensor], Tensor], weights: Sequence[Tensor | None]
) -> Callable[[Tensor, State], State]:
    w_ih, w_hh, b_ih, b_hh, _ = weights
    assert w_ih is not None
    assert w_hh is not None
    return partial(_rnn_step, squash, *_joint(w_ih, w_hh, b_ih, b_hh))


def _recurrent(layer: Callable[[Sequence[Tensor | None]], Callable[[Tensor, State], State]], *args: Any) -> Any:
    """A stack of recurrent layers as torch's kernels take it: a batch of equal lengths, or a packed one."""
    packed = not isinstance(args[3], bool)
    if packed:
        data, batch_sizes, start, parameters, has_biases, layers, dropout, training, both = args
        steps = list(data.split(batch_sizes.tolist()))
    else:
        data, start, parameters, has_biases, layers, dropout, training, both, batch_first = args
        steps = list(data.unbind(1 if batch_first else 0))
    states: State = (start,) if isinstance(start, Tensor) else tuple(start)
    directions = 2 if both else 1
    per_run = len(parameters) // (layers * directions)
    last: list[State] = []
    for number in range(layers):
        runs: list[list[Tensor]] = []
        for direction in range(directions):
            index = number * directions + direction
            weights = _five(parameters[index * per_run : (index + 1) * per_run], has_biases)
            outputs, end = _run(layer(weights), steps, tuple(s[index] for s in states), backward=direction == 1)
            runs.append(outputs)
            last.append(end)
        steps = [torch.cat(parts, -1) if both else parts[0] for parts in zip(*runs, strict=True)]
        if dropout and training and number + 1 < layers:
            steps = [F.dropout(x, dropout) for x in steps]
    result = torch.cat(steps) if packed else torch.stack(steps, 1 if batch_first else 0)
    return result, *(torch.stack(ends) for ends in zip(*last, strict=True))


def _five(weights: Sequence[Tensor], has_biases: bool) -> list[Tensor | None]:
    """Input, hidden, their two biases, projection; None for what the layer does not have."""
    first, others = list(weights[:2]), list(weights[2:])
    biases = [others.pop(0), others.pop(0)] if has_biases else [None, None]
    return [*first, *biases, others[0] if others else None]


def _run(
    step: Callable[[Tensor, State], State], inputs: Sequence[Tensor], start: State, *, backward: bool
) -> tuple[list[Tensor], State]:
    """One layer in one direction: its output at every time, and its last state.

    In a packed batch the longest sequences come first, so fewer and fewer take part as time goes on.
    """
    times = range(len(inputs))
    outputs: dict[int, Tensor] = {}
    first = inputs[-1 if backward else 0]
    state = tuple(started(first, s[: len(first)]) for s in start)
    ended: list[State] = []
    for time in reversed(times) if backward else times:
        x, active = inputs[time], len(state[0])
        if len(x) < active:
            ended.insert(0, tuple(s[len(x) :] for s in state))
            state = tuple(s[: len(x)] for s in state)
        elif len(x) > active:
            new = (started(x[active:], s[active : len(x)]) for s in start)
            state = tuple(torch.cat(both) for both in zip(state, new, strict=True))
        state = step(x, state)
        outputs[time] = state[0]
    if ended:
        state = tuple(torch.cat(parts) for parts in zip(state, *ended, strict=True))
    return [outputs[time] for time in times], state


EXPANSIONS: dict[str, Callable[..., Any]] = {
    "scaled_dot_product_attention": scaled_dot_product_attention,
    "addmm": addmm,
    "baddbmm": baddbmm,
    "addmv": addmv,
    "addr": addr,
    "embedding_bag": embedding_bag,
    "addcmul": addcmul,
    "addcdiv": addcdiv,
    "inner": inner,
    **dict.fromkeys(("outer", "ger"), outer),
    **dict.fromkeys(("dot", "vdot"), dot),
    "linalg.vecdot": vecdot,
    "linalg.multi_dot": multi_dot,
    "linalg.matmul": torch.matmul,
    "kron": kron,
    "diff": diff,
    "linalg.solve": solve,
    "linalg.solve_triangular": solve_triangular,
    "bilinear": bilinear,
    "_grouped_mm": grouped_mm,
    "std_mean": std_mean,
    "var_mean": var_mean,
    "cumprod": cumprod,
    "pairwise_distance": pairwise_distance,
    "cdist": cdist,
    "convolution": convolution,
    "_softmax": native_softmax,
    "_log_softmax": native_log_softmax,
    "native_layer_norm": native_layer_norm,
    "native_group_norm": native_group_norm,
    "_native_batch_norm_legit_no_training": native_batch_norm,
    "torch.batch_norm": batch_norm,
    "torch.instance_norm": instance_norm,
    "lerp": lerp,
    "glu": glu,
    "var": variance,
    "std": deviation,
    "norm": norm,
    **dict.fromkeys(("linalg_vector_norm", "linalg.vector_norm"), vector_norm),
    **dict.fromkeys(("linalg_norm", "linalg.norm"), linalg_norm),
    "cosine_similarity": cosine_similarity,
    "lstm": partial(_recurrent, _lstm_layer),
    "gru": partial(_recurrent, _gru_layer),
    "rnn_tanh": partial(_recurrent, partial(_rnn_layer, torch.tanh)),
    "rnn_relu": partial(_recurrent, partial(_rnn_layer, torch.relu)),
    "lstm_cell": lstm_cell,
    "gru_cell": gru_cell,
    "rnn_tanh_cell": partial(rnn_cell, torch.tanh),
    "rnn_relu_cell": partial(rnn_cell, torch.relu),
}
"""What is run in place of a function, by the function's name in the operation table."""
