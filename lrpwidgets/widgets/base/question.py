"""What is asked of a subject, and its text form for links and state files."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, fields, replace
from typing import Any

from ...lrp import Composite, Rather
from ...readable import Readable
from ...subjects import Stroke


@dataclass(frozen=True, repr=False)
class Question(Readable):
    """All that is asked about one input; nothing in it depends on the screen."""

    item: int | None
    """Index of the input: a sample of the subject or, behind those, an upload. None in a pin: whatever is shown."""
    composite: Composite
    fit: bool = False
    """Whether an upload is seen as a whole, with grey around it, where its middle would be cut out."""
    window: tuple[float, float] | None = None
    """Level and width of what is seen of an upload of more than 8 bits; None: as its file says, or what is in use."""
    target: int | None = None
    """The class to explain; None for the top class of each input."""
    than: int | None = None
    """The class whose score is taken away: why `target` rather than this one."""
    strokes: tuple[Stroke, ...] = ()
    """What was painted over the input."""
    typed: str | None = None
    """The text that somebody typed, in place of that of the input; None: as the input has it."""
    struck: tuple[int, ...] = ()
    """Words of the text that are left out, by number."""
    layer: str | None = None
    """The layer that is opened; None leaves the choice to the view."""
    channels: tuple[int, ...] = ()
    """Channels of it that are chosen."""
    only: bool = False
    """Whether only relevance that flows through those channels counts."""

    @property
    def input(self) -> tuple[Any, ...]:
        """What the network sees depends on."""
        return *self.clean, self.changes

    @property
    def clean(self) -> tuple[Any, ...]:
        """What the input without changes depends on."""
        return self.item, self.fit, self.window, self.typed

    @property
    def changes(self) -> tuple[Any, ...]:
        """What is changed on the input: strokes of a brush, or words that are struck."""
        return *self.strokes, *self.struck

    def of(self, other: Question | None) -> Question:
        """The same of the input of `other`, as it is seen and changed there; of None, of whatever is shown."""
        names = ("item", "strokes", "window", "typed", "struck")
        return replace(self, **{name: getattr(other or _NOTHING, name) for name in names})

    def target_of(self, top: int) -> int | Rather:
        """What to explain of an input whose top class is `top`."""
        this = top if self.target is None else self.target
        return this if self.than is None else Rather(this, than=self.than)

    def to_dict(self, preset: Callable[[str], Composite]) -> dict[str, Any]:
        """Plain values for JSON; what is at its default is left out, and a preset is its name.

        Raises
        ------
        ValueError
            If the composite selects layers by a function of the user's.
        """
        found = {
            each.name: getattr(self, each.name) for each in fields(self) if getattr(self, each.name) != each.default
        }
        found["composite"] = name_or_entries(self.composite, preset)
        if self.strokes:
            found["strokes"] = [stroke.to_dict() for stroke in self.strokes]
        for name in ("channels", "struck"):
            if name in found:
                found[name] = list(found[name])
        if self.window is not None:
            found["window"] = list(self.window)
        return found

    @classmethod
    def from_dict(cls, data: Mapping[str, Any], preset: Callable[[str], Composite]) -> Question:
        """The question that :meth:`to_dict` described; raises ValueError that names what is wrong."""
        unknown = data.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"A state has no part {min(unknown)!r}.")
        for name in ("item", "target", "than"):
            _check(name, data.get(name), lambda value: value is None or _is_count(value), "a whole number from 0 on")
        _check("layer", data.get("layer"), lambda value: value is None or isinstance(value, str), "the name of a layer")
        for name in ("fit", "only"):
            _check(name, data.get(name, False), lambda value: isinstance(value, bool), "true or false")
        _check("window", data.get("window"), is_window, "a level and a width above 0")
        _check("typed", data.get("typed"), lambda value: value is None or isinstance(value, str), "a text")
        for name in ("channels", "strokes", "struck"):
            _check(name, data.get(name, []), lambda value: isinstance(value, list), "a list")
        for name in ("channels", "struck"):
            _check(name, data.get(name, []), lambda value: all(map(_is_count, value)), "a list of numbers")
        given = dict(data)
        if data.get("window") is not None:
            given["window"] = tuple(map(float, data["window"]))
        given |= {name: tuple(data.get(name, ())) for name in ("channels", "struck")}
        given["strokes"] = tuple(Stroke.from_dict(stroke) for stroke in data.get("strokes", ()))
        given["composite"] = composite_of(data.get("composite"), preset)
        return cls(**{"item": None, **given})


_NOTHING = Question(None, Composite([]))
"""The input of a pin that follows."""


def name_or_entries(composite: Composite, preset: Callable[[str], Composite]) -> str | dict[str, Any]:
    """The name of a preset as it is, else all entries."""
    try:
        unchanged = preset(composite.name) == composite
    except ValueError:
        unchanged = False
    return composite.name if unchanged else composite.to_dict()


def composite_of(data: Any, preset: Callable[[str], Composite]) -> Composite:
    """The composite that :func:`name_or_entries` described; raises ValueError that names what is wrong."""
    if isinstance(data, str):
        return preset(data)
    if isinstance(data, Mapping):
        return Composite.from_dict(data)
    raise ValueError(f"The composite must be the name of a preset or a list of entries, got {data!r}.")


def is_window(value: Any) -> bool:
    """Whether it is None, or two numbers that 32 bits can tell apart from nothing and infinity."""
    if value is None:
        return True
    numbers = isinstance(value, list | tuple) and len(value) == 2 and all(type(each) in (int, float) for each in value)
    return numbers and abs(value[0]) < 1e9 and 1e-9 < value[1] < 1e10


def _is_count(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool) and value >= 0


def _check(name: str, value: Any, fine: Callable[[Any], bool], wanted: str) -> None:
    if not fine(value):
        raise ValueError(f"The part {name!r} of a state must be {wanted}, got {value!r}.")
