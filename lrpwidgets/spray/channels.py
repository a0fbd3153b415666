"""Channels of layers: how they lie in a layer's output, and which layers a relevance store keeps.

What a strategy looks at may have no place in the picture: a mark that moves, a cast, a texture. Its maps have nothing
in common then, but the channels that respond to it are the same (Achtibat et al. 2023), wherever it is.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from .plain import is_count

if TYPE_CHECKING:
    from torch import Tensor

    from ..lrp import Explanation


INPUT, AUTO = "input", "auto"
"""In place of a layer's name: the relevance of the input; where clusters stand apart most clearly."""


@dataclass(frozen=True)
class LayerShape:
    """How the output of a layer is laid out."""

    axis: int
    """The axis of its channels, the batch's being 0."""
    channels: int
    """How many there are."""
    positions: tuple[int, ...]
    """Sizes of the axes that are neither: rows and columns, tokens, queries and keys; () for dense layers."""

    @classmethod
    def of(cls, explanation: Explanation, name: str) -> LayerShape:
        """That of the layer `name`; raises ValueError if it is not there, or its first axis is not the batch's."""
        shape, count = explanation[name].shape, len(explanation.scores)
        axis = explanation.channel_axis(name)
        if axis == 0 or shape[0] != count:
            others = [each.name for each in explanation.layers if each.shape[0] == count and len(each.shape) > 1]
            raise ValueError(
                f"The layer {name!r} gives {shape} for {count} input{'s'[: count > 1]}, so its first axis does not "
                f"count inputs; take one where it does, such as {_nearest(name, others)!r}."
            )
        return cls(axis, shape[axis], tuple(shape[1:axis] + shape[axis + 1 :]))

    @classmethod
    def told(cls, data: Any) -> LayerShape | None:
        """That which a dict from JSON has, None if it is no such dict."""
        data = data if isinstance(data, dict) else {}
        axis, channels, positions = (data.get(name) for name in ("axis", "channels", "positions"))
        if is_count(axis) and is_count(channels) and isinstance(positions, list) and all(map(is_count, positions)):
            return cls(axis, channels, tuple(positions))
        return None

    def planes(self, tensor: Tensor) -> Tensor:
        """Numbers of the layer's output (B, ...) as (B, C, positions)."""
        return tensor.movedim(self.axis, 1).flatten(2) if self.positions else tensor[..., None]

    def position(self, place: int) -> tuple[int, ...]:
        """The position that is the `place`-th, row by row."""
        return tuple(int(index) for index in np.unravel_index(place, self.positions)) if self.positions else ()

    def sums(self, tensor: Tensor) -> Tensor:
        """Numbers of the layer's output (B, ...), summed over positions, (B, C)."""
        return self.planes(tensor).float().sum(2)


def layer_shapes(told: Any) -> dict[str, LayerShape]:
    """The shapes of layers that a dict from JSON has by name; ValueError if one is none, or cannot name a file."""
    found = {name: LayerShape.told(each) for name, each in told.items()} if isinstance(told, Mapping) else {"": None}
    known = {name: shape for name, shape in found.items() if shape is not None and _names_file(name)}
    if len(known) < len(found):
        raise ValueError(f"its layers are {told!r}; copy its zarr.json again, or make another store.")
    return known


def lacking(there: Mapping[str, LayerShape], here: Mapping[str, LayerShape]) -> list[str]:
    """What a store with the layers `there` lacks, as a difference, if it is to have those `here`; more do no harm."""
    missing = any(there.get(name) != shape for name, shape in here.items())
    return [f"layers ({', '.join(there) or 'none'} there, {', '.join(here)} here)"] if missing else []


def chosen(explanation: Explanation, layers: Iterable[str] | None) -> dict[str, LayerShape]:
    """The shapes of `layers`; None: the few at which strategies show, as far as the network has them.

    These are the last convolution (or layer over tokens), the one halfway to it, and the last hidden dense layer;
    without convolutions, the last hidden layer and the one halfway.

    Raises
    ------
    ValueError
        If there is no such layer, or the first axis of its output does not count inputs.
    """
    if layers is None:
        return _few(explanation)
    if isinstance(layers, str):
        raise ValueError(f"layers must be a list of names, got {layers!r}; give [{layers!r}].")
    names = [explanation[name].name for name in layers]
    return {name: LayerShape.of(explanation, name) for name in names}


def _few(explanation: Explanation) -> dict[str, LayerShape]:
    count, outputs = explanation.scores.shape
    found = {
        layer.name: LayerShape.of(explanation, layer.name)
        for layer in explanation.layers
        if layer.kind in ("conv", "linear") and layer.shape[0] == count and explanation.channel_axis(layer.name) > 0
    }
    known = {name: shape for name, shape in found.items() if _names_file(name)}
    if known and known[last := list(known)[-1]].channels == outputs:
        del known[last]  # it makes the scores
    wide, plain = ([name for name, shape in known.items() if bool(shape.positions) is there] for there in (True, False))
    names = [*_halves(wide), *plain[-1:]] if wide else _halves(plain)
    return {name: known[name] for name in names}


def _halves(names: Sequence[str]) -> list[str]:
    """The one in the middle, and the last."""
    return [names[len(names) // 2], names[-1]] if names else []


def _names_file(name: str) -> bool:
    return not {"/", "\\", "\0"} & set(name)


def _nearest(name: str, others: Sequence[str]) -> str:
    return (difflib.get_close_matches(name, others, n=1, cutoff=0) or [""])[0]
