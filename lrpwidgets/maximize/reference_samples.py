"""Reference samples: the inputs of a data set that show best what a channel stands for.

:func:`references` goes through a data set once and finds, for every channel of some layers, the inputs in which it is
most relevant for what the network says (RelMax) and those that excite it most (ActMax); Achtibat et al. 2023, "From
attribution maps to human-understandable explanations through Concept Relevance Propagation". Each comes with the part
of the input that the channel sees, with the relevance that flows through it, and with the classes that it speaks for.
"""

from __future__ import annotations

import difflib
import operator
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any, overload

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from ..lrp import Composite
from ..readable import Readable
from ..spray import RelevanceStore
from ..spray.attribute import completed
from ..spray.channels import LayerShape
from ..spray.examine import explainer_of, origin
from ..subjects import Subject
from .receptive import Box, fields
from .reference_store import KINDS, Kind, Ranking, ReferenceInfo, ReferenceStore

if TYPE_CHECKING:
    from distributed import Client

    from ..lrp import Explainer, Explanation
    from ..progress import Watcher

AT_ONCE = 8
"""Inputs that are explained together when maps are asked for."""


@dataclass(frozen=True)
class Share:
    """What one class has in a channel."""

    label: int
    """Its number; −1: no class is known."""
    name: str
    share: float
    """Its inputs' part in the positive values of the channel over the whole data set, 0 to 1; all classes' are 1."""
    inputs: int
    """How many of its inputs have a positive value."""


@overload
def references(source: Subject | RelevanceStore | ReferenceStore, layer: str, **options: Any) -> References: ...
@overload
def references(
    source: Subject | RelevanceStore | ReferenceStore, layer: Sequence[str], **options: Any
) -> dict[str, References]: ...
def references(  # type: ignore[misc]  # the options of both are those of the implementation
    source: Subject | RelevanceStore | ReferenceStore,
    layer: str | Sequence[str],
    *,
    by: Kind = "relevance",
    k: int = 8,
    targets: str | int | None = None,
    composite: str | Composite | None = None,
    batch_size: int | None = None,
    subject: Subject | None = None,
    path: str | Path | None = None,
    client: Client | None = None,
    progress: bool | Watcher = True,
) -> References | dict[str, References]:
    """Reference samples of every channel of a layer, or of several, over a whole data set.

    One pass explains every input, and keeps for every channel and input two numbers: its relevance summed over
    positions, which is what flows through the channel to the input, and its largest activation. Relevance is in units
    of the explained score: it is not normalized, so inputs that are classified more surely come first. Both rankings,
    of any length, come from the same pass. Memory stays what one batch takes; the numbers lie in the folder `path`, 16
    bytes for each channel and input, or in a temporary one that goes with the references.

    Whatever ends the pass, the batches that were written stay good, and the same call computes the rest.

    Parameters
    ----------
    source
        A subject; a relevance store, beside which the references are kept, with its composite and targets, for its
        `subject`; or a reference store, which is read.
    layer
        Name of a layer as an explanation has it, or several names. Its first axis must count the inputs, and its
        channels are what :meth:`.Explanation.condition` takes for such: channels of convolutions, neurons of dense
        layers, features of tokens, heads of attention (``"....softmax"``); the rest of the axes are positions.
    by
        ``"relevance"`` (RelMax) or ``"activation"`` (ActMax).
    k
        References of each channel, at most: inputs in which it is silent are none.
    targets
        What is explained of each input: ``"predicted"``, the top class; ``"label"``, its class in the data set; or one
        class for all. By default that of the store, or ``"predicted"``.
    composite
        Which rule each layer gets. By default that of the store, or ``"auto"``.
    batch_size
        Inputs that are explained at once. By default that of the store, or 64.
    subject
        For a store: has the model and the data.
    path
        Folder in which the numbers are kept; see :meth:`.RelevanceStore.create`.
    client
        A ``dask.distributed.Client`` whose workers compute; they must see `path`, which then must be given.
    progress
        True prints rate and time left; a function gets a :class:`.Progress` after each batch.

    Returns
    -------
    References or dict of References
        Of the layer, or by name if several were named.

    Raises
    ------
    ValueError
        If a layer is not there or has no first axis of inputs, an option is wrong, the data set is empty or lacks the
        labels that are asked for, or the store in `path` was begun with another model, composite or data set.
    TypeError
        If `source` is none of these.

    Examples
    --------
    >>> from lrpwidgets import subjects
    >>> found = references(subjects.load("digits"), "conv2", k=4)
    >>> found.channel(5).samples.shape
    (4,)
    """
    if by not in KINDS:
        raise ValueError(f"by must be 'relevance' or 'activation', got {by!r}.")
    if isinstance(k, bool) or not isinstance(k, int) or k < 1:
        raise ValueError(f"k must be a whole number of at least 1, got {k!r}.")
    names = [layer] if isinstance(layer, str) else list(layer)
    if not names:
        raise ValueError("layer must name at least one layer, got none.")
    asked = {"targets": targets, "composite": composite, "batch_size": batch_size}
    explainer, folder = None, None
    if isinstance(source, ReferenceStore):
        store = _opened(source, names, asked)
        if subject is not None:
            explainer = _explainer(store, subject)
    else:
        if isinstance(source, RelevanceStore):
            subject, asked, beside = _of_store(source, subject, names[0], asked)
            explainer, path = explainer_of(source, subject), beside if path is None else path
        elif isinstance(source, Subject):
            subject, explainer = source, source.explainer("auto" if composite is None else composite)
        else:
            raise TypeError(f"source must be a subject, a relevance store or a reference store, got {source!r}.")
        info, probe = _examined(explainer, subject, names, asked)
        if path is None:
            if client is not None:
                raise ValueError("Workers need a folder that they all see: references(..., client=client, path=...).")
            folder = tempfile.TemporaryDirectory(prefix="lrpwidgets-references-")
            path = Path(folder.name) / "store"
        store = completed(ReferenceStore, path, info, probe, explainer, subject, client, progress)
    found = {name: References(store, name, by, k, subject, explainer, folder) for name in names}
    return found[names[0]] if isinstance(layer, str) else found


class References:
    """The reference samples of every channel of a layer: made by :func:`references`."""

    def __init__(
        self,
        store: ReferenceStore,
        layer: str,
        by: Kind,
        k: int,
        subject: Subject | None = None,
        explainer: Explainer | None = None,
        folder: tempfile.TemporaryDirectory[str] | None = None,
    ) -> None:
        self.store = store
        """What every channel says of every input."""
        self.layer = layer
        """Name of the layer."""
        self.by = by
        """``"relevance"`` or ``"activation"``."""
        self.k = k
        """References of each channel at most."""
        self._subject, self._explainer, self._folder = subject, explainer, folder
        self._fields: dict[tuple[int, tuple[int, ...]], Box] = {}

    def __repr__(self) -> str:
        counts = f"{self.channels} channels, {len(self.store):,} inputs"
        return f"References({self.layer!r} by {self.by}, k={self.k}: {counts})"

    @property
    def channels(self) -> int:
        """How many the layer has."""
        return self.shape.channels

    @property
    def shape(self) -> LayerShape:
        """How its output is laid out."""
        return self.store.info.layers[self.layer]

    @cached_property
    def ranking(self) -> Ranking:
        """The highest inputs of all channels as arrays, (k, C): for looking through them all."""
        return self.store.ranking(self.layer, self.by, self.k)

    def channel(self, number: int) -> ChannelReferences:
        """The reference samples of one channel; raises ValueError if there is no such channel."""
        number = self._checked(number)
        ranking, store = self.ranking, self.store
        there = ranking.values[:, number] > -np.inf
        rows = ranking.rows[there, number]
        return ChannelReferences(
            of=self,
            number=number,
            samples=rows,
            values=ranking.values[there, number],
            positions=[self.shape.position(place) for place in ranking.places[there, number].tolist()],
            labels=store.label[rows],
            targets=store.target[rows],
        )

    def by_relevance(self) -> References:
        """The same layer's references by relevance, of the same pass."""
        return self._ranked("relevance")

    def by_activation(self) -> References:
        """The same layer's references by activation, of the same pass."""
        return self._ranked("activation")

    def maps(self, samples: ArrayLike, channels: Sequence[int]) -> Tensor:
        """The relevance of some inputs that flows through each of some channels.

        Over all channels of the layer they add up to the whole map, unless a shortcut leads around the layer.

        Parameters
        ----------
        samples
            Numbers of inputs in the data set (n,).
        channels
            Numbers of channels.

        Returns
        -------
        Tensor
            (n, channels, ...), each map shaped like the input, on the CPU.

        Raises
        ------
        ValueError
            If there is no such channel or input, or there is no subject to explain it.
        """
        numbers, rows = [self._checked(number) for number in channels], self._rows(samples)
        found = []
        for part in np.split(rows, np.arange(AT_ONCE, len(rows), AT_ONCE)) if len(rows) else []:
            explanation = self._explained(part)
            each = [explanation.condition({self.layer: number}).relevance for number in numbers]
            found.append(torch.stack([one.cpu() for one in each if isinstance(one, Tensor)], 1))
        return torch.cat(found) if found else torch.empty(0, len(numbers), *self.store.info.input_shape)

    def inputs(self, samples: ArrayLike) -> Tensor:
        """Inputs of the data set by number, (n, ...); raises ValueError as :meth:`maps` does."""
        subject, rows = self._required()[0], self._rows(samples)
        each = [subject.item(row)[0] for row in rows.tolist()]
        return torch.stack(each) if each else torch.empty(0, *self.store.info.input_shape)

    def field(self, channel: int, position: tuple[int, ...]) -> Box:
        """What part of the input a channel sees at a position of the layer; see ``maximize.receptive.fields``."""
        return self._boxes(self._checked(channel), [position])[0]

    def _boxes(self, channel: int, positions: Sequence[tuple[int, ...]]) -> list[Box]:
        _, explainer = self._required()
        new = [place for place in dict.fromkeys(positions) if (channel, place) not in self._fields]
        if new:
            valid = self.inputs(np.flatnonzero(self.store.done)[:1])
            boxes = fields(explainer, valid, self.layer, [(channel, place) for place in new])
            self._fields.update({(channel, place): box for place, box in zip(new, boxes, strict=True)})
        return [self._fields[channel, place] for place in positions]

    def _explained(self, rows: NDArray[np.int64]) -> Explanation:
        """The explanation of some inputs as in the pass."""
        _, explainer = self._required()
        return explainer.explain(self.inputs(rows), torch.from_numpy(self.store.target[rows]).long())

    def _shares(self, what: str, number: int) -> list[Share]:
        """What each class has in a channel, the largest first; none if the channel is never positive."""
        sums, counts = self.ranking.sums[what][:, number], self.ranking.counts[what][:, number]
        total, last = sums.sum(), len(sums) - 1
        order = [int(place) for place in np.argsort(-sums, kind="stable") if counts[place]]
        found = [(-1 if place == last else place, sums[place] / total, counts[place]) for place in order]
        name = self.store.class_name
        return [Share(it, "no class" if it < 0 else name(it), float(part), int(n)) for it, part, n in found]

    def _ranked(self, by: Kind) -> References:
        return References(self.store, self.layer, by, self.k, self._subject, self._explainer, self._folder)

    def _required(self) -> tuple[Subject, Explainer]:
        if self._subject is None or self._explainer is None:
            subject = self.store.info.recipe or "subject"
            raise ValueError(
                "A store alone has numbers, no inputs and no model: for crops and maps give its subject, "
                f"references(store, {self.layer!r}, subject={subject})."
            )
        return self._subject, self._explainer

    def _rows(self, samples: ArrayLike) -> NDArray[np.int64]:
        rows = np.asarray(samples, np.int64).reshape(-1)
        for row in rows.tolist():
            if not 0 <= row < len(self.store):
                raise ValueError(f"There is no input {row}; the data set has inputs 0 to {len(self.store) - 1}.")
            if not self.store.done[row]:
                why = self.store.failures.get(row, "the pass has not come to it; run the same references again.")
                raise ValueError(f"Input {row} was not explained: {why}")
        return rows

    def _checked(self, channel: int) -> int:
        try:
            number = operator.index(channel)
        except TypeError:
            raise ValueError(f"A channel is a number, got {channel!r}.") from None
        if not 0 <= number < self.channels:
            raise ValueError(f"The layer {self.layer!r} has channels 0 to {self.channels - 1}, there is no {number}.")
        return number


@dataclass(frozen=True, eq=False, repr=False)
class ChannelReferences(Readable):
    """The reference samples of one channel, the highest first; n of them, fewer than k if it is often silent."""

    of: References = field(repr=False)
    """All channels of the layer."""
    number: int
    """The channel's."""
    samples: NDArray[np.int64]
    """Numbers of the inputs in the data set, (n,)."""
    values: NDArray[np.float32]
    """Their relevance, summed over positions, or largest activation, (n,)."""
    positions: list[tuple[int, ...]]
    """Where in the layer the most relevant, or the most active, position lies: rows and columns, or tokens."""
    labels: NDArray[np.int32]
    """Classes that the data set gives, (n,); −1 where unknown."""
    targets: NDArray[np.int32]
    """Classes that were explained, (n,)."""

    def __len__(self) -> int:
        return len(self.samples)

    @property
    def classes(self) -> list[Share]:
        """Which explained classes the channel speaks for, over the whole data set, the largest share first."""
        return self.of._shares("target", self.number)

    @property
    def label_classes(self) -> list[Share]:
        """The same by the classes that the data set gives."""
        return self.of._shares("label", self.number)

    @property
    def boxes(self) -> list[Box]:
        """What part of each input the channel sees at :attr:`positions`; ``x[box]`` cuts it out."""
        return self.of._boxes(self.number, self.positions)

    def inputs(self) -> Tensor:
        """The inputs as the model takes them, (n, ...)."""
        return self.of.inputs(self.samples)

    def crops(self) -> list[Tensor]:
        """Of each input the part that the channel sees at its position, n of (C, h, w)."""
        return [x[box] for x, box in zip(self.inputs(), self.boxes, strict=True)]

    def maps(self) -> Tensor:
        """The relevance that flows through the channel, shaped like the inputs, (n, ...)."""
        return self.of.maps(self.samples, [self.number])[:, 0]


def _examined(
    explainer: Explainer, subject: Subject, names: Sequence[str], asked: dict[str, Any]
) -> tuple[ReferenceInfo, int]:
    """What the references of `subject` will hold, and the number of the input that told; raises ValueError."""
    targets = "predicted" if asked["targets"] is None else asked["targets"]
    if targets == "label" and len(subject.dataset) and not _has_labels(subject):
        raise ValueError(
            f"The data set of {subject.name!r} has no labels, and targets is 'label'; use targets='predicted'."
        )
    batch_size = 64 if asked["batch_size"] is None else asked["batch_size"]
    told, probe, _, explanation = origin(explainer, subject, targets, batch_size, "all")
    layers = {name: LayerShape.of(explanation, name) for name in names}
    return ReferenceInfo(**told, layers=layers), probe


def _has_labels(subject: Subject) -> bool:
    labels = getattr(subject.dataset, "labels", None)
    return subject.item(0)[1] is not None if labels is None else any(label is not None for label in labels)


def _of_store(
    store: RelevanceStore, subject: Subject | None, layer: str, asked: dict[str, Any]
) -> tuple[Subject, dict[str, Any], Path]:
    """The subject, what the store asks, and the folder beside it."""
    if subject is None:
        recipe = store.info.recipe or "subject"
        raise ValueError(
            f"A relevance store has no model: give its subject, references(store, {layer!r}, subject={recipe})."
        )
    if asked["composite"] is not None:
        raise ValueError("The composite is that of the relevance store; for another one give the subject in its place.")
    own = {"targets": store.info.targets, "batch_size": store.info.batch_size}
    return (
        subject,
        {**asked, **{name: own[name] if asked[name] is None else asked[name] for name in own}},
        (store.path.with_name(f"{store.path.name}-references")),
    )


def _opened(store: ReferenceStore, names: Sequence[str], asked: dict[str, Any]) -> ReferenceStore:
    """The store, if it has those layers and was made as is asked; else ValueError."""
    known = list(store.info.layers)
    for name in names:
        if name not in known:
            near = difflib.get_close_matches(name, known, n=1, cutoff=0)[0]
            raise ValueError(
                f"The store {str(store.path)!r} has no layer {name!r}, it has {', '.join(map(repr, known))}; take "
                f"{near!r}, or give the subject and another path."
            )
    for name, value in asked.items():
        if value is not None and name != "composite" and value != getattr(store.info, name):
            raise ValueError(
                f"The store was made with {name}={getattr(store.info, name)!r}, not {value!r}; leave it out."
            )
    if asked["composite"] is not None:
        raise ValueError("The composite is that of the store; for another one give the subject in its place.")
    if not store.done.any():
        raise ValueError(
            f"Nothing is explained yet in {str(store.path)!r}; give the subject and path={str(store.path)!r}."
        )
    return store


def _explainer(store: ReferenceStore, subject: Subject) -> Explainer:
    """One for the model of `subject` and the composite of `store`; ValueError if it is of another model."""
    explainer = subject.explainer(Composite.from_dict(store.info.composite))
    store.open(store.path, explainer)
    return explainer
