"""The head of a dashboard: what is under examination, and the ways to hand the view to someone else."""

from __future__ import annotations

import json
from typing import Any

import traitlets

from .code import code
from .exploration import Exploration
from .look import Look
from .question import from_query
from .view import View, script, style

_PAUSE = 1.0
"""Seconds without a change before the address of the page follows the state."""


class TopBar(View):
    """Name of the subject; Copy as Python, a link, a state file; shortcuts and their help sheet; light and dark."""

    _esm = script("top_bar")
    _css = style("top_bar")
    title = traitlets.Unicode(help="what is under examination").tag(sync=True)
    link = traitlets.Unicode(help="the state as a query string, once nothing changes any more").tag(sync=True)
    room = traitlets.Unicode(help="name of this room; empty if there is one only").tag(sync=True)
    rooms: traitlets.List[Any] = traitlets.List(help="[name, title] of every room").tag(sync=True)
    home = traitlets.Bool(True, help="whether the page was opened in this room").tag(sync=True)
    here = traitlets.Bool(True, help="whether the room is on the screen").tag(sync=True)
    exports: traitlets.List[Any] = traitlets.List(help="further buttons: word, title, what they want").tag(sync=True)

    settles: tuple[str, ...] = ("answer", "pins", "layer", "channels")
    """Traits of the state that its link tells of."""

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, title=exploration.subject.title, **traits)
        self.follow(self._changed, *self.settles)
        self.follow(self._stand, "room", "rooms", "home", "here")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Give a text form, ``{"want": "code"}`` (or link, state), or look at one, ``{"restore": text}``.

        ``{"enter": "maximize"}`` asks for another room.
        """
        if "restore" in message:
            self.restore(self._read(str(message["restore"])))
        elif "enter" in message:
            self.exploration.enter(message["enter"])
        else:
            text = {"code": self.code, "link": self.exploration.link, "state": self._state}[message["want"]]()
            self.send({"as": message["want"], "text": text})

    def code(self) -> str:
        """Python that computes what is on the screen."""
        exploration = self.exploration
        question = exploration.answer.question if exploration.answer else exploration.question
        samples = len(exploration.subject.dataset)
        uploaded = question.item is not None and question.item >= samples
        name = exploration.name(question.item) if uploaded and question.item is not None else None
        return code(exploration.subject, question, exploration.preset, name)

    def restore(self, state: dict[str, Any]) -> None:
        """Show what a state describes, in the room that it is of; ValueError says what is wrong with it."""
        room = str(state.pop("room", self.room))
        if room != self.room:
            self.exploration.enter(room, state)
        else:
            self._restore(state)

    def _restore(self, state: dict[str, Any]) -> None:
        look = state.pop("look", {})
        if not isinstance(look, dict):
            raise ValueError(f"The part 'look' of a state must be names and values, got {look!r}.")
        Look.from_dict(look)  # raises before anything is changed
        self.exploration.restore(state)
        self.exploration.look = look

    def _state(self) -> str:
        room = {"room": self.room} if self.room else {}
        return json.dumps({**room, **self.exploration.to_dict()})

    def _stand(self) -> None:
        exploration = self.exploration
        rooms = [list(each) for each in exploration.rooms]
        self.draw(room=exploration.room, rooms=rooms, home=exploration.home, here=exploration.here)

    @staticmethod
    def _read(text: str) -> dict[str, Any]:
        """The state in a query string, or in the text of a state file; ValueError if it is damaged."""
        try:
            state = from_query(text) if text.startswith("?") else json.loads(text)
            if not isinstance(state, dict):
                raise ValueError
        except (ValueError, RecursionError) as error:
            raise ValueError(
                str(error) if text.startswith("?") else "This is no state file, or it is damaged."
            ) from None
        return state

    def _changed(self) -> None:
        question = self.exploration.question
        self.exploration.worker.later(_PAUSE, lambda: self._settled(question))

    def _settled(self, question: object) -> None:
        if question != self.exploration.question:
            return
        try:
            self.draw(link=self.exploration.link())
        except ValueError:
            self.draw(link="")  # a composite with functions for selectors has no text form
