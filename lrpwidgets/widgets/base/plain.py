"""Questions in plain values, as links and state files have them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from typing import TYPE_CHECKING, Any, ClassVar, Self

if TYPE_CHECKING:
    from dataclasses import Field


class Plain:
    """A frozen dataclass, all of whose fields have defaults, with a text form: lists stand for its tuples."""

    __dataclass_fields__: ClassVar[dict[str, Field[Any]]]

    def to_dict(self) -> dict[str, Any]:
        """Plain values for JSON; what is at its default is left out."""
        default = type(self)()
        given = {each.name: getattr(self, each.name) for each in fields(self)}
        return {
            name: list(value) if isinstance(value, tuple) else value
            for name, value in given.items()
            if value != getattr(default, name)
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """What :meth:`to_dict` described; raises ValueError that names what is wrong."""
        unknown = data.keys() - {each.name for each in fields(cls)}
        if unknown:
            raise ValueError(f"A state has no part {min(unknown)!r}.")
        return cls(**{name: tuple(value) if isinstance(value, list) else value for name, value in data.items()})
