"""What a tape refers to, by name, so that it can travel to another process.

Torch makes many of its functions when it is imported, and rows of the operation table hold functions without a name:
pickle finds neither of them again. Both have names of their own, though.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import reduce
from typing import Any

import torch

from . import operations
from .call import spelled
from .operations import Operation


@dataclass(frozen=True)
class Name:
    """A function of torch's: ``torch.nn.functional.max_pool2d``."""

    name: str

    def found(self) -> Any:
        """The function; AttributeError if this torch has none of that name."""
        return reduce(getattr, self.name.split(".")[1:], torch)


@dataclass(frozen=True)
class Row:
    """An entry of the operation table."""

    function: str
    place: int
    """Among the entries of that function counted from the last, as those that users register come first."""
    family: str

    def found(self) -> Operation:
        """The entry.

        Raises
        ------
        LookupError
            If the table here has another one in its place, or none.
        """
        entries = operations.OPERATIONS.get(self.function, ())
        entry = entries[-self.place] if self.place <= len(entries) else None
        if entry is None or type(entry).__name__ != self.family:
            raise LookupError(
                f"The explanation was made with an entry {self.family} for `{self.function}` that the operation table "
                "lacks here: call `lrp.operations.register` as it was called there, or load it with the version of "
                "lrpwidgets that saved it."
            )
        return entry


@dataclass(frozen=True)
class Form:
    """An operation of the canonical form."""

    name: str

    def found(self) -> Operation:
        """The operation."""
        return operations.FORMS[self.name]


def named(function: Callable[..., Any]) -> Any:
    """`function` by its name, if torch has it under one; else itself."""
    name = Name(spelled(function))
    try:
        return name if name.name.startswith("torch.") and name.found() == function else function
    except AttributeError:
        return function


def listed(operation: Operation | None, function: Callable[..., Any]) -> Any:
    """`operation` by its name or its place in the table, if it is the entry of `function` there; else itself."""
    for name, form in operations.FORMS.items():
        if form is operation:
            return Form(name)
    key = operations.key(function)
    for place, entry in enumerate(reversed(operations.OPERATIONS.get(key, ())), start=1):
        if entry is operation:
            return Row(key, place, type(entry).__name__)
    return operation


def found(item: Any) -> Any:
    """What :func:`named` or :func:`listed` gave, turned back."""
    return item.found() if isinstance(item, Name | Row | Form) else item
