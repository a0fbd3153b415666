"""What a person is told when something goes wrong: a sentence, on the page."""

from __future__ import annotations

from ...lrp import StaleExplanationError

CLOSED = "This exploration is closed; run the cell of this view again."


def sentence(error: Exception) -> str:
    """What to tell a person about `error`: its message where we wrote it, else its type as well."""
    told = str(error).strip()
    kinds = (ValueError, TypeError, LookupError, OSError, NotImplementedError, StaleExplanationError)
    ours = isinstance(error, kinds) and told
    return told if ours else f"{type(error).__name__}: {told or 'no further word'}"
