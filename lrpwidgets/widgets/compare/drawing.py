"""How inputs and what methods say of them are drawn: as pictures, or as words in colours."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib import import_module
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from torch import Tensor

from ...readable import Readable
from ...subjects import Subject
from ...subjects.shown import Shown

Array: TypeAlias = NDArray[np.float32]


@dataclass(frozen=True, eq=False, repr=False)
class Large(Readable):
    """A map that is enlarged."""

    values: Array
    """In shares of where its scale ends."""
    told: Mapping[str, Any]
    """What the browser needs to know of it."""
    picture: bytes = field(default=b"", repr=False)
    """Of its input, uint8 RGB."""


class Drawing(ABC):
    """The look of one kind of data.

    Relevance comes as rows have it: of a batch, summed over channels.
    """

    begin: ClassVar[tuple[str, ...]]
    """Methods that one sees first, where they make sense."""
    words: ClassVar[Mapping[str, str]]
    """What a person reads of inputs and their parts: `input`, `part`, `flip`, `share`, `become`."""

    def __init__(self, subject: Subject) -> None:
        self.subject = subject

    @abstractmethod
    def check(self, x: Tensor) -> None:
        """Raise ValueError if inputs `x` cannot be drawn."""

    @abstractmethod
    def inputs(self, shown: Sequence[Shown]) -> dict[str, Any]:
        """Traits of a `MethodTable` that have the inputs."""

    @abstractmethod
    def shares(self, shown: Sequence[Shown], maps: Array) -> Array:
        """What is drawn of all inputs, one after the other, each in shares of its own Σ|R|: (values,)."""

    @abstractmethod
    def one(self, shown: Sequence[Shown], column: int, shares: Array) -> Array:
        """The part of these values that is of one input."""

    @abstractmethod
    def scale(self, shown: Sequence[Shown], column: int, shares: Sequence[Array]) -> float:
        """What full colour stands for, of the `shares` of all methods while one of the inputs is looked at."""

    @abstractmethod
    def large(self, shown: Shown, relevance: Array) -> Large:
        """The map of one input, enlarged."""

    @abstractmethod
    def left(self, shown: Sequence[Shown]) -> dict[str, Any]:
        """Traits of a `FlipView` that have what is left of an input."""

    @abstractmethod
    def still(self, shown: Shown, relevance: Array) -> Image.Image:
        """A map as a picture."""

    @abstractmethod
    def sheet(self, shown: Sequence[Shown], said: Sequence[str], rows: Mapping[str, Array]) -> Image.Image:
        """All maps, by the name of their method, as one picture; `said` are the classes of the inputs."""


_WHERE = {"text": ".words:Words"}
"""By modality; all others are drawn as pictures."""


def drawing_of(subject: Subject) -> Drawing:
    """How data of a subject is drawn."""
    module, _, kind = _WHERE.get(subject.modality, ".pictures:Pictures").partition(":")
    made: Drawing = getattr(import_module(module, __package__), kind)(subject)
    return made
