"""Views of an explanation for Jupyter, all following one shared :class:`Exploration`.

Each view is usable alone in a notebook cell::

    exploration = Exploration(subjects.load("digits"))
    HeatmapView(exploration)
"""

from .base.answers import Answer, Picture
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
    "Picture",
    "Question",
    "QuestionBar",
    "RuleBoard",
    "StatusLine",
    "TopBar",
    "Tour",
    "View",
]
