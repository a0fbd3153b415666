"""The line below a dashboard: what the answer cost, and every error and caveat as a sentence, never in a log only."""

from __future__ import annotations

from typing import Any, ClassVar

import traitlets

from .asking import Asking
from .view import View, script, style


class Status(View):
    """What is under way, which can be cancelled, what a person should know, and the figures of the newest answer."""

    _esm = script(__file__)
    _css = style(__file__)
    follows: ClassVar[tuple[str, ...]] = ("answer", "busy", "progress", "error")
    """Traits of the state that it tells of."""

    state = traitlets.Dict(help="busy, progress, error, caveats and the figures of the newest answer").tag(sync=True)

    def __init__(self, shared: Asking, **traits: Any) -> None:
        super().__init__(shared, **traits)
        self.follow(self._show, *self.follows)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """End the computation that is under way: ``{"cancel": True}``."""
        self.shared.cancel()

    def _show(self) -> None:
        raise NotImplementedError
