"""What all methods have in common: how they are called, what they cost, what they return."""

from __future__ import annotations

import difflib
import importlib.util
import typing
from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field, fields
from typing import Any, ClassVar, Literal

from torch import Tensor

from ..knobs import Turnable
from ..readable import Readable
from . import baselines
from .question import Question


class CannotExplainError(ValueError):
    """A method that cannot explain this model or this input; the message says why."""


@dataclass(frozen=True)
class Cost:
    """How often the whole batch goes through the network."""

    forwards: int
    backwards: int = 0

    def seconds(self, forward: float) -> float:
        """How long it takes if a `forward` pass takes so many seconds; a backward pass counts as two."""
        return forward * (self.forwards + 2 * self.backwards)

    def __str__(self) -> str:
        return f"{self.forwards:,} forward and {self.backwards:,} backward passes"


@dataclass(frozen=True, eq=False, repr=False)
class Attribution(Readable):
    """What a method says: made by :func:`explain`."""

    method: str
    """Its name."""
    relevance: Tensor
    """Shaped like the input. What is found per pixel or patch is spread evenly over channels and pixels, so that sums
    over channels are maps, and sums over all are totals."""
    scores: Tensor
    """The model's output, (B, C)."""
    target: Tensor
    """Weight of every score in what is explained, (B, C)."""
    settings: Mapping[str, Any]
    """The method's fields: ``explain(model, x, method, target, **settings)`` gives the same again."""
    caveats: list[str]
    """Sentences to read before trusting the picture."""


@dataclass(frozen=True, eq=False, repr=False)
class Found(Readable):
    """What a method finds out about a part of the batch."""

    relevance: Tensor
    caveats: list[str] = field(default_factory=list)


class Method(Turnable, ABC):
    """A way to explain: a frozen dataclass whose fields are its settings.

    The first line of its docstring is what it does, in a sentence.
    """

    alone: ClassVar[bool] = False
    """Whether inputs are explained one at a time, each with the same random draws: so no map depends on its mates."""
    captum: ClassVar[bool] = False
    """Whether Captum computes it."""
    whole_numbers: ClassVar[bool] = False
    """Whether it explains inputs of whole numbers, such as tokens."""

    def __post_init__(self) -> None:
        super().__post_init__()
        for name, hint in typing.get_type_hints(type(self)).items():
            if typing.get_origin(hint) is Literal and (value := getattr(self, name)) not in typing.get_args(hint):
                named = ", ".join(map(repr, typing.get_args(hint)))
                raise ValueError(f"{type(self).__name__}: {name} must be one of {named}, got {value!r}.")

    @classmethod
    def choices(cls) -> dict[str, tuple[str, ...]]:
        """The fields of which one chooses among a few words, and these; some take tensors as well."""
        hints = typing.get_type_hints(cls)
        found = {each.name: _words(hints[each.name]) for each in fields(cls)}
        return {name: words for name, words in found.items() if words}

    @property
    def settings(self) -> dict[str, Any]:
        """Its fields by name."""
        return {each.name: getattr(self, each.name) for each in fields(self)}

    @classmethod
    def description(cls) -> str:
        """What it does, in a sentence."""
        return (cls.__doc__ or "").strip().partition("\n")[0]

    @abstractmethod
    def cost(self, x: Tensor) -> Cost:
        """How often inputs such as `x` go through the network, beyond the pass that gives the scores."""

    @abstractmethod
    def attribute(self, question: Question) -> Found:
        """What it finds; of a single input if it is :attr:`alone`."""

    def obstacle(self, question: Question) -> str | None:
        """Why it cannot explain this, if it cannot; runs the network once at most."""
        return None

    def hindrance(self, question: Question) -> str | None:
        """As :meth:`obstacle`, with what is asked of every method."""
        if self.captum and importlib.util.find_spec("captum") is None:
            return "it needs Captum: pip install captum."
        if not (self.whole_numbers or question.x.is_floating_point()):
            return "the input holds whole numbers, which have neither gradients nor values in between."
        baseline = getattr(self, "baseline", None)
        if baseline is not None:
            try:
                baselines.of(question.x, baseline)
            except ValueError as error:
                return str(error)
        return self.obstacle(question)

    def trial(self, question: Question) -> None:
        """Find out what only a pass through the network would show, without an explanation; raises if it can't be."""


def _words(hint: Any) -> tuple[str, ...]:
    """The words among what a type allows."""
    arguments = typing.get_args(hint)
    if typing.get_origin(hint) is Literal:
        return arguments
    return tuple(word for each in arguments for word in _words(each))


METHODS: dict[str, type[Method]] = {}
"""Every method but the presets of LRP, by its name."""


def register(name: str, method: type[Method]) -> None:
    """Add a method under a `name`; of two the last counts.

    Raises
    ------
    TypeError
        If it is no class of methods.
    """
    if not (isinstance(method, type) and issubclass(method, Method)):
        raise TypeError(f"register takes a frozen dataclass that is a Method, got {method!r}.")
    METHODS[name] = method


def unknown(name: str, known: list[str]) -> ValueError:
    """What to say of a `name` that is not `known`."""
    near = difflib.get_close_matches(str(name), known, n=1)
    hint = f"Did you mean {near[0]!r}?" if near else f"Methods are {', '.join(known)}."
    return ValueError(f"There is no method {name!r}. {hint}")
