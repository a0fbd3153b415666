"""The dashboard ``improve``: a model forgets what it should not look at, and proves that it did."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..improve import Concept
from ..subjects import Subject
from ..widgets.improve import Workshop
from .options import WHOLE
from .rooms import Rooms
from .subjects import opened


def improve(
    model_or_subject: nn.Module | Subject | None = None,
    dataset: Any = None,
    *,
    concept: Concept | None = None,
    device: str | None = None,
    question: dict[str, Any] | None = None,
    **fields: Any,
) -> Rooms:
    """What a model is to forget, where it carries that, repairs side by side, and their proof: the whole in one cell.

    Parameters
    ----------
    model_or_subject
        What to mend, as in :func:`.explore`; by default what ``lrpwidgets serve improve`` was asked for, or
        ``clever-hans``.
    dataset
        For a model: its data, in nearly any form, with labels.
    concept
        What it is to forget, see :func:`lrpwidgets.improve.of_cluster` and :func:`lrpwidgets.improve.of_artefact`. By
        default all data is explained, and clusters are put to the poison tests until one is convicted.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    question
        What else to begin with, as ``{"layer": "pool4", "repairs": ("P-ClArC",), "seeds": 3}``.
    fields
        For a model: further fields of the subject, such as ``classes``.

    Raises
    ------
    TypeError
        If a subject is given together with a dataset or fields.
    ValueError
        If the data does not fit the model, there is none, or the question makes no sense.
    """
    subject, options = opened("improve", model_or_subject, WHOLE, dataset=dataset, **fields)
    return Rooms(Workshop(subject, device or options.device, concept, **(question or {})), "improve")
