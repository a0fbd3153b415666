"""How one batch of a data set becomes part of a store: read it, explain it, write it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..readable import Readable
from .layout import COLUMNS, FAILED, REASON

if TYPE_CHECKING:
    from ..lrp import Explainer
    from ..subjects import Samples
    from .dataset_store import DatasetStore

FAULTS = (ValueError, TypeError, LookupError, ArithmeticError)
"""What an explanation raises about its inputs; anything else, such as no memory, ends the run."""

Values = dict[str, NDArray[Any]]
"""Of each array of a store what belongs to some inputs, (n, ...)."""


@dataclass(frozen=True, eq=False, repr=False)
class Batch(Readable):
    """The inputs of one batch, as far as they could be read."""

    number: int
    positions: list[int]
    """Which of the batch could be read."""
    inputs: Tensor
    """Those, in order, (n, C, H, W) or (n, T)."""
    labels: list[int | None]
    """Class of every one in the batch; None where unknown."""
    failures: dict[int, str]
    """Why the others could not be read, by position."""


@dataclass(frozen=True, eq=False)
class Attribution:
    """Turns the batches of `dataset` into parts of `store`."""

    store: DatasetStore[Any]
    explainer: Explainer
    dataset: Samples
    probe: int
    """An input that could be read and explained. Where a whole batch fails it is tried again, as it may not be the
    inputs that are at fault: a disk that went away, a GPU that stopped."""

    def read(self, number: int) -> Batch:
        """The inputs of a batch; OSError or ValueError if none of them can be read, nor what could be before."""
        size = self.store.info.batch_size
        indices = range(number * size, min((number + 1) * size, len(self.store)))
        labels = [self._known_label(index) for index in indices]
        inputs: dict[int, Tensor] = {}
        failures: dict[int, str] = {}
        for position, index in enumerate(indices):
            try:
                inputs[position], labels[position] = self._item(index)
            except MemoryError:
                raise
            except Exception as error:  # a data set is anybody's code, and must not end a run of days
                failures[position] = reason(error)
        if not inputs:
            self._item(self.probe)
        return Batch(number, list(inputs), self._stacked(list(inputs.values())), labels, failures)

    def explain(self, batch: Batch) -> Values:
        """What to write for a batch; raises what the explainer does if it is not the inputs that are at fault."""
        failures = dict(batch.failures)
        parts = list(self._explained(batch, failures))
        values = parts[0][1] if parts and len(parts[0][0]) == len(batch.labels) else self._together(parts, batch)
        first = batch.number * self.store.info.batch_size
        values["samples"][:, 0] = np.arange(first, first + len(batch.labels))
        values["samples"][:, 1] = [-1 if label is None else label for label in batch.labels]
        if failures:
            values["failure"] = self.store.arrays["failure"].blank(len(batch.labels))
        for position, text in failures.items():
            content = text.encode()[:REASON]
            values["failure"][position, : len(content)] = np.frombuffer(content, np.uint8)
        return values

    def write(self, number: int, values: Values) -> int:
        """Write the batch `number`, and return it."""
        try:
            self.store.write(number, values)
        except FileNotFoundError:
            # Another process wrote the same batch, and swept this one's unfinished file away.
            if number in self.store.missing():
                raise
        return number

    def _item(self, index: int) -> tuple[Tensor, int | None]:
        x, label = self.dataset[index]
        info = self.store.info
        if not self.store.modality.alike(tuple(x.shape), info.input_shape) or str(x.dtype) != info.input_dtype:
            raise ValueError(
                f"The input is {x.dtype} of shape {tuple(x.shape)}; the others are {info.input_dtype} of shape "
                f"{info.input_shape}."
            )
        return x, None if label is None else int(label)

    def _known_label(self, index: int) -> int | None:
        """What the data set says of an input without decoding it."""
        labels = getattr(self.dataset, "labels", None)
        label = None if labels is None else labels[index]
        return None if label is None else int(label)

    def _explained(self, batch: Batch, failures: dict[int, str]) -> Iterator[tuple[list[int], Values]]:
        """Positions, and what was found there: all at once or, if that fails, one by one."""
        if not batch.positions:
            return
        try:
            yield batch.positions, self._values(batch.inputs, [batch.labels[at] for at in batch.positions])
            return
        except FAULTS:
            pass
        for at, position in enumerate(batch.positions):
            try:
                alone = self.store.modality.alone(batch.inputs, at)
                yield [position], self._values(alone, [batch.labels[position]])
            except FAULTS as error:
                failures[position] = reason(error)
        if len(failures) == len(batch.labels):
            x, label = self._item(self.probe)
            self._values(self._stacked([x]), [label])

    def _stacked(self, inputs: list[Tensor]) -> Tensor:
        if not inputs:
            return torch.empty(0)
        batch = self.store.modality.stacked(inputs)
        if batch.dim() != 4 or self.explainer.device.type != "cpu":
            return batch
        return batch.contiguous(memory_format=torch.channels_last)  # on a CPU a sixth less time for photographs

    def _values(self, inputs: Tensor, labels: list[int | None]) -> Values:
        return self.store.values(self.explainer, inputs, labels)

    def _together(self, parts: list[tuple[list[int], Values]], batch: Batch) -> Values:
        """The parts in their places, and fill values in those of the inputs that failed."""
        size = len(batch.labels)
        values = {name: array.blank(size) for name, array in self.store.arrays.items() if name != "failure"}
        values["samples"] = np.full((size, len(COLUMNS)), np.nan)
        values["samples"][:, 2:4] = FAILED
        for positions, part in parts:
            for name, found in part.items():
                values[name][positions] = found
        return values


def reason(error: Exception) -> str:
    """Why an input failed, in one line."""
    return " ".join(str(error).split()) or type(error).__name__
