"""A model that runs with gradients while some of its layers are seen, and that is not touched by it.

Layers have the names that an explanation gives them, and what is seen is the activation that it tells of: of a
convolution with a batch norm behind, what the batch norm makes. Hooks on modules would not do: they know no functions,
and an in-place call that follows would change what they saw. So the torch call that makes a layer's activation is found
once, by its result, and listened to from then on.
"""

from __future__ import annotations

import difflib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from ..lrp import Explainer, operations, watching
from ..lrp.call import key, results
from ..lrp.conditions import channel_axis
from ..lrp.recorder import eval_mode
from ..lrp.scores import one_axis_at_least, taken
from ..lrp.tape import Tape
from ..readable import Readable


class DeadObjectiveError(ValueError):
    """An objective that no change of the image changes."""


@dataclass(frozen=True, eq=False, repr=False)
class Seen(Readable):
    """What one forward pass shows."""

    scores: Tensor | None
    """The model's output, (B, classes, ...); None if nobody asked for it."""
    layers: Mapping[str, Tensor]
    """The activations of the layers that were asked for, batch first."""
    axes: Mapping[str, int]
    """Which axis of each counts its channels."""

    def channels(self, layer: str) -> Tensor:
        """The activation of a layer as (B, channels, positions)."""
        found = self.layers[layer].movedim(self.axes[layer], 1)
        return found.reshape(*found.shape[:2], -1)


@dataclass(frozen=True)
class _Made:
    """By which torch call of a forward pass a layer's activation is made."""

    number: int
    """Counted from the first of the pass."""
    key: str
    place: int
    """Among the call's results."""


class Network:
    """The model of an explainer, with the calls that make some layers' activations.

    Parameters
    ----------
    explainer
        Has the model, and says where its scores are.
    layers
        Names, as an explanation has them.
    probe
        An input (1, ...) of the shape that is going to be optimized.

    Raises
    ------
    ValueError
        If there is no layer of a name, it is no call of its own, or its first axis does not count samples; and
        whatever the explainer raises.
    """

    def __init__(self, explainer: Explainer, layers: Iterable[str], probe: Tensor) -> None:
        self._explainer = explainer
        probe = probe[:1].repeat(2, *[1] * (probe.dim() - 1))  # of one sample, no axis tells that it counts samples
        tape = explainer.record(probe)
        self.classes = int(tape.scores.shape[1])
        """Number of the model's scores."""
        self.shapes: dict[str, tuple[int, ...]] = {}
        """The shape of each layer's activation for one sample, batch first."""
        self._axes: dict[str, int] = {}
        self._made: dict[str, _Made] = {}
        wanted = {name: tape.index(name) for name in layers}
        for name, index in wanted.items():
            value = tape.values[_value(tape, index)]
            if not value.samples.leading:
                raise ValueError(
                    f"The first axis of the layer {name!r} does not count samples, as inside of attention or recurrent "
                    f"layers; choose one around it, such as {_around(tape, index)!r}."
                )
            self._axes[name] = channel_axis(tape, index)
            self.shapes[name] = (1, *value.saved.shape[1:])
        if wanted:
            found = self._find(tape, probe, set(wanted.values()))
            for name, index in wanted.items():
                if index not in found:
                    raise ValueError(self._inside(tape, probe, name))
                self._made[name] = found[index]

    @property
    def device(self) -> torch.device:
        """Where it computes."""
        return self._explainer.device

    def channels(self, layer: str) -> int:
        """How many channels a layer has."""
        return self.shapes[layer][self._axes[layer]]

    def positions(self, layer: str) -> tuple[int, ...]:
        """The shape of what is neither batch nor channels."""
        shape = list(self.shapes[layer])
        del shape[self._axes[layer]]
        return tuple(shape[1:])

    def run(self, x: Tensor, *, scores: bool = True, redirect: bool = False) -> Seen:
        """One forward pass of `x`, with gradients where `x` has them.

        Without `scores` it ends as soon as all layers were seen. With `redirect`, a sample whose gradient would end at
        a ReLU goes on there, as long as it pushes the ReLU's input up: an image that excites nothing has no other way.

        Raises
        ------
        ValueError
            If the model goes another way than for the probe.
        """
        listening = _Listening(self._made, redirect=redirect, ends=not scores)
        with eval_mode(self._explainer.model), listening:
            try:
                output = taken(self._explainer.model(x), self._explainer.select)
            except _SeenAll:
                return Seen(None, listening.seen, self._axes)
        if len(listening.seen) < len(self._made):
            missing = next(name for name in self._made if name not in listening.seen)
            raise ValueError(f"The layer {missing!r} is not called for this input: {_ANOTHER_WAY}")
        return Seen(_batched(output, len(x)), listening.seen, self._axes)

    def _find(self, tape: Tape, probe: Tensor, indices: set[int]) -> dict[int, _Made]:
        """By index of the tape's step, the call that made its result."""
        finding, probe = _Finding(tape, indices), probe.to(self.device)
        with torch.no_grad(), eval_mode(self._explainer.model), finding:
            taken(self._explainer.model(probe), self._explainer.select)
        return finding.found

    def _inside(self, tape: Tape, probe: Tensor, name: str) -> str:
        apart = self._find(tape, probe, set(range(len(tape.steps))))
        names = [tape.steps[index].name for index in sorted(apart)]
        near = difflib.get_close_matches(name, names, n=3, cutoff=0.0)
        return (
            f"The layer {name!r} is a part of what torch computes in one call, so it can't be seen with gradients; "
            f"near it are {', '.join(map(repr, near))}."
        )


_ANOTHER_WAY = "the model goes another way than for the input that it was recorded with."


def _batched(output: Any, samples: int) -> Tensor:
    if not isinstance(output, Tensor):
        raise TypeError(f"The model returned a {type(output).__name__}; a select that returns its scores is needed.")
    return one_axis_at_least(output) if output.numel() == samples else output


def _around(tape: Tape, index: int) -> str:
    """The next layer outside of the module of a step whose first axis counts samples."""
    later = [step for step in tape.steps[index:] if step.module != tape.steps[index].module]
    found = (step.name for step in later if tape.values[step.results[0] or 0].samples.leading)
    return next(found, tape.steps[-1].name)


def _value(tape: Tape, index: int) -> int:
    return next(value for value in tape.steps[index].results if value is not None)


class _Finding(TorchFunctionMode):
    """Compares the result of every call with the activations of a tape."""

    def __init__(self, tape: Tape, indices: set[int]) -> None:
        super().__init__()
        self.found: dict[int, _Made] = {}
        self._number = 0
        self._wanted: dict[tuple[int, ...], list[tuple[int, str, Tensor]]] = {}
        for index in sorted(indices):
            step, value = tape.steps[index], tape.values[_value(tape, index)]
            last = step.folded[-1] if step.folded else step
            self._wanted.setdefault(tuple(value.saved.shape), []).append((index, _plain(last.function), value.tensor))

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        if operations.asks(key(function)):
            return made
        self._number += 1
        for place, each in enumerate(results(made)):
            if isinstance(each, Tensor) and each.is_floating_point():
                self._compare(each, key(function), _Made(self._number, key(function), place))
        return made

    def _compare(self, made: Tensor, name: str, candidate: _Made) -> None:
        for index, function, activation in self._wanted.get(tuple(made.shape), ()):
            # A view or a dropout has the same numbers; the function that made them first is the layer.
            known = self.found.get(index)
            better = known is None or (known.key.removesuffix("_") != function and name.removesuffix("_") == function)
            if better and made.dtype == activation.dtype and torch.allclose(made, activation, rtol=1e-4, atol=1e-6):
                self.found[index] = candidate


def _plain(function: Callable[..., Any]) -> str:
    return key(function).removesuffix("_")


class _SeenAll(BaseException):  # no error, and none that a model's own handlers may catch
    """All that is asked for was seen."""


class _Listening(TorchFunctionMode):
    """Keeps the results of some calls."""

    def __init__(self, made: Mapping[str, _Made], *, redirect: bool, ends: bool) -> None:
        super().__init__()
        self.seen: dict[str, Tensor] = {}
        self._number, self._redirect, self._last = 0, redirect, 0
        self._wanted: dict[int, list[tuple[str, _Made]]] = {}
        for name, each in made.items():
            self._wanted.setdefault(each.number, []).append((name, each))
            self._last = max(self._last, each.number) if ends else 0

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        name = key(function)
        watching.step(self._number)
        if self._redirect and name in ("relu", "relu_", "relu6") and torch.is_grad_enabled():
            made = _redirected(name, *args, **(kwargs or {}))
        else:
            made = function(*args, **(kwargs or {}))
        if operations.asks(name):
            return made
        self._number += 1
        for layer, each in self._wanted.get(self._number, ()):
            if name != each.key:
                raise ValueError(f"The layer {layer!r} is not made by `{each.key}` but by `{name}`: {_ANOTHER_WAY}")
            self.seen[layer] = results(made)[each.place].clone()  # what follows may change it in place
        if self._number == self._last:
            raise _SeenAll
        return made


def _redirected(name: str, input: Tensor, inplace: bool = False) -> Tensor:
    made: Tensor = _Redirected.apply(input, 6.0 if name == "relu6" else float("inf"))
    return input.copy_(made) if inplace or name == "relu_" else made


class _Redirected(torch.autograd.Function):
    """A ReLU that lets a sample's gradient through where it would end, if it pushes the input up (Olah et al. 2017)."""

    @staticmethod
    def forward(context: Any, x: Tensor, most: float) -> Tensor:
        context.save_for_backward(x > 0, x < most)  # not x, which may be changed in place
        return x.clamp(0, most)

    @staticmethod
    def backward(context: Any, gradient: Tensor) -> tuple[Tensor, None]:
        above, below = context.saved_tensors
        own = gradient * (above & below)
        ends = own.flatten(1).abs().amax(1) == 0
        pushing = gradient * (above | (gradient > 0))
        return torch.where(ends.reshape(-1, *[1] * (own.dim() - 1)), pushing, own), None
