"""Safetensors files of this package: none is written over, and each says in its metadata what it holds."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

KEY = "lrpwidgets"
"""Of the metadata, whose value is what the file holds."""


def unwritten(path: str | PathLike[str]) -> Path:
    """`path`, at which nothing is; raises FileExistsError if there is something."""
    target = Path(path)
    if target.exists():
        raise FileExistsError(f"{target} is there already; take another name, or remove it first.")
    return target


def metadata_of(path: str | PathLike[str], kind: str, writer: str) -> dict[str, str]:
    """What the file's metadata has; `writer` is the call that writes such a file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds something else.
    """
    from safetensors import SafetensorError, safe_open

    if Path(path).is_dir():
        raise ValueError(f"{path} is a folder, and no safetensors file.")
    try:
        with safe_open(path, "pt") as file:
            found: dict[str, str] = file.metadata() or {}
    except SafetensorError as error:
        raise ValueError(f"{path} is no safetensors file: {error}.") from error
    if found.get(KEY) != kind:
        raise ValueError(f"{path} holds no {kind}; one is written by {writer}.")
    return found
