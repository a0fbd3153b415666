"""What two who wrote at once make of one text form: key by key, as far as they changed other keys."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

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
