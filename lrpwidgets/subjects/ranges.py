"""Which numbers are black and white: known by a normalization, or guessed of the first inputs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from .normalization import Normalization

if TYPE_CHECKING:
    from torch import Tensor


def guessed_range(normalization: Normalization | None, inputs: Sequence[Tensor]) -> tuple[dict[str, Any], list[str]]:
    """The fields ``to_image`` and ``bounds`` of a subject, as far as they are known, and what was assumed.

    Parameters
    ----------
    normalization : Normalization or None
        That of the preprocessing, if there is one.
    inputs : sequence of Tensor
        The first of the data, (C, H, W) each; may be empty.
    """
    if normalization is not None:
        return _by(normalization, inputs)
    if not inputs:
        return {}, []
    low, high = _extremes(inputs)
    if low < -1 or high > 1:
        unknown = f"Which inputs are valid is unknown ({low:.3g} to {high:.3g} occur)"
        return {}, [f"{unknown}: each picture is stretched to its own range."]
    black, channels = (0 if low >= 0 else -1), len(inputs[0])
    note = f"Inputs are taken to reach from {black} to 1, as the first {len(inputs)} of the data do."
    span = 1 - black
    return _fields(Normalization((-black / span,) * channels, (1 / span,) * channels)), [note]


def _by(normalization: Normalization, inputs: Sequence[Tensor]) -> tuple[dict[str, Any], list[str]]:
    """By a known normalization, with a doubt where the data does not look so."""
    if not inputs:
        return _fields(normalization), []
    known, channels = len(normalization.mean), len(inputs[0])
    if known not in (1, channels):
        note = (
            f"The normalization has {known} channels and the data {channels}: each picture is stretched to its range."
        )
        return {}, [note]
    repeat = channels // known
    fitted = Normalization(normalization.mean * repeat, normalization.std * repeat)
    return _fields(fitted), _doubts(fitted, inputs)


def _doubts(normalization: Normalization, inputs: Sequence[Tensor]) -> list[str]:
    """A sentence if the inputs look as if the normalization was forgotten, or was another one."""
    low, high = _extremes(inputs)
    black, white = min(normalization.bounds[0]), max(normalization.bounds[1])
    remedy = "is the preprocessing that of the data?"
    if low < black - 0.01 or high > white + 0.01:
        reach = f"{low:.3g} to {high:.3g}"
        return [f"Inputs reach from {reach}, beyond {black:.3g} to {white:.3g} that the normalization allows: {remedy}"]
    if low >= 0 and high <= 1 and black < -0.1:
        return [f"Inputs lie in [0, 1], as pixels do before they are normalized: {remedy}"]
    return []


def _extremes(inputs: Sequence[Tensor]) -> tuple[float, float]:
    return min(float(x.min()) for x in inputs), max(float(x.max()) for x in inputs)


def _fields(normalization: Normalization) -> dict[str, Any]:
    return {"to_image": normalization.to_image, "bounds": normalization.bounds}
