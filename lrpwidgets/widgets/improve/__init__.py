"""Mend a model, and prove that it is mended."""

from .carrier_view import CarrierView
from .forget_view import ForgetView
from .improve_bar import ImproveBar
from .pareto import Pareto
from .prune_view import PruneView
from .repair_table import RepairTable
from .status import ImproveStatus
from .workshop import Workshop

__all__ = [
    "CarrierView",
    "ForgetView",
    "ImproveBar",
    "ImproveStatus",
    "Pareto",
    "PruneView",
    "RepairTable",
    "Workshop",
]
