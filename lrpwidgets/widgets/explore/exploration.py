"""The state that all views share: what is looked at, what is asked of it, and the answer.

Views follow an :class:`Exploration` and never each other. Setting ``item``, ``target``, ``composite`` or another
part of the question asks it; the answer arrives later, computed on a worker thread, as the trait ``answer``. While
a slider moves, questions that were overtaken by newer ones are dropped.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from functools import partial
from typing import Any

import traitlets
from PIL.Image import Image

from ...lrp import Composite
from ...progress import Cancelled, Progress
from ...shelves import SHELVES
from ...subjects import Subject
from ...subjects.modality import modality_of
from ...subjects.shown import Shown
from ..base import presets
from ..base.answers import Answer, Answering
from ..base.asking import Place
from ..base.cells import until_run_again
from ..base.inputs import Inputs, Upload
from ..base.question import Question
from ..base.sentences import CLOSED, told
from ..base.worker import NewestWins
from .look import MOST_PINS, Look

_PATIENCE = 0.2
"""Seconds before a question counts as waiting: most are answered sooner, and saying so would cost time."""

_OFTEN = 0.1
"""Seconds between two reports of progress."""

_UNCHANGED: dict[str, Any] = {"strokes": (), "struck": ()}
_STUCK: dict[str, dict[str, Any]] = {
    "item": {**_UNCHANGED, "window": None, "typed": None},
    "fit": _UNCHANGED,
    "typed": _UNCHANGED,
}
"""What becomes of other parts of the question when one changes: another input has numbers and words of its own."""

_PARTS = tuple(each.name for each in fields(Question))


class Exploration(Inputs):
    """What is under examination and what is asked of it.

    Parameters
    ----------
    subject
        Model, data and classes.
    composite
        The name of a preset or a composite; by default the preset for the family of the network, as
        :class:`lrpwidgets.lrp.Explainer` takes it for ``"auto"``: see :func:`lrpwidgets.lrp.composites.family`.
    device
        Where to compute, as ``torch.device`` spells it; by default where the model is.
    """

    parts = _PARTS

    item = traitlets.Int(None, allow_none=True, help="Index of the input that is shown; uploads come after samples.")
    fit = traitlets.Bool(help="Whether uploads are seen as a whole, where their middle would be cut out.")
    window = traitlets.Instance(tuple, allow_none=True, help="Level and width of what is seen of uploads of many bits.")
    target = traitlets.Int(None, allow_none=True, help="Class to explain; None for the top class of each input.")
    than = traitlets.Int(None, allow_none=True, help="Class whose score is taken away: why not this one.")
    composite = traitlets.Instance(Composite, help="Which rule each layer gets.")
    strokes = traitlets.Tuple(help="What was painted over the input, Strokes.")
    typed = traitlets.Unicode(None, allow_none=True, help="The text in place of that of the input; None: its own.")
    struck = traitlets.Tuple(help="Words of the text that are left out, by number.")
    layer = traitlets.Unicode(None, allow_none=True, help="The layer that is opened; None leaves it to the views.")
    channels = traitlets.Tuple(help="Channels of that layer that are chosen.")
    only = traitlets.Bool(help="Whether only relevance through those channels counts.")

    pins = traitlets.Tuple(help="Questions whose maps stay beside the live one.")
    pinned = traitlets.Tuple(help="Their answers; None for one that is not there yet.")
    look = traitlets.Dict(help="How a restored state wants its maps to be drawn; while they are, browsers know it.")
    answer = traitlets.Instance(Answer, allow_none=True, help="The newest explanation; None before the first.")
    memory = traitlets.Unicode(help="How much memory this process takes of its limit, in words.")
    undoable = traitlets.Bool(help="Whether there is a change of rules to undo.")
    redoable = traitlets.Bool(help="Whether there is one to do again.")

    def __init__(self, subject: Subject, composite: str | Composite | None = None, device: str | None = None) -> None:
        until_run_again(self.close)
        self.subject = subject
        self.explainer = subject.explainer(device=device)
        self.worker = NewestWins()
        SHELVES.hold()
        self._answering = Answering(subject, self.explainer)
        self._asked = self._answered = 0  # questions are numbered
        self._blamed = 0  # the newest question when the error was said
        self._cancellations = 0
        self._past: list[Composite] = []
        self._future: list[Composite] = []
        self._drag: Any = None
        self._unchanged: int | None = None  # the top class before the input was changed
        begin = presets.beginning(subject, self.explainer)
        self._kinds = begin.kinds
        composite = begin.preset if composite is None else composite
        super().__init__(composite=composite if isinstance(composite, Composite) else self.preset(composite))
        self._begin = replace(self.question, item=begin.item)
        self.item = self._begin.item

    def __repr__(self) -> str:
        target = "top class" if self.target is None else f"class {self.target}"
        rather = "" if self.than is None else f" rather than {self.than}"
        shown = "no input" if self.item is None else f"input {self.item} of {len(self.subject.dataset):,}"
        return f"Exploration({self.subject!r}; {self.composite.name}: {target}{rather} of {shown})"

    @property
    def question(self) -> Question:
        """All that is asked.

        While somebody paints or strikes words, the class is the one that was on top before, if the top class is asked
        for: what was taken away may have been the reason for it.
        """
        question = Question(**{name: getattr(self, name) for name in _PARTS})
        return replace(question, target=self._unchanged) if self.target is None else question

    def ask(self, **parts: Any) -> None:
        """Change several parts of the question at once, such as ``ask(item=3, target=None)``.

        Changes stick to their input: another one has none that are not asked for, too.
        """
        for name, others in _STUCK.items():
            if name in parts and parts[name] != getattr(self, name):
                parts = {**others, **parts}
        if "target" in parts:
            self._unchanged = None
        with self._quietly(), self.hold_trait_notifications():
            for name, value in parts.items():
                setattr(self, name, value)
        self._ask()

    # -- composites ------------------------------------------------------------------------------------------------

    def presets(self) -> list[str]:
        """Names of the presets that suit the model and its data; `preset` knows the others, too."""
        return presets.suitable(self.subject, self._kinds)

    def preset(self, name: str) -> Composite:
        """The preset `name`, with the bounds of the subject's input where it takes them."""
        return presets.preset(self.subject, name)

    def change_rules(self, composite: Composite, drag: Any = None) -> None:
        """Use another composite; changes with the same `drag`, as while a slider moves, are undone as one."""
        if composite == self.composite:
            return
        goes_on = drag is not None and drag == self._drag
        kept = list(self._past)
        self.composite = composite
        self._drag = drag
        if goes_on:
            self._remember(kept, [])

    def undo(self) -> None:
        """Take back the last change of rules."""
        self._travel(self._past, self._future)

    def redo(self) -> None:
        """Do the change again that was taken back last."""
        self._travel(self._future, self._past)

    def _travel(self, back: list[Composite], ahead: list[Composite]) -> None:
        if not back:
            return
        past, future = self._past, self._future
        ahead.append(self.composite)
        self.composite = back.pop()
        self._remember(past, future)

    def _remember(self, past: list[Composite], future: list[Composite]) -> None:
        self._past, self._future = past, future
        self.undoable, self.redoable = bool(past), bool(future)

    # -- inputs ----------------------------------------------------------------------------------------------------

    def place(self) -> Place:
        """The input, the class that is explained, and the channel that is chosen alone."""
        alone = self.channels[0] if self.layer is not None and len(self.channels) == 1 else None
        label = self.answer.target if self.answer is not None else self.target
        layer = self.layer if alone is not None else None
        return Place(**self.looked_at(self.item), label=label, layer=layer, channel=alone)

    def show_place(self, place: Place) -> None:
        """Look at an input and into a channel as another room does."""
        parts: dict[str, Any] = {**self.number_of(place)}
        if place.layer is not None and place.channel is not None:
            parts |= {"layer": place.layer, "channels": (place.channel,)}
        if place.composite is not None and place.composite != self.composite:
            parts |= {"composite": place.composite}
        if parts:
            self.ask(**parts)

    def open(self, item: int) -> Shown:
        """The input number `item`, decoded; raises what its decoder raises."""
        return self._answering.open(item, self.uploads)

    def show(self, data: bytes, name: str, *, follows: bool = False) -> None:
        super().show(data, name, follows=follows)
        self.worker.later(_PATIENCE, self._still_reading)

    def read(self, text: str | None) -> None:
        """Look at a `text` in place of that of the input; None: at its own again. Where no input is, it becomes one."""
        if text is not None and self.item is None:
            self.show(text.encode(), "typed.txt")
        else:
            self.typed = text

    def _read(self, upload: Upload) -> str:
        return self._answering.read(upload)

    def _decode(self, upload: Upload) -> None:
        self._answering.decoded(upload)

    def _came(self, item: int | None, opened: bool) -> None:
        if item is None:
            self.busy = self._answered < self._asked or bool(self._reading)
            return
        self._blamed = self._asked + bool(self._said and not opened)  # the answer does not wipe it away
        if not opened:
            self.item = item

    def _went(self, item: int) -> None:
        self._aside(partial(self._answering.forget, item))
        self._let_go(item)
        beside = self.beside(item)
        if self.item == item:
            self.item = beside
        if beside is None:
            self.error = f"There is no {modality_of(self.subject).brought} left to look at: upload one."

    def _let_go(self, item: int) -> None:
        """Hold no answer of an input, and no pin that keeps it."""
        kept = [(pin, held) for pin, held in zip(self.pins, self.pinned, strict=True) if pin.item != item]
        with self.hold_trait_notifications():
            self.pins = tuple(pin for pin, _ in kept)
            self.pinned = tuple(None if held and held.question.item == item else held for _, held in kept)
            if self.answer is not None and self.answer.question.item == item:
                self.answer = None

    def _still_reading(self) -> None:
        self.busy = self.busy or bool(self._reading)

    def pictures(self) -> dict[str, Image]:
        """The input and its heatmap."""
        answer = self.answer
        if answer is None:
            return {}
        look = Look.from_dict(self.look)
        made = answer.modality.pictures(self.subject, answer.shown, answer.drawn, lambda found: look.limit([found]))
        called = partial(self.subject.class_name, shown=answer.shown)
        rather = "" if answer.than is None else f" rather than “{called(answer.than)}”"
        question = f"Why “{called(answer.target)}”{rather}? {answer.question.composite.name}"
        names = [answer.shown.name, question, f"{question}: its words"]
        return dict(zip(names[len(made) == 1 :], made, strict=False))

    # -- maps beside the live one ----------------------------------------------------------------------------------

    def pin(self, *questions: Question) -> None:
        """Keep the maps of `questions`, by default of the present one, beside the live map.

        A pin whose ``item`` is None follows whatever input is shown.

        Raises
        ------
        ValueError
            If there would be more than five.
        """
        chosen = questions or (self.question.of(None),)
        if len(self.pins) + len(chosen) > MOST_PINS:
            raise ValueError(f"There is room for {MOST_PINS} maps beside the live one; close one of them first.")
        with self.hold_trait_notifications():
            self.pinned = (*self.pinned, *[None] * len(chosen))
            self.pins = (*self.pins, *chosen)

    def unpin(self, number: int) -> None:
        """Let go of one map; raises ValueError if there is none of that number."""
        self._check_pin(number)
        with self.hold_trait_notifications():
            self.pinned = _without(self.pinned, number)
            self.pins = _without(self.pins, number)

    def unpin_all(self) -> None:
        """Let go of all maps beside the live one."""
        with self.hold_trait_notifications():
            self.pinned, self.pins = (), ()

    def repin(self, number: int, question: Question) -> None:
        """Ask another question in the place of a pin; raises ValueError if there is none of that number."""
        self._check_pin(number)
        self.pins = (*self.pins[:number], question, *self.pins[number + 1 :])

    def _check_pin(self, number: int) -> None:
        if not 0 <= number < len(self.pins):
            raise ValueError(f"There is no map {number} beside the live one; there are {len(self.pins)}, from 0 on.")

    # -- text form -------------------------------------------------------------------------------------------------

    def text(self, question: Question) -> dict[str, Any]:
        """`question` as plain values; an upload by its fingerprint."""
        return self.described(question.to_dict(self.preset))

    def _text(self) -> dict[str, Any]:
        pins = {"pins": [self.text(pin) for pin in self.pins]} if self.pins else {}
        return {**self.text(self.question), **pins}

    def _questions(self) -> tuple[Question, ...]:
        return (self.question, *self.pins)

    def _restore(self, parts: dict[str, Any], uploads: tuple[Upload, ...]) -> None:
        """The part ``look`` is how maps are drawn."""
        look, pins = parts.pop("look", {}), parts.pop("pins", [])
        _check_parts(look, pins)
        question, *pinned = (
            Question.from_dict(self.numbered(each, uploads), self.preset)
            for each in ({"composite": self._begin.composite.name, **parts}, *pins)
        )
        with self._quietly(), self.hold_trait_notifications():  # nobody sees the one without the other
            self.uploads = uploads
            self._put(question if question.item is not None else replace(question, item=self.item))
            self.pins, self.pinned = tuple(pinned), (None,) * len(pinned)
        self._ask()
        self.look = look

    # -- asking ----------------------------------------------------------------------------------------------------

    def cancel(self) -> None:
        """End the computations that are under way; the newest answer stays."""
        self._cancellations += 1

    def close(self) -> None:
        """Stop computing, and let go of all that was computed."""
        self.cancel()
        self.worker.close()
        self.error = CLOSED
        self.unobserve_all()
        self.answer, self.pins, self.pinned = None, (), ()
        self._answering.forget_all()
        self.explainer.cache.clear()

    @traitlets.observe("composite")
    def _note(self, change: Any) -> None:
        if isinstance(change["old"], Composite):
            self._drag = None
            self._remember([*self._past, change["old"]][-200:], [])

    @traitlets.observe("error")
    def _blame(self, change: Any) -> None:
        self._blamed = self._asked  # a page may be told off while it still waits for its first answer

    @traitlets.observe(*_PARTS)
    def _ask_again(self, change: Any) -> None:
        if change["name"] in ("strokes", "struck") and not (change["old"] and change["new"]):
            shown = self.answer if change["new"] else None
            self._unchanged = shown.target if shown and shown.question.item == self.item else None
        if change["name"] in ("layer", "channels") and not self.only:
            return  # these choose what is shown of the answer, and it is there already
        if self._quiet:
            return
        with self._quietly():
            for name, value in _STUCK.get(change["name"], {}).items():
                setattr(self, name, value)
        self._ask()

    @traitlets.observe("pins")
    def _ask_pins(self, change: Any) -> None:
        if len(self.pinned) != len(self.pins):  # they were set as they are
            self.pinned = (*self.pinned, *(None,) * len(self.pins))[: len(self.pins)]
        for number, pin in enumerate(self.pins):
            old = self.pinned[number]
            question = pin if pin.item is not None else pin.of(self.question)
            if question.item is not None and (old is None or old.question != question):
                self._ask_pin(number, pin, question)

    def _ask_pin(self, number: int, pin: Question, question: Question) -> None:
        def arrived(outcome: Answer | str) -> None:
            if number >= len(self.pins) or self.pins[number] is not pin or not self._is_here(question):
                return
            if isinstance(outcome, str):
                self.error = outcome
            else:
                self.pinned = (*self.pinned[:number], outcome, *self.pinned[number + 1 :])

        self.worker.submit(self._job(question, live=False), arrived, lane=1 + number)

    def _ask(self) -> None:
        question = self.question
        known = self.answer and self.answer.question == question and self._answered == self._asked
        if question.item is None or known:
            return
        self._asked += 1
        number = self._asked
        self.worker.later(_PATIENCE, lambda: self._still_waiting(number))
        self.worker.submit(self._job(question), lambda outcome: self._arrived(number, question, outcome))

    def _job(self, question: Question, *, live: bool = True) -> Callable[[], Answer | str | None]:
        """What the worker does: find the answer, or what went wrong as a sentence."""
        uploads, cancellations = self.uploads, self._cancellations
        said = 0.0

        def watch(progress: Progress) -> None:
            nonlocal said
            if self._cancellations > cancellations:
                raise Cancelled
            if live and self.busy and time.perf_counter() - said > _OFTEN:
                said = time.perf_counter()
                self.worker.at_home(lambda: self._report((progress.done, progress.total)))

        cancelled = "Cancelled: what you see is the answer before."
        return told(lambda: self._answering.answer(question, uploads, live=live), watch, cancelled)

    def _arrived(self, number: int, question: Question, outcome: Answer | str) -> None:
        newest = number == self._asked
        if isinstance(outcome, Answer) and self._is_here(question):  # else it was removed meanwhile
            if number > self._blamed:
                self.error = ""  # before the answer: a view that cannot show it may say so
            self.answer = outcome
            if self.pins:
                self._ask_pins(None)
        elif newest and isinstance(outcome, str):
            self.error = outcome
            self._step_back(question)
        self._answered = number
        self.worker.at_rest(SHELVES.settle, self._tell_memory)
        self._tell_memory()
        self.busy = self.busy and not newest
        if not self.busy:
            self.progress = ()

    def _is_here(self, question: Question) -> bool:
        return question.item is None or self.has(question.item)

    def _step_back(self, failed: Question) -> None:
        """Ask about what is on the screen again: a question that cannot be answered must not stay."""
        shown = self.answer.question if self.answer else self._begin
        if shown.item is None or failed == shown:
            return
        if not failed.only:  # what is looked at inside was not to blame
            shown = replace(shown, layer=failed.layer, channels=failed.channels)
        past = self._past if failed.composite == shown.composite else self._past[:-1]
        self._put(shown)
        self._remember(past, self._future)
        if not self.answer:
            error = self.error
            self._ask()
            self.error, self._blamed = error, self._asked

    def _tell_memory(self, _: None = None) -> None:
        self.memory = SHELVES.told()

    def _still_waiting(self, number: int) -> None:
        self.busy = self._answered < number

    def _report(self, progress: tuple[int, int | None]) -> None:
        if self.busy:
            self.progress = progress


def _check_parts(look: Any, pins: Any) -> None:
    """Raise ValueError if these parts of a state are not what they must be."""
    if not isinstance(look, dict):
        raise ValueError(f"The part 'look' of a state must be names and values, got {look!r}.")
    Look.from_dict(look)
    if not isinstance(pins, list) or len(pins) > MOST_PINS or not all(isinstance(pin, Mapping) for pin in pins):
        raise ValueError(f"The part 'pins' of a state must be a list of {MOST_PINS} states at most, got {pins!r}.")


def _without(items: tuple[Any, ...], number: int) -> tuple[Any, ...]:
    return items[:number] + items[number + 1 :]
