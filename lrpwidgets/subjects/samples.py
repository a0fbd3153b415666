"""Samples: the data of a subject, any sequence of ``(x, label)`` pairs.

`Samples` says what a subject needs; `TensorSamples` is the one for data that fits into memory.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeAlias

if TYPE_CHECKING:
    from torch import Tensor

Sample: TypeAlias = "tuple[Tensor, int | None]"
"""An input (C, H, W), ready for the model, and its class, None where unknown."""


class Samples(Protocol):
    """What a subject needs of its data; map-style torch datasets have it.

    Where a dataset also has ``names`` (a sequence of str) or ``labels`` (a sequence of int or None), they
    give each item's display name and label without decoding it.
    """

    def __len__(self) -> int:
        """Number of items."""

    def __getitem__(self, index: int, /) -> Sample:
        """Input and label at `index`; IndexError beyond the last, ValueError for an item that is broken."""


@dataclass(frozen=True, eq=False)
class TensorSamples:
    """Samples held in memory."""

    inputs: Tensor = field(repr=False)
    """Ready for the model, (N, C, H, W)."""
    labels: list[int] = field(repr=False)
    """Class of each, N of them."""
    names: list[str] = field(repr=False)
    """Display name of each, N of them."""

    def __repr__(self) -> str:
        return f"{type(self).__name__}({len(self):,} of {tuple(self.inputs.shape[1:])})"

    def __post_init__(self) -> None:
        if not len(self.inputs) == len(self.labels) == len(self.names):
            counts = f"{len(self.inputs)} inputs, {len(self.labels)} labels and {len(self.names)} names"
            raise ValueError(f"Each sample needs an input, a label and a name; got {counts}.")

    def __len__(self) -> int:
        return len(self.labels)

    def __getitem__(self, index: int) -> Sample:
        return self.inputs[index], self.labels[index]
