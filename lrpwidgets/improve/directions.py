"""Directions: how a layer carries an artefact, or any other concept that some inputs have and others have not.

A direction comes from two sides, inputs with and without. By default it is the signal: the covariance of each unit with
the side, over the side's variance, that is the difference of the two means (Anders et al. 2022; Pahde et al. 2022,
"Navigating neural space: revisiting concept activation vectors to overcome directional divergence"). A linear
classifier's weights, as in TCAV (Kim et al. 2018), tell the sides apart best, but point elsewhere: they also cancel
what both sides have.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from os import PathLike
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn import functional

from ..evaluate.intervals import Interval, interval
from ..lrp import Explainer
from ..lrp.outputs import module_of, output_through
from ..readable import Readable
from ..spray.poison import UntestableError, label_of, other_clusters
from ..subjects import Subject
from .layers import Place, activations, place
from .projection import Projection, summarized, units_of
from .tensor_files import KEY, metadata_of, unwritten

if TYPE_CHECKING:
    from ..spray import Atlas

Method = Literal["signal", "svm", "logistic"]
"""How a direction is found: the difference of means, or the weights of a linear SVM or a logistic regression."""
Over = Literal["units", "channels"]
"""What a direction goes through: all units of a layer, as of something that has its place; or its channels."""
Side = Sequence[int] | NDArray[np.int64] | Tensor
"""Numbers of a subject's inputs, or inputs (n, C, H, W) themselves."""

_KIND = "direction"
FOLDS = 5
MOST_UNITS = 400_000
"""Beyond, a direction goes through channels unless somebody asks for units."""
_SEPARATES = 0.6
"""Area under the curve below which a direction tells the sides apart hardly."""


@dataclass(frozen=True, eq=False, repr=False)
class Direction(Readable):
    """A unit vector in a layer's activations, from inputs without something towards those with it."""

    place: Place
    vector: Tensor = field(repr=False)
    """(D,), of length 1, in 64 bits, so that a model in these is projected as exactly as it computes."""
    over: Over
    """What it goes through: all units, D = their number; or channels, the same at each position."""
    middle: Tensor = field(repr=False)
    """Mean activation of inputs without, (D,); over all positions, where it goes through channels."""
    artefact: float
    """Mean place of inputs with, along it; where it goes through channels, of the positions that are furthest along."""
    extent: float
    """Share of the positions where inputs with it lie nearer to the artefact than to the clean mean, where it goes
    through channels; 1 through units."""
    auroc: Interval
    """How well it tells apart inputs of either side that it was not made from: area under the ROC curve (1: perfectly,
    .5: by chance), cross-validated, with its spread over folds."""
    method: Method = "signal"
    detector: tuple[Tensor, Tensor] | None = field(default=None, repr=False)
    """Weights (D,) and threshold () of a linear support vector machine for the two sides; a random one has none."""
    heights: tuple[Tensor, Tensor] = field(default=(torch.empty(0), torch.empty(0)), repr=False)
    """Where inputs with and without lie along it, (n,) and (m,); each was left out when the direction was found that
    it is measured by."""
    numbers: tuple[tuple[int, ...], tuple[int, ...]] = field(default=((), ()), repr=False)
    """Numbers of the subject's inputs with and without; empty where inputs themselves were given."""
    seen: tuple[int, ...] = field(default=(), repr=False)
    """Numbers of the inputs that sides which were given as inputs were made of."""
    source: str = ""
    """What it was made from, in words."""

    @property
    def layer(self) -> str:
        """Name of its layer."""
        return self.place.layer

    @property
    def used(self) -> frozenset[int]:
        """Numbers of all inputs that it was made from, as far as they are known."""
        return frozenset((*self.numbers[0], *self.numbers[1], *self.seen))

    @property
    def clean(self) -> float:
        """Mean place of inputs without, along it; over all positions, where it goes through channels."""
        return float((self.middle * self.vector).sum())  # a product of matrices depends on where they lie in memory

    @property
    def axis(self) -> int | None:
        """The axis of its channels, None where it goes through all units."""
        return self.place.axis if self.over == "channels" else None

    @property
    def caveat(self) -> str:
        """A sentence if it does not separate; empty if it does."""
        if self.auroc.value >= _SEPARATES:
            return ""
        return (
            f"The direction in {self.layer!r} tells inputs with and without hardly apart: area under the curve "
            f"{self.auroc.value:.2f}, by chance .5. Take another layer, or more inputs."
        )

    def along(self, activation: Tensor) -> Tensor:
        """How far the layer's output (B, ...) lies along it: (B,), or (B, ...) without the axis of channels."""
        return units_of(activation, self.axis) @ self.vector.to(activation)

    def projection(self, reactive: bool = False) -> Projection:
        """What moves activations along it to the clean mean; `reactive`: where its detector finds the artefact.

        Raises
        ------
        ValueError
            If it is to be reactive, and has no detector.
        """
        if reactive and self.detector is None:
            raise ValueError(
                "A random direction has no detector, so it cannot be projected reactively; reactive=False can."
            )
        return Projection(
            self.vector, self.middle @ self.vector, self.axis, *(self.detector if reactive and self.detector else ())
        )

    def explainer(self, explainer: Explainer) -> Explainer:
        """One that explains how far inputs lie along it (of channels: on average over positions) in place of a class.

        Its only score is that of class 0, so ``direction.explainer(explainer).explain(x).relevance`` tells which pixels
        show what the direction stands for, whether or not the model uses it.
        """
        return Explainer(_Along(explainer, self), explainer.composite, unknown=explainer.unknown)

    def random(self, seed: int = 0) -> Direction:
        """A random direction at the same place, orthogonal to this one: a repair along it should mend nothing.

        Its artefact is as far from the clean mean as that of this one.
        """
        drawn = torch.randn(self.vector.shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)
        drawn -= (drawn @ self.vector) * self.vector
        vector = drawn / drawn.norm()
        far = float(self.middle @ vector) + self.artefact - self.clean
        return replace(self, vector=vector, artefact=far, detector=None, source=f"random, seed {seed}")

    def save(self, path: str | PathLike[str]) -> Path:
        """Write it as safetensors, with what it was made from; raises FileExistsError if there is a file already."""
        from safetensors.torch import save_file

        target = unwritten(path)
        tensors = {"vector": self.vector, "middle": self.middle, "with": self.heights[0], "without": self.heights[1]}
        if self.detector:
            tensors |= {"detector": self.detector[0], "threshold": self.detector[1]}
        told = {KEY: _KIND, "told": json.dumps(self._told())}
        save_file(tensors, target, metadata=told)
        return target

    @classmethod
    def load(cls, path: str | PathLike[str]) -> Direction:
        """Read what `save` wrote.

        Raises
        ------
        FileNotFoundError
            If there is no such file.
        ValueError
            If it holds no direction.
        """
        from safetensors.torch import load_file

        told = json.loads(metadata_of(path, _KIND, "direction.save(path)")["told"])
        tensors = load_file(path)
        found = tensors.get("detector")
        return cls(
            Place(told["layer"], tuple(told["shape"]), told["axis"]),
            tensors["vector"],
            told["over"],
            tensors["middle"],
            told["artefact"],
            told["extent"],
            Interval(*told["auroc"]),
            told["method"],
            None if found is None else (found, tensors["threshold"]),
            (tensors["with"], tensors["without"]),
            (tuple(told["numbers"][0]), tuple(told["numbers"][1])),
            tuple(told["seen"]),
            told["source"],
        )

    def _told(self) -> dict[str, Any]:
        auroc = self.auroc
        return {
            "layer": self.layer,
            "shape": self.place.shape,
            "axis": self.place.axis,
            "over": self.over,
            "artefact": self.artefact,
            "extent": self.extent,
            "auroc": (auroc.value, auroc.low, auroc.high, auroc.samples),
            "method": self.method,
            "numbers": self.numbers,
            "seen": self.seen,
            "source": self.source,
        }


def direction(
    subject: Subject,
    layer: str,
    with_artefact: Side,
    without: Side,
    *,
    method: Method = "signal",
    over: Over | None = None,
    seen: Sequence[int] = (),
    source: str = "",
    explainer: Explainer | None = None,
) -> Direction:
    """The direction in which `layer` carries what inputs on one side have and those on the other have not.

    Parameters
    ----------
    with_artefact, without
        Numbers of the subject's inputs, as :func:`.sides` finds them of a cluster; or inputs (n, C, H, W) themselves,
        such as ``artefact.taken(inputs, random)`` and `inputs`.
    over
        ``"units"`` of the layer, as of a mark that has its place; ``"channels"``, the same at each position, as of one
        that moves. By default units, but channels of layers with more than 400,000 of them.
    seen
        Numbers of the subject's inputs that the sides were made of, if these are inputs themselves, so that a proof
        takes others.
    source
        What it is made from, in words, to be kept with it.
    explainer
        Has the subject's model and says where its scores are; by default a new one.

    Raises
    ------
    ValueError
        If a side has fewer than two inputs, one is on both sides, the layer's output cannot be changed (it is not
        there, is called more than once, or does not count inputs), or the two sides are the same to it.
    """
    if method not in get_args(Method):
        raise ValueError(f"method must be {', '.join(map(repr, get_args(Method)))}, got {method!r}.")
    if over not in (None, *get_args(Over)):
        raise ValueError(f"over must be 'units' or 'channels', got {over!r}.")
    explainer = explainer or subject.explainer()
    numbers = _numbers(subject, with_artefact, "with"), _numbers(subject, without, "without")
    both = [_inputs(subject, *each) for each in zip((with_artefact, without), numbers, strict=True)]
    if shared := set(numbers[0]) & set(numbers[1]):
        raise ValueError(f"An input is with or without it, not both; on both sides are {sorted(shared)[:5]}.")
    where = place(explainer, subject, layer)
    goes = over or ("units" if where.units <= MOST_UNITS else "channels")
    axis = where.axis if goes == "channels" else None
    known = [_seen(explainer, layer, inputs, axis) for inputs in both]
    values, clean = np.concatenate([summary for summary, _ in known]), known[1][1]
    side = np.repeat([1, 0], [len(each) for each in both])
    if not np.isfinite(values).all():
        raise ValueError(f"The layer {layer!r} gives numbers that are not finite; take a layer before.")
    vector = _vector(values, side, method)
    if vector is None:
        raise ValueError(f"Inputs with and without are the same to the layer {layer!r}; take another layer.")
    heights, auroc = _cross_validated(values, side, method)
    unit = torch.tensor(vector)
    peaks = values  # through all units there is one position
    if axis is not None:
        peaks = np.concatenate([_peaks(explainer, layer, inputs, unit, axis) for inputs in both])
    artefact = float((peaks[side == 1] @ vector).mean())
    between = (artefact + float(clean @ vector)) / 2
    return Direction(
        where,
        unit,
        goes,
        middle=torch.tensor(clean),
        artefact=artefact,
        extent=1.0 if axis is None else _share_beyond(explainer, layer, both[0], unit, axis, between),
        auroc=auroc,
        method=method,
        detector=_detector(peaks, side),
        heights=(torch.tensor(heights[side == 1]).float(), torch.tensor(heights[side == 0]).float()),
        numbers=numbers,
        seen=tuple(int(number) for number in seen),
        source=source,
    )


class _Along(nn.Module):
    """A model that returns how far inputs lie along a direction in it."""

    vector: Tensor

    def __init__(self, explainer: Explainer, direction: Direction) -> None:
        super().__init__()
        self.model, self._layer, self._axis = explainer.model, direction.layer, direction.axis
        self.register_buffer("vector", direction.vector.to(explainer.device, explainer.dtype))

    def forward(self, *inputs: Tensor) -> Tensor:
        found: list[Tensor] = []

        def measure(output: Tensor) -> Tensor:  # at once: what comes next may change the output in place
            found.append(functional.linear(units_of(output, self._axis), self.vector[None].to(output)))
            return output

        with output_through(module_of(self.model, self._layer), measure):
            self.model(*inputs)
        (along,) = found
        return along if self._axis is None else along.flatten(1).mean(1, keepdim=True)


def ends(
    subject: Subject, direction: Direction, *, count: int = 8, samples: int = 1000, explainer: Explainer | None = None
) -> tuple[list[int], list[int]]:
    """Numbers of the inputs that lie furthest back along a direction, and of those furthest on, both furthest first.

    Looks at so many `samples` of the subject, spread evenly over its data set.
    """
    explainer = explainer or subject.explainer()
    numbers = np.unique(np.linspace(0, len(subject.dataset) - 1, min(samples, len(subject.dataset))).astype(np.int64))
    heights = []
    for part in np.array_split(numbers, -(-len(numbers) // 64)):
        inputs = torch.stack([subject.item(int(i))[0] for i in part])
        for output in activations(explainer, direction.layer, inputs):
            heights.append(direction.along(output).reshape(len(output), -1).amax(1))
    order = numbers[torch.cat(heights).argsort().numpy()].tolist()
    return order[:count], order[::-1][:count]


def sides(atlas: Atlas, number: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Numbers of the inputs in a cluster, and of those of its class in the other clusters.

    Raises
    ------
    ValueError
        If there is no such cluster, or no other one of its class.
    """
    members = atlas.members(number)
    others = other_clusters(atlas, number, label_of(atlas, number))
    if not others:
        raise UntestableError(
            f"Cluster {number} is the only one of its class; name inputs without it by their numbers."
        )
    rest = np.sort(np.concatenate(others))
    return atlas.store.index[members].astype(np.int64), atlas.store.index[rest].astype(np.int64)


def _numbers(subject: Subject, side: Side, name: str) -> tuple[int, ...]:
    """Numbers of the inputs of one side; empty if these are inputs themselves."""
    if len(side) < 2:
        raise ValueError(f"A direction needs two inputs at least on each side; {name} it there are {len(side)}.")
    listed = torch.as_tensor(side)
    if listed.dtype == torch.bool:
        raise ValueError(f"Inputs {name} it are given by a mask; give their numbers, numpy.flatnonzero(mask).")
    if listed.dim() > 1:
        return ()
    numbers = tuple(int(i) for i in listed)
    if outside := [i for i in numbers if not 0 <= i < len(subject.dataset)]:
        raise ValueError(f"{subject.title} has inputs 0 to {len(subject.dataset) - 1}, there is no {outside[0]}.")
    if len(set(numbers)) < len(numbers):
        again = max(numbers, key=numbers.count)
        raise ValueError(
            f"Inputs {name} it are to be different ones, but {again} is named {numbers.count(again)} times."
        )
    return numbers


def _inputs(subject: Subject, side: Side, numbers: tuple[int, ...]) -> Tensor:
    """The inputs (n, ...) of one side."""
    return torch.stack([subject.item(i)[0] for i in numbers]) if numbers else torch.as_tensor(side)


def _seen(
    explainer: Explainer, layer: str, inputs: Tensor, axis: int | None
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """One number per unit of each input, (n, D), and the mean of each unit over inputs and positions, (D,)."""
    summaries, total = [], torch.zeros((), dtype=torch.float64)
    for part in activations(explainer, layer, inputs):
        summaries.append(summarized(part, axis).double())
        total = total + units_of(part, axis).double().flatten(0, -2).mean(0) * len(part)
    return torch.cat(summaries).numpy(), (total / len(inputs)).numpy()


def _peaks(explainer: Explainer, layer: str, inputs: Tensor, vector: Tensor, axis: int) -> NDArray[np.float64]:
    """The units of each input, (n, D), at the position where they lie furthest along `vector`."""
    found = []
    for part in activations(explainer, layer, inputs):
        units = units_of(part, axis).reshape(len(part), -1, len(vector))
        furthest = (units @ vector.to(units)).argmax(1)
        found.append(units[torch.arange(len(part)), furthest].double())
    return torch.cat(found).numpy()


def _share_beyond(explainer: Explainer, layer: str, inputs: Tensor, vector: Tensor, axis: int, limit: float) -> float:
    """Share of the positions of the inputs that lie further along `vector` than a limit."""
    found = [(units_of(part, axis) @ vector.to(part) > limit).float() for part in activations(explainer, layer, inputs)]
    return float(torch.cat(found).mean())


def _vector(values: NDArray[np.float64], side: NDArray[np.int64], method: Method) -> NDArray[np.float64] | None:
    """The direction (D,), of length 1; None if both sides are the same."""
    difference: NDArray[np.float64] = values[side == 1].mean(0) - values[side == 0].mean(0)
    if not difference.any():
        return None
    if method != "signal":
        difference = _weights(values, side, method)[0]
    return difference / np.linalg.norm(difference)


def _weights(values: NDArray[np.float64], side: NDArray[np.int64], method: Method) -> tuple[NDArray[np.float64], float]:
    """Weights (D,) and threshold of a linear classifier of the sides, from scikit-learn."""
    from sklearn.linear_model import LogisticRegression
    from sklearn.svm import LinearSVC

    scale = float(np.sqrt(np.square(values).sum(1).mean())) or 1.0  # regularization then means the same everywhere
    model = LinearSVC(max_iter=20_000) if method == "svm" else LogisticRegression(max_iter=2000)
    model.fit(values / scale, side)
    return model.coef_[0] / scale, -float(model.intercept_[0])


def _detector(values: NDArray[np.float64], side: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
    weights, threshold = _weights(values, side, "svm")
    return torch.tensor(weights), torch.tensor(threshold, dtype=torch.float64)


def _cross_validated(
    values: NDArray[np.float64], side: NDArray[np.int64], method: Method
) -> tuple[NDArray[np.float64], Interval]:
    """How far each input lies along the direction of the others, (n,), and how well that tells the sides apart."""
    from sklearn.metrics import roc_auc_score
    from sklearn.model_selection import StratifiedKFold

    heights, areas = np.zeros(len(side)), []
    folds = StratifiedKFold(min(FOLDS, int(np.bincount(side).min())), shuffle=True, random_state=0)
    for rest, left_out in folds.split(values, side):
        vector = _vector(values[rest], side[rest], method)
        heights[left_out] = values[left_out] @ vector if vector is not None else 0.0
        areas.append(float(roc_auc_score(side[left_out], heights[left_out])))
    return heights, interval(areas)
