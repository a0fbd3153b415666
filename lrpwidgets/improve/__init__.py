"""Mend a model, and prove that it is mended.

Importing this package is quick: a part, and torch with it, loads when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

if TYPE_CHECKING:
    from .repaired import Repair, Repaired
    from .training import History, Training

_HOMES = {
    "History": ".training",
    "Repair": ".repaired",
    "Repaired": ".repaired",
    "Training": ".training",
}
"""Public names, and the module that each comes from."""

__all__ = ["History", "Repair", "Repaired", "Training"]

__getattr__, __dir__ = public(__name__, _HOMES)
