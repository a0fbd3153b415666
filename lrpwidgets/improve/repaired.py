"""A repaired subject: the model is another one, everything else is as it was; and what was done to it."""

from __future__ import annotations

from dataclasses import dataclass, field, fields
from typing import TYPE_CHECKING, Any

from ..readable import Readable
from ..subjects import Subject
from .training import History

if TYPE_CHECKING:
    from torch import nn


@dataclass(frozen=True, repr=False)
class Repair(Readable):
    """One repair that was made."""

    name: str
    """As papers call it: "P-ClArC", "A-ClArC", "pruning"."""
    settings: dict[str, Any]
    """What it was made with, as JSON has it."""
    structure: dict[str, Any] = field(default_factory=dict)
    """How its model differs from the one before in other things than numbers, as JSON has it; empty if it does not.
    Its ``"kind"`` says who can make it again: see :func:`lrpwidgets.improve.load`."""
    said: tuple[str, ...] = ()
    """What a person should know, each a sentence: layers that stay untouched, what could only be masked."""
    history: History | None = None
    """How it was trained; None without training."""
    seconds: float = field(default=0.0, compare=False)
    """How long it took."""
    used: frozenset[int] = field(default=frozenset(), repr=False)
    """Numbers of the subject's inputs that it has seen: a proof takes others."""

    def __post_init__(self) -> None:
        object.__setattr__(self, "used", frozenset(map(int, self.used)))  # NumPy's are no numbers to JSON


@dataclass(eq=False)
class Repaired(Subject):
    """A subject whose model was repaired; see `Repair` for what was done."""

    repairs: tuple[Repair, ...] = ()
    """All of them, in their order."""

    def __repr__(self) -> str:
        return f"{super().__repr__()[:-1]}, repaired by {' and '.join(each.name for each in self.repairs)})"

    @property
    def repair(self) -> Repair:
        """The last one."""
        return self.repairs[-1]

    @property
    def used(self) -> frozenset[int]:
        """Numbers of the inputs that any of the repairs has seen."""
        return frozenset().union(*(each.used for each in self.repairs))


def repaired(subject: Subject, model: nn.Module, repair: Repair) -> Repaired:
    """`subject` with `model` in place of its own, which `repair` made of it."""
    own = {each.name: getattr(subject, each.name) for each in fields(Subject)}
    before = subject.repairs if isinstance(subject, Repaired) else ()
    title = f"{own['title']} · {repair.name}"
    return Repaired(**{**own, "model": model, "title": title, "recipe": "", "repairs": (*before, repair)})
