"""The operation table: how relevance passes each torch function.

:data:`OPERATIONS` is the whole of it. A row names functions and the family they belong to:

- :class:`Linear` steps and :class:`Products` obey the rule that the composite gives them;
- :class:`MaxPool` and :class:`Routing` send relevance back to where the value came from;
- :class:`Activation` passes it on unchanged, :class:`Softmax` follows AttnLRP.

A function is looked up by its name without ``torch.``, ``torch.Tensor.`` or ``torch.nn.functional.``, so
one name serves the function, the method and the operator. In-place calls are recorded as their out-of-place
twins; attention and recurrent layers as the elementary calls that they consist of (see ``expansions``).
To teach the table a new function::

    from lrpwidgets.lrp import operations
    operations.register(torch.special.erfcx, operations.Activation())

Families of your own subclass :class:`~.families.Operation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from types import FunctionType
from typing import Any

import torch.nn.functional as F

from . import inplace, norms
from .arguments import (
    DIVISIONS,
    accumulates,
    added_up,
    adds_nonnegative,
    adds_once,
    adds_scattered,
    averaged,
    by_one_tensor,
    centring,
    clamps_below_zero,
    clamps_by_values,
    combination,
    compares_scattered,
    complements_gate,
    dim,
    has_constant_part,
    instance_normed,
    is_gate_or_reciprocal,
    is_square,
    joins_nonnegative,
    lone,
    measures,
    multiplied,
    normed,
    norms_alone,
    of_itself,
    of_table,
    of_two,
    of_whole_numbers,
    permuted,
    rearranged,
    replaces_scattered,
    resampled,
    samples_linearly,
    scales_gate,
    sort_axis,
    stays_nonnegative,
    sum_axes,
    topk_axis,
    uses_running_statistics,
    with_constant_weights,
    with_one_constant,
    with_own_weights,
)
from .call import Call, key
from .families import (
    Activation,
    DynamicLayer,
    Embedding,
    Extremum,
    Factors,
    FirstState,
    Gradient,
    Linear,
    MaxPool,
    Operation,
    Products,
    Quotients,
    Routing,
    SelfGated,
    Softmax,
    Strided,
    always,
    axis_or_all,
    gated,
    kept,
    never,
    of_one,
    takes_indices,
)
from .inplace import overlaid
from .weighted import Convolution, Dense

CONVOLUTION = Linear(kind="conv", build=Convolution, weighted=True, accepts=with_constant_weights)
DENSE_CONVOLUTION = Linear(kind="linear", build=Convolution, weighted=True)
"""A convolution whose kernel covers all of its input."""
LONE = Linear(kind="norm", build=lone, takes_folds=True)
"""A constant scale and shift by itself, such as a batch norm behind a ReLU."""
SHIFT = Linear(kind="sum", build=lone, takes_folds=True)
"""The same without a scale."""
NORM_SCALE = Linear(kind="norm", build=lone, takes_folds=True)
"""What a norm scales by, which depends on the input but counts as a constant."""
PASSED = Activation(kept, gate=gated)
"""A constant scale and shift that relevance passes unchanged."""
CENTRED = Linear(kind="norm", build=centring)
COMBINED = Linear(kind="sum", build=combination)
SELF_GATED = (SelfGated(slot=0), SelfGated(slot=1))
"""An activation that is written as a product of what it is applied to, scaled or not, and a function of that."""
SOFTMAX = Softmax(along=dim)
FORMS: dict[str, Operation] = {
    "dense convolution": DENSE_CONVOLUTION,
    "lone": LONE,
    "shift": SHIFT,
    "norm scale": NORM_SCALE,
    "passed": PASSED,
    "combined": COMBINED,
    "self-gated by the second": SELF_GATED[0],
    "self-gated by the first": SELF_GATED[1],
}
"""What steps become when a tape is brought to its canonical form, beside the entries of the table."""
_DENSE = Linear(kind="linear", build=Dense, weighted=True, accepts=with_constant_weights)
_CONTRACTION = Linear(kind="linear", build=multiplied, accepts=by_one_tensor, sums=True)
_POOLING = Linear(kind="pool", build=averaged, nonnegative=kept)
_REDUCTION = Linear(kind="pool", build=averaged, nonnegative=kept, gate=measures, sums=True)
_REORDERING = Routing(reorders=True)
_SAME = Activation(kept, gate=gated, reorders=True, clamps=True)
_JOINING = Routing(joins_nonnegative, mixes_constants=has_constant_part, reorders=True)
_GATHERING = Linear(kind="sum", build=added_up, nonnegative=stays_nonnegative, gathers=True)
_MATMUL = Products(kind="matmul", accepts=of_two, gate=never)
_FILLING = Routing(stays_nonnegative, mixes_constants=always)

_TABLE: list[tuple[Operation, str]] = [
    # Whole numbers that are looked up later, and may be counted otherwise before.
    (
        Activation(accepts=of_whole_numbers),
        "add __radd__ sub subtract rsub __rsub__ mul multiply __rmul__ floor_divide __floordiv__ remainder",
    ),
    (Embedding(accepts=of_table), "__getitem__ index_select"),
    (Embedding(), "embedding one_hot"),
    # Linear steps: the composite's rule decides.
    (CONVOLUTION, "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"),
    (_DENSE, "linear"),
    (_CONTRACTION, "matmul mm bmm mv spmm einsum tensordot __rmatmul__"),
    (Linear(kind="norm", build=lone, accepts=uses_running_statistics, takes_folds=True), "batch_norm"),
    (CENTRED, "centred"),
    (Linear(kind="norm", build=normed(norms.layer_norm), accepts=norms_alone), "layer_norm"),
    (Linear(kind="norm", build=normed(norms.rms_norm), accepts=norms_alone), "rms_norm"),
    (Linear(kind="norm", build=normed(norms.group_norm), accepts=norms_alone), "group_norm"),
    (Linear(kind="norm", build=instance_normed, accepts=norms_alone), "instance_norm"),
    (Linear(kind="norm", build=normed(norms.LocalResponse), nonnegative=kept, foldable=False), "local_response_norm"),
    (_POOLING, "avg_pool1d avg_pool2d avg_pool3d"),
    (_POOLING, "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d"),
    (_REDUCTION, "mean sum"),
    (replace(_REORDERING, accepts=permuted), "einsum"),
    (replace(_REDUCTION, accepts=rearranged), "einsum"),
    (Linear(kind="pool", build=averaged, nonnegative=kept, along=dim), "cumsum"),
    (Linear(kind="pool", build=averaged, nonnegative=kept, accepts=samples_linearly), "grid_sampler"),
    (Linear(kind="pool", build=resampled), "interpolate upsample upsample_bicubic2d _upsample_bicubic2d_aa"),
    (_POOLING, "upsample_nearest1d upsample_nearest2d upsample_nearest3d upsample_linear1d upsample_bilinear2d"),
    (_POOLING, "_upsample_nearest_exact1d _upsample_nearest_exact2d _upsample_nearest_exact3d upsample_trilinear3d"),
    (_POOLING, "_upsample_bilinear2d_aa"),
    (Linear(kind="pool", build=averaged, nonnegative=kept, gathers=True), "col2im"),
    (Linear(kind="pool", build=averaged, nonnegative=kept, gathers=True, accepts=of_one), "torchvision.roi_align"),
    (replace(_GATHERING, accepts=adds_once), "index_add"),
    (_GATHERING, "scatter_add"),
    (replace(_GATHERING, accepts=accumulates), "index_put"),
    (replace(_GATHERING, accepts=adds_scattered), "scatter_reduce"),
    (Linear(kind="sum", build=combination, nonnegative=adds_nonnegative, gate=complements_gate), "add __radd__"),
    (Linear(kind="sum", build=combination, gate=complements_gate), "sub subtract"),
    (Linear(kind="sum", build=combination, gate=complements_gate), "rsub __rsub__"),
    # Products of two values that depend on the input: the composite's rule decides.
    (Products(accepts=of_two, magnitude=of_itself), "mul multiply __rmul__"),
    (Quotients(accepts=of_two), "div divide true_divide"),
    (_MATMUL, "matmul mm bmm mv spmm einsum tensordot"),
    (DynamicLayer(accepts=with_own_weights), "linear conv1d conv2d conv3d"),
    (DynamicLayer(accepts=with_own_weights), "conv_transpose1d conv_transpose2d conv_transpose3d"),
    (Factors(), "prod"),
    # The maximum of a window: the winner takes all.
    (MaxPool(), "max_pool1d max_pool2d max_pool3d"),
    (MaxPool(), "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices"),
    (MaxPool(), "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"),
    # One value in, one value out.
    (Activation(always), "relu relu6 softplus exp"),
    (Activation(always, magnitude=always), "abs absolute square"),
    (Activation(always, gate=always), "sigmoid hardsigmoid special.expit"),
    (Activation(kept, gate=always), "reciprocal rsqrt"),
    (Activation(stays_nonnegative, gate=is_gate_or_reciprocal, magnitude=is_square), "pow __pow__"),
    (Activation(kept, gate=gated), "sqrt log1p special.log1p positive"),
    (Activation(stays_nonnegative, gate=gated), "log"),
    (Activation(kept), "leaky_relu prelu rrelu elu selu celu gelu silu mish hardswish tanh softsign"),
    (Activation(kept), "softshrink hardshrink expm1 sinh atan nan_to_num"),
    (Activation(), "logsigmoid erf sin cos tan asin acos log2 log10 logit special.logit threshold sign"),
    (Activation(kept), "round floor ceil trunc fix frac deg2rad rad2deg special.round"),
    (Activation(kept), "arctan asinh arcsinh special.expm1"),
    (Activation(), "sgn erfc atanh acosh arcsin arccos arctanh arccosh erfinv special.erf special.erfc special.erfinv"),
    (Activation(always), "exp2 cosh special.exp2"),
    (Extremum(accepts=clamps_by_values), "clamp clip clamp_min clamp_max"),
    (Activation(clamps_below_zero, gate=gated, clamps=True), "hardtanh clamp clip clamp_min"),
    (Activation(stays_nonnegative, gate=gated, clamps=True), "clamp_max"),
    (_SAME, "dropout dropout1d dropout2d dropout3d"),
    (_SAME, "alpha_dropout feature_dropout feature_alpha_dropout"),
    (_SAME, "clone contiguous detach detach_ data requires_grad_ alias"),
    (_SAME, "to float double half bfloat16 type_as type long int short cpu cuda as_tensor asarray _to_copy"),
    (Activation(gate=scales_gate), "mul multiply __rmul__ neg negative"),
    (Activation(gate=scales_gate), " ".join(DIVISIONS)),
    (SOFTMAX, "softmax softmin special.softmax"),
    (Gradient(kind="activation", along=dim), "log_softmax special.log_softmax"),
    (Gradient(kind="activation", axes=sum_axes), "logsumexp"),
    # Values change place.
    (_REORDERING, "view _unsafe_view view_as reshape reshape_as flatten unflatten ravel squeeze unsqueeze"),
    (_REORDERING, "permute transpose swapaxes swapdims movedim moveaxis t T mT roll flip fliplr flipud rot90"),
    (Routing(), "__getitem__ slice select narrow index_select take take_along_dim gather masked_select"),
    (Routing(), "chunk split split_with_sizes tensor_split unsafe_chunk hsplit vsplit unbind diagonal linalg.diagonal"),
    (Routing(), "expand expand_as broadcast_to broadcast_tensors repeat repeat_interleave tile meshgrid"),
    (Routing(keeps_axes=True, reorders=True), "channel_shuffle pixel_shuffle pixel_unshuffle"),
    (Extremum(accepts=with_one_constant), "max min maximum minimum fmax fmin"),
    (Routing(), "max min amax amin maximum minimum fmax fmin"),
    (Routing(along=sort_axis), "sort"),
    (Routing(axes=axis_or_all), "median"),  # torch takes a wrong one of numbers that share their memory
    (Strided(), "as_strided"),
    (_FILLING, "unfold im2col index_copy index_fill index_put masked_scatter diag_embed"),
    (_FILLING, "max_unpool1d max_unpool2d max_unpool3d"),
    (replace(_FILLING, accepts=replaces_scattered), "scatter"),
    (Extremum(accepts=compares_scattered, gathers=True), "scatter_reduce"),
    (Routing(along=topk_axis), "topk kthvalue"),
    (Routing(along=dim), "cummax cummin"),
    (replace(_FILLING, keeps_axes=True), "pad constant_pad_nd masked_fill tril triu where"),
    (_FILLING, "set_item copied pad_sequence"),
    (Routing(), "overlaid _pack_padded_sequence"),
    (_FILLING, "_pad_packed_sequence"),
    (_JOINING, "cat concat concatenate stack hstack vstack dstack column_stack"),
    # The state that a recurrent layer begins with.
    (FirstState(), "started"),
]  # fmt: skip

_NONLINEAR = ("sigmoid", "hardsigmoid", "tanh", "relu", "gelu", "silu", "hardswish", "softplus", "elu", "leaky_relu")

OPERATIONS: dict[str, tuple[Operation, ...]] = {}
"""How relevance passes each function, by the name that :func:`key` gives it: the first entry that accepts the call."""
for _operation, _names in _TABLE:
    for _name in _names.split():
        OPERATIONS[_name] = (*OPERATIONS.get(_name, ()), _operation)


def tells_places(function: Callable[..., Any]) -> bool:
    """Whether the second result of `function`, if it has one, says where the maxima of the first are."""
    return key(function).removeprefix("adaptive_").removesuffix("_with_indices") in _MAXIMA


def with_places(function: Callable[..., Any]) -> Callable[..., Any] | None:
    """What to call in place of a max pooling to learn where each maximum was; None if it tells by itself."""
    name = key(function)
    # Adaptive ones tell, but for those of `torch.nn.functional`.
    if name in _MAXIMA or (name.removeprefix("adaptive_") in _MAXIMA and isinstance(function, FunctionType)):
        twin: Callable[..., Any] = getattr(F, f"{name}_with_indices")
        return twin
    return None


def makes_constant(function: Callable[..., Any]) -> bool:
    """Whether `function` looks at the shape and type of a tensor alone, as ``zeros_like`` does."""
    name = key(function)
    return name.endswith("_like") or name.startswith("new_")


_MAXIMA = ("max_pool1d", "max_pool2d", "max_pool3d")
_LENDING = {"type_as": 1, "to": 1, "expand_as": 1, "view_as": 1, "reshape_as": 1, "type": 1}
_ASKING, _BLANK, _RANDOM = (
    frozenset(names.split())
    for names in (
        "dim ndim shape size numel nelement stride dtype device layout is_floating_point is_complex is_contiguous "
        "is_cuda requires_grad",
        "empty new_empty empty_like empty_strided empty_permuted resize_",
        "rand randn randint randperm rand_like randn_like randint_like normal bernoulli multinomial poisson uniform_ "
        "normal_ bernoulli_ exponential_ cauchy_ geometric_ log_normal_ random_ gumbel_softmax",
    )
)


def asks(name: str) -> bool:
    """Whether the function only tells of a tensor what needs none of its numbers, such as its shape."""
    return name in _ASKING


def lends(name: str) -> int:
    """How many arguments the function `name` computes from, if all the rest lend it their type or shape; else 0."""
    return _LENDING.get(name, 0)


def leaves_blank(name: str) -> bool:
    """Whether the function makes a tensor of whatever is in memory, to be filled."""
    return name in _BLANK


def moves(function: Callable[..., Any]) -> bool:
    """Whether the function takes values to other places, or changes each by itself."""
    return any(operation.kind in ("routing", "activation") for operation in OPERATIONS.get(key(function), ()))


def casts(function: Callable[..., Any]) -> bool:
    """Whether the function only changes the type of its numbers."""
    return key(function) in ("to", "type", "long", "int", "short")


def draws(name: str) -> bool:
    """Whether the function draws random numbers, other than as dropout."""
    return name in _RANDOM


def find(call: Call) -> Operation | None:
    """The table's entry for `call`, if it has one that accepts its arguments."""
    return next((each for each in OPERATIONS.get(key(call.function), ()) if each.accepts(call)), None)


def knows(function: Callable[..., Any]) -> bool:
    """Whether the table has an entry for `function`, whatever its arguments."""
    return key(function) in OPERATIONS


def squashes(operation: Operation, call: Call) -> bool:
    """Whether the call is a nonlinearity, whose input tells more than its output."""
    return isinstance(operation, Activation) and key(call.function) in _NONLINEAR


def is_random(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Whether the call draws random numbers: a dropout that eval mode does not switch off."""
    if "dropout" not in key(function):
        return False

    def layout(input: Any, p: float = 0.5, training: bool = True, inplace: bool = False) -> dict[str, Any]:
        return {"p": p, "training": training}

    arguments = layout(*args, **kwargs)
    return bool(arguments["training"]) and arguments["p"] > 0


def register(function: Callable[..., Any], operation: Operation) -> None:
    """Add to the table how relevance passes `function`; of two the last counts, for the calls that it accepts.

    Raises
    ------
    TypeError
        If `function` cannot be called, or `operation` is none.
    """
    if not callable(function):
        raise TypeError(f"register takes a function of torch's, got {function!r}.")
    if not isinstance(operation, Operation):
        raise TypeError(f"register takes an operation, such as operations.Activation(), got {operation!r}.")
    OPERATIONS[key(function)] = (operation, *OPERATIONS.get(key(function), ()))


def out_of_place(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None:
    """The same call without its side effect on the first argument: see ``inplace.out_of_place``."""
    return inplace.out_of_place(function, args, kwargs, OPERATIONS)


__all__ = [
    "OPERATIONS",
    "Activation",
    "Embedding",
    "Extremum",
    "FirstState",
    "Gradient",
    "Linear",
    "MaxPool",
    "Operation",
    "Products",
    "Quotients",
    "Routing",
    "Softmax",
    "always",
    "find",
    "gated",
    "is_random",
    "kept",
    "key",
    "knows",
    "makes_constant",
    "never",
    "out_of_place",
    "overlaid",
    "register",
    "squashes",
    "takes_indices",
]
