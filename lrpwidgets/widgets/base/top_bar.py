"""The head of a dashboard: what is under examination, and the ways to hand the view to someone else."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, ClassVar

import traitlets

from ...subjects.modality import modality_of
from .asking import Asking
from .inputs import MOST_HELD, Inputs, Pieces
from .query import from_query
from .view import View, script, style

_PAUSE = 1.0
"""Seconds without a change before the address of the page follows the state."""


class Bar(View):
    """Name of the subject; Copy as Python, a link, a state file; shortcuts and their help sheet; light and dark."""

    _esm = script(__file__)
    _css = style(__file__)
    title = traitlets.Unicode(help="what is under examination").tag(sync=True)
    link = traitlets.Unicode(help="the state as a query string, once nothing changes any more").tag(sync=True)
    room = traitlets.Unicode(help="name of this room; empty if there is one only").tag(sync=True)
    rooms: traitlets.List[Any] = traitlets.List(help="[name, title, why it is closed] of every room").tag(sync=True)
    home = traitlets.Bool(True, help="whether the page was opened in this room").tag(sync=True)
    here = traitlets.Bool(True, help="whether the room is on the screen").tag(sync=True)
    exports: traitlets.List[Any] = traitlets.List(help="further buttons: word, title, what they want").tag(sync=True)

    settles: ClassVar[tuple[str, ...]]
    """Traits of the state that its link tells of."""

    def __init__(self, shared: Asking, **traits: Any) -> None:
        super().__init__(shared, title=shared.subject.title, **traits)
        self._pieces = Pieces()
        self.follow(self._changed, *self.settles)
        self.follow(self._stand, "room", "rooms", "home", "here")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Give a text form, ``{"want": "code"}`` (or link, state), or look at one, ``{"restore": text}``.

        ``{"name": "view.json", "part": 0, "parts": 2}`` is a piece of a state file, and ``{"enter": "maximize"}`` asks
        for another room.
        """
        if "restore" in message:
            self.restore(self._read(str(message["restore"])))
        elif "part" in message:
            if (file := self._pieces.take(message, bytes(buffers[0]))) is not None:
                self.restore(self._read(file.decode(errors="replace")))
        elif "enter" in message:
            self.shared.enter(message["enter"])
        else:
            text = {"code": self.code, "link": self.shared.link, "state": self._state}[message["want"]]()
            self.send({"as": message["want"], "text": text})

    def code(self) -> str:
        """Python that computes what is on the screen."""
        raise NotImplementedError

    def restore(self, state: dict[str, Any]) -> None:
        """Show what a state describes, in the room that it is of; ValueError says what is wrong with it."""
        room = str(state.pop("room", self.room))
        if room != self.room:
            self.shared.enter(room, state)
        else:
            self._restore(state)

    def _restore(self, state: dict[str, Any]) -> None:
        """Show a state of this room."""
        state.pop("look", None)  # of another room's maps
        self.shared.restore(state)

    def _state(self, state: Mapping[str, Any] | None = None) -> str:
        room = {"room": self.room} if self.room else {}
        return json.dumps({**room, **(self.shared.to_dict() if state is None else state)})

    def _stand(self) -> None:
        shared = self.shared
        rooms = [list(each) for each in shared.rooms]
        self.draw(room=shared.room, rooms=rooms, home=shared.home, here=shared.here)

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
        question = self.shared.question
        self.shared.worker.later(_PAUSE, lambda: self._settled(question))

    def _settled(self, question: object) -> None:
        if question != self.shared.question:
            return
        try:
            self.draw(link=self.shared.link())
        except ValueError:
            self.draw(link="")  # a composite with functions for selectors has no text form


class InputsBar(Bar):
    """The bar of a room that looks at one input at a time: its state files can hold what was uploaded."""

    shared: Inputs

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """As in other rooms; with a state come names and sizes of uploads, and ``{"want": "whole"}`` holds them."""
        want = message.get("want")
        if want == "state":
            pictures = [[each.name, len(each.data or b"")] for each in self.shared.spoken_of]
            brought = modality_of(self.shared.subject).brought
            held = {"pictures": pictures, "most": MOST_HELD, "brought": brought}
            self.send({"as": "state", "text": self._state(), **held})
        elif want == "whole":
            self.send({"as": "state", "text": self._state(self.shared.to_dict(pictures=True)), "pictures": []})
        else:
            super().heard(message, buffers)
