"""Views of an explanation for Jupyter, all following one shared :class:`Exploration`.

Each view is usable alone in a notebook cell::

    exploration = Exploration(subjects.load("digits"))
    HeatmapView(exploration)
"""

from .class_scores import ClassScores
from .exploration import Answer, Exploration, Picture
from .heatmap import HeatmapView
from .input_strip import InputStrip
from .question_bar import QuestionBar
from .rule_board import RuleBoard
from .status_line import StatusLine
from .top_bar import TopBar
from .view import View

__all__ = [
    "Answer",
    "ClassScores",
    "Exploration",
    "HeatmapView",
    "InputStrip",
    "Picture",
    "QuestionBar",
    "RuleBoard",
    "StatusLine",
    "TopBar",
    "View",
]
