"""Which subject a dashboard is of, when it is given a model or a subject, and where it computes."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..shelves import SHELVES
from ..subjects import Subject, describe
from ..subjects.modality import modality_of
from .options import BEGIN, Options


def opened(
    room: str, model_or_subject: nn.Module | Subject | None, default: str = BEGIN, **fields: Any
) -> tuple[Subject, Options]:
    """The subject of a dashboard, by default the one that the command asked for, or `default`; and all that it asked.

    `room` is the name of the room in which it opens.

    Fields that are not None are for a model: its data, and what else describes it. From now on the limit holds
    that the command sets for what is kept only to be quick.

    Raises
    ------
    TypeError
        If a subject is given together with fields.
    ValueError
        If the data does not fit the model, or the room is closed for such data.
    """
    options = Options.from_environment()
    given = {name: value for name, value in fields.items() if value is not None}
    if isinstance(model_or_subject, nn.Module):
        subject = describe(model_or_subject, **given)
    elif given:
        raise TypeError(f"{', '.join(given)} can be given with a torch model only; a subject has its own.")
    else:
        subject = model_or_subject or options.load_subject(default)
    check_open(room, subject)
    SHELVES.hold(options.memory)
    return subject, options


def check_open(room: str, subject: Subject) -> None:
    """Raise ValueError if the room of that name is closed for such data."""
    if why := modality_of(subject).why_closed(subject, room):
        raise ValueError(f"{why} Explore is open: dashboards.explore(subject), lrpwidgets serve explore.")
