"""Plain values, as JSON has them: what a store says of itself, and whether that is what it should be."""

from __future__ import annotations

import json
from collections.abc import Mapping
from types import UnionType
from typing import Any, Literal, TypeGuard, get_args, get_origin

_MOST = 2**53
"""Whole numbers beyond this are none of ours, and too large to count with."""


def is_count(value: Any) -> TypeGuard[int]:
    """Whether it is a whole number of at least 0."""
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= _MOST


def is_a(value: Any, hint: Any) -> bool:
    """Whether a value from JSON is of that type; counts are never negative, and lists may stand for tuples."""
    kind, parts = get_origin(hint) or hint, get_args(hint)
    if kind is UnionType:
        return any(is_a(value, part) for part in parts)
    if kind is Literal:
        return value in parts
    if kind in (list, tuple):
        return isinstance(value, list) and all(is_a(each, parts[0]) for each in value)
    if kind is dict:
        return isinstance(value, dict) and all(is_a(each, parts[1]) for each in value.values())
    if kind is int:
        return is_count(value)
    return kind is Any or isinstance(value, kind)


def plain(data: Mapping[str, Any]) -> dict[str, Any]:
    """`data` as it comes back from JSON: with lists in place of tuples."""
    found: dict[str, Any] = json.loads(json.dumps(data))
    return found
