"""What is wished for, whole and as a value; it has a text form, from which links and files are made."""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import Any

from ...maximize import objectives, priors
from ...maximize.objectives import Objective
from ..base.plain import Plain

AUTO = "auto"
"""The prior that suits the subject."""

MOST_STEPS = 100_000


@dataclass(frozen=True)
class Wish(Plain):
    """What is to be excited, under which prior, for how long; and what is looked at beside it."""

    layer: str | None = None
    """The layer whose channel is to be excited; None: a class."""
    number: int = 0
    """Of the channel, or of the class."""
    prior: str = AUTO
    steps: int = 256
    seed: int = 0
    size: int | None = None
    """Side in pixels; None: that of the data."""
    item: int | None = None
    """The input in which channels are looked for; None: the first that the subject shows."""
    classes: tuple[int, ...] | None = None
    """Those of the wall; None: three, evenly spread."""

    def __post_init__(self) -> None:
        if self.layer is not None and not isinstance(self.layer, str):
            raise ValueError(f"layer must be the name of a layer, got {self.layer!r}.")
        if self.prior != AUTO:
            priors.get(self.prior)
        for name, least, most in (("number", 0, None), ("steps", 1, MOST_STEPS), ("seed", 0, 2**31)):
            _check(name, getattr(self, name), least, most)
        for name, least in (("size", 1), ("item", 0)):
            if getattr(self, name) is not None:
                _check(name, getattr(self, name), least)
        if self.classes is not None:
            if not isinstance(self.classes, list | tuple) or not 1 <= len(self.classes) <= MOST_CLASSES:
                raise ValueError(f"classes must be 1 to {MOST_CLASSES} numbers, got {self.classes!r}.")
            for each in self.classes:
                _check("classes", each, 0)
            object.__setattr__(self, "classes", tuple(self.classes))

    @property
    def objective(self) -> Objective:
        """What is maximized."""
        if self.layer is None:
            return objectives.class_score(self.number)
        return objectives.channel(self.layer, self.number)

    @property
    def film(self) -> tuple[Any, ...]:
        """What the film depends on."""
        return self.layer, self.number, self.prior, self.steps, self.seed, self.size


def words_of(objective: Objective) -> str:
    """What is maximized, as one says it."""
    return f"score of {objective}" if objective.class_number is not None else f"activation of {objective}"


MOST_CLASSES = 3
"""Of the wall."""

PARTS = tuple(each.name for each in fields(Wish))


def _check(name: str, value: Any, least: int, most: int | None = None) -> None:
    fine = isinstance(value, int) and not isinstance(value, bool) and value >= least and (most is None or value <= most)
    if not fine:
        until = "on" if most is None else f"to {most:,}"
        raise ValueError(f"{name} must be a whole number from {least} {until}, got {value!r}.")
