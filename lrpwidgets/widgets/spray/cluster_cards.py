"""What the members of each cluster have in common, under a name that a person gives it."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ..base.view import View, script, style
from .cards import Card
from .points import HUES
from .question import AtlasQuestion
from .state import Investigation


class ClusterCards(View):
    """A card for each cluster: what it looks like, size, purity, how its poison test ended, a name and a note."""

    shared: Investigation
    _esm = script(__file__)
    _css = style(__file__)
    title = traitlets.Unicode(help="which maps were clustered").tag(sync=True)
    cards: traitlets.List[Any] = traitlets.List(help="words and figures of each card, by separability").tag(sync=True)
    waiting = traitlets.Int(help="how many cards are still to come").tag(sync=True)
    size = traitlets.Int(help="height and width of each picture and map").tag(sync=True)
    inputs = traitlets.Bytes(help="uint8 (m, s, s, 3): for each card the mean, then its prototypes").tag(sync=True)
    relevance = traitlets.Bytes(help="int8 (m, s, s): for each card the mean, then its prototypes").tag(sync=True)
    large = traitlets.Bytes(help="uint8 (m, l, l, 3): the mean, and its difference to the others").tag(sync=True)
    selected: traitlets.List[int] = traitlets.List(
        traitlets.Int(), help="clusters of which every member is selected"
    ).tag(sync=True)
    edition = traitlets.Int(help="counts atlases; what a person does says which of them it means").tag(sync=True)

    def __init__(self, state: Investigation, **traits: Any) -> None:
        super().__init__(state, **traits)
        self._question: AtlasQuestion | None = None
        """That of the atlas whose clusters these are: the newest one may still be waiting for its own."""
        self.follow(self._begin, "answer")
        self.follow(self._deal, "cards", "names", "verdicts")
        self.follow(self._select, "selection", "answer")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person did; all but ``{"test": "all"}`` holds for the ``edition`` of the atlas that it names.

        ``{"select": number, "how": "only" | "add" | "subtract"}``; ``{"call": number, "name": …, "note": …}``;
        ``{"test": number}``; ``{"verdict": number}``: look at how its test ended.
        """
        investigation = self.shared
        if message.get("test") == "all":
            investigation.test_all()
        elif message.get("edition") != self.edition:
            return
        elif "select" in message:
            self._choose(message["select"], message["how"])
        elif "call" in message:
            self._call(message["call"], message["name"], message["note"])
        elif "test" in message:
            investigation.test(int(message["test"]))
        elif "verdict" in message:
            investigation.verdict = self._tested(message["verdict"])

    def _begin(self) -> None:
        self._question = self.shared.shown if self.shared.answer else None
        self._deal(self.edition + 1)

    def _title(self) -> str:
        if self._question is None:
            return "Clusters"
        group = self._question.group
        return "Clusters of all maps" if group is None else f"Clusters of “{self.shared.store.class_name(group)}”"

    def _deal(self, edition: int | None = None) -> None:
        atlas, cards = self.shared.answer, self.shared.cards
        pixels = [card.pixels for card in cards]
        self.draw(
            title=self._title(),
            edition=edition or self.edition,
            cards=[self._words(card) for card in cards],
            waiting=atlas.count if atlas and not cards else 0,
            size=pixels[0].size if pixels else 0,
            inputs=b"".join(each.inputs for each in pixels),
            relevance=b"".join(each.relevance for each in pixels),
            large=b"".join(each.large for each in pixels),
        )

    def _words(self, card: Card) -> dict[str, Any]:
        tested = self._tested(card.number)
        return {
            "number": card.number,
            "hue": HUES[card.number % len(HUES)],
            "name": self.shared.name(card.number),
            "note": self.shared.names.get(card.number, {}).get("note", ""),
            "size": card.size,
            "tau": card.tau,
            "kind": card.kind,
            "purity": card.purity,
            "hans": tested and tested.trial.clever_hans,
            **card.said,
        }

    def _tested(self, number: int) -> Any:
        return self._question and self.shared.verdicts.get((*self._question.clustering, number))

    def _select(self) -> None:
        atlas, selection = self.shared.answer, self.shared.selection
        if atlas is None:
            self.draw(selected=[])
            return
        inside = np.bincount(atlas.clusters[selection] + 1, minlength=atlas.count + 1)[1:]
        sizes = np.bincount(atlas.clusters + 1, minlength=atlas.count + 1)[1:]
        self.draw(selected=np.flatnonzero(inside == sizes).tolist())

    def _call(self, number: int, name: str, note: str) -> None:
        if number not in {card.number for card in self.shared.cards}:
            raise ValueError(f"There is no cluster {number!r} to be called {name!r}.")
        self.shared.call(number, name, note)

    def _choose(self, number: int, how: str) -> None:
        investigation = self.shared
        if how == "only":
            investigation.select_cluster(number)
            return
        members = np.flatnonzero(investigation.atlas.clusters == number)
        change = np.union1d if how == "add" else np.setdiff1d
        investigation.selection = change(investigation.selection, members)
