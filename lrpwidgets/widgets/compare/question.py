"""What is asked of a comparison, whole and as a value; it has a text form, from which links and files are made."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any

from ...lrp import Rather
from ...methods import get, names
from ..base.plain import Plain

MOST_COLUMNS = 12
"""Inputs that are shown side by side."""

MOST_SAMPLES = 1000
"""Inputs that curves are drawn of."""


@dataclass(frozen=True)
class CompareQuestion(Plain):
    """Which methods, on which inputs, and by what they are measured."""

    methods: tuple[str, ...] = ()
    settings: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """What is not at its default, by method."""
    items: tuple[int, ...] = ()
    """Numbers of the inputs that are shown."""
    target: int | None = None
    """The class that is explained; None: that which the model predicts for each input."""
    fill: str = ""
    """What flipped parts become in the curves that are shown; empty: the first that there is for such data."""
    samples: int = 60
    """Inputs at most that the curves are of."""
    region: int | None = None
    """Pixels of a region along each axis; None: a fourteenth of the input. Words have none."""
    seed: int = 0
    than: int | None = None
    """The class that the target is contrasted with."""

    def __post_init__(self) -> None:
        _check_methods(self.methods, self.settings)
        if not isinstance(self.items, tuple) or len(self.items) > MOST_COLUMNS:
            raise ValueError(f"items must be at most {MOST_COLUMNS} numbers of inputs, got {self.items!r}.")
        for name, value, least, most in (
            *(("items", each, 0, 2**31) for each in self.items),
            ("target", 0 if self.target is None else self.target, 0, 2**31),
            ("than", 0 if self.than is None else self.than, 0, 2**31),
            ("region", 1 if self.region is None else self.region, 1, 2**31),
            ("samples", self.samples, 2, MOST_SAMPLES),
            ("seed", self.seed, 0, 2**31),
        ):
            if not isinstance(value, int) or isinstance(value, bool) or not least <= value <= most:
                raise ValueError(f"{name} must be a whole number from {least} to {most:,}, got {value!r}.")
        if self.than is not None and self.than == self.target:
            raise ValueError(f"A class is contrasted with another one; got {self.target!r} rather than {self.than!r}.")
        if self.than is not None and self.target is None:
            raise ValueError(f"Only a class can be contrasted; say which one is explained rather than {self.than}.")

    @property
    def explained(self) -> int | Rather | None:
        """What is explained and followed, as methods take it."""
        return self.target if self.than is None or self.target is None else Rather(self.target, self.than)

    @property
    def measured(self) -> tuple[Any, ...]:
        """What the curves of a method depend on, beside itself."""
        return self.target, self.than, self.samples, self.region, self.seed


def _check_methods(methods: Any, settings: Any) -> None:
    if not isinstance(methods, tuple) or len(set(map(str, methods))) < len(methods):
        raise ValueError(f"methods must be names of methods, each once, got {methods!r}.")
    if not isinstance(settings, Mapping) or not all(isinstance(each, Mapping) for each in settings.values()):
        raise ValueError(f"settings must be values by name, by method, got {settings!r}.")
    known = names()
    for name in (*methods, *settings):
        if name not in known:
            get(name)  # raises, and names what is near
    for name, each in settings.items():
        if each:
            get(name, **each)


PARTS = tuple(each.name for each in fields(CompareQuestion))
