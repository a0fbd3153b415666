"""States whose traits are the parts of one question, and the way from one room of a page to another."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any, ClassVar

import traitlets
from PIL.Image import Image

from ...lrp import Composite, Explainer
from ...subjects import Subject
from .query import from_query, to_query
from .worker import NewestWins


@dataclass(frozen=True)
class Place:
    """What is looked at in one room, and to be looked at in the next."""

    item: int | None = None
    """An input of the data set."""
    upload: Any = None
    """An input from outside, an Upload, in place of one of the data set."""
    label: int | None = None
    """A class."""
    layer: str | None = None
    channel: int | None = None
    """Of that layer."""
    composite: Composite | None = None
    """The rules of what is looked at, where they are those of a whole data set."""
    concept: Any = None
    """What a model is to forget, a :class:`lrpwidgets.improve.Concept`."""
    subject: Subject | None = None
    """What is to be examined there, if not what is examined here: a repaired model."""


class Asking(traitlets.HasTraits):
    """A state that asks whenever a part of its question changes, unless it is changed quietly."""

    parts: ClassVar[tuple[str, ...]]
    """Names of the traits that make the question, which are also its fields."""
    pictured: ClassVar[tuple[str, ...]] = ("answer",)
    """Names of the traits that its pictures depend on."""
    subject: Subject
    """What is under examination."""
    explainer: Explainer
    worker: NewestWins
    """Whose thread computes the answers."""

    answer = traitlets.Any(None, allow_none=True, help="The newest answer; None before the first.")
    error = traitlets.Unicode(help="What went wrong, as a sentence; empty if nothing did.")
    appeared = traitlets.Int(help="Counts the views that a browser began to draw.")
    busy = traitlets.Bool(help="Whether an answer has been waited for long enough to say so.")
    progress = traitlets.Tuple(
        help="How far that is, if busy: steps done and in all; first, where there are several, what is done."
    )

    room = traitlets.Unicode(help="Name of the room of a page that this state is shown in; empty: there is one only.")
    rooms = traitlets.Tuple(help="Name and title of every room of the page, and why it is closed.")
    home = traitlets.Bool(True, help="Whether the page was opened in this room, which follows its address.")
    here = traitlets.Bool(True, help="Whether the room is on the screen.")
    elsewhere = traitlets.Tuple(
        help="The room that is asked for, what there (a Place, or a state as a dict), and whether just that was wanted."
    )
    successor = traitlets.Any(None, allow_none=True, help="The state that takes the place of this one, once it is.")

    _quiet = False

    def enter(self, room: str, what: Place | dict[str, Any] | None = None) -> None:
        """Ask for another room of the page, and what to show there: by default what is looked at here.

        Raises
        ------
        ValueError
            If the page has no such room, or it is closed.
        """
        closed = {name: why for name, _, why in self.rooms}
        if room not in closed:
            known = ", ".join(map(repr, closed)) or "none"
            raise ValueError(f"There is no room {room!r} on this page; its rooms: {known}.")
        if closed[room]:
            raise ValueError(closed[room])
        self.elsewhere = (room, self.place() if what is None else what, what is not None)

    def place(self) -> Place:
        """What is looked at."""
        return Place()

    def show_place(self, place: Place) -> None:
        """Look at what another room looks at."""

    def remove_all(self, digests: Collection[str]) -> None:
        """Let go of the uploads of these fingerprints, as far as they are here."""

    @property
    def question(self) -> Any:
        """All that is asked."""
        raise NotImplementedError

    def pictures(self) -> dict[str, Image]:
        """What is on the screen as pictures, by caption, for where no view can be drawn."""
        return {}

    def cancel(self) -> None:
        """End what is under way; what is on the screen stays."""
        raise NotImplementedError

    def close(self) -> None:
        """Stop computing, and let go of all that was computed."""
        raise NotImplementedError

    # -- text form -------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The state as plain values, for links and files."""
        raise NotImplementedError

    def link(self) -> str:
        """The state as a query string, such as ``subject=digits&item=8``."""
        return to_query(self.to_dict())

    def restore(self, state: Mapping[str, Any] | str) -> None:
        """Look again at what :meth:`to_dict` or ``link`` described; ValueError names what is wrong with it."""
        raise NotImplementedError

    def _parts_of(self, state: Mapping[str, Any] | str) -> dict[str, Any]:
        """What a state describes; ValueError if it is damaged or of another subject."""
        parts = dict(from_query(state) if isinstance(state, str) else state)
        subject = parts.pop("subject", self.subject.name)
        if subject != self.subject.name:
            raise ValueError(f"This state is of the subject {subject!r}; here is {self.subject.name!r}.")
        return parts

    # -- changing --------------------------------------------------------------------------------------------------

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
