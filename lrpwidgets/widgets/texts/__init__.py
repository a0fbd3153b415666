"""Views of one decision on a text, all following one shared :class:`lrpwidgets.widgets.Exploration`."""

from .across import AcrossTexts
from .head_matrix import HeadMatrix
from .strike_table import StrikeTable
from .token_trace import TokenTrace
from .token_view import TokenView

__all__ = ["AcrossTexts", "HeadMatrix", "StrikeTable", "TokenTrace", "TokenView"]
