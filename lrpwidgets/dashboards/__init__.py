"""Views arranged into apps, and the command that serves them.

The views, and torch with them, load when a dashboard is first asked for: the command must answer at once.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._explore import explore

__all__ = ["explore"]


def __getattr__(name: str) -> Any:
    if name == "explore":
        from ._explore import explore

        return explore
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
