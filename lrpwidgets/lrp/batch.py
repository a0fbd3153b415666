"""What a model is called with: tensors by position or by name, of which some only go along."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cached_property
from typing import Any, TypeAlias

from torch import Tensor, nn

from ..readable import Readable

Given: TypeAlias = Tensor | tuple[Tensor, ...] | Mapping[str, Tensor]
"""Inputs as a caller gives them: one batch, several in the order of the arguments, or by the arguments' names."""

Packed: TypeAlias = Tensor | tuple[Tensor, ...] | dict[str, Tensor]
"""Something for each input, as the inputs were given."""


@dataclass(frozen=True, eq=False, repr=False)
class Batch(Readable):
    """The arguments of one call of a model."""

    tensors: tuple[Tensor, ...]
    names: tuple[str, ...] = ()
    """The argument that each tensor is; empty where they go by position."""
    constants: frozenset[int] = frozenset()
    """Positions of those that only go along, as far as that is declared."""

    @classmethod
    def of(cls, given: Given) -> Batch:
        """The batch that a caller gave."""
        if isinstance(given, Mapping):
            return cls(tuple(given.values()), tuple(given))
        return cls(given if isinstance(given, tuple) else (given,))

    def run(self, model: nn.Module) -> Any:
        """What `model` returns for it; called by name, it keeps no keys and values for a next call."""
        return model(*self.tensors) if not self.names else model(**self.by_name, **self._without_cache(model))

    @property
    def by_name(self) -> dict[str, Tensor]:
        """The tensors by the names of their arguments; empty where they go by position."""
        return dict(zip(self.names, self.tensors, strict=True)) if self.names else {}

    @cached_property
    def size(self) -> int:
        """How many samples it has: rows of the input that has the fewest, as others may have several for one sample."""
        return min(len(x) for position, x in enumerate(self.tensors) if position not in self.constants)

    @property
    def shapes(self) -> str:
        """The shapes of the tensors, to be read."""
        labels = [f"{name} " for name in self.names] or [""] * len(self.tensors)
        return ", ".join(f"{label}{tuple(x.shape)}" for label, x in zip(labels, self.tensors, strict=True))

    def part(self, start: int, stop: int) -> Batch:
        """Its samples from `start` to `stop`, and whatever is no batch as a whole."""
        return self.mapped(lambda x: x[start:stop] if len(x) == self.size else x)

    def mapped(self, function: Callable[[Tensor], Tensor]) -> Batch:
        """The same with `function` of each tensor."""
        return replace(self, tensors=tuple(map(function, self.tensors)))

    def as_single(self) -> Batch:
        """With a batch axis more."""
        found = (x if position in self.constants else x[None] for position, x in enumerate(self.tensors))
        return replace(self, tensors=tuple(found))

    def called(self, position: int) -> str:
        """An input in a sentence."""
        return self.names[position] if self.names else f"inputs[{position}]" if len(self.tensors) > 1 else "inputs"

    @staticmethod
    def _without_cache(model: nn.Module) -> dict[str, bool]:
        return {"use_cache": False} if "use_cache" in parameters(model) else {}


def packed(found: Sequence[Tensor], names: Sequence[str]) -> Packed:
    """Something for each input, as the inputs were given: alone, in a tuple, or by `names`."""
    if names:
        return dict(zip(names, found, strict=True))
    return found[0] if len(found) == 1 else tuple(found)


def unpacked(found: Packed) -> tuple[Tensor, ...]:
    """The same in a tuple, whatever it was."""
    return Batch.of(found).tensors


def parameters(model: nn.Module) -> Mapping[str, inspect.Parameter]:
    """The parameters of the model's forward."""
    return inspect.signature(model.forward).parameters


def check_names(model: nn.Module, names: Iterable[str]) -> list[str]:
    """The `names` that only a ``**kwargs`` of the model's forward can take, which may well ignore them.

    Raises
    ------
    TypeError
        If the model takes no argument of a name.
    """
    known = parameters(model)
    others = [name for name in names if name not in known]
    if others and not any(each.kind is inspect.Parameter.VAR_KEYWORD for each in known.values()):
        raise TypeError(not_taken(model, others))
    return others


def not_taken(model: nn.Module, names: Sequence[str]) -> str:
    """That the model has no use for arguments of these `names`."""
    plain = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    known = [name for name, each in parameters(model).items() if each.kind in plain]
    return (
        f"{type(model).__name__} takes no argument {', '.join(map(repr, names))}; leave it out, or correct the name. "
        f"It takes {', '.join(known[:12]) or 'arguments by position only'}{', ...' if len(known) > 12 else ''}."
    )
