"""Views arranged into apps, and the command that serves them.

The views, and torch with them, load when a dashboard is first asked for: the command must answer at once.
"""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ._compare import compare
    from ._explore import explore
    from ._improve import improve
    from ._maximize import maximize
    from ._spray import spray

__all__ = ["compare", "explore", "improve", "maximize", "spray"]


def __getattr__(name: str) -> Any:
    if name in __all__:
        return getattr(import_module(f"._{name}", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
