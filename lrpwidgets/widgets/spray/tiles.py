"""Pictures and heatmaps at the size of a thumbnail, made beside the kernel's main thread and sent as raw bytes."""

from __future__ import annotations

import itertools
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...readable import Readable
from ..base.sentences import sentence

LARGEST = 48
"""Pixels of a tile's side at most."""

_MOST = 96
"""Tiles that are made at once: a window full of them, and then the next question gets its turn."""

_lanes = itertools.count(-1_000_000)  # one for each view, before all questions: tiles take a few milliseconds


@dataclass(frozen=True, eq=False, repr=False)
class Tiles(Readable):
    """Thumbnails of m points, each `s` pixels wide and high."""

    inputs: NDArray[np.uint8]
    """(m, s, s, c), 0 to 255; grey for c = 1, RGB for c = 3"""
    relevance: NDArray[np.int8]
    """(m, s, s), −127 to 127 for −max |R| to max |R| of each map"""
    captions: tuple[str, ...] = ()
    """what a person is told of each; may be empty"""

    def __post_init__(self) -> None:
        m, s, *_ = self.inputs.shape
        fits = self.inputs.shape in ((m, s, s, 1), (m, s, s, 3)) and self.relevance.shape == (m, s, s)
        if not fits or s > LARGEST or len(self.captions) not in (0, m):
            raise ValueError(
                f"Tiles are inputs (m, s, s, 1 or 3), relevance (m, s, s) with s of at most {LARGEST}, and m captions "
                f"or none; got {self.inputs.shape}, {self.relevance.shape} and {len(self.captions)} captions."
            )

    def message(self, names: NDArray[np.int64]) -> tuple[dict[str, Any], list[bytes]]:
        """What the browser is sent: the size and, as raw bytes, a number that names each tile, inputs and relevance."""
        _, size, _, channels = self.inputs.shape
        content = {"tiles": size, "channels": channels, "captions": list(self.captions)}
        parts = names.astype(np.uint32), self.inputs.astype(np.uint8), self.relevance.astype(np.int8)
        return content, [part.tobytes() for part in parts]


def relevance_tiles(maps: NDArray[np.floating[Any]]) -> NDArray[np.int8]:
    """Maps (m, s, s) as bytes, each on its own scale; what is no number counts as 0."""
    finite = np.nan_to_num(np.asarray(maps, dtype=np.float32), nan=0.0, posinf=0.0, neginf=0.0)
    most = np.abs(finite).max(axis=(1, 2), keepdims=True, initial=0.0)
    return np.rint(127 * finite / np.where(most > 0, most, 1)).astype(np.int8)


class TileMaker:
    """Has tiles made on the worker, and hands each batch with its positions to `show`.

    Parameters
    ----------
    state
        An investigation: its ``points``, ``tiles``, ``worker`` and ``error``.
    show
        Called with positions (m,) and their `Tiles`, or `Excerpts` of texts, as long as positions mean the same points.
    """

    def __init__(self, state: Any, show: Callable[[NDArray[np.int64], Any], None]) -> None:
        self._state, self._show = state, show
        self._lane = next(_lanes)
        self._wanted: list[int] = []
        self._making: list[int] = []

    def want(self, positions: Sequence[int]) -> None:
        """Make these in this order, in the place of all that still wait."""
        points = self._state.points
        count = 0 if points is None else len(points.rows)
        self._wanted = [each for each in positions if 0 <= each < count and each not in self._making]
        self._make()

    def _make(self) -> None:
        if self._wanted and not self._making:
            self._making, self._wanted = self._wanted[:_MOST], self._wanted[_MOST:]
            positions = np.array(self._making, dtype=np.int64)
            self._state.worker.submit(partial(self._tiles, self._state.points, positions), self._made, lane=self._lane)

    def _tiles(self, points: Any, positions: NDArray[np.int64]) -> tuple[Any, NDArray[np.int64], Any]:
        """On the worker."""
        try:
            return points, positions, self._state.tiles(positions)
        except Exception as error:
            return points, positions, sentence(error)

    def _made(self, result: tuple[Any, NDArray[np.int64], Any]) -> None:
        points, positions, tiles = result
        making, self._making = self._making, []
        if not _same(points, self._state.points):  # these are pictures of something else
            self.want([*making, *self._wanted])
            return
        if isinstance(tiles, str):
            self._state.error = tiles
        else:
            self._show(positions, tiles)
        self._make()


def _same(before: Any, now: Any) -> bool:
    """Whether positions still mean the same rows."""
    if now is None:
        return False
    return bool(before.source == now.source and np.array_equal(before.rows, now.rows))
