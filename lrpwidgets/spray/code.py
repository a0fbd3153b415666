"""Which code computes relevance here: two processes may share a store only if it is the same."""

from __future__ import annotations

import hashlib
import re
from functools import cache
from importlib.metadata import version
from importlib.resources import files


@cache
def digest() -> str:
    """SHA-256 over names and sources of the modules of `lrpwidgets.lrp`, whatever their line endings."""
    found = hashlib.sha256()
    # found without importing them, as that loads torch
    sources = (each for each in files("lrpwidgets").joinpath("lrp").iterdir() if each.name.endswith(".py"))
    for source in sorted(sources, key=lambda each: each.name):
        content = source.read_bytes().replace(b"\r\n", b"\n")
        found.update(f"{source.name} {len(content)}\n".encode() + content)
    return found.hexdigest()


def release(torch: str) -> str:
    """A version of torch without what says how it was built: ``"2.5.1"`` of ``"2.5.1+cu124"``."""
    found = re.match(r"\d+(\.\d+){0,2}", torch)
    return found[0] if found else torch


def identity() -> dict[str, str]:
    """What relevance depends on beside the model: the code of `lrpwidgets.lrp`, by digest, and the release of torch."""
    return {"code": digest(), "torch": release(version("torch"))}


def differences(there: dict[str, str], here: dict[str, str]) -> list[str]:
    """What is not the same in two identities, in words."""
    words = {"code": "code of lrpwidgets.lrp", "torch": "torch"}
    pairs = ((words[name], there.get(name, "unknown"), here.get(name, "unknown")) for name in words)
    return [f"{name} ({first[:12]} there, {second[:12]} here)" for name, first, second in pairs if first != second]
