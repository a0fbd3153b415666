"""The inputs of a model as people have them: numbers, tokens, and masks, lengths or edges that go along with them.

What only goes along is a constant: no relevance reaches it, as if it were fixed in the model. A caller declares it, or
it is found out: truth values always, whole numbers where the model looks none of them up in a table.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.overrides import TorchFunctionMode

from . import operations
from .batch import Batch, check_names, not_taken
from .call import leaves, results
from .recorder import check_rows, eval_mode

ADD_ONE = "If the batch axis is missing, add one: x[None]."
"""What to tell of an input that may be a single sample."""


def checked(x: Any, dtype: torch.dtype | None, *, constant: bool, alone: bool, name: str = "") -> Tensor:
    """An input that a model of that `dtype` can take; `alone` if it is the only one, `name` if it was given by one.

    Raises
    ------
    TypeError
        If it is no tensor of numbers of the model's precision, or of whole ones.
    ValueError
        If it is no batch, empty, or not finite.
    """
    if not isinstance(x, Tensor):
        way = "; torch.from_numpy(x) makes one" if isinstance(x, np.ndarray) else ""
        way = "; a tokenizer makes some with return_tensors='pt'" if isinstance(x, list) else way
        several = "" if name else " or a tuple of them, or a dict of them by the names of the model's arguments"
        raise TypeError(f"{name or 'inputs'} must be a torch tensor (B, ...){several}, got {type(x).__name__}{way}.")
    is_, contains = (f"{name} is", f"{name} contains") if name else ("inputs are", "inputs contain")
    numbers = x.dtype not in (torch.int64, torch.int32, *([] if alone else [torch.bool]))
    wanted = dtype or (x.dtype if numbers else torch.float32)
    if numbers and x.dtype != wanted and not constant:
        raise TypeError(f"{is_} {x.dtype}, but the model computes in {wanted}; convert with x.to({wanted}).")
    if x.dim() < (2 if numbers and not constant else 1) or x.numel() == 0:
        way = f" {ADD_ONE}" if x.numel() else ""
        raise ValueError(
            f"{name or 'inputs'} must be a batch (B, ...) that is not empty, got shape {tuple(x.shape)}.{way}"
        )
    finite = x.isfinite()
    if not constant and not bool(finite.all()):
        where = tuple((~finite).nonzero()[0].tolist())
        raise ValueError(f"{contains} NaN or infinity: the first is {float(x[where])} at index {where}.")
    return x.clone() if x.is_inference() else x.detach()


def declared(constants: Any, batch: Batch) -> frozenset[int]:
    """The positions of the `constants`, which are told by position or name; by name also what only goes along.

    Those are masks and what tells the places and types of tokens: what it adds is in the ledger.

    Raises
    ------
    ValueError
        If there is no such input.
    """
    along = {position for position, name in enumerate(batch.names) if _goes_along(name)}
    return frozenset(along | {_position(each, batch) for each in constants})


def _goes_along(name: str) -> bool:
    return name.endswith(("mask", "position_ids", "token_type_ids"))


def _position(constant: Any, batch: Batch) -> int:
    if isinstance(constant, str) and constant in batch.names:
        return batch.names.index(constant)
    if isinstance(constant, int) and not isinstance(constant, bool) and 0 <= constant < len(batch.tensors):
        return constant
    takes = "their positions, from 0 on: Explainer(model, constants=[1]) for explain((tokens, mask))"
    if batch.names:
        takes = f"their names, of {', '.join(map(repr, batch.names))}"
    raise ValueError(f"constants holds {constant!r}, and there are {len(batch.tensors)} inputs; it takes {takes}.")


def check_constants(batch: Batch) -> None:
    """Check that the `batch` has something to explain beside its constants.

    Raises
    ------
    ValueError
        If nothing is left to explain, or a constant shares its memory with an explained input.
    """
    inputs, positions = batch.tensors, batch.constants
    explained = [x for position, x in enumerate(inputs) if position not in positions]
    if not explained:
        constants = sorted(batch.names[position] if batch.names else position for position in positions)
        raise ValueError(f"constants={constants} leaves no input to explain; leave one of them out.")
    for position in positions:
        if any(x.untyped_storage()._cdata == inputs[position].untyped_storage()._cdata for x in explained):
            raise ValueError(
                f"The constant input {position} shares its memory with an input that is explained, so it depends on "
                f"it; give {batch.called(position)}.clone()."
            )


def check_masks(batch: Batch) -> None:
    """Raise ValueError if an attention mask, given by name, hides all of a sample."""
    for name, mask in batch.by_name.items():
        if name.endswith("attention_mask") and mask.dim() == 2 and not mask.is_floating_point():
            hidden = (mask == 0).all(1).nonzero().flatten().tolist()
            if hidden:
                raise ValueError(
                    f"{name} hides all of sample {', '.join(map(str, hidden))}: nothing is left there to explain. A "
                    "mask is 1 where there is a token and 0 where there is padding."
                )


def check_batch(batch: Batch) -> None:
    """Raise ValueError if the explained inputs of the `batch` are batches of different sizes.

    Those of one sample, given by name, need not be: patches of its picture, as Qwen2-VL takes them, or texts that are
    held against it, as CLIP does, are one input however many rows it has.
    """
    if (differ := sizes_that_differ(batch)) and (batch.size > 1 or not batch.names):
        raise ValueError(differ)


def sizes_that_differ(batch: Batch) -> str:
    """That the explained inputs of the `batch` have different numbers of rows, and what to do; "" if they have not."""
    explained = [position for position in range(len(batch.tensors)) if position not in batch.constants]
    sizes = [len(batch.tensors[position]) for position in explained]
    if len(set(sizes)) == 1:
        return ""
    way = "constants=[1]) for the second"
    if batch.names:
        fewest = min(explained, key=lambda position: len(batch.tensors[position]))
        way = f"constants=[{batch.names[fewest]!r}])"
    return (
        f"The inputs are batches of different sizes: {', '.join(map(str, sizes))}. If one of them is no batch but "
        f"goes along with it, such as a list of edges, declare it: Explainer(model, {way}."
    )


def undeclared(model: nn.Module, batch: Batch) -> frozenset[int]:
    """Which inputs of the `batch`, beside its constants, turn out to be such.

    Raises
    ------
    TypeError
        If the model takes no argument of a name, or does not look at it.
    """
    inputs, unsure = batch.tensors, check_names(model, batch.names)
    left = [position for position in range(len(inputs)) if position not in batch.constants]
    truths = {position for position in left if inputs[position].dtype == torch.bool}
    whole = {position for position in left if not inputs[position].is_floating_point()} - truths
    certain = len(left) == 1 or not whole
    lookups = _Lookups(inputs)
    if not certain or unsure:
        with torch.no_grad(), eval_mode(model), lookups:
            try:
                batch.run(model)
            except Exception:  # the recording will tell what is wrong
                certain, unsure = True, []
    if ignored := [name for name in unsure if batch.names.index(name) not in lookups.read]:
        raise TypeError(not_taken(model, ignored))
    if certain:
        return frozenset(truths) if truths < set(left) else frozenset()
    found = truths | (whole - lookups.found)
    return frozenset(found) if found < set(left) else frozenset(truths)


class _Lookups(TorchFunctionMode):
    """Finds out which whole-number inputs tell rows of a table, on their own or moved, shifted, cut."""

    def __init__(self, inputs: Sequence[Tensor]) -> None:
        super().__init__()
        self.found: set[int] = set()
        self.read: set[int] = set()
        """The inputs that any call has read."""
        self._inputs = {id(x): position for position, x in enumerate(inputs)}
        self._origins: dict[int, set[int]] = {}
        self._alive: list[Any] = []  # so that ids stay theirs
        self._dependent = {id(x) for x in inputs}
        for position, x in enumerate(inputs):
            if not x.is_floating_point() and x.dtype != torch.bool:
                self._origins[id(x)] = {position}

    def __torch_function__(
        self, function: Callable[..., Any], types: Any, args: tuple[Any, ...] = (), kwargs: Any = None
    ) -> Any:
        check_rows(function, args, kwargs or {})
        made = function(*args, **(kwargs or {}))
        read = [id(item) for item in leaves((args, kwargs or {}))]
        if self._dependent.isdisjoint(read):
            return made
        self.read.update(self._inputs[each] for each in read if each in self._inputs)
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
