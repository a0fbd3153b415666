"""What does it want? Inputs that excite a class, a channel or a direction, and how honest they are.

Start with :func:`maximize`, which optimizes an input frame by frame (Erhan et al. 2009, Simonyan et al. 2013) for one
of the :mod:`~.objectives`, under one of the :mod:`~.priors`. :func:`references` finds the inputs of a data set that
show best what a channel stands for, and :func:`strategies` the ways in which a class is recognized.
Importing this package is quick: a part, and torch with it, loads when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

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
    "objectives": ".objectives",
    "priors": ".priors",
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

__getattr__, __dir__ = public(__name__, _HOMES)
