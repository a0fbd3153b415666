"""Views of one decision, all following one shared :class:`Exploration`."""

from .channel_maps import ChannelMaps
from .class_scores import ClassScores
from .compare import Compare
from .exploration import Exploration
from .heatmap import HeatmapView
from .input_strip import InputStrip
from .layer_inspector import LayerInspector
from .question_bar import QuestionBar
from .rule_board import RuleBoard
from .status_line import StatusLine
from .top_bar import TopBar
from .tour import Tour

__all__ = [
    "ChannelMaps",
    "ClassScores",
    "Compare",
    "Exploration",
    "HeatmapView",
    "InputStrip",
    "LayerInspector",
    "QuestionBar",
    "RuleBoard",
    "StatusLine",
    "TopBar",
    "Tour",
]
