"""What is asked in the room Improve, whole and as a value; it has a text form, from which links and files are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, get_args

from ...improve import REPAIRS
from ...improve.directions import Method, Over
from ..base.plain import Plain

BEGIN = ("P-ClArC", "reactive P-ClArC", "A-ClArC", "RR-ClArC", "pruning")
"""Repairs that one sees first."""

ORIGIN = ("group", "by", "sign", "layer", "method", "count", "cluster")
"""By what a cluster is found again: the parts of the question that its atlas answers, and its number."""

MOST_SEEDS = 20


@dataclass(frozen=True)
class ImproveQuestion(Plain):
    """What is to be forgotten, where, and by which repairs."""

    origin: Mapping[str, Any] = field(default_factory=dict)
    """The cluster, by the names of `ORIGIN`; empty: the first that a poison test convicts."""
    layer: str = ""
    """Where the model is repaired; empty: where that gains most."""
    method: str = "signal"
    """How the direction is found."""
    over: str = ""
    """What it goes through: units or channels; empty: as suits the layer."""
    repairs: tuple[str, ...] = BEGIN
    seeds: int = 5

    def __post_init__(self) -> None:
        if not isinstance(self.origin, Mapping) or not set(self.origin) <= set(ORIGIN):
            raise ValueError(f"origin must have parts among {', '.join(ORIGIN)}, got {self.origin!r}.")
        if not isinstance(self.layer, str):
            raise ValueError(f"layer must be a name, got {self.layer!r}.")
        for name, known in (("method", get_args(Method)), ("over", ("", *get_args(Over)))):
            if getattr(self, name) not in known:
                raise ValueError(f"{name} must be one of {', '.join(map(repr, known))}, got {getattr(self, name)!r}.")
        if not isinstance(self.repairs, tuple) or len(set(map(str, self.repairs))) < len(self.repairs):
            raise ValueError(f"repairs must be names, each once, got {self.repairs!r}.")
        if unknown := [each for each in self.repairs if each not in REPAIRS]:
            raise ValueError(f"There is no repair {unknown[0]!r}; there are {', '.join(REPAIRS)}.")
        if not isinstance(self.seeds, int) or isinstance(self.seeds, bool) or not 1 <= self.seeds <= MOST_SEEDS:
            raise ValueError(f"seeds must be a whole number from 1 to {MOST_SEEDS}, got {self.seeds!r}.")

    @property
    def direction(self) -> tuple[str, str, str]:
        """What the direction depends on, beside what is to be forgotten."""
        return self.layer, self.method, self.over


PARTS = tuple(each.name for each in fields(ImproveQuestion))
