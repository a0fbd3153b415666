"""From relevance maps to feature vectors whose distances mean "looks at something else".

Scale must go: else clusters are groups of confident and of hesitant predictions. So each map is divided by Σ|R|, never
by its signed sum, which may be near zero.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray

from ..progress import Progress, Watcher
from ..readable import Readable
from .channels import AUTO

if TYPE_CHECKING:
    from .store import Selection

Sign = Literal["signed", "absolute", "positive"]

SIGNS: dict[Sign, Callable[[NDArray[np.float32]], NDArray[np.float32]]] = {
    "signed": lambda relevance: relevance,
    "absolute": np.abs,
    "positive": lambda relevance: np.maximum(relevance, 0),
}
"""What is taken of each pixel's relevance, after the sum over channels."""

NOT_FINITE = "relevance that is not finite"
NOTHING = "no relevance at all"


@dataclass(frozen=True)
class Features:
    """How relevance maps are made comparable (Lapuschkin et al. 2019, steps 1 and 2 of SpRAy).

    Raises
    ------
    ValueError
        If `sign` is none of `SIGNS`, or `size` is below 1.
    """

    sign: Sign = "signed"
    """"signed", "absolute" or "positive": what is taken of each pixel, after the sum over channels."""
    size: int = 32
    """Larger maps are sum-pooled to this height and width."""
    layer: str = AUTO
    """What is compared: relevance of the ``"input"``, or of the channels of a layer that the store keeps; ``"auto"``:
    that of both in which clusters stand apart most clearly."""

    def __post_init__(self) -> None:
        if self.sign not in SIGNS:
            raise ValueError(f"sign must be one of {', '.join(SIGNS)}, got {self.sign!r}.")
        if self.size < 1:
            raise ValueError(f"size must be 1 or more pixels, got {self.size!r}.")

    def of(self, relevance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Features (n, d) of relevance (n, C, ...), or of channels (n, C), each row with Σ|x| = 1.

        NaN where a map is zero or not finite.
        """
        maps = self._summed(relevance)
        flat = SIGNS[self.sign](maps).reshape(len(maps), -1)
        size = np.abs(flat).sum(1, dtype=np.float64, keepdims=True)
        with np.errstate(invalid="ignore", divide="ignore"):
            return (flat / np.where(size > 0, size, np.nan)).astype(np.float32)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, for JSON."""
        return asdict(self)

    def _summed(self, relevance: NDArray[np.float32]) -> NDArray[np.float32]:
        """Pooled maps, summed over channels; at a layer channels are what counts."""
        if relevance.ndim == 2:  # channels of a layer, or values without a place, have no neighbours to be pooled with
            return relevance
        return pooled(relevance.sum(1), self.size)


def distinct(features: NDArray[np.float32]) -> tuple[NDArray[np.intp], NDArray[np.intp]]:
    """The first of each group of equal rows, and for each row the number of its group.

    Equal maps would be each other's only neighbours, and tear the graph apart.
    """
    groups: dict[bytes, int] = {}
    inverse = np.array([groups.setdefault(_digest(row), len(groups)) for row in features], np.intp)
    first = np.full(len(groups), -1, np.intp)
    first[inverse[::-1]] = np.arange(len(inverse))[::-1]
    return first, inverse


def _digest(row: NDArray[np.float32]) -> bytes:
    from hashlib import blake2b

    return blake2b(row.tobytes(), digest_size=16).digest()  # a set of whole rows would double the memory


def unit_maps(relevance: NDArray[np.float32]) -> NDArray[np.float32]:
    """Relevance (n, C, ...) summed over channels and divided by Σ|R|, (n, ...); zeros where there is none."""
    maps = relevance.sum(1) if relevance.ndim > 2 else relevance
    size = np.abs(maps).reshape(len(maps), -1).sum(1).reshape(-1, *[1] * (maps.ndim - 1))
    return np.asarray(maps / np.where(size > 0, size, 1), np.float32)


def pooled(maps: NDArray[np.float32], size: int) -> NDArray[np.float32]:
    """Maps (n, ...) with each further axis summed in at most `size` neighbouring parts; Σ stays."""
    for axis in range(1, maps.ndim):
        length = maps.shape[axis]
        if length > size:
            maps = np.add.reduceat(maps, np.arange(size) * length // size, axis=axis)
    return maps


class NothingToCompareError(ValueError):
    """No map of a selection has relevance that can be compared."""


@dataclass(frozen=True, eq=False, repr=False)
class Usable(Readable):
    """The part of a selection that can be compared."""

    features: NDArray[np.float32]
    """(n, d)."""
    rows: NDArray[np.int64]
    """Rows of the store that they belong to, (n,)."""
    excluded: dict[str, int]
    """How many rows were left out, by reason."""


def usable(selection: Selection, features: Features, tell: Watcher) -> Usable:
    """Read the relevance of `selection` chunk by chunk; what has no features is counted and left out.

    Raises
    ------
    NothingToCompareError
        If nothing is left, with the reasons and their numbers.
    """
    rows = selection.rows
    found: NDArray[np.float32] | None = None
    excluded = {NOT_FINITE: 0, NOTHING: 0}
    kept = np.zeros(len(rows), bool)
    done = 0
    for places, relevance in selection.store.batches(rows, layer=features.layer):
        made = features.of(relevance)
        finite = np.isfinite(relevance.reshape(len(relevance), -1)).all(1)
        good = finite & np.isfinite(made).all(1)
        excluded[NOT_FINITE] += int((~finite).sum())
        excluded[NOTHING] += int((finite & ~good).sum())
        found = np.empty((len(rows), made.shape[1]), np.float32) if found is None else found
        found[places] = made
        kept[places] = good
        done += len(places)
        tell(Progress(done, len(rows), "reading relevance"))
    excluded = {reason: count for reason, count in excluded.items() if count}
    if found is None or not kept.any():
        raise NothingToCompareError(f"Nothing to compare in {selection.name}: {_counted(len(rows), excluded)}.")
    every = bool(kept.all())
    return Usable(found if every else found[kept], rows if every else rows[kept], excluded)


def _counted(rows: int, excluded: dict[str, int]) -> str:
    if not rows:
        return "no row of the store was selected, or none of them is attributed yet"
    return "; ".join(f"{count} of {rows} maps have {reason}" for reason, count in excluded.items())
