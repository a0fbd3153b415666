"""What a person is told when something goes wrong: a sentence, on the page."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import nullcontext
from typing import TypeVar

from ...lrp import Cancelled, StaleExplanationError, watched

Found = TypeVar("Found")
Instead = TypeVar("Instead")

CLOSED = "This exploration is closed; run the cell of this view again."


def sentence(error: Exception) -> str:
    """What to tell a person about `error`: its message where we wrote it, else its type as well."""
    told = str(error).strip()
    kinds = (ValueError, TypeError, LookupError, OSError, NotImplementedError, StaleExplanationError)
    ours = isinstance(error, kinds) and told
    return told if ours else f"{type(error).__name__}: {told or 'no further word'}"


def told(
    job: Callable[[], Found], watch: Callable[..., None] | None = None, cancelled: Instead | None = None
) -> Callable[[], Found | Instead | str | None]:
    """What a worker does: `job`, or what went wrong with it as a sentence, for a person without a console.

    `watch` is called while a network is explained; once it raises :class:`.Cancelled`, the outcome is `cancelled`.
    """

    def run() -> Found | Instead | str | None:
        try:
            with watched(watch) if watch is not None else nullcontext():
                return job()
        except Cancelled:
            return cancelled
        except Exception as error:  # every one of them
            return sentence(error)

    return run
