"""The inputs as a strip: choose one, sift them by what the network says, bring your own."""

from __future__ import annotations

import itertools
import json
import time
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any

import traitlets

from ...subjects.modality import modality_of
from ..base.inputs import Arrivals
from ..base.question import is_window
from ..base.view import View, script, style
from .exploration import Exploration
from .survey import Findings, Survey

_QUICK = 0.05
"""Seconds that a question waits for the background at most, where the model allows it."""

_OFTEN = 0.2
"""Seconds between two messages on what was found out."""

_MOST = 128
"""Inputs that are given to the model at once."""

_FEW = 4
"""Thumbnails that are made before a question may go first."""

_WAITING = 200
"""Thumbnails that wait; whoever scrolls on no longer wants the others."""

_lanes = itertools.count(1000)  # one for each strip, behind all questions


class InputStrip(View):
    """A row of thumbnails with what the network says of each; wrong predictions are marked.

    However many inputs there are, the browser holds those in view. It asks for their thumbnails; what the network
    says of all of them is found out in the background, whenever no question waits, from those in view on.
    """

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    chosen = traitlets.Int(None, allow_none=True, help="index of the input that is shown").tag(sync=True)
    total = traitlets.Int(help="number of inputs, samples and then uploads, removed ones too").tag(sync=True)
    samples = traitlets.Int(help="number of samples").tag(sync=True)
    removed: traitlets.List[Any] = traitlets.List(help="indices of uploads that were removed").tag(sync=True)
    refused: traitlets.List[Any] = traitlets.List(help="why files of the newest bunch are not here").tag(sync=True)
    framing = traitlets.Dict(help="name, size and numbers of an upload, and what is seen of them").tag(sync=True)
    classes: traitlets.List[Any] = traitlets.List(help="name of each class; may be empty").tag(sync=True)
    brought = traitlets.Unicode("picture", help="what an input is: a picture or a text").tag(sync=True)
    takes_uploads = traitlets.Bool(help="whether inputs from outside can be looked at").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        subject = exploration.subject
        modality = modality_of(subject)
        fixed = {"classes": list(subject.classes), "samples": len(subject.dataset)}
        fixed |= {"brought": modality.brought, "takes_uploads": modality.takes(subject)}
        super().__init__(exploration, **fixed, **traits)
        self._survey = Survey(exploration)
        self._names: list[str] = []
        self._told: list[Findings] = []
        self._untold: list[Findings] = []
        self._last = 0.0
        self._first = exploration.item or 0  # of the inputs in view
        self._wanted: list[int] = []
        self._lane = next(_lanes)
        self._arrivals = Arrivals(exploration)
        self._making = self._looking = self._more = self._closed = False
        self.follow(self._count, "uploads")
        self.follow(self._mark, "item")
        self.follow(self._refuse, "refused")
        self.follow(self._frame, "answer", "fit")

    def close(self) -> None:
        """Stop looking at inputs and disappear from the page."""
        self._closed = True
        super().close()

    @property
    def findings(self) -> Findings:
        """What was found out so far, in the order in which it was."""
        return Findings.joined([Findings.of([], {}, {}), *self._told, *self._untold])

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person or the script wants.

        ``{"item": 5}``: look at another input. ``{"remove": 5}``: let go of an upload. ``{"fit": True}``:
        see uploads as a whole. ``{"window": [40, 400]}``: level and width of what is seen. ``{"thumbnails": [3, 4]}``:
        those in view. ``{"everything": True}``: all that is known, for a page that was just opened.
        ``{"typed": text}``: look at a text that was pasted. All else is of files from outside.
        """
        if "item" in message:
            self.shared.item = message["item"]
        elif "remove" in message:
            self.shared.remove(message["remove"])
        elif "fit" in message:
            self.shared.fit = message["fit"]
        elif "window" in message:
            self._window(message["window"])
        elif "typed" in message:
            self.shared.read(message["typed"])
        elif "thumbnails" in message:
            self._want(message["thumbnails"])
        elif "everything" in message:
            self._tell_everything()
        else:
            self._arrivals.hear(message, buffers)

    def _mark(self) -> None:
        self.draw(chosen=self.shared.item)

    def _frame(self) -> None:
        """Say what the network sees of the upload that is shown."""
        answer = self.shared.answer
        framing: dict[str, Any] = {}
        if answer is not None and (answer.shown.seen or answer.shown.window):
            shown, question = answer.shown, answer.question
            framing = {"name": shown.name, "seen": shown.seen and list(shown.seen), "fit": self.shared.fit}
            framing |= {"window": shown.window and list(shown.window), "chosen": question.window is not None}
        self.draw(framing=framing)

    def _window(self, window: Any) -> None:
        """Look at other numbers of an upload: level and width, or None for those that its file says."""
        if not is_window(window):
            raise ValueError(f"A window has a level and a width above 0, got {window!r}.")
        self.shared.window = None if window is None else tuple(map(float, window))

    def _refuse(self) -> None:
        self.draw(refused=list(self.shared.refused))

    # -- how many, and their names ---------------------------------------------------------------------------------

    def _count(self) -> None:
        """There are other inputs than before: more, or some that were removed."""
        exploration, known, samples = self.shared, self._names, self.samples
        ours = known[:samples] or [self._name(index) for index in range(samples)]
        self._names = [*ours, *(upload.name for upload in exploration.uploads)]
        self.draw(total=exploration.count, removed=list(exploration.removed))
        if self._names != known:
            self._tell_names(samples if known else 0)
        self._look()

    def _name(self, index: int) -> str:
        try:
            return self.shared.name(index)
        except Exception:  # a list of names that is too short must not hide the inputs
            return f"sample {index}"

    def _tell_names(self, start: int) -> None:
        self.send({"names": start}, [json.dumps(self._names[start:]).encode()])

    # -- what the network says -------------------------------------------------------------------------------------

    def _look(self) -> None:
        self._more = self._looking
        if not self._looking:
            self._looking = True
            self.shared.worker.when_idle(self._look_at_all())

    def _look_at_all(self) -> Iterator[Callable[[], None]]:
        """On the worker: look at as many inputs at a time as is quick, and yield how to tell of them."""
        size = 1
        while not self._closed and len(batch := self._survey.left(self._first)[:size]):
            started = time.perf_counter()
            findings = self._survey.look(batch)
            took = time.perf_counter() - started
            size = min(2 * size, _MOST) if took < _QUICK / 2 else max(size // 2, 1) if took > _QUICK else size
            yield partial(self._note, findings)
        yield self._rest

    def _rest(self) -> None:
        self._tell()
        self._looking = False
        if self._more:
            self._look()  # at an upload that came just now

    def _note(self, findings: Findings) -> None:
        self._untold.append(findings)
        if time.perf_counter() - self._last > _OFTEN:
            self._tell()

    def _tell(self) -> None:
        """Tell the browser what is new."""
        if self._untold:
            new, self._untold = Findings.joined(self._untold), []
            self._told.append(new)
            self._last = time.perf_counter()
            self._send_findings(new)

    def _tell_everything(self) -> None:
        self._told, self._untold = [self.findings], []
        self._tell_names(0)
        self._send_findings(self._told[0])

    def _send_findings(self, findings: Findings) -> None:
        told = {"problems": list(findings.problems.items()), "called": list(findings.called.items())}
        self.send(told, findings.buffers())

    # -- thumbnails ------------------------------------------------------------------------------------------------

    def _want(self, indices: list[int]) -> None:
        self._first = min(indices, default=self._first)
        wanted = [index for index in indices if 0 <= index < self.shared.count]
        self._wanted = list(dict.fromkeys([*wanted, *self._wanted]))[:_WAITING]
        self._make()

    def _make(self) -> None:
        """Have the next few thumbnails made, if none are just being made."""
        if self._wanted and not self._making and not self._closed:
            self._making = True
            few, self._wanted = self._wanted[:_FEW], self._wanted[_FEW:]
            self.shared.worker.submit(partial(self._survey.show, few), self._made, lane=self._lane)

    def _made(self, result: tuple[dict[int, bytes], Findings]) -> None:
        thumbnails, findings = result
        self._making = False
        self.send({"thumbnails": list(thumbnails)}, list(thumbnails.values()))
        if len(findings.index):
            self._untold.append(findings)
            self._tell()
        self._make()
