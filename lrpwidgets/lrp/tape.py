"""Record one forward pass of any eager torch model as a tape of steps.

:func:`record` runs the model once, without autograd, and writes down every torch call that depends on the
inputs. Relevance is later propagated along the tape, so functional code (``x + f(x)``, ``F.relu``), modules
that are called twice and in-place operations need no special treatment by the model's author.

The tape keeps the activations of the whole forward: about as much memory as training would hold.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Container, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from . import operations
from .call import Call, Slot, fill, results, substitute, version
from .operations import Operation


class StaleExplanationError(RuntimeError):
    """The model's weights changed since an explanation was made, so it cannot be asked on."""


@dataclass
class Value:
    """One intermediate result: its tensor as the steps that read it saw it."""

    tensor: Tensor
    nonnegative: bool
    """Known from the step that made it, not measured: a ReLU's output, a pooling of one, ..."""


@dataclass(frozen=True, eq=False)
class Step:
    """One torch call between the inputs and the scores."""

    module: str
    """Path of the innermost module that made the call; empty in the model's own ``forward``."""
    visit: int
    """Number of that module's call: tells two calls of a shared module apart."""
    function: Callable[..., Any]
    operation: Operation | None
    """How relevance passes; None where the table has no entry for the function."""
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[int, ...]
    """The values it read, one per slot of its arguments."""
    outputs: tuple[int | None, ...]
    """The values it made; None for a result that carries no relevance, such as indices."""
    name: str = ""
    """The layer's name: the module's path if a leaf module makes this call alone, else path and function."""
    norm: Step | None = None
    """The batch norm that is folded into this step."""

    @property
    def kind(self) -> str:
        """Family of the operation, as the selectors of a composite name it."""
        return self.operation.kind if self.operation else "unknown"

    @property
    def results(self) -> tuple[int | None, ...]:
        """The values it hands to later steps."""
        return self.norm.outputs if self.norm else self.outputs


@dataclass(frozen=True, eq=False)
class Tape:
    """A recorded forward: its values, and the steps from the inputs to the scores in execution order."""

    values: Sequence[Value]
    steps: Sequence[Step]
    inputs: tuple[int, ...]
    output: int
    weights: Sequence[tuple[Tensor, int]]
    """The constant tensors that the steps read, and their versions when they ran."""
    caveats: tuple[str, ...]

    @property
    def scores(self) -> Tensor:
        """The model's output, (B, C)."""
        return self.values[self.output].tensor

    def check_weights(self) -> None:
        """Raise StaleExplanationError if a weight was changed since: it would not fit the activations any more."""
        if any(version(weight) != recorded for weight, recorded in self.weights):
            raise StaleExplanationError("The model's weights changed since this explanation was made; explain again.")

    def call(self, step: Step) -> Call:
        """`step` with its tensors, ready to be looked at or run again."""
        values = self.values
        return Call(
            step.function,
            step.args,
            step.kwargs,
            inputs=tuple(values[v].tensor for v in step.inputs),
            outputs=tuple(None if v is None else values[v].tensor for v in step.results),
            nonnegative=all(values[v].nonnegative for v in step.inputs),
            norm=self.call(step.norm) if step.norm else None,
        )


def record(model: nn.Module, inputs: tuple[Tensor, ...]) -> Tape:
    """Run `model` on `inputs` once, in eval mode and without autograd, and return the tape.

    Whatever happens, the model is left as it was: parameters, hooks, training flags, ``requires_grad``.

    Raises
    ------
    TypeError
        If the model returns no tensor.
    ValueError
        If its output does not depend on the inputs.
    NotImplementedError
        If a tensor is read after a part of it was changed in place.
    """
    recorder = _Recorder(inputs)
    with (
        torch.no_grad(),
        eval_mode(model) as was_training,
        _watched(model, recorder),
        recorder,
    ):
        output = model(*recorder.inputs)
    if not isinstance(output, Tensor):
        raise TypeError(
            f"The model returned a {type(output).__name__}; LRP needs one tensor of scores (B, C). "
            "Wrap the model in a module whose forward returns that tensor alone."
        )
    end = recorder.value_of(output)
    steps = [] if end is None else _needed(recorder.steps, end)
    if end is None or not steps:
        raise ValueError("The model's output does not depend on its inputs, so there is nothing to explain.")
    caveats = ("The model is in training mode; it was explained in eval mode.",) if was_training else ()
    starts = tuple(range(len(inputs)))
    leaves = {path for path, module in model.named_modules() if path and not any(module.children())}
    weights = [(tensor, version(tensor)) for step in steps for tensor in _constants(step)]
    return Tape(recorder.values, _folded(_named(steps, leaves), end), starts, end, weights, caveats)


_ONE_FORWARD = threading.RLock()


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[bool]:
    """Eval mode for a while; yields whether any module was in training mode.

    One forward at a time: training flags and hooks belong to the model, which other threads may share.
    """
    with _ONE_FORWARD:
        flags = {module: module.training for module in model.modules()}
        try:
            model.eval()
            yield any(flags.values())
        finally:
            for module, flag in flags.items():
                module.training = flag


@contextmanager
def _watched(model: nn.Module, recorder: _Recorder) -> Iterator[None]:
    """Tell `recorder` which module is running, through hooks that live only during the recording."""
    thread = threading.get_ident()

    def watch(module: nn.Module, path: str) -> list[Any]:
        def enter(*_: Any) -> None:
            if threading.get_ident() == thread:  # another thread may be predicting with the same model
                recorder.enter(path)

        def leave(*_: Any) -> None:
            if threading.get_ident() == thread:
                recorder.leave()

        return [
            module.register_forward_pre_hook(enter),
            module.register_forward_hook(leave, always_call=True),
        ]

    hooks = [hook for path, module in model.named_modules() if path for hook in watch(module, path)]
    try:
        yield
    finally:
        for hook in hooks:
            hook.remove()


class _Recorder(TorchFunctionMode):
    """Sees every torch call of the forward and writes down those that depend on the inputs."""

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.values: list[Value] = []
        self.steps: list[Step] = []
        self._known: dict[int, int] = {}  # id of a live tensor -> its value
        self._living: dict[int, list[Tensor]] = {}  # storage -> known tensors on it, kept alive so ids stay theirs
        self._overwritten: dict[int, str] = {}  # id of a tensor whose storage was written to -> by which call
        self._running = [("", 0)]  # path and visit of the modules we are in, innermost last
        self._visits = 0
        # Tensors of their own: a model that changes its input in place changes these, not the caller's. An
        # alias by `detach` would share the caller's version counter.
        self.inputs = tuple(x.data for x in inputs)
        for x in self.inputs:
            self._add(x, nonnegative=bool((x >= 0).all()))

    def enter(self, path: str) -> None:
        """A module begins its forward."""
        self._visits += 1
        self._running.append((path, self._visits))

    def leave(self) -> None:
        """The innermost module ends its forward."""
        self._running.pop()

    def value_of(self, item: Any) -> int | None:
        """The value that `item` is, if it is a tensor that depends on the inputs."""
        return self._known.get(id(item)) if isinstance(item, Tensor) else None

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        kwargs = kwargs or {}
        read: list[int] = []

        def slot(item: Any) -> Any:
            value = self.value_of(item)
            if value is None:
                self._check_constant(item)
                return item
            self._check_current(item, value)
            read.append(value)
            return Slot(len(read) - 1)

        call = function, substitute(args, slot), substitute(kwargs, slot)
        if not read or operations.makes_constant(function):
            return function(*args, **kwargs)
        pure = operations.out_of_place(*call)
        if pure is None:
            returned = function(*args, **kwargs)
        else:
            call = pure
            saved = [self.values[v].tensor for v in read]
            result = pure[0](*fill(pure[1], saved), **fill(pure[2], saved))
            changed = args[0] if args else next(iter(kwargs.values()))
            returned = self._overwrite(changed, result, operations.key(function))
        self._write(*call, tuple(read), results(returned))
        return returned

    def _write(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        read: tuple[int, ...],
        returned: tuple[Any, ...],
    ) -> None:
        relevant = [isinstance(y, Tensor) and (y.is_floating_point() or y.is_complex()) for y in returned]
        if not any(relevant):
            return  # a shape, an index, a comparison: nothing that relevance could pass through
        call = Call(
            function,
            args,
            kwargs,
            inputs=tuple(self.values[v].tensor for v in read),
            outputs=tuple(y if carries else None for y, carries in zip(returned, relevant, strict=True)),
            nonnegative=all(self.values[v].nonnegative for v in read),
        )
        operation = operations.find(call)
        nonnegative = operation is not None and operation.nonnegative(call)
        made = tuple(None if y is None else self._add(y, nonnegative) for y in call.outputs)
        self.steps.append(Step(*self._running[-1], function, operation, args, kwargs, read, made))

    def _add(self, tensor: Tensor, nonnegative: bool) -> int:
        # An alias, since the tensor itself may be changed in place: then it moves on and the alias stays.
        self.values.append(Value(tensor.detach(), nonnegative))
        self._known[id(tensor)] = len(self.values) - 1
        self._overwritten.pop(id(tensor), None)
        living = self._living.setdefault(tensor.untyped_storage()._cdata, [])
        if all(tensor is not other for other in living):
            living.append(tensor)
        return len(self.values) - 1

    def _overwrite(self, target: Tensor, result: Tensor, name: str) -> Tensor:
        """Give `target` the content of `result`, as the in-place call `name` would; what was saved stays."""
        result = result.to(target.dtype).expand(target.shape)
        if self.value_of(target) is None:
            return target.copy_(result)  # until now a constant
        sharing = self._living.pop(target.untyped_storage()._cdata)
        if len(sharing) == 1:
            return target.set_(result)  # type: ignore[call-overload, no-any-return]  # costs no copy
        # Saved values keep the old storage; the tensors that the model holds move on to a copy of it.
        storage = target.untyped_storage().clone()  # type: ignore[no-untyped-call]
        for tensor in sharing:
            tensor.set_(storage, tensor.storage_offset(), tensor.shape, tensor.stride())
            if tensor is not target:
                self._overwritten[id(tensor)] = f"`{name}` in {self._running[-1][0] or 'the model'}"
        self._living[storage._cdata] = sharing
        return target.copy_(result)

    def _check_current(self, tensor: Tensor, value: int) -> None:
        writer = self._overwritten.get(id(tensor))
        if writer and not torch.equal(tensor, self.values[value].tensor):
            raise NotImplementedError(
                f"{writer} changed a tensor in place that the model reads again through another view; "
                "relevance cannot be followed through that. Use the out-of-place call there."
            )

    def _check_constant(self, item: Any) -> None:
        """Refuse a tensor that seems constant, but lies on memory that values were written to."""
        if (
            isinstance(item, Tensor)
            and item.is_floating_point()
            and item.layout == torch.strided
            and item.untyped_storage()._cdata in self._living
        ):
            raise NotImplementedError(
                "Memory that was filled in place is read through another tensor, of shape "
                f"{tuple(item.shape)}, in {self._running[-1][0] or 'the model'}; relevance cannot be "
                "followed through that. Use torch.cat or an out-of-place call there."
            )


def _constants(step: Step) -> list[Tensor]:
    """Tensors among the arguments that do not depend on the inputs, such as weights."""
    found: list[Tensor] = []
    substitute((step.args, step.kwargs), lambda item: found.append(item) if isinstance(item, Tensor) else None)
    return found


def _needed(steps: Sequence[Step], end: int) -> list[Step]:
    """The steps that the value `end` depends on."""
    needed, kept = {end}, []
    for step in reversed(steps):
        if not needed.isdisjoint(step.outputs):
            needed.update(step.inputs)
            kept.append(step)
    return kept[::-1]


def _folded(steps: Sequence[Step], end: int) -> list[Step]:
    """`steps` with every batch norm merged into the weighted step that feeds it alone."""
    readers = Counter(value for step in steps for value in step.inputs)
    readers[end] += 1
    maker = {value: step for step in steps for value in step.outputs}
    merged: dict[int, Step] = {}
    dropped: set[int] = set()
    for step in steps:
        if not (step.operation and step.operation.folds):
            continue
        feeding = maker.get(step.inputs[0])
        if feeding and feeding.operation and feeding.operation.weighted and readers[step.inputs[0]] == 1:
            merged[id(feeding)] = replace(feeding, norm=step)
            dropped.add(id(step))
    return [merged.get(id(step), step) for step in steps if id(step) not in dropped]


def _named(steps: Sequence[Step], leaves: Container[str]) -> list[Step]:
    """`steps` with a name each: a leaf module's path, else path and function; repetitions get #2, #3, ..."""
    calls = Counter(step.visit for step in steps)
    used: Counter[str] = Counter()

    def named(step: Step) -> Step:
        parts = [step.module] if step.module else []
        if calls[step.visit] > 1 or step.module not in leaves:
            parts.append(operations.key(step.function).strip("_"))
        name = ".".join(parts)
        used[name] += 1
        return replace(step, name=name if used[name] == 1 else f"{name}#{used[name]}")

    return [named(step) for step in steps]
