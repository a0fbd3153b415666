"""The operation table: how relevance passes each torch function.

:data:`OPERATIONS` is the whole of it. A row names functions and the family they belong to:

- :class:`Linear` steps and :class:`Products` obey the rule that the composite gives them;
- :class:`MaxPool` and :class:`Routing` send relevance back to where the value came from;
- :class:`Activation` passes it on unchanged, :class:`Softmax` follows AttnLRP.

A function is looked up by its name without ``torch.``, ``torch.Tensor.`` or ``torch.nn.functional.``, so
one name serves the function, the method and the operator. In-place calls are recorded as their out-of-place
twins; attention and recurrent layers as the elementary calls that they consist of (see :mod:`.expansions`).
To teach the table a new function::

    from lrpwidgets.lrp import operations
    operations.register(torch.special.erfcx, operations.Activation())

Families of your own subclass :class:`~.families.Operation`.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from . import inplace, norms
from .arguments import (
    DIVISIONS,
    accumulates,
    added_up,
    adds_nonnegative,
    adds_once,
    adds_scattered,
    averaged,
    batch_normed,
    by_one_tensor,
    clamps_below_zero,
    clamps_by_values,
    compares_scattered,
    complements_gate,
    dim,
    has_constant_part,
    instance_normed,
    minus,
    minus_reversed,
    multiplied,
    norm_axes,
    normed,
    norms_alone,
    of_two,
    plus,
    rearranged,
    replaces_scattered,
    resampled,
    samples_linearly,
    scales_gate,
    sort_axis,
    spread_axes,
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
    Scale,
    Softmax,
    Strided,
    always,
    axis_or_all,
    gated,
    kept,
    never,
    of_one,
)
from .inplace import overlaid
from .weighted import Convolution, Dense

_CONVOLUTION = Linear(kind="conv", build=Convolution, weighted=True, accepts=with_constant_weights)
_DENSE = Linear(kind="linear", build=Dense, weighted=True, accepts=with_constant_weights)
_CONTRACTION = Linear(kind="linear", build=multiplied, accepts=by_one_tensor, sums=True)
_POOLING = Linear(kind="pool", build=averaged, nonnegative=kept)
_REDUCTION = Linear(kind="pool", build=averaged, nonnegative=kept, sums=True)
_JOINING = Routing(stays_nonnegative, mixes_constants=has_constant_part)
_GATHERING = Linear(kind="sum", build=added_up, nonnegative=stays_nonnegative, gathers=True)
_MATMUL = Products(kind="matmul", accepts=of_two, gate=never)
_FILLING = Routing(stays_nonnegative, mixes_constants=always)

_TABLE: list[tuple[Operation, str]] = [
    # Linear steps: the composite's rule decides.
    (_CONVOLUTION, "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"),
    (_DENSE, "linear"),
    (_CONTRACTION, "matmul mm bmm mv spmm einsum tensordot __rmatmul__"),
    (Linear(kind="norm", build=batch_normed, accepts=uses_running_statistics, folds=True), "batch_norm"),
    (Linear(kind="norm", build=normed(norms.layer_norm), accepts=norms_alone), "layer_norm"),
    (Linear(kind="norm", build=normed(norms.rms_norm), accepts=norms_alone), "rms_norm"),
    (Linear(kind="norm", build=normed(norms.group_norm), accepts=norms_alone), "group_norm"),
    (Linear(kind="norm", build=instance_normed, accepts=norms_alone), "instance_norm"),
    (Linear(kind="norm", build=normed(norms.LocalResponse), nonnegative=kept), "local_response_norm"),
    (_POOLING, "avg_pool1d avg_pool2d avg_pool3d"),
    (_POOLING, "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d _adaptive_avg_pool2d"),
    (_REDUCTION, "mean sum"),
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
    (Linear(kind="sum", build=plus, nonnegative=adds_nonnegative, gate=complements_gate), "add __radd__"),
    (Linear(kind="sum", build=minus, gate=complements_gate), "sub subtract"),
    (Linear(kind="sum", build=minus_reversed, gate=complements_gate), "rsub __rsub__"),
    # Products of two values that depend on the input: the composite's rule decides.
    (Products(accepts=of_two), "mul multiply __rmul__"),
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
    (Activation(always), "relu relu6 softplus abs exp square"),
    (Activation(always, gate=always), "sigmoid hardsigmoid special.expit"),
    (Activation(kept, gate=always), "reciprocal rsqrt"),
    (Activation(kept, gate=gated), "sqrt pow __pow__ log1p"),
    (Activation(stays_nonnegative, gate=gated), "log"),
    (Activation(kept), "leaky_relu prelu rrelu elu selu celu gelu silu mish hardswish tanh softsign"),
    (Activation(kept), "softshrink hardshrink expm1 sinh atan nan_to_num"),
    (Activation(), "logsigmoid erf sin cos tan asin acos log2 log10 logit special.logit threshold sign"),
    (Activation(kept), "round floor ceil trunc"),
    (Activation(always), "exp2 cosh"),
    (Extremum(accepts=clamps_by_values), "clamp clip clamp_min clamp_max"),
    (Activation(clamps_below_zero, gate=gated), "hardtanh clamp clip clamp_min"),
    (Activation(stays_nonnegative, gate=gated), "clamp_max"),
    (Activation(kept, gate=gated), "dropout dropout1d dropout2d dropout3d"),
    (Activation(kept), "alpha_dropout feature_dropout feature_alpha_dropout"),
    (Activation(kept, gate=gated), "clone contiguous detach detach_ data requires_grad_ alias"),
    (Activation(kept, gate=gated), "to type float double half bfloat16 type_as cpu cuda as_tensor asarray _to_copy"),
    (Activation(gate=scales_gate), "mul multiply __rmul__ neg negative"),
    (Activation(gate=scales_gate), " ".join(DIVISIONS)),
    (Softmax(along=dim), "softmax softmin"),
    (Scale(axes=norm_axes), "norm linalg_norm linalg_vector_norm linalg.norm linalg.vector_norm"),
    (Scale(axes=spread_axes), "std var"),
    (Gradient(kind="activation", along=dim), "log_softmax"),
    (Gradient(kind="activation", axes=sum_axes), "logsumexp"),
    # Values change place.
    (Routing(), "view _unsafe_view view_as reshape reshape_as flatten unflatten ravel squeeze unsqueeze"),
    (Routing(), "permute transpose swapaxes swapdims movedim moveaxis t T mT roll flip fliplr flipud rot90"),
    (Routing(), "__getitem__ slice select narrow index_select take take_along_dim gather masked_select"),
    (Routing(), "chunk split split_with_sizes tensor_split unsafe_chunk hsplit vsplit unbind diagonal linalg.diagonal"),
    (Routing(), "expand expand_as broadcast_to broadcast_tensors repeat repeat_interleave tile meshgrid"),
    (Routing(keeps_axes=True), "channel_shuffle pixel_shuffle pixel_unshuffle"),
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
    # Indices into a table; the state that a recurrent layer begins with.
    (Embedding(), "embedding"),
    (FirstState(), "started"),
]  # fmt: skip

_NONLINEAR = ("sigmoid", "hardsigmoid", "tanh", "relu", "gelu", "silu", "hardswish", "softplus", "elu", "leaky_relu")

OPERATIONS: dict[str, tuple[Operation, ...]] = {}
"""How relevance passes each function, by the name that :func:`key` gives it: the first entry that accepts the call."""
for _operation, _names in _TABLE:
    for _name in _names.split():
        OPERATIONS[_name] = (*OPERATIONS.get(_name, ()), _operation)


def makes_constant(function: Callable[..., Any]) -> bool:
    """Whether `function` looks at the shape and type of a tensor alone, as ``zeros_like`` does."""
    name = key(function)
    return name.endswith("_like") or name.startswith("new_")


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
    """Add to the table how relevance passes `function`; calls that `operation` does not accept go on as before."""
    OPERATIONS[key(function)] = (operation, *OPERATIONS.get(key(function), ()))


def out_of_place(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None:
    """The same call without its side effect on the first argument: see :func:`.inplace.out_of_place`."""
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
    "Scale",
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
]
