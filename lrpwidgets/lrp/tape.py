"""A recorded forward: values, and the steps between the inputs and the scores; made by :mod:`.recorder`.

The tape keeps the activations of the whole forward: about as much memory as training would hold.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from typing import Any

import torch
from torch import Tensor

from ..readable import Readable, summary
from . import operations, pickling
from .call import Call, fill, results, substitute, version
from .linear import per_channel
from .operations import Operation
from .samples import Samples


class StaleExplanationError(RuntimeError):
    """The model's weights changed since an explanation was made, so it cannot be asked on."""


@dataclass(repr=False)
class Value(Readable):
    """One intermediate result: its tensor as the steps that read it saw it."""

    saved: Tensor
    """The tensor; without numbers (on the meta device) if they are made again each time, or gone."""
    nonnegative: bool
    """Known from the step that made it, not measured: a ReLU's output, a pooling of one, ..."""
    gate: bool
    """Whether it only scales what it is multiplied with: a sigmoid's output, one minus it, ..."""
    magnitude: bool
    """Whether it tells sizes: an absolute value or a square."""
    samples: Samples
    """Which sample of the batch owns each element."""
    unsquashed: Tensor
    """What an activation was applied to, if one made it; else its own tensor."""
    places: Tensor | None = None
    """Where in its plane each maximum was found, if a max pooling made it."""
    again: Again | None = None
    """How it is made, if its numbers are not saved but made again: those of activations are a third of a network's."""

    @property
    def tensor(self) -> Tensor:
        """Its numbers, unless they are gone."""
        return self.saved if self.again is None else self.again.tensor()

    @property
    def result(self) -> Tensor:
        """The same for the step that made it; an activation needs no numbers of what it made."""
        passed = self.again is not None and self.again.step.kind == "activation"
        return self.saved if passed else self.tensor

    @property
    def at_hand(self) -> Tensor:
        """The same without numbers, if these would be made again."""
        return self.saved if self.again else self.tensor

    @property
    def gone(self) -> bool:
        """Whether its numbers can't be had any more."""
        return self.saved.is_meta and self.again is None

    def let_go(self) -> None:
        """Keep no more than the shape and the type."""
        self.saved = self.unsquashed = self.saved.to("meta")
        self.places = self.again = None

    def make_again(self, step: Step, values: Sequence[Value]) -> None:
        """Save no numbers, but let the `step` that made it make them again whenever they are asked for."""
        own, self.saved = self.unsquashed is self.saved, self.saved.to("meta")
        self.unsquashed = self.saved if own else self.unsquashed
        self.again = Again(step, tuple(values[value] for value in step.inputs))

    def restore(self) -> None:
        """Save its numbers, if they are made again each time."""
        if self.again is not None:
            self.saved = self.unsquashed = self.again.tensor()
            self.again = None


class UnknownLayerError(KeyError, ValueError):
    """There is no layer of that name: a KeyError to who looks it up, a ValueError to who passes it on."""

    def __str__(self) -> str:
        return str(self.args[0])  # a KeyError would print the sentence in quotes


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
    folded: tuple[Step, ...] = ()
    """The constant scales and shifts that follow and are part of this step, one after the other."""
    channelwise: bool = False
    """Whether these are one number per output channel."""
    within: tuple[str, ...] = ()
    """Names of further steps that became part of this one."""
    mixes: str = ""
    """A sentence, if it computes from several samples at once."""

    @property
    def kind(self) -> str:
        """Family of the operation, as the selectors of a composite name it."""
        return self.operation.kind if self.operation else "unknown"

    @property
    def results(self) -> tuple[int | None, ...]:
        """The values it hands to later steps."""
        return self.folded[-1].outputs if self.folded else self.outputs

    @property
    def names(self) -> tuple[str, ...]:
        """Its name, and those of the steps that became part of it."""
        return (self.name, *(step.name for step in self.folded), *self.within)

    def __repr__(self) -> str:
        return f"Step({self.name!r}: {operations.key(self.function)}, {self.kind})"

    def __getstate__(self) -> dict[str, Any]:
        function, operation = pickling.named(self.function), pickling.listed(self.operation, self.function)
        return {**vars(self), "function": function, "operation": operation}

    def __setstate__(self, state: dict[str, Any]) -> None:
        vars(self).update({name: pickling.found(item) for name, item in state.items()})


@dataclass(frozen=True, eq=False, repr=False)
class Again(Readable):
    """A step of one result, and the values that it reads."""

    step: Step
    sources: tuple[Value, ...]

    def tensor(self) -> Tensor:
        """The result, computed anew."""
        made = tuple(value.tensor for value in self.sources)
        with torch.no_grad():
            for each in (self.step, *self.step.folded):
                made = results(each.function(*fill(each.args, made), **fill(each.kwargs, made)))
        (found,) = made
        assert isinstance(found, Tensor)
        return found


@dataclass(frozen=True, eq=False)
class Tape:
    """A recorded forward: its values, and the steps from the inputs to the scores in execution order."""

    values: Sequence[Value]
    steps: Sequence[Step]
    inputs: tuple[int, ...]
    """The values that are explained."""
    output: int
    weights: Sequence[tuple[Tensor, int]]
    """The constant tensors that the steps read, and their versions when they ran."""
    parameters: Sequence[tuple[str, Tensor]]
    """The model's parameters and buffers."""
    caveats: tuple[str, ...]
    mixed: str
    """Which step mixes the samples of the batch, so that amounts per sample are unknown; empty if none does."""
    constants: dict[int, Tensor]
    """Inputs that count as constants, by their position among all inputs."""
    names: tuple[str, ...] = ()
    """The arguments that all inputs are; empty where they go by position."""
    widened: dict[int, tuple[Tensor, Tensor]] = field(default_factory=dict)
    """By id, constants of 16 bits and what they are in 32."""

    def __repr__(self) -> str:
        inputs = ", ".join(summary(self.values[value].tensor) for value in self.inputs)
        return f"Tape({len(self.steps)} steps from {inputs} to scores {summary(self.scores)})"

    @property
    def scores(self) -> Tensor:
        """The model's output, (B, C)."""
        return self.values[self.output].tensor

    @cached_property
    def nothing(self) -> Tensor:
        """A zero for every sample, (B,), in the ledger's precision; never to be written into."""
        return torch.zeros(len(self.scores), dtype=torch.float64)

    def index(self, name: str) -> int:
        """Which step is the layer `name`; the name of a module that makes several means the last of them.

        Raises
        ------
        UnknownLayerError
            If there is none; the message has the nearest names.
        """
        for index, step in enumerate(self.steps):
            if name in step.names:
                return index
        inside = [i for i, step in enumerate(self.steps) if step.module == name or step.module.startswith(f"{name}.")]
        if name and inside:
            return inside[-1]
        names = [step.name for step in self.steps]
        near = difflib.get_close_matches(str(name), names, n=3, cutoff=0.3)
        raise UnknownLayerError(
            f"There is no layer {name!r}; the nearest names are {', '.join(map(repr, near)) or 'none'}."
        )

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
        tensor, scores = self.values[value].saved, self.scores
        dtype = tensor.dtype if tensor.is_floating_point() else scores.dtype
        return torch.zeros(tensor.shape, dtype=torch.promote_types(dtype, torch.float32), device=scores.device)

    def forget(self, step: Step) -> None:
        """Let go of what the step made, and keep only its shape; the scores stay."""
        for number in {*step.outputs, *(value for each in step.folded for value in each.outputs)}:
            if number is not None and number != self.output:
                self.values[number].let_go()

    def reduced(self) -> Tape:
        """A copy that keeps inputs and scores, and of all between them the shapes."""
        kept = replace(self, values=[replace(value) for value in self.values], widened={})
        for step in kept.steps:
            kept.forget(step)
        return kept

    def check_weights(self) -> None:
        """Raise StaleExplanationError if a weight was changed since: it would not fit the activations any more."""
        if _changed(self.weights):
            raise StaleExplanationError("The model's weights changed since this explanation was made; explain again.")

    def call(self, step: Step, *, several: bool = False, found: dict[Any, Tensor] | None = None) -> Call:
        """`step` with its tensors in at least 32 bits, ready to be run again; for `several` targets or one.

        `found` is what was looked up of its weights before.
        """
        call = self._call(step, several, {} if found is None else found)
        return call.widened(rounds=step.kind in ("conv", "linear", "matmul"), known=self.widened)

    def _call(self, step: Step, several: bool, found: dict[Any, Tensor]) -> Call:
        values, made = self.values, next(self.values[v] for v in step.results if v is not None)
        return call_of(
            values,
            step.function,
            step.args,
            step.kwargs,
            step.inputs,
            outputs=tuple(None if v is None else values[v].result for v in step.results),
            folded=tuple([self._call(each, several, found) for each in step.folded]),
            channelwise=step.channelwise,
            at_bound=partial(self._at_bound, step.inputs[0]),
            samples=made.samples,
            places=made.places,
            several=several,
            found=found,
        )

    def _at_bound(self, value: int, bound: Any) -> Tensor | None:
        """One sample of `value` where the inputs have the `bound`; None if it is the input or no preparation of it."""
        way = self._preparation(value)
        if not way:
            return None
        found = {number: per_channel(bound, self.values[number].tensor) for number in self.inputs}
        for step in way:
            call = self._call(step, several=False, found={})
            given = (found[number].expand(x.shape) for number, x in zip(step.inputs, call.inputs, strict=True))
            found[step.outputs[0] or 0] = call.replay(*given)[0]
        return found[value][:1] if self.values[value].samples.leading else found[value]

    def _preparation(self, value: int) -> list[Step]:
        """The steps that make `value` of the inputs, if they only scale, shift and move them."""
        waiting, way = {value}, list[Step]()
        for step in reversed(self.steps):
            if waiting.isdisjoint(step.outputs):
                continue
            if len(step.outputs) > 1 or not (step.kind == "routing" or _keeps_order(step)):
                return []
            way.append(step)
            waiting.update(step.inputs)
        made = {value for step in way for value in step.outputs}
        return way[::-1] if waiting - made <= {*self.inputs} else []  # not of a constant

    @cached_property
    def cuts(self) -> list[int]:
        """Steps of one result, by number, that every way from the inputs to the output passes."""
        useful, reader = {self.output}, {self.output: len(self.steps)}  # the last step that reads a value
        for number, step in reversed(list(enumerate(self.steps))):
            if not useful.isdisjoint(step.results):
                useful.update(step.inputs)
                for value in step.inputs:
                    reader.setdefault(value, number)
        found, beside = list[int](), max((reader.get(value, -1) for value in self.inputs), default=-1)
        for number, step in enumerate(self.steps):
            until = max((reader.get(value, -1) for value in step.results if value is not None), default=-1)
            if beside <= number < until and len(step.results) == 1:
                found.append(number)
            beside = max(beside, until)
        return found

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
        if any(self.values[value].gone for step in self.steps for value in step.inputs):
            # Without activations, weights are of no use.
            state |= {"steps": [_bare(step) for step in self.steps], "weights": [], "parameters": []}
        return state

    def __setstate__(self, state: dict[str, Any]) -> None:
        weights = [(weight, version(weight) if unchanged else -1) for weight, unchanged in state["weights"]]
        vars(self).update(state, weights=weights)


def check_unchanged(weights: Sequence[tuple[Tensor, int]]) -> None:
    """Raise StaleExplanationError if one of the `weights` has another version by now: somebody trains them."""
    if _changed(weights):
        raise StaleExplanationError(
            "The model's weights changed while it was explained, as if another thread trained it; explain a copy, "
            "copy.deepcopy(model), or wait until the training is done."
        )


def _changed(weights: Sequence[tuple[Tensor, int]]) -> bool:
    return any(version(weight) != recorded for weight, recorded in weights)


def _keeps_order(step: Step) -> bool:
    """Whether a larger input of the step always gives a larger output, or always a smaller one."""
    operation = step.operation
    return operation is operations.PASSED or (isinstance(operation, operations.Activation) and operation.clamps)


def call_of(
    values: Sequence[Value],
    function: Callable[..., Any],
    args: Any,
    kwargs: Any,
    read: Sequence[int],
    *,
    at_hand: bool = False,
    **more: Any,
) -> Call:
    """The call of `function` that read those `values`; `at_hand`: those that are made again have no numbers."""
    given = [values[v] for v in read]
    return Call(
        function,
        args,
        kwargs,
        inputs=tuple([value.at_hand if at_hand else value.tensor for value in given]),
        nonnegative=all(value.nonnegative for value in given),
        gates=tuple([value.gate for value in given]),
        magnitudes=tuple([value.magnitude for value in given]),
        unsquashed=tuple([value.unsquashed for value in given]),
        **more,
    )


def _bare(item: Any) -> Any:
    """A step, and whatever steps it holds, without the numbers of the tensors among its arguments."""
    if isinstance(item, Step):
        return replace(item, **{each.name: substitute(getattr(item, each.name), _bare) for each in fields(item)})
    return item.detach().to("meta") if isinstance(item, Tensor) else item
