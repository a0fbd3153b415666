"""Packages that are quick to import: a public name, and torch with it, loads when it is first used (PEP 562)."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from importlib import import_module
from typing import Any


def public(package: str, homes: Mapping[str, str]) -> tuple[Callable[[str], Any], Callable[[], list[str]]]:
    """The ``__getattr__`` and ``__dir__`` of a `package`: each public name comes from its home, a module below it.

    Where the home is called as the name is, it is the module itself.
    """

    def load(name: str) -> Any:
        if name not in homes:
            raise AttributeError(f"module {package!r} has no attribute {name!r}")
        module = import_module(homes[name], package)
        return module if homes[name] == f".{name}" else getattr(module, name)

    return load, lambda: sorted({*vars(import_module(package)), *homes})
