"""Rows of methods, columns of inputs: every map on one scale, how long it took, and why some are missing.

Of texts one is on the screen at a time, in the colours of each method.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
import traitlets

from ... import methods as catalogue
from ...evaluate import similarity
from ...progress import duration
from ...subjects.modality import modality_of
from ...subjects.texts.samples import name as named
from ..base.inputs import Arrivals
from ..base.view import View, script, style
from .drawing import Array
from .referee import Referee
from .rows import CONTROLS, Row, group, note, title


class MethodTable(View):
    """The maps of all methods; a click makes one large, with the settings of its method, or has a method stand out.

    Maps travel as float16 in shares of their scale. Each is divided by its own Σ|R|, so that one scale serves all.
    """

    shared: Referee
    _esm = script(__file__)
    _css = style(__file__)
    brought = traitlets.Unicode(help="what a person brings, picture or text").tag(sync=True)
    takes = traitlets.Bool(help="whether such from outside can be looked at").tag(sync=True)
    refused: traitlets.List[Any] = traitlets.List(help="why files of the newest bunch are not here").tag(sync=True)
    columns: traitlets.List[Any] = traitlets.List(help="number, name and class of each input").tag(sync=True)
    pictures = traitlets.Bytes(help="uint8, RGB of each input").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width of each map and picture").tag(sync=True)
    texts: traitlets.List[Any] = traitlets.List(help="words of each input").tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List(help="a dict for each method").tag(sync=True)
    maps = traitlets.Bytes(help="float16, by method and input").tag(sync=True)
    scale = traitlets.Float(help="what full colour stands for: a share of Σ|R|, per pixel or word").tag(sync=True)
    head = traitlets.Dict(help="class that is explained, than which, inputs, which is flipped").tag(sync=True)
    classes: traitlets.List[str] = traitlets.List(help="what each is called; of language models many").tag(sync=True)
    choice: traitlets.List[Any] = traitlets.List(help="further methods: name, title, why not, cost").tag(sync=True)
    large = traitlets.Dict(help="the map that is enlarged, and the settings of its method").tag(sync=True)
    large_map = traitlets.Bytes(help="float16").tag(sync=True)
    large_picture = traitlets.Bytes(help="uint8, RGB").tag(sync=True)

    def __init__(self, referee: Referee, **traits: Any) -> None:
        modality = modality_of(referee.subject)
        fixed = {"classes": [str(each) for each in referee.subject.classes], "brought": modality.brought}
        super().__init__(referee, takes=modality.takes(referee.subject), **fixed, **traits)
        self._arrivals = Arrivals(referee)
        self._small: dict[str, tuple[Array, Array]] = {}
        self.follow(self._show_inputs, "looked", "target", "than", "samples", "column")
        self.follow(self._show_rows, "rows", "methods", "marked", "looked", "column")
        self.follow(self._enlarge, "large", "rows")
        self.follow(self._refuse, "refused")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person does.

        ``{"target": 3, "than": null}``, ``{"samples": 100}``, ``{"others": true}``, ``{"column": 2}``,
        ``{"add": name}``, ``{"remove": name}``, ``{"mark": name}``, ``{"large": [name, place]}`` or null, ``{"turn":
        [name, setting, value]}``; ``{"explore": place}`` opens an input in another room. Files from outside come as
        `Arrivals` says, and ``{"typed": text}`` is a text.
        """
        referee = self.shared
        if "part" in message or "problem" in message:
            self._arrivals.hear(message, buffers)
        elif "target" in message:
            referee.ask(target=message["target"], than=message.get("than"))
        elif "typed" in message:
            referee.show(str(message["typed"]).encode(), named(str(message["typed"])))
        elif "samples" in message:
            referee.ask(samples=message["samples"])
        elif "others" in message:
            referee.others()
        elif "column" in message:
            referee.column = message["column"]
        elif "add" in message:
            referee.add(message["add"])
        elif "remove" in message:
            referee.drop(message["remove"])
        elif "mark" in message:
            referee.mark(message["mark"])
        elif "large" in message:
            referee.large = None if message["large"] is None else tuple(message["large"])
        elif "turn" in message:
            name, setting, value = message["turn"]
            referee.turn(name, **{setting: value})
        elif "explore" in message:
            referee.column = message["explore"]
            referee.enter("explore")

    def _refuse(self) -> None:
        self.draw(refused=list(self.shared.refused))

    def _show_inputs(self) -> None:
        referee, looked = self.shared, self.shared.looked
        self.draw(
            head={
                "target": referee.target,
                "than": referee.than,
                "part": referee.drawing.words["part"],
                "samples": referee.samples,
                "count": len(referee.subject.dataset),
                "column": referee.column,
            }
        )
        if looked is None or looked.items != referee.items:
            return
        columns = [
            {"item": item, "name": referee.name(item), "says": referee.class_name(said)}
            for item, said in zip(referee.items, looked.said, strict=True)
        ]
        self.draw(columns=columns, **referee.drawing.inputs(looked.shown))

    def _show_rows(self) -> None:
        referee, looked = self.shared, self.shared.looked
        there = [name for name in referee.methods if name in referee.rows and referee.rows[name].maps is not None]
        self._small = {name: known for name, known in self._small.items() if name in there}
        packed = [self._shares(referee.rows[name]) for name in there]
        column = min(referee.column, len(looked.shown) - 1) if packed else 0
        scale = referee.drawing.scale(looked.shown, column, packed) if packed else 1.0
        rows = [self._row(name, there) for name in referee.methods]
        self.draw(
            rows=rows,
            maps=b"".join(np.clip(each / scale, -6e4, 6e4).astype(np.float16).tobytes() for each in packed),
            scale=scale,
            choice=self._choice(),
        )

    def _shares(self, row: Row) -> Array:
        """What is drawn of a row, each map in shares of its own Σ|R|; as it is found only once."""
        assert row.maps is not None
        known = self._small.get(row.method)
        if known is None or known[0] is not row.maps:
            known = self._small[row.method] = row.maps, self.shared.drawing.shares(self.shared.looked.shown, row.maps)
        return known[1]

    def _row(self, name: str, there: list[str]) -> dict[str, Any]:
        referee = self.shared
        row = referee.rows.get(name)
        return {
            "name": name,
            "title": title(name),
            "note": note(name, referee.settings.get(name, {}), row),
            "about": catalogue.described(name),
            "group": group(name),
            "at": there.index(name) if name in there else None,
            "time": "" if row is None or row.obstacle else _time(row.seconds),
            "rough": row is not None and row.rough,
            "obstacle": "" if row is None else row.obstacle,
            "caveats": [] if row is None else list(row.caveats),
            "mark": referee.marked.index(name) if name in referee.marked else None,
            "agrees": self._agreement(name, there),
            "control": name in CONTROLS,
        }

    def _agreement(self, name: str, there: list[str]) -> dict[str, Any] | None:
        """Rank correlation with the map of the first method that stands out, of the input that is looked at."""
        referee = self.shared
        first = next((each for each in referee.marked if each in there), name)
        if name in (first, *CONTROLS) or name not in there:
            return None
        shown = referee.looked.shown
        column = min(referee.column, len(shown) - 1)
        maps = [referee.drawing.one(shown, column, self._shares(referee.rows[each])) for each in (name, first)]
        if any(np.ptp(each) == 0 for each in maps):
            return None
        ours, theirs = (torch.from_numpy(each)[None, None] for each in maps)
        return {"value": float(similarity(ours, theirs)), "other": title(first)}

    def _choice(self) -> list[Any]:
        referee, looked = self.shared, self.shared.looked
        if looked is None:
            return []
        found = []
        for name in referee.able:
            if name not in referee.methods:
                why = looked.obstacles.get(name, "")
                found.append([name, title(name), why, "" if why else self._cost(name)])
        return sorted(found, key=lambda each: bool(each[2]))  # those that can come first

    def _cost(self, name: str) -> str:
        looked = self.shared.looked
        cost = looked.costs[name]
        return f"{cost.forwards + cost.backwards:,} passes, about {_time(cost.seconds(looked.seconds))} an input"

    def _enlarge(self) -> None:
        referee = self.shared
        name, place = referee.large or ("", 0)
        row = referee.rows.get(name)
        if row is None or row.maps is None or place >= len(row.maps):
            self.draw(large={}, large_map=b"", large_picture=b"")
            return
        large = referee.drawing.large(referee.looked.shown[place], row.maps[place])
        self.draw(
            large={
                **self._row(name, [name]),
                "place": place,
                "item": referee.name(referee.items[place]),
                **large.told,
                "knobs": self._knobs(name),
            },
            large_map=large.values.astype(np.float16).tobytes(),
            large_picture=large.picture,
        )

    def _knobs(self, name: str) -> list[dict[str, Any]]:
        """The settings of a method that can be turned, or chosen among."""
        if name not in catalogue.METHODS:
            return []
        kind, known = catalogue.METHODS[name], catalogue.get(name, **self.shared.settings.get(name, {})).settings
        turned = [
            {
                "name": each.name,
                "symbol": each.symbol,
                "help": each.help,
                "range": each.slider,
                "logarithmic": each.logarithmic,
                "whole": each.whole,
                "value": known[each.name],
            }
            for each in kind.knobs()
        ]
        chosen = [{"name": each, "words": list(words), "value": known[each]} for each, words in kind.choices().items()]
        return [*turned, *chosen]


def _time(seconds: float) -> str:
    if seconds >= 60:
        return duration(seconds)
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
