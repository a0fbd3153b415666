"""The state that all views of a comparison share: methods, inputs, their maps, and how methods stand.

The maps of the inputs that are shown come method by method, as ``rows``; then more and more inputs are flipped, and
``answer`` says what is known so far. Both have a thread of their own, so that a picture whose regions are taken away is
there at once meanwhile.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, field, replace
from functools import cached_property, partial
from typing import Any, cast, get_args

import numpy as np
import torch
import traitlets
from PIL.Image import Image
from torch import Tensor

from ... import methods as catalogue
from ...evaluate import Comparison, Course, GroundTruth, Tuning, ground_truth, tune, tuning_cost
from ...evaluate.contenders import BASELINES
from ...evaluate.flipping import Output
from ...evaluate.parts import Become, Order, Parts, batch, parts_of
from ...evaluate.regions import space
from ...lrp import composites
from ...lrp.targets import Target, target_weights
from ...methods import Cost
from ...progress import Pace, Progress, Watcher
from ...readable import Readable
from ...subjects import Subject
from ...subjects.modality import modality_of
from ...subjects.shown import Shown
from ..base.answers import Answering
from ..base.asking import Place
from ..base.cells import until_run_again
from ..base.inputs import Inputs, Upload
from ..base.presets import beginning, suitable
from ..base.sentences import CLOSED, told
from ..base.solver import Solver
from ..base.worker import NewestWins
from .drawing import drawing_of
from .question import PARTS, CompareQuestion
from .rows import LEARNING, Row, explained, ordered

LOOK, MAPS, TUNED, MARKED, GAINS = range(5)
"""Lanes: what can be done at all goes first, then the maps that are shown; inputs are flipped when there is time."""

SHOWN = 7
"""Inputs that are shown to begin with."""

STEPS = 8
"""Points of a curve after the first."""

ORDERS: tuple[Order, ...] = get_args(Order)
"""In which parts are taken away."""

TOGETHER = 16384
"""Positions of inputs that are flipped in one go: what is under way must end soon when something else is asked."""

MOST_TUNED = 100
"""Inputs that rules are tuned with."""

MOST_TOGETHER = 10
"""Inputs that are."""

PATIENT = 3600.0
"""Seconds of flipping that begin without being asked for."""

BRIEF = 60.0
"""Seconds of tuning that are not asked for twice."""


@dataclass(frozen=True, eq=False, repr=False)
class Looked(Readable):
    """What is known before a method is asked."""

    items: tuple[int, ...]
    """Numbers of the inputs that are shown."""
    shown: tuple[Shown, ...] = field(repr=False)
    """These."""
    x: Tensor = field(repr=False)
    """These as one batch, (n, ...)."""
    said: tuple[int, ...]
    """The class that the model predicts for each."""
    obstacles: Mapping[str, str]
    """Methods that can't explain these, and why."""
    costs: Mapping[str, Cost]
    """What the others take."""
    seconds: float
    """A forward pass of one input takes."""
    classes: int
    """Scores that the model gives."""
    output: Output
    """What is followed: a probability, or the score of a model that has but one."""


@dataclass(frozen=True, eq=False, repr=False)
class Part(Readable):
    """An input of which parts were taken away."""

    method: str
    order: str
    shown: Shown
    left: float
    """Of the probability, or of the score."""


class Referee(Inputs):
    """Methods side by side on the same inputs, and which of them orders best what matters to the model.

    Parameters
    ----------
    subject
        Model, data and classes.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    question
        What to begin with, parts of a `CompareQuestion`.

    Raises
    ------
    ValueError
        If a part of the question makes no sense, or methods cannot be compared on such a subject.
    """

    parts = PARTS
    pictured = ("rows", "answer")

    methods = traitlets.Tuple(help="Names of the methods, group by group.")
    settings = traitlets.Any(help="What is not at its default, by method.")
    items = traitlets.Tuple(help="Numbers of the inputs that are shown.")
    target = traitlets.Any(None, allow_none=True, help="The class that is explained; None: the top class of each.")
    than = traitlets.Any(None, allow_none=True, help="The class that the target is contrasted with.")
    fill = traitlets.Unicode(help="What flipped parts become.")
    samples = traitlets.Int(60, help="Inputs at most that curves are of.")
    region = traitlets.Any(None, allow_none=True, help="Pixels of a region along each axis; None: by the input.")
    seed = traitlets.Int(0, help="For all that is random.")

    looked = traitlets.Any(None, allow_none=True, help="What is known of the inputs and the methods, a Looked.")
    rows: traitlets.Dict[str, Row] = traitlets.Dict(help="What each method says, by its name, as it comes.")
    running = traitlets.Bool(True, help="Whether more inputs are flipped as soon as there is time.")
    flipping = traitlets.Bool(help="Whether inputs are being flipped.")
    cost = traitlets.Any(None, allow_none=True, help="Seconds, about, that flipping takes in all; None: not known yet.")
    marked = traitlets.Tuple(help="Two methods at most that stand out.")
    column = traitlets.Int(0, help="Which of the inputs that are shown is flipped.")
    cut = traitlets.Int(2, help="At which point of the curves.")
    taken = traitlets.Tuple(help="What is left of it then, a Part for each method and order.")
    searching = traitlets.Bool(help="Whether rules are being tuned.")
    offer = traitlets.Any(None, allow_none=True, help="Seconds that tuning would take, where it waits for a yes.")
    tuned = traitlets.Any(None, allow_none=True, help="The rules that were found, a Tuning.")
    marking = traitlets.Bool(help="Whether maps are being held against the known truth.")
    truth = traitlets.Any(None, allow_none=True, help="What came out, a GroundTruth.")
    large = traitlets.Any(None, allow_none=True, help="Method and place of the map that is enlarged.")

    def __init__(self, subject: Subject, device: str | None = None, **question: Any) -> None:
        until_run_again(self.close)
        self.subject, self.device = subject, device
        if why := modality_of(subject).why_closed(subject, "compare"):
            raise ValueError(why)
        self.kind, self.drawing = parts_of(subject), drawing_of(subject)
        self.explainer = subject.explainer(device=device)
        self.worker, self.solver = NewestWins(), Solver(self)
        self._answering = Answering(subject, self.explainer)
        self._course: Course | None = None
        self._memory: dict[Any, Any] = {}
        self._accepted = False  # whether a person wants what takes long
        self._background: tuple[int, Tensor] | None = None
        self._version = 0  # of what is asked: what comes for another one is dropped
        begin = beginning(subject, self.explainer)
        if begin.item is None:
            raise ValueError("Methods are compared on the inputs of a data set, and here is none.")
        self._start = begin.item
        own = [each for each in catalogue.METHODS if each != "lrp"]
        self.able: tuple[str, ...] = tuple(dict.fromkeys((*own, *suitable(subject, begin.kinds))))
        """Methods that a person can choose."""
        first = self._begun(CompareQuestion.from_dict(question))
        self._quiet = True
        super().__init__(**{name: getattr(first, name) for name in PARTS})
        self._quiet = False
        self._check(first)
        self._look()

    # -- the question ----------------------------------------------------------------------------------------------

    @property
    def question(self) -> CompareQuestion:
        """All that is asked."""
        return CompareQuestion(**{name: getattr(self, name) for name in PARTS})

    def ask(self, **parts: Any) -> None:
        """Change several parts of the question at once; raises ValueError for what cannot be asked."""
        before, question = self.question, replace(self.question, **parts)
        question = replace(question, methods=tuple(ordered(question.methods)))
        self._check(question)
        self.error = ""
        self._put(question)
        self._changed(before)

    def add(self, method: str) -> None:
        """Have one method more."""
        if method not in self.methods:
            self.ask(methods=(*self.methods, method))

    def drop(self, method: str) -> None:
        """Have one method fewer; raises ValueError if it is the last, or a control that all must exceed."""
        if method in BASELINES:
            raise ValueError(f"{method!r} stays: what does not exceed it says nothing.")
        left = tuple(each for each in self.methods if each != method)
        self.marked = tuple(each for each in self.marked if each != method)
        self.large = None
        self.ask(methods=left)

    def turn(self, method: str, **settings: Any) -> None:
        """Give a method other settings; raises ValueError if it has none of that name, or not that value."""
        known = {**self.settings.get(method, {}), **settings}
        catalogue.get(method, **known)
        self.ask(settings={**self.settings, method: known})

    def others(self) -> None:
        """Show other inputs of the data set."""
        count, shown = len(self.subject.dataset), max(1, len(self.items))
        start = (max((each for each in self.items if each < count), default=-1) + 1) % count
        self.ask(items=tuple((start + step) % count for step in range(min(shown, count))))

    def mark(self, method: str) -> None:
        """Have a method stand out, beside the one before; one that does so no longer does."""
        others = [each for each in self.marked if each != method]
        self.marked = tuple(others if method in self.marked else [*others, method][-2:])

    def tune(self, *, sure: bool = False) -> None:
        """Look for the rules with the largest gain under the fill that is shown; says first if that takes long.

        The search begins with the preset that stands out, and takes as many inputs as curves are of, 100 at most.
        Raises ValueError for inputs that have no regions.
        """
        if not self.kind.tunable:
            raise ValueError(f"Rules are tuned by regions that are taken away, and here are {self.kind.unit}s.")
        if self.looked is None:
            raise ValueError("Wait for the first maps; then rules can be tuned.")
        looked, start = self.looked, next((each for each in self.marked if each in composites.names()), "auto")
        asked: dict[str, Any] = {"samples": min(self.total, MOST_TUNED), "start": start, "seed": self.seed}
        asked |= {"fill": self.fill, **self.how}

        def job(watch: Watcher) -> tuple[float, Tuning | None]:
            watch(Progress(0, None, "tuning"))
            seconds = tuning_cost(self.subject, **asked).forwards * looked.seconds
            if seconds > BRIEF and not sure:
                return seconds, None
            staged = partial(_staged, watch)
            return seconds, tune(self.subject, progress=staged, **asked)

        def done(outcome: tuple[float, Tuning | None]) -> None:
            seconds, self.tuned = outcome
            self.offer = seconds if self.tuned is None else None

        def ended() -> None:
            self.searching = False
            self._go_on()

        self.searching, self.offer, self.tuned, self.error = True, None, None, ""
        self.solver.submit(TUNED, job, done, ended=ended)

    @cached_property
    def knows(self) -> bool:
        """Whether the subject knows where relevance should be."""
        try:
            return any(each.any() for each in self.kind.known(self.subject, "single"))
        except ValueError:
            return False

    def hold_against_truth(self) -> None:
        """See how much of each map is where it should be; raises ValueError if nobody knows."""
        if not self.knows:
            raise ValueError("Of this data it is not known what the answers depend on.")
        if self.looked is None:
            raise ValueError("Wait for the first maps; then they can be held against the truth.")
        asked, version = self._able(), self._version
        samples, seed = max(2, self.total), self.seed

        def job(watch: Watcher) -> GroundTruth:
            return ground_truth(self.subject, asked, samples=samples, seed=seed, progress=watch)

        def done(found: GroundTruth) -> None:
            self.truth = found

        def ended() -> None:
            self.marking = False
            self._go_on()

        self.marking, self.truth, self.error = True, None, ""
        self.solver.submit(MARKED, job, done, stale=lambda: version != self._version, ended=ended)

    def open_tuned(self) -> None:
        """Look at the input that is flipped under the rules that were found, in the room Explore."""
        if self.tuned is None:
            raise ValueError("No rules were tuned yet.")
        self.enter("explore", replace(self.place(), composite=self.tuned.composite))

    def needed(self, method: str) -> dict[str, Any]:
        """The settings of a method, with what only the subject knows."""
        known = dict(self.settings.get(method, {}))
        bounds = self.subject.bounds
        if bounds is not None and method in composites.names() and composites.takes_bounds(method):
            known = {"low": bounds[0], "high": bounds[1], **known}
        if method in LEARNING:
            known["background"] = self._inputs()
        return known

    def _inputs(self) -> Tensor:
        """A hundred inputs at random, which some methods learn from."""
        if self._background is None or self._background[0] != self.seed:
            found = []
            for item in np.random.default_rng(self.seed).permutation(len(self.subject.dataset))[:100].tolist():
                with suppress(Exception):  # whatever a subject raises for what it cannot read
                    found.append(self._answering.modality.sample(self.subject, item))
            self._background = self.seed, batch(self.subject, found)
        return self._background[1]

    def place(self) -> Place:
        """The input that is flipped."""
        return Place(**self.looked_at(self.items[min(self.column, len(self.items) - 1)]), label=self.target)

    def show_place(self, place: Place) -> None:
        """Have the input that another room looks at among those that are shown, the first of them."""
        item = self.number_of(place).get("item")
        if item is not None:
            self._bring(item)

    def pictures(self) -> dict[str, Image]:
        """The map of each method of the first input."""
        if self.looked is None or self.looked.items != self.items:
            return {}
        first = self.looked.shown[0]
        maps = {name: row.maps[0] for name, row in self.rows.items() if row.maps is not None}
        return {name: self.drawing.still(first, each) for name, each in maps.items()}

    @property
    def how(self) -> dict[str, Any]:
        """How parts are taken away, but for their fill."""
        sized = {} if self.looked is None else self.kind.sized(self.looked.x, self.region)
        return {**sized, "steps": STEPS, "output": "score" if self.looked is None else self.looked.output}

    @property
    def size(self) -> str:
        """How large a part is, in words."""
        region = self.how.get("region")
        return f"{self.kind.unit} by {self.kind.unit}" if region is None else f"{self.kind.unit}s of {region} px"

    def class_name(self, number: int) -> str:
        """What a class is called."""
        classes = self.subject.classes
        return str(classes[number]) if classes and number < len(classes) else f"class {number}"

    def contrast(self, number: int) -> str:
        """The same, with that which it is contrasted with."""
        return self.class_name(number) + ("" if self.than is None else f" rather than {self.class_name(self.than)}")

    # -- text form -------------------------------------------------------------------------------------------------

    @property
    def spoken_of(self) -> tuple[Upload, ...]:
        """The uploads that a state is of."""
        return tuple(upload for item in self.items if (upload := self.upload(item)) is not None)

    def _text(self) -> dict[str, Any]:
        parts = self.question.to_dict()
        if self.fill == self.kind.fills[0]:
            del parts["fill"]
        items = [self.described({"item": item}) for item in self.items]
        return {**parts, "items": [each.get("upload", each.get("item")) for each in items]}

    def _restore(self, parts: dict[str, Any], uploads: tuple[Upload, ...]) -> None:
        items = parts.get("items", [])
        if not isinstance(items, list):
            raise ValueError(f"The part 'items' of a state must be a list, got {str(items)[:80]!r}.")
        said = [{"upload": each} if isinstance(each, Mapping) else {"item": each} for each in items]
        numbers = [self.numbered(each, uploads)["item"] for each in said]
        question = self._begun(CompareQuestion.from_dict({**parts, "items": numbers}))
        self._check(question, len(self.subject.dataset) + len(uploads))
        before = self.question
        self.error, self.uploads = "", uploads
        self._put(question)
        self._changed(before)

    # -- pictures from outside -------------------------------------------------------------------------------------

    def _read(self, upload: Upload) -> str:
        return self._answering.read(upload)

    def _decode(self, upload: Upload) -> None:
        self._answering.decoded(upload)

    def _came(self, item: int | None, opened: bool) -> None:
        if item is not None and not opened:
            self._bring(item)

    def _went(self, item: int) -> None:
        self._aside(partial(self._answering.forget, item))
        left = tuple(each for each in self.items if each != item)
        if left != self.items:
            self.ask(items=left or self._first())

    def _bring(self, item: int) -> None:
        """Have an input among those that are shown, the first of them unless it is there, and look at it."""
        if item not in self.items:
            self.ask(items=(item, *self.items)[: max(1, len(self.items))])
        self.column = self.items.index(item)

    # -- computing -------------------------------------------------------------------------------------------------

    def go(self, *, on: bool) -> None:
        """Flip more inputs, or wait after those that are under way."""
        self.running, self._accepted = on, on
        self._go_on()

    def cancel(self) -> None:
        """End what is under way; what is on the screen stays."""
        self.running = False
        self.solver.cancel()

    def close(self) -> None:
        """Stop computing, and let go of all that was computed."""
        self.worker.close()
        self.solver.close()
        self.error = CLOSED
        self.unobserve_all()
        self.answer = self.looked = self._course = self._background = None
        self.rows, self.taken = {}, ()
        self._memory.clear()

    @traitlets.observe(*PARTS)
    def _ask_again(self, change: Any) -> None:
        if self._quiet:
            return
        asked = {name: getattr(self, name) for name in PARTS}
        with self._quietly():
            setattr(self, change["name"], change["old"])
        self.ask(**{change["name"]: asked[change["name"]]})

    @traitlets.observe("here")
    def _come_back(self, change: Any) -> None:
        if self.here and not self.flipping:
            self._go_on()

    @traitlets.observe("marked", "column", "cut", "rows", "fill")
    def _take(self, change: Any) -> None:
        """Have parts of the input taken away, in the order of each method that stands out."""
        if self.looked is None or self.looked.items != self.items or self._quiet:
            return
        known, looked = dict(self.rows), self.looked
        column = min(self.column, len(looked.shown) - 1)
        maps = {name: row.maps[column : column + 1] for name, row in known.items() if row.maps is not None}
        chosen = [name for name in (*self.marked, "random") if name in maps]
        target = looked.said[column] if self.target is None else self.question.explained
        fill, how, point = cast("Become", self.fill), self.how, self.cut

        def job() -> tuple[Part, ...]:
            parts = self.kind(self.subject, fill, **how)
            return tuple(
                self._part(parts, looked.shown[column], maps[name], name, order, point, target)
                for order in ORDERS
                for name in dict.fromkeys(chosen)
            )

        def arrived(outcome: Any) -> None:
            if isinstance(outcome, str):
                self.error = outcome
            else:
                self.taken = outcome

        self.worker.submit(told(job), arrived)

    def _part(
        self, parts: Parts, shown: Shown, relevance: Any, name: str, order: Order, point: int, target: Target
    ) -> Part:
        left = parts.left(shown, torch.from_numpy(relevance), point, order)
        scores = self.explainer.scores(left.x).cpu()
        told = self.explainer.probabilities(scores) if parts.how.output == "probability" else scores
        return Part(name, order, left, float((told * target_weights(target, scores)).sum()))

    def _begun(self, question: CompareQuestion) -> CompareQuestion:
        """With methods and inputs where none are asked for."""
        methods = question.methods or tuple(each for each in self.drawing.begin if each in self.able)
        methods = tuple(ordered(list(dict.fromkeys((*methods, *self.kind.baselines)))))
        items, fill = question.items or self._first(), question.fill or self.kind.fills[0]
        return replace(question, methods=methods, items=items, fill=fill)

    def _first(self) -> tuple[int, ...]:
        """Inputs of different classes, from the one on where the subject begins; then further ones."""
        count, told = len(self.subject.dataset), getattr(self.subject.dataset, "labels", None)
        seen: dict[Any, int] = {}
        others: list[int] = []
        for step in range(count if told is not None else min(count, 8 * SHOWN)):
            item = (self._start + step) % count
            if told is not None and len(others) == SHOWN and told[item] is not None and int(told[item]) in seen:
                continue  # nothing new, and nothing is opened to see that
            try:
                label = self.subject.item(item)[1]
            except Exception:  # whatever a subject raises for what it cannot read
                continue
            if seen.setdefault(item if label is None else label, item) != item:
                others.append(item)
            if len(seen) == SHOWN or (len(seen) == len(self.subject.classes) and len(seen) + len(others) >= SHOWN):
                break
        return (*seen.values(), *others)[:SHOWN]

    def _check(self, question: CompareQuestion, count: int | None = None) -> None:
        count = self.count if count is None else count
        for each in question.items:
            if each >= count:
                raise ValueError(f"There is no input {each}; here are {count:,}, counted from 0.")
        if question.fill not in self.kind.fills:
            raise ValueError(f"fill must be one of {', '.join(self.kind.fills)}, got {question.fill!r}.")
        classes = len(self.subject.classes) or (self.looked.classes if self.looked is not None else 0)
        for number in (question.target, question.than):
            if number is not None and 0 < classes <= number:
                raise ValueError(f"There is no class {number}; the model has {classes}.")
        if self.looked is not None:
            self.kind.sized(self.looked.x, question.region)

    def _changed(self, before: CompareQuestion) -> None:
        question = self.question
        if question.explained != before.explained or question.items != before.items:
            self.rows = {}
        changed = {each for each in question.methods if question.settings.get(each) != before.settings.get(each)} | (
            set(self.rows) - set(question.methods)
        )
        self.rows = {name: row for name, row in self.rows.items() if name not in changed}
        if question.measured != before.measured:
            self._memory.clear()
            self.offer = self.tuned = self.truth = None
        if (question.measured, question.methods, question.settings) != (
            before.measured, before.methods, before.settings
        ):  # fmt: skip
            self._course = self.truth = None
        self._version += 1
        if question.items == before.items:
            self._go_on()
            return
        self.column, self.large = 0, None
        self._look()

    def _look(self) -> None:
        """Open the inputs, and find out what can be done with them."""
        self._version += 1
        version, items, able, uploads = self._version, self.items, self.able, self.uploads

        def job(watch: Watcher) -> Looked:
            watch(Progress(0, None, "looking at the inputs"))
            shown = tuple(self._answering.open(item, uploads) for item in items)
            x = batch(self.subject, shown)
            self.drawing.check(x)
            self.kind.sized(x, self.region)
            scores = self.explainer.scores(x)
            started = time.perf_counter()
            self.explainer.scores(x)
            seconds = (time.perf_counter() - started) / len(x)
            known = self.looked.obstacles if self.looked is not None else self._obstacles(x, able)
            costs = {name: catalogue.cost(x[:1], name, **self.needed(name)) for name in able if name not in known}
            output: Output = "probability" if scores.shape[1] > 1 else "score"
            return Looked(
                items, shown, x, tuple(scores.argmax(1).tolist()), known, costs, seconds, scores.shape[1], output
            )

        def done(looked: Looked) -> None:
            if version != self._version:
                return
            self.looked = looked
            if not self.marked:
                self.marked = self._standing_out()
            self._go_on()

        def ended() -> None:
            if version == self._version and self.looked is not None and self.looked.items != items:
                with self._quietly():  # what cannot be opened is not shown; the error says why
                    self.items = self.looked.items
                self._go_on()

        self.solver.submit(LOOK, job, done, stale=lambda: version != self._version, ended=ended)

    def _obstacles(self, x: Tensor, able: tuple[str, ...]) -> dict[str, str]:
        return catalogue.obstacles(self.explainer, x, {name: self.needed(name) for name in able})

    def _standing_out(self) -> tuple[str, ...]:
        """Two methods that one wants to compare."""
        preferred = (
            "epsilon_plus_flat", "epsilon_gamma_box", "attn_lrp", "lstm_lrp", "epsilon_plus", "epsilon", "lrp",
        )  # fmt: skip
        there = [each for each in self._able() if each not in BASELINES]
        first = next((each for each in preferred if each in there), None)
        others = [each for each in ("integrated_gradients", "erasure", *there) if each in there and each != first]
        return tuple(each for each in (first, *others[:1]) if each)

    def _go_on(self) -> None:
        """Do what is to be done next: a row that is missing, then further inputs."""
        looked, version = self.looked, self._version
        if looked is None or looked.items != self.items:
            return
        missing = [each for each in self.methods if each not in self.rows]
        if missing:  # what is quick first
            quickest = min(missing, key=lambda each: looked.costs[each].seconds(1.0) if each in looked.costs else 0.0)
            self._explain(quickest, looked, version)
        elif self.running and self.here and not (self.ended or self.searching or self.marking):
            self._flip(version)  # while somebody looks

    def _explain(self, name: str, looked: Looked, version: int) -> None:
        if name in looked.obstacles:
            self._receive(Row(name, obstacle=looked.obstacles[name]), version)
            self._go_on()
            return
        target, settings = self.question.explained, self.needed(name)

        def job(watch: Watcher) -> Row:
            def staged(progress: Progress) -> None:
                watch(replace(progress, stage=name))

            for row in explained(self.explainer, looked.x, target, name, settings, staged):
                if row.rough:
                    self.worker.at_home(partial(self._receive, row, version))
            return row

        arrived = False

        def done(row: Row) -> None:
            nonlocal arrived
            arrived = True
            self._receive(row, version)

        def ended() -> None:  # what was cancelled is not tried again before somebody wants to go on
            if arrived or version != self._version:
                self._go_on()

        self.solver.submit(MAPS, job, done, stale=lambda: version != self._version, ended=ended)

    def _receive(self, row: Row, version: int) -> None:
        if version == self._version:
            self.rows = {**self.rows, row.method: row}

    def _flip(self, version: int) -> None:
        course, accepted, looked = self._course, self._accepted, self.looked
        positions = int(np.prod(space(looked.x)))
        batch = min(MOST_TOGETHER, max(1, TOGETHER // positions)) if self.worker.apart else self.total

        def job(watch: Watcher) -> tuple[Course, float, Comparison | None]:
            made = course or self._begun_course()
            seconds = made.forwards * looked.seconds
            if seconds * len(made.items) > PATIENT and not accepted:
                return made, seconds * len(made.items), None
            count = min(batch, len(made.items) - len(made.done))
            started = time.perf_counter()
            found = made.advance(count, Pace(watch, 0, made.forwards * count))
            taken = time.perf_counter() - started
            return made, max(seconds, taken / count) * len(made.items), found

        arrived = False

        def done(outcome: tuple[Course, float, Comparison | None]) -> None:
            nonlocal arrived
            arrived = True
            if version != self._version:
                return
            self._course, self.cost, found = outcome
            self.running = self.running and found is not None
            if found is not None:
                self.answer = found

        def ended() -> None:
            self.flipping = False
            if version == self._version and arrived and self.running:
                self._go_on()
            elif version == self._version and not arrived:
                self.running = False

        self.flipping = True
        self.solver.submit(GAINS, job, done, stale=lambda: version != self._version, ended=ended)

    def _able(self) -> dict[str, dict[str, Any]]:
        """The methods that can explain the inputs, with their settings."""
        return {name: self.needed(name) for name in self.methods if name not in self.looked.obstacles}

    def _begun_course(self) -> Course:
        samples = min(self.samples, max(2, len(self.subject.dataset)))
        return Course(
            self.subject, self._able(), fills=self.kind.fills, samples=samples, seed=self.seed,
            target=self.question.explained, device=self.device, memory=self._memory, batch=64, **self.how,
        )  # fmt: skip

    @property
    def ended(self) -> bool:
        """Whether all methods are told apart, or no input is left."""
        return self._course is not None and self._course.ended

    @property
    def passes(self) -> int:
        """How many inputs went through the model to be flipped."""
        return 0 if self._course is None else self._course.forwards * len(self._course.done)

    @property
    def total(self) -> int:
        """How many inputs curves will be of."""
        return min(self.samples, len(self.subject.dataset))


def _staged(watch: Watcher, progress: Progress) -> None:
    watch(replace(progress, stage="tuning"))
