"""What does it want? Inputs that excite a class, a channel or a direction, and how honest they are.

Start with :func:`maximize`, which optimizes an input frame by frame (Erhan et al. 2009, Simonyan et al. 2013) for one
of the :mod:`~.objectives`, under one of the :mod:`~.priors`. :func:`references` finds the inputs of a data set that
show best what a channel stands for, and :func:`strategies` the ways in which a class is recognized.
Importing this package is quick: a part, and torch with it, loads when it is first used.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import objectives, priors
    from .honesty import Honesty
    from .network import DeadObjectiveError
    from .prototypes import Strategies, strategies
    from .reference_samples import ChannelReferences, References, references
    from .reference_store import ReferenceStore
    from .run import Frame, Result, Run, maximize

_HOMES = {
    "ChannelReferences": ".reference_samples",
    "DeadObjectiveError": ".network",
    "Frame": ".run",
    "Honesty": ".honesty",
    "ReferenceStore": ".reference_store",
    "References": ".reference_samples",
    "Result": ".run",
    "Run": ".run",
    "Strategies": ".prototypes",
    "maximize": ".run",
    "references": ".reference_samples",
    "strategies": ".prototypes",
}
"""Public names, and the module that each comes from."""

__all__ = [
    "ChannelReferences",
    "DeadObjectiveError",
    "Frame",
    "Honesty",
    "ReferenceStore",
    "References",
    "Result",
    "Run",
    "Strategies",
    "maximize",
    "objectives",
    "priors",
    "references",
    "strategies",
]


def __getattr__(name: str) -> Any:
    if name in _HOMES:
        return getattr(import_module(_HOMES[name], __name__), name)
    if name in __all__:
        return import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), *__all__])
