"""What the operation table reads from a call: the linear step it is, the axes it works along, what is constant."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from . import affine, norms
from .call import Call, Slot, key, substitute
from .families import dynamic_layer_arguments, gated, of_one, scatter_reduce_arguments
from .linear import Averaging, Contraction, Elementwise, LinearStep, Resampling, Summation, owners
from .weighted import Dense, EffectiveWeights


def lone(call: Call, cache: EffectiveWeights) -> LinearStep:
    """A constant scale and shift, or a chain of them, that no linear step before them took in."""
    calls = [replace(call, folded=()), *call.folded]
    total = affine.chain(calls)
    shift = torch.as_tensor(total.shift, dtype=call.output.dtype, device=call.output.device)
    return Elementwise(call, [total.scale], shift if any(map(affine.shifts, calls)) else None, owners(calls))


def combination(call: Call, cache: EffectiveWeights) -> LinearStep:
    """Several sums in one."""
    coefficients, shift = affine.terms(call)
    none = isinstance(shift, int | float) and shift == 0
    return Elementwise(call, coefficients, None if none else torch.as_tensor(shift).to(call.output))


def centring(call: Call, cache: EffectiveWeights) -> LinearStep:
    """What is left without the mean over some axes."""
    return norms.centred(call)


def averaged(call: Call, cache: EffectiveWeights) -> LinearStep:
    """A step whose weights are all alike."""
    return Averaging(call)


def resampled(call: Call, cache: EffectiveWeights) -> LinearStep:
    """``F.interpolate`` and its kernels; weights of bicubic interpolation have both signs."""
    bicubic = "bicubic" in key(call.function) or call.bind(interpolate_arguments)["mode"] == "bicubic"
    return Resampling(call) if bicubic else Averaging(call)


def interpolate_arguments(
    input: Tensor, size: Any = None, scale_factor: Any = None, mode: str = "nearest", *_: Any, **__: Any
) -> dict[str, Any]:
    """The mode of ``F.interpolate``."""
    return {"mode": mode}


def multiplied(call: Call, cache: EffectiveWeights) -> LinearStep:
    """A product with one constant tensor; a matrix on the right makes it a dense layer."""
    if key(call.function) == "__rmatmul__":
        call = replace(call, function=torch.matmul, args=call.args[::-1])
    if len(call.args) == 2 and not call.kwargs and isinstance(call.args[0], Slot) and call.args[1].dim() == 2:
        dense = Dense(replace(call, function=F.linear, args=(call.args[0], call.args[1].T), kwargs={}), cache)
        dense.turned = call.args[1]
        return dense
    return Contraction(call)


def added_up(call: Call, cache: EffectiveWeights) -> LinearStep:
    """``index_add``, ``scatter_add`` and their kin."""
    return Summation(call)


def instance_normed(call: Call, cache: EffectiveWeights) -> LinearStep:
    """``F.instance_norm``; with running statistics it is a batch norm."""
    return lone(call, cache) if affine.spells(call) else norms.instance_norm(call)


def dim(input: Tensor, dim: int = -1, *_: Any, **__: Any) -> dict[str, Any]:
    """The axis of ``f(input, dim)``."""
    return {"dim": dim}


def sort_axis(input: Tensor, dim: int = -1, descending: bool = False, **_: Any) -> dict[str, Any]:
    """The axis of ``sort``."""
    return {"dim": dim}


def topk_axis(input: Tensor, k: int, dim: int = -1, *_: Any, **__: Any) -> dict[str, Any]:
    """The axis of ``topk``."""
    return {"dim": dim}


def sum_axes(input: Tensor, dim: Any = None, keepdim: bool = False) -> dict[str, Any]:
    """The axes of ``logsumexp``."""
    return {"dim": dim, "keepdim": keepdim}


def normed(build: Callable[[Call], LinearStep]) -> Callable[[Call, EffectiveWeights], LinearStep]:
    """The builder of a norm, which needs no cache."""
    return lambda call, cache: build(call)


def uses_running_statistics(call: Call) -> bool:
    """Whether a batch norm is in eval mode."""
    return affine.spells(call)


def of_whole_numbers(call: Call) -> bool:
    """Whole numbers in, whole numbers out, and one of the arguments is constant."""
    return len(call.inputs) == 1 and not any(x.is_floating_point() for x in (*call.inputs, call.output))


def of_table(call: Call) -> bool:
    """Whole numbers that tell which rows of a constant table are meant."""
    if len(call.inputs) != 1 or call.inputs[0].is_floating_point():
        return False
    if key(call.function) == "index_select":
        arguments = call.bind(lambda input, dim, index: {"input": input, "dim": dim}, slots=True)
        return isinstance(arguments["input"], Tensor) and arguments["dim"] == 0
    table, index = call.args
    return isinstance(table, Tensor) and (isinstance(index, Slot) or index == (Slot(0),))


def with_constant_weights(call: Call) -> bool:
    """Of the tensors of a convolution or dense layer, only its input depends on the model's."""
    arguments = call.bind(dynamic_layer_arguments, slots=True)
    return of_one(call) and isinstance(arguments["input"], Slot)


def with_own_weights(call: Call) -> bool:
    """The weights of a convolution or dense layer depend on the input as well, its bias does not."""
    arguments = call.bind(dynamic_layer_arguments, slots=True)
    both = isinstance(arguments["input"], Slot) and isinstance(arguments["weight"], Slot)
    return both and not isinstance(arguments["bias"], Slot)


def norms_alone(call: Call) -> bool:
    """Of the tensors of a norm, only its input depends on the model's."""
    return of_one(call) and Slot(0) in (*call.args[:1], call.kwargs.get("input"))


def adds_once(call: Call) -> bool:
    """What is added counts once."""
    return bool(call.kwargs.get("alpha", 1) == 1)


def accumulates(call: Call) -> bool:
    """``index_put`` adds."""
    return bool(call.bind(lambda input, indices, values, accumulate=False: {"adds": accumulate}, slots=True)["adds"])


def adds_scattered(call: Call) -> bool:
    """``scatter_reduce`` adds, or averages."""
    return call.bind(scatter_reduce_arguments, slots=True)["reduce"] in ("sum", "mean")


def compares_scattered(call: Call) -> bool:
    """``scatter_reduce`` takes the largest or smallest."""
    return call.bind(scatter_reduce_arguments, slots=True)["reduce"] in ("amax", "amin")


def replaces_scattered(call: Call) -> bool:
    """``scatter`` puts values in the place of others."""
    return "reduce" not in call.kwargs and len(call.args) < 5


def clamps_by_values(call: Call) -> bool:
    """A bound of ``clamp`` depends on the input."""
    bounds = call.bind(lambda input, min=None, max=None, *_, **__: {"bounds": (min, max)}, slots=True)["bounds"]
    return any(isinstance(bound, Slot) for bound in bounds)


def samples_linearly(call: Call) -> bool:
    """Whether ``grid_sampler`` reads at constant places, and not with bicubic weights, which have both signs."""
    bicubic = 2
    return len(call.inputs) == 1 and isinstance(call.args[0], Slot) and call.args[2] != bicubic


def by_one_tensor(call: Call) -> bool:
    """One factor is constant, and there are two."""
    tensors: list[Any] = []
    substitute((call.args, call.kwargs), lambda item: tensors.append(item) if isinstance(item, Tensor) else None)
    return len(call.inputs) == len(tensors) == 1


def permuted(call: Call) -> bool:
    """``einsum`` of a single tensor whose axes only change places."""
    return rearranged(call) and call.output.numel() == call.inputs[0].numel()


def rearranged(call: Call) -> bool:
    """``einsum`` of a single tensor: its axes change places, are summed or met on the diagonal."""
    terms = call.args[1] if isinstance(call.args[1], tuple | list) else call.args[1:]
    return tuple(terms) == (Slot(0),)


def with_one_constant(call: Call) -> bool:
    """The other of two tensors is constant."""
    return len(call.inputs) == 1 and has_constant_part(call)


def of_two(call: Call) -> bool:
    """Both factors depend on the input, and there is nothing else."""
    return len(call.inputs) == 2 and not has_constant_part(call)


def measures(call: Call) -> bool:
    """A sum or mean of sizes: a number for a whole vector, which only scales what it is multiplied with."""
    return all(call.magnitudes)


def of_itself(call: Call) -> bool:
    """The product of a value with itself."""
    return call.inputs[0] is call.inputs[1]


def is_square(call: Call) -> bool:
    """An even power."""
    exponent = _exponent(call)
    return exponent is not None and exponent > 0 and exponent % 2 == 0


def is_gate_or_reciprocal(call: Call) -> bool:
    """A power of a gate, or a negative one of anything: it stands in a denominator."""
    exponent = _exponent(call)
    return gated(call) or (exponent is not None and exponent < 0)


def _exponent(call: Call) -> float | None:
    exponent = call.bind(lambda input, exponent: {"exponent": exponent}, slots=True)["exponent"]
    return float(exponent) if isinstance(exponent, int | float) else None


def scales_gate(call: Call) -> bool:
    """A constant times a gate, or a constant divided by anything."""
    name = key(call.function)
    return gated(call) or (name in DIVISIONS and (name.startswith("__r") or not isinstance(call.args[0], Slot)))


def complements_gate(call: Call) -> bool:
    """1 − gate, and other sums of a gate and a constant."""
    return len(call.inputs) == 1 and gated(call)


DIVISIONS = ("div", "divide", "true_divide", "__rdiv__", "__rtruediv__")


def adds_nonnegative(call: Call) -> bool:
    """A plain sum of two values that both depend on the inputs."""
    return call.nonnegative and len(call.inputs) == 2 and "alpha" not in call.kwargs


def has_constant_part(call: Call) -> bool:
    """Whether one of the tensors is constant."""
    tensors: list[Any] = []
    substitute(call.args, lambda item: tensors.append(item) if isinstance(item, Slot | Tensor) else None)
    return len(tensors) > len(call.inputs)


def stays_nonnegative(call: Call) -> bool:
    """Measured, since the constant part may have any sign."""
    known = call.nonnegative and not call.output.is_meta  # of a long attention's scores, only the shape is known
    return known and bool(not call.output.numel() or call.output.amin() >= 0)


def joins_nonnegative(call: Call) -> bool:
    """As :func:`stays_nonnegative`, and not measured where all parts are known."""
    return stays_nonnegative(call) if has_constant_part(call) else call.nonnegative


def clamps_below_zero(call: Call) -> bool:
    """Whether nothing negative is left."""
    layout = call.bind(lambda input, min=None, max=None, *_, **__: {"least": min}, slots=True)
    return isinstance(layout["least"], int | float) and layout["least"] >= 0
