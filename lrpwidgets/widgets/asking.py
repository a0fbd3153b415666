"""States whose traits are the parts of one question."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any, ClassVar

import traitlets


class Asking(traitlets.HasTraits):
    """A state that asks whenever a part of its question changes, unless it is changed quietly."""

    parts: ClassVar[tuple[str, ...]]
    """Names of the traits that make the question, which are also its fields."""

    _quiet = False

    def _put(self, question: Any) -> None:
        """Make `question` the state, without asking it; observers see all of it or nothing."""
        with self._quietly(), self.hold_trait_notifications():  # they are told while it is still quiet
            for name in self.parts:
                setattr(self, name, getattr(question, name))

    @contextmanager
    def _quietly(self) -> Iterator[None]:
        before, self._quiet = self._quiet, True
        try:
            yield
        finally:
            self._quiet = before
