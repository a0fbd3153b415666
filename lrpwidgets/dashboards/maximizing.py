"""What ``lrpwidgets serve maximize`` does before a page opens."""

from __future__ import annotations

from pathlib import Path

from .options import Options


def found_references(options: Options, store: Path) -> str:
    """The folder in which references are kept: new, or a reference store of the subject's model.

    Raises ValueError or OSError for all that would keep the dashboard from going on with it.
    """
    from ..lrp import Composite
    from ..maximize import ReferenceStore

    subject = options.load_subject()
    if store.exists() and any(store.iterdir()):
        found = ReferenceStore.open(store)
        ReferenceStore.open(store, subject.explainer(Composite.from_dict(found.info.composite)))
    return str(store.resolve())
