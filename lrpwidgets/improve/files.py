"""Repaired models as files: safetensors with the numbers, and in their metadata how they were repaired.

A file holds no code. To load it one needs the model that was repaired, with whatever weights: its structure is changed
as the repairs changed it, then all numbers are read.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from os import PathLike
from pathlib import Path
from typing import Any

import torch
from torch import nn

from ..lrp.hooks import copied
from ..subjects import Subject
from .cutting import apply_structure
from .projection import Projection, projected
from .repaired import Repair, Repaired, repaired
from .tensor_files import KEY, metadata_of, unwritten

_KIND = "repaired model"


def save(subject: Repaired, path: str | PathLike[str]) -> Path:
    """Write the repaired model as safetensors; :func:`load` reads it.

    Raises
    ------
    FileExistsError
        If there is a file already.
    ValueError
        If the subject was not repaired.
    """
    from safetensors.torch import save_model

    if not isinstance(subject, Repaired):
        raise ValueError(f"{subject.title} was not repaired: torch.save(subject.model.state_dict(), path) saves it.")
    target = unwritten(path)
    told = [{key: value for key, value in vars(each).items() if key not in _LEFT_OUT} for each in subject.repairs]
    used = [sorted(each.used) for each in subject.repairs]
    metadata = {KEY: _KIND, "repairs": json.dumps(told), "used": json.dumps(used)}
    save_model(copied(subject.model).cpu(), str(target), metadata=metadata)
    return target


_LEFT_OUT = ("history", "used")


def load(subject: Subject, path: str | PathLike[str]) -> Repaired:
    """The repaired subject that `save` wrote, from the one before the repair; that stays as it is.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it holds no repaired model, or the subject's model is another one.
    """
    from safetensors.torch import load_model

    metadata = metadata_of(path, _KIND, "improve.save(subject, path)")
    model, found = copied(subject.model), subject
    repairs = [
        Repair(**{**told, "said": tuple(told["said"])}, used=frozenset(used))
        for told, used in zip(json.loads(metadata["repairs"]), json.loads(metadata["used"]), strict=True)
    ]
    try:
        for each in repairs:
            if each.structure:
                model = _STRUCTURES[each.structure["kind"]](model, each.structure)
        load_model(model, str(path))
    except (RuntimeError, AttributeError, ValueError) as error:
        reason = str(error).strip().splitlines()[0]
        raise ValueError(f"{path} was made of another model than that of {subject.title}: {reason}") from error
    for each in repairs:
        found = repaired(found, model, each)
    assert isinstance(found, Repaired)  # there is at least one
    return found


def _projecting(model: nn.Module, structure: dict[str, Any]) -> nn.Module:
    """A copy of `model` with a projection whose numbers are still to be read."""
    empty, number = torch.zeros(structure["units"]), torch.zeros(())
    detector = (empty, number) if structure["reactive"] else ()
    return projected(model, structure["layer"], Projection(empty, number, structure["axis"], *detector))


_STRUCTURES: dict[str, Callable[[nn.Module, dict[str, Any]], nn.Module]] = {
    "projection": _projecting,
    "pruning": apply_structure,
}
"""Who changes a model's structure as a repair did, by the repair's kind."""
