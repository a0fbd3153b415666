"""Is it a Clever Hans? What happens to inputs of other classes when they carry what a cluster looks at."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import traitlets
from numpy.typing import NDArray
from PIL import Image

from ...spray.placeless import tests_of
from ...spray.poison import Verdict
from ...subjects.texts.printing import printable
from ..base.view import View, script, style
from .state import Investigation
from .tested import BOX, WORD, Tested
from .tiles import relevance_tiles

_TITLES = {
    "box": "box at its place",
    "spot": "spot of each",
    "shift": "shift of pixels",
    "spectrum": "spectrum",
    "direction": "direction in a layer",
    "word": "word",
}
"""What each test takes to other inputs."""

_QUOTED = 30
"""Tokens of a text at most."""

_LARGEST = 256
"""Pixels of a picture's side at most."""


class PoisonTest(View):
    """Puts a cluster, or what a person chooses, to the poison tests, and shows how that ended.

    Of pictures a person draws a box; of texts a person names a word.
    """

    shared: Investigation
    _esm = script(__file__)
    _css = style(__file__)
    of = traitlets.Unicode("pictures", help="what the inputs are: pictures or texts").tag(sync=True)
    candidate = traitlets.Dict(
        help="number and name of the cluster that would be tested, how many points are selected by hand, its words"
    ).tag(sync=True)
    tested = traitlets.Dict(help="words and figures of what to look at; empty before the first").tag(sync=True)
    pictures = traitlets.Bytes(help="uint8 (h, w, 3), two for each test that is shown by some").tag(sync=True)
    history: traitlets.List[Any] = traitlets.List(help="name, and whether it fell, of what was tested").tag(sync=True)
    progress: traitlets.List[Any] = traitlets.List(help="pictures done and in all while a test runs").tag(sync=True)
    sample = traitlets.Dict(help="the input to draw a box on, with its sizes; empty if none").tag(sync=True)
    picture = traitlets.Bytes(help="uint8 (h, w, 3), that input").tag(sync=True)
    relevance = traitlets.Bytes(help="int8 (h, w), its map").tag(sync=True)

    def __init__(self, state: Investigation, **traits: Any) -> None:
        super().__init__(state, of=f"{state.brought}s", **traits)
        self._place = 0
        """Which of the inputs that one can draw on is shown."""
        self.follow(self._aim, "answer", "selection", "cards", "names")
        self.follow(self._judge, "verdict", "verdicts")
        self.follow(self._run, "busy", "progress")
        self.follow(self._put_away, "answer")
        self.follow(self._turn_to_selection, "selection")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person did.

        ``{"test": number}``, ``"selection"`` or ``"all"``: put a cluster, what is selected, or all, to the test;
        ``{"verdict": place}``: look at an earlier test; ``{"draw": step}``: show an input to draw a box on, the next
        one for 1, none for None; ``{"box": [top, left, height, width], "row": row}``: test what is in it, in pixels of
        the input; ``{"word": text, "cluster": number}``: test a word; ``{"mend": true}``: have the model forget what
        was tested, in another room.
        """
        investigation = self.shared
        if "mend" in message:
            investigation.mend()
        elif message.get("test") == "selection":
            investigation.test_selection()
        elif message.get("test") == "all":
            investigation.test_all()
        elif "test" in message:
            investigation.test(int(message["test"]))
        elif "word" in message:
            investigation.test_word(int(message["cluster"]), str(message["word"]))
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
        name = "" if number is None else self.shared.name(number)
        card = next((card for card in self.shared.cards if card.number == number), None)
        words = [word for word, *_ in card.said.get("words", [])] if card else []
        self.draw(candidate={"number": number, "name": name, "selected": self._by_hand(), "words": words})

    def _by_hand(self) -> int:
        """How many points are selected, if they are not just a cluster; else 0."""
        investigation = self.shared
        atlas, selection = investigation.answer, investigation.selection
        if atlas is None or not 2 <= len(selection) < len(atlas):
            return 0
        inside = np.unique(atlas.clusters[selection])
        whole = len(inside) == 1 and (atlas.clusters == inside[0]).sum() == len(selection)
        return 0 if whole else len(selection)

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
        history = [[self._called(each), each.trial.clever_hans] for each in tests]
        if tested is None:
            self.draw(tested={}, pictures=b"", history=history)
            return
        place = next((place for place, each in enumerate(tests) if each is tested), None)
        shown = {test: [_small(each) for each in pair] for test, pair in tested.pictures.items()}
        self.draw(
            tested={**self._words(tested, shown), "place": place},
            pictures=b"".join(each.tobytes() for pair in shown.values() for each in pair),
            history=history,
        )

    def _called(self, tested: Tested) -> str:
        group = tested.question.group
        return tested.name if group is None else f"{self.shared.store.class_name(group)} · {tested.name}"

    def _words(self, tested: Tested, shown: dict[str, list[NDArray[np.uint8]]]) -> dict[str, Any]:
        trial = tested.trial
        name, order = self.shared.store.class_name(tested.label), tests_of(self.shared.store)
        missing = [{"test": test, "title": _TITLES[test], "missing": why} for test, why in trial.missing.items()]
        made = [
            {
                "test": test,
                "title": _TITLES[test],
                **_figures(verdict, name),
                "sizes": [list(each.shape[:2]) for each in shown.get(test, [])],
                "quote": _told(tested.quotes.get(test, [])),
            }
            for test, verdict in trial.verdicts.items()
        ]
        return {
            "class": name,
            "source": tested.name,
            "drawn": tested.cluster in (BOX, WORD),
            "mend": tested.concept is not None
            and any(name == "improve" and not closed for name, _, closed in self.shared.rooms),
            "hans": trial.clever_hans,
            "conclusion": trial.conclusion,
            "foremost": trial.foremost,
            "tests": sorted(made + missing, key=lambda each: order.index(str(each["test"]))),
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


def _told(quote: Sequence[tuple[str, bool]]) -> list[list[Any]]:
    """So much of a text around the first word that was put there as can be read at a glance."""
    first = next((place for place, (_, put) in enumerate(quote) if put), 0)
    start = max(0, first - _QUOTED // 2)
    return [[printable(piece), put] for piece, put in quote[start : start + _QUOTED]]


def _figures(verdict: Verdict, name: str) -> dict[str, Any]:
    return {
        "what": verdict.what,
        "samples": verdict.samples,
        "before": verdict.before,
        "after": verdict.after,
        "control": verdict.control,
        "turned": verdict.turned,
        "turned_by_control": verdict.turned_by_control,
        "lender": verdict.lender(name),
        "score_change": verdict.score_change,
        "chance": verdict.chance,
        "hans": verdict.clever_hans,
        "reason": verdict.acquittal,
    }
