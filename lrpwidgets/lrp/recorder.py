"""Record one forward pass of any eager torch model as a tape of steps.

:func:`record` runs the model once, without autograd, and writes down every torch call that depends on the
inputs. Relevance is later propagated along the tape, so functional code (``x + f(x)``, ``F.relu``), modules
that are called twice and in-place operations need no special treatment by the model's author.
"""

from __future__ import annotations

import math
import threading
from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Any

import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from . import attention, expansions, operations, watching
from .batch import Batch
from .call import Slot, fill, leaves, numbers, results, substitute, tensors, version
from .canonical import canonical, needed
from .hooks import for_a_while
from .operations import Operation
from .samples import MixedSamplesError, Samples
from .scores import one_axis_at_least, way_out
from .tape import Step, Tape, Value, call_of, check_unchanged


def record(
    model: nn.Module,
    batch: Batch,
    take: Callable[[Any], Any],
    *,
    selected: bool = False,
    rewritten: bool = True,
) -> Tape:
    """Run `model` on the `batch` once, in eval mode and without autograd, and return the tape.

    Whatever happens, the model is left as it was: parameters, hooks, training flags, ``requires_grad``; see
    :func:`eval_mode` for what other threads see of it meanwhile. What the model returns goes through `take`, as the
    caller has `selected` or as it is by default; a tensor (B,) becomes (B, 1), and of one sample also (). Inputs that
    the batch has for constants are as if they were fixed in the model. Unless it is `rewritten`, the tape is not
    brought to its canonical form.

    Raises
    ------
    TypeError
        If that is no tensor.
    ValueError
        If its output does not depend on the inputs.
    NotImplementedError
        If a tensor is read after a part of it was changed in place.
    StaleExplanationError
        If a parameter was changed meanwhile: the activations are of two models then.
    """
    recorder = _Recorder(batch)
    parameters = [*model.named_parameters(), *model.named_buffers()]
    # Of parameters only: a model may well write into its own buffers.
    versions = [(weight, version(weight)) for _, weight in parameters if isinstance(weight, nn.Parameter)]
    output, caveats = _run(model, recorder, take)
    check_unchanged(versions)
    if not isinstance(output, Tensor):
        returned = type(output).__name__
        way = f"Explainer(model, {way_out(output)})" if not selected else "a select that returns one"
        raise TypeError(
            f"{'select' if selected else 'The model'} returned a {returned}; LRP needs one tensor of "
            f"scores (B, C). Say which part of it holds them: {way}."
        )
    end = recorder.value_of(output)
    steps = [] if end is None else needed(recorder.steps, end)
    if end is None or not steps:
        raise ValueError(_INDEPENDENT)
    leaves = {path for path, module in model.named_modules() if path and not any(module.children())}
    steps = _named(steps, leaves)
    if random := [step.name for step in steps if operations.is_random(step.function, step.args, step.kwargs)]:
        caveats.append(f"Dropout is active in {', '.join(random)}: this explains one random draw of the model.")
    if recorder.drawn:
        where = ", ".join(dict.fromkeys(recorder.drawn))
        caveats.append(f"Random numbers are drawn by {where}: this explains one random draw of the model.")
    weights = [(tensor, version(tensor)) for step in steps for tensor in tensors((step.args, step.kwargs))]
    if rewritten:
        steps = canonical(steps, recorder.values, recorder.starts, end)
    lasting = {end, *recorder.starts, *(value for step in steps for value in _lasting(step))}
    attentions = attention.found(steps, recorder.values, attention.LARGE, end)
    _restore(recorder.values, lasting.difference(*(each.inner(steps) for each in attentions)))
    _let_go(recorder.values, lasting)
    for each in attentions:
        for index, value in zip(each.steps, each.inner(steps), strict=False):
            recorder.values[value].make_again(steps[index], recorder.values)
    for step in steps:
        if operations.key(step.function) == "relu" and step.outputs[0] not in (None, end):
            recorder.values[step.outputs[0]].make_again(step, recorder.values)
    return Tape(
        recorder.values,
        steps,
        recorder.starts,
        end,
        weights + recorder.taken_apart,
        parameters,
        tuple(caveats),
        next((step.mixes for step in steps if step.mixes), ""),
        {position: x for position, x in enumerate(batch.tensors) if position in batch.constants},
        batch.names,
    )


_INDEPENDENT = (
    "The model's output does not depend on its inputs in a way that torch shows, so there is nothing to explain. Code "
    "under torch.jit.script or torch.vmap, NumPy, other threads and libraries hide what they compute: call the "
    "function itself there."
)


def _run(model: nn.Module, recorder: _Recorder, take: Callable[[Any], Any]) -> tuple[Any, list[str]]:
    """What the model returns, watched by `recorder`; and what is to be said of its mode."""
    with torch.no_grad(), eval_mode(model) as was_training, _watched(model, recorder), recorder:
        output = take(recorder.batch.run(model))
        if isinstance(output, Tensor):
            output = one_axis_at_least(output)
        caveats = [IN_TRAINING] if was_training else []
        if any(module.training for module in model.modules()):
            caveats.append(_TURNED)
    return output, caveats


IN_TRAINING = "The model is in training mode; it was explained in eval mode."
_TURNED = (
    "A part of the model was put into training mode while it was explained, by itself or by another thread: this may "
    "explain one random draw of it, or another batch normalization. For a model that trains meanwhile, explain a copy."
)


def hidden(model: nn.Module, batch: Batch, take: Callable[[Any], Any]) -> list[str]:
    """Where the model computes with numbers that depend on the `batch` in a way that no torch call shows.

    Scripted code, NumPy, ``item()``, other threads and libraries leave no trace: their results look like constants.
    So the model runs on the inputs and on others close to them, and its constants are compared.
    """
    state = torch.get_rng_state()
    weights = {_storage(x) for x in model.parameters()} - {None}
    runs = []
    others = tuple(x if position in batch.constants else _moved(x) for position, x in enumerate(batch.tensors))
    for given in (batch, replace(batch, tensors=others)):
        recorder = _Recorder(given)
        with torch.random.fork_rng(devices=[]):
            torch.set_rng_state(state)  # random numbers are no reason
            try:
                output, _ = _run(model, recorder, take)
            except Exception:  # the inputs are ours, and need not suit a stranger's model
                return []
        end = recorder.value_of(output)
        steps = [] if end is None else needed(recorder.steps, end)
        runs.append(list(recorder.unseen(steps)))
    found: dict[str, None] = {}
    for (step, one), (twin, other) in zip(*runs, strict=False):
        if operations.key(step.function) != operations.key(twin.function):
            break  # the model went another way, in which the constants are others
        chosen = all(isinstance(x, Tensor) and _storage(x) in weights for x in (one, other))
        if not chosen and not _alike(one, other):  # which weights, such as an expert's, is no number
            found[f"`{operations.key(step.function)}` in {step.module or 'the model'}"] = None
    return list(found)


def _storage(x: Tensor) -> int | None:
    """Which memory `x` is a view of; None for sparse tensors."""
    return x.untyped_storage()._cdata if x.layout == torch.strided else None


def _moved(x: Tensor) -> Tensor:
    """Other numbers close to those of `x`; whole ones in reverse order of size, which stay in their range."""
    if x.is_floating_point():
        steps = torch.arange(x.numel(), device=x.device).reshape(x.shape).to(x.dtype)
        return x + 1e-3 * x.abs().amax().clamp(min=1e-3) * (1 + steps).cos()
    return x if x.dtype == torch.bool else x.amin() + x.amax() - x


def _alike(one: Any, other: Any) -> bool:
    """Whether two constants are the same but for rounding; whole numbers say where something is, not how much."""
    if one is other:
        return True
    if not isinstance(one, Tensor) or not isinstance(other, Tensor):
        return not (isinstance(one, float) and isinstance(other, float)) or math.isclose(one, other, rel_tol=1e-5)
    if not one.is_floating_point() or one.shape != other.shape:
        return not one.is_floating_point()
    return bool(torch.allclose(one, other, rtol=1e-5, atol=1e-8, equal_nan=True))


_ONE_FORWARD = threading.RLock()


@contextmanager
def eval_mode(model: nn.Module) -> Iterator[bool]:
    """Eval mode for a while; yields whether any module was in training mode.

    One forward at a time: training flags and hooks belong to the model, which other threads may share. Those see eval
    mode meanwhile, so one that trains the model should leave another copy to be explained. Of a model in eval mode no
    flag is written, and what another thread makes of it stays.
    """
    with _ONE_FORWARD:
        training = [module for module in model.modules() if module.training]
        try:
            for module in training:  # not `eval()`, which exported programs refuse and models may override
                module.training = False
            yield bool(training)
        finally:
            for module in training:
                module.training = True


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
            module.register_forward_pre_hook(for_a_while(enter)),
            module.register_forward_hook(for_a_while(leave), always_call=True),
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


def check_rows(function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], place: str = "") -> None:
    """Raise ValueError if a lookup asks a table for a row that it has not; a GPU would be lost to the process."""
    if operations.key(function) != "embedding":
        return

    def layout(input: Any, weight: Any, *_: Any, **__: Any) -> tuple[Any, Any]:
        return input, weight

    numbers, table = layout(*args, **kwargs)
    if not numbers.numel() or numbers.is_meta or torch._C._functorch.is_functorch_wrapped_tensor(numbers):
        return
    least, largest = (int(each) for each in numbers.aminmax())
    if least < 0 or largest >= len(table):
        where = f" in {place}" if place else ""
        raise ValueError(
            f"The table{where} has {len(table)} rows, 0 to {len(table) - 1}, and row {least if least < 0 else largest} "
            "is looked up: a token is not in the model's vocabulary, or a sequence longer than it has positions for."
        )


class AsRecorded(TorchFunctionMode):
    """Has the model compute as it does while it is recorded: torch takes shortcuts where nobody watches."""

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        check_rows(function, args, kwargs or {})
        return function(*args, **(kwargs or {}))


class _Recorder(TorchFunctionMode):
    """Sees every torch call of the forward and writes down those that depend on the inputs."""

    def __init__(self, batch: Batch) -> None:
        super().__init__()
        self.values: list[Value] = []
        self.steps: list[Step] = []
        self._known: dict[int, int] = {}  # id of a live tensor -> its value
        self._living: dict[int, list[Tensor]] = {}  # storage -> known tensors on it, kept alive so ids stay theirs
        self._overwritten: dict[int, list[_Write]] = {}  # id of a tensor -> writes to its memory through others
        self._running = [("", 0)]  # path and visit of the modules we are in, innermost last
        self._visits = 0
        self._outlining = False
        """Whether products of matrices, and all that is made of them, are recorded without their numbers."""
        self.drawn: list[str] = []
        """Which calls drew random numbers, and where."""
        self._seen: dict[int, Tensor] = {}
        """By id, constants that were seen to depend on the inputs: comparisons, places, and what is made of them."""
        self.taken_apart: list[tuple[Tensor, int]] = []
        """Weights that only functions recorded as their parts have read, and their versions."""
        # Tensors of their own: a model that changes its input in place changes these, not the caller's. An
        # alias by `detach` would share the caller's version counter.
        self.batch = batch.mapped(lambda x: x.data)
        explained = [x for position, x in enumerate(self.batch.tensors) if position not in batch.constants]
        self._count = self.batch.size
        self.starts = tuple(
            self._add(x, Samples.first_axis(x, self._count), nonnegative=bool((x >= 0).all())) for x in explained
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
        name = operations.key(function)
        if operations.asks(name):
            return function(*args, **kwargs)
        watching.step(len(self.steps))
        check_rows(function, args, kwargs, self._running[-1][0])
        if operations.draws(name):
            self.drawn.append(self._place(name))
        read: list[int] = []
        indexed = operations.takes_indices(name) and any(map(self._is_number, leaves((args, kwargs))))

        def slot(item: Any) -> Any:
            value = self.value_of(item)
            if value is None:
                self._check_constant(item)
                return item
            if indexed and not item.is_floating_point():
                return item  # which element is taken is no value of its own
            read.append(self._current(item, value))
            return Slot(len(read) - 1)

        lent = operations.lends(name)
        if lent and len(args) > lent:
            args = (*args[:lent], *substitute(args[lent:], self._outline))
            kwargs = substitute(kwargs, self._outline)
        call = function, substitute(args, slot), substitute(kwargs, slot)
        if not read or operations.makes_constant(function):
            made = function(*args, **kwargs)
            if operations.leaves_blank(name) or any(id(item) in self._seen for item in leaves((args, kwargs))):
                self._see(made)
            return made
        parts = None if operations.knows(function) else expansions.find(function, name)
        if parts:
            self.taken_apart += [(tensor, version(tensor)) for tensor in tensors(call)]
            if parts is expansions.scaled_dot_product_attention and attention.may_be_large(*args, **kwargs):
                attended = self._attend(args, kwargs)
                if attended is not None:
                    return attended
            with self:
                return parts(*args, **kwargs)
        pure = operations.out_of_place(*call)
        if pure is None and (telling := operations.with_places(function)):
            returned, places = telling(*args, **kwargs)
            self._write(*call, tuple(read), (returned,), places)
            return returned
        if self._outlining and (name == "matmul" or any(item.is_meta for item in tensors((args, kwargs)))):
            returned = function(*substitute(args, _outlined), **substitute(kwargs, _outlined))
        elif pure is None:
            returned = function(*args, **kwargs)
        elif parts := None if operations.knows(pure[0]) else expansions.find(pure[0], operations.key(pure[0])):
            with self:
                return args[0].copy_(parts(*args, **kwargs))
        else:
            return self._in_place(pure, read, args[0] if args else next(iter(kwargs.values())), name)
        self._write(*call, tuple(read), results(returned))
        return returned

    def _attend(self, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Tensor | None:
        """Record an attention without its matrices of all pairs; None if it is of a kind that needs them."""
        first = len(self.steps)
        self._outlining = True
        try:
            with self:
                outline = expansions.scaled_dot_product_attention(*args, **kwargs)
        finally:
            self._outlining = False
        steps = self.steps[first:]
        whole = next(iter(attention.found(steps, self.values, attention.LARGE)), None)
        if whole is None or whole.top != len(steps) - 1:
            del self.steps[first:]
            return None
        for index, value in zip(whole.steps, whole.inner(steps), strict=False):
            self.values[value].make_again(steps[index], self.values)
        made = whole.result(steps, self.values)
        self._fill_in(outline, made)
        return made

    def _fill_in(self, outline: Tensor, made: Tensor) -> None:
        """Let a value that has only its shape so far have the numbers of `made`."""
        value = self._known.pop(id(outline))
        self.values[value].saved = self.values[value].unsquashed = made.detach()
        self._known[id(made)] = value
        self._living.setdefault(made.untyped_storage()._cdata, []).append(made)

    def _in_place(self, call: tuple[Any, Any, Any], read: list[int], changed: Tensor, name: str) -> Tensor:
        """Run and record the out-of-place `call`, and give `changed` its result, and what `changed` is a part of."""
        saved = [self.values[v].tensor for v in read]
        result = call[0](*fill(call[1], saved), **fill(call[2], saved))
        base = before = None
        if self.value_of(changed) is None:  # until now it was constant, and its memory is going to be another's
            kept = self._copy(changed)
            call = (call[0], *substitute(call[1:], lambda item: kept if item is changed else item))
            base = changed._base
            before = None if base is None or self.value_of(base) is not None else self._copy(base)
        returned = self._overwrite(changed, result, name)
        self._write(*call, tuple(read), results(returned))
        if base is not None and before is not None and (part := self.value_of(changed)) is not None:
            # Now a part of what was constant is a value.
            stride, offset = changed.stride(), int(changed.storage_offset() - base.storage_offset())
            self._write(operations.overlaid, (before, Slot(0), stride, offset), {}, (part,), (base,))
        return returned

    def _copy(self, constant: Tensor) -> Tensor:
        copy = constant.clone()
        if id(constant) in self._seen:
            self._see(copy)
        return copy

    def _see(self, made: Any) -> None:
        self._seen.update((id(each), each) for each in results(made) if isinstance(each, Tensor))

    def unseen(self, steps: Sequence[Step]) -> Iterator[tuple[Step, Any]]:
        """The numbers and constant tensors that `steps` compute with, but for those that were seen to be made."""
        for step in steps:
            for item in numbers((step.args, step.kwargs)):
                if id(item) not in self._seen:
                    yield step, item

    def _place(self, name: str) -> str:
        return f"`{name}` in {self._running[-1][0] or 'the model'}"

    def _is_number(self, item: Any) -> bool:
        return isinstance(item, Tensor) and item.is_floating_point() and self.value_of(item) is not None

    def _outline(self, item: Any) -> Any:
        """A constant of the type and shape of `item`, if that is a value: all that is asked of it."""
        return item if self.value_of(item) is None else item.new_zeros(()).expand(item.shape)

    def _write(
        self,
        function: Callable[..., Any],
        args: tuple[Any, ...],
        kwargs: dict[str, Any],
        read: tuple[int, ...],
        returned: tuple[Any, ...],
        places: Tensor | None = None,
    ) -> None:
        inputs = [self.values[v].tensor for v in read]
        indices = not any(x.is_floating_point() or x.is_complex() for x in inputs)

        def relevant(y: Any) -> bool:
            # Of whole numbers only an input's own, such as tokens, may be explained; no shape, rank or comparison.
            if not isinstance(y, Tensor) or y.dtype == torch.bool:
                return False
            return indices or operations.casts(function) or y.is_floating_point() or y.is_complex()

        outputs = tuple(y if relevant(y) else None for y in returned)
        self._see(tuple(y for y, kept in zip(returned, outputs, strict=True) if kept is None))
        if all(y is None for y in outputs):
            return  # nothing that relevance could pass through
        call = call_of(self.values, function, args, kwargs, read, outputs=outputs)
        operation = operations.find(call)
        whole = not any(y is not None and (y.is_floating_point() or y.is_complex()) for y in outputs)
        if whole and (operation is None or operation.kind not in ("routing", "activation", "embedding")):
            self._see(outputs)
            return
        known = operation or Operation()
        mixes = ""
        given = [self.values[v].samples for v in read]
        owners = [Samples(self._count)]
        if not any(each.unknown for each in given):
            try:
                owners = known.owners(call, given)
            except MixedSamplesError as error:
                mixes = (
                    f"{self._place(operations.key(function))} mixes the samples of the batch ({error}), so amounts "
                    "per sample are unknown. Explain one sample at a time."
                )
        owners = owners * len(call.outputs) if len(owners) == 1 else owners
        traits = {name: getattr(known, name)(call) for name in ("nonnegative", "gate", "magnitude")}
        squashed = call.inputs[0] if operations.squashes(known, call) else None
        made = tuple(
            None if y is None else self._add(y, samples, squashed, **traits)
            for y, samples in zip(call.outputs, owners, strict=True)
        )
        if places is None and len(returned) > 1 and operations.tells_places(function):
            places = returned[1]
        if places is not None and made[0] is not None:
            self.values[made[0]].places = places
        self.steps.append(Step(*self._running[-1], function, operation, args, kwargs, read, made, mixes=mixes))

    def _add(
        self,
        tensor: Tensor,
        samples: Samples,
        unsquashed: Tensor | None = None,
        *,
        nonnegative: bool = False,
        gate: bool = False,
        magnitude: bool = False,
    ) -> int:
        # An alias, since the tensor itself may be changed in place: then it moves on and the alias stays.
        alias = tensor.detach()
        squashed = alias if unsquashed is None else unsquashed
        self.values.append(Value(alias, nonnegative, gate, magnitude, samples, squashed))
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
            and not torch._C._functorch.is_functorch_wrapped_tensor(item)  # has no memory of its own
            and item.untyped_storage()._cdata in self._living
        ):
            raise NotImplementedError(
                "Memory that was filled in place is read through another tensor, of shape "
                f"{tuple(item.shape)}, in {self._running[-1][0] or 'the model'}; relevance cannot be "
                "followed through that. Use torch.cat or an out-of-place call there."
            )


def _outlined(item: Any) -> Any:
    return item.to("meta") if isinstance(item, Tensor) else item


def _lasting(step: Step) -> Iterator[int]:
    """The values of a step that a propagation asks for: not what comes before a scale that is folded in."""
    yield from step.inputs
    yield from (value for value in step.results if value is not None)


def _restore(values: Sequence[Value], numbers: Iterable[int]) -> None:
    """Save those values that are made again each time, as what they are made of may go."""
    for number in numbers:
        values[number].restore()


def _let_go(values: Sequence[Value], lasting: Container[int]) -> None:
    """Keep of all `values` but the `lasting` ones no more than the shape."""
    for number, value in enumerate(values):
        if number not in lasting:
            value.let_go()


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
