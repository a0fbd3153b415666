"""How objects print: as the call that makes them, without what is at its default and without the numbers of arrays.

A dataclass that is :class:`Readable` is decorated with ``repr=False``, lest it gets a representation of its own.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import MISSING, Field, fields
from typing import Any

_MANY = 8
"""Entries of a list beyond which only their number is printed."""


class Readable:
    """Prints as ``Stage(0, stop=2)``: the first field by its place if it has to be given, the others by name.

    A field whose metadata has ``"shown"`` is there also at its default.
    """

    def __repr__(self) -> str:
        return f"{type(self).__name__}({', '.join(_arguments(self))})"


def summary(value: Any) -> str:
    """`value` in a few words: an array or tensor by its type and shape, bytes and containers of those by their size."""
    if _is_array(value):
        return f"<{str(value.dtype).removeprefix('torch.')} {tuple(value.shape)}>"
    if isinstance(value, bytes):
        return f"<{len(value):,} bytes>"
    inside = list(value.values()) if isinstance(value, dict) else value
    if isinstance(inside, list | tuple) and any(map(_is_array, inside)):
        return f"<arrays: {len(inside)}>"
    if isinstance(value, list | dict) and len(value) > _MANY:
        return f"<entries: {len(value)}>"
    return repr(value)


def _arguments(item: Any) -> Iterator[str]:
    for place, each in enumerate(fields(item)):
        value = getattr(item, each.name)
        if each.repr and not _is_default(each, value):
            first = place == 0 and each.default is MISSING
            yield summary(value) if first else f"{each.name}={summary(value)}"


def _is_default(each: Field[Any], value: Any) -> bool:
    if "shown" in each.metadata or _is_array(value):
        return False
    default = each.default if each.default_factory is MISSING else each.default_factory()
    return bool(value is default or value == default)


def _is_array(value: Any) -> bool:
    return hasattr(value, "shape") and hasattr(value, "dtype")
