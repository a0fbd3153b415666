"""Which class to look at first: all of them, those with the most separable cluster on top."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ...spray.classes import FEWEST, RankedClass, ranked_class, stands_out, suspicion
from ..base.view import View, script, style
from .state import Investigation


class ClassRanking(View):
    """The classes by separability τ; a click looks at the maps of one.

    Where a cluster of a class was put to the poison test, the class says how that ended.
    """

    shared: Investigation
    _esm = script(__file__)
    _css = style(__file__)
    classes = traitlets.Dict(
        help="names of the classes that have maps, by number: a model may have as many outputs as there are words"
    ).tag(sync=True)
    labels = traitlets.Bytes(help="int32, the ranked classes by number, the most separable first").tag(sync=True)
    values = traitlets.Bytes(help="float32, by what they are ranked, one for each of them").tag(sync=True)
    stands = traitlets.Bytes(help="uint8, whether it stands out from chance, one for each of them").tag(sync=True)
    sizes = traitlets.Bytes(help="int32, maps of each of them").tag(sync=True)
    marks: traitlets.List[Any] = traitlets.List(
        help="[class or None, whether one of its clusters is a Clever Hans, how its tests ended]"
    ).tag(sync=True)
    state = traitlets.Dict(help="group, by, ranking, maps, classes in all, fewest maps of a class, unit").tag(sync=True)

    def __init__(self, state: Investigation, **traits: Any) -> None:
        super().__init__(state, **traits)
        self.follow(self._list, "ranks", "ranking", "group", "by", "answer")
        self.follow(self._mark, "verdicts", "by")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person did.

        ``{"group": class or None}``: look at its maps, or at all; ``{"by": "label"}``: which maps belong to a class;
        ``{"test": "classes"}``: put the most separable cluster of each to the poison test.
        """
        if "group" in message:
            self.shared.group = message["group"]
        elif "by" in message:
            self.shared.by = message["by"]
        elif message.get("test") == "classes":
            self.shared.test_classes()

    def _list(self) -> None:
        investigation, ranks = self.shared, self._ranks()
        store, present = investigation.store, investigation.classes()
        self.draw(
            classes={label: store.class_name(label) for label in sorted({*present, *(each.label for each in ranks)})},
            labels=np.array([each.label for each in ranks], np.int32).tobytes(),
            values=np.array([suspicion(each) for each in ranks], np.float32).tobytes(),
            stands=np.array([stands_out(each, len(ranks)) for each in ranks], np.uint8).tobytes(),
            sizes=np.array([each.size for each in ranks], np.int32).tobytes(),
            state={
                "group": investigation.group,
                "by": investigation.by,
                "ranking": investigation.ranking,
                "maps": int(store.done.sum()),
                "present": len(present),
                "fewest": FEWEST,
                "unit": "τ" if any(each.times is None for each in ranks) else "× chance",
                "shown": investigation.shown.composite,
                "stored": store.info.composite["name"],
            },
        )

    def _ranks(self) -> tuple[RankedClass, ...]:
        """The classes under the composite of the store; that on the screen under the one that is shown."""
        atlas, shown = self.shared.answer, self.shared.shown
        ranks: tuple[RankedClass, ...] = self.shared.ranks
        if atlas is None or not shown.composite or shown.by != self.shared.by:
            return ranks
        here = ranked_class(atlas)
        return tuple(here if each.label == here.label else each for each in ranks)

    def _mark(self) -> None:
        ends: dict[int | None, tuple[list[str], list[str]]] = {}
        for (group, by, *_), tested in self.shared.verdicts.items():
            if by == self.shared.by:
                fallen, acquitted = ends.setdefault(group, ([], []))
                (fallen if tested.trial.clever_hans else acquitted).append(tested.name)
        self.draw(
            marks=[[group, bool(fallen), _told(fallen, acquitted)] for group, (fallen, acquitted) in ends.items()]
        )


def _told(fallen: list[str], acquitted: list[str]) -> str:
    parts = {"Clever Hans": fallen, "not convicted": acquitted}
    return "; ".join(f"{end}: {', '.join(names)}" for end, names in parts.items() if names)
