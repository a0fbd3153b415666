"""Methods side by side, and which of them to trust."""

from .compare_bar import CompareBar
from .flip_curves import FlipCurves
from .flip_view import FlipView
from .method_table import MethodTable
from .ranking import Ranking
from .referee import Referee
from .status import CompareStatus

__all__ = ["CompareBar", "CompareStatus", "FlipCurves", "FlipView", "MethodTable", "Ranking", "Referee"]
