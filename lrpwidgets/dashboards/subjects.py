"""Which subject a dashboard is of, when it is given a model or a subject."""

from __future__ import annotations

from typing import Any

from torch import nn

from ..subjects import Subject, describe


def subject_of(model_or_subject: nn.Module | Subject | None, given: dict[str, Any]) -> Subject | None:
    """The subject that is meant, a model's being described by what is `given` beside it; None if there is neither."""
    if isinstance(model_or_subject, nn.Module):
        return describe(model_or_subject, **given)
    if given:
        raise TypeError(f"{', '.join(given)} can be given with a torch model only; a subject has its own.")
    return model_or_subject
