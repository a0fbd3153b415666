"""The label map of a project: what the classes are called."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True)
class Label:
    """A class."""

    name: str
    synset: str = ""
    """WordNet's identifier, or whatever else the project's categories are called by."""


def read_labels(file: Path) -> dict[int, Label]:
    """Labels by index from ``[{"index": 8, "word_net_id": "n01514859", "name": "hen"}, ...]``.

    Raises
    ------
    ValueError
        If the file is none of that form; the identifier may be missing.
    """
    try:
        entries = json.loads(file.read_text("utf-8"))
        return {int(entry["index"]): Label(str(entry["name"]), str(entry.get("word_net_id", ""))) for entry in entries}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as error:
        form = '[{"index": 8, "word_net_id": "n01514859", "name": "hen"}, ...]'
        raise ValueError(f"The label map {file.name!r} has not the form {form} ({error!r}): mend it.") from None


def check_known(indices: Iterable[int], labels: Mapping[int, Label], file: str) -> None:
    """Raise ValueError if a label has no entry in the label map."""
    unknown = sorted(set(map(int, indices)) - set(labels))
    if unknown:
        few = ", ".join(map(str, unknown[:5])) + ", ..." * (len(unknown) > 5)
        known = f"has {min(labels)} to {max(labels)}" if labels else "is empty"
        raise ValueError(f"{file!r} has the labels {few}; the label map {known}: add them to it.")
