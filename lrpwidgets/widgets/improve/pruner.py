"""Curves of pruning, made when somebody asks for them; what is left of a model at each step can be looked at."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray

from ...improve import Pruned, Repaired, pruning_steps
from ...improve.scoring import By
from ...progress import Watcher
from ...readable import Readable
from ...subjects import Subject
from .bench import shares

CRITERIA: tuple[str, ...] = get_args(By)


@dataclass(frozen=True, eq=False, repr=False)
class Step(Readable):
    """A pruned model, and what it sees in one input."""

    pruned: Pruned
    relevance: NDArray[np.float32] = field(repr=False)
    """Of the class that the whole model predicts, (H, W), in shares of its Σ|R|."""


Curves = dict[str, tuple[Step, ...]]
"""By criterion, the model as it is and with more and more of its channels gone."""


class Pruner:
    """Makes the curve of a criterion, step by step; `arrived` gets each."""

    def __init__(self, subject: Subject, device: str, arrived: Callable[[str, Step], None]) -> None:
        self._subject, self._device, self._arrived = subject, device, arrived

    def input(self) -> Any:
        """The input whose heatmap is shown, (C, H, W)."""
        return self._subject.item(self._subject.start)[0]

    def job(self, by: Any, hand: Callable[[Callable[[], None]], None]) -> Callable[[Watcher], None]:
        """What makes the curve of a criterion on the solver's thread; `hand` calls on the state's."""

        def run(watch: Watcher) -> None:
            x = self.input()[None]
            label = int(self._subject.explainer(device=self._device).scores(x).argmax())
            for pruned in pruning_steps(self._subject, by, progress=watch):
                explainer = pruned.subject.explainer(device=self._device)
                step = Step(pruned, shares(explainer, torch.as_tensor(x), label)[0])
                hand(lambda step=step: self._arrived(by, step))  # type: ignore[misc]

        return run


def mended(step: Step) -> Repaired:
    """The subject of a step; ValueError if it is the model as it was."""
    if not isinstance(step.pruned.subject, Repaired):
        raise ValueError("That is the model as it is: move along the curve to one that is smaller.")
    return step.pruned.subject
