"""Cut channels out of a model, so that it is really smaller; mask those that cannot be cut.

What is cut and masked is a *structure*, which JSON can hold: :func:`structure` makes it, :func:`apply_structure` gives
any copy of the model it was made for the same form, so that saved weights fit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from ..lrp.hooks import copied
from .channels import Channels, Numbers, per_channel, weighted
from .masks import mask

Structure = dict[str, Any]
"""``kind``: "pruning"; ``cut``: by module, the places that were cut ``out`` of what it makes and ``in`` its input;
``masked``: by module, the ``axis`` of the channels, counted from the right, how many there are (``of``), and which
``channels`` are 0, after the cut. ``heads``, if there are some: by parameter, which blocks of its columns are 0."""


def structure(channels: Channels, removed: Iterable[int], *, cut: bool = True) -> Structure:
    """How a model changes when the channels of these numbers go: those that can be cut are, unless `cut` is False."""
    gone, silent = _parted(channels, removed, cut=cut)
    cuts: dict[str, dict[str, list[int]]] = {}
    for side, known in (("out", {**channels.layers, **channels.rows}), ("in", channels.columns)):
        for name, numbers in known.items():
            if (where := _places(np.isin(channels.group[numbers], gone) & (numbers > 0))) and cut:
                cuts.setdefault(name, {})[side] = where
    masked = {}
    for name, (axis, numbers) in channels.places.items():
        left = numbers if not cut else numbers[~(np.isin(channels.group[numbers], gone) & (numbers > 0))]
        away = np.isin(left, silent) | (np.isin(channels.group[left], gone) & (left > 0) & (not cut))
        if where := _places(away):
            masked[name] = {"axis": axis, "of": len(left), "channels": where}
    return {"kind": "pruning", "cut": cuts, "masked": masked}


def _parted(channels: Channels, removed: Iterable[int], *, cut: bool) -> tuple[Numbers, Numbers]:
    """The groups that go as a whole, and the numbers that go by themselves."""
    numbers = np.fromiter(removed, np.int64)
    groups = channels.group[numbers]
    locked = np.isin(groups, list(channels.locks))
    return np.unique(groups[~locked]), numbers[locked]


def _places(which: NDArray[np.bool_]) -> list[int]:
    found: list[int] = np.flatnonzero(which).tolist()
    return found


def apply_structure(model: nn.Module, structure: Mapping[str, Any]) -> nn.Module:
    """A copy of `model` that is cut and masked as `structure` says; `model` stays as it is.

    Parameters
    ----------
    model
        The model that was pruned, with any weights.
    structure
        See :attr:`.Repair.structure`.

    Raises
    ------
    ValueError
        If the structure is none of pruning, or does not fit the model.
    """
    if structure.get("kind") != "pruning":
        raise ValueError(f"A structure of pruning has the kind 'pruning', got {structure.get('kind')!r}.")
    made = copied(model)
    modules = dict(made.named_modules())
    if missing := sorted((structure["cut"].keys() | structure["masked"].keys()) - modules.keys()):
        raise ValueError(f"The model has no module {missing[0]!r}, which was pruned; it is another model.")
    try:
        for name, places in structure["cut"].items():
            _cut(modules[name], places.get("out", []), places.get("in", []))
        for name, where in structure["masked"].items():
            mask(modules[name], where["channels"], of=where["of"], axis=where["axis"])
        silence_columns(made, structure.get("heads", {}))
    except (IndexError, RuntimeError) as error:
        raise ValueError(f"What was pruned does not fit the model: {error}") from error
    return made


@torch.no_grad()
def silence_columns(model: nn.Module, columns: Mapping[str, Mapping[str, Any]]) -> None:
    """Set parts of parameters to 0, in place: by name, of so many (``of``) equal blocks of columns the ``silent``."""
    known = dict(model.named_parameters())
    for name, blocks in columns.items():
        if name not in known:
            raise ValueError(f"The model has no parameter {name!r}, which was pruned; it is another model.")
        known[name].view(len(known[name]), blocks["of"], -1)[:, list(blocks["silent"])] = 0


def _cut(module: Any, out: Sequence[int], into: Sequence[int]) -> None:
    if weighted(module):
        (_cut_linear if isinstance(module, nn.Linear) else _cut_convolution)(module, out, into)
    elif per_channel(module):
        _cut_channels(module, out)
    else:
        raise ValueError(f"{type(module).__name__} is no module whose channels can be cut.")


def _cut_linear(module: nn.Linear, out: Sequence[int], into: Sequence[int]) -> None:
    _shorten(module, "weight", out, 0)
    _shorten(module, "weight", into, 1)
    _shorten(module, "bias", out, 0)
    module.out_features -= len(out)
    module.in_features -= len(into)


def _cut_convolution(module: Any, out: Sequence[int], into: Sequence[int]) -> None:
    """Of a grouped convolution, whole groups go."""
    transposed, groups = isinstance(module, nn.modules.conv._ConvTransposeNd), module.groups
    first, second = (into, out) if transposed else (out, into)
    _shorten(module, "weight", first, 0)
    if groups == 1:
        _shorten(module, "weight", second, 1)
    else:
        module.groups -= len(into) * groups // module.in_channels
    _shorten(module, "bias", out, 0)
    module.out_channels -= len(out)
    module.in_channels -= len(into)


def _cut_channels(module: Any, out: Sequence[int]) -> None:
    """Of what treats every channel by itself."""
    for name in ("weight", "bias", "running_mean", "running_var", "keep"):
        _shorten(module, name, out, 0)
    for name in ("num_features", "num_parameters"):
        if hasattr(module, name):
            setattr(module, name, getattr(module, name) - len(out))


def _shorten(module: nn.Module, name: str, without: Sequence[int], axis: int) -> None:
    """A parameter or buffer of its own `without` some places along an axis."""
    before: Tensor | None = getattr(module, name, None)
    if before is None or not len(without):
        return
    kept = torch.ones(before.shape[axis], dtype=torch.bool)
    kept[list(without)] = False
    left = before.detach().index_select(axis, kept.nonzero().flatten().to(before.device))
    is_parameter = isinstance(before, nn.Parameter)
    setattr(module, name, nn.Parameter(left, requires_grad=before.requires_grad) if is_parameter else left)


def differ(one: Callable[[Tensor], Tensor], other: Callable[[Tensor], Tensor], inputs: Iterable[Tensor]) -> float:
    """The largest difference of what two models make of the inputs, as part of its largest size; infinite if one fails.

    What fails is the second: a model that was cut where it must not be.
    """
    worst = 0.0
    for x in inputs:
        expected = one(x)
        try:
            found = other(x)
        except (RuntimeError, IndexError, ValueError, AssertionError):
            return float("inf")
        if found.shape != expected.shape:
            return float("inf")
        largest = max(float(expected.abs().max()), 1e-12)
        worst = max(worst, float((found - expected).abs().nan_to_num(float("inf")).max()) / largest)
    return worst
