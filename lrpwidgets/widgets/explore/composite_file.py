"""Composites as files: JSON or YAML out, and checked in again."""

from __future__ import annotations

import json
import re
from typing import Any

import yaml

from ...lrp import Composite
from ...lrp.selectors import Layout

MOST = 2**20
"""Bytes that such a file may have."""

_MOST_VALUES = 30_000
"""Words, numbers, lists and mappings of a YAML file: each takes its reader 20 microseconds, and the kernel waits."""


def written(composite: Composite, form: str) -> str:
    """The text of `composite` as ``"json"`` or ``"yaml"``; raises ValueError if a selector is a function."""
    data = composite.to_dict()
    if form == "json":
        return json.dumps(data, indent=2, ensure_ascii=False) + "\n"
    return str(yaml.safe_dump(data, sort_keys=False, allow_unicode=True))


def file_name(composite: Composite, form: str) -> str:
    """What to call the file: the composite's name without letters that a file system could mind."""
    return f"{re.sub(r'[^A-Za-z0-9._-]+', '_', composite.name).strip('._')[:80] or 'composite'}.{form}"


def read(content: bytes, name: str, layout: Layout) -> Composite:
    """The composite in the file `name`, for the network of that `layout`.

    Raises
    ------
    ValueError
        If it is too large, neither JSON nor YAML, no composite, or not one for this network.
    """
    if len(content) > MOST:
        raise ValueError(f"{name!r} has {len(content) / 2**20:.1f} MB; the file of a composite has 1 MB at most.")
    try:
        composite = Composite.from_dict(_mapping(_parsed(content.decode())))
        composite.resolve(layout)
    except yaml.YAMLError as error:
        raise ValueError(f"{name!r} is neither JSON nor YAML: {' '.join(str(error).split())}") from None
    except (ValueError, TypeError, LookupError, AttributeError) as error:
        raise ValueError(f"{name!r} holds no composite for this network: {error}") from None
    except RecursionError:
        raise ValueError(f"{name!r} holds no composite: it is nested too deeply.") from None
    return composite


def _parsed(text: str) -> Any:
    try:
        return json.loads(text)  # first, since YAML takes JSON's 1e-06 for a word
    except json.JSONDecodeError:
        return yaml.load(text, Loader=_Plain)


def _mapping(data: Any) -> dict[str, Any]:
    if not isinstance(data, dict):
        raise ValueError(f"it is a {type(data).__name__}, not a mapping with 'name' and 'entries'.")
    return data


class _Plain(yaml.SafeLoader):  # type: ignore[misc]  # yaml has no types
    """YAML of a moderate size, without references: a few lines of them can stand for billions of entries."""

    values = 0

    def compose_node(self, parent: Any, index: Any) -> Any:
        self.values += 1
        if self.values > _MOST_VALUES:
            raise ValueError(f"it has more than {_MOST_VALUES:,} values, which take YAML too long; write it as JSON.")
        if self.check_event(yaml.AliasEvent):
            raise ValueError("references (*) are not allowed; write the entries out.")
        return super().compose_node(parent, index)
