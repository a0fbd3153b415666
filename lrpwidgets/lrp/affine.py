"""Constant scales and shifts, y = scale ⊙ x + shift: how a call spells one, and what a chain of them amounts to.

``x * 2``, ``(x - mean) / std``, ``-x`` and a batch norm in eval mode are one function in many spellings.
:mod:`.canonical` folds them into the linear step before them; here they are read.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from torch import Tensor

from .call import Call, Slot, key, numbers

Number = Tensor | float


@dataclass(frozen=True, eq=False)
class Affine:
    """y = scale ⊙ x + shift; both are constants that broadcast to x."""

    scale: Number = 1.0
    shift: Number = 0.0

    def then(self, after: Affine) -> Affine:
        """This one first, `after` on its result."""
        return Affine(times(after.scale, self.scale), plus(times(after.scale, self.shift), after.shift))

    @property
    def scales(self) -> bool:
        """Whether it is more than a shift."""
        return isinstance(self.scale, Tensor) or self.scale != 1

    @property
    def shifts(self) -> bool:
        """Whether it adds anything."""
        return bool(self.shift.any()) if isinstance(self.shift, Tensor) else self.shift != 0


def times(one: Number, other: Number) -> Number:
    """The product; a tensor times 1 is that tensor."""
    if isinstance(one, int | float) and one == 1:
        return other
    return one if isinstance(other, int | float) and other == 1 else one * other


def plus(one: Number, other: Number) -> Number:
    """The sum; a tensor plus 0 is that tensor."""
    if isinstance(one, int | float) and one == 0:
        return other
    return one if isinstance(other, int | float) and other == 0 else one + other


def of(call: Call) -> Affine | None:
    """The call as a constant scale and shift of its only input; None if it is no such function."""
    return _READERS[key(call.function)](call) if spells(call) else None


def spells(call: Call, *, grows: bool = False) -> bool:
    """Whether the call is a constant scale and shift of its only input; cheaper than to read which.

    `grows`: also where its output has more elements, as of a grey picture with a mean for each of three channels.
    """
    name = key(call.function)
    if name not in _READERS or len(call.inputs) != 1 or not (_keeps_type(call) if grows else _keeps_shape(call)):
        return False
    if is_norm(call):
        return _uses_running_statistics(call)
    if name in _DIVISIONS or name == "addcmul":
        return _READERS[name](call) is not None
    return True


def chain(calls: Sequence[Call]) -> Affine:
    """All of the `calls`, each on the result of the one before it."""
    total = Affine()
    for call in calls:
        found = of(call)
        assert found is not None
        total = total.then(found)
    return total


def constants(call: Call) -> list[Any]:
    """Everything but the input that the call depends on: its name, tensors and numbers."""
    return [key(call.function), *numbers((call.args, call.kwargs))]


def parameters(call: Call) -> tuple[Tensor | None, Tensor | None]:
    """The tensors that the call scales and shifts by."""
    name = key(call.function)
    if name == "batch_norm":
        arguments = call.bind(batch_norm_arguments)
        # What a norm without parameters shifts has no parameter; its running mean stands for it.
        return arguments["weight"], arguments["running_mean"] if arguments["bias"] is None else arguments["bias"]
    tensors = [item for item in constants(call) if isinstance(item, Tensor)]
    tensor = tensors[0] if tensors else None
    return (None, tensor) if name in SUMS else (tensor, None)


def shifts(call: Call) -> bool:
    """Whether the call may add something."""
    return key(call.function) not in _SCALES


def is_norm(call: Call) -> bool:
    """Whether it is a batch norm."""
    return key(call.function) in ("batch_norm", "instance_norm")


def axes(call: Call) -> set[int]:
    """The axes of the output along which scale and shift may vary."""
    dimensions = call.output.dim()
    if is_norm(call):
        return {1}
    shapes = [item.shape for item in constants(call) if isinstance(item, Tensor)]
    return {dimensions - len(shape) + axis for shape in shapes for axis, size in enumerate(shape) if size != 1}


def batch_norm_arguments(
    input: Tensor,
    running_mean: Tensor | None,
    running_var: Tensor | None,
    weight: Tensor | None = None,
    bias: Tensor | None = None,
    training: bool = False,
    momentum: float = 0.1,
    eps: float = 1e-5,
) -> dict[str, Any]:
    """The arguments of ``F.batch_norm`` by name."""
    return locals()


def instance_norm_arguments(
    input: Tensor,
    running_mean: Any = None,
    running_var: Any = None,
    weight: Any = None,
    bias: Any = None,
    use_input_stats: bool = True,
    momentum: float = 0.1,
    eps: float = 1e-5,
    *_: Any,
    **__: Any,
) -> dict[str, Any]:
    """The arguments of ``F.instance_norm`` by name."""
    return locals()


def _keeps_shape(call: Call) -> bool:
    (x,), output = call.inputs, call.outputs[0]
    return output is not None and output.shape == x.shape and _keeps_type(call)


def _keeps_type(call: Call) -> bool:
    (x,), output = call.inputs, call.outputs[0]
    return output is not None and output.dtype == x.dtype and x.is_floating_point()


def _uses_running_statistics(call: Call) -> bool:
    """Whether a batch or instance norm is in eval mode."""
    if key(call.function) == "batch_norm":
        arguments = call.bind(batch_norm_arguments)
        return arguments["running_mean"] is not None and not arguments["training"]
    return not call.bind(instance_norm_arguments)["use_input_stats"]


def _batch_norm(call: Call) -> Affine:
    """A batch norm in eval mode: one number per channel each (Pahde et al. 2022)."""
    return _by_statistics(call, **call.bind(batch_norm_arguments))


def _instance_norm(call: Call) -> Affine:
    """With running statistics it is a batch norm."""
    return _by_statistics(call, **call.bind(instance_norm_arguments))


def _by_statistics(
    call: Call, running_mean: Tensor, running_var: Tensor, weight: Any, bias: Any, eps: float, **_: Any
) -> Affine:
    scale = (running_var + eps).rsqrt()
    scale = scale if weight is None else scale * weight
    shift = -running_mean * scale
    shape = (-1, *[1] * (call.output.dim() - 2))
    return Affine(scale.reshape(shape), (shift if bias is None else shift + bias).reshape(shape))


def _product(call: Call) -> Affine | None:
    one, other = call.bind(lambda input, other: {"one": input, "other": other}, slots=True).values()
    return Affine(_constant(other if isinstance(one, Slot) else one, call))


def _quotient(call: Call) -> Affine | None:
    def layout(input: Any, other: Any, *, rounding_mode: Any = None) -> dict[str, Any]:
        return locals()

    arguments = call.bind(layout, slots=True)
    if not isinstance(arguments["input"], Slot) or arguments["rounding_mode"] is not None:
        return None
    divisor = _constant(arguments["other"], call)
    return Affine(divisor.reciprocal() if isinstance(divisor, Tensor) else 1 / divisor if divisor else math.inf)


def _constant(item: Any, call: Call) -> Number:
    """A number, or a tensor in the precision of the result."""
    return item.to(call.output.dtype) if isinstance(item, Tensor) else float(item)


def terms(call: Call) -> tuple[list[Number], Number]:
    """The coefficients of a sum's inputs, and what constants it adds; also of a constant scale and shift."""
    name = key(call.function)
    if name == "combined":
        _, coefficients, shift = call.args
        return list(coefficients), shift
    if name not in SUMS:
        found = of(call)
        assert found is not None
        return [found.scale], found.shift

    def layout(input: Any, other: Any, *, alpha: Any = 1) -> list[tuple[float, Any]]:
        one, two = SUMS[name]
        # torch.rsub scales its first argument by alpha, the others their second.
        return [(one * alpha, input), (two, other)] if one < 0 else [(one, input), (two * alpha, other)]

    parts = layout(*call.args, **call.kwargs)
    coefficients = [float(c) for c, item in parts if isinstance(item, Slot)]
    added = [times(float(c), _constant(item, call)) for c, item in parts if not isinstance(item, Slot)]
    return coefficients, added[0] if len(added) == 1 else sum(added)


def _sum(call: Call) -> Affine:
    (scale,), shift = terms(call)
    return Affine(scale, shift)


def _addcmul(call: Call) -> Affine | None:
    def layout(input: Any, tensor1: Any, tensor2: Any, *, value: Any = 1) -> dict[str, Any]:
        return locals()

    given = call.bind(layout, slots=True)
    if isinstance(given["input"], Slot):
        return None
    factor = given["tensor2"] if isinstance(given["tensor1"], Slot) else given["tensor1"]
    return Affine(given["value"] * _constant(factor, call), _constant(given["input"], call))


SUMS = {"add": (1, 1), "__radd__": (1, 1), "sub": (1, -1), "subtract": (1, -1), "rsub": (-1, 1), "__rsub__": (-1, 1)}
"""Sums of two, with the signs of their terms."""

_DIVISIONS = ("div", "divide", "true_divide")

_SCALES: dict[str, Callable[[Call], Affine | None]] = {
    **dict.fromkeys(("mul", "multiply", "__rmul__"), _product),
    **dict.fromkeys(_DIVISIONS, _quotient),
    **dict.fromkeys(("neg", "negative"), lambda call: Affine(-1.0)),
}

_READERS: dict[str, Callable[[Call], Affine | None]] = {
    **_SCALES,
    **dict.fromkeys(SUMS, _sum),
    "addcmul": _addcmul,
    "batch_norm": _batch_norm,
    "instance_norm": _instance_norm,
}
