"""Numbers with a range and a meaning, as fields of frozen dataclasses: one declaration for check, message and slider.

A :class:`~lrpwidgets.lrp.rules.Rule` has such fields, and so has a :class:`~lrpwidgets.methods.Method`::

    @dataclass(frozen=True, repr=False)
    class Epsilon(Turnable):
        epsilon: float = knob(1e-6, "ε", "Larger: sparser, less noise.", (1e-6, 1.0), logarithmic=True, above=0)
"""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field, replace
from numbers import Integral, Real
from typing import Any, Self

from .readable import Readable

SMALLEST = 1e-37
"""Below, a number is 0 in 32 bits, and what is divided by it infinite."""

LARGEST = 1e12
"""Beyond, sums of products with it leave 32 bits; every rule has come to its limit long before."""


@dataclass(frozen=True, kw_only=True)
class Number:
    """A number and its range: from `least` or from above `above` to `most`."""

    name: str = ""
    least: float | None = None
    above: float | None = None
    most: float = LARGEST
    whole: bool = False
    """Whether it counts something."""
    optional: bool = False
    """Whether it may be None."""

    def checked(self, owner: str, value: Any) -> float | None:
        """`value` as a plain number; raises ValueError if it is none, or out of range."""
        if value is None and self.optional:
            return None
        kind = Integral if self.whole else Real
        fine = isinstance(value, kind) and not isinstance(value, bool) and self._holds(value)
        if not fine:
            raise ValueError(f"{owner}: {self.name} must be {self._range()}, got {value!r}.")
        if self.whole:
            return int(value)
        plain: float = value if type(value) in (int, float) else float(value)  # NumPy's have no text form in YAML
        return plain

    def _holds(self, value: Any) -> bool:
        return bool(self._from <= value <= self.most and value != self.above) or (self.least == 0 and bool(value == 0))

    @property
    def _from(self) -> float:
        """The least number but for 0."""
        least = self.above if self.least is None else self.least
        return -self.most if least is None else least or SMALLEST

    def _range(self) -> str:
        kind = "None or a" if self.optional else "a"
        if self.whole:
            return f"{kind} whole number from {self.least or 0:,.0f} to {self.most:,.0f}"
        least, most = f"{self._from:g}", f"{self.most:g}"
        if self.above:
            return f"{kind} number greater than {least}, to {most}"
        return f"{'0 or ' if self.least == 0 else ''}{kind} number from {least} to {most}"


@dataclass(frozen=True, kw_only=True)
class Knob(Number):
    """A number that a person may turn, and how to show it."""

    help: str
    symbol: str
    slider: tuple[float, float]
    """The useful range; more is taken."""
    logarithmic: bool


def knob(
    default: float | None,
    symbol: str,
    help: str,
    slider: tuple[float, float],
    *,
    logarithmic: bool = False,
    least: float | None = None,
    above: float | None = None,
    most: float = LARGEST,
    whole: bool = False,
) -> Any:
    """A dataclass field that a user interface can show as a slider; it may be None if that is its `default`."""
    made = Knob(
        help=help,
        symbol=symbol,
        slider=slider,
        logarithmic=logarithmic,
        least=least,
        above=above,
        most=most,
        whole=whole,
        optional=default is None,
    )
    return field(default=default, metadata={"number": made, "shown": True})


@dataclass(frozen=True, repr=False)
class Turnable(Readable):
    """A frozen dataclass that checks its numbers, and knows which of them a person may turn."""

    def __post_init__(self) -> None:
        owner = type(self).__name__
        for each in dataclasses.fields(self):
            value = getattr(self, each.name)
            if isinstance(each.default, bool) and not isinstance(value, bool):
                raise ValueError(f"{owner}: {each.name} must be True or False, got {value!r}.")
        for number in self._numbers():
            object.__setattr__(self, number.name, number.checked(owner, getattr(self, number.name)))

    @classmethod
    def knobs(cls) -> list[Knob]:
        """The numbers a person may turn, in the order of the fields."""
        return [number for number in cls._numbers() if isinstance(number, Knob)]

    @classmethod
    def _numbers(cls) -> list[Number]:
        """Every field that says its range, or whose default is a number, in the order of the fields."""
        numbers = ((each.name, _number(each)) for each in dataclasses.fields(cls))
        return [replace(number, name=name) for name, number in numbers if number]

    def turned(self, **values: Any) -> Self:
        """The same with some fields at other values; raises ValueError if there is no such field."""
        known = [each.name for each in dataclasses.fields(self)]
        if unknown := values.keys() - set(known):
            has = ", ".join(known) or "none"
            raise ValueError(f"{type(self).__name__} has no {min(unknown)!r} to turn; it has {has}.")
        return replace(self, **values)


def _number(each: dataclasses.Field[Any]) -> Number | None:
    number: Number | None = each.metadata.get("number")
    return number or (Number() if isinstance(each.default, float) else None)
