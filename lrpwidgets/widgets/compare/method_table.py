"""Rows of methods, columns of inputs: every map on one scale, how long it took, and why some are missing."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray

from ... import methods as catalogue
from ...colours import averaged
from ...progress import duration
from ..base.inputs import Arrivals
from ..base.view import View, script, style
from .referee import Referee
from .rows import CONTROLS, Row, group, note, title

SIDE = 72
"""Most pixels along a side of a small map."""

LARGE = 448
"""Of a large one."""


class MethodTable(View):
    """The maps of all methods; a click makes one large, with the settings of its method, or has a method stand out.

    Maps travel as float16 in shares of their scale. Each is divided by its own Σ|R|, so that one scale serves all.
    """

    shared: Referee
    _esm = script(__file__)
    _css = style(__file__)
    takes_pictures = traitlets.Bool(help="whether pictures from outside can be looked at").tag(sync=True)
    refused: traitlets.List[Any] = traitlets.List(help="why files of the newest bunch are not here").tag(sync=True)
    columns: traitlets.List[Any] = traitlets.List(help="number, name and class of each input").tag(sync=True)
    pictures = traitlets.Bytes(help="uint8, RGB of each input").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width of each map and picture").tag(sync=True)
    rows: traitlets.List[Any] = traitlets.List(help="a dict for each method").tag(sync=True)
    maps = traitlets.Bytes(help="float16, row by row, of the methods that have some").tag(sync=True)
    scale = traitlets.Float(help="what full colour stands for: a share of Σ|R|, per pixel").tag(sync=True)
    head = traitlets.Dict(help="class that is explained, classes, numbers of inputs, which column is flipped").tag(
        sync=True
    )
    choice: traitlets.List[Any] = traitlets.List(help="further methods: name, title, why not, cost").tag(sync=True)
    large = traitlets.Dict(help="the map that is enlarged, and the settings of its method").tag(sync=True)
    large_map = traitlets.Bytes(help="float16").tag(sync=True)
    large_picture = traitlets.Bytes(help="uint8, RGB").tag(sync=True)

    def __init__(self, referee: Referee, **traits: Any) -> None:
        super().__init__(referee, takes_pictures=referee.subject.from_image is not None, **traits)
        self._arrivals = Arrivals(referee)
        self._small: dict[int, NDArray[np.float32]] = {}
        self.follow(self._show_inputs, "looked", "target", "samples", "column")
        self.follow(self._show_rows, "rows", "methods", "marked", "looked")
        self.follow(self._enlarge, "large", "rows")
        self.follow(self._refuse, "refused")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person does.

        ``{"target": 3}``, ``{"samples": 100}``, ``{"others": true}``, ``{"column": 2}``, ``{"add": name}``,
        ``{"remove": name}``, ``{"mark": name}``, ``{"large": [name, place]}`` or null, ``{"turn": [name, setting,
        value]}``; ``{"explore": place}`` opens an input in another room. Pictures from outside come as
        `Arrivals` says.
        """
        referee = self.shared
        if "part" in message or "problem" in message:
            self._arrivals.hear(message, buffers)
        elif "target" in message:
            referee.ask(target=message["target"])
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
                "classes": [str(each) for each in referee.subject.classes],
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
        images = [self._picture(each, SIDE) for each in looked.x]
        self.draw(columns=columns, pictures=b"".join(each.tobytes() for each in images), size=images[0].shape[:2])

    def _picture(self, x: Any, most: int) -> NDArray[np.uint8]:
        image = self.shared.subject.to_image(x).convert("RGB")
        share = min(1.0, most / max(image.size))
        small = image.resize((max(1, round(image.width * share)), max(1, round(image.height * share))), 1)
        return np.asarray(small)

    def _show_rows(self) -> None:
        referee = self.shared
        there = [name for name in referee.methods if name in referee.rows and referee.rows[name].maps is not None]
        packed = [self._shares(referee.rows[name]) for name in there]
        every = np.abs(np.concatenate(packed).reshape(-1)) if packed else np.zeros(1, np.float32)
        scale = float(np.quantile(every, 0.99)) or 1.0
        rows = [self._row(name, there) for name in referee.methods]
        self.draw(
            rows=rows,
            maps=b"".join(np.clip(each / scale, -6e4, 6e4).astype(np.float16).tobytes() for each in packed),
            scale=scale,
            choice=self._choice(),
        )

    def _shares(self, row: Row) -> NDArray[np.float32]:
        """The maps of a row, small, each in shares of its own Σ|R|; as they are averaged only once."""
        assert row.maps is not None
        known = self._small.get(id(row.maps))
        if known is None:
            maps = np.nan_to_num(row.maps.reshape(len(row.maps), *_pictured(row.maps.shape[1:])))
            whole = np.abs(maps).sum((1, 2), keepdims=True)
            share = min(1.0, SIDE / max(maps.shape[1:]))
            height, width = (max(1, round(each * share)) for each in maps.shape[1:])
            known = averaged(maps / np.where(whole > 0, whole, 1), (height, width))
            kept = {id(each.maps) for each in self.shared.rows.values()}
            self._small = {key: value for key, value in self._small.items() if key in kept} | {id(row.maps): known}
        return known

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
            "control": name in CONTROLS,
        }

    def _choice(self) -> list[Any]:
        referee, looked = self.shared, self.shared.looked
        if looked is None:
            return []
        found = []
        for name in referee.able:
            if name not in referee.methods:
                why = looked.obstacles.get(name, "")
                found.append([name, title(name), why, "" if why else self._cost(name)])
        return found

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
        relevance = np.nan_to_num(row.maps[place].reshape(_pictured(row.maps.shape[1:])))
        whole = float(np.abs(relevance).sum()) or 1.0
        share = min(1.0, LARGE / max(relevance.shape))
        small = averaged(relevance / whole, tuple(max(1, round(each * share)) for each in relevance.shape))
        limit = float(np.quantile(np.abs(small), 0.995)) or 1.0
        image = self._picture(referee.looked.x[place], LARGE)
        self.draw(
            large={
                **self._row(name, [name]),
                "place": place,
                "item": referee.name(referee.items[place]),
                "size": small.shape,
                "picture": image.shape[:2],
                "sum": float(np.nan_to_num(row.maps[place]).sum()),
                "knobs": self._knobs(name),
            },
            large_map=(small / limit).astype(np.float16).tobytes(),
            large_picture=image.tobytes(),
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


def _pictured(shape: tuple[int, ...]) -> tuple[int, int]:
    """A height and a width for positions of any number of axes."""
    if len(shape) == 2:
        return shape[0], shape[1]
    return (1, int(np.prod(shape))) if len(shape) < 2 else (int(np.prod(shape[:-1])), shape[-1])


def _time(seconds: float) -> str:
    if seconds >= 60:
        return duration(seconds)
    return f"{seconds:.1f} s" if seconds >= 1 else f"{1000 * seconds:.0f} ms"
