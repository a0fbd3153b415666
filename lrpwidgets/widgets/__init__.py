"""Views of an explanation for Jupyter, all following one shared :class:`Exploration`.

Each view is usable alone in a notebook cell::

    exploration = Exploration(subjects.load("digits"))
    HeatmapView(exploration)
"""

from ..subjects.shown import Shown
from .base.answers import Answer
from .base.question import Question
from .base.view import View
from .explore import (
    ChannelMaps,
    ClassScores,
    Compare,
    Exploration,
    HeatmapView,
    InputStrip,
    LayerInspector,
    QuestionBar,
    RuleBoard,
    StatusLine,
    TopBar,
    Tour,
)

__all__ = [
    "Answer",
    "ChannelMaps",
    "ClassScores",
    "Compare",
    "Exploration",
    "HeatmapView",
    "InputStrip",
    "LayerInspector",
    "Question",
    "QuestionBar",
    "RuleBoard",
    "Shown",
    "StatusLine",
    "TopBar",
    "Tour",
    "View",
]
