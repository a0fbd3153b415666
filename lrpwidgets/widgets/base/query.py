"""A state as a query string, which makes it a link."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl, urlencode


def to_query(state: Mapping[str, Any]) -> str:
    """A query string for a link: words as they are, all else as JSON."""
    return urlencode({key: value if _is_word(value) else _json(value) for key, value in state.items()})


def from_query(query: str) -> dict[str, Any]:
    """The state that :func:`to_query` wrote; raises ValueError for a link that is damaged."""
    found = {}
    for key, value in parse_qsl(query.lstrip("?"), keep_blank_values=True):
        try:
            found[key] = json.loads(value) if not _is_word(value) else value
        except (ValueError, RecursionError):
            raise ValueError(
                f"The link is damaged: {key}={value[:40]!r} cannot be read. Copy it again, as a whole."
            ) from None
    return found


def _is_word(value: Any) -> bool:
    """Whether `value` is a text that cannot be taken for JSON."""
    return isinstance(value, str) and value[:1].isalpha() and value not in ("true", "false", "null")


def _json(value: Any) -> str:
    return json.dumps(value, separators=(",", ":"))
