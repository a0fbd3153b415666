"""Stores that are made where nobody named a folder: in the user's cache, one for each model, data set and code."""

from __future__ import annotations

from hashlib import sha256
from typing import TYPE_CHECKING

from platformdirs import user_cache_path

from .store import RelevanceStore

if TYPE_CHECKING:
    from ..progress import Watcher
    from ..subjects import Subject


def kept(subject: Subject, device: str | None = None, progress: bool | Watcher = True) -> RelevanceStore:
    """The store of `subject` in the user's cache; made now, or completed, where that is needed.

    It has the predicted classes under ``epsilon_plus_flat``, or what suits a model with attention, with maps of large
    pictures pooled. For anything else name a folder and use :meth:`.RelevanceStore.create`.
    """
    from . import code
    from .examine import first
    from .functions import identity
    from .info import FORMAT, fingerprint

    _, x, _ = first(subject, lambda x, _: x)
    found = "" if subject.select is None else f"-{sha256(identity(subject.select).encode()).hexdigest()[:8]}"
    made = sha256(f"{FORMAT} {code.identity()}".encode()).hexdigest()[:8]
    name = f"{subject.name}-{fingerprint(subject.model)[:12]}-{len(subject.dataset)}{found}-{made}"
    pool = 32 if max(x.shape[1:], default=1) > 64 else None
    folder = user_cache_path("lrpwidgets") / name
    return RelevanceStore.create(folder, subject.explainer(device=device), subject, pool=pool, progress=progress)
