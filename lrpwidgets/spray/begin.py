"""Begin a store over a data set in a folder, or go on with the one that is there, if that is the same one."""

from __future__ import annotations

import os
import warnings
from pathlib import Path
from typing import Any, TypeVar

from . import code, layout
from .dataset_store import DatasetStore
from .faults import mend
from .info import Origin

Store = TypeVar("Store", bound=DatasetStore[Any])


def begun(kind: type[Store], path: Path, info: Origin) -> Store:
    """The store that `info` describes in the folder `path`, made now if there is none.

    Raises
    ------
    ValueError
        If it was begun in another way or with other software, which the message names, something in it is damaged, or
        the folder holds something else.
    """
    if not os.path.lexists(path / layout.DESCRIPTION):  # a link that leads nowhere is named when it is read
        layout.make(path, info)
    store = kind.open(path)
    store.refuse(store.info.differences(info), "go on as it was begun, or choose another folder")
    mend(store)
    if store.missing():
        _check_software(store, info)
    return store


def _check_software(store: DatasetStore[Any], info: Origin) -> None:
    """ValueError if other code would go on with the store, and a warning for other versions of the rest."""
    was = f"The store {str(store.path)!r} was begun with other software"
    if other := code.differences(store.info.identity, info.identity):
        raise ValueError(
            f"{was}: {'; '.join(other)}. Either go on with that, or choose another folder; what is there can be "
            f"read with {type(store).__name__}.open."
        )
    if changed := store.info.changed_software(info):
        what = f"{was}: {', '.join(changed)}. The last digits of what is added may differ."
        warnings.warn(what, RuntimeWarning, stacklevel=5)
