"""What ``lrpwidgets verify`` does: read a whole store, and say what is not as it was written."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from ..spray.dataset_store import DatasetStore
    from ..spray.verify import Verdict


def verified(path: Path, repair: bool) -> Verdict:
    """The verdict on the store of relevance or references at `path`; FileNotFoundError if there is none."""
    from ..spray.verify import verify

    return verify(path, _kind(path), repair)


def told(path: Path, verdict: Verdict) -> Iterator[str]:
    """Line by line what there is to say of it."""
    yield from (fault.sentence for fault in verdict.faults)
    yield from (f"Removed, or written anew: {str(fault.file)!r}" for fault in verdict.mended)
    yield f"{verdict.good:,} of {verdict.good + verdict.bad:,} chunks in {str(path)!r} are good."
    if verdict.mended or verdict.pending:
        yield "Inputs that are not there are computed by the same attribution as before, which goes on with the store."


def _kind(path: Path) -> type[DatasetStore[Any]]:
    """What it is a store of, as far as its description can be read."""
    from ..maximize import ReferenceStore
    from ..spray import RelevanceStore, seal

    try:
        found, _ = seal.read(path)
    except (OSError, ValueError):
        return RelevanceStore  # which says what is wrong
    attributes = found.get("attributes") if isinstance(found, dict) else None
    return ReferenceStore if isinstance(attributes, dict) and ReferenceStore.kind.key in attributes else RelevanceStore
