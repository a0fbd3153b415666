"""The operation table: how relevance passes each torch function.

:data:`OPERATIONS`, at the end of this file, is the whole of it. A row names functions and the family they
belong to:

- :class:`Linear` steps obey the rule that the composite gives them;
- :class:`MaxPool` and :class:`Routing` send relevance back to where the value came from;
- :class:`Activation` passes it on unchanged.

A function is looked up by its name without ``torch.``, ``torch.Tensor.`` or ``torch.nn.functional.``, so
one name serves the function, the method and the operator. In-place calls are recorded as their out-of-place
twins.
To teach the table a new function::

    from lrpwidgets.lrp import operations
    operations.register(torch.fft.fftshift, operations.Routing())
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field, replace
from functools import cache, partial
from inspect import signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import resolve_name

from .call import Call, Slot, substitute
from .ledger import Handover, per_sample
from .linear import (
    Averaging,
    Convolution,
    Dense,
    EffectiveWeights,
    Elementwise,
    LinearStep,
    batch_norm_arguments,
    batch_norm_scale_and_shift,
)
from .rules import Epsilon, Rule, quotient

Relevances = tuple[Tensor | None, ...]


def never(call: Call) -> bool:
    """The output may be negative."""
    return False


def kept(call: Call) -> bool:
    """The output has no negative element if the inputs have none."""
    return call.nonnegative


def always(call: Call) -> bool:
    """The output has no negative element."""
    return True


@dataclass(frozen=True)
class Operation:
    """How relevance passes one family of torch functions.

    Subclass it for a family of your own: :meth:`propagate` gets the call with its tensors and the relevance
    of each of its outputs, and hands over relevance for each of ``call.inputs``.
    """

    nonnegative: Callable[[Call], bool] = never
    """What is known of the output's sign; rules are cheaper on inputs that are never negative."""
    accepts: Callable[[Call], bool] = always
    """Whether this entry covers a call with these arguments."""
    kind: str = "routing"
    """What a composite's selectors call the family."""
    weighted: bool = False
    """Whether it is a layer with weights, which a following batch norm may be folded into."""
    folds: bool = False
    """Whether it is a norm that may be folded into the layer before it."""

    @property
    def ruled(self) -> bool:
        """Whether its steps need a rule."""
        return False

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        """Hand the `relevance` of the call's outputs over to its inputs."""
        raise NotImplementedError(f"{type(self).__name__} does not say how relevance passes")


@dataclass(frozen=True)
class Linear(Operation):
    """A linear step, handled by the rule that the composite gives it; `build` reads the call's arguments."""

    build: Callable[[Call, EffectiveWeights], LinearStep] = field(kw_only=True)

    @property
    def ruled(self) -> bool:
        return True

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert rule is not None
        assert relevance[0] is not None
        return rule.propagate(self.build(call, cache), relevance[0])


@dataclass(frozen=True)
class Activation(Operation):
    """One value in, one value out: its relevance passes on unchanged."""

    kind: str = "activation"

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert relevance[0] is not None
        (x,) = call.inputs
        return Handover((relevance[0].sum_to_size(x.shape).to(x.dtype),))


@dataclass(frozen=True)
class Routing(Operation):
    """Values change place, or only some are taken: relevance goes back to where they came from."""

    nonnegative: Callable[[Call], bool] = kept
    mixes_constants: Callable[[Call], bool] = never
    """Whether some outputs are constants, such as padding; these absorb their relevance as a bias would."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        handed = call.pull(relevance)
        if not self.mixes_constants(call):
            return Handover(handed)
        (received,) = relevance
        assert received is not None
        (ones,) = call.replay(*map(torch.ones_like, call.inputs))
        (zeros,) = call.replay(*map(torch.zeros_like, call.inputs))
        constant = (ones == zeros).to(received.dtype)
        return Handover(handed, bias=per_sample(received, constant))


@dataclass(frozen=True)
class MaxPool(Operation):
    """The winner takes all; given a rule, it counts as average pooling (as in Montavon et al. 2019)."""

    nonnegative: Callable[[Call], bool] = kept
    kind: str = "maxpool"

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        if rule is None:
            return Handover(call.pull(relevance))
        assert relevance[0] is not None
        return rule.propagate(_average_instead(call), relevance[0])


@dataclass(frozen=True)
class Gradient(Operation):
    """For a function that has no entry: its linear expansion at the actual input, under the ε-rule.

    With z ≈ J x + c and s = R / (z + ε·sign z), inputs get x ⊙ Jᵀs, and c·s is absorbed as by a bias.
    """

    kind: str = "unknown"

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        shares: list[Tensor | None] = []
        bias: Tensor | float = 0.0
        stabilizer: Tensor | float = 0.0
        expansions = self._jacobian_times_input(call)
        for z, expanded, received in zip(call.outputs, expansions, relevance, strict=True):
            if z is None or expanded is None or received is None:
                shares.append(None)
                continue
            share, lost = quotient(received, z, Epsilon.epsilon)
            shares.append(share)
            bias = bias + per_sample(share, z - expanded)
            stabilizer = stabilizer + lost["stabilizer"]
        handed = tuple(x * c for x, c in zip(call.inputs, call.pull(shares), strict=True))
        return Handover(handed, bias, stabilizer)

    @staticmethod
    def _jacobian_times_input(call: Call) -> list[Tensor | None]:
        """J x for every output that may carry relevance."""

        def outputs(*inputs: Tensor) -> tuple[Tensor, ...]:
            made = call.replay(*inputs)
            return tuple(y for y, z in zip(made, call.outputs, strict=True) if z is not None)

        with torch.enable_grad():
            jvp: Callable[..., Any] = torch.autograd.functional.jvp
            products = iter(jvp(outputs, call.inputs, call.inputs)[1])
        return [None if z is None else next(products) for z in call.outputs]


def key(function: Callable[..., Any]) -> str:
    """The table's name for `function`: ``"relu"`` for ``torch.relu``, ``F.relu`` and ``Tensor.relu``."""
    name = resolve_name(function) or f"{function.__module__}.{function.__qualname__}"
    for prefix in ("torch.nn.functional.", "torch.Tensor.", "torch."):
        if name.startswith(prefix):
            return name.removeprefix(prefix).removesuffix(".__get__")
    return name


def makes_constant(function: Callable[..., Any]) -> bool:
    """Whether `function` looks at the shape and type of a tensor alone, as ``zeros_like`` does."""
    name = key(function)
    return name.endswith("_like") or name.startswith("new_")


def find(call: Call) -> Operation | None:
    """The table's entry for `call`, if it has one that accepts its arguments."""
    operation = OPERATIONS.get(key(call.function))
    return operation if operation and operation.accepts(call) else None


def register(function: Callable[..., Any], operation: Operation) -> None:
    """Add to the table how relevance passes `function`, or change it."""
    OPERATIONS[key(function)] = operation


def out_of_place(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None:
    """The same call without its side effect on the first argument; None if it has none.

    Raises
    ------
    NotImplementedError
        If the call changes its first argument and has no out-of-place twin.
    """
    name = key(function)
    if kwargs.get("out") is not None:
        raise NotImplementedError(f"`{name}` is called with out=..., which relevance cannot be followed through.")
    if name in _TWINS or (name.endswith("_") and not name.endswith("__") and name not in OPERATIONS):
        plain = name.removesuffix("_")
        twin = _TWINS.get(name) or getattr(torch.Tensor, plain, None) or getattr(F, plain, None)
        if not callable(twin):
            raise NotImplementedError(
                f"`{name}` overwrites a tensor that depends on the inputs, and relevance cannot be followed "
                "through that; use an out-of-place call instead."
            )
        return twin, args, kwargs
    parameters = _parameters(function)
    position = parameters.index("inplace") if "inplace" in parameters else len(args)
    if kwargs.get("inplace"):
        return function, args, {**kwargs, "inplace": False}
    if position < len(args) and args[position]:
        return function, (*args[:position], False, *args[position + 1 :]), kwargs
    return None


def set_item(x: Tensor, index: Any, item: Any) -> Tensor:
    """``x[index] = item`` on a copy."""
    changed = x.clone()
    changed[index] = item
    return changed


def copied(x: Tensor, source: Any, non_blocking: bool = False) -> Tensor:
    """The result of ``x.copy_(source)``."""
    return set_item(x, ..., source)


_TWINS: dict[str, Callable[..., Any]] = {
    "__setitem__": set_item,
    "copy_": copied,
    "__ipow__": torch.Tensor.pow,
}


@cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters; empty for the many torch functions that are built in."""
    try:
        return tuple(signature(function).parameters)
    except (TypeError, ValueError):
        return ()


def _sum(call: Call, cache: EffectiveWeights) -> LinearStep:
    return _terms(call, lambda input, other, *, alpha=1: {"input": (1, input), "other": (alpha, other)})


def _difference(call: Call, cache: EffectiveWeights) -> LinearStep:
    return _terms(call, lambda input, other, *, alpha=1: {"input": (1, input), "other": (-alpha, other)})


def _reversed_difference(call: Call, cache: EffectiveWeights) -> LinearStep:
    return _terms(call, lambda input, other, *, alpha=1: {"input": (-alpha, input), "other": (1, other)})


def _terms(call: Call, layout: Callable[..., dict[str, Any]]) -> Elementwise:
    """A sum of terms, each with its coefficient as `layout` tells them; a term may be constant."""
    coefficients: list[Tensor | float] = []
    bias = None
    for coefficient, term in call.bind(layout, slots=True).values():
        if isinstance(term, Slot):
            coefficients.append(coefficient)
        else:
            bias = coefficient * torch.as_tensor(term, dtype=call.output.dtype, device=call.output.device)
    return Elementwise(call, coefficients, bias)


def _lone_batch_norm(call: Call, cache: EffectiveWeights) -> LinearStep:
    scale, shift = batch_norm_scale_and_shift(call.bind(batch_norm_arguments))
    shape = (-1, *[1] * (call.output.dim() - 2))
    return Elementwise(call, [scale.reshape(shape)], shift.reshape(shape))


def _average(call: Call, cache: EffectiveWeights) -> LinearStep:
    return Averaging(call)


def _matmul(call: Call, cache: EffectiveWeights) -> LinearStep:
    return Dense(replace(call, function=F.linear, args=(call.args[0], call.args[1].T), kwargs={}), cache)


def _average_instead(call: Call) -> Averaging:
    """Average pooling over the windows of a max pooling."""
    name = key(call.function).removesuffix("_with_indices")
    if name.startswith("adaptive"):
        settings = call.bind(lambda input, output_size, return_indices=False: {"output_size": output_size})
    else:
        settings = call.bind(_max_pool_arguments)
        dilation = settings.pop("dilation")
        if dilation != 1 and set(dilation) != {1}:
            raise ValueError("a dilated max pooling has no average pooling to stand for it; give it no rule")
    average = partial(getattr(F, name.replace("max", "avg")), **settings)
    return Averaging(replace(call, outputs=(average(*call.inputs),)), average)


def _max_pool_arguments(
    input: Tensor,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    dilation: Any = 1,
    ceil_mode: bool = False,
    return_indices: bool = False,
) -> dict[str, Any]:
    settings = {"kernel_size": kernel_size, "stride": stride, "padding": padding}
    return settings | {"dilation": dilation, "ceil_mode": ceil_mode, "count_include_pad": False}


def _uses_running_statistics(call: Call) -> bool:
    arguments = call.bind(batch_norm_arguments)
    return arguments["running_mean"] is not None and not arguments["training"]


def _times_constant_matrix(call: Call) -> bool:
    """``x @ weight`` with a constant matrix."""
    return len(call.args) == 2 and isinstance(call.args[0], Slot) and len(call.inputs) == 1 and call.args[1].dim() == 2


def _by_constant(call: Call) -> bool:
    """Scaling: one factor is constant."""
    return len(call.inputs) == 1


def _divided_by_constant(call: Call) -> bool:
    return len(call.inputs) == 1 and bool(call.args) and isinstance(call.args[0], Slot)


def _adds_nonnegative(call: Call) -> bool:
    """A plain sum of two values that both depend on the inputs."""
    return call.nonnegative and len(call.inputs) == 2 and "alpha" not in call.kwargs


def _has_constant_part(call: Call) -> bool:
    tensors: list[Any] = []
    substitute(call.args, lambda item: tensors.append(item) if isinstance(item, Slot | Tensor) else None)
    return len(tensors) > len(call.inputs)


def _stays_nonnegative(call: Call) -> bool:
    """Measured, since the constant part may have any sign."""
    return call.nonnegative and bool((call.output >= 0).all())


def _clamps_below_zero(call: Call) -> bool:
    layout = call.bind(lambda input, min=None, max=None, *_, **__: {"least": min}, slots=True)
    return isinstance(layout["least"], int | float) and layout["least"] >= 0


_CONVOLUTION = Linear(kind="conv", build=Convolution, weighted=True)
_DENSE = Linear(kind="linear", build=Dense, weighted=True)
_POOLING = Linear(kind="pool", build=_average, nonnegative=kept)

_TABLE: list[tuple[Operation, str]] = [
    # Linear steps: the composite's rule decides.
    (_CONVOLUTION, "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"),
    (_DENSE, "linear"),
    (Linear(kind="linear", build=_matmul, accepts=_times_constant_matrix), "matmul mm"),
    (Linear(kind="norm", build=_lone_batch_norm, accepts=_uses_running_statistics, folds=True), "batch_norm"),
    (_POOLING, "avg_pool1d avg_pool2d avg_pool3d mean sum"),
    (_POOLING, "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d"),
    (Linear(kind="sum", build=_sum, nonnegative=_adds_nonnegative), "add"),
    (Linear(kind="sum", build=_difference), "sub subtract"),
    (Linear(kind="sum", build=_reversed_difference), "rsub __rsub__"),
    # The maximum of a window: the winner takes all.
    (MaxPool(), "max_pool1d max_pool2d max_pool3d"),
    (MaxPool(), "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices"),
    (MaxPool(), "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"),
    # One value in, one value out.
    (Activation(always), "relu relu6 sigmoid hardsigmoid softplus abs"),
    (Activation(kept), "leaky_relu prelu rrelu elu selu celu gelu silu mish hardswish tanh softsign"),
    (Activation(_clamps_below_zero), "hardtanh clamp clip clamp_min"),
    (Activation(kept), "dropout dropout1d dropout2d dropout3d"),
    (Activation(kept), "alpha_dropout feature_dropout feature_alpha_dropout"),
    (Activation(kept), "clone contiguous detach detach_ data requires_grad_"),
    (Activation(kept), "to float double half bfloat16 type_as"),
    (Activation(accepts=_by_constant), "mul multiply neg negative"),
    (Activation(accepts=_divided_by_constant), "div divide true_divide"),
    # Values change place.
    (Routing(), "view view_as reshape reshape_as flatten unflatten ravel squeeze unsqueeze"),
    (Routing(), "permute transpose swapaxes swapdims movedim moveaxis t T mT roll flip"),
    (Routing(), "__getitem__ select narrow index_select chunk split tensor_split unbind"),
    (Routing(), "expand expand_as broadcast_to repeat repeat_interleave tile"),
    (Routing(), "channel_shuffle pixel_shuffle pixel_unshuffle"),
    (Routing(_stays_nonnegative, mixes_constants=always), "pad"),
    (Routing(_stays_nonnegative, mixes_constants=always), f"{__name__}.set_item {__name__}.copied"),
    (Routing(_stays_nonnegative, mixes_constants=_has_constant_part), "cat concat concatenate stack"),
]  # fmt: skip

OPERATIONS: dict[str, Operation] = {name: operation for operation, names in _TABLE for name in names.split()}
"""How relevance passes each function, by the name that :func:`key` gives it."""
