"""The relevance of a whole data set on disk: made once, resumed after any interruption, read in any order.

:class:`RelevanceStore` is the way in, and :class:`Selection` what is analysed of it. How it lies on disk is told in
:mod:`.layout`.
"""

from __future__ import annotations

import copy
import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from . import files, layout, seal
from .channels import AUTO, INPUT
from .dataset_store import DatasetStore
from .info import Info, Precision
from .layout import FAILED
from .merging import merged

if TYPE_CHECKING:
    from distributed import Client
    from torch import Tensor

    from ..lrp import Explainer
    from ..lrp.propagation import Keep
    from ..progress import Watcher
    from ..subjects import Subject


class RelevanceStore(DatasetStore[Info]):
    """The relevance of a data set under one model and composite; row i is the data set's input i.

    Made by :meth:`create`, which computes it, or ``open``. Numbers per input are read when first used and then
    kept, 28 bytes of each: open the store again to see what another process has added since.
    """

    kind = Info

    def __init__(self, path: Path, info: Info) -> None:
        super().__init__(path, info)
        self._seen: dict[str, Any] = {}

    @classmethod
    def create(
        cls,
        path: str | Path,
        explainer: Explainer,
        subject: Subject,
        targets: str | int = "predicted",
        batch_size: int = 64,
        client: Client | None = None,
        progress: bool | Watcher = True,
        layers: Sequence[str] | None = None,
        pool: int | None = None,
        dtype: Precision = "float16",
    ) -> RelevanceStore:
        """Explain every input of `subject` and keep the relevance in the folder `path`, or go on where it ended.

        Whatever ends it (Ctrl-C, a cancel, a killed process, a full disk), the batches that were written stay good,
        and the same call computes the rest. Several processes may run it at once. An input that cannot be read or
        explained is left out; ``failures`` says why.

        Parameters
        ----------
        path
            Folder of the store; one that does not exist, is empty, or holds a store begun in the same way.
        explainer
            Has the model and the composite.
        subject
            Has the data; its model is not used.
        targets
            What to explain of each input: ``"predicted"``, the top class; ``"label"``, its class in the data set;
            or one class for all.
        batch_size
            Inputs that are explained at once, and that share a chunk on disk.
        client
            A ``dask.distributed.Client``: its workers compute, with a copy of the model each. They must see `path`
            and, for pictures in a folder, that folder.
        progress
            True prints rate and time left; a function gets a :class:`.Progress` after each batch, and may raise
            :class:`lrpwidgets.lrp.Cancelled`.
        layers
            Names of layers the relevance of whose channels, summed over positions, is kept beside that of the input:
            there clusters form of what has no place in the picture. By default the last convolution, the one
            halfway and the last hidden dense layer; () for none. Of texts nothing is kept of layers.
        pool
            Keep sums over channels and squares of pixels, at most `pool` × `pool` of them, instead of every value.
        dtype
            ``"float16"``, which keeps 3 to 4 digits of each value, or ``"float32"``.

        Raises
        ------
        ValueError
            If an option is wrong, the store was begun in another way (which the message names), the folder holds
            something else, or no input can be explained; or the model answers with parts of each text.
        OSError
            If the disk is full, or the folder cannot be written.
        """
        from .attribute import completed
        from .examine import examined

        info, probe = examined(explainer, subject, targets, batch_size, layers, pool, dtype)
        return completed(cls, path, info, probe, explainer, subject, client, progress)

    def __repr__(self) -> str:
        counts = f"{int(self.done.sum()):,} of {len(self):,} inputs"
        return f"RelevanceStore({str(self.path)!r}: {self.info.title}, {self.info.composite['name']}, {counts})"

    def values(self, explainer: Explainer, inputs: Tensor, labels: Sequence[int | None]) -> dict[str, NDArray[Any]]:
        from . import maps

        keep: Keep = "layers" if self.info.layers else "input"
        return maps.values(maps.ask(explainer, inputs, labels, self.info.targets, keep), inputs, self.info)

    def relevance(self, rows: ArrayLike, layer: str = INPUT) -> NDArray[np.float32]:
        """The relevance of `rows`, in their order.

        Parameters
        ----------
        rows
            Row numbers (n,), in any order, also repeated.
        layer
            Take the relevance of the channels of one of the layers that the store keeps, instead of the input's.

        Returns
        -------
        ndarray
            (n, C, H, W), pooled if the store is; of texts on the vocabulary, (n, V), of each token the sum over
            its places; of a layer's channels (n, C), summed over positions.

        Raises
        ------
        ValueError
            If a row does not exist or has no relevance, a chunk is damaged, or the store does not keep that layer.
        """
        checked = self.checked(rows)
        self.check_layer(layer)
        shape = self.info.shape if layer == INPUT else (self.info.layers[layer].channels,)
        found = np.empty((len(checked), *shape), np.float32)
        for positions, block in self.batches(checked, layer):
            found[positions] = block
        return found

    def batches(self, rows: ArrayLike, layer: str = INPUT) -> Iterator[tuple[NDArray[np.int64], NDArray[np.float32]]]:
        """The relevance of `rows` in the order of the store, a chunk at a time: for more than fits into memory.

        Yields positions (m,) in `rows`, and the relevance (m, ...) there. Raises as :meth:`relevance` does.
        """
        checked = self.checked(rows)
        name, scale, columns = self._values(layer)
        order = np.argsort(checked, kind="stable")
        starts = np.flatnonzero(np.diff(self._numbers(checked[order]))) + 1
        for positions in np.split(order, starts) if len(order) else []:
            taken = checked[positions]
            number = int(taken[0]) // self.info.batch_size
            chunk = self.read(name, number)[taken - number * self.info.batch_size, columns]
            yield positions, chunk * scale[taken].reshape(-1, *[1] * (chunk.ndim - 1))

    def check_layer(self, layer: str) -> None:
        """Raise ValueError if the store does not keep that layer; the message has those that it keeps."""
        if layer != INPUT and layer not in self.info.layers:
            kept = ", ".join(map(repr, self.info.layers)) or "none"
            others = INPUT if layer == AUTO else f"{INPUT}', or, for an atlas, '{AUTO}"
            remedy = "" if layer == AUTO else f"; or make another store with layers=[{layer!r}]"
            raise ValueError(
                f"The store {str(self.path)!r} does not keep the layer {layer!r}; it keeps {kept}. Choose one of them, "
                f"'{others}'{remedy}."
            )

    def checked(self, rows: ArrayLike) -> NDArray[np.int64]:
        """`rows` as an array (n,); ValueError if one of them does not exist or has no relevance."""
        given = np.asarray(rows)
        if given.ndim != 1 or (given.size and given.dtype.kind not in "iu"):
            raise ValueError(f"rows must be whole numbers (n,), got {given.dtype} of shape {given.shape}.")
        found = given.astype(np.int64)
        outside = found[(found < 0) | (found >= len(self))]
        if len(outside):
            raise ValueError(f"There is no row {outside[0]}; the store has rows 0 to {len(self) - 1}.")
        without = found[~self.done[found]]
        if len(without):
            raise ValueError(f"{self._why_without(int(without[0]))} Take rows for which store.done is true.")
        return found

    def select(
        self, label: int | None = None, prediction: int | None = None, rows: ArrayLike | None = None
    ) -> Selection:
        """The rows with relevance that have this label, or this prediction, or are among `rows`; else all.

        Raises
        ------
        ValueError
            If more than one of them is given, or there is no such class or row.
        """
        given = {"label": label, "prediction": prediction, "rows": rows}
        by = [name for name, value in given.items() if value is not None]
        if len(by) > 1:
            raise ValueError(f"Select by one of label, prediction and rows; got {' and '.join(by)}.")
        if rows is not None:
            return Selection(self, np.unique(self.checked(rows)), "rows", None)
        if not by:
            return Selection(self, np.flatnonzero(self.done), "all", None)
        value = self._class(by[0], given[by[0]])
        return Selection(self, np.flatnonzero(self.done & (self._columns[by[0]] == value)), by[0], value)

    @property
    def lock(self) -> Path:
        """The file that is locked while somebody writes notes or annotations; nobody replaces it."""
        return self.arrays["samples"].folder / layout.DESCRIPTION

    def read_notes(self) -> dict[str, Any]:
        """What :meth:`write_notes` kept; empty before. Raises ValueError if the store's description is damaged."""
        self._seen = self._notes(layout.description(self.path, self.kind)[0])
        return copy.deepcopy(self._seen)

    def write_notes(self, notes: Mapping[str, Any]) -> None:
        """Keep `notes`, values for JSON by name, among the attributes of the store.

        They are merged with what others wrote since this store read or wrote notes the last time, key by key, also in
        dicts inside: what is changed here is changed, what is left out here is removed, and the rest stays.

        Raises
        ------
        TypeError, ValueError
            If JSON cannot hold them, or the store's description is damaged; the notes before stay.
        """
        mine = json.loads(json.dumps(dict(notes), allow_nan=False))
        with files.locked(self.lock):
            description, _ = layout.description(self.path, self.kind)
            there = merged(self._seen, mine, self._notes(description))
            description["attributes"][layout.NOTES] = there
            seal.write(self.path, description)
        self._seen = there

    @staticmethod
    def _notes(description: Mapping[str, Any]) -> dict[str, Any]:
        notes: dict[str, Any] = description["attributes"].get(layout.NOTES, {})
        return notes

    def _numbers(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        """The batch of each row."""
        return rows // self.info.batch_size

    def _values(self, layer: str) -> tuple[str, NDArray[np.float32], slice]:
        """The name of the array of relevance, the scale of each row, and which of its columns are meant."""
        if layer == INPUT:
            return "relevance", self._columns["scale"], slice(None)
        self.check_layer(layer)
        return "channels", np.ones(len(self), np.float32), self.info.columns(layer)

    def _why_without(self, row: int) -> str:
        if self.prediction[row] == FAILED:
            return f"Row {row} has no relevance, since the input failed: {self.failures[row]}"
        return f"Row {row} is not attributed yet: run the same attribution again."

    def _class(self, by: str, value: Any) -> int:
        if isinstance(value, bool) or not isinstance(value, int | np.integer):
            raise ValueError(f"{by} must be the number of a class, got {value!r}.")
        if value < 0 or (self.classes and value >= len(self.classes)):
            last = f" to {len(self.classes) - 1}" if self.classes else " upward"
            raise ValueError(f"There is no class {value}; the store has classes 0{last}.")
        return int(value)


@dataclass(frozen=True, eq=False)
class Selection:
    """Some rows of a store, to analyse together."""

    store: RelevanceStore
    rows: NDArray[np.int64] = field(repr=False)
    """Sorted, without repetitions (n,)."""
    by: str
    """``"label"``, ``"prediction"``, ``"rows"`` or ``"all"``."""
    value: int | None
    """The class that it was selected by."""

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def name(self) -> str:
        """In words: ``'label "horse"'``, ``"all 1,000 inputs"``, ``"37 chosen inputs"``."""
        if self.value is not None:
            return f'{self.by} "{self.store.class_name(self.value)}"'
        return f"{len(self):,} chosen inputs" if self.by == "rows" else f"all {len(self):,} inputs"
