"""The state that all views of the room Improve share: what is to be forgotten, where, and what repairs did.

What is to be forgotten comes from another room, or is looked for: clusters of the whole data set are put to the poison
tests until one is convicted. Then come the layers, and then repairs, seed by seed, on a thread of their own.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import traitlets
from PIL.Image import Image

from ...colours import picture
from ...improve import REPAIRS, Carrier, Concept, Repaired, carriers, foremost
from ...progress import Cancelled, Progress, Watcher
from ...subjects import Subject
from ..base.asking import Asking, Place
from ..base.cells import until_run_again
from ..base.sentences import CLOSED, sentence
from ..base.solver import Solver
from ..base.worker import NewestWins
from .bench import NONE, Bench, Ends, Obstacle, Outcome, Portrait, again, ends_of, portrait, search
from .pruner import CRITERIA, Pruner, Step
from .question import PARTS, ImproveQuestion

PRUNE, FIND, CARRY, REPAIR = range(4)
"""Lanes: curves of pruning, which somebody asked for; what is to be forgotten, the layers, the repairs."""


class Workshop(Asking):
    """A model that is to be mended.

    Parameters
    ----------
    subject
        Model, data and classes.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    concept
        What is to be forgotten; by default it is looked for.
    question
        What to begin with, parts of an `ImproveQuestion`.

    Raises
    ------
    ValueError
        If a part of the question makes no sense.
    """

    parts = PARTS
    pictured = ("outcomes",)

    origin = traitlets.Any(help="The cluster that is to be forgotten; empty: the first that is convicted.")
    layer = traitlets.Unicode(help="Where the model is repaired; empty: where that gains most.")
    method = traitlets.Unicode("signal", help="How the direction is found.")
    over = traitlets.Unicode(help="What it goes through: units or channels; empty: as suits the layer.")
    repairs = traitlets.Tuple(help="Names of the repairs.")
    seeds = traitlets.Int(5, help="How often each is made, of other inputs.")

    concepts = traitlets.Tuple(help="What was tested so far, Concepts.")
    portrait = traitlets.Instance(Portrait, allow_none=True, help="The concept in pictures.")
    ends = traitlets.Instance(Ends, allow_none=True, help="Inputs at both ends of the direction.")
    found = traitlets.Tuple(help="Layers that were looked at, Carriers, from the input up.")
    outcomes: traitlets.Dict[tuple[str, int], Outcome] = traitlets.Dict(
        help="What repairs did, by name and seed; the model as it is has no name."
    )
    controls: traitlets.Dict[str, float | None] = traitlets.Dict(
        help="What repairs cost an innocent model, by name; None where there is none."
    )
    curves: traitlets.Dict[str, tuple[Step, ...]] = traitlets.Dict(
        help="What is left of the model as channels go, by criterion, Steps."
    )
    criterion = traitlets.Unicode("relevance", help="By what channels are compared in the curve that is looked at.")
    at = traitlets.Int(0, help="Which of its steps is looked at.")
    pruning = traitlets.Unicode(help="The criterion whose curve is being made; empty if none is.")
    obstacles: traitlets.Dict[str, str] = traitlets.Dict(help="Why repairs cannot be made, by name.")
    running = traitlets.Bool(help="Whether something is looked for, or repaired.")
    stopped = traitlets.Bool(help="Whether a person ended it before its time.")
    chosen = traitlets.Unicode(help="The repair that is looked at.")

    def __init__(
        self, subject: Subject, device: str | None = None, concept: Concept | None = None, **question: Any
    ) -> None:
        until_run_again(self.close)
        self.subject, self.device = subject, device
        self.explainer = subject.explainer(device=device)
        self.worker, self.solver = NewestWins(), Solver(self)
        self.pruner = Pruner(subject, str(self.explainer.device), self._pruned)
        self.bench: Bench | None = None
        """Where repairs are made; None before there is a layer."""
        self._version = 0  # of what is to be forgotten and where: what comes for another one is dropped
        first = ImproveQuestion.from_dict(question)
        self._quiet = True
        super().__init__(**{name: getattr(first, name) for name in PARTS})
        self._quiet = False
        if concept is None:
            self._search()
        else:
            self._forget(concept)

    def __repr__(self) -> str:
        return f"Workshop({self.subject!r}; {self.answer or 'nothing to forget yet'})"

    # -- the question ----------------------------------------------------------------------------------------------

    @property
    def question(self) -> ImproveQuestion:
        """All that is asked."""
        return ImproveQuestion(**{name: getattr(self, name) for name in PARTS})

    @property
    def concept(self) -> Concept:
        """What is to be forgotten; ValueError as long as it is looked for."""
        newest: Concept | None = self.answer
        if newest is None:
            raise ValueError("It is not known yet what the model is to forget; wait for the poison tests.")
        return newest

    @property
    def carrier(self) -> Carrier | None:
        """The layer at which the model is repaired, as far as it was looked at."""
        at = self.bench.layer if self.bench else self.layer
        return next((each for each in self.found if each.layer == at), None)

    def ask(self, **parts: Any) -> None:
        """Change several parts of the question at once; raises ValueError for what cannot be asked."""
        before, question = self.question, replace(self.question, **parts)
        self.error = ""
        self._put(question)
        if question.origin != before.origin:
            self._search()
        elif question.direction[1:] != before.direction[1:]:
            self._look()
        elif question.layer != before.layer:
            self._begin(question.layer)
        else:
            self._go_on()

    def forget(self, concept: Concept) -> None:
        """Have the model forget this."""
        self.error = ""
        self._put(replace(self.question, layer="", origin=dict(concept.origin)))
        self._forget(concept)

    def add(self, repair: str) -> None:
        """Try one repair more."""
        if repair not in self.repairs:
            self.ask(repairs=tuple(each for each in REPAIRS if each in (*self.repairs, repair)))

    def drop(self, repair: str) -> None:
        """Try one repair fewer."""
        self.chosen = "" if self.chosen == repair else self.chosen
        self.outcomes = {key: each for key, each in self.outcomes.items() if key[0] != repair}
        self.obstacles = {name: why for name, why in self.obstacles.items() if name != repair}
        self.ask(repairs=tuple(each for each in self.repairs if each != repair))

    def run_again(self) -> None:
        """Make and examine all repairs anew."""
        self._begin(self.bench.layer if self.bench else self.layer)

    def go_on(self) -> None:
        """Look, or repair, where it was ended."""
        self.error = ""
        if self.answer is None:
            self._search()
        elif self.bench is None:
            self._look()
        else:
            self._go_on()

    def prune(self, criterion: str) -> None:
        """Look at the curve of a criterion, which is made now if it was not; ValueError if there is no such."""
        if criterion not in CRITERIA:
            raise ValueError(f"There is no criterion {criterion!r}; there are {', '.join(CRITERIA)}.")
        self.error, self.criterion = "", criterion
        if self.curves.get(criterion) or self.pruning:
            return

        def ended() -> None:
            self.pruning = ""

        self.pruning = criterion
        self.solver.submit(PRUNE, self.pruner.job(criterion, self.worker.at_home), lambda _: None, ended=ended)

    def mended(self, name: str) -> Repaired:
        """The subject that a repair gave, by the first seed; ValueError if it is not there yet."""
        outcome = self.outcomes.get((name, 0))
        if outcome is None or not isinstance(outcome.subject, Repaired):
            raise ValueError("This repair is not made yet; wait for it.")
        return outcome.subject

    def place(self) -> Place:
        """The class of what is to be forgotten."""
        return Place(label=None if self.answer is None else self.answer.label)

    def show_place(self, place: Place) -> None:
        """Have the model forget what another room found."""
        if isinstance(place.concept, Concept) and place.concept not in self.concepts:
            self.forget(place.concept)

    def visit(self, room: str, name: str) -> None:
        """Look at the repaired model in another room; ValueError as :meth:`mended`."""
        own = self.place()
        self.enter(room, replace(own, subject=self.subject if name == NONE else self.mended(name)))

    @property
    def step(self) -> Step | None:
        """The pruned model that is looked at."""
        steps = self.curves.get(self.criterion, ())
        return steps[min(self.at, len(steps) - 1)] if steps else None

    def pictures(self) -> dict[str, Image]:
        """The heatmap of the input with the artefact, before and after each repair."""
        shown = [self.outcomes.get((name, 0)) for name in (NONE, *self.repairs)]
        there = [each for each in shown if each is not None and each.maps is not None and each.maps.ndim == 3]
        return {each.name or "as it is": picture(each.maps[0]) for each in there if each.maps is not None}

    # -- text form -------------------------------------------------------------------------------------------------

    def to_dict(self) -> dict[str, Any]:
        """The state as plain values, for links and files."""
        return {"subject": self.subject.name, **self.question.to_dict()}

    def restore(self, state: Mapping[str, Any] | str) -> None:
        """Look again at what :meth:`to_dict` or ``link`` described; ValueError names what is wrong with it."""
        parts = ImproveQuestion.from_dict(self._parts_of(state))
        self.ask(**{name: getattr(parts, name) for name in PARTS})

    # -- computing -------------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """End what is under way; what is on the screen stays, and :meth:`go_on` goes on."""
        self._version += 1
        self.solver.cancel()
        self.stopped, self.running = self.running, False

    def close(self) -> None:
        """Stop computing, and let go of all that was computed."""
        self._version += 1
        self.worker.close()
        self.solver.close()
        self.error = CLOSED
        self.unobserve_all()
        self.answer = self.portrait = self.bench = self.ends = None
        self.concepts, self.found, self.outcomes, self.curves = (), (), {}, {}

    @traitlets.observe(*PARTS)
    def _ask_again(self, change: Any) -> None:
        if self._quiet:
            return
        with self._quietly():
            setattr(self, change["name"], change["old"])
        self.ask(**{change["name"]: change["new"]})

    def _run(
        self, lane: int, job: Callable[[Watcher], Any], done: Callable[[Any], None], ended: Callable[[], None]
    ) -> None:
        """Run `job`; of what comes for something that is no longer asked, nothing is heard."""
        version = self._version
        self.stopped, self.running = False, True

        def if_wanted(act: Callable[..., None]) -> Callable[..., None]:
            return lambda *told: act(*told) if version == self._version else None

        self.solver.submit(lane, job, if_wanted(done), stale=lambda: version != self._version, ended=if_wanted(ended))

    def _each(self, watch: Watcher, arrived: Callable[[Any], None], items: Any) -> None:
        """Hand on what comes one by one, from the solver's thread."""
        version = self._version
        for item in items:

            def hand(item: Any = item) -> None:
                if version == self._version:
                    arrived(item)

            self.worker.at_home(hand)
            watch(Progress(0, None, ""))  # ends if nobody wants more

    def _search(self) -> None:
        """Look for what is to be forgotten."""
        self._version += 1
        self.answer, self.portrait, self.bench, self.ends = None, None, None, None
        self.concepts, self.found = (), ()
        self.outcomes, self.controls, self.obstacles = {}, {}, {}
        origin = dict(self.origin)

        def job(watch: Watcher) -> Concept | None:
            if origin:
                return again(self.subject, self.explainer, origin, watch)
            for concept in search(self.subject, self.explainer, watch):
                self._each(watch, self._tested, [concept])
                if concept.convicted:
                    return concept
            return None

        def done(concept: Concept | None) -> None:
            if concept is not None:
                self._forget(concept)
            elif not self.concepts:
                self.error = "No class has clusters that could be tested: draw a box in the room SpRAy."

        self._run(FIND, job, done, self._rested)

    def _tested(self, concept: Concept) -> None:
        self.concepts = (*self.concepts, concept)

    def _forget(self, concept: Concept) -> None:
        """Take this as what is to be forgotten, and look through the layers."""
        if concept not in self.concepts:
            self.concepts = (*self.concepts, concept)
        self.answer, self.portrait = concept, None
        self._look()

    def _look(self) -> None:
        """Look at what the concept looks like, and through the layers."""
        self._version += 1
        concept, question = self.concept, self.question
        self.bench, self.ends, self.found = None, None, ()
        self.outcomes, self.controls, self.obstacles = {}, {}, {}

        def job(watch: Watcher) -> tuple[Carrier, ...]:
            if self.portrait is None:
                self._each(watch, self._drawn, [portrait(self.subject, self.explainer, concept)])
            layers: list[Carrier] = []
            sides = (concept.artefact, concept.with_artefact, concept.without)
            chosen = {"method": question.method, "over": question.over or None, "explainer": self.explainer}
            for carrier in carriers(self.subject, *sides, **chosen, progress=watch):  # type: ignore[arg-type]
                layers.append(carrier)
                self._each(watch, self._carried, [carrier])
            return tuple(layers)

        def done(layers: tuple[Carrier, ...]) -> None:
            self._begin(question.layer or foremost(layers).layer)

        self._run(CARRY, job, done, self._rested)

    def _drawn(self, made: Portrait) -> None:
        self.portrait = made

    def _carried(self, carrier: Carrier) -> None:
        self.found = (*self.found, carrier)

    def _begin(self, layer: str) -> None:
        """Repair at this layer."""
        self._version += 1
        self.outcomes, self.controls, self.obstacles = {}, {}, {}
        if not layer:
            self._look()
            return
        concept, method, over = self.concept, self.method, self.over or None
        judged = frozenset[int]().union(*(each.judged for each in self.found))
        self.bench = Bench(self.subject, self.explainer, concept, layer, method, over, judged)
        self.ends = None
        if (carrier := self.carrier) is None:  # a layer that was asked for and not looked at
            self._go_on()
            return

        def drawn(made: Ends) -> None:
            self.ends = made

        def job(watch: Watcher) -> Ends:
            return ends_of(self.subject, self.explainer, carrier.direction)

        self._run(CARRY, job, drawn, self._go_on)

    def _go_on(self) -> None:
        """Make what is missing, one after the other."""
        bench, wanted = self.bench, self._missing()
        if bench is None or wanted is None:
            self._rested()
            return
        name, seed = wanted

        def job(watch: Watcher) -> Any:
            called = name or "the model as it is"

            try:
                if seed is None:
                    return bench.control(name, _staged(watch, f"{called}, control"))
                return bench.outcome(name, seed, _staged(watch, f"{called}, seed {seed + 1}"))
            except Cancelled:
                raise
            except Exception as error:  # whatever it is, the other repairs must come
                if name == NONE:
                    raise
                return Obstacle(name, sentence(error))

        def done(made: Any) -> None:
            if isinstance(made, Obstacle):
                self.obstacles = {**self.obstacles, name: made.why}
            elif isinstance(made, Outcome):
                self.outcomes = {**self.outcomes, (made.name, made.seed): made}
            else:
                self.controls = {**self.controls, name: made}

        def ended() -> None:
            if self.error:
                self._rested()
            else:
                self._go_on()

        self._run(REPAIR, job, done, ended)

    def _missing(self) -> tuple[str, int | None] | None:
        """The next repair and its seed, None for a control: first what takes no training, of all seeds."""
        for trains in (False, True):
            able = (each for each in self.repairs if each not in self.obstacles)
            names = [each for each in able if REPAIRS[each].trains is trains]
            for seed in range(self.seeds):
                for name in (NONE, *names):
                    if (name, seed) not in self.outcomes:
                        return name, seed
                    if seed == 0 and name not in (NONE, *self.controls):
                        return name, None
        return None

    def _pruned(self, criterion: str, step: Step) -> None:
        if self.worker.open:
            self.curves = {**self.curves, criterion: (*self.curves.get(criterion, ()), step)}

    def _rested(self) -> None:
        self.running = False


def _staged(watch: Watcher, stage: str) -> Watcher:
    """Tell `watch` what is being done, with what else is told."""
    return lambda progress: watch(replace(progress, stage=f"{stage}: {progress.stage}"))
