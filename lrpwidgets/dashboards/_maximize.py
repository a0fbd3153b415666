"""The dashboard ``maximize``: what a class or a channel would like to see, as it forms, and how honest that is."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from torch import nn

from ..subjects import Subject
from ..widgets.maximize import Studio
from .rooms import Rooms
from .subjects import opened


def maximize(
    model_or_subject: nn.Module | Subject | None = None,
    dataset: Any = None,
    *,
    device: str | None = None,
    references: str | Path | None = None,
    wish: dict[str, Any] | None = None,
    **fields: Any,
) -> Rooms:
    """An input that excites a class or a channel, frame after frame, beside real ones: the whole in one cell.

    Parameters
    ----------
    model_or_subject
        What to examine, as in :func:`.explore`.
    dataset
        For a model: its data, in nearly any form.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    references
        Folder in which is kept what channels say of every input, from which reference samples are picked; see
        :func:`lrpwidgets.maximize.references`. By default a temporary one.
    wish
        What to begin with, as ``{"layer": "conv2", "number": 5, "prior": "fourier"}``; see :class:`.Wish`.
    fields
        For a model: further fields of the subject, such as ``classes``.

    Raises
    ------
    TypeError
        If a subject is given together with a dataset or fields.
    ValueError
        If the data does not fit the model, or the wish cannot be.
    """
    subject, options = opened("maximize", model_or_subject, dataset=dataset, **fields)
    return Rooms(Studio(subject, device or options.device, references or options.store, **(wish or {})), "maximize")
