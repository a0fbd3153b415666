"""In-place calls and the out-of-place calls that are recorded for them."""

from __future__ import annotations

from collections.abc import Callable, Container, Sequence
from functools import cache
from inspect import signature
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from .call import key


def out_of_place(
    function: Callable[..., Any], args: tuple[Any, ...], kwargs: dict[str, Any], known: Container[str]
) -> tuple[Callable[..., Any], tuple[Any, ...], dict[str, Any]] | None:
    """The same call without its side effect on the first argument; None if it has none.

    Functions whose name ends in an underscore have one, but for those that the operation table calls `known`.

    Raises
    ------
    NotImplementedError
        If the call changes its first argument and has no out-of-place twin.
    """
    name = key(function)
    if kwargs.get("out") is not None:
        raise NotImplementedError(f"`{name}` is called with out=..., which relevance cannot be followed through.")
    if name in _TWINS or (name.endswith("_") and not name.endswith("__") and name not in known):
        plain = name.removesuffix("_")
        twin = _TWINS.get(name) or getattr(torch.Tensor, plain, None) or getattr(F, plain, None)
        if not callable(twin):
            raise NotImplementedError(
                f"`{name}` overwrites a tensor that depends on the inputs, and relevance cannot be followed "
                "through that; use an out-of-place call instead."
            )
        return twin, args, kwargs
    parameters = _parameters(function)
    position = parameters.index("inplace") if "inplace" in parameters else len(args)
    if kwargs.get("inplace"):
        return function, args, {**kwargs, "inplace": False}
    if position < len(args) and args[position]:
        return function, (*args[:position], False, *args[position + 1 :]), kwargs
    return None


def set_item(x: Tensor, index: Any, item: Any) -> Tensor:
    """``x[index] = item`` on a copy."""
    changed = _writable(x, item)
    changed[index] = item
    return changed


def copied(x: Tensor, source: Any, non_blocking: bool = False) -> Tensor:
    """The result of ``x.copy_(source)``."""
    return set_item(x, ..., source)


def overlaid(x: Tensor, part: Tensor, stride: Sequence[int], offset: int) -> Tensor:
    """`x` after `part` was written into its memory, through a view that begins at `offset`."""
    changed = _writable(x, part)
    changed.as_strided(part.shape, stride, offset).copy_(part)
    return changed


def _writable(x: Tensor, item: Any) -> Tensor:
    """A copy of `x`, of real numbers if it is going to hold some that stand for whole ones, to take a derivative."""
    takes = torch.is_grad_enabled() and isinstance(item, Tensor) and item.requires_grad
    return x.to(item.dtype, copy=True) if takes and not x.is_floating_point() else x.clone()


_TWINS: dict[str, Callable[..., Any]] = {
    "__setitem__": set_item,
    "copy_": copied,
    "__ipow__": torch.Tensor.pow,
}


@cache
def _parameters(function: Callable[..., Any]) -> tuple[str, ...]:
    """Names of the parameters; empty for the many torch functions that are built in."""
    try:
        return tuple(signature(function).parameters)
    except (TypeError, ValueError):
        return ()
