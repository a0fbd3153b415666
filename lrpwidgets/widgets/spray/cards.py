"""What is told of a cluster on its card, whatever its inputs are."""

from __future__ import annotations

from abc import ABC, abstractmethod
from dataclasses import dataclass, field
from typing import Any, Self

from PIL.Image import Image

from ...spray import Atlas
from ...spray.atlas import Ranked


@dataclass(frozen=True, eq=False)
class Pixels:
    """What a card shows as raw bytes."""

    size: int = 0
    """Height and width of each picture and map."""
    inputs: bytes = field(default=b"", repr=False)
    """uint8 (m, s, s, 3): the mean, then the prototypes."""
    relevance: bytes = field(default=b"", repr=False)
    """int8 (m, s, s): the same of the maps."""
    large: bytes = field(default=b"", repr=False)
    """uint8 (k, l, l, 3): the mean, and its difference to the others."""


@dataclass(frozen=True, eq=False)
class Card(ABC):
    """One cluster."""

    number: int
    size: int
    tau: float
    kind: str
    """Its most common label; where all have one label, prediction."""
    purity: float
    """The share of that."""

    @classmethod
    def of(cls, ranked: Ranked, atlas: Atlas, **shown: Any) -> Self:
        """The card of a cluster; what is `shown` of its inputs comes by the names of the fields."""
        kind = atlas.store.class_name(ranked.label) if ranked.label >= 0 else "unknown"
        return cls(ranked.cluster, ranked.size, ranked.tau, kind, ranked.purity, **shown)

    @property
    @abstractmethod
    def said(self) -> dict[str, Any]:
        """What the browser is told of its inputs."""

    @property
    def pixels(self) -> Pixels:
        """And what comes beside it as raw bytes."""
        return Pixels()

    @property
    @abstractmethod
    def still(self) -> Image:
        """What stays of it where no view can be drawn."""
