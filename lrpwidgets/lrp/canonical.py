"""The one form to which a tape is brought before rules apply: programs of one function become one tape.

* Constant scales and shifts become part of the linear step before them, signs included, also through views
  and permutations. What stands before the first layer with weights, a model's own normalization, hands
  relevance on unchanged, as if it had been applied outside.
* Norms and softmaxes that are written with elementary calls become the steps that they are.
* Activations that are written as products, x ⊙ g(x), such as a GELU by its formula, become activations.
* Sums of sums become one sum, whatever their order.
* Zeros around the input of a convolution are its padding; a convolution over all of its input is a dense layer; a
  matrix product of patches is a convolution, one with equal entries a sum.

The scores stay as they were recorded.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import torch
from torch import Tensor

from . import affine, operations
from .call import Call, Slot, key, tensors
from .expansions import centred, combined
from .operations import Linear, Products
from .tape import Step, Value, call_of
from .weighted import convolution_arguments


def canonical(steps: Sequence[Step], values: list[Value], inputs: Sequence[int], end: int) -> list[Step]:
    """`steps` in canonical form; new intermediate results are appended to `values`."""
    found = list(steps)
    for rewrite in (_Spelled, _Folding, _Joining):
        found = needed(rewrite(found, values, inputs, end).result(), end)
    return found


def needed(steps: Sequence[Step], end: int) -> list[Step]:
    """The steps that the value `end` depends on."""
    needed, kept = {end}, []
    for step in reversed(steps):
        if not needed.isdisjoint(step.results):
            needed.update(step.inputs)
            kept.append(step)
    return kept[::-1]


class _Rewriting:
    """One pass over the steps, in execution order; rewritten ones take the place of theirs."""

    def __init__(self, steps: Sequence[Step], values: list[Value], inputs: Sequence[int], end: int) -> None:
        self.steps: list[Step | None] = []
        self.values = values
        self.maker: dict[int, int] = {}
        """By value, the number of the step that makes it."""
        self.readers = Counter(value for step in steps for value in step.inputs)
        self.readers[end] += 1
        self._given, self._inputs = steps, inputs

    def result(self) -> list[Step]:
        """The steps after the pass."""
        self.prepare(self._given, self._inputs)
        for step in self._given:
            self.visit(step)
        return [step for step in self.steps if step is not None]

    def prepare(self, steps: Sequence[Step], inputs: Sequence[int]) -> None:
        """Look at all `steps` before the first is visited."""

    def visit(self, step: Step) -> None:
        """Take `step` over, as it is or rewritten."""
        raise NotImplementedError

    def keep(self, step: Step, at: int | None = None) -> None:
        """Put `step` at the end, or in the place of another one."""
        if at is None:
            at = len(self.steps)
            self.steps.append(None)
        self.steps[at] = step
        for value in step.results:
            if value is not None:
                self.maker[value] = at

    def made_by(self, value: int) -> Step | None:
        """The step that makes `value`; None for an input."""
        at = self.maker.get(value)
        return None if at is None else self.steps[at]

    def tensor(self, value: int) -> Tensor:
        return self.values[value].at_hand

    def call(self, step: Step) -> Call:
        """`step` with its tensors; of the scores and weights of a long attention only their shapes."""
        outputs = tuple(None if value is None else self.tensor(value) for value in step.outputs)
        return call_of(self.values, step.function, step.args, step.kwargs, step.inputs, at_hand=True, outputs=outputs)


class _Spelled(_Rewriting):
    """Finds the softmax, the mean that is taken away, and the norm's scale in elementary calls."""

    def prepare(self, steps: Sequence[Step], inputs: Sequence[int]) -> None:
        self._found_gates = False  # of which the recorder did not know

    def visit(self, step: Step) -> None:
        name, operation = key(step.function), step.operation
        if isinstance(operation, Products) and operation.kind == "product" and len(step.inputs) == 2:
            softmax = self._softmax(step)
            self._found_gates = self._found_gates or softmax is not None
            step = softmax or self._norm(step) or self._self_gated(step) or step
        elif name in ("sub", "subtract") and len(step.inputs) == 2 and not step.kwargs:
            step = self._centred(step) or step
        if step.operation is operations.SOFTMAX:
            step = self._unshifted(step)
        if self._found_gates and step.operation:
            self._gate(step, step.operation)
        self.keep(step)

    def _gate(self, step: Step, operation: operations.Operation) -> None:
        """Tell anew whether the results are gates: a softmax is one, and so may be what is computed from it."""
        gate = operation.gate(self.call(step))
        for value in step.outputs:
            if value is not None and self.values[value].gate != gate:
                self.values[value] = replace(self.values[value], gate=gate)

    def _softmax(self, step: Step) -> Step | None:
        """exp x / Σ exp x: an exponential, scaled so that it sums to 1 along an axis."""
        made, (y,) = self.tensor(step.outputs[0] or 0), step.outputs
        for slot, value in enumerate(step.inputs):
            maker = self.made_by(value)
            if maker is None or key(maker.function) != "exp" or y is None:
                continue
            scale = self.tensor(step.inputs[1 - slot])
            axis = _single_axis(scale, made)
            if axis is None or not _ones_like(made.sum(axis)):
                continue
            return replace(
                step,
                function=torch.softmax,
                operation=operations.SOFTMAX,
                args=(Slot(0), axis),
                kwargs={},
                inputs=maker.inputs,
            )
        return None

    def _unshifted(self, step: Step) -> Step:
        """A softmax of what it sees before something was added that is the same along its axis."""
        axis = self.call(step).bind(lambda input, dim=-1, *_, **__: {"dim": dim})["dim"]
        (value,) = step.inputs
        while (maker := self.made_by(value)) and key(maker.function) in ("add", "sub", "subtract"):
            x = self._only_varying(maker, axis)
            if x is None:
                break
            value = x
        return replace(step, inputs=(value,))

    def _only_varying(self, step: Step, axis: int) -> int | None:
        """The first term of a sum, if all else in it is the same along the `axis`."""
        first, *others = step.args[:2]
        shape = self.tensor(step.inputs[0]).shape
        if step.kwargs or not isinstance(first, Slot) or shape != self.tensor(step.outputs[0] or 0).shape:
            return None
        tensors = [self.tensor(step.inputs[1]) if isinstance(other, Slot) else other for other in others]
        back = axis - len(shape) if axis >= 0 else axis
        alike = all(isinstance(each, int | float) or each.dim() < -back or each.shape[back] == 1 for each in tensors)
        return step.inputs[first.position] if alike else None

    def _centred(self, step: Step) -> Step | None:
        """x − mean x over some axes."""
        x, mean = step.inputs
        if step.args[:2] != (Slot(0), Slot(1)):
            return None
        axes = _reduced_axes(self.tensor(mean), self.tensor(x))
        maker = self.made_by(mean)
        while maker and maker.operation and maker.operation.reorders and len(maker.inputs) == 1:
            maker = self.made_by(maker.inputs[0])
        if not axes or maker is None or maker.kind != "pool" or maker.inputs != (x,):
            return None
        if not torch.allclose(self.tensor(mean), self.tensor(x).mean(axes, keepdim=True)):
            return None
        return replace(
            step, function=centred, operation=operations.CENTRED, args=(Slot(0), axes), kwargs={}, inputs=(x,)
        )

    def _norm(self, step: Step) -> Step | None:
        """x ⊙ g or x / g where g measures the size of x itself: it counts as a constant."""
        division = isinstance(step.operation, operations.Quotients)
        for slot in (0,) if division else (0, 1):
            x, g = step.inputs[slot], step.inputs[1 - slot]
            if not (division or self.values[g].gate) or _different(self.tensor(g)) >= self.tensor(x).numel():
                continue
            if self.tensor(x).shape != self.tensor(step.outputs[0] or 0).shape or not self._measures(g, x):
                continue
            return replace(
                step,
                function=torch.div if division else torch.mul,
                operation=operations.NORM_SCALE,
                args=(Slot(0), self.tensor(g)),
                kwargs={},
                inputs=(x,),
            )
        return None

    def _self_gated(self, step: Step) -> Step | None:
        """x ⊙ g(x) or x / g(x), where x may be scaled and g bends it element by element: an activation of x."""
        for slot in (0,) if isinstance(step.operation, operations.Quotients) else (0, 1):
            x, g = step.inputs[slot], step.inputs[1 - slot]
            if not self.values[g].gate and self._bends(g, self._scaled_from(x)):
                return replace(step, operation=operations.SELF_GATED[slot])
        return None

    def _scaled_from(self, value: int) -> set[int]:
        """The `value`, and those that it is a multiple of by a constant, element by element."""
        found = {value}
        while (step := self.made_by(value)) and len(step.inputs) == 1 and self._is_elementwise(step):
            if not (step.operation and step.operation.reorders) and not _only_scales(self.call(step)):
                break
            (value,) = step.inputs
            found.add(value)
        return found

    def _bends(self, g: int, sources: set[int]) -> bool:
        """Whether `g` is computed element by element from the `sources` alone, and not only by sums and powers."""
        waiting, seen, bends = [g], {g}, False
        while waiting:
            value = waiting.pop()
            if value in sources:
                continue
            step = self.made_by(value)
            if step is None or not self._is_elementwise(step):
                return False
            bends = bends or _is_nonlinearity(step, self.call(step))
            waiting += (each for each in step.inputs if each not in seen)
            seen.update(step.inputs)
        return bends

    def _is_elementwise(self, step: Step) -> bool:
        """Whether every element of the result is computed from the elements in its place, and constants."""
        known = step.kind in ("activation", "product") or (step.kind == "sum" and key(step.function) in affine.SUMS)
        tensors = [self.tensor(value) for value in (*step.inputs, *step.outputs) if value is not None]
        return known and len({tensor.shape for tensor in tensors}) == 1

    def _measures(self, g: int, x: int) -> bool:
        """Whether `g` is computed from `x`, or from what `x` is centred from, and nothing else that has weights."""
        if self.values[g].samples.unknown:
            return False
        maker = self.made_by(x)
        own = {x, maker.inputs[0]} if maker and maker.function is centred else {x}
        waiting, seen = [g], {g}
        while waiting:
            step = self.made_by(waiting.pop())
            if step is None or step.kind in ("conv", "linear", "matmul", "embedding", "softmax", "maxpool"):
                return False
            for value in step.inputs:
                if value not in own and value not in seen:
                    seen.add(value)
                    waiting.append(value)
        return True


class _Folding(_Rewriting):
    """Makes constant scales and shifts part of the linear step before them."""

    def prepare(self, steps: Sequence[Step], inputs: Sequence[int]) -> None:
        self._reader: dict[int, Step] = {value: step for step in steps for value in step.inputs}
        self._raw = _before_weights(steps, self.values, inputs)

    def visit(self, step: Step) -> None:
        call = self.call(step)
        prepares = step.operation and self._raw.issuperset(step.inputs) and affine.spells(call, grows=True)
        if prepares and not _repeats(step, self.values):
            return self.keep(replace(step, operation=operations.PASSED))
        if not step.operation or len(step.inputs) != 1 or not affine.spells(call):
            return self.keep(_by_geometry(step, call, self.made_by) if step.operation else step)
        (value,), (made,) = step.inputs, step.outputs
        shifts = affine.shifts(call)
        if step.operation is not operations.NORM_SCALE and not shifts and self._enters_product(step):
            return self.keep(step)
        if shifts and not affine.is_norm(call) and (mask := _mask(affine.of(call))) is not None:
            return self.keep(_masked(step, mask))
        maker = self.made_by(value)
        if made is None or maker is None or not self._reaches(value, step, call):
            return self.keep(self._alone(step, call))
        if not self._moves(maker):
            return self._fold(value, step)
        found, whole = affine.of(call), self.tensor(made)
        assert found is not None
        constants = (torch.as_tensor(part).to(whole).expand(whole.shape) for part in (found.scale, found.shift))
        return self._put_before(value, made, [whole, *constants], step)

    def _alone(self, step: Step, call: Call) -> Step:
        """A scale and shift that no linear step takes in."""
        if step.operation is operations.NORM_SCALE:
            return step
        found = affine.of(call)
        assert found is not None
        return replace(step, operation=_lone(found))

    def _fold(self, value: int, step: Step) -> None:
        """Make the scale and shift `step` a part of the step that makes `value`."""
        at = self.maker[value]
        before = self.made_by(value)
        assert before is not None
        chain = (*before.folded, step)
        operation = before.operation
        if is_alone(before):
            operation = _lone(affine.chain([self.call(replace(before, folded=())), *map(self.call, chain)]))
        by_channel = self._by_channel(before, chain)
        self.keep(replace(before, operation=operation, folded=chain, channelwise=by_channel), at)

    def _put_before(self, value: int, result: int, parts: Sequence[Tensor], step: Step) -> None:
        """`step` not on `value` but on what it is only moved from, so that what is moved is its `result`.

        `parts` are the result's numbers, and the scale and the shift of each.
        """
        maker, at = self.made_by(value), self.maker[value]
        assert maker is not None
        if not self._moves(maker):
            scale, shift = map(_narrowed, parts[1:])
            arguments: dict[str, Any] = {"args": (shift, Slot(0), scale), "kwargs": {}}
            self._fold(value, replace(step, function=torch.addcmul, **arguments, inputs=(value,), outputs=(result,)))
            return
        call = self.call(maker)
        still = isinstance(maker.operation, operations.Activation)  # then nothing changes place
        pulled: list[Sequence[Tensor]] = [[part] if still else call.pull([part]) for part in parts]
        sources = [self._new_value(made, result, old) for made, old in zip(pulled[0], maker.inputs, strict=True)]
        for number, (old, new) in enumerate(zip(maker.inputs, sources, strict=True)):
            self._put_before(old, new, [part[number] for part in pulled], step)
        self.keep(replace(maker, inputs=tuple(sources), outputs=(result,)), at)

    def _reaches(self, value: int, step: Step, call: Call) -> bool:
        """Whether all that makes `value`, but for its moves, is there for it alone and may take the `step` in."""
        maker = self.made_by(value)
        if maker is None or self.readers[value] > 1:
            return False
        if self._moves(maker):
            return all(self._reaches(source, step, call) for source in maker.inputs)
        return self._takes(maker, step, call)

    def _takes(self, before: Step, step: Step, call: Call) -> bool:
        """Whether `before` is a step that the scale and shift `step` can be a part of."""
        if step.operation is operations.NORM_SCALE:  # belongs to the mean that is taken away, and to nothing else
            return before.function is centred and not before.folded
        if isinstance(before.operation, Products):
            return not affine.shifts(call)
        return is_alone(before) or (isinstance(before.operation, Linear) and before.operation.foldable)

    def _moves(self, step: Step) -> bool:
        """Whether the step only moves elements: none is lost, repeated or added."""
        if not (step.operation and step.operation.reorders) or len(step.outputs) != 1:
            return False
        before, after = [self.tensor(value) for value in step.inputs], self.tensor(step.outputs[0] or 0)
        random = operations.is_random(step.function, step.args, step.kwargs)
        complete = sum(x.numel() for x in before) == after.numel() and len(set(step.inputs)) == len(before)
        return complete and all(x.dtype == after.dtype for x in before) and not random

    def _new_value(self, tensor: Tensor, like: int, place: int) -> int:
        known = self.values[like]
        self.values.append(replace(known, saved=tensor, unsquashed=tensor, samples=self.values[place].samples))
        self.readers[len(self.values) - 1] = 1
        return len(self.values) - 1

    def _by_channel(self, step: Step, chain: Sequence[Step]) -> bool:
        """Whether all of the `chain` are numbers per output channel of a convolution or dense layer."""
        if not (step.operation and step.operation.weighted):
            return False
        calls = list(map(self.call, chain))
        channel = 1 if "conv" in key(step.function) else calls[0].output.dim() - 1
        return all(affine.axes(call) <= {channel} for call in calls)

    def _enters_product(self, step: Step) -> bool:
        """Whether the step's result is but a factor of a product, which knows no scale of its own."""
        (value,) = step.outputs
        while value is not None and self.readers[value] == 1 and (reader := self._reader.get(value)):
            if isinstance(reader.operation, Products):
                return True
            if not (reader.operation and reader.operation.reorders and len(reader.outputs) == 1):
                return False
            (value,) = reader.outputs
        return False


class _Joining(_Rewriting):
    """Makes one sum of the sums that only feed another one."""

    def visit(self, step: Step) -> None:
        parts = _terms(step, self.call(step)) if is_sum(step) and len(step.inputs) > 1 else None
        if parts is None:
            return self.keep(step)
        terms: list[tuple[affine.Number, int]] = []
        shift, names = parts[1], step.within
        for coefficient, value in zip(parts[0], step.inputs, strict=True):
            maker = self.made_by(value)
            own = None
            if maker and self.readers[value] == 1 and is_sum(maker):
                own = _terms(maker, self.call(maker), list(map(self.call, maker.folded)))
            if maker is None or own is None:
                terms.append((coefficient, value))
                continue
            terms += [(coefficient * c, v) for c, v in zip(own[0], maker.inputs, strict=True)]
            shift, names = shift + coefficient * own[1], (*names, *maker.names)
        if len(names) == len(step.within):
            return self.keep(step)
        coefficients, values = zip(*terms, strict=True)
        slots = tuple(Slot(number) for number in range(len(values)))
        return self.keep(
            replace(
                step,
                function=combined,
                operation=operations.COMBINED,
                args=(slots, coefficients, shift),
                kwargs={},
                inputs=tuple(values),
                within=names,
            )
        )


def _only_scales(call: Call) -> bool:
    return affine.spells(call) and not affine.shifts(call)


def _is_nonlinearity(step: Step, call: Call) -> bool:
    """Whether the step is an activation, and none that only scales, casts or takes powers."""
    powers = key(step.function) in ("pow", "__pow__", "square")
    plain = powers or affine.spells(call) or bool(step.operation and step.operation.reorders)
    return isinstance(step.operation, operations.Activation) and not plain


def is_alone(step: Step) -> bool:
    """Whether the step is a constant scale and shift, and nothing else."""
    return any(step.operation is each for each in (operations.LONE, operations.SHIFT, operations.PASSED))


def _lone(total: affine.Affine) -> operations.Operation:
    """What a constant scale and shift is that no linear step takes in; scales alone pass relevance on unchanged."""
    if not total.shifts:
        return operations.PASSED
    return operations.LONE if total.scales else operations.SHIFT


HIDDEN = -1e4
"""What is added to a score this low or lower hides it from a softmax."""


def _mask(found: affine.Affine | None) -> Tensor | None:
    """Where something is hidden, if adding the shift does nothing but hide."""
    shift = None if found is None or found.scales else found.shift
    if not isinstance(shift, Tensor) or not bool((shift <= HIDDEN).any()):
        return None
    hidden = shift <= HIDDEN
    return hidden if bool((hidden | (shift == 0)).all()) else None


def _masked(step: Step, mask: Tensor) -> Step:
    return replace(
        step,
        function=torch.masked_fill,
        operation=operations.OPERATIONS["masked_fill"][0],
        args=(Slot(0), mask, -math.inf),
        kwargs={},
    )


def _before_weights(steps: Sequence[Step], values: Sequence[Value], inputs: Sequence[int]) -> set[int]:
    """The values that are made of the inputs alone, before a layer with weights that they lead to."""
    made = {value for value in inputs if values[value].tensor.is_floating_point()}
    for step in steps:
        if made.issuperset(step.inputs) and _prepares(step) and not _repeats(step, values):
            made.update(value for value in step.outputs if value is not None)
    leading: set[int] = set()
    for step in reversed(steps):
        weighs = step.kind in ("conv", "linear") or not leading.isdisjoint(v for v in step.outputs if v is not None)
        if weighs:
            leading.update(step.inputs)
    return made & leading


def _prepares(step: Step) -> bool:
    """Whether the step may be part of what a model does to its input before its first layer."""
    if step.kind in ("routing", "activation", "maxpool"):
        return True
    return len(step.inputs) == 1 and step.kind in ("pool", "sum", "norm") and step.function is not centred


def _repeats(step: Step, values: Sequence[Value]) -> bool:
    """Whether the step makes several numbers of one by parameters or indices: an embedding, and no preparation."""
    (output, *_), inputs = step.outputs, step.inputs
    if output is None or values[output].saved.numel() <= sum(values[value].saved.numel() for value in inputs):
        return False
    return any(_is_learned(item) or not item.is_floating_point() for item in tensors((step.args, step.kwargs)))


def _is_learned(tensor: Tensor) -> bool:
    """Whether it is a parameter, or a part of one."""
    return any(isinstance(each, torch.nn.Parameter) for each in (tensor, tensor._base))


def _by_geometry(step: Step, call: Call, made_by: Callable[[int], Step | None]) -> Step:
    """A convolution over all of its input is a dense layer; a matrix product of patches is a convolution.

    A product with a constant matrix whose entries are alike, or 0, is a sum.
    """
    if step.kind == "linear" and isinstance(step.operation, Linear) and _adds_up(step):
        return replace(step, operation=replace(step.operation, kind="sum"))
    if step.operation is operations.CONVOLUTION and (padded := _padded(step, call, made_by(step.inputs[0]))):
        return padded
    if step.operation is operations.CONVOLUTION and _covers_input(call):
        return replace(step, operation=operations.DENSE_CONVOLUTION)
    if step.kind == "linear" and isinstance(step.operation, Linear):
        maker = made_by(step.inputs[0])
        while maker and _moves_one(maker) and key(maker.function) not in _PATCHES:
            maker = made_by(maker.inputs[0])
        if maker and key(maker.function) in _PATCHES:
            return replace(step, operation=replace(step.operation, kind="conv"))
    return step


def _padded(step: Step, call: Call, maker: Step | None) -> Step | None:
    """The convolution `step` with the zeros around its input as its own padding; None if there are no such."""
    if maker is None or key(maker.function) not in ("pad", "constant_pad_nd") or "transpose" in key(step.function):
        return None
    zeros = (_pad if key(maker.function) == "pad" else _constant_pad)(*maker.args, **maker.kwargs)
    own = call.bind(convolution_arguments, slots=True)
    axes = own["weight"].dim() - 2
    sides = [*zeros["pad"], *[0] * (2 * axes - len(zeros["pad"]))]
    before, after = sides[::2], sides[1::2]
    constant = zeros["mode"] == "constant" and not zeros["value"]
    if not constant or before != after or len(before) != axes or min(before) < 0 or isinstance(own["padding"], str):
        return None
    padding = own["padding"]
    given = [padding] * axes if isinstance(padding, int) else list(padding) * (axes // len(padding))
    own["padding"] = [a + b for a, b in zip(given, before[::-1], strict=True)]  # the last axis comes first in a pad
    return replace(step, args=tuple(own.values()), kwargs={}, inputs=maker.inputs)


def _pad(input: Any, pad: Sequence[int], mode: str = "constant", value: float | None = None) -> dict[str, Any]:
    return locals()


def _constant_pad(input: Any, pad: Sequence[int], value: float = 0) -> dict[str, Any]:
    return _pad(input, pad, "constant", value)


def _adds_up(step: Step) -> bool:
    """Whether the matrix of a product is no parameter, and has several entries that are alike and no others but 0."""
    matrix, *others = tensors((step.args, step.kwargs)) or [torch.empty(0)]
    if not matrix.numel() or _is_learned(matrix) or (others and key(step.function) != "linear"):
        return False
    if matrix.layout != torch.strided or not matrix.is_floating_point():
        return False
    least, largest = matrix.aminmax()
    if bool(least < 0) and bool(largest > 0):  # as of nearly all weights, which are not looked at twice
        return False
    entry = largest if bool(largest > 0) else least
    alike = matrix == entry
    return bool((alike | (matrix == 0)).all()) and int(alike.sum()) > 1 and bool(entry != 0)


def _moves_one(step: Step) -> bool:
    return bool(step.operation and step.operation.reorders) and len(step.inputs) == 1


_PATCHES = ("unfold", "im2col")


def _covers_input(call: Call) -> bool:
    (x, weight), name = call.args[:2] if len(call.args) > 1 else (None, None), key(call.function)
    if not isinstance(weight, Tensor) or "transpose" in name:
        return False
    x, output = call.inputs[0], call.output
    whole = x.shape[2:] == weight.shape[2:] and set(output.shape[2:]) == {1}
    return whole and x.shape[1] == weight.shape[1] and x.dim() == weight.dim()


def is_sum(step: Step) -> bool:
    """Whether the step is a sum, or a constant scale and shift that may be part of one."""
    known = any(step.operation is each for each in (operations.LONE, operations.SHIFT, operations.COMBINED))
    return known or (step.kind == "sum" and key(step.function) in affine.SUMS)


def _terms(step: Step, call: Call, folded: Sequence[Call] = ()) -> tuple[list[affine.Number], affine.Number] | None:
    """The coefficients of the inputs of a sum and what else it adds, `folded` included; None for mixed precision."""
    if not all(x.dtype == call.output.dtype and x.is_floating_point() for x in call.inputs):
        return None
    after = affine.chain(folded)
    coefficients, shift = affine.terms(call)
    return [after.scale * each for each in coefficients], after.scale * shift + after.shift


def _single_axis(factor: Tensor, whole: Tensor) -> int | None:
    """The only axis along which `factor` is the same for all elements of `whole`."""
    axes = _reduced_axes(factor, whole)
    return axes[0] if len(axes) == 1 else None


def _reduced_axes(factor: Tensor, whole: Tensor) -> tuple[int, ...]:
    if factor.dim() != whole.dim():
        return ()
    return tuple(axis for axis, size in enumerate(whole.shape) if size > 1 == factor.shape[axis])


def _different(tensor: Tensor) -> int:
    """How many elements there are, those counted once that an expanded tensor repeats."""
    return math.prod(size for size, stride in zip(tensor.shape, tensor.stride(), strict=True) if stride)


def _narrowed(values: Tensor) -> Tensor:
    """`values` with size 1 along every axis that they do not depend on."""
    for axis, size in enumerate(values.shape):
        first = values.narrow(axis, 0, min(size, 1))
        if size > 1 and bool((values == first).all()):
            values = first
    return values


def _ones_like(tensor: Tensor) -> bool:
    return bool(torch.allclose(tensor, torch.ones_like(tensor)))
