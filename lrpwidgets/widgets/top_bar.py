"""The head of a dashboard: what is under examination, and pictures from outside."""

from __future__ import annotations

from typing import Any

import traitlets

from .exploration import Exploration
from .view import View, script


class TopBar(View):
    """Name of the subject and, where it can read pictures, a button to upload one."""

    _esm = script("top_bar")
    title = traitlets.Unicode(help="what is under examination").tag(sync=True)
    uploads = traitlets.Bool(help="whether the subject takes pictures from outside").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        subject = exploration.subject
        super().__init__(exploration, title=subject.title, uploads=subject.from_image is not None, **traits)
        self._parts: list[bytes] = []

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """A piece of a file: ``{"name": "cat.jpg", "part": 0, "parts": 2}``, or a sentence about a problem."""
        if "problem" in message:
            self.exploration.error = message["problem"]
            return
        self._parts = [*(self._parts if message["part"] else []), bytes(buffers[0])]
        if len(self._parts) == message["parts"]:
            content, self._parts = b"".join(self._parts), []
            self.exploration.show(content, message["name"])
