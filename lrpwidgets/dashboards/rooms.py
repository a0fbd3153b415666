"""Rooms of one page: what one looks at in one of them is taken along into the next."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import ipywidgets

from ..subjects import Subject
from ..subjects.modality import modality_of
from ..widgets import Exploration
from ..widgets.base.asking import Asking, Place
from ..widgets.base.cells import until_run_again
from ..widgets.base.inputs import Inputs
from ..widgets.base.parts import close_parts
from ..widgets.base.sentences import sentence
from ..widgets.base.still import Still, display_with_still
from ..widgets.compare import Referee
from ..widgets.improve import Workshop
from ..widgets.maximize import Studio
from ..widgets.spray import Attribution, Investigation
from .pages import attribution_page, compare_page, explore_page, improve_page, maximize_page, spray_page
from .panes import AWAY, Dashboard


@dataclass(frozen=True)
class Room:
    """A room for one job; all of them are for a model and its data."""

    title: str
    pages: dict[type[Asking], Callable[[Any], Dashboard]]
    """What makes its page, by the state that is shown there."""
    begin: Callable[[Subject, str, Place], Asking]
    """Makes its first state, on a device."""
    needs: str = ""
    """What is done there with a whole data set, if that is needed, as the beginning of a sentence."""


def _exploration(subject: Subject, device: str, place: Place) -> Exploration:
    return Exploration(subject, place.composite, device)


def _studio(subject: Subject, device: str, place: Place) -> Studio:
    wish: dict[str, Any] = {"number": place.label or 0}
    if place.channel is not None:
        wish = {"layer": place.layer, "number": place.channel}
    return Studio(subject, device, **wish)


def _referee(subject: Subject, device: str, place: Place) -> Referee:
    return Referee(subject, device)


def _workshop(subject: Subject, device: str, place: Place) -> Workshop:
    return Workshop(subject, device, place.concept)


def closed(name: str, subject: Subject) -> str:
    """Why there is nothing to do in a room for a subject; empty if there is."""
    if why := modality_of(subject).why_closed(subject, name):
        return why
    needs = ROOMS[name].needs
    return f"{needs} a whole data set, and here is none." if needs and not len(subject.dataset) else ""


ROOMS = {
    "explore": Room("Explore", {Exploration: explore_page}, _exploration),
    "compare": Room("Compare", {Referee: compare_page}, _referee, "Methods are compared on"),
    "maximize": Room("Maximize", {Studio: maximize_page}, _studio),
    "spray": Room("SpRAy", {Attribution: attribution_page, Investigation: spray_page}, Attribution, "SpRAy looks at"),
    "improve": Room("Improve", {Workshop: improve_page}, _workshop, "A model is mended with"),
}


class Rooms(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Pages of one subject, one of them on the screen; each is made when it is first entered.

    Parameters
    ----------
    state
        What is shown in the room `name`, in which the page is opened.
    """

    _still: Still | None = None

    def __init__(self, state: Asking, name: str) -> None:
        self.shared = state
        """The state of the room that the page was opened in."""
        self._pages: dict[str, Dashboard] = {}
        self._came_from: dict[str, Place] = {}
        self._closed = tuple((each, room.title, closed(each, state.subject)) for each, room in ROOMS.items())
        self.children: tuple[ipywidgets.DOMWidget, ...]
        super().__init__()
        self.add_class("lrp-rooms")
        self._add(name, state)
        until_run_again(self.close)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shared.subject.title}: {', '.join(self._pages)})"

    def _ipython_display_(self) -> None:
        self._still = display_with_still(self, self.shared)

    def __getitem__(self, name: str) -> Dashboard:
        """The page of a room that was entered before."""
        return self._pages[name]

    def close(self) -> None:
        """Disappear from the page, with all rooms."""
        if self._still is not None:
            self._still.unfollow()
        for page in self.children:
            page.close()
        super().close()
        close_parts(self)

    def _add(self, name: str, state: Asking) -> None:
        page = self._pages[name] = ROOMS[name].pages[type(state)](state)
        state.room, state.rooms = name, self._closed
        state.home = state is self.shared
        state.observe(self._enter, "elsewhere")
        state.observe(lambda change: self._replace(change["owner"]), "successor")
        if "uploads" in state.trait_names():
            state.observe(self._remove, "uploads")
        self.children = (*self.children, page)
        if state.successor is not None:
            self._replace(state)

    def _replace(self, before: Asking) -> None:
        """What was done in a room is done, and it shows another page from now on.

        The one before stays out of sight: a browser may still be about to draw it.
        """
        here, old = before.here, self._pages[before.room]
        self._add(before.room, before.successor)
        self._show(old, False)
        self._show(self._pages[before.room], here)

    def _remove(self, change: dict[str, Any]) -> None:
        """What was removed in one room is removed in all, and no way back leads to it."""
        gone = {each.digest for each in change["new"] if each.data is None}
        self._came_from = {
            name: place for name, place in self._came_from.items() if getattr(place.upload, "digest", None) not in gone
        }
        for page in self._pages.values():
            if page.shared is not change["owner"]:
                page.shared.remove_all(gone)

    def _enter(self, change: dict[str, Any]) -> None:
        if not change["new"]:
            return
        left, (name, what, wanted) = change["owner"], change["new"]
        left.elsewhere = ()
        place = what if isinstance(what, Place) else Place()
        new = self._make_ready(name, place.subject or left.subject, str(left.explainer.device), place)
        if isinstance(what, Place) and (new or wanted or place != self._came_from.get(name)):
            self._pages[name].shared.show_place(place)
        self._came_from[name] = place
        for each, page in self._pages.items():
            self._show(page, each == name)
        if isinstance(what, dict):
            self._restore(self._pages[name], what)

    def _make_ready(self, name: str, subject: Subject, device: str, place: Place) -> bool:
        """Have a room for `subject`, and say whether it is new: a repaired model takes the place of its original.

        What is to be mended stays: its room is of the original, wherever one comes from.
        """
        page = self._pages.get(name)
        if page is not None and (name == "improve" or page.shared.subject.model is subject.model):
            return False
        state = ROOMS[name].begin(subject, device, place)
        if page is not None and isinstance(state, Inputs) and isinstance(page.shared, Inputs):
            state.take_over(page.shared)
        self._add(name, state)
        if page is not None:
            self.children = tuple(each for each in self.children if each is not page)
            page.close()
        return True

    def _restore(self, page: Dashboard, state: dict[str, Any]) -> None:
        """Open a state in its room, which has what was uploaded in others, and says what is wrong."""
        if isinstance(page.shared, Inputs):
            for other in self._pages.values():
                if other is not page and isinstance(other.shared, Inputs):
                    page.shared.take_over(other.shared)
        try:
            page.children[0].restore(state)
        except ValueError as error:
            page.shared.error = sentence(error)

    @staticmethod
    def _show(page: Dashboard, here: bool) -> None:
        (page.remove_class if here else page.add_class)(AWAY)
        page.shared.here = here
