"""Open the black box, live: Layer-wise Relevance Propagation (LRP) and Jupyter widgets around it.

Start with :func:`lrpwidgets.explore` in a notebook, :class:`lrpwidgets.lrp.Explainer` in a script, or
``lrpwidgets serve`` on the command line. Importing this package is quick: a part, and torch with it, loads
when it is first used.
"""

from __future__ import annotations

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from . import dashboards, evaluate, improve, lrp, maximize, methods, spray, subjects, widgets
    from .dashboards import explore

    __version__: str

__all__ = [
    "dashboards",
    "evaluate",
    "explore",
    "improve",
    "lrp",
    "maximize",
    "methods",
    "spray",
    "subjects",
    "widgets",
]


def __getattr__(name: str) -> Any:
    if name == "__version__":
        from importlib.metadata import version

        return version(__name__)
    if name == "explore":
        return importlib.import_module(".dashboards", __name__).explore
    if name in __all__:
        return importlib.import_module(f".{name}", __name__)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted([*globals(), "__version__", *__all__])
