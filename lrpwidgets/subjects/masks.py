"""Masks: which pixels of its inputs an explanation should name, where a subject knows.

A subject knows if its dataset has ``masks``, whole numbers (N, H, W) that say whose pixel it is: `GROUND`, `ASKED` for
the object that gives the label, 2 and on for the others, `TAG` for a tag that gives the label away.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Literal, get_args

import numpy as np
from numpy.typing import NDArray

from .scenes import Ints

if TYPE_CHECKING:
    from .subject import Subject

GROUND, ASKED, TAG = 0, 1, 255

Of = Literal["single", "all", "tag"]
"""The object that gives the label, all objects (both as in CLEVR-XAI, Arras et al. 2022), or the tag."""


def masks(subject: Subject, of: Of) -> NDArray[np.bool_]:
    """Where in each input that is, (N, H, W); empty for an input that has no such thing.

    Raises
    ------
    ValueError
        If there is no mask of that name, the subject has none, or they do not fit its inputs.
    """
    if of not in get_args(Of):
        raise ValueError(f"masks must be one of {', '.join(get_args(Of))}, got {of!r}.")
    known = _checked(subject)
    found: dict[Of, NDArray[np.bool_]] = {
        "single": known == ASKED,
        "all": (known != GROUND) & (known != TAG),
        "tag": known == TAG,
    }
    return found[of]


def _checked(subject: Subject) -> Ints:
    known = getattr(subject.dataset, "masks", None)
    if known is None or not len(subject.dataset):
        raise ValueError(
            f"The data of {subject.name!r} has no masks; give its dataset a field masks (N, H, W) that says whose "
            f"pixel it is: {GROUND} the ground, {ASKED} what gives the label, 2 and on other objects, {TAG} a tag."
        )
    known = np.asarray(known)
    wanted = (len(subject.dataset), *subject.item(0)[0].shape[1:])
    if known.shape != wanted:
        raise ValueError(f"The data of {subject.name!r} needs masks {wanted}, one for each input; got {known.shape}.")
    return known
