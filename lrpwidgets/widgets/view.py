"""What all views have in common: they follow an exploration, and bring their own script and style.

A view's JavaScript lies beside its Python: ``heatmap.py`` and ``heatmap.js``. It is a plain ES module without a
build step; ``common.js`` is put in front of it. Every view brings ``look.css`` and a ``heatmap.css`` of its own, so
that each can be used alone.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from functools import partial
from pathlib import Path
from typing import Any

import anywidget
import traitlets

from .colours import DARK, GAMMA, MAPS, SHINING
from .exploration import Exploration, sentence
from .parts import close_parts

HERE = Path(__file__).parent


def style(name: str) -> str:
    """The style of a view: that of all views, and its own."""
    return (HERE / "look.css").read_text() + (HERE / f"{name}.css").read_text()


def script(name: str, *pieces: str) -> str:
    """The JavaScript of a view after the `pieces` it needs; as a path it would keep every closed view alive."""
    colours = {
        "MAPS": {name: vars(each) for name, each in MAPS.items()},
        "GAMMA": GAMMA,
        "DARK": DARK,
        "SHINING": SHINING,
    }
    numbers = f"const {{ {', '.join(colours)} }} = {json.dumps(colours)}; // colours.py\n"
    return numbers + "".join((HERE / f"{piece}.js").read_text() for piece in ("common", *pieces, name))


class Follower:
    """Follows traits of an exploration for as long as it lives."""

    exploration: Exploration

    def __repr__(self) -> str:
        return object.__repr__(self)  # ipywidgets would print all that is inside

    def follow(self, handler: Callable[[], None], *traits: str) -> None:
        """Call `handler` now and whenever one of the exploration's `traits` changes, until this is closed."""

        def changed(change: Any) -> None:
            try:
                handler()
            except Exception as error:
                self.exploration.error = sentence(error)

        self.exploration.observe(changed, traits)
        self._followed = [*getattr(self, "_followed", []), (changed, traits)]
        changed(None)

    def unfollow(self) -> None:
        """Stop following."""
        for changed, traits in getattr(self, "_followed", []):
            self.exploration.unobserve(changed, traits)
        self._followed = []


class View(Follower, anywidget.AnyWidget):
    """A view of one aspect of an exploration, drawn in the browser.

    A page that opens asks for the state of all widgets, loads their scripts, and only then hears of changes. What
    came in between is lost, so every view says what it drew first, and is sent the rest.
    """

    seq = traitlets.Int(help="counts what was drawn; the browser redraws once per count").tag(sync=True)
    problem = traitlets.Unicode(help="why there is nothing to see; empty if there is").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(**traits)
        self.exploration = exploration
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

    def _explain_nothing(self) -> None:
        exploration = self.exploration
        self.problem = "" if exploration.answer and exploration.worker.open else exploration.error

    def _received(self, _: Any, message: dict[str, Any], buffers: list[Any]) -> None:
        self.exploration.worker.at_home(partial(self._hear, message, buffers))

    def _hear(self, message: dict[str, Any], buffers: list[Any]) -> None:
        try:
            if "drawn" in message:
                self._appear(message["drawn"])
            else:
                self.heard(message, buffers)
        except Exception as error:
            self.exploration.error = sentence(error)

    def _appear(self, drawn: int) -> None:
        if drawn != self.seq:
            self.send_state()
        self.exploration.appeared += 1
