"""Views of one decision on a text, all following one shared :class:`lrpwidgets.widgets.Exploration`."""

from .token_view import TokenView

__all__ = ["TokenView"]
