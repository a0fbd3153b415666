"""Finds the channels that matter in an input, and how relevance flows through them, on a thread beside the film's."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

from ...lrp import Cancelled
from ..base import inside
from ..base.answers import Answer, Answering
from ..base.inputs import Upload
from ..base.question import Question
from ..base.sentences import told
from .concepts import Concepts, concepts, where
from .flow import Flow, flow
from .pictures import pixels
from .wishing import Wishing

_PATIENCE = 0.2
"""Seconds before it counts as waiting."""

_CANCELLED = "Cancelled: what you see is the input before."

FLOW = 1
"""Lane of the worker: channels go before the flow through them."""


class Finder:
    """Looks inside the input of a studio whenever the wish says another one, or another layer."""

    def __init__(self, studio: Wishing) -> None:
        self._studio = studio
        self._answering = Answering(studio.subject, studio.explainer)
        self._wanted: tuple[Any, ...] = ()
        self._cancellations = 0
        self._answer: Answer | None = None
        self._follows = False

    def look(self) -> None:
        """Look again, if anything else is asked for."""
        studio = self._studio
        wanted = (studio.item, studio.layer, studio.number)
        if studio.item is None or wanted == self._wanted:
            return
        self._wanted = wanted
        studio.worker.later(_PATIENCE, lambda: self._still_waiting(wanted))
        shown, uploads = studio.concepts, studio.uploads
        job = told(lambda: self._find(*wanted, shown, uploads), self._watch(), _CANCELLED)
        studio.worker.submit(job, lambda found: self._arrived(wanted, found))

    def read(self, upload: Upload) -> str:
        """Decode a picture from outside on the worker; what is to be said of it, raises what its decoder raises."""
        return self._answering.read(upload)

    def decode(self, upload: Upload) -> None:
        """Decode a picture from outside here and now; raises what its decoder raises."""
        self._answering.decoded(upload)

    def forget(self, item: int) -> None:
        """Let go, on the worker, of what is kept of an input."""
        self._answering.forget(item)
        if self._answer is not None and self._answer.question.item == item:
            self._answer = None

    def follow(self) -> None:
        """Somebody looks: find out how relevance flows, now and in whatever is looked at next."""
        if not self._follows:
            self._follows = True
            self._follow()

    def cancel(self) -> None:
        """End the look that is under way."""
        self._cancellations += 1

    def _watch(self) -> Callable[..., None]:
        """What ends a computation once something else is wanted."""
        cancellations, wanted = self._cancellations, self._wanted

        def watch(*_: Any) -> None:
            if self._cancellations > cancellations or self._wanted != wanted:
                raise Cancelled

        return watch

    def _find(
        self, item: int, layer: str | None, number: int, shown: Concepts | None, uploads: tuple[Upload, ...]
    ) -> tuple[Answer, Concepts]:
        """On the worker."""
        answer = self._answering.answer(Question(item, self._studio.composite), uploads)
        return answer, self._inside(answer, item, layer, number, shown)

    def _inside(self, answer: Answer, item: int, layer: str | None, number: int, shown: Concepts | None) -> Concepts:
        """What is to be seen of an input; of what is `shown` of the same one, the channels stay for another class."""
        whole, picture = answer.whole, pixels(self._studio.subject, answer.image)
        known = shown is not None and shown.item == item
        name = layer if layer is not None else shown.layer if known and shown else inside.default(whole)
        channel = number if layer is not None else None
        if known and shown and shown.layer == name and channel in {None, *(each.channel for each in shown.concepts)}:
            listed = shown.concepts
        else:
            listed = tuple(concepts(whole, name, channel))
        sums = inside.look(whole, name).sums.numpy(force=True)
        return Concepts(
            name,
            whole.top_class,
            listed,
            item,
            picture,
            answer.shown.name,
            where(whole, layer, number, listed),
            sums,
        )

    def _arrived(self, wanted: tuple[Any, ...], found: tuple[Answer, Concepts] | str) -> None:
        if wanted != self._wanted:
            return
        studio = self._studio
        studio.wait_for(self, "")
        if isinstance(found, str):
            studio.error = studio.error or found
            return
        self._answer, listed = found
        studio.listen(self._answer, listed)
        self._follow()

    def _follow(self) -> None:
        """Find out how relevance flows through the channels that are listed, unless that is known."""
        studio, answer, listed = self._studio, self._answer, self._studio.concepts
        if self._follows and answer is not None and listed is not None and studio.flow is None:
            job = told(lambda: flow(answer.whole, listed.layer, listed.channels), self._watch())
            studio.worker.submit(job, partial(self._followed, listed), lane=FLOW)

    def _followed(self, listed: Concepts, found: Flow | str | None) -> None:
        studio = self._studio
        if listed is not studio.concepts:
            return
        if isinstance(found, str):
            studio.error = studio.error or found
        elif found is not None:
            studio.flow = found

    def _still_waiting(self, wanted: tuple[Any, ...]) -> None:
        shown = self._studio.concepts
        if wanted == self._wanted and (shown is None or shown.item != wanted[0]):
            self._studio.wait_for(self, "looking inside")
