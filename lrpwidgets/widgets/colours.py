"""The colours of the views: see :mod:`lrpwidgets.colours`, where the backend finds them as well."""

from ..colours import DARK, GAMMA, MAPS, RED_BLUE, RGB, SHINING, WHITE, ColourMap, coloured, enlarged

__all__ = ["DARK", "GAMMA", "MAPS", "RED_BLUE", "RGB", "SHINING", "WHITE", "ColourMap", "coloured", "enlarged"]
