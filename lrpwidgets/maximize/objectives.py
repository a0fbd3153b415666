"""What an input is asked to excite: small values that add, subtract and scale.

    class_score("hen")                                   a score, by number or by the name of its class
    channel("features.12", 486)                          a channel, the mean over its positions
    channel("features.12", 486, position=(6, 6))         one of its neurons
    class_score(3) - class_score(8)                      a three that is no eight
    channel("conv3", 5) + 0.2 * diversity("conv3")       several images that differ

Each is one number per image. Formulas: Simonyan et al. 2013 for scores, Montavon et al. 2018 for log-probabilities,
Olah et al. 2017 ("Feature Visualization") for channels, directions and diversity.
"""

from __future__ import annotations

import difflib
import math
from abc import ABC, abstractmethod
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import torch
from torch import Tensor

from ..lrp.scores import probabilities

if TYPE_CHECKING:
    from ..lrp.scores import Select
    from .network import Network, Seen


class Objective(ABC):
    """What is to become as large as it can: one number per image."""

    @property
    def layers(self) -> list[str]:
        """The layers that it reads."""
        return []

    @property
    def reads_scores(self) -> bool:
        """Whether it reads the model's output."""
        return False

    @property
    def class_number(self) -> int | None:
        """The class that it is about, if it is about one."""
        return None

    def settled(self, network: Network, classes: Sequence[str], select: Select) -> Objective:
        """The same with names of classes as numbers, checked against the network.

        Raises
        ------
        ValueError
            If a class, channel or position is not there; the message says which are.
        """
        return self

    @property
    def alone(self) -> Objective:
        """What of it can be asked of one image by itself."""
        return self

    @abstractmethod
    def of(self, seen: Seen) -> Tensor:
        """Its value for each image, (B,)."""

    def __add__(self, other: Objective) -> Objective:
        return Sum((*_terms(self), *_terms(other)))

    def __sub__(self, other: Objective) -> Objective:
        return self + -1.0 * other

    def __mul__(self, factor: float) -> Objective:
        return Sum(tuple((factor * weight, each) for weight, each in _terms(self)))

    __rmul__ = __mul__

    def __truediv__(self, divisor: float) -> Objective:
        return self * (1 / divisor)

    def __neg__(self) -> Objective:
        return self * -1.0


def _terms(objective: Objective) -> tuple[tuple[float, Objective], ...]:
    if isinstance(objective, Sum):
        return objective.terms
    if not isinstance(objective, Objective):
        raise TypeError(f"An objective is added to another one and scaled by a number, got {objective!r}.")
    return ((1.0, objective),)


@dataclass(frozen=True)
class Sum(Objective):
    """A weighted sum of objectives."""

    terms: tuple[tuple[float, Objective], ...]

    def __post_init__(self) -> None:
        for weight, _ in self.terms:
            if not isinstance(weight, int | float) or not math.isfinite(weight):
                raise ValueError(f"An objective is scaled by a finite number, got {weight!r}.")

    @property
    def layers(self) -> list[str]:
        return list(dict.fromkeys(layer for _, each in self.terms for layer in each.layers))

    @property
    def reads_scores(self) -> bool:
        return any(each.reads_scores for _, each in self.terms)

    @property
    def class_number(self) -> int | None:
        wanted = [each.class_number for weight, each in self.terms if weight > 0 and each.class_number is not None]
        return wanted[0] if wanted else None

    def settled(self, network: Network, classes: Sequence[str], select: Select) -> Objective:
        return Sum(tuple((weight, each.settled(network, classes, select)) for weight, each in self.terms))

    @property
    def alone(self) -> Objective:
        kept = tuple((weight, each) for weight, each in self.terms if not isinstance(each, Diversity))
        return Sum(kept) if kept else self

    def of(self, seen: Seen) -> Tensor:
        return torch.stack([weight * each.of(seen) for weight, each in self.terms]).sum(0)

    def __str__(self) -> str:
        text = "".join(f" {'-' if weight < 0 else '+'} {_scaled(abs(weight), each)}" for weight, each in self.terms)
        return text.removeprefix(" + ").strip()


def _scaled(weight: float, objective: Objective) -> str:
    return str(objective) if weight == 1 else f"{weight:g} × {objective}"


@dataclass(frozen=True)
class Score(Objective):
    """A score of the model: see :func:`class_score` and :func:`log_probability`."""

    number: int | str
    logarithm: bool = False
    """Of the probability, in place of the score itself."""
    name: str = field(default="", compare=False)
    select: Select = field(default=None, repr=False, compare=False)

    @property
    def reads_scores(self) -> bool:
        return True

    @property
    def class_number(self) -> int | None:
        return self.number if isinstance(self.number, int) else None

    def settled(self, network: Network, classes: Sequence[str], select: Select) -> Objective:
        number = self.number
        if isinstance(number, str):
            if number not in classes:
                near = difflib.get_close_matches(number, classes, n=3, cutoff=0.0) if classes else []
                there = f"the nearest are {', '.join(map(repr, near))}" if near else "the classes have no names"
                raise ValueError(f"There is no class {number!r}; {there}.")
            number = list(classes).index(number)
        if isinstance(number, bool) or not isinstance(number, int) or not 0 <= number < network.classes:
            raise ValueError(f"There is no class {number!r}; the model has {network.classes}, numbered from 0.")
        return Score(number, self.logarithm, classes[number] if classes else f"class {number}", select)

    def of(self, seen: Seen) -> Tensor:
        assert seen.scores is not None
        scores = seen.scores
        if self.logarithm:
            scores = probabilities(scores.movedim(1, -1), self.select).log().movedim(-1, 1)
        assert isinstance(self.number, int)
        own = scores[:, self.number]
        return own.flatten(1).mean(1) if own.dim() > 1 else own

    def __str__(self) -> str:
        name = f"“{self.name or self.number}”"
        return f"log p({name})" if self.logarithm else name


@dataclass(frozen=True)
class Channel(Objective):
    """A channel of a layer: see :func:`channel`."""

    layer: str
    number: int
    position: tuple[int, ...] | None = None

    @property
    def layers(self) -> list[str]:
        return [self.layer]

    def settled(self, network: Network, classes: Sequence[str], select: Select) -> Objective:
        channels, grid = network.channels(self.layer), network.positions(self.layer)
        if isinstance(self.number, bool) or not isinstance(self.number, int) or not 0 <= self.number < channels:
            raise ValueError(
                f"The layer {self.layer!r} has no channel {self.number!r}; it has {channels}, numbered from 0."
            )
        at = self.position
        if at is not None and (
            len(at) != len(grid) or not all(0 <= i < size for i, size in zip(at, grid, strict=True))
        ):
            raise ValueError(f"The layer {self.layer!r} has no position {at}; its positions count {grid}, from 0.")
        return self

    def of(self, seen: Seen) -> Tensor:
        if self.position is None:
            return seen.channels(self.layer)[:, self.number].mean(1)
        own = seen.layers[self.layer].select(seen.axes[self.layer], self.number)
        for place in self.position:
            own = own[:, place]
        return own

    def __str__(self) -> str:
        at = "" if self.position is None else f" at {self.position}"
        return f"channel {self.number}{at} of {self.layer}"


@dataclass(frozen=True, eq=False)
class Direction(Objective):
    """A direction in the space of a layer's channels: see :func:`direction`."""

    layer: str
    vector: Tensor = field(repr=False)
    power: float

    @property
    def layers(self) -> list[str]:
        return [self.layer]

    def settled(self, network: Network, classes: Sequence[str], select: Select) -> Objective:
        channels = network.channels(self.layer)
        if tuple(self.vector.shape) != (channels,):
            raise ValueError(
                f"A direction of the layer {self.layer!r} has one number for each of its {channels} channels, got "
                f"{tuple(self.vector.shape)}."
            )
        return self

    def of(self, seen: Seen) -> Tensor:
        channels = seen.channels(self.layer)
        vector = self.vector.to(channels)
        product = torch.einsum("bcp,c->bp", channels, vector)
        cosine = product / (channels.norm(dim=1) * vector.norm()).clamp(min=1e-12)
        # Below 0.1 there would be no gradient to begin with.
        found: Tensor = (product * cosine.clamp(min=0.1) ** self.power).mean(1)
        return found

    def __str__(self) -> str:
        return f"a direction of {self.layer}"


@dataclass(frozen=True)
class Diversity(Objective):
    """How different several images are: see :func:`diversity`."""

    layer: str

    @property
    def layers(self) -> list[str]:
        return [self.layer]

    def of(self, seen: Seen) -> Tensor:
        channels = seen.channels(self.layer)
        styles = torch.einsum("bcp,bdp->bcd", channels, channels).flatten(1)
        styles = styles / styles.norm(dim=1, keepdim=True).clamp(min=1e-12)
        alike = styles @ styles.T
        found: Tensor = alike.diagonal() - alike.sum(1)
        return found

    def __str__(self) -> str:
        return f"diversity in {self.layer}"


def class_score(number: int | str) -> Objective:
    """The score of a class, by its number or its name; of dense scores, the mean over positions."""
    return Score(number)


def log_probability(number: int | str) -> Objective:
    """The logarithm of a class's probability: other classes are driven down as well (Montavon et al. 2018)."""
    return Score(number, logarithm=True)


def channel(layer: str, number: int, position: Sequence[int] | int | None = None) -> Objective:
    """A channel of a layer, the mean over its positions, or the neuron at one `position`.

    `layer` and the order of the positions are those of an explanation; around dense layers, positions are tokens.
    """
    return Channel(layer, number, (position,) if isinstance(position, int) else position and tuple(position))  # type: ignore[arg-type]


def direction(layer: str, vector: Tensor | Sequence[float], power: float = 4.0) -> Objective:
    """Activations along `vector` (channels,), times the `power` of their cosine with it: large *and* in its direction.

    Raises
    ------
    ValueError
        If the vector is zero or not finite.
    """
    numbers = torch.as_tensor(vector, dtype=torch.float32).detach()
    if not bool(numbers.isfinite().all()) or not bool(numbers.any()):
        raise ValueError("A direction is a vector of finite numbers that are not all 0.")
    return Direction(layer, numbers, power)


def diversity(layer: str) -> Objective:
    """How little several images of one run look alike to a layer: minus the cosines of its correlated channels."""
    return Diversity(layer)
