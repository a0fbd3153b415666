"""What every store over a data set has: one row for each input, made batch by batch, resumed after any interruption.

A subclass says what it keeps of each input; :func:`.attribute.completed` makes one, and how it lies on disk is told in
:mod:`.layout`.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, ClassVar, Generic, Self

import numpy as np
from numpy.typing import NDArray

from ..subjects.modality import modality_named
from . import layout
from .layout import COLUMNS, FAILED, PENDING, Told

if TYPE_CHECKING:
    from torch import Tensor

    from ..lrp import Explainer
    from ..subjects.modality import Modality

Ints = NDArray[np.int32]


class DatasetStore(Generic[Told]):
    """Numbers of every input of a data set under one model and composite; row i is the data set's input i."""

    kind: ClassVar[type[Any]]
    """The class of :attr:`info`."""

    def __init__(self, path: Path, info: Told) -> None:
        self.path = path.absolute()
        """Folder of the store."""
        self.info = info
        """What it holds, and where that comes from."""
        self.arrays = layout.arrays(self.path, info)
        """Its arrays on disk, by name."""

    @classmethod
    def open(cls, path: str | Path, explainer: Explainer | None = None) -> Self:
        """The store in the folder `path`, to read.

        Parameters
        ----------
        path
            Folder of the store.
        explainer
            The one that it is to be used with.

        Raises
        ------
        FileNotFoundError
            If there is no store.
        ValueError
            If a description in it is damaged, or it was made with another model, composite or select than `explainer`
            has; the message says what differs.
        """
        store = cls(Path(path), layout.read_info(Path(path), cls.kind))
        if explainer is not None:
            from .described import described

            way = "open it with the model, composite and select that it was made with, or make another one elsewhere"
            store.refuse(list(store.info.differences_of_model(*described(explainer, store.info))), way)
        return store

    def refuse(self, differences: list[str], way: str) -> None:
        """Raise ValueError if there are `differences`, with the `way` out."""
        if differences:
            what = "; ".join(differences)
            raise ValueError(f"The store {str(self.path)!r} was begun differently: {what}. Either {way}.")

    def __len__(self) -> int:
        return self.info.inputs

    @cached_property
    def modality(self) -> Modality:
        """What is particular to its kind of data; ValueError if there is no such kind."""
        return modality_named(self.info.modality)

    @property
    def index(self) -> Ints:
        """Number of the input in the data set, (N,)."""
        return self._columns["index"]

    @property
    def label(self) -> Ints:
        """Class that the data set gives, (N,); −1 where unknown or not attributed yet."""
        return self._columns["label"]

    @property
    def prediction(self) -> Ints:
        """Class of the highest score, (N,); −2: not attributed yet, −1: could not be read or explained."""
        return self._columns["prediction"]

    @property
    def target(self) -> Ints:
        """Class that is explained, (N,); −1 for none."""
        return self._columns["target"]

    @property
    def score(self) -> NDArray[np.float32]:
        """The explained score, (N,); NaN for none."""
        return self._columns["score"]

    @cached_property
    def done(self) -> NDArray[np.bool_]:
        """Which rows have relevance, (N,)."""
        return frozen(self.prediction >= 0)

    @property
    def classes(self) -> list[str]:
        """Name of each output; may be empty."""
        return self.info.classes

    def class_name(self, index: int) -> str:
        """Name of an output, "class 3" where the store has no names."""
        return self.classes[index] if self.classes else f"class {index}"

    @cached_property
    def failures(self) -> dict[int, str]:
        """Why an input could not be read or explained, by row; raises DamagedStoreError if a reason was lost."""
        rows, size = np.flatnonzero(self.prediction == FAILED), self.info.batch_size
        reasons = {number: self.read("failure", number) for number in np.unique(rows // size).tolist()}
        each = ((row, reasons[row // size][row % size]) for row in rows.tolist())
        return {row: reason.tobytes().rstrip(b"\0").decode(errors="ignore") for row, reason in each}

    def values(self, explainer: Explainer, inputs: Tensor, labels: Sequence[int | None]) -> dict[str, NDArray[Any]]:
        """What each array gets of some `inputs` (n, C, H, W), (n, ...); raises as :meth:`.Explainer.explain` does.

        In `samples`, index and label are for the caller to fill in.
        """
        raise NotImplementedError

    def missing(self) -> list[int]:
        """Numbers of the batches that are not complete, in order."""
        complete = set.intersection(*(array.present() for name, array in self.arrays.items() if name != "failure"))
        return [number for number in range(self.batch_count) if number not in complete]

    @property
    def batch_count(self) -> int:
        """How many batches a whole store has."""
        return self.arrays["samples"].count

    def size_of(self, number: int) -> int:
        """How many inputs the batch `number` has."""
        return min(self.info.batch_size, len(self) - number * self.info.batch_size)

    def read(self, name: str, number: int) -> NDArray[Any]:
        """What the array `name` has of a batch, (n, ...); DamagedStoreError if that is not what was written there."""
        return self.arrays[name].read(number, self._checksums[name].get(number))

    def table(self, number: int) -> NDArray[np.float64]:
        """What `samples` has of a batch, (n, 6 and the checksums); DamagedStoreError if it is of another batch."""
        found, first = self.arrays["samples"].read(number), number * self.info.batch_size
        if not np.array_equal(found[:, 0], np.arange(first, first + len(found))):
            raise self.arrays["samples"].altered(number, "is that of another batch")
        return found

    def checksums(self, table: NDArray[np.float64]) -> dict[str, int]:
        """The checksums of the chunks of a batch that its `table` names, by array."""
        named = zip((name for name in self.arrays if name != "samples"), table[0, len(COLUMNS) :], strict=True)
        return {name: int(written) for name, written in named if not np.isnan(written)}

    def write(self, number: int, values: Mapping[str, NDArray[Any]]) -> None:
        """Write what each array gets of one batch, (n, ...); `samples`, which says that it is done, last.

        Two writers of one batch may come between each other's files, and need not agree in the last digits: the last of
        them sees that, and writes all of its own again.
        """
        others = [name for name in self.arrays if name != "samples"]
        while True:
            sums = {name: self.arrays[name].write(number, values[name]) for name in others if name in values}
            for name in set(others) - set(sums):
                self.arrays[name].remove(number)
            columns = [np.full(len(values["samples"]), sums.get(name, np.nan)) for name in others]
            self.arrays["samples"].write(number, np.column_stack([values["samples"], *columns]))
            if all(self.arrays[name].ends_in(number, found) for name, found in sums.items()):
                return

    def remove(self, number: int) -> bool:
        """Remove the chunks of a batch, the one that says that it is done first; whether that could be done."""
        try:
            for array in reversed(self.arrays.values()):
                array.remove(number)
        except OSError:
            return False
        return True

    @property
    def _columns(self) -> dict[str, NDArray[Any]]:
        """The columns of `samples`, each (N,) in its own type."""
        return self._samples[0]

    @property
    def _checksums(self) -> dict[str, dict[int, int]]:
        """Of each other array the checksum of each chunk that was written, by batch."""
        return self._samples[1]

    @cached_property
    def _samples(self) -> tuple[dict[str, NDArray[Any]], dict[str, dict[int, int]]]:
        table = np.full((len(self), len(COLUMNS)), np.nan)
        table[:, 1:4] = [-1, PENDING, -1]
        table[:, 0] = np.arange(len(self))
        checksums: dict[str, dict[int, int]] = {name: {} for name in self.arrays if name != "samples"}
        for number in self.arrays["samples"].present():
            found, first = self.table(number), number * self.info.batch_size
            table[first : first + len(found)] = found[:, : len(COLUMNS)]
            for name, written in self.checksums(found).items():
                checksums[name][number] = written
        columns = zip(COLUMNS.items(), table.T, strict=True)
        return {name: frozen(column.astype(dtype)) for (name, dtype), column in columns}, checksums


def frozen(values: NDArray[Any]) -> NDArray[Any]:
    """`values`, which are kept and handed to everybody, so that nobody writes into them."""
    values.flags.writeable = False
    return values
