"""Views of an explanation for Jupyter, all following one shared :class:`Exploration`.

Each view is usable alone in a notebook cell::

    exploration = Exploration(subjects.load("digits"))
    HeatmapView(exploration)
"""

from .answers import Answer, Picture
from .channel_maps import ChannelMaps
from .class_scores import ClassScores
from .compare import Compare
from .exploration import Exploration
from .heatmap import HeatmapView
from .input_strip import InputStrip
from .layer_inspector import LayerInspector
from .question import Question
from .question_bar import QuestionBar
from .rule_board import RuleBoard
from .status_line import StatusLine
from .top_bar import TopBar
from .view import View

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
    "View",
]
