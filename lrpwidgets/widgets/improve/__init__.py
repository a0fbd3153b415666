"""Mend a model, and prove that it is mended."""

from .carrier_view import CarrierView
from .forget_view import ForgetView
from .improve_bar import ImproveBar
from .repair_table import RepairTable
from .status import ImproveStatus
from .workshop import Workshop

__all__ = ["CarrierView", "ForgetView", "ImproveBar", "ImproveStatus", "RepairTable", "Workshop"]
