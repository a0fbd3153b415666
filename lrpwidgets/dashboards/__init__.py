"""Views arranged into apps, and the command that serves them."""

from .explore import explore

__all__ = ["explore"]
