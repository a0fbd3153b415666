"""The inputs of a model as people have them: numbers, tokens, and masks, lengths or edges that go along with them.

What only goes along is a constant: no relevance reaches it, as if it were fixed in the model. A caller declares it, or
it is found out: truth values always, whole numbers where the model looks none of them up in a table.
"""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from . import operations
from .call import leaves, results
from .recorder import eval_mode

ADD_ONE = "If the batch axis is missing, add one: x[None]."
"""What to tell of an input that may be a single sample."""


def checked(x: Any, dtype: torch.dtype | None, *, constant: bool, alone: bool) -> Tensor:
    """An input that a model of that `dtype` can take; `alone` if it is the only one.

    Raises
    ------
    TypeError
        If it is no tensor of numbers of the model's precision, or of whole ones.
    ValueError
        If it is no batch, empty, or not finite.
    """
    if not isinstance(x, Tensor):
        way = "; torch.from_numpy(x) makes one" if isinstance(x, np.ndarray) else ""
        raise TypeError(f"inputs must be a torch tensor (B, ...) or a tuple of them, got {type(x).__name__}{way}.")
    numbers = x.dtype not in (torch.int64, torch.int32, *([] if alone else [torch.bool]))
    wanted = dtype or (x.dtype if numbers else torch.float32)
    if numbers and x.dtype != wanted and not constant:
        raise TypeError(f"inputs are {x.dtype}, but the model computes in {wanted}; convert with x.to({wanted}).")
    if x.dim() < (2 if numbers and not constant else 1) or x.numel() == 0:
        way = f" {ADD_ONE}" if x.numel() else ""
        raise ValueError(f"inputs must be a batch (B, ...) that is not empty, got shape {tuple(x.shape)}.{way}")
    finite = x.isfinite()
    if not constant and not bool(finite.all()):
        where = tuple((~finite).nonzero()[0].tolist())
        raise ValueError(f"inputs contain NaN or infinity: the first is {float(x[where])} at index {where}.")
    return x.clone() if x.is_inference() else x.detach()


def check_constants(constants: Any, inputs: Sequence[Tensor]) -> frozenset[int]:
    """The positions that count as constants among the `inputs`.

    Raises
    ------
    ValueError
        If there is no such input, none is left to explain, or one shares its memory with an explained one.
    """
    positions = frozenset(constants)
    for position in positions:
        if isinstance(position, bool) or not isinstance(position, int) or not 0 <= position < len(inputs):
            raise ValueError(
                f"constants holds {position!r}, and there are {len(inputs)} inputs; it takes their positions, from 0 "
                "on: Explainer(model, constants=[1]) for explain((tokens, mask))."
            )
    explained = [x for position, x in enumerate(inputs) if position not in positions]
    if not explained:
        raise ValueError(f"constants={sorted(positions)} leaves no input to explain; leave one of them out.")
    for position in positions:
        if any(x.untyped_storage()._cdata == inputs[position].untyped_storage()._cdata for x in explained):
            raise ValueError(
                f"The constant input {position} shares its memory with an input that is explained, so it depends on "
                f"it; give inputs[{position}].clone()."
            )
    return positions


def check_batch(inputs: Sequence[Tensor], constants: Container[int]) -> None:
    """Raise ValueError if the explained `inputs` are batches of different sizes."""
    sizes = [len(x) for position, x in enumerate(inputs) if position not in constants]
    if len(set(sizes)) > 1:
        raise ValueError(
            f"The inputs are batches of different sizes: {', '.join(map(str, sizes))}. If one of them is no batch but "
            "goes along with it, such as a list of edges, declare it: Explainer(model, constants=[1]) for the second."
        )


def undeclared(
    model: nn.Module, inputs: tuple[Tensor, ...], declared: Container[int], take: Callable[[], Any]
) -> frozenset[int]:
    """Which inputs, beside those `declared`, turn out to be constants; `take` runs the model on the `inputs`."""
    left = [position for position in range(len(inputs)) if position not in declared]
    truths = {position for position in left if inputs[position].dtype == torch.bool}
    whole = {position for position in left if not inputs[position].is_floating_point()} - truths
    if len(left) == 1 or not whole:
        return frozenset(truths) if truths < set(left) else frozenset()
    lookups = _Lookups(inputs)
    with torch.no_grad(), eval_mode(model), lookups:
        try:
            take()
        except Exception:  # the recording will tell what is wrong
            return frozenset(truths)
    found = truths | (whole - lookups.found)
    return frozenset(found) if found < set(left) else frozenset(truths)


class _Lookups(TorchFunctionMode):
    """Finds out which whole-number inputs tell rows of a table, on their own or moved, shifted, cut."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.found: set[int] = set()
        self._origins: dict[int, set[int]] = {}
        self._alive: list[Any] = []  # so that ids stay theirs
        self._dependent = {id(x) for x in inputs}
        for position, x in enumerate(inputs):
            if not x.is_floating_point() and x.dtype != torch.bool:
                self._origins[id(x)] = {position}

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        made = function(*args, **(kwargs or {}))
        read = [id(item) for item in leaves((args, kwargs or {}))]
        if self._dependent.isdisjoint(read):
            return made
        tensors = [each for each in results(made) if isinstance(each, Tensor)]
        self._alive += tensors
        self._dependent.update(map(id, tensors))
        origins = set[int]().union(*(self._origins.get(each, set()) for each in read))
        name = operations.key(function)
        if name in ("embedding", "embedding_bag", "one_hot") or (
            name in ("__getitem__", "index_select") and id(args[0]) not in self._dependent
        ):
            self.found |= origins
        elif origins and operations.moves(function):
            for each in tensors:
                if not each.is_floating_point() and each.dtype != torch.bool:
                    self._origins[id(each)] = origins
        return made
