"""What people keep with a store: names and notes of clusters, and whatever else; several may write at once."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .layout import DESCRIPTION, NOTES

if TYPE_CHECKING:
    from .store import RelevanceStore

CLUSTERS = "clusters"
"""Under which name among the notes those of clusters are: by the question that made them, then by number."""

Names = dict[int, dict[str, str]]
"""``"name"`` and ``"note"`` of clusters, by number."""

_NOTHING = object()


def merged(seen: Mapping[str, Any], mine: Mapping[str, Any], there: Mapping[str, Any]) -> dict[str, Any]:
    """What `there` is with what changed between `seen` and `mine`: key by key, also in dicts inside.

    What one has removed stays removed unless the other one has changed it since.
    """
    found = {}
    for name in (*there, *(name for name in mine if name not in there)):
        value = _merged(*(each.get(name, _NOTHING) for each in (seen, mine, there)))
        if value is not _NOTHING:
            found[name] = value
    return found


def _merged(seen: Any, mine: Any, there: Any) -> Any:
    if _same(seen, mine):
        return there
    dicts = [{} if each is _NOTHING else each for each in (seen, mine, there)]
    if there is _NOTHING or not all(isinstance(each, dict) for each in dicts):
        return mine
    return merged(*dicts) or (_NOTHING if mine is _NOTHING else {})


def _same(one: Any, other: Any) -> bool:
    if one is _NOTHING or other is _NOTHING:
        return one is other
    return json.dumps(one, sort_keys=True) == json.dumps(other, sort_keys=True)  # else True would be 1


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
