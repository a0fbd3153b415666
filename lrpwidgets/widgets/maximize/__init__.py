"""Views of a maximization for Jupyter, all following one shared :class:`Studio`.

Each is usable alone in a notebook cell::

    studio = Studio(subjects.load("digits"))
    FilmView(studio)
    HonestyView(studio)
"""

from .channel_list import ChannelList
from .concept_graph import ConceptGraph
from .curves import Curves
from .film_view import FilmView
from .honesty_view import HonestyView
from .maximize_bar import MaximizeBar
from .prior_wall import PriorWall
from .question import Wish
from .sample_view import SampleView
from .standing import Standing
from .status import MaximizeStatus
from .strategy_view import StrategyView
from .studio import Studio
from .wish_bar import WishBar

__all__ = [
    "ChannelList",
    "ConceptGraph",
    "Curves",
    "FilmView",
    "HonestyView",
    "MaximizeBar",
    "MaximizeStatus",
    "PriorWall",
    "SampleView",
    "Standing",
    "StrategyView",
    "Studio",
    "Wish",
    "WishBar",
]
