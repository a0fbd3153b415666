"""Views of an explanation for Jupyter, all following one shared :class:`Exploration`.

Each view is usable alone in a notebook cell::

    exploration = Exploration(subjects.load("digits"))
    HeatmapView(exploration)
"""

from .base.answers import Answer, Picture
from .base.question import Question
from .base.view import View
from .explore.channel_maps import ChannelMaps
from .explore.class_scores import ClassScores
from .explore.compare import Compare
from .explore.exploration import Exploration
from .explore.heatmap import HeatmapView
from .explore.input_strip import InputStrip
from .explore.layer_inspector import LayerInspector
from .explore.question_bar import QuestionBar
from .explore.rule_board import RuleBoard
from .explore.status_line import StatusLine
from .explore.top_bar import TopBar

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
