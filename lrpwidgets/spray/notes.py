"""What people keep with a store: names and notes of clusters, and whatever else; several may write at once."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .layout import DESCRIPTION, NOTES

if TYPE_CHECKING:
    from .store import RelevanceStore

CLUSTERS = "clusters"
"""Under which name among the notes those of clusters are: by the question that made them, then by number."""

Names = dict[int, dict[str, str]]
"""``"name"`` and ``"note"`` of clusters, by number."""


def names_of_clusters(store: RelevanceStore, key: str) -> Names:
    """What the clusters that `key` names are called; ValueError if the notes hold something else there."""
    clusters: Any = store.read_notes().get(CLUSTERS, {})
    kept = clusters.get(key, {}) if isinstance(clusters, dict) else None
    if not isinstance(kept, dict) or not all(_is_told(*each) for each in kept.items()):
        wrong = clusters if kept is None else kept
        raise ValueError(
            f"{str(store.path / DESCRIPTION)!r} has no names of clusters in its {NOTES}: {CLUSTERS} are {wrong!r}; "
            "write others with store.write_notes."
        )
    return {int(number): dict(told) for number, told in kept.items()}


def call_cluster(store: RelevanceStore, key: str, number: int, told: Mapping[str, str]) -> Names:
    """Change what is `told` of a cluster, beside what others wrote meanwhile; all names there are then.

    A cluster of which nothing is told any more is forgotten. Raises as :func:`names_of_clusters` does.
    """
    names = names_of_clusters(store, key)
    names[number] = {"name": "", "note": "", **names.get(number, {}), **told}
    kept = {str(each): texts for each, texts in names.items() if any(texts.values())}
    notes = store.read_notes()
    store.write_notes({**notes, CLUSTERS: {**notes.get(CLUSTERS, {}), key: kept}})
    return names_of_clusters(store, key)


def _is_told(number: str, told: Any) -> bool:
    known = number.removeprefix("-").isdecimal() and isinstance(told, dict) and told.keys() <= {"name", "note"}
    return known and all(isinstance(text, str) for text in told.values())
