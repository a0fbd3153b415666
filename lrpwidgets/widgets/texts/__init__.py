"""Views of texts, for the room that explores one decision."""

from .across import AcrossTexts
from .head_matrix import HeadMatrix
from .strike_table import StrikeTable
from .token_trace import TokenTrace

__all__ = ["AcrossTexts", "HeadMatrix", "StrikeTable", "TokenTrace"]
