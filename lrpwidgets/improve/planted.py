"""An artefact that one knows, and can plant by a function: where a data set's maker tells, or in an experiment."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from ..lrp import Explainer
from ..spray.poison import EXPLAINED, TURNS


@dataclass(frozen=True, eq=False)
class Planted:
    """Something that a function puts on inputs; in its control nothing is put on them.

    A :class:`lrpwidgets.spray.poison.Suspect`, as those that SpRAy finds.
    """

    turns: ClassVar[float] = TURNS
    explained: ClassVar[float] = EXPLAINED
    of_class: ClassVar[bool] = False
    plant: Callable[[Tensor], Tensor] = field(repr=False)
    """Inputs (B, C, H, W) with it, of inputs; leaves those as they are."""
    label: int
    """The class that it may stand for."""
    what: str = "the artefact"
    """What it is, in words."""
    remove: Callable[[Tensor], Tensor] | None = field(default=None, repr=False)
    """Inputs without it, of inputs with it; None if nobody knows how."""

    def scores(self, inputs: Tensor, explainer: Explainer, random: np.random.Generator) -> Tensor:
        """Scores (2, B, C) of `inputs` with it, and as they are."""
        return torch.stack([explainer.scores(each).float().cpu() for each in (self.plant(inputs), inputs)])

    def taken(self, inputs: Tensor, random: np.random.Generator) -> Tensor:
        """Inputs with it."""
        return self.plant(inputs)

    def removed(self, inputs: Tensor, random: np.random.Generator) -> Tensor | None:
        """Inputs without it; None if nobody knows how."""
        return None if self.remove is None else self.remove(inputs)

    def pictured(self, x: Tensor) -> list[Tensor]:
        """`x` without and with it."""
        return [x, self.plant(x[None])[0]]
