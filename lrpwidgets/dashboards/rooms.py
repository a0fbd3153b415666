"""Rooms of one page: what one looks at in one of them is taken along into the next."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets

from ..subjects import Subject
from ..widgets import Exploration
from ..widgets.base.asking import Place
from ..widgets.base.cells import until_run_again
from ..widgets.base.parts import close_parts
from ..widgets.maximize import Studio
from .pages import explore_page, maximize_page
from .panes import AWAY, Dashboard


def _explore(subject: Subject, device: str, place: Place) -> Dashboard:
    exploration = Exploration(subject, None, device)
    exploration.show_place(place)
    return explore_page(exploration)


def _maximize(subject: Subject, device: str, place: Place) -> Dashboard:
    wish: dict[str, Any] = {"number": place.label or 0}
    if place.channel is not None:
        wish = {"layer": place.layer, "number": place.channel}
    studio = Studio(subject, device, **wish)
    studio.show_place(place)
    return maximize_page(studio)


ROOMS: dict[str, tuple[str, Callable[[Subject, str, Place], Dashboard]]] = {
    "explore": ("Explore", _explore),
    "maximize": ("Maximize", _maximize),
}
"""By name: its title, and what makes its page. All of them are for a model and its data."""


class Rooms(ipywidgets.VBox):  # type: ignore[misc]  # ipywidgets has no types
    """Pages of one subject, one of them on the screen; each is made when it is first entered."""

    def __init__(self, page: Dashboard, name: str) -> None:
        self.shared = page.shared
        """The state of the room that the page was opened in."""
        self._pages: dict[str, Dashboard] = {}
        self._came_from: dict[str, Place] = {}
        self.children: tuple[ipywidgets.DOMWidget, ...]
        super().__init__()
        self.add_class("lrp-rooms")
        self._add(name, page)
        until_run_again(self.close)

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.shared.subject.title}: {', '.join(self._pages)})"

    def __getitem__(self, name: str) -> Dashboard:
        """The page of a room that was entered before."""
        return self._pages[name]

    def close(self) -> None:
        """Disappear from the page, with all rooms."""
        for page in self._pages.values():
            page.close()
        super().close()
        close_parts(self)

    def _add(self, name: str, page: Dashboard) -> None:
        state = page.shared
        self._pages[name] = page
        state.room, state.rooms = name, tuple((each, title) for each, (title, _) in ROOMS.items())
        state.home = state is self.shared
        state.observe(self._enter, "elsewhere")
        state.observe(self._remove, "uploads")
        self.children = (*self.children, page)

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
        left, (name, what) = change["owner"], change["new"]
        left.elsewhere = ()
        place = what if isinstance(what, Place) else Place()
        if name not in self._pages:
            subject, device = left.subject, str(left.explainer.device)
            self._add(name, ROOMS[name][1](subject, device, place))
        elif isinstance(what, Place) and place != self._came_from.get(name):
            self._pages[name].shared.show_place(place)
        self._came_from[name] = place
        for each, page in self._pages.items():
            (page.remove_class if each == name else page.add_class)(AWAY)
            page.shared.here = each == name
        if isinstance(what, dict):
            self._pages[name].children[0].restore(what)
