"""Captum, which is optional."""

from __future__ import annotations

from typing import Any


def attr() -> Any:
    """``captum.attr``.

    Raises
    ------
    ImportError
        If Captum is not installed.
    """
    try:
        import captum.attr
    except ImportError as error:
        raise ImportError("This method needs Captum: pip install captum.") from error
    return captum.attr
