"""The operation table: how relevance passes each torch function.

:data:`OPERATIONS`, at the end of this file, is the whole of it. A row names functions and the family they
belong to:

- :class:`Linear` steps and :class:`Products` obey the rule that the composite gives them;
- :class:`MaxPool` and :class:`Routing` send relevance back to where the value came from;
- :class:`Activation` passes it on unchanged, :class:`Softmax` follows AttnLRP.

A function is looked up by its name without ``torch.``, ``torch.Tensor.`` or ``torch.nn.functional.``, so
one name serves the function, the method and the operator. In-place calls are recorded as their out-of-place
twins; attention and recurrent layers as the elementary calls that they consist of (see :mod:`.expansions`).
To teach the table a new function::

    from lrpwidgets.lrp import operations
    operations.register(torch.nn.functional.unfold, operations.Routing())
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache, partial
from inspect import signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.overrides import resolve_name

from . import norms
from .call import Call, Slot, substitute
from .ledger import Handover
from .linear import (
    Averaging,
    Contraction,
    Convolution,
    Dense,
    EffectiveWeights,
    Elementwise,
    LinearStep,
    Resampling,
    batch_norm_arguments,
    batch_norm_scale_and_shift,
)
from .products import Product
from .rules import Epsilon, LinearRule, ProductRule, Rule
from .samples import Samples, broadcast, check_apart, combined, merged, moved, reduced

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


def gated(call: Call) -> bool:
    """The output is a gate if all inputs are."""
    return all(call.gates)


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
    gate: Callable[[Call], bool] = never
    """Whether the output is a gate: a factor that only scales the signal that it is multiplied with."""
    kind: str = "routing"
    """What a composite's selectors call the family."""
    weighted: bool = False
    """Whether it is a layer with weights, which a following batch norm may be folded into."""
    folds: bool = False
    """Whether it is a norm that may be folded into the layer before it."""
    along: Callable[..., dict[str, Any]] | None = None
    """Reads the axis `dim` that the function works along, which must not be the batch's, from the arguments."""

    def owners(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        """As :meth:`samples`, checked; one for every output, or one for all."""
        if self.along:
            axis: int = call.bind(self.along)["dim"]
            for each in given:
                check_apart(each, axis)
        return self.samples(call, given)

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        """Which samples own the elements of each output, `given` those of the inputs.

        By default the axes of inputs and output are the same, counted from the right.
        """
        return [broadcast(given, y.shape) if y is not None else given[0] for y in call.outputs]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        """Hand the `relevance` of the call's outputs over to its inputs."""
        raise NotImplementedError(f"{type(self).__name__} does not say how relevance passes")


@dataclass(frozen=True)
class Linear(Operation):
    """A linear step, handled by the rule that the composite gives it; `build` reads the call's arguments."""

    build: Callable[[Call, EffectiveWeights], LinearStep] = field(kw_only=True)
    sums: bool = False
    """Whether it sums over axes, so that its output may have fewer of them."""

    def step(self, call: Call, cache: EffectiveWeights) -> LinearStep:
        """The call as a linear step; the same one for every target."""
        if "step" not in call.memory:
            call.memory["step"] = self.build(call, cache)
        step: LinearStep = call.memory["step"]
        return step

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        if self.sums:
            return _summed_samples(call, given)
        return super().samples(call, [merged(given[0], -1)] if self is _DENSE else given)

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert isinstance(rule, LinearRule)
        assert relevance[0] is not None
        return rule.propagate(self.step(call, cache), relevance[0])


@dataclass(frozen=True)
class Products(Operation):
    """A product of two factors that both depend on the input, handled by a :class:`~.rules.ProductRule`."""

    nonnegative: Callable[[Call], bool] = kept
    gate: Callable[[Call], bool] = gated
    kind: str = "product"

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        return super().samples(call, given) if self.kind == "product" else _summed_samples(call, given)

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert isinstance(rule, ProductRule)
        assert relevance[0] is not None
        return rule.propagate(Product(call, elementwise=self.kind == "product"), relevance[0])


@dataclass(frozen=True)
class Quotients(Products):
    """A division by what depends on the input, such as a norm: the denominator is a gate."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        return super().propagate(replace(call, gates=(False, True)), relevance, rule, cache)


@dataclass(frozen=True)
class Activation(Operation):
    """One value in, one value out: its relevance passes on unchanged."""

    kind: str = "activation"

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert relevance[0] is not None
        (x,) = call.inputs
        return Handover((relevance[0].sum_to_size(x.shape),))


@dataclass(frozen=True)
class Scale(Operation):
    """A number for a whole vector, such as its norm, which goes on to scale something: it absorbs what it gets."""

    gate: Callable[[Call], bool] = always
    nonnegative: Callable[[Call], bool] = always
    kind: str = "scale"

    axes: Callable[..., dict[str, Any]] = field(kw_only=True)
    """Reads the reduced axes, `dim` and `keepdim`, from the call's arguments."""

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        arguments = call.bind(self.axes)
        return [reduced(given[0], call.inputs[0].shape, arguments["dim"], keepdim=arguments["keepdim"])]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        absorbed = sum((call.samples.total(part) for part in relevance if part is not None), start=torch.zeros(()))
        return Handover(tuple(None for _ in call.inputs), rules=absorbed)


@dataclass(frozen=True)
class Softmax(Operation):
    """The Taylor rule of AttnLRP, R_i = x_i (R_i − s_i Σ_j R_j) (Achtibat et al. 2024, eq. 13).

    The expansion's constant, Σ_j R_j (1 − x_j + Σ_i s_i x_i), is absorbed as by a bias. Masked inputs (−∞) get 0.
    """

    nonnegative: Callable[[Call], bool] = always
    gate: Callable[[Call], bool] = always
    kind: str = "softmax"

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received, s, (x,) = relevance[0], call.output, call.inputs
        assert received is not None
        axis: int = call.bind(lambda input, dim=-1, *_, **__: {"dim": dim})["dim"]
        x = x.masked_fill(x.isinf(), 0.0)
        total = received.sum(axis, keepdim=True)
        constant = 1 - x + (s * x).sum(axis, keepdim=True)
        (absorbed,) = call.samples.sum(received.contiguous(), constant.contiguous())
        return Handover((x * (received - s * total),), bias=absorbed)


@dataclass(frozen=True)
class Embedding(Operation):
    """A row of a table for every index: the index gets the relevance of its whole row."""

    kind: str = "embedding"

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        owner = given[0].owner
        return [given[0] if owner is None else Samples(given[0].count, owner.unsqueeze(-1))]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert relevance[0] is not None
        return Handover((relevance[0].sum(-1),))


@dataclass(frozen=True)
class FirstState(Operation):
    """The first state of a recurrent layer: relevance goes to the state, or is absorbed where that is constant."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        assert relevance[0] is not None
        sequence, state = call.args
        handed = tuple(relevance[0] if slot is state else None for slot in (sequence, state) if isinstance(slot, Slot))
        return Handover(handed, bias=0.0 if isinstance(state, Slot) else call.samples.total(relevance[0]))


@dataclass(frozen=True)
class Routing(Operation):
    """Values change place, or only some are taken: relevance goes back to where they came from."""

    nonnegative: Callable[[Call], bool] = kept
    gate: Callable[[Call], bool] = gated
    mixes_constants: Callable[[Call], bool] = never
    """Whether some outputs are constants, such as padding; these absorb their relevance as a bias would."""
    keeps_axes: bool = False
    """Whether the batch stays in its axis, counted from the right; else its way is found by moving numbers."""

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        if call.function is overlaid:
            return [given[0]]
        if self.keeps_axes or given[0].owner is None:
            return super().samples(call, given)
        return moved(given, [x.shape for x in call.inputs], _without_constants(call).replay)

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        handed = call.pull(relevance)
        if not self.mixes_constants(call):
            return Handover(handed)
        received = relevance[0]
        assert received is not None
        ones, zeros = (call.replay(*map(like, call.inputs))[0] for like in (torch.ones_like, torch.zeros_like))
        constant = (ones == zeros).to(received.dtype)
        return Handover(handed, bias=call.samples.sum(received.contiguous(), constant.contiguous())[0])


@dataclass(frozen=True)
class Extremum(Operation):
    """The larger or smaller of a value and a constant: what the constant wins, it absorbs as a bias."""

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        received, (x,) = relevance[0], call.inputs
        assert received is not None
        won = (call.output == x).to(received.dtype)
        lost = (1 - won).contiguous()
        return Handover(((received * won).sum_to_size(x.shape),), bias=call.samples.sum(received.contiguous(), lost)[0])


@dataclass(frozen=True)
class MaxPool(Operation):
    """The winner takes all; given a rule, it counts as average pooling (as in Montavon et al. 2019)."""

    nonnegative: Callable[[Call], bool] = kept
    kind: str = "maxpool"

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        if rule is None:
            return Handover(call.pull(relevance))
        assert isinstance(rule, LinearRule)
        assert relevance[0] is not None
        return rule.propagate(_average_instead(call), relevance[0])


@dataclass(frozen=True)
class Gradient(Operation):
    """For a function that has no entry: its linear expansion at the actual input, under the ε-rule.

    With z ≈ J x + c and s = R / (z + ε·sign z), inputs get x ⊙ Jᵀs, and c·s is absorbed as by a bias.
    """

    kind: str = "unknown"
    axes: Callable[..., dict[str, Any]] | None = None
    """Reads the axes that it reduces, `dim` and `keepdim`, from the arguments."""

    def samples(self, call: Call, given: Sequence[Samples]) -> list[Samples]:
        if self.axes is None:
            return super().samples(call, given)
        arguments = call.bind(self.axes)
        return [reduced(given[0], call.inputs[0].shape, arguments["dim"], keepdim=arguments["keepdim"])]

    def propagate(self, call: Call, relevance: Relevances, rule: Rule | None, cache: EffectiveWeights) -> Handover:
        shares: list[Tensor | None] = []
        bias: Tensor | float = 0.0
        stabilizer: Tensor | float = 0.0
        expansions = self._jacobian_times_input(call)
        for z, expanded, received in zip(call.outputs, expansions, relevance, strict=True):
            if z is None or expanded is None or received is None:
                shares.append(None)
                continue
            offset = torch.copysign(z.new_tensor(Epsilon.epsilon), z)
            share = received / (z + offset)
            shares.append(share)
            bias = bias + call.samples.total(share * (z - expanded))
            stabilizer = stabilizer + call.samples.total(share * offset)
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


@cache
def key(function: Callable[..., Any]) -> str:
    """The table's name for `function`: ``"relu"`` for ``torch.relu``, ``F.relu`` and ``Tensor.relu``."""
    name = resolve_name(function) or f"{function.__module__}.{function.__qualname__}"
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix).removesuffix(".__get__")
    return name


_PREFIXES = (
    *("torch.nn.functional.", "torch.functional.", "torch.Tensor."),
    *("torch._VariableFunctionsClass.", "torch._C._nn.", "torch.", "lrpwidgets.lrp.operations."),
    "lrpwidgets.lrp.expansions.",
)


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


def overlaid(x: Tensor, part: Tensor, stride: Sequence[int], offset: int) -> Tensor:
    """`x` after `part` was written into its memory, through a view that begins at `offset`."""
    changed = x.clone()
    changed.as_strided(part.shape, stride, offset).copy_(part)
    return changed


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
    arguments = call.bind(batch_norm_arguments)
    scale, shift = batch_norm_scale_and_shift(arguments)
    shape = (-1, *[1] * (call.output.dim() - 2))
    norm = arguments["weight"], arguments["bias"]
    return Elementwise(call, [scale.reshape(shape)], shift.reshape(shape), norm)


def _average(call: Call, cache: EffectiveWeights) -> LinearStep:
    return Averaging(call)


def _resampling(call: Call, cache: EffectiveWeights) -> LinearStep:
    mode = call.bind(_interpolate_arguments)["mode"]
    return Resampling(call) if mode == "bicubic" else Averaging(call)


def _interpolate_arguments(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", *_: Any, **__: Any
) -> dict[str, Any]:
    return {"mode": mode}


def _matmul(call: Call, cache: EffectiveWeights) -> LinearStep:
    if key(call.function) == "__rmatmul__":
        call = replace(call, function=torch.matmul, args=call.args[::-1])
    if len(call.args) == 2 and isinstance(call.args[0], Slot) and call.args[1].dim() == 2:
        dense = Dense(replace(call, function=F.linear, args=(call.args[0], call.args[1].T), kwargs={}), cache)
        dense.turned = call.args[1]
        return dense
    return Contraction(call)


def _instance_norm(call: Call, cache: EffectiveWeights) -> LinearStep:
    if call.bind(norms.instance_norm_arguments)["use_input_stats"]:
        return norms.instance_norm(call)
    return _lone_batch_norm(replace(call, function=F.batch_norm, **_as_batch_norm(call)), cache)


def _as_batch_norm(call: Call) -> dict[str, Any]:
    """The arguments of an instance norm with running statistics, which is a batch norm."""
    arguments = call.bind(norms.instance_norm_arguments, slots=True)
    wanted = ("running_mean", "running_var", "weight", "bias", "eps")
    return {"args": (arguments["input"],), "kwargs": {name: arguments[name] for name in wanted}}


def _dim(input: Tensor, dim: int = -1, *_: Any, **__: Any) -> dict[str, Any]:
    return {"dim": dim}


def _sort_axis(input: Tensor, dim: int = -1, descending: bool = False, **_: Any) -> dict[str, Any]:
    return {"dim": dim}


def _topk_axis(input: Tensor, k: int, dim: int = -1, *_: Any, **__: Any) -> dict[str, Any]:
    return {"dim": dim}


def _sum_axes(input: Tensor, dim: Any = None, keepdim: bool = False) -> dict[str, Any]:
    return {"dim": dim, "keepdim": keepdim}


def _norm_axes(input: Tensor, p: Any = None, dim: Any = None, keepdim: bool = False, **_: Any) -> dict[str, Any]:
    return {"dim": dim, "keepdim": keepdim}


def _spread_axes(
    input: Tensor, dim: Any = None, unbiased: Any = None, keepdim: bool = False, **_: Any
) -> dict[str, Any]:
    return {"dim": None if isinstance(dim, bool) else dim, "keepdim": keepdim}


def _normed(build: Callable[[Call], LinearStep]) -> Callable[[Call, EffectiveWeights], LinearStep]:
    return lambda call, cache: build(call)


def _without_constants(call: Call) -> Call:
    """`call` with zeros for constants: those that may come out as values, not its indices and sizes."""
    args = call.args
    if call.function is set_item and not isinstance(args[2], Slot | Tensor):
        args = (*args[:2], 0)

    def blank(item: Any) -> Any:
        return item.new_zeros(item.shape, dtype=torch.uint8) if _is_value(item) else item

    return replace(call, args=substitute(args, blank), kwargs=substitute(call.kwargs, blank))


def _is_value(item: Any) -> bool:
    return isinstance(item, Tensor) and item.is_floating_point()


def _summed_samples(call: Call, given: Sequence[Samples]) -> list[Samples]:
    """Owners in the result of a sum over axes, or of a product that sums."""

    def run(*owners: Tensor) -> Tensor:
        def alone(item: Any) -> Any:
            """A constant factor's axes matter, not its size."""
            return item.new_ones([1] * item.dim(), dtype=torch.float64) if isinstance(item, Tensor) else item

        args, kwargs = substitute((call.args, call.kwargs), alone)
        # Axes of size 1 broadcast in `matmul`, but not in its kin.
        function = torch.matmul if key(call.function) in ("bmm", "mm", "mv", "spmm") else call.function
        return replace(call, function=function, args=args, kwargs=kwargs).replay(*owners)[0]

    return [combined(given, run)]


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


def _by_constant(call: Call) -> bool:
    """The other factor is constant."""
    return len(call.inputs) == 1


def _by_one_tensor(call: Call) -> bool:
    """One factor is constant, and there are two."""
    tensors: list[Any] = []
    substitute((call.args, call.kwargs), lambda item: tensors.append(item) if isinstance(item, Tensor) else None)
    return len(call.inputs) == len(tensors) == 1


def _with_one_constant(call: Call) -> bool:
    """The other of two tensors is constant."""
    return len(call.inputs) == 1 and _has_constant_part(call)


def _of_two(call: Call) -> bool:
    """Both factors depend on the input, and there is nothing else."""
    return len(call.inputs) == 2 and not _has_constant_part(call)


def _scales_gate(call: Call) -> bool:
    """A constant times a gate, or a constant divided by anything."""
    name = key(call.function)
    return gated(call) or (name in _DIVISIONS and (name.startswith("__r") or not isinstance(call.args[0], Slot)))


def _complements_gate(call: Call) -> bool:
    """1 − gate, and other sums of a gate and a constant."""
    return len(call.inputs) == 1 and gated(call)


_DIVISIONS = ("div", "divide", "true_divide", "__rdiv__", "__rtruediv__")


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
_CONTRACTION = Linear(kind="linear", build=_matmul, accepts=_by_one_tensor, sums=True)
_POOLING = Linear(kind="pool", build=_average, nonnegative=kept)
_REDUCTION = Linear(kind="pool", build=_average, nonnegative=kept, sums=True)
_JOINING = Routing(_stays_nonnegative, mixes_constants=_has_constant_part)
_MATMUL = Products(kind="matmul", accepts=_of_two)

_TABLE: list[tuple[Operation, str]] = [
    # Linear steps: the composite's rule decides.
    (_CONVOLUTION, "conv1d conv2d conv3d conv_transpose1d conv_transpose2d conv_transpose3d"),
    (_DENSE, "linear"),
    (_CONTRACTION, "matmul mm bmm mv spmm einsum tensordot __rmatmul__"),
    (Linear(kind="norm", build=_lone_batch_norm, accepts=_uses_running_statistics, folds=True), "batch_norm"),
    (Linear(kind="norm", build=_normed(norms.layer_norm)), "layer_norm"),
    (Linear(kind="norm", build=_normed(norms.rms_norm)), "rms_norm"),
    (Linear(kind="norm", build=_normed(norms.group_norm)), "group_norm"),
    (Linear(kind="norm", build=_instance_norm), "instance_norm"),
    (Linear(kind="norm", build=_normed(norms.LocalResponse), nonnegative=kept), "local_response_norm"),
    (_POOLING, "avg_pool1d avg_pool2d avg_pool3d"),
    (_POOLING, "adaptive_avg_pool1d adaptive_avg_pool2d adaptive_avg_pool3d"),
    (_REDUCTION, "mean sum"),
    (Linear(kind="pool", build=_average, nonnegative=kept, along=_dim), "cumsum"),
    (Linear(kind="pool", build=_average, nonnegative=kept, accepts=_by_constant), "grid_sampler"),
    (Linear(kind="pool", build=_resampling), "interpolate upsample"),
    (Linear(kind="sum", build=_sum, nonnegative=_adds_nonnegative, gate=_complements_gate), "add __radd__"),
    (Linear(kind="sum", build=_difference, gate=_complements_gate), "sub subtract"),
    (Linear(kind="sum", build=_reversed_difference, gate=_complements_gate), "rsub __rsub__"),
    # Products of two values that depend on the input: the composite's rule decides.
    (Products(accepts=_of_two), "mul multiply __rmul__"),
    (Quotients(accepts=_of_two), "div divide true_divide"),
    (_MATMUL, "matmul mm bmm spmm einsum"),
    # The maximum of a window: the winner takes all.
    (MaxPool(), "max_pool1d max_pool2d max_pool3d"),
    (MaxPool(), "max_pool1d_with_indices max_pool2d_with_indices max_pool3d_with_indices"),
    (MaxPool(), "adaptive_max_pool1d adaptive_max_pool2d adaptive_max_pool3d"),
    # One value in, one value out.
    (Activation(always), "relu relu6 softplus abs exp square"),
    (Activation(always, gate=always), "sigmoid hardsigmoid special.expit"),
    (Activation(kept, gate=always), "reciprocal rsqrt"),
    (Activation(kept, gate=gated), "sqrt pow __pow__ log log1p"),
    (Activation(kept), "leaky_relu prelu rrelu elu selu celu gelu silu mish hardswish tanh softsign"),
    (Activation(kept), "threshold softshrink hardshrink expm1 sinh tan atan nan_to_num"),
    (Activation(), "logsigmoid erf sin cos asin acos log2 log10 logit special.logit"),
    (Activation(always), "exp2 cosh"),
    (Activation(_clamps_below_zero, gate=gated), "hardtanh clamp clip clamp_min clamp_max"),
    (Activation(kept, gate=gated), "dropout dropout1d dropout2d dropout3d"),
    (Activation(kept), "alpha_dropout feature_dropout feature_alpha_dropout"),
    (Activation(kept, gate=gated), "clone contiguous detach detach_ data requires_grad_"),
    (Activation(kept, gate=gated), "to float double half bfloat16 type_as"),
    (Activation(accepts=_by_constant, gate=_scales_gate), "mul multiply __rmul__ neg negative"),
    (Activation(accepts=_by_constant, gate=_scales_gate), " ".join(_DIVISIONS)),
    (Softmax(along=_dim), "softmax softmin"),
    (Scale(axes=_norm_axes), "norm linalg_norm linalg_vector_norm linalg.norm linalg.vector_norm"),
    (Scale(axes=_spread_axes), "std var"),
    (Gradient(kind="activation", along=_dim), "log_softmax"),
    (Gradient(kind="activation", axes=_sum_axes), "logsumexp"),
    # Values change place.
    (Routing(), "view view_as reshape reshape_as flatten unflatten ravel squeeze unsqueeze"),
    (Routing(), "permute transpose swapaxes swapdims movedim moveaxis t T mT roll flip fliplr flipud rot90"),
    (Routing(), "__getitem__ select narrow index_select take_along_dim gather masked_select"),
    (Routing(), "chunk split split_with_sizes tensor_split unsafe_chunk hsplit vsplit unbind diagonal"),
    (Routing(), "expand expand_as broadcast_to repeat repeat_interleave tile meshgrid"),
    (Routing(keeps_axes=True), "channel_shuffle pixel_shuffle pixel_unshuffle"),
    (Extremum(accepts=_with_one_constant), "max min maximum minimum fmax fmin"),
    (Routing(), "max min amax amin maximum minimum fmax fmin"),
    (Routing(along=_sort_axis), "sort"),
    (Routing(along=_topk_axis), "topk"),
    (Routing(_stays_nonnegative, mixes_constants=always, keeps_axes=True), "pad masked_fill tril triu where"),
    (Routing(_stays_nonnegative, mixes_constants=always), "set_item copied"),
    (Routing(), "overlaid _pack_padded_sequence"),
    (Routing(_stays_nonnegative, mixes_constants=always), "_pad_packed_sequence"),
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
