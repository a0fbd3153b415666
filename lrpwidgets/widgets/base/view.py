"""What all views have in common: they follow the state of their room, and bring their own script and style.

A view's JavaScript and style lie beside its Python: ``heatmap.py``, ``heatmap.js`` and ``heatmap.css``. The script is a
plain ES module without a build step; what it imports is linked in front of it. Every view brings ``common.css`` as
well, so that each can be used alone.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .asking import Asking
from .linker import linked
from .parts import close_parts
from .sentences import sentence

_COMMON = Path(__file__).with_name("common.css")


def style(beside: str) -> str:
    """The style of the view in the file `beside` it: that of all views, and its own."""
    return _COMMON.read_text(encoding="utf-8") + Path(beside).with_suffix(".css").read_text(encoding="utf-8")


def script(beside: str) -> str:
    """The JavaScript of the view in the file `beside` it; as a path it would keep every closed view alive."""
    return linked(Path(beside).with_suffix(".js"))


class Follower:
    """Follows traits of a shared state for as long as it lives."""

    shared: Asking

    def __repr__(self) -> str:
        shared = getattr(self, "shared", None)  # ipywidgets would print all that is inside
        return f"{type(self).__name__}({'closed' if shared is None else shared!r})"

    def follow(self, handler: Callable[[], None], *traits: str) -> None:
        """Call `handler` now and whenever one of the state's `traits` changes, until this is closed."""

        def changed(change: Any) -> None:
            try:
                handler()
            except Exception as error:
                self.shared.error = sentence(error)

        self.shared.observe(changed, traits)
        self._followed = [*getattr(self, "_followed", []), (changed, traits)]
        changed(None)

    def unfollow(self) -> None:
        """Stop following."""
        for changed, traits in getattr(self, "_followed", []):
            self.shared.unobserve(changed, traits)
        self._followed = []


class View(Follower, anywidget.AnyWidget):
    """A view of one aspect of a shared state, drawn in the browser.

    A page that opens asks for the state of all widgets, loads their scripts, and only then hears of changes. What
    came in between is lost, so every view says what it drew first, and is sent the rest.
    """

    seq = traitlets.Int(help="counts what was drawn; the browser redraws once per count").tag(sync=True)
    problem = traitlets.Unicode(help="why there is nothing to see; empty if there is").tag(sync=True)

    def __init__(self, shared: Asking, **traits: Any) -> None:
        self._refuse_unknown(traits)
        super().__init__(**traits)
        self.shared = shared
        self.on_msg(self._received)
        self.follow(self._explain_nothing, "answer", "error")

    def draw(self, **traits: Any) -> None:
        """Send `traits` to the browser in one message, so that new pixels never meet an old size."""
        if all(getattr(self, name) == value for name, value in traits.items()):
            return  # while a slider moves, every message counts
        with self.hold_sync():
            for name, value in traits.items():
                setattr(self, name, value)
            self.seq += 1

    def close(self) -> None:
        """Stop following and disappear from the page."""
        self.unfollow()
        super().close()
        close_parts(self)

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """A person did something; `message` says what."""

    def _refuse_unknown(self, traits: Mapping[str, Any]) -> None:
        """Raise TypeError if one of `traits` is none of the view's, which traitlets would only warn of."""
        if unknown := traits.keys() - set(self.trait_names()):
            known = sorted(type(self).class_own_traits()) or ["none of its own"]
            raise TypeError(
                f"{type(self).__name__} has no keyword {sorted(unknown)[0]!r}; it takes its state, and of its own "
                f"{', '.join(known)}."
            )

    def _explain_nothing(self) -> None:
        shared = self.shared
        self.problem = "" if shared.answer and shared.worker.open else shared.error

    def _received(self, _: Any, message: dict[str, Any], buffers: list[Any]) -> None:
        self.shared.worker.at_home(partial(self._hear, message, buffers))

    def _hear(self, message: dict[str, Any], buffers: list[Any]) -> None:
        try:
            if "drawn" in message:
                self._appear(message["drawn"])
            else:
                self.heard(message, buffers)
        except Exception as error:
            self.shared.error = sentence(error)

    def _appear(self, drawn: int) -> None:
        if drawn != self.seq:
            self.send_state()
        self.shared.appeared += 1
