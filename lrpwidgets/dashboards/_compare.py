"""The dashboard ``compare``: methods side by side, and which of them to trust."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..subjects import Subject
from ..widgets.compare import Referee
from .rooms import Rooms
from .subjects import opened


def compare(
    model_or_subject: nn.Module | Subject | None = None,
    dataset: Any = None,
    *,
    methods: list[str] | None = None,
    device: str | None = None,
    question: dict[str, Any] | None = None,
    **fields: Any,
) -> Rooms:
    """Methods of explanation on the same inputs, and which of them finds what the model needs: the whole in one cell.

    Parameters
    ----------
    model_or_subject
        What to examine, as in :func:`.explore`.
    dataset
        For a model: its data, in nearly any form.
    methods
        Names, as of :func:`lrpwidgets.methods.names`; by default a dozen that suit the model.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    question
        What else to begin with, as ``{"samples": 200, "fill": "zero"}``; see :class:`.CompareQuestion`.
    fields
        For a model: further fields of the subject, such as ``classes``.

    Raises
    ------
    TypeError
        If a subject is given together with a dataset or fields.
    ValueError
        If the data does not fit the model, there is none, or the question makes no sense.
    """
    subject, options = opened("compare", model_or_subject, dataset=dataset, **fields)
    asked = {**(question or {}), **({"methods": methods} if methods else {})}
    return Rooms(Referee(subject, device or options.device, **asked), "compare")
