"""The dashboard ``spray``: what a model looks at over a whole data set, and whether it is a Clever Hans."""

from __future__ import annotations

from os import PathLike
from pathlib import Path

from ..shelves import SHELVES
from ..spray import RelevanceStore
from ..spray.kept import kept
from ..subjects import Subject
from ..widgets.spray import Investigation
from .options import WHOLE, Options
from .rooms import Rooms
from .spraying import subject_for
from .subjects import check_open


def spray(
    store: RelevanceStore | str | PathLike[str] | None = None,
    subject: Subject | None = None,
    *,
    device: str | None = None,
) -> Rooms:
    """The strategies of a model in one cell: classes, clusters, a map of heatmaps, their pictures, the poison test.

    Parameters
    ----------
    store
        Relevance of a data set, or the folder that it is in; see :meth:`.RelevanceStore.create`. By default what
        ``lrpwidgets serve spray`` was asked for, else that of `subject`, attributed now if it was not before.
    subject
        What the store is of. By default it is made as the store says; without a store it is ``clever-hans``.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.

    Raises
    ------
    FileNotFoundError
        If there is no store.
    ValueError
        If the store is of another model, nothing in it is attributed, or it cannot say what it is of; or the data is
        pairs, or the model answers with parts of each text, which are no classes.
    """
    options = Options.from_environment()
    store = store if store is not None else options.store
    if store is None:
        subject = subject or options.load_subject(WHOLE)
        check_open("spray", subject)
        store = kept(subject, device or options.device)
    elif not isinstance(store, RelevanceStore):
        store = RelevanceStore.open(Path(store))
    subject = subject or subject_for(store, options)
    check_open("spray", subject)
    SHELVES.hold(options.memory)
    return Rooms(Investigation(store, subject, device or options.device), "spray")
