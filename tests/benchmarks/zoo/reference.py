"""A second way to the relevance of any network: gradient × input, on a forward whose derivative is made that of LRP.

Shares no code with the library: no tape, no rules, no table. The network runs once under autograd while every torch
function below is exchanged for one with the same values and another derivative, so that relevance is value × gradient
everywhere. That is LRP-0 with these conventions:

- activations pass on what they get: f(x) becomes x · (f(x) / x), the quotient a constant;
- where a gate meets a signal, or a denominator its numerator, the gate and the denominator are constants;
- where a number, maybe scaled, meets what a nonlinearity makes of it, as in a GELU by its formula, the latter is one;
- other products and matrix products give half to each factor;
- standard deviations of norms are constants, a softmax keeps its derivative (that is its Taylor rule in AttnLRP);
- constant scales and shifts of the bare input pass on what they get, as if they had been applied outside, but for
  those that make several numbers of one by parameters or indices: these are layers.

Whole numbers that are looked up in a table have no gradient: each carries a factor of 1 that has one.
"""

from __future__ import annotations

import math
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from types import SimpleNamespace
from typing import Any
from unittest.mock import patch

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

Function = Callable[..., Any]


def words(text: str) -> list[str]:
    """The words of `text`."""
    return text.split()


def relevance(
    model: nn.Module, inputs: Sequence[Tensor], select: Function | None, target: Tensor
) -> tuple[Tensor, list[Tensor]]:
    """Scores of `model` at `inputs`, and the relevance of each input if the scores count with the weights `target`."""
    leaves = [x.detach().clone().requires_grad_(x.is_floating_point()) for x in inputs]
    factors = [torch.ones(x.shape, dtype=torch.float64, requires_grad=True) for x in leaves]
    given = [x.clone() for x in leaves]
    for x, factor in zip(given, factors, strict=True):
        x.raw = x.is_floating_point()
        if not x.raw:
            x.factor = factor
    with _constant_parameters(model), _python_functions_opened(), _Bent():
        output = model(*given)
        scores: Tensor = output if select is None else select(output)
        scores = scores.unsqueeze(1) if scores.dim() == 1 else scores
    wanted = [x if x.is_floating_point() else factor for x, factor in zip(leaves, factors, strict=True)]
    gradients = torch.autograd.grad((scores * target).sum(), wanted, allow_unused=True, materialize_grads=True)
    return scores.detach(), [x.detach() * g for x, g in zip(wanted, gradients, strict=True)]


@contextmanager
def _constant_parameters(model: nn.Module) -> Iterator[None]:
    """So that what requires a gradient is what depends on the inputs."""
    wanting = [p for p in model.parameters() if p.requires_grad]
    try:
        for parameter in wanting:
            parameter.requires_grad_(False)
        yield
    finally:
        for parameter in wanting:
            parameter.requires_grad_(True)


@contextmanager
def _python_functions_opened() -> Iterator[None]:
    """Torch's functions that are written in Python run their bodies, whose calls are then seen one by one."""
    checks = ("has_torch_function", "has_torch_function_unary", "has_torch_function_variadic")
    modules = [module for name, module in list(sys.modules.items()) if name.startswith("torch.") and module]
    with ExitStack() as stack:
        for module in modules:
            for check in checks:
                if check in vars(module) and not module.__name__.startswith(("torch.overrides", "torch._C")):
                    stack.enter_context(patch.object(module, check, lambda *_: False))
        stack.enter_context(patch.object(torch.no_grad, "__enter__", lambda self: None))
        stack.enter_context(patch.object(torch.no_grad, "__exit__", lambda self, *_: None))
        forward = classmethod(lambda cls, *args: cls.forward(SimpleNamespace(save_for_backward=lambda *_: None), *args))
        stack.enter_context(patch.object(torch.autograd.Function, "apply", forward))
        yield


class _Bent(TorchFunctionMode):
    """Exchanges functions for those of :data:`BENT`; follows gates and whole numbers."""

    def __torch_function__(self, function: Function, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        kwargs = kwargs or {}
        tensors = _tensors((args, kwargs))
        name = _name(function)
        if any(hasattr(x, "factor") for x in tensors):
            return _follow_whole_numbers(name, function, args, kwargs)
        depending = [x for x in tensors if x.requires_grad]
        if not depending or not torch.is_grad_enabled():
            return function(*args, **kwargs)
        in_place = name.endswith("_") and not name.endswith("__")
        plain = name.removesuffix("_") if in_place else name.removeprefix("__i") if name in _IN_PLACE_SIGNS else name
        plain = plain.removesuffix("__") if name in _IN_PLACE_SIGNS else plain
        in_place = in_place or name in _IN_PLACE_SIGNS
        bent = BENT.get(plain)
        if name in ("long", "int"):
            made = function(*args, **kwargs)  # a category among numbers
            made.factor = depending[0] / depending[0].detach()
            return made
        raw = plain in _KEEPS_RAW and all(getattr(x, "raw", False) for x in depending)
        if (
            raw
            and plain in _PREPARES
            and len(depending) == 1
            and not _repeats(tensors, depending[0], function, args, kwargs)
        ):
            bent = _prepared
        if bent is None:
            made = function(*args, **kwargs)
            _tell_origin(plain, depending, made)
        elif in_place:
            target = args[0]
            result = bent(_out_of_place(plain), target.clone(), *args[1:], **kwargs)
            gate = _is_gate(result)
            made = target.copy_(result)
            _mark(made, gate)
            made.raw = raw
            return made
        else:
            made = bent(function, *args, **kwargs)
            _tell_origin(plain, depending, made)
            if plain in _OWN_GATES:
                return made
        for y in _tensors((made,)) if (raw and bent is _prepared) or plain not in _PREPARES else ():
            y.raw = raw and not (y.numel() > depending[0].numel() and any(not x.is_floating_point() for x in tensors))
        if plain in _LENDING:
            depending = [x for x in depending if x is args[0]]
        if plain in _KEEPS_GATES or (len(depending) == 1 and plain in _KEEPS_GATES_OF_ONE):
            _mark(made, all(map(_is_gate, depending)))
        return made


_LENDING = ("type_as", "to", "expand_as", "view_as", "reshape_as")
"""Of these, what follows the first argument only lends its type or shape."""

_IN_PLACE_SIGNS = ("__imul__", "__iadd__", "__isub__", "__idiv__", "__itruediv__", "__ipow__")


def _name(function: Function) -> str:
    name: str = getattr(function, "__name__", type(function).__name__)
    if name == "__get__":
        name = function.__self__.__name__  # type: ignore[attr-defined]
    return name.removesuffix(".default")


def _tensors(tree: Any) -> list[Tensor]:
    if isinstance(tree, Tensor):
        return [tree]
    if isinstance(tree, dict):
        tree = tuple(tree.values())
    return [x for item in tree for x in _tensors(item)] if isinstance(tree, tuple | list) else []


def _is_gate(x: Tensor) -> bool:
    return getattr(x, "gate", False)


def _mark(made: Any, gate: bool) -> None:
    for y in _tensors((made,)):
        y.gate = gate


class _Origin:
    """What a tensor is computed from element by element: another one, of which it is a multiple, or bent."""

    def __init__(self, source: Tensor) -> None:
        self.source, self.scaled, self.bent = source, True, False


def _origin(x: Tensor) -> _Origin:
    return getattr(x, "origin", None) or _Origin(x)


def _tell_origin(name: str, depending: list[Tensor], made: Any) -> None:
    """Write down where `made` comes from, if it is from one tensor element by element."""
    if not isinstance(made, Tensor) or any(x.shape != made.shape for x in depending) or name not in _ELEMENTWISE:
        return
    origins = [_origin(x) for x in depending]
    if any(each.source is not origins[0].source for each in origins):
        return
    made.origin = _Origin(origins[0].source)
    made.origin.scaled = name in _SCALING and len(depending) == 1 and origins[0].scaled
    made.origin.bent = name in _BENDING or any(each.bent for each in origins)


def _bends(g: Tensor, x: Tensor) -> bool:
    """Whether `g` is what a nonlinearity makes of `x`, element by element."""
    one, other = _origin(x), _origin(g)
    return one.source is other.source and one.scaled and other.bent and x.shape == g.shape and not _is_gate(g)


def _depends(x: Any) -> bool:
    return isinstance(x, Tensor) and x.requires_grad


def _repeats(tensors: list[Tensor], x: Tensor, function: Function, args: Any, kwargs: Any) -> bool:
    """Whether several numbers are made of one by parameters."""
    learned = any(isinstance(each, nn.Parameter) or isinstance(each._base, nn.Parameter) for each in tensors)
    return learned and function(*args, **kwargs).numel() > x.numel()


def _prepared(function: Function, *args: Any, **kwargs: Any) -> Tensor:
    """A scale and shift of the bare input, which passes on what it gets."""
    (x,) = (each for each in _tensors((args, kwargs)) if each.requires_grad)
    with torch.no_grad():
        made = function(*args, **kwargs)
    return _scaled(x.expand(made.shape), made)


def _out_of_place(name: str) -> Function:
    for where in (torch.Tensor, torch, torch._C._nn):
        if hasattr(where, name):
            return getattr(where, name)  # type: ignore[no-any-return]
    raise NotImplementedError(name)


# Whole numbers.


_MOVES = set(
    words("""
view view_as reshape reshape_as flatten unflatten ravel squeeze unsqueeze permute transpose swapaxes movedim t T
mT roll flip __getitem__ select narrow index_select gather chunk split unbind diagonal expand expand_as
broadcast_to repeat repeat_interleave tile clone contiguous detach cat stack take_along_dim unfold
""")
)


def _follow_whole_numbers(name: str, function: Function, args: Any, kwargs: Any) -> Any:
    """Run a function of whole numbers that carry factors, and tell what becomes of the factors."""
    if name == "embedding":
        rows, numbers, *_ = args
        return torch.nn.functional.embedding(numbers.detach(), rows) * numbers.factor.unsqueeze(-1)
    if name == "embedding_bag":
        raise NotImplementedError("embedding_bag of the reference")
    if name == "one_hot":
        made = function(*args, **kwargs)
        made.factor = args[0].factor.unsqueeze(-1).expand(made.shape)
        return made
    if name in ("__getitem__", "index_select") and not hasattr(args[0], "factor"):
        index = args[-1]
        made = function(*args, **kwargs)
        if not isinstance(index, Tensor):
            return made
        factor = index.factor.reshape(*index.shape, *[1] * (made.dim() - index.dim()))
        if made.is_floating_point():
            return made * factor
        made.factor = factor.expand(made.shape)
        return made
    made = function(*args, **kwargs)
    if name in ("__setitem__", "copy_"):  # what was there before is constant
        base, index, item = args if name == "__setitem__" else (args[0], ..., args[1])
        base.factor = getattr(base, "factor", torch.ones(base.shape)).clone()
        base.factor[index] = getattr(item, "factor", 1.0)
        return made
    if name in ("masked_fill", "masked_fill_"):
        made.factor = args[0].factor.masked_fill(args[1], 1.0)
        return made
    if not isinstance(made, Tensor | tuple | list) or name.startswith("new_") or name.endswith("_like"):
        return made
    if name in _MOVES:
        if name in ("cat", "stack"):  # beside them, constants
            (parts, *rest) = args
            args = ([x if hasattr(x, "factor") else torch.ones(x.shape) for x in parts], *rest)
        moved = function(*_factors(args), **_factors(kwargs))
        for y, factor in zip(_tensors((made,)), _tensors((moved,)), strict=True):
            y.factor = factor
        return made
    (first, *_) = [x for x in _tensors((args, kwargs)) if hasattr(x, "factor")]
    if isinstance(made, Tensor) and made.shape == first.shape and made.dtype != torch.bool:
        if made.is_floating_point():
            return made * first.factor
        made.factor = first.factor
    return made


def _factors(tree: Any) -> Any:
    if isinstance(tree, Tensor):
        return getattr(tree, "factor", tree)
    if isinstance(tree, dict):
        return {name: _factors(item) for name, item in tree.items()}
    return type(tree)(map(_factors, tree)) if type(tree) in (tuple, list) else tree


# The functions.


def _scaled(x: Tensor, y: Tensor) -> Tensor:
    """The values of `y` as x · (y / x) with a constant quotient; nothing where both are 0."""
    silent = (x == 0) | x.isinf()
    quotient = (y / x).detach().masked_fill(silent, 0.0)
    return torch.where(silent, y.detach(), x.masked_fill(silent, 0.0) * quotient)


def _passed(function: Function, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """One value in, one value out; the modulus of a complex number is of degree one as it is."""
    if x.is_complex():
        return function(x)  # type: ignore[no-any-return]
    return _scaled(x, function(x.detach(), *args, **kwargs))


def _as_gate(function: Function, *args: Any, **kwargs: Any) -> Tensor:
    made = _passed(function, *args, **kwargs)
    made.gate = True
    return made


def _multiplied(function: Function, a: Any, b: Any, **_: Any) -> Tensor:
    if not (_depends(a) and _depends(b)):
        made = function(a, b)
        made.gate = _is_gate(a if _depends(a) else b)
        return made
    one, other = _is_gate(a), _is_gate(b)
    to_each = a * b.detach(), a.detach() * b
    if one == other and (_bends(b, a) or _bends(a, b)):
        return to_each[0 if _bends(b, a) else 1]
    made = sum(to_each) / 2 if one == other else to_each[one]
    made.gate = one and other
    return made


def _divided(function: Function, a: Any, b: Any, **kwargs: Any) -> Tensor:
    if _depends(b) and not _depends(a):
        made = _scaled(b, torch.div(a, b.detach(), **kwargs))
        made.gate = True
        return made
    gate = _is_gate(a) and (not _depends(b) or _is_gate(b))
    made = torch.div(a, b.detach() if isinstance(b, Tensor) else b, **kwargs)
    made.gate = gate
    return made


def _divided_reversed(function: Function, b: Any, a: Any, **kwargs: Any) -> Tensor:
    return _divided(function, a, b, **kwargs)


def _halved(function: Function, a: Any, b: Any, **kwargs: Any) -> Tensor:
    """A matrix product, half of it to each factor."""
    if _depends(a) and _depends(b):
        made: Tensor = (function(a, b.detach(), **kwargs) + function(a.detach(), b, **kwargs)) / 2
        return made
    return function(a, b, **kwargs)  # type: ignore[no-any-return]


def _einsum(function: Function, equation: str, *operands: Any, **kwargs: Any) -> Tensor:
    terms = list(operands[0]) if len(operands) == 1 and isinstance(operands[0], list | tuple) else list(operands)
    depending = [i for i, x in enumerate(terms) if _depends(x)]
    made: Tensor = sum(
        function(equation, [x if i == kept or i not in depending else x.detach() for i, x in enumerate(terms)])
        for kept in depending
    )
    return made / len(depending)


def _linear(function: Function, x: Tensor, weight: Tensor, bias: Tensor | None = None) -> Tensor:
    if not _depends(weight):
        return function(x, weight, bias)  # type: ignore[no-any-return]
    made = _halved(torch.matmul, x, weight.mT)
    return made if bias is None else made + bias


def _added_product(product: Function) -> Function:
    def run(function: Function, input: Tensor, *two: Tensor, beta: Any = 1, alpha: Any = 1, **named: Tensor) -> Tensor:
        made: Tensor = input * beta + product(*two, *named.values()) * alpha
        return made

    return run


def _addcmul(function: Function, input: Tensor, one: Tensor, other: Tensor, *, value: float = 1) -> Tensor:
    return input + value * _multiplied(torch.mul, one, other)


def _addcdiv(function: Function, input: Tensor, one: Tensor, other: Tensor, *, value: float = 1) -> Tensor:
    return input + value * _divided(torch.div, one, other)


def _lerp(function: Function, input: Tensor, end: Tensor, weight: Any) -> Tensor:
    if not _depends(weight):
        return function(input, end, weight)  # type: ignore[no-any-return]
    complement = 1 - weight
    complement.gate = _is_gate(weight)
    return _multiplied(torch.mul, input, complement) + _multiplied(torch.mul, end, weight)


def _softmax(function: Function, *args: Any, **kwargs: Any) -> Tensor:
    made: Tensor = function(*args, **kwargs).clone()  # its derivative needs the result, which may be changed in place
    made.gate = True
    return made


def _attention(
    function: Function,
    q: Tensor,
    k: Tensor,
    v: Tensor,
    attn_mask: Tensor | None = None,
    dropout_p: float = 0.0,
    is_causal: bool = False,
    scale: float | None = None,
    enable_gqa: bool = False,
) -> Tensor:
    if enable_gqa:
        k, v = (x.repeat_interleave(q.shape[-3] // x.shape[-3], -3) for x in (k, v))
    logits = _halved(torch.matmul, q, k.mT) * (q.shape[-1] ** -0.5 if scale is None else scale)
    if is_causal:
        attn_mask = torch.ones(logits.shape[-2:], dtype=torch.bool).tril()
    if attn_mask is not None and attn_mask.dtype == torch.bool:
        logits = logits.masked_fill(~attn_mask, -math.inf)
    elif attn_mask is not None:
        logits = logits + attn_mask
    unseen = (logits == -math.inf).all(-1, keepdim=True)
    weights = logits.masked_fill(unseen, 0.0).softmax(-1).masked_fill(unseen, 0.0)
    return _halved(torch.matmul, weights, v)


def _normed(x: Tensor, axes: Sequence[int], eps: float, *, centred: bool = True) -> Tensor:
    x = x - x.mean(axes, keepdim=True) if centred else x
    return x * (x.square().mean(axes, keepdim=True) + eps).rsqrt().detach()


def _layer_norm(
    function: Function,
    x: Tensor,
    shape: Sequence[int],
    weight: Any = None,
    bias: Any = None,
    eps: float = 1e-5,
    *_: Any,
) -> Tensor:
    made = _normed(x, tuple(range(-len(shape), 0)), eps)
    return _affine(made, weight, bias)


def _rms_norm(
    function: Function, x: Tensor, shape: Sequence[int], weight: Any = None, eps: float | None = None
) -> Tensor:
    eps = torch.finfo(x.dtype).eps if eps is None else eps
    return _affine(_normed(x, tuple(range(-len(shape), 0)), eps, centred=False), weight, None)


def _group_norm(
    function: Function, x: Tensor, groups: int, weight: Any = None, bias: Any = None, eps: float = 1e-5, *_: Any
) -> Tensor:
    made = _normed(x.reshape(len(x), groups, -1), (-1,), eps).reshape(x.shape)
    return _affine(made, *(None if p is None else p.reshape(-1, *[1] * (x.dim() - 2)) for p in (weight, bias)))


def _instance_norm(
    function: Function,
    x: Tensor,
    weight: Any,
    bias: Any,
    mean: Any,
    var: Any,
    by_input: bool,
    momentum: Any,
    eps: Any,
    *_: Any,
) -> Tensor:
    if not by_input:
        return function(x, weight, bias, mean, var, by_input, momentum, eps, *_)  # type: ignore[no-any-return]
    return _group_norm(function, x, x.shape[1], weight, bias, eps)


def _affine(x: Tensor, weight: Tensor | None, bias: Tensor | None) -> Tensor:
    x = x if weight is None else x * weight
    return x if bias is None else x + bias


def _batch_norm(
    function: Function, x: Tensor, weight: Any, bias: Any, mean: Any, var: Any, training: bool, *rest: Any
) -> Tensor:
    made: Tensor = function(x, weight, bias, mean, var, training, *rest)
    return made


def _root(x: Tensor) -> Tensor:
    made = _scaled(x, x.detach().sqrt())
    made.gate = True
    return made


def _spread(root: bool) -> Function:
    def run(function: Function, x: Tensor, dim: Any = None, *args: Any, **kwargs: Any) -> Tensor:
        keepdim = kwargs.get("keepdim", args[1] if len(args) > 1 else False)
        of_all = dim is None or isinstance(dim, bool)
        axes = tuple(range(x.dim())) if of_all else dim if isinstance(dim, tuple | list) else (dim,)
        values = function(x.detach(), *(() if dim is None else (dim,)), *args, **kwargs)
        squares = (x - x.mean(axes, keepdim=True)).detach() * (x - x.mean(axes, keepdim=True))
        made = _scaled(squares.sum(axes, keepdim=False if of_all else keepdim), values.square() if root else values)
        made = _root(made) if root else made
        made.gate = True
        return made

    return run


def _vector_norm(function: Function, x: Tensor, *args: Any, **kwargs: Any) -> Tensor:
    """The root of a sum of squares, or the sum of magnitudes: as the sum passes to where the gradient points."""
    made: Tensor = function(x, *args, **kwargs)  # of degree one: value × gradient is the share of a sum
    made.gate = True
    return made


def _cosine(function: Function, a: Tensor, b: Tensor, dim: int = 1, eps: float = 1e-8) -> Tensor:
    a, b = (x / torch.linalg.vector_norm(x, dim=dim, keepdim=True).clamp_min(eps).detach() for x in (a, b))
    return _multiplied(torch.mul, a, b).sum(dim)


def _glu(function: Function, x: Tensor, dim: int = -1) -> Tensor:
    signal, gate = x.chunk(2, dim)
    return signal * gate.sigmoid().detach()


def _identity(function: Function, x: Tensor, *_: Any, **__: Any) -> Tensor:
    return x.view_as(x)


def _product_of_all(function: Function, x: Tensor, dim: Any = None, keepdim: bool = False, **_: Any) -> Tensor:
    """An equal part to each factor."""
    if dim is None:
        return _product_of_all(function, x.flatten(), 0)
    n = x.shape[dim]
    others = [x.detach().index_fill(dim, torch.tensor([i]), 1.0).prod(dim, keepdim=True) for i in range(n)]
    return (x * torch.cat(others, dim)).sum(dim, keepdim=keepdim) / n


# Recurrent layers.


def _lstm_step(w_ih: Tensor, w_hh: Tensor, biases: Sequence[Tensor]) -> Function:
    def step(x: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, ...]:
        h, c = state
        i, f, g, o = sum(biases, start=x @ w_ih.T + h @ w_hh.T).chunk(4, -1)
        c = f.sigmoid().detach() * c + i.sigmoid().detach() * _passed(torch.tanh, g)
        return o.sigmoid().detach() * _passed(torch.tanh, c), c

    return step


def _gru_step(w_ih: Tensor, w_hh: Tensor, biases: Sequence[Tensor]) -> Function:
    b_ih, b_hh = biases or (0.0, 0.0)

    def step(x: Tensor, state: Sequence[Tensor]) -> tuple[Tensor, ...]:
        (h,) = state
        (xr, xz, xn), (hr, hz, hn) = (x @ w_ih.T + b_ih).chunk(3, -1), (h @ w_hh.T + b_hh).chunk(3, -1)
        r, z = (xr + hr).sigmoid().detach(), (xz + hz).sigmoid().detach()
        return ((1 - z) * _passed(torch.tanh, xn + r * hn) + z * h,)

    return step


def _rnn_step(squash: Function) -> Function:
    def make(w_ih: Tensor, w_hh: Tensor, biases: Sequence[Tensor]) -> Function:
        return lambda x, state: (_passed(squash, sum(biases, start=x @ w_ih.T + state[0] @ w_hh.T)),)

    return make


def _recurrent(make: Function) -> Function:
    def run(function: Function, x: Tensor, start: Any, weights: Any, has_biases: bool, layers: int, *rest: Any) -> Any:
        if not isinstance(has_biases, bool):
            raise NotImplementedError("packed sequences in the reference")
        _, _, both, batch_first = rest
        x = x.transpose(0, 1) if batch_first else x
        start = (start,) if isinstance(start, Tensor) else tuple(start)
        directions, each = 1 + both, len(weights) // (layers * (1 + both))
        last = []
        for layer in range(layers):
            outputs = []
            for direction in range(directions):
                place = layer * directions + direction
                w_ih, w_hh, *others = weights[place * each : (place + 1) * each]
                biases = others[:2] if has_biases else []
                projection = others[2 * has_biases :]
                step, state, made = make(w_ih, w_hh, biases), [s[place] for s in start], []
                for t in x.flip(0) if direction else x:
                    state = list(step(t, state))
                    if projection:
                        state[0] = state[0] @ projection[0].T
                    made.append(state[0])
                outputs.append(torch.stack(made[::-1] if direction else made))
                last.append(state)
            x = torch.cat(outputs, -1)
        x = x.transpose(0, 1) if batch_first else x
        return x, *(torch.stack(states) for states in zip(*last, strict=True))

    return run


def _cell(make: Function) -> Function:
    def run(function: Function, x: Tensor, state: Any, w_ih: Tensor, w_hh: Tensor, *biases: Any) -> Any:
        several = not isinstance(state, Tensor)
        made = make(w_ih, w_hh, [b for b in biases if b is not None])(x, state if several else (state,))
        return made if several else made[0]

    return run


_PASSED = """
relu relu6 softplus abs exp square sqrt pow __pow__ log1p log clamp_max leaky_relu prelu rrelu elu selu celu
gelu silu mish hardswish tanh softsign softshrink hardshrink expm1 sinh atan nan_to_num log_sigmoid logsigmoid
erf sin cos tan asin acos log2 log10 logit threshold exp2 cosh hardtanh clamp clip clamp_min arctan sign round
floor ceil
"""
_GATES = "sigmoid hardsigmoid expit special_expit reciprocal rsqrt"
_OWN_GATES = set(
    words("""
sigmoid hardsigmoid expit special_expit reciprocal rsqrt softmax softmin mul multiply __rmul__ __mul__ div
divide true_divide __truediv__ __rdiv__ __rtruediv__ std var norm linalg_vector_norm vector_norm linalg_norm
lerp
""")
)
_KEEPS_GATES = set(
    words("""
sqrt pow __pow__ log1p log clamp_max hardtanh clamp clip clamp_min dropout clone contiguous detach data to type
float double half bfloat16 type_as neg negative view view_as reshape reshape_as flatten unflatten ravel squeeze
unsqueeze permute transpose swapaxes swapdims movedim moveaxis t T mT roll flip __getitem__ select narrow
index_select take_along_dim gather masked_select chunk split split_with_sizes tensor_split unbind diagonal
expand expand_as broadcast_to repeat repeat_interleave tile max min amax amin maximum minimum sort topk pad
masked_fill tril triu where cat concat stack hstack vstack constant_pad_nd rot90 unfold
""")
)
_SCALING = set(
    words("mul multiply __rmul__ __mul__ div divide true_divide __truediv__ neg to type float double")
) | set(words("dropout clone contiguous"))
_BENDING = (set(words(f"{_PASSED} {_GATES}")) | {"softplus", "erf", "tanh", "exp"}) - set(words("pow __pow__ square"))
_ELEMENTWISE = (
    _SCALING | _BENDING | set(words("add sub subtract rsub __radd__ __rsub__ __add__ __sub__ pow __pow__ square"))
)
_KEEPS_GATES_OF_ONE = {"add", "sub", "subtract", "rsub", "__radd__", "__rsub__", "__add__", "__sub__"}

_PREPARES = set(
    words("""
add sub subtract rsub __radd__ __rsub__ __add__ __sub__ mul multiply __rmul__ __mul__ div divide true_divide
__truediv__ neg negative batch_norm
""")
)
_KEEPS_RAW = _KEEPS_GATES | _PREPARES | set(words(f"{_PASSED} {_GATES} max_pool1d max_pool2d avg_pool1d avg_pool2d"))

BENT: dict[str, Function] = {
    **dict.fromkeys(words(_PASSED), _passed),
    **dict.fromkeys(words(_GATES), _as_gate),
    **dict.fromkeys(("mul", "multiply", "__rmul__", "__mul__"), _multiplied),
    **dict.fromkeys(("div", "divide", "true_divide", "__truediv__"), _divided),
    **dict.fromkeys(("__rdiv__", "__rtruediv__"), _divided_reversed),
    **dict.fromkeys(("matmul", "mm", "bmm", "mv", "__matmul__", "inner", "outer", "dot", "kron"), _halved),
    "__rmatmul__": lambda function, a, b: _halved(torch.matmul, b, a),
    "einsum": _einsum,
    "linear": _linear,
    **dict.fromkeys(("addmm", "baddbmm", "addmv"), _added_product(lambda a, b: _halved(torch.matmul, a, b))),
    "addcmul": _addcmul,
    "addcdiv": _addcdiv,
    "lerp": _lerp,
    **dict.fromkeys(("softmax", "softmin"), _softmax),
    "scaled_dot_product_attention": _attention,
    "layer_norm": _layer_norm,
    "rms_norm": _rms_norm,
    "group_norm": _group_norm,
    "instance_norm": _instance_norm,
    "std": _spread(True),
    "var": _spread(False),
    **dict.fromkeys(("norm", "linalg_vector_norm", "vector_norm", "linalg_norm"), _vector_norm),
    "cosine_similarity": _cosine,
    "glu": _glu,
    **dict.fromkeys(("detach", "data", "requires_grad_"), _identity),
    "prod": _product_of_all,
    "lstm": _recurrent(_lstm_step),
    "gru": _recurrent(_gru_step),
    "rnn_tanh": _recurrent(_rnn_step(torch.tanh)),
    "rnn_relu": _recurrent(_rnn_step(torch.relu)),
    "lstm_cell": _cell(_lstm_step),
    "gru_cell": _cell(_gru_step),
    "rnn_tanh_cell": _cell(_rnn_step(torch.tanh)),
}
"""By name, what is run in place of a function that depends on the inputs; it gets the function as well."""
