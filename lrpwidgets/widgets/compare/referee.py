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
from functools import partial
from typing import Any

import numpy as np
import torch
import traitlets
from PIL.Image import Image
from torch import Tensor

from ... import methods as catalogue
from ...colours import picture
from ...evaluate import Comparison, Course, Flipping, Tuning, flipped, tune, tuning_cost
from ...evaluate.contenders import BASELINES
from ...evaluate.flipping import Output
from ...evaluate.regions import regions, space
from ...lrp import composites
from ...methods import Cost
from ...progress import Pace, Progress, Watcher
from ...readable import Readable
from ...subjects import Subject
from ..base.answers import Answering
from ..base.asking import Place
from ..base.cells import until_run_again
from ..base.inputs import Inputs, Upload
from ..base.presets import beginning, suitable
from ..base.sentences import CLOSED, told
from ..base.solver import Solver
from ..base.worker import NewestWins
from .question import FILLS, PARTS, CompareQuestion
from .rows import LEARNING, Row, explained, ordered

LOOK, MAPS, TUNED, GAINS = range(4)
"""Lanes: what can be done at all goes first, then the maps that are shown; inputs are flipped when there is time."""

SHOWN = 7
"""Inputs that are shown to begin with."""

STEPS = 8
"""Points of a curve after the first."""

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

BEGIN = (
    "sensitivity", "gradient_times_input", "integrated_gradients", "smoothgrad", "gradcam", "occlusion",
    "epsilon_plus_flat", "epsilon_gamma_box", "epsilon_alpha2_beta1_flat", "attn_lrp", "random", "edges",
)  # fmt: skip
"""Methods that one sees first, where they make sense."""


@dataclass(frozen=True, eq=False, repr=False)
class Looked(Readable):
    """What is known before a method is asked."""

    items: tuple[int, ...]
    """Numbers of the inputs that are shown."""
    x: Tensor = field(repr=False)
    """These, (n, C, ...)."""
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
    """A picture of which a part was taken away."""

    method: str
    order: str
    image: Image
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
        If a part of the question makes no sense.
    """

    parts = PARTS
    pictured = ("rows", "answer")

    methods = traitlets.Tuple(help="Names of the methods, group by group.")
    settings = traitlets.Any(help="What is not at its default, by method.")
    items = traitlets.Tuple(help="Numbers of the inputs that are shown.")
    target = traitlets.Any(None, allow_none=True, help="The class that is explained; None: the top class of each.")
    fill = traitlets.Unicode("uniform", help="What flipped regions become.")
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
    large = traitlets.Any(None, allow_none=True, help="Method and place of the map that is enlarged.")

    def __init__(self, subject: Subject, device: str | None = None, **question: Any) -> None:
        until_run_again(self.close)
        self.subject, self.device = subject, device
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
        self.able: tuple[str, ...] = (*own, *suitable(subject, begin.kinds))
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
        """
        if self.looked is None:
            raise ValueError("Wait for the first maps; then rules can be tuned.")
        looked, start = self.looked, next((each for each in self.marked if each in composites.names()), "auto")
        asked: dict[str, Any] = {"samples": min(self.total, MOST_TUNED), "start": start, "seed": self.seed}
        asked |= {"fill": self.fill, "region": self.side, "steps": STEPS, "output": looked.output}

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
                    found.append(self.subject.item(item)[0])
            self._background = self.seed, torch.stack(found)
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
        maps = {name: row.maps[0] for name, row in self.rows.items() if row.maps is not None and row.maps.ndim == 3}
        return {name: picture(each) for name, each in maps.items()}

    @property
    def side(self) -> int:
        """Positions of a region along each axis."""
        region: int | None = self.region
        if region is not None:
            return region
        positions = (1,) if self.looked is None else space(self.looked.x)
        return max(1, round(max(positions) / 14))

    def class_name(self, number: int) -> str:
        """What a class is called."""
        classes = self.subject.classes
        return str(classes[number]) if classes and number < len(classes) else f"class {number}"

    # -- text form -------------------------------------------------------------------------------------------------

    @property
    def spoken_of(self) -> tuple[Upload, ...]:
        """The uploads that a state is of."""
        return tuple(upload for item in self.items if (upload := self.upload(item)) is not None)

    def _text(self) -> dict[str, Any]:
        parts = self.question.to_dict()
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
        """Have regions of the picture taken away, in the order of each method that stands out."""
        if self.looked is None or self.looked.items != self.items or self._quiet:
            return
        known, x = dict(self.rows), self.looked.x
        column = min(self.column, len(x) - 1)
        maps = {name: row.maps[column : column + 1] for name, row in known.items() if row.maps is not None}
        chosen = [name for name in (*self.marked, "random") if name in maps]
        label = self.looked.said[column] if self.target is None else self.target
        how: dict[str, Any] = {"fill": self.fill, "region": self.side, "steps": STEPS, "bounds": self.subject.bounds}
        number = self.cut

        def job() -> tuple[Part, ...]:
            one = x[column : column + 1]
            cuts = Flipping(**how).cuts(_regions(one, how["region"]))
            cut = int(cuts[min(number, len(cuts) - 1)])
            return tuple(
                self._part(one, torch.from_numpy(maps[name]), name, order, cut, label, how)
                for order in ("most", "least")
                for name in dict.fromkeys(chosen)
            )

        def arrived(outcome: Any) -> None:
            if isinstance(outcome, str):
                self.error = outcome
            else:
                self.taken = outcome

        self.worker.submit(told(job), arrived)

    def _part(
        self, x: Tensor, relevance: Tensor, name: str, order: Any, cut: int, label: int, how: dict[str, Any]
    ) -> Part:
        left = flipped(x, relevance, cut, order=order, **how)
        scores = self.explainer.scores(left).cpu()
        told = self.explainer.probabilities(scores) if self.looked.output == "probability" else scores
        return Part(name, order, self.subject.to_image(left[0]), float(told[0, label]))

    def _begun(self, question: CompareQuestion) -> CompareQuestion:
        """With methods and inputs where none are asked for."""
        methods = question.methods or tuple(each for each in BEGIN if each in self.able)
        methods = tuple(ordered(list(dict.fromkeys((*methods, *BASELINES)))))
        return replace(question, methods=methods, items=question.items or self._first())

    def _first(self) -> tuple[int, ...]:
        """Inputs of different classes, from the one on where the subject begins."""
        count = len(self.subject.dataset)
        seen: dict[Any, int] = {}
        for step in range(min(count, 8 * SHOWN)):
            item = (self._start + step) % count
            try:
                label = self.subject.item(item)[1]
            except Exception:  # whatever a subject raises for what it cannot read
                continue
            seen.setdefault(item if label is None else label, item)
            if len(seen) == SHOWN:
                break
        return tuple(seen.values())

    def _check(self, question: CompareQuestion, count: int | None = None) -> None:
        count = self.count if count is None else count
        for each in question.items:
            if each >= count:
                raise ValueError(f"There is no input {each}; here are {count:,}, counted from 0.")
        classes = len(self.subject.classes) or (self.looked.classes if self.looked is not None else 0)
        if question.target is not None and 0 < classes <= question.target:
            raise ValueError(f"There is no class {question.target}; the model has {classes}.")
        if self.looked is not None and question.region is not None:
            largest = max(space(self.looked.x))
            if question.region > largest:
                raise ValueError(f"region must be at most {largest}, the side of the input, got {question.region}.")

    def _changed(self, before: CompareQuestion) -> None:
        question = self.question
        if question.target != before.target or question.items != before.items:
            self.rows = {}
        changed = {each for each in question.methods if question.settings.get(each) != before.settings.get(each)} | (
            set(self.rows) - set(question.methods)
        )
        self.rows = {name: row for name, row in self.rows.items() if name not in changed}
        if question.measured != before.measured:
            self._memory.clear()
            self.offer = self.tuned = None
        if (question.measured, question.methods, question.settings) != (
            before.measured, before.methods, before.settings
        ):  # fmt: skip
            self._course = None
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
            x = self._answering.modality.batch([self._answering.open(item, uploads) for item in items])
            assert isinstance(x, Tensor)  # the room is closed for others
            if x.dim() != 4:
                raise ValueError(
                    f"Here are pictures compared, (C, H, W); an input has {tuple(x.shape[1:])}. "
                    "lrpwidgets.evaluate.compare compares methods on it."
                )
            scores = self.explainer.scores(x)
            started = time.perf_counter()
            self.explainer.scores(x)
            seconds = (time.perf_counter() - started) / len(x)
            known = self.looked.obstacles if self.looked is not None else self._obstacles(x, able)
            costs = {name: catalogue.cost(x[:1], name, **self.needed(name)) for name in able if name not in known}
            output: Output = "probability" if scores.shape[1] > 1 else "score"
            return Looked(items, x, tuple(scores.argmax(1).tolist()), known, costs, seconds, scores.shape[1], output)

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
        preferred = ("epsilon_plus_flat", "epsilon_gamma_box", "attn_lrp", "epsilon_plus", "epsilon", "lrp")
        there = [each for each in self.methods if each not in self.looked.obstacles and each not in BASELINES]
        first = next((each for each in preferred if each in there), None)
        others = [each for each in ("integrated_gradients", *there) if each in there and each != first]
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
        elif self.running and self.here and not self.ended and not self.searching:  # else nobody looks
            self._flip(version)

    def _explain(self, name: str, looked: Looked, version: int) -> None:
        if name in looked.obstacles:
            self._receive(Row(name, obstacle=looked.obstacles[name]), version)
            self._go_on()
            return
        target, settings = self.target, self.needed(name)

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

    def _begun_course(self) -> Course:
        asked = {name: self.needed(name) for name in self.methods if name not in self.looked.obstacles}
        how = {"region": self.side, "steps": STEPS, "output": self.looked.output, "batch": 64}
        return Course(
            self.subject, asked, fills=FILLS, samples=min(self.samples, max(2, len(self.subject.dataset))),
            seed=self.seed, target=self.target, device=self.device, memory=self._memory, **how,
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


def _regions(x: Tensor, side: int) -> int:
    return int(regions(space(x), side).max()) + 1


def _staged(watch: Watcher, progress: Progress) -> None:
    watch(replace(progress, stage="tuning"))
