"""Views of a maximization for Jupyter, all following one shared :class:`Studio`.

Each is usable alone in a notebook cell::

    studio = Studio(subjects.load("digits"))
    FilmView(studio)
    HonestyView(studio)
"""

from .channel_list import ChannelList
from .curves import Curves
from .film_view import FilmView
from .honesty_view import HonestyView
from .maximize_bar import MaximizeBar
from .prior_wall import PriorWall
from .question import Wish
from .standing import Standing
from .state import Studio
from .status import MaximizeStatus
from .wish_bar import WishBar

__all__ = [
    "ChannelList",
    "Curves",
    "FilmView",
    "HonestyView",
    "MaximizeBar",
    "MaximizeStatus",
    "PriorWall",
    "Standing",
    "Studio",
    "Wish",
    "WishBar",
]
