"""One torch call of a recorded forward, with the tensors it read and made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from functools import cache
from typing import Any

import torch
from torch import Tensor
from torch.overrides import resolve_name

from ..readable import summary
from .samples import Samples


@dataclass(frozen=True)
class Slot:
    """Stands in recorded arguments for the `position`-th tensor that depends on the model's inputs."""

    position: int


@dataclass(frozen=True, eq=False)
class Call:
    """A torch call as an operation sees it: ``function(*args, **kwargs)``.

    Attributes
    ----------
    inputs
        The tensors among the arguments that depend on the model's inputs; relevance may go to these alone.
    outputs
        What the call returned; None in the place of a result that carries no relevance, such as indices.
    nonnegative
        Whether every input is known to have no negative element.
    gates
        Of every input, whether it is known to be a gate: a factor that only scales a signal.
    magnitudes
        Of every input, whether it tells sizes: an absolute value or a square.
    unsquashed
        Of every input, what the activation that made it was applied to; itself where there was none.
    folded
        The calls that scale and shift its result by constants, one after the other: they are part of this one.
    channelwise
        Whether these scales and shifts are one number per output channel.
    at_bound
        Tells what the input is where the model's input has a given bound, if the model scales, shifts or moves its
        input before this call; else None.
    samples
        The samples that the elements of its outputs belong to.
    several
        Whether the relevance of several targets is going to pass this call.
    places
        Where in its plane each maximum was found, for a max pooling.
    """

    function: Callable[..., Any]
    args: tuple[Any, ...]
    kwargs: dict[str, Any]
    inputs: tuple[Tensor, ...]
    outputs: tuple[Tensor | None, ...]
    nonnegative: bool
    gates: tuple[bool, ...]
    magnitudes: tuple[bool, ...] = ()
    unsquashed: tuple[Tensor, ...] = ()
    folded: tuple[Call, ...] = ()
    channelwise: bool = False
    at_bound: Callable[[Any], Tensor | None] = lambda bound: None
    samples: Samples = field(default_factory=lambda: Samples(1))
    several: bool = False
    places: Tensor | None = None
    memory: dict[str, Any] = field(default_factory=dict)
    """What an operation wants to find again for the next of several targets."""
    found: dict[Any, Tensor] = field(default_factory=dict)
    """What was looked up of its weights; lives as long as the step obeys the same rule."""

    def __repr__(self) -> str:
        return f"Call({key(self.function)}: {', '.join(map(summary, (*self.inputs, *self.outputs)))})"

    @property
    def output(self) -> Tensor:
        """The only result of a call that has one."""
        (output,) = self.outputs
        assert output is not None
        return output

    def bind(self, layout: Callable[..., dict[str, Any]], *, slots: bool = False) -> dict[str, Any]:
        """The arguments by name; `layout` has the call's signature and returns its locals.

        With `slots`, every tensor that depends on the model's inputs is given as its :class:`Slot`.
        """
        args, kwargs = (self.args, self.kwargs) if slots else self._arguments(self.inputs)
        return layout(*args, **kwargs)

    def replay(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """Run the call again on other `inputs` of the same shapes; every result in a tuple."""
        args, kwargs = self._arguments(inputs)
        return results(self.function(*args, **kwargs))

    def pull(self, gradients: Sequence[Tensor | None]) -> tuple[Tensor, ...]:
        """Transposed Jacobian of the call at its inputs, applied to one gradient per output (None: zero)."""
        reached = [gradient for gradient in gradients if gradient is not None]
        with torch.enable_grad():
            # Whole numbers that only change place have gradients as if they were no whole ones.
            inputs = (x if x.is_floating_point() else x.to(reached[0].dtype) for x in self.inputs)
            sources = tuple(x.detach().requires_grad_() for x in inputs)
            # A view of an untouched source costs nothing; what the call returns is never changed in place.
            outputs = self.replay(*sources)
        pairs = zip(outputs, gradients, strict=True)
        differentiable = [(y, gradient) for y, gradient in pairs if gradient is not None and y.requires_grad]
        if not differentiable:  # it was detached
            return tuple(map(torch.zeros_like, sources))
        made, given = zip(*differentiable, strict=True)
        return torch.autograd.grad(made, sources, given, allow_unused=True, materialize_grads=True)

    def widened(self, *, rounds: bool, known: dict[int, tuple[Tensor, Tensor]]) -> Call:
        """The call in 32 bits, computed anew, if it ran in 16; else itself.

        `rounds`: autocast gave it its inputs in 16 bits, so they are rounded first, lest sums that are nearly 0
        differ. `known` holds the constants that were widened before, by id, beside their originals.
        """
        if all(x is None or x.dtype not in _NARROW for x in (*self.inputs, *self.outputs)):
            return self
        made_in = next((y.dtype for y in self.outputs if y is not None and _is_narrow(y)), None) if rounds else None

        def wide(item: Any) -> Any:
            if not isinstance(item, Tensor) or item.dtype not in (*_NARROW, torch.float32):
                return item
            return item.float() if made_in is None else item.to(made_in).float()

        def constant(item: Any) -> Any:
            if not isinstance(item, Tensor):
                return item
            if id(item) not in known:
                known[id(item)] = item, wide(item)
            return known[id(item)][1]

        def widen(call: Call, **changed: Any) -> Call:
            args, kwargs = substitute((call.args, call.kwargs), constant)
            return replace(call, args=args, kwargs=kwargs, **changed)

        call = widen(self, inputs=tuple(map(wide, self.inputs)), unsquashed=tuple(map(wide, self.unsquashed)))
        made = call.replay(*call.inputs)
        made_in = None  # what follows keeps its own precision
        folded = tuple(map(widen, self.folded))
        for each in folded:
            made = each.replay(*made)
        outputs = tuple(None if y is None else wide(new) for y, new in zip(self.outputs, made, strict=True))
        return replace(call, folded=folded, outputs=outputs)

    def _arguments(self, inputs: Sequence[Tensor]) -> tuple[tuple[Any, ...], dict[str, Any]]:
        return fill(self.args, inputs), fill(self.kwargs, inputs)


_NARROW = (torch.float16, torch.bfloat16)


def _is_narrow(item: Any) -> bool:
    return isinstance(item, Tensor) and item.dtype in _NARROW


@cache
def key(function: Callable[..., Any]) -> str:
    """The table's name for `function`: ``"relu"`` for ``torch.relu``, ``F.relu``, ``Tensor.relu``, ``aten.relu``."""
    function = getattr(function, "overloadpacket", function)  # aten.relu for aten.relu.default
    own = getattr(function, "__qualname__", type(function).__name__)  # operators of higher order have none
    name = resolve_name(function) or f"{function.__module__}.{own}"
    if name in _OTHERWISE_ORDERED:
        return f"torch.{name.rpartition('.')[2]}"
    for prefix in _PREFIXES:
        if name.startswith(prefix):
            return name.removeprefix(prefix).removesuffix(".__get__")
    return name


def spelled(function: Callable[..., Any]) -> str:
    """How to write `function` in Python."""
    if isinstance(function, torch._ops.OpOverload | torch._ops.OpOverloadPacket):
        return f"torch.ops.{function}"
    return resolve_name(function) or f"{function.__module__}.{function.__qualname__}"


_PREFIXES = (
    *("torch.nn.functional.", "torch.functional.", "torch.Tensor."),
    *("torch._VariableFunctionsClass.", "torch._C._nn.", "torch.", "lrpwidgets.lrp.inplace."),
    "lrpwidgets.lrp.expansions.",
    "aten.",
)

_OTHERWISE_ORDERED = ("torch.batch_norm", "aten.batch_norm", "torch.instance_norm", "aten.instance_norm")
"""Functions that take the arguments of their namesakes in ``torch.nn.functional`` in another order."""


def fill(tree: Any, inputs: Sequence[Tensor]) -> Any:
    """`tree` with every slot replaced by its tensor."""
    return substitute(tree, lambda item: inputs[item.position] if isinstance(item, Slot) else item)


def substitute(tree: Any, replace: Callable[[Any], Any]) -> Any:
    """`tree` of tuples, lists and dicts with `replace` applied to every leaf, in reading order.

    Numbers, words and None are left alone: most arguments of a torch call are such.
    """
    if type(tree) in _PLAIN:
        return tree
    if isinstance(tree, (tuple, list)):  # a union of types takes twice as long
        items = [item if type(item) in _PLAIN else substitute(item, replace) for item in tree]
        # A torch.Size or a named tuple is rebuilt as a plain tuple: torch takes either.
        return items if isinstance(tree, list) else tuple(items)
    if isinstance(tree, dict):
        return {key: substitute(item, replace) for key, item in tree.items()} if tree else tree
    return replace(tree)


def leaves(tree: Any) -> list[Any]:
    """The leaves of `tree` but for numbers, words and None."""
    found: list[Any] = []
    substitute(tree, found.append)
    return found


def tensors(tree: Any) -> list[Tensor]:
    """The tensors in `tree`; in recorded arguments those that depend on the inputs are slots."""
    return [item for item in leaves(tree) if isinstance(item, Tensor)]


def numbers(tree: Any) -> list[Any]:
    """The numbers and the tensors in `tree`."""
    if isinstance(tree, int | float | Tensor):
        return [tree]
    items = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, tuple | list) else ()
    return [number for item in items for number in numbers(item)]


_PLAIN = frozenset((int, float, bool, str, type(None)))


def results(returned: Any) -> tuple[Any, ...]:
    """What a torch function `returned`, nested tuples flattened."""
    if not isinstance(returned, tuple | list):
        return (returned,)
    return tuple(leaf for item in returned for leaf in results(item))


def version(tensor: Tensor) -> int:
    """Counts the in-place changes of `tensor`; torch keeps no count under inference mode."""
    return 0 if tensor.is_inference() else tensor._version
