"""Views of a relevance store for Jupyter, all following one shared :class:`Investigation`.

Each is usable alone in a notebook cell::

    state = Investigation(store, subject)
    EmbeddingScatter(state)
    ThumbnailWall(state)
"""

from .atlas_bar import AtlasBar
from .attribution import Attribution
from .attribution_view import AttributionBar, AttributionStatus, AttributionView
from .class_ranking import ClassRanking
from .cluster_cards import ClusterCards
from .eigenvalue_chart import EigenvalueChart
from .points import Points
from .poison_test import PoisonTest
from .question import AtlasQuestion
from .scatter import EmbeddingScatter
from .spray_bar import SprayBar
from .state import Investigation
from .status import SprayStatus
from .wall import ThumbnailWall

__all__ = [
    "AtlasBar",
    "AtlasQuestion",
    "Attribution",
    "AttributionBar",
    "AttributionStatus",
    "AttributionView",
    "ClassRanking",
    "ClusterCards",
    "EigenvalueChart",
    "EmbeddingScatter",
    "Investigation",
    "Points",
    "PoisonTest",
    "SprayBar",
    "SprayStatus",
    "ThumbnailWall",
]
