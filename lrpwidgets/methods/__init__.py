"""Other explanation methods beside LRP, and LRP among them, under one signature.

:func:`explain` takes a model, inputs and the name of a method and returns an :class:`Attribution`; :func:`names` are
the methods, :func:`obstacles` tells which of them cannot explain a model, and :func:`cost` what one takes. A
:class:`Method` is a frozen dataclass whose fields are its settings. Many come from Captum,
``pip install captum``; those that change how a gradient passes a ReLU go along a recorded tape, where a
ReLU is one however it is written.
Importing this package is quick: a part, and torch with it, loads when it is first used.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from ..lazy import public

if TYPE_CHECKING:
    from .catalog import cost, described, explain, get, names, obstacles, register
    from .method import METHODS, Attribution, CannotExplainError, Cost, Found, Method
    from .question import Question

_HOMES = {
    **dict.fromkeys(("cost", "described", "explain", "get", "names", "obstacles", "register"), ".catalog"),
    **dict.fromkeys(("METHODS", "Attribution", "CannotExplainError", "Cost", "Found", "Method"), ".method"),
    "Question": ".question",
}
"""Public names, and the module that each comes from."""

__all__ = [
    "METHODS",
    "Attribution",
    "CannotExplainError",
    "Cost",
    "Found",
    "Method",
    "Question",
    "cost",
    "described",
    "explain",
    "get",
    "names",
    "obstacles",
    "register",
]

__getattr__, __dir__ = public(__name__, _HOMES)
