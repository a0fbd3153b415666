"""How a person looks at relevance: gain, colours, scale, marks, cells of texts. None of it changes a number."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...colours import MAPS
from ...subjects.texts.levels import LEVELS, Level

SIGNS = ("both", "positive", "negative")
SCALES = ("composite", "shared", "own")
CLIPS = (100.0, 99.9, 99.5, 99.0, 95.0)
CONTOURS = (0, 1, 5, 10, 20)
STRONGEST = (0, 1, 5, 10, 50, 100)
MOST_GAIN = 100.0
MOST_ZOOM = 32.0
MOST_PINS = 5
"""Maps beside the live one."""


@dataclass(frozen=True)
class Look:
    """How maps are drawn; ``HeatmapView(exploration, look={"gain": 3, "map": "fire–ice"})``."""

    gain: float = 1.0
    """Brightens faint relevance: the scale is divided by it; 1 to 100."""
    overlay: float = 0.0
    """How much of the input shines through, 0 to 1."""
    clip: float = 99.5
    """Percentile of \\|r\\| at which the scale ends, one of `CLIPS`."""
    sign: str = "both"
    """Which relevance is drawn and marked, one of `SIGNS`."""
    map: str = "red–blue"
    """A name from `MAPS`."""
    contour: int = 0
    """A line around the strongest pixels, in percent of all; one of `CONTOURS`, 0 for none."""
    strongest: int = 0
    """How many of the strongest pixels get a dot, one of `STRONGEST`."""
    scale: str = "composite"
    """Which maps share one scale: those of one composite, all, or none; one of `SCALES`."""
    zoom: tuple[float, float, float] = (1.0, 0.0, 0.0)
    """Factor, and the left and upper end of what is seen in shares of the picture."""
    differences: tuple[int, ...] = ()
    """Pins, by number from 0 on, that show the live map less their own."""
    level: Level = "word"
    """What of a text has a colour, one of `LEVELS`."""
    sinks: bool = True
    """Whether sinks of a text are outside its scale, and hatched."""

    @classmethod
    def from_dict(cls, given: Mapping[str, Any]) -> Look:
        """The look with some values `given`; ValueError that names what is wrong."""
        unknown = given.keys() - {each.name for each in fields(cls)}
        if unknown:
            names = ", ".join(each.name for each in fields(cls))
            raise ValueError(f"A look has no {min(map(str, unknown))!r}; it has {names}.")
        for name, value in given.items():
            fine, wanted = _FINE[name]
            if not fine(value):
                raise ValueError(f"The {name} of a look must be {wanted}, got {value!r}.")
        taken: dict[str, Any] = {name: tuple(each) if isinstance(each, list) else each for name, each in given.items()}
        return cls(**taken)

    def to_dict(self) -> dict[str, Any]:
        """Plain values, all of them."""
        return {name: list(value) if isinstance(value, tuple) else value for name, value in asdict(self).items()}

    def limit(self, maps: list[NDArray[np.float32]]) -> float:
        """The relevance at the end of the scale of `maps` together, above 0."""
        largest = max((float(np.percentile(np.abs(each), self.clip)) for each in maps), default=0.0)
        return (largest or 1.0) / self.gain

    def limits(self, maps: list[NDArray[np.float32]], composites: Sequence[Any]) -> list[float]:
        """The end of the scale of each map, given by which composite each was made."""
        groups = {"composite": list(composites), "shared": [0] * len(maps), "own": list(range(len(maps)))}[self.scale]
        return [self.limit([each for each, other in zip(maps, groups, strict=True) if other == own]) for own in groups]

    def seen(self, pixels: NDArray[np.float32]) -> NDArray[np.float32]:
        """Relevance of the chosen sign; 0 elsewhere."""
        low, high = {"both": (None, None), "positive": (0, None), "negative": (None, 0)}[self.sign]
        return pixels if self.sign == "both" else np.clip(pixels, low, high)


Check = tuple[Callable[[Any], bool], str]


def _between(low: float, high: float) -> Check:
    return lambda value: _is_number(value) and low <= value <= high, f"a number from {low:g} to {high:g}"


def _one_of(choices: tuple[Any, ...]) -> Check:
    def fine(value: Any) -> bool:
        return isinstance(value, str | int | float) and not isinstance(value, bool) and value in choices

    return fine, f"one of {', '.join(map(str, choices))}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _is_zoom(value: Any) -> bool:
    if not isinstance(value, list | tuple) or len(value) != 3 or not all(map(_is_number, value)):
        return False
    return 1 <= value[0] <= MOST_ZOOM and all(0 <= corner <= 1 - 1 / value[0] + 1e-9 for corner in value[1:])


def _is_bool(value: Any) -> bool:
    return isinstance(value, bool)


def _are_pins(value: Any) -> bool:
    return isinstance(value, list | tuple) and all(type(each) is int and 0 <= each < MOST_PINS for each in value)


_FINE: dict[str, Check] = {
    "gain": _between(1, MOST_GAIN),
    "overlay": _between(0, 1),
    "clip": _one_of(CLIPS),
    "sign": _one_of(SIGNS),
    "map": _one_of(tuple(MAPS)),
    "contour": _one_of(CONTOURS),
    "strongest": _one_of(STRONGEST),
    "scale": _one_of(SCALES),
    "level": _one_of(LEVELS),
    "sinks": (_is_bool, "true or false"),
    "differences": (_are_pins, f"a list of numbers of pins, 0 to {MOST_PINS - 1}"),
    "zoom": (_is_zoom, "a factor from 1 to 32 and a corner inside the picture"),
}
