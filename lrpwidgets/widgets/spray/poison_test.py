"""Is it a Clever Hans? What happens to other classes when they carry what a cluster looks at."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from ...spray.poison import Artefact
from ..base.view import View, script, style
from .state import Investigation
from .tested import BOX, Tested
from .tiles import relevance_tiles

_OTHERS = "Four other tests, of what has no place, were not run: poison_tests in Python, or lrpwidgets spray --test."
"""What a test of one box leaves open."""

_LARGEST = 256
"""Pixels of a picture's side at most."""


class PoisonTest(View):
    """Puts a cluster, or a box that a person draws, to the poison test, and shows how that ended."""

    shared: Investigation
    _esm = script(__file__)
    _css = style(__file__)
    candidate = traitlets.Dict(help="number and name of the cluster that would be tested").tag(sync=True)
    tested = traitlets.Dict(help="words and figures of the test to look at; empty before the first").tag(sync=True)
    patch = traitlets.Bytes(help="uint8 (h, w, 3), what was pasted").tag(sync=True)
    poisoned = traitlets.Bytes(help="uint8 (h, w, 3), it on a picture of another class").tag(sync=True)
    history: traitlets.List[Any] = traitlets.List(help="name, and whether it fell, of each test").tag(sync=True)
    progress: traitlets.List[Any] = traitlets.List(help="pictures done and in all while a test runs").tag(sync=True)
    sample = traitlets.Dict(help="the input to draw a box on, with its sizes; empty if none").tag(sync=True)
    picture = traitlets.Bytes(help="uint8 (h, w, 3), that input").tag(sync=True)
    relevance = traitlets.Bytes(help="int8 (h, w), its map").tag(sync=True)

    def __init__(self, state: Investigation, **traits: Any) -> None:
        super().__init__(state, **traits)
        self._place = 0
        """Which of the inputs that one can draw on is shown."""
        self.follow(self._aim, "answer", "selection", "cards", "names")
        self.follow(self._judge, "verdict", "verdicts")
        self.follow(self._run, "busy", "progress")
        self.follow(self._put_away, "answer")
        self.follow(self._turn_to_selection, "selection")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person did.

        ``{"test": number or "all"}``: put a cluster, or all, to the test; ``{"verdict": place}``: look at an earlier
        test; ``{"draw": step}``: show an input to draw a box on, the next one for 1, none for None;
        ``{"box": [top, left, height, width], "row": row}``: test what is in it, in pixels of the input.
        """
        investigation = self.shared
        if message.get("test") == "all":
            investigation.test_all()
        elif "test" in message:
            investigation.test(int(message["test"]))
        elif "verdict" in message:
            investigation.verdict = list(investigation.verdicts.values())[message["verdict"]]
        elif "box" in message:
            top, left, height, width = map(int, message["box"])
            investigation.test_box(int(message["row"]), (top, left, height, width))
            self._put_away()
        elif message.get("draw") is not None:
            self._show(message["draw"])
        elif "draw" in message:
            self._put_away()

    # -- the tests -------------------------------------------------------------------------------------------------

    def _aim(self) -> None:
        number = self._candidate()
        self.draw(candidate={"number": number, "name": "" if number is None else self.shared.name(number)})

    def _candidate(self) -> int | None:
        """The cluster that most of the selection is in; else the most separable one."""
        investigation = self.shared
        if investigation.answer is None or not investigation.cards:
            return None
        inside = investigation.answer.clusters[investigation.selection]
        inside = inside[inside >= 0]
        return int(np.bincount(inside).argmax()) if len(inside) else int(investigation.cards[0].number)

    def _judge(self) -> None:
        tested, tests = self.shared.verdict, list(self.shared.verdicts.values())
        history = [[self._called(each), each.verdict.clever_hans] for each in tests]
        if tested is None:
            self.draw(tested={}, patch=b"", poisoned=b"", history=history)
            return
        patch, poisoned = _small(tested.patch), _small(tested.poisoned)
        self.draw(
            tested={
                **self._words(tested),
                "place": next((place for place, each in enumerate(tests) if each is tested), None),
                "sizes": [list(patch.shape[:2]), list(poisoned.shape[:2])],
            },
            patch=patch.tobytes(),
            poisoned=poisoned.tobytes(),
            history=history,
        )

    def _called(self, tested: Tested) -> str:
        group = tested.question.group
        return tested.name if group is None else f"{self.shared.store.class_name(group)} · {tested.name}"

    def _words(self, tested: Tested) -> dict[str, Any]:
        artefact, verdict = tested.artefact, tested.verdict
        name = self.shared.store.class_name(artefact.label)
        return {
            "class": name,
            "source": artefact.source if tested.cluster == BOX else tested.name,
            "drawn": tested.cluster == BOX,
            "box": list(artefact.box),
            "samples": verdict.samples,
            "before": verdict.before,
            "after": verdict.after,
            "control": verdict.control,
            "turned": verdict.turned,
            "turned_by_control": verdict.turned_by_control,
            "lender": _lender(artefact, name),
            "score_change": verdict.score_change,
            "chance": verdict.chance,
            "hans": verdict.clever_hans,
            "reason": verdict.acquittal and f"{verdict.acquittal}. {_OTHERS}",
        }

    def _run(self) -> None:
        stage, *steps = (self.shared.busy and self.shared.progress) or ("",)
        self.draw(progress=steps if stage == "poison test" else [])

    # -- drawing a box ---------------------------------------------------------------------------------------------

    def _inputs(self) -> NDArray[np.int64]:
        """Rows of the store that one can draw on: what is selected, else the members of the candidate."""
        investigation = self.shared
        atlas, number = investigation.atlas, self._candidate()
        if len(investigation.selection):
            rows: NDArray[np.int64] = atlas.rows[investigation.selection]
            return rows
        return np.zeros(0, np.int64) if number is None else atlas.members(number)

    def _show(self, step: int) -> None:
        if self.shared.answer is None:
            return
        rows = self._inputs()
        if not len(rows):
            raise ValueError("There is no picture to draw on yet; wait for the clusters, or select some points.")
        self._place = (self._place + step) % len(rows) if self.sample else self._hovered(rows)
        self._lay_out(int(rows[self._place]), len(rows))

    def _hovered(self, rows: NDArray[np.int64]) -> int:
        """The place among `rows` of the point that is looked at; the first if it is none of them."""
        investigation = self.shared
        hovered = None if investigation.hovered is None else investigation.atlas.rows[investigation.hovered]
        places = np.flatnonzero(rows == hovered)
        return int(places[0]) if len(places) else 0

    def _lay_out(self, row: int, count: int) -> None:
        investigation = self.shared
        store = investigation.atlas.store
        x, _ = investigation.subject.item(int(store.index[row]))
        image = investigation.subject.to_image(x)
        picture = _small(np.asarray(image.convert("RGB")))
        relevance = _fitted(store.relevance(np.array([row])).sum(1), picture.shape[:2])
        self.draw(
            sample={
                "row": row,
                "name": investigation.subject.item_name(int(store.index[row])),
                "place": self._place,
                "count": count,
                "size": list(picture.shape[:2]),
                "input": list(x.shape[-2:]),
            },
            picture=picture.tobytes(),
            relevance=relevance_tiles(relevance).tobytes(),
        )

    def _turn_to_selection(self) -> None:
        if self.sample and len(self._inputs()):
            self._place = 0
            self._show(0)

    def _put_away(self) -> None:
        self.draw(sample={}, picture=b"", relevance=b"")


def _small(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Pixels (h, w, 1 or 3) in colour, reduced where there are too many."""
    pixels = np.broadcast_to(pixels, (*pixels.shape[:2], 3))
    most = max(pixels.shape)
    if most <= _LARGEST:
        return pixels
    height, width = (max(1, round(side * _LARGEST / most)) for side in pixels.shape[:2])
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.BOX))


def _fitted(maps: NDArray[np.float32], size: tuple[int, ...]) -> NDArray[np.float32]:
    """Maps (1, H, W) of an input as (1, h, w): the nearest value for each pixel that is shown."""
    for axis, length in enumerate(size, start=1):
        maps = maps.take(np.arange(length) * maps.shape[axis] // length, axis)
    return maps


def _lender(artefact: Artefact, name: str) -> str:
    """Where the boxes of the control come from."""
    return f"other “{name}”" if artefact.controls else "other pictures"
