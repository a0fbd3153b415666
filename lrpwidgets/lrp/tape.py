"""Record one forward pass of any eager torch model as a tape of steps.

:func:`record` runs the model once, without autograd, and writes down every torch call that depends on the
inputs. Relevance is later propagated along the tape, so functional code (``x + f(x)``, ``F.relu``), modules
that are called twice and in-place operations need no special treatment by the model's author.

The tape keeps the activations of the whole forward: about as much memory as training would hold.
"""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable, Container, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from ..readable import Readable, summary
from . import expansions, operations, pickling, watching
from .call import Call, Slot, fill, results, substitute, version
from .operations import Operation
from .samples import MixedSamplesError, Samples


class StaleExplanationError(RuntimeError):
    """The model's weights changed since an explanation was made, so it cannot be asked on."""


@dataclass(repr=False)
class Value(Readable):
    """One intermediate result: its tensor as the steps that read it saw it."""

    tensor: Tensor
    nonnegative: bool
    """Known from the step that made it, not measured: a ReLU's output, a pooling of one, ..."""
    gate: bool
    """Whether it only scales what it is multiplied with: a sigmoid's output, one minus it, ..."""
    samples: Samples
    """Which sample of the batch owns each element."""
    unsquashed: Tensor
    """What an activation was applied to, if one made it; else its own tensor."""


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

    def __repr__(self) -> str:
        return f"Step({self.name!r}: {operations.key(self.function)}, {self.kind})"

    def __getstate__(self) -> dict[str, Any]:
        function, operation = pickling.named(self.function), pickling.listed(self.operation, self.function)
        return {**vars(self), "function": function, "operation": operation}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({name: pickling.found(item) for name, item in state.items()})


@dataclass(frozen=True, eq=False)
class Tape:
    """A recorded forward: its values, and the steps from the inputs to the scores in execution order."""

    values: Sequence[Value]
    steps: Sequence[Step]
    inputs: tuple[int, ...]
    output: int
    weights: Sequence[tuple[Tensor, int]]
    """The constant tensors that the steps read, and their versions when they ran."""
    parameters: Sequence[tuple[str, Tensor]]
    """The model's parameters and buffers."""
    caveats: tuple[str, ...]
    mixed: str
    """Which step mixes the samples of the batch, so that amounts per sample are unknown; empty if none does."""
    widened: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    """By id, constants of 16 bits and what they are in 32."""

    def __repr__(self) -> str:
        inputs = ", ".join(summary(self.values[value].tensor) for value in self.inputs)
        return f"Tape({len(self.steps)} steps from {inputs} to scores {summary(self.scores)})"

    @property
    def scores(self) -> Tensor:
        """The model's output, (B, C)."""
        return self.values[self.output].tensor

    @property
    def ends_in_softmax(self) -> bool:
        """Whether the scores are those of a softmax, apart from their order and shape."""
        last = next((step for step in reversed(self.steps) if step.kind != "routing"), self.steps[-1])
        return operations.key(last.function) in ("softmax", "log_softmax")

    @property
    def nothing(self) -> Tensor:
        """A zero for every sample, (B,), in the ledger's precision."""
        return torch.zeros(len(self.scores), dtype=torch.float64)

    def start(self, weights: Tensor) -> Tensor:
        """The relevance of the scores if each counts with its weight, in the precision of the weights."""
        return self.scores * weights

    def per_sample(self, value: int, relevance: Tensor | None) -> Tensor:
        """Σ of a value's `relevance` per sample, (B,), in the ledger's precision; None counts as zeros."""
        if relevance is None:
            return self.nothing
        return self.values[value].samples.total(relevance).double().cpu()

    def relevance_or_zero(self, value: int, of: Mapping[int, Tensor]) -> Tensor:
        """The relevance of `value`, or zeros of its shape."""
        if value in of:
            return of[value]
        tensor, scores = self.values[value].tensor, self.scores
        dtype = tensor.dtype if tensor.is_floating_point() else scores.dtype
        return torch.zeros(tensor.shape, dtype=torch.promote_types(dtype, torch.float32), device=scores.device)

    def forget(self, step: Step) -> None:
        """Let go of what the step made, and keep only its shape; the scores stay."""
        for number in {*step.outputs, *step.results}:
            if number is None or number == self.output:
                continue
            value = self.values[number]
            value.tensor = value.unsquashed = value.tensor.to("meta")

    def check_weights(self) -> None:
        """Raise StaleExplanationError if a weight was changed since: it would not fit the activations any more."""
        if any(version(weight) != recorded for weight, recorded in self.weights):
            raise StaleExplanationError("The model's weights changed since this explanation was made; explain again.")

    def call(self, step: Step, *, several: bool = False) -> Call:
        """`step` with its tensors in at least 32 bits, ready to be run again; for `several` targets or one."""
        call = self._call(step, several)
        return call.widened(rounds=step.kind in ("conv", "linear", "matmul"), known=self.widened)

    def _call(self, step: Step, several: bool) -> Call:
        values = self.values
        return _call(
            values,
            step.function,
            step.args,
            step.kwargs,
            step.inputs,
            outputs=tuple(None if v is None else values[v].tensor for v in step.results),
            norm=self._call(step.norm, several) if step.norm else None,
            samples=next(values[v].samples for v in step.results if v is not None),
            several=several,
        )

    @cached_property
    def _names(self) -> dict[int, str]:
        names = {id(tensor): name for name, tensor in self.parameters}
        wide = {id(wide): names[own] for own, (_, wide) in self.widened.items() if own in names}
        return names | wide

    def name_of(self, parameter: Tensor) -> str | None:
        """The name of a parameter or buffer of the model, or of what it is in 32 bits; None for other tensors."""
        return self._names.get(id(parameter))

    def __getstate__(self) -> dict[str, Any]:
        # Ids and versions are those of the tensors that live here: of a copy the versions begin anew.
        unchanged = [(weight, version(weight) == recorded) for weight, recorded in self.weights]
        state = {each.name: getattr(self, each.name) for each in fields(self)}
        state |= {"widened": {}, "weights": unchanged}
        if any(value.tensor.is_meta for value in self.values):  # without activations, weights are of no use
            state |= {"steps": [_bare(step) for step in self.steps], "weights": [], "parameters": []}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        weights = [(weight, version(weight) if unchanged else -1) for weight, unchanged in state["weights"]]
        vars(self).update(state, weights=weights)


def _call(
    values: Sequence[Value], function: Callable[..., Any], args: Any, kwargs: Any, read: Sequence[int], **more: Any
) -> Call:
    return Call(
        function,
        args,
        kwargs,
        inputs=tuple(values[v].tensor for v in read),
        nonnegative=all(values[v].nonnegative for v in read),
        gates=tuple(values[v].gate for v in read),
        unsquashed=tuple(values[v].unsquashed for v in read),
        **more,
    )


def record(model: nn.Module, inputs: tuple[Tensor, ...], select: Callable[[Any], Tensor] | None = None) -> Tape:
    """Run `model` on `inputs` once, in eval mode and without autograd, and return the tape.

    Whatever happens, the model is left as it was: parameters, hooks, training flags, ``requires_grad``. What
    the model returns goes through `select`; a tensor (B,) becomes (B, 1).

    Raises
    ------
    TypeError
        If that is no tensor.
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
        output = output if select is None else select(output)
        if isinstance(output, Tensor) and output.dim() == 1:
            output = output.unsqueeze(1)
    if not isinstance(output, Tensor):
        returned = type(output).__name__
        way = "Explainer(model, select=lambda output: output[0])" if select is None else "a select that returns one"
        raise TypeError(
            f"{'The model' if select is None else 'select'} returned a {returned}; LRP needs one tensor of "
            f"scores (B, C). Say which part of it holds them: {way}."
        )
    end = recorder.value_of(output)
    steps = [] if end is None else _needed(recorder.steps, end)
    if end is None or not steps:
        raise ValueError("The model's output does not depend on its inputs, so there is nothing to explain.")
    caveats = ["The model is in training mode; it was explained in eval mode."] if was_training else []
    leaves = {path for path, module in model.named_modules() if path and not any(module.children())}
    steps = _named(steps, leaves)
    if random := [step.name for step in steps if operations.is_random(step.function, step.args, step.kwargs)]:
        caveats.append(f"Dropout is active in {', '.join(random)}: this explains one random draw of the model.")
    weights = [(tensor, version(tensor)) for step in steps for tensor in _tensors((step.args, step.kwargs))]
    return Tape(
        recorder.values,
        _folded(steps, end),
        recorder.starts,
        end,
        weights + recorder.taken_apart,
        [*model.named_parameters(), *model.named_buffers()],
        tuple(caveats),
        recorder.mixed,
    )


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


@dataclass(frozen=True, eq=False)
class _Write:
    """An in-place call that changed what other tensors on the same memory show."""

    target: Tensor
    writer: str


class _Recorder(TorchFunctionMode):
    """Sees every torch call of the forward and writes down those that depend on the inputs."""

    def __init__(self, inputs: tuple[Tensor, ...]) -> None:
        super().__init__()
        self.values: list[Value] = []
        self.steps: list[Step] = []
        self._known: dict[int, int] = {}  # id of a live tensor -> its value
        self._living: dict[int, list[Tensor]] = {}  # storage -> known tensors on it, kept alive so ids stay theirs
        self._overwritten: dict[int, list[_Write]] = {}  # id of a tensor -> writes to its memory through others
        self._running = [("", 0)]  # path and visit of the modules we are in, innermost last
        self._visits = 0
        self.mixed = ""
        """Which step mixes the samples of the batch, if one does."""
        self.taken_apart: list[tuple[Tensor, int]] = []
        """Weights that only functions recorded as their parts have read, and their versions."""
        # Tensors of their own: a model that changes its input in place changes these, not the caller's. An
        # alias by `detach` would share the caller's version counter.
        self.inputs = tuple(x.data for x in inputs)
        self.starts = tuple(
            self._add(x, bool((x >= 0).all()), gate=False, samples=Samples.first_axis(x, len(inputs[0])))
            for x in self.inputs
        )

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
        watching.step(len(self.steps))
        read: list[int] = []

        def slot(item: Any) -> Any:
            value = self.value_of(item)
            if value is None:
                self._check_constant(item)
                return item
            read.append(self._current(item, value))
            return Slot(len(read) - 1)

        call = function, substitute(args, slot), substitute(kwargs, slot)
        if not read or operations.makes_constant(function):
            return function(*args, **kwargs)
        parts = None if operations.knows(function) else expansions.find(function, operations.key(function))
        if parts:
            self.taken_apart += [(tensor, version(tensor)) for tensor in _tensors(call)]
            with self:
                return parts(*args, **kwargs)
        pure = operations.out_of_place(*call)
        if pure is None:
            returned = function(*args, **kwargs)
        elif parts := None if operations.knows(pure[0]) else expansions.find(pure[0], operations.key(pure[0])):
            with self:
                return args[0].copy_(parts(*args, **kwargs))
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
        inputs = [self.values[v].tensor for v in read]
        indices = not any(x.is_floating_point() or x.is_complex() for x in inputs)

        def relevant(y: Any) -> bool:
            # Of whole numbers only an input's own, such as tokens, may be explained; no shape, rank or comparison.
            whole = indices and isinstance(y, Tensor) and y.dtype == inputs[0].dtype and y.dtype != torch.bool
            return isinstance(y, Tensor) and (whole or y.is_floating_point() or y.is_complex())

        outputs = tuple(y if relevant(y) else None for y in returned)
        if all(y is None for y in outputs):
            return  # nothing that relevance could pass through
        call = _call(self.values, function, args, kwargs, read, outputs=outputs)
        operation = operations.find(call)
        if operation is None and indices:
            return
        known = operation or Operation()
        try:
            if self.mixed:
                owners = [Samples(len(self.inputs[0]))]
            else:
                owners = known.owners(call, [self.values[v].samples for v in read])
        except MixedSamplesError as error:
            self.mixed = (
                f"`{operations.key(function)}` in {self._running[-1][0] or 'the model'} mixes the samples of the "
                f"batch ({error}), so amounts per sample are unknown. Explain one sample at a time."
            )
            owners = [Samples(len(self.inputs[0]))]
        owners = owners * len(call.outputs) if len(owners) == 1 else owners
        nonnegative, gate = known.nonnegative(call), known.gate(call)
        squashed = call.inputs[0] if operations.squashes(known, call) else None
        made = tuple(
            None if y is None else self._add(y, nonnegative, gate, samples, squashed)
            for y, samples in zip(call.outputs, owners, strict=True)
        )
        self.steps.append(Step(*self._running[-1], function, operation, args, kwargs, read, made))

    def _add(
        self, tensor: Tensor, nonnegative: bool, gate: bool, samples: Samples, unsquashed: Tensor | None = None
    ) -> int:
        # An alias, since the tensor itself may be changed in place: then it moves on and the alias stays.
        alias = tensor.detach()
        self.values.append(Value(alias, nonnegative, gate, samples, alias if unsquashed is None else unsquashed))
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
                write = _Write(target, f"`{name}` in {self._running[-1][0] or 'the model'}")
                self._overwritten.setdefault(id(tensor), []).append(write)
        self._living[storage._cdata] = sharing
        return target.copy_(result)

    def _current(self, tensor: Tensor, value: int) -> int:
        """The value of `tensor` now, if its memory was written to through other tensors."""
        writes = self._overwritten.pop(id(tensor), [])
        for write in writes:
            if torch.equal(tensor, self.values[value].tensor):
                break
            part, old = self._known[id(write.target)], self.values[value].tensor
            stride, offset = write.target.stride(), int(write.target.storage_offset() - tensor.storage_offset())
            try:
                result = operations.overlaid(old, self.values[part].tensor, stride, offset)
            except RuntimeError:  # a write beyond what this tensor shows
                break
            self._write(operations.overlaid, (Slot(0), Slot(1), stride, offset), {}, (value, part), (result,))
            value = self._known[id(result)]
        if writes and not torch.equal(tensor, self.values[value].tensor):
            raise NotImplementedError(
                f"{writes[-1].writer} changed a tensor in place that the model reads again through another view; "
                "relevance cannot be followed through that. Use the out-of-place call there."
            )
        self._known[id(tensor)] = value
        return value

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


def _bare(item: Any) -> Any:
    """A step, and whatever steps it holds, without the numbers of the tensors among its arguments."""
    if isinstance(item, Step):
        return replace(item, **{each.name: substitute(getattr(item, each.name), _bare) for each in fields(item)})
    return item.detach().to("meta") if isinstance(item, Tensor) else item


def _tensors(tree: Any) -> list[Tensor]:
    """The tensors in recorded arguments; those that depend on the inputs are slots there."""
    found: list[Tensor] = []
    substitute(tree, lambda item: found.append(item) if isinstance(item, Tensor) else None)
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
