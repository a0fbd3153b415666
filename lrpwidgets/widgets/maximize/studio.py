"""The state that all views of a maximization share: what is wished for, the film of it, and how honest it is.

Setting ``layer``, ``number``, ``prior`` or another part of the wish begins a film; its frames arrive as ``moment``, one
by one, and ``judged`` holds them against real inputs. Films have a thread of their own, so that the channels of another
input are there at once meanwhile; a newer wish ends the film.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import traitlets
from PIL.Image import Image, fromarray

from ...lrp import Explanation
from ...maximize import Run, maximize
from ...subjects import Subject
from ..base.answers import Answer
from ..base.asking import Place
from ..base.cells import until_run_again
from ..base.inputs import Upload
from ..base.presets import beginning, preset
from ..base.sentences import CLOSED, sentence, told
from ..base.worker import NewestWins
from .collector import Collector
from .concepts import Concepts, layers
from .finder import Finder
from .question import PARTS, Wish
from .reel import FILM, LOOK, PACE, Glance, Judged, Moment, Reel
from .wall import Wall
from .wishing import Wishing

KEPT = (0.0, 1 / 64, 1 / 16, 3 / 16, 3 / 8, 5 / 8)
"""Frames that stay beside the newest, as shares of all steps: most happens early."""


class Studio(Wishing):
    """What is wished for, and the film that shows it.

    A film shows its first frame, and goes on when somebody looks: when a view appears on a page, or at :meth:`play`.

    Parameters
    ----------
    subject
        Model, data and classes.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    references
        Folder in which the numbers are kept from which reference samples are picked, see :func:`.references`; by
        default a temporary one.
    wish
        What to begin with, parts of a :class:`Wish`.

    Raises
    ------
    ValueError
        If a part of the wish makes no sense. What a network lacks, as a class or a layer, becomes ``error``.
    """

    def __init__(
        self, subject: Subject, device: str | None = None, references: str | Path | None = None, **wish: Any
    ) -> None:
        until_run_again(self.close)
        self.subject, self.device = subject, device
        self.explainer = subject.explainer(device=device)
        self.worker, self.films = NewestWins(), NewestWins()
        self._reel = Reel(lambda: self._made(Wish()), _Screen(self))
        begin = beginning(subject, self.explainer)
        self.composite = preset(subject, begin.preset)
        """By whose rules real inputs are explained."""
        self._finder, self._wall = Finder(self), Wall(self)
        self._collector = Collector(self, None if references is None else Path(references))
        self.number_of_films = 0
        """How many were shown so far."""
        self._filmed: tuple[Any, ...] = ()
        self._good: Wish | None = None  # the newest wish of which there was a frame
        self._blamed: Reel | None = None  # the film that was under way when the error was said
        first = Wish.from_dict({"item": begin.item, **wish})
        self._quiet = True
        super().__init__(**{name: getattr(first, name) for name in PARTS})
        self._quiet = False
        self._check(first)
        self._ask()

    # -- the wish --------------------------------------------------------------------------------------------------

    def ask(self, **parts: Any) -> None:
        """Change several parts of the wish at once; raises ValueError for what cannot be asked."""
        wish = replace(self.question, **parts)
        self._check(wish)
        self._put(wish)
        self._ask()

    def pictures(self) -> dict[str, Image]:
        """The frame that is looked at."""
        seen, run = self.seen, self.answer
        return {} if seen is None or run is None else {f"{run.objective}, step {seen.step}": fromarray(seen.pixels)}

    def place(self) -> Place:
        """The input, and the channel that is wished for."""
        channel = None if self.layer is None else self.number
        return Place(**self.looked_at(self.item), layer=self.layer, channel=channel)

    def show_place(self, place: Place) -> None:
        """Wish for the channel, or the class, that another room looks at."""
        parts: dict[str, Any] = {**self.number_of(place)}
        if place.layer is not None and place.channel is not None:
            parts |= {"layer": place.layer, "number": place.channel}
        elif place.label is not None:
            parts |= {"layer": None, "number": place.label}
        self.ask(**parts)

    # -- the film --------------------------------------------------------------------------------------------------

    def play(self, most: int | None = None) -> None:
        """Make frames, all that are left or `most`; a film that has ended begins again."""
        if self.ended:
            self._begin()
        else:
            self._go(most)

    def pause(self) -> None:
        """Make no more frames for now."""
        self._reel.pause()
        self.running = False

    def step(self) -> None:
        """Make one more frame."""
        self._reel.pause()
        if not self.ended:
            self._go(1)  # ends a job that is at work: it was asked for before

    def stop(self) -> None:
        """End the film at once; its newest frame stays."""
        self._reel.stop()
        self.running, self.ended = False, True

    def restart(self) -> None:
        """Begin a film at the frame that is looked at."""
        if self.seen is None:
            raise ValueError("There is no frame to begin at yet.")
        self._begin(self.seen)

    def look(self, place: int | None) -> None:
        """Look at one of the frames that were kept, or at the newest; the film waits meanwhile."""
        if place is not None and not 0 <= place < len(self.kept):
            raise ValueError(f"There is no frame {place!r} to look at; {len(self.kept)} were kept.")
        self._reel.pause()
        self.running, self.looked = False, place
        moment, reel = self.seen, self._reel
        if moment is not None:
            self.films.submit(told(lambda: reel.judge(moment.frame)), self._done(reel), lane=LOOK)

    def paint(self, *, on: bool) -> None:
        """Let the wall go on, or wait."""
        self.painting = on
        self._wall.go_on()

    def follow_flow(self) -> None:
        """Want to know how relevance flows through the channels that matter, of now and of later."""
        self._finder.follow()

    def collect(self, *, on: bool | None = None) -> None:
        """Want reference samples; let the pass that finds them go on, or wait."""
        if on is None:
            self._collector.want()
        else:
            self._collector.go(on=on)

    def _read(self, upload: Upload) -> str:
        return self._finder.read(upload)

    def _decode(self, upload: Upload) -> None:
        self._finder.decode(upload)

    def _came(self, item: int | None, opened: bool) -> None:
        if item is not None and not opened:
            self.ask(item=item)

    def _went(self, item: int) -> None:
        self._aside(partial(self._finder.forget, item))
        if self.concepts is not None and self.concepts.item == item:
            self.concepts = self.flow = None
        if self.item == item:
            self.ask(item=self.beside(item))

    def wall_classes(self) -> tuple[int, ...]:
        """The classes of the wall."""
        return self._wall.classes

    # -- text form -------------------------------------------------------------------------------------------------

    def _text(self) -> dict[str, Any]:
        return self.described(self.question.to_dict())

    def _restore(self, parts: dict[str, Any], uploads: tuple[Upload, ...]) -> None:
        wish = Wish.from_dict(self.numbered(parts, uploads))
        self._check(replace(wish, item=None))  # that one is among the samples or `uploads`
        if wish.item is None and len(self.subject.dataset):
            wish = replace(wish, item=self.subject.start)
        self.error, self.uploads = "", uploads
        self._put(wish)
        self._ask()

    # -- computing -------------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """End what is under way; what is on the screen stays."""
        self.stop()
        self._finder.cancel()
        self._waiting.clear()
        self._tell()

    def close(self) -> None:
        """Stop computing, and let go of all that was computed."""
        self._reel.leave()
        self._finder.cancel()
        self.worker.close()
        self.films.close()
        self.error = CLOSED
        self.unobserve_all()
        self.running = False
        self.answer = self.moment = self.judged = self.glance = self.concepts = self.flow = None
        self.samples = self.recognized = self.gathering = None
        self.kept, self.tiles = (), ()

    def listen(self, answer: Answer, listed: Concepts) -> None:
        """Take the channels that were found in an input."""
        self.know(answer.whole)
        with self.hold_trait_notifications():
            if not listed.same_channels(self.concepts):
                self.flow = None  # what is shown was of others
            self.concepts = listed
        self._collector.know(answer)

    def know(self, explanation: Explanation) -> None:
        """Learn from an explanation which layers there are, and which of them the name of a block means."""
        if not self.layers:
            self.layers = layers(explanation)
        if self.layer is None or self.opened(self.layer) is not None:
            return
        try:
            own = explanation[self.layer].name
        except ValueError:  # the film says it
            return
        if own != self.layer and self._good is not None and self._good.layer == self.layer:
            self._good = replace(self._good, layer=own)
            with self._quietly():
                self.layer = own
            self._filmed = self.question.film

    @traitlets.observe(*PARTS)
    def _ask_again(self, change: Any) -> None:
        if self._quiet:
            return
        try:
            self._check(self.question)
        except ValueError as error:
            self.error = sentence(error)
            with self._quietly():
                setattr(self, change["name"], change["old"])
            return
        self._ask()

    @traitlets.observe("error")
    def _blame(self, change: Any) -> None:
        self._blamed = self._reel  # it stays when the first frame of that film arrives

    @traitlets.observe("appeared")
    def _roll(self, change: Any) -> None:
        if change["old"] == 0 and not self.ended:  # what a kernel makes before anybody looks is one frame
            self._go(None)

    @traitlets.observe("running", "appeared", "here")
    def _paint(self, change: Any) -> None:
        self._wall.go_on()

    @traitlets.observe("here")
    def _wait(self, change: Any) -> None:
        if not self.here:
            self.pause()  # nobody looks

    def _check(self, wish: Wish) -> None:
        if wish.item is not None and wish.item >= self.count:
            raise ValueError(f"There is no input {wish.item}; here are {self.count:,}, counted from 0.")
        for each in wish.classes or ():
            if self.subject.classes and each >= len(self.subject.classes):
                raise ValueError(f"There is no class {each}; the model has {len(self.subject.classes)}.")

    def _ask(self) -> None:
        wish = self.question
        if wish.film != self._filmed:
            self._begin()
        self._finder.look()
        self._collector.look()
        self._wall.begin()

    def _made(self, wish: Wish, start: Any = None) -> Run:
        size: Any = wish.size
        if size is not None and not len(self.subject.dataset):  # nothing tells how many channels there are
            size = (_channels(self.subject), size, size)
        given = {"steps": wish.steps, "seed": wish.seed, "size": size, "device": self.device}
        return maximize(self.subject, wish.objective, wish.prior, start=start, **given)

    def _begin(self, start: Moment | None = None) -> None:
        """Begin a film from the start, or at a frame; what is on the screen stays until there is another frame."""
        self._reel.leave()
        wish, frame = self.question, None if start is None else start.frame
        trail = () if start is None else (*self.trail, start.step)
        self._filmed = wish.film
        pace = PACE if self.films.apart else 0.0
        self._reel = Reel(lambda: self._made(wish, frame), _Screen(self), pace, (wish, trail))
        self.ended = False
        self._go(None if self.appeared else 1)

    def _go(self, most: int | None) -> None:
        reel = self._reel
        reel.resume()
        with self.hold_trait_notifications():
            self.looked, self.running = None, most is None
        orders = reel.orders
        self.films.submit(told(lambda: reel.play(most, orders)), self._done(reel), lane=FILM)

    def _done(self, reel: Reel) -> Callable[[Any], None]:
        orders = reel.orders

        def done(outcome: str) -> None:
            if reel is not self._reel:
                return
            self.wait_for(_FILM, "")
            if reel.orders == orders or reel.ended:
                self.running, self.ended = False, reel.ended
            if outcome:
                self._fail(outcome)
            elif self.answer is not None and reel.ended and not reel.halted:
                self.error = self.answer.stopped or self.error

        return done

    def _fail(self, outcome: str) -> None:
        """Say what is wrong; a wish that cannot be does not stay."""
        self.error = outcome
        self.running, self.ended = False, True
        if self.answer is None or self.answer is self._reel.run or self._good is None:
            return
        self._filmed = self._good.film
        with self._quietly():
            for name in ("layer", "number", "prior", "steps", "seed", "size"):
                setattr(self, name, getattr(self._good, name))
        self._finder.look()

    # -- what a film tells -----------------------------------------------------------------------------------------

    def _show(self, reel: Reel, moment: Moment) -> None:
        new = self.answer is not reel.run
        with self.hold_trait_notifications():
            if new:
                assert reel.run is not None
                self.number_of_films += 1
                self._good, self.trail = reel.about
                self.answer, self.kept, self.densities, self.looked = reel.run, (), (), None
                self.glance = None
                if self._blamed is not reel:
                    self.error = ""
            self.moment = moment
            if moment.step in {round(share * self._good.steps) for share in KEPT if self._good}:
                self.kept = (*self.kept, moment)
        self.wait_for(_FILM, "")

    def _hold(self, reel: Reel, judged: Judged) -> None:
        self.know(judged.honesty.explanation)
        with self.hold_trait_notifications():
            self.judged = judged
            self._note_density(judged.step, judged.honesty.log_density)
        self.wait_for(_FILM, "")

    def _pass(self, glance: Glance) -> None:
        with self.hold_trait_notifications():
            self.glance = glance
            self._note_density(glance.step, glance.log_density)

    def _note_density(self, step: int, density: float) -> None:
        if density == density:  # no NaN
            known = [each for each in self.densities if each[0] != step][-400:]
            self.densities = tuple(sorted([*known, (step, density)]))


_FILM = "film"


class _Screen:
    """Brings home what a film tells on its thread, unless another film is shown by then."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio

    def shown(self, reel: Reel, moment: Moment) -> None:
        self._tell(reel, lambda: self._studio._show(reel, moment))

    def glanced(self, reel: Reel, glance: Glance) -> None:
        self._tell(reel, lambda: self._studio._pass(glance))

    def judged(self, reel: Reel, judged: Judged) -> None:
        self._tell(reel, lambda: self._studio._hold(reel, judged))

    def told(self, reel: Reel, stage: str) -> None:
        self._tell(reel, lambda: self._studio.wait_for(_FILM, stage))

    def _tell(self, reel: Reel, call: Callable[[], None]) -> None:
        def heard() -> None:
            if reel is self._studio._reel:
                call()

        self._studio.worker.at_home(heard)


def _channels(subject: Subject) -> int:
    """How many channels a picture has: those of the first convolution, else three."""
    found = (getattr(module, "in_channels", None) for module in subject.model.modules())
    return next((each for each in found if isinstance(each, int)), 3)
