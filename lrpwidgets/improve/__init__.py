"""Mend a model, and prove that it is mended.

Importing this package is quick: a part, and torch with it, loads when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

if TYPE_CHECKING:
    from .cutting import apply_structure
    from .heads import head_scores, silence_heads
    from .pruning import prune
    from .pruning_curves import Pruned, pruning_curve, pruning_steps
    from .repaired import Repair, Repaired
    from .scoring import UnitScores, unit_scores
    from .training import History, Training

_HOMES = {
    "History": ".training",
    "Pruned": ".pruning_curves",
    "Repair": ".repaired",
    "Repaired": ".repaired",
    "Training": ".training",
    "UnitScores": ".scoring",
    "apply_structure": ".cutting",
    "head_scores": ".heads",
    "prune": ".pruning",
    "pruning_curve": ".pruning_curves",
    "pruning_steps": ".pruning_curves",
    "silence_heads": ".heads",
    "unit_scores": ".scoring",
}
"""Public names, and the module that each comes from."""

__all__ = [
    "History",
    "Pruned",
    "Repair",
    "Repaired",
    "Training",
    "UnitScores",
    "apply_structure",
    "head_scores",
    "prune",
    "pruning_curve",
    "pruning_steps",
    "silence_heads",
    "unit_scores",
]

__getattr__, __dir__ = public(__name__, _HOMES)
