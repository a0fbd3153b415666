"""What of an explainer a store is compared by, when somebody opens it with one."""

from __future__ import annotations

from typing import Any

import torch

from ..lrp import Explainer, composites
from .functions import identity
from .info import Origin, fingerprint
from .plain import plain


def described(explainer: Explainer, info: Origin) -> tuple[str, dict[str, Any], str, str]:
    """Fingerprint, composite, treatment of unknown operations and select of `explainer`, for inputs as a store's."""
    composite = explainer.composite
    zeros = torch.zeros(1, *info.input_shape, dtype=getattr(torch, info.input_dtype.removeprefix("torch.")))
    steps = explainer.record(zeros).steps if composite == "auto" else []
    chosen = plain(composites.chosen(composite, steps).to_dict())
    return fingerprint(explainer.model), chosen, explainer.unknown, identity(explainer.select)
