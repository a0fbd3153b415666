"""Descriptions of Zarr groups and arrays, files named ``zarr.json``, of which no bit changes unnoticed.

One whose content is known beforehand, as that of a store's arrays, is compared with that. Any other one has among its
attributes the SHA-256 of all of its text: of the text with zeros in that place.
"""

from __future__ import annotations

import hashlib
import json
import re
import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from . import files
from .files import DamagedStoreError

NAME = "zarr.json"
"""The file that makes a folder a Zarr group or array."""

SEAL = "sha256"
"""Name of the digest among the attributes, of which it is the first."""

_BLANK = "0" * 64
_PLACE = re.compile(rf'"{SEAL}": "([0-9a-f]{{64}})"'.encode())

GROUP: Mapping[str, Any] = {"zarr_format": 3, "node_type": "group"}


def text(description: Mapping[str, Any]) -> bytes:
    """A description as JSON."""
    return json.dumps(description, indent=2).encode()


def write(folder: Path, description: Mapping[str, Any]) -> None:
    """Write the description of `folder`, sealed, and put it on the disk."""
    attributes = {SEAL: _BLANK, **{name: told for name, told in description["attributes"].items() if name != SEAL}}
    blank = text({**description, "attributes": attributes})
    sealed = blank.replace(_BLANK.encode(), hashlib.sha256(blank).hexdigest().encode(), 1)
    files.replace(folder / NAME, sealed, settled=True)


def read(folder: Path) -> tuple[Any, bytes]:
    """What the description of `folder` says, None if it is no JSON, and its text, which is not checked yet.

    Raises
    ------
    FileNotFoundError
        If there is none.
    DamagedStoreError
        If it is a link or a special file.
    """
    content = files.read(folder / NAME)
    try:
        return json.loads(content), content
    except (ValueError, RecursionError):
        return None, content


def check(folder: Path, content: bytes) -> None:
    """Raise DamagedStoreError if the text of the description of `folder` is not the one that was sealed."""
    found = _PLACE.search(content)
    if found:
        blank = content[: found.start(1)] + _BLANK.encode() + content[found.end(1) :]
        if hashlib.sha256(blank).hexdigest().encode() == found[1]:
            return
    raise DamagedStoreError(
        f"{str(folder / NAME)!r} is damaged, or was written by something else than lrpwidgets: its {SEAL} is not that "
        "of its text. Copy that file again, from a backup or from a store that was begun in the same way."
    )


def write_known(folder: Path, known: Mapping[str, Any]) -> None:
    """Write the description of `folder`, which is made if need be, as :func:`check_known` expects it."""
    folder.mkdir(parents=True, exist_ok=True)
    files.replace(folder / NAME, text(known))


def check_known(folder: Path, known: Mapping[str, Any]) -> None:
    """Raise DamagedStoreError if the description of `folder` is not `known`; the message names the field."""
    files.check_folder(folder)
    file = folder / NAME
    way = f"`lrpwidgets verify {shlex.quote(str(folder.parent))} --repair` writes it anew"
    try:
        found, content = read(folder)
    except FileNotFoundError:
        raise DamagedStoreError(f"{str(file)!r} is missing: {way}.") from None
    if content == text(known):
        return
    found = found if isinstance(found, dict) else {}
    wrong = next((name for name in known if name not in found or text(found[name]) != text(known[name])), "text")
    raise DamagedStoreError(f"{str(file)!r} is damaged: its {wrong} is not what it must be in this store: {way}.")
