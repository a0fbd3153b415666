"""Variations of one question side by side, on one scale."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

from ...lrp import Composite
from ..base.question import Question
from .exploration import Exploration
from .heatmap import HeatmapView
from .look import MOST_PINS


class Compare(HeatmapView):
    """A heatmap with variations of its question pinned beside it.

    Parameters
    ----------
    exploration
        Its pins are replaced by the variations.
    composites
        Names of presets, or composites.
    targets
        Classes to explain.
    items
        Inputs to look at; without them the maps follow whatever input is shown.
    look
        How to draw, as for :class:`HeatmapView`.

    Raises
    ------
    ValueError
        If there is no variation, or there are more than five: input and maps share the width of the page.

    Examples
    --------
    >>> Compare(exploration, composites=["epsilon", "epsilon_plus_flat"])  # doctest: +SKIP
    """

    def __init__(
        self,
        exploration: Exploration,
        composites: Sequence[str | Composite] = (),
        targets: Sequence[int] = (),
        items: Sequence[int] = (),
        look: Mapping[str, Any] | None = None,
    ) -> None:
        questions = _variations(exploration, composites, targets, items)
        if not 1 <= len(questions) <= MOST_PINS:
            raise ValueError(
                f"Compare has room for 1 to {MOST_PINS} variations beside the live map, got {len(questions)}; give "
                "some composites, targets or items."
            )
        exploration.unpin_all()
        exploration.pin(*questions)
        super().__init__(exploration, look)


def _variations(
    exploration: Exploration, composites: Sequence[str | Composite], targets: Sequence[int], items: Sequence[int]
) -> list[Question]:
    now = exploration.question.of(None)
    chosen = [each if isinstance(each, Composite) else exploration.preset(each) for each in composites]
    return [
        *(replace(now, composite=composite) for composite in chosen),
        *(replace(now, target=target) for target in targets),
        *(replace(now, item=item) for item in items),
    ]
