"""What every channel of some layers says of every input of a data set: made in one pass, resumed, read in any order.

Beside the two arrays that every store over a data set has, `failure` and `samples` (see :mod:`..spray.layout`), a
reference store has for each layer, with C channels:

=================== ========= =================================================================================
channels.features.0 (N, 2, C) relevance summed over positions, and the largest activation, in 32 bits
places.features.0   (N, 2, C) where the most relevant and the most active position lies, counted row by row; not
                              for layers that have channels alone
=================== ========= =================================================================================

So a batch adds its own chunk whatever the others found, memory stays what a batch takes, and the highest inputs of each
channel are picked when they are asked for, as many as are asked for.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, Literal, Self, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.sparse import csc_array
from torch import Tensor

from ..readable import Readable
from ..spray import maps
from ..spray.channels import LayerShape, lacking, layer_shapes
from ..spray.dataset_store import DatasetStore
from ..spray.info import ArrayKind, Origin
from ..spray.layout import PENDING

if TYPE_CHECKING:
    from ..lrp import Explainer

Kind = Literal["relevance", "activation"]
KINDS: tuple[Kind, ...] = get_args(Kind)
"""By what inputs may be ranked, in the order of the arrays' second axis."""

ROWS = 2048
"""Inputs that are ranked at once, with the highest of those before."""


@dataclass(frozen=True, kw_only=True)
class ReferenceInfo(Origin):
    """What a reference store holds, and where it comes from."""

    key = "lrpwidgets references"
    store = "reference store"
    way = "make one with references(subject, layer, path=...)"

    layers: dict[str, LayerShape]
    """By name."""

    def arrays(self) -> dict[str, ArrayKind]:
        kinds: dict[str, ArrayKind] = {}
        for name, layer in self.layers.items():
            kinds[f"channels.{name}"] = (len(KINDS), layer.channels), np.dtype(np.float32), np.nan
            if layer.positions:
                kinds[f"places.{name}"] = (len(KINDS), layer.channels), np.dtype(np.int32), -1
        return kinds

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        return super().from_dict({**data, "layers": layer_shapes(data.get("layers"))})

    def differences(self, other: Self) -> list[str]:
        """As those of every store; one that has more layers than `other` has no difference."""
        return [*super().differences(other), *lacking(self.layers, other.layers)]


@dataclass(frozen=True, eq=False, repr=False)
class Ranking(Readable):
    """The highest inputs of every channel of a layer, and what classes they are of; m of them, at most k."""

    values: NDArray[np.float32]
    """What they are ranked by, falling, (m, C); −∞ where a channel has fewer."""
    rows: NDArray[np.int64]
    """Which they are, (m, C)."""
    places: NDArray[np.int32]
    """Where in the layer the highest position lies, counted row by row, (m, C)."""
    sums: dict[str, NDArray[np.float64]]
    """By ``"target"`` and ``"label"``: positive values summed over the inputs of each class, (classes + 1, C). The
    last is of inputs without a class."""
    counts: dict[str, NDArray[np.int64]]
    """In the same way: how many inputs had a positive value."""


class ReferenceStore(DatasetStore[ReferenceInfo]):
    """What every channel of some layers says of every input of a data set; row i is the data set's input i.

    Made by :func:`.references` with a path, or opened to be given to it.
    """

    kind = ReferenceInfo

    def __repr__(self) -> str:
        counts = f"{int(self.done.sum()):,} of {len(self):,} inputs"
        layers = ", ".join(self.info.layers)
        return f"ReferenceStore({str(self.path)!r}: {self.info.title}, {layers}, {counts})"

    def values(self, explainer: Explainer, inputs: Tensor, labels: Sequence[int | None]) -> dict[str, NDArray[Any]]:
        explanation = maps.ask(explainer, inputs, labels, self.info.targets, "all")
        if explanation.keep != "all":  # the batch did not fit memory
            half = len(inputs) // 2
            parts = [self.values(explainer, inputs[part], labels[part]) for part in (slice(half), slice(half, None))]
            return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}
        found: dict[str, NDArray[Any]] = {"samples": maps.table(explanation)}
        for name, shape in self.info.layers.items():
            layer = explanation[name]
            relevance, activation = (shape.planes(each).float() for each in (layer.relevance, layer.activation))
            highest, place = activation.max(2)
            found[f"channels.{name}"] = _numbers([relevance.sum(2), highest])
            if shape.positions:
                found[f"places.{name}"] = _numbers([relevance.argmax(2).int(), place.int()])
        return found

    def relevance(self, layer: str, rows: NDArray[np.int64]) -> NDArray[np.float32]:
        """The relevance of every channel of `layer`, summed over positions, for sorted `rows`, (n, C)."""
        size = self.info.batch_size
        if not len(rows):
            return np.zeros((0, self.info.layers[layer].channels), np.float32)
        numbers, starts = np.unique(rows // size, return_index=True)
        parts = zip(numbers.tolist(), np.split(rows, starts[1:]), strict=True)
        read = ((self.read(f"channels.{layer}", number), part - number * size) for number, part in parts)
        return np.concatenate([chunk[places, 0] for chunk, places in read])

    def ranking(self, layer: str, by: Kind, k: int) -> Ranking:
        """The `k` highest inputs of every channel of `layer`; of equal ones that which comes first in the data set.

        Inputs in which the channel is silent are none: its value is 0, or, for relevance, not positive.
        """
        channels = self.info.layers[layer].channels
        best: list[NDArray[Any]] = [np.empty((0, channels), kind) for kind in (np.float32, np.int64, np.int32)]
        classes = {"target": self.target, "label": self.label}
        size = {what: (int(each.max(initial=-1)) + 2, channels) for what, each in classes.items()}
        sums = {what: np.zeros(shape) for what, shape in size.items()}
        counts = {what: np.zeros(shape, np.int64) for what, shape in size.items()}
        for rows, values, places in self._blocks(layer, by, ROWS):
            positive = np.where(values > 0, values, 0).astype(np.float64)
            for what, each in classes.items():
                of_class = _members(each[rows], len(sums[what]))
                sums[what] += of_class @ positive
                counts[what] += (of_class @ (positive > 0)).astype(np.int64)
            speaks = values > 0 if by == "relevance" else (values != 0) & ~np.isnan(values)
            each_row = np.broadcast_to(rows[:, None], values.shape)
            new: list[NDArray[Any]] = [np.where(speaks, values, -np.inf), each_row, places]
            joined = [np.concatenate(pair) for pair in zip(best, new, strict=True)]
            order = _highest(joined[0], k)
            best = [np.take_along_axis(each, order, 0) for each in joined]
        highest, which, where = best
        return Ranking(highest, which, where, sums, counts)

    def _blocks(
        self, layer: str, by: Kind, size: int
    ) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32], NDArray[np.int32]]]:
        """The rows that are done, n or less at a time: their numbers (n,), values and places (n, C)."""
        which, batch = KINDS.index(by), self.info.batch_size
        numbers = np.unique(np.flatnonzero(self.prediction != PENDING) // batch).tolist()
        at_once = max(1, size // batch)
        for first in range(0, len(numbers), at_once):
            part = numbers[first : first + at_once]
            rows = np.concatenate([np.arange(each * batch, each * batch + self.size_of(each)) for each in part])
            done = self.done[rows]
            read = partial(self._read, part, which, done)
            values = read(f"channels.{layer}")
            has_places = f"places.{layer}" in self.arrays
            places = read(f"places.{layer}") if has_places else np.zeros(values.shape, np.int32)
            yield rows[done], values, places

    def _read(self, numbers: Sequence[int], which: int, done: NDArray[np.bool_], name: str) -> NDArray[Any]:
        """Of the array `name` what is done in those chunks, (n, C)."""
        return np.concatenate([self.read(name, number)[:, which] for number in numbers])[done]


def _highest(values: NDArray[np.float32], k: int) -> NDArray[np.int64]:
    """The places of the `k` highest `values` (n, C) in each column, falling; of equal ones the first comes first.

    By whole numbers that are ordered as the values are, and differ among equals: so `topk` is exact, in a sixth of the
    time of a stable sort.
    """
    bits = torch.from_numpy(np.ascontiguousarray(values.T)).view(torch.int32).long()
    ordered = torch.where(bits < 0, bits ^ 0x7FFFFFFF, bits)  # negative floats have falling bits
    keys = (ordered << 32) - torch.arange(len(values))
    found: NDArray[np.int64] = keys.topk(min(k, len(values)), dim=1).indices.T.numpy()
    return found


def _members(classes: NDArray[np.int32], count: int) -> csc_array:
    """A matrix (count, n) with 1 where an input is of a class; a class of −1 is the last."""
    size = len(classes)
    return csc_array((np.ones(size), classes % count, np.arange(size + 1)), shape=(count, size))


def _numbers(parts: Sequence[Tensor]) -> NDArray[Any]:
    """Parts (B, C) as an array (B, parts, C)."""
    found: NDArray[Any] = torch.stack(list(parts), 1).numpy(force=True)
    return found
