"""Selectors: which layers of a network an entry of a composite speaks of.

A selector is a string or a function of a :class:`Place`:

==================================  ====================================================================
``"conv"`` ... (:data:`KINDS`)       all layers of that family, as :class:`Kind`
``"first"``, ``"last"``             weighted layers nearest the input or output, as :class:`Position`
``"features.*"``                    layers whose name matches the pattern, as :class:`Name`
``Position(0, 2)``                  weighted layers counted from the input, or, below 0, from the output
``Stage(0, 2, "conv")``             layers counted by the poolings before them
``Down("features.10")``             a layer and every layer below it, down to the input
``Inside("features.10")``           the convolutions and dense layers of a module
``lambda place: ...``               anything else
==================================  ====================================================================
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from fnmatch import fnmatchcase
from functools import cached_property, partial
from typing import Any, get_type_hints

from ..readable import Readable
from .tape import Step

PRODUCTS = ("product", "matmul")
"""Families of products of two values that both depend on the input, elementwise and with sums."""

KINDS = ("conv", "linear", "pool", "maxpool", "norm", "sum", *PRODUCTS)
"""Families of layers that relevance rules may be given to."""

_WEIGHTED = ("conv", "linear")

MOST_LETTERS = 1_000
"""Of a selector that is read: a pattern of many stars takes long to hold against the name of every layer."""


@dataclass(frozen=True, eq=False, repr=False)
class Place(Readable):
    """Where a layer lies in its network: all that a selector may ask."""

    name: str
    """The layer's name, such as ``"layer1.0.conv1"``."""
    module: str
    """Path of the module whose forward makes the call."""
    kind: str
    """One of :data:`KINDS`, or the kind of an operation that has no rule."""
    weighted_before: int
    """Largest number of weighted layers (conv, linear) on a way from the input to here."""
    weighted_after: int
    """Largest number of weighted layers on a way from here to the output."""
    pools_before: int
    """Largest number of poolings on a way from the input to here."""
    goes_to: Callable[[str], bool] = field(repr=False)
    """Whether this layer's output reaches the layer of that name, or is it."""

    @property
    def weighted(self) -> bool:
        """Whether it is a convolution or dense layer."""
        return self.kind in _WEIGHTED

    @property
    def above(self) -> list[str]:
        """Paths of the modules around the call, from the outermost (never the whole model) to `module`."""
        parts = self.module.split(".") if self.module else []
        return [".".join(parts[: depth + 1]) for depth in range(len(parts))]


@dataclass(frozen=True, repr=False)
class Kind(Readable):
    """All layers of a family, one of :data:`KINDS`."""

    kind: str

    def __post_init__(self) -> None:
        if self.kind not in KINDS:
            raise ValueError(f"There is no kind of layer {self.kind!r}; kinds are {', '.join(KINDS)}.")

    def __call__(self, place: Place) -> bool:
        return place.kind == self.kind


@dataclass(frozen=True, repr=False)
class Name(Readable):
    """Layers by name: a pattern with ``*`` and ``?``. A max pool must be named in full."""

    pattern: str

    def __call__(self, place: Place) -> bool:
        if place.kind == "maxpool":
            return self.pattern == place.name
        return fnmatchcase(place.name, self.pattern) or fnmatchcase(place.module, self.pattern)


@dataclass(frozen=True, repr=False)
class Exactly(Readable):
    """One layer by its full name; of a module that is called twice, one call (``"conv"``, ``"conv#2"``)."""

    name: str

    def __call__(self, place: Place) -> bool:
        return place.name == self.name


@dataclass(frozen=True, repr=False)
class Position(Readable):
    """Weighted layers from the `start`-th to the `stop`-th; 0 is the first, −1 the last, `stop` included."""

    start: int
    stop: int | None = None

    def __call__(self, place: Place) -> bool:
        stop = self.start if self.stop is None else self.stop
        count = place.weighted_before if self.start >= 0 else -1 - place.weighted_after
        return place.weighted and self.start <= count <= stop


@dataclass(frozen=True, repr=False)
class Stage(Readable):
    """Layers with `start` to `stop` poolings before them; of one `kind` if given, else all but max pools."""

    start: int
    stop: int
    kind: str | None = None

    def __call__(self, place: Place) -> bool:
        of_kind = place.kind == self.kind if self.kind else place.kind != "maxpool"
        return of_kind and self.start <= place.pools_before <= self.stop


@dataclass(frozen=True, repr=False)
class Down(Readable):
    """A layer and all layers whose output reaches it, down to the input; max pools left out."""

    layer: str

    def __call__(self, place: Place) -> bool:
        return place.kind != "maxpool" and place.goes_to(self.layer)


@dataclass(frozen=True, repr=False)
class Inside(Readable):
    """The weighted layers of the module at a path; all its layers but max pools if not only `weighted`."""

    module: str
    weighted: bool = True

    def __call__(self, place: Place) -> bool:
        wanted = place.weighted if self.weighted else place.kind != "maxpool"
        return wanted and f"{place.module}.".startswith(f"{self.module}.")


Selector = str | Callable[[Place], bool]

_WORDS: dict[str, Callable[[Place], bool]] = {
    "first": Position(0),
    "last": Position(-1),
    **{kind: Kind(kind) for kind in KINDS},
}
_CLASSES = {each.__name__.lower(): each for each in (Kind, Name, Exactly, Position, Stage, Down, Inside)}


def matcher(selector: Selector, names: Sequence[str] = ()) -> Callable[[Place], bool]:
    """The function behind `selector`.

    Raises
    ------
    ValueError
        If a string could mean a family of layers as well as one of the layer `names`.
    TypeError
        If it is neither a string nor a function.
    """
    if callable(selector):
        return selector
    if not isinstance(selector, str):
        raise TypeError(f"A selector is a string or a function of a Place, got {selector!r}.")
    if selector in _WORDS and selector in names:
        raise ValueError(
            f"{selector!r} names a layer of this model and is also a word for {_WORDS[selector]}; "
            f"write Name({selector!r}) for the layer or {_WORDS[selector]} for the others."
        )
    return _WORDS.get(selector) or Name(selector)


def to_data(selector: Selector) -> Any:
    """`selector` as text or a dict of plain values.

    Raises
    ------
    ValueError
        If it is a function of the user's, which has no text form.
    """
    if isinstance(selector, str):
        return selector
    if type(selector) not in _CLASSES.values():
        raise ValueError(f"The selector {selector!r} is a function and cannot be saved; use a name, kind or position.")
    settings = {key: value for key, value in asdict(selector).items() if value is not None}  # type: ignore[call-overload]
    return {type(selector).__name__.lower(): settings}


def from_data(data: Any) -> Selector:
    """The selector that :func:`to_data` described; raises ValueError if it is none."""
    if len(str(data)) > MOST_LETTERS:
        raise ValueError(f"A selector that is read has {MOST_LETTERS:,} letters at most, got {len(str(data)):,}.")
    if isinstance(data, str):
        return data
    try:
        ((name, settings),) = data.items()
        made = _CLASSES[name](**settings)
        _check_types(made)
    except (AttributeError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{data!r} is no selector; selectors are text or one of {', '.join(_CLASSES)}.") from error
    return made


def _check_types(selector: Any) -> None:
    for name, kind in get_type_hints(type(selector)).items():
        value = getattr(selector, name)
        if not isinstance(value, kind) or (isinstance(value, bool) and kind is not bool):
            raise TypeError(f"{name} must be {kind}, got {value!r}.")


class Layout:
    """The network as selectors see it: a place for every step of a tape."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._steps = steps
        maker = {value: index for index, step in enumerate(steps) for value in step.results if value is not None}
        self._feeding = [[maker[v] for v in step.inputs if v in maker] for step in steps]

    @cached_property
    def places(self) -> list[Place]:
        """One for each step, in execution order."""
        weighted = [step.kind in _WEIGHTED for step in self._steps]
        pooling = [step.kind in ("pool", "maxpool") for step in self._steps]
        before, after = self._most_before(weighted), self._most_after(weighted)
        pools = self._most_before(pooling)
        flow = _Flow([step.name for step in self._steps], self._feeding)
        return [
            Place(step.name, step.module, step.kind, before[i], after[i], pools[i], partial(flow.reaches, i))
            for i, step in enumerate(self._steps)
        ]

    def __getstate__(self) -> dict[str, Any]:
        return {"places": self.places}  # all that is asked of a copy; the steps hold the weights of the model

    def _most_before(self, counts: Sequence[bool]) -> list[int]:
        most: list[int] = []
        for feeding in self._feeding:
            most.append(max((most[f] + counts[f] for f in feeding), default=0))
        return most

    def _most_after(self, counts: Sequence[bool]) -> list[int]:
        most = [0] * len(counts)
        for index in reversed(range(len(counts))):
            for f in self._feeding[index]:
                most[f] = max(most[f], most[index] + counts[index])
        return most


class _Flow:
    """Which step's output reaches which layer; places hold it, not the layout, which holds the places."""

    def __init__(self, names: Sequence[str], feeding: Sequence[Sequence[int]]) -> None:
        self._names, self._feeding = names, feeding
        self._below: dict[str, set[int]] = {}

    def reaches(self, index: int, name: str) -> bool:
        if name not in self._below:
            below = {i for i, each in enumerate(self._names) if each == name}
            for i in reversed(range(len(self._names))):
                if i in below:
                    below.update(self._feeding[i])
            self._below[name] = below
        return index in self._below[name]
