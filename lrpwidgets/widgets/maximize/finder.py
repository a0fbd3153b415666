"""Finds the channels that matter in an input, on a thread beside that of the film."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ...lrp import Cancelled, watched
from ..answers import Answer, Answering
from ..exploration import sentence
from ..inside import default
from ..presets import preset, suiting
from ..question import Question
from .concepts import Concepts, concepts
from .reel import pixels

if TYPE_CHECKING:
    from .state import Studio

_PATIENCE = 0.2
"""Seconds before it counts as waiting."""


class Finder:
    """Looks inside the input of a studio whenever the wish says another one, or another layer."""

    def __init__(self, studio: Studio) -> None:
        self._studio = studio
        self._answering = Answering(studio.subject, studio.explainer)
        self._composite = preset(studio.subject, suiting(studio.subject))
        self._wanted: tuple[Any, ...] = ()
        self._cancellations = 0

    def look(self) -> None:
        """Look again, if anything else is asked for."""
        studio = self._studio
        item, layer = studio.item, studio.layer
        number = studio.number if layer is not None else None
        wanted = (item, layer, number)
        if item is None or wanted == self._wanted:
            return
        self._wanted, shown = wanted, studio.concepts
        if shown is not None and layer is None and shown.item == item:
            return  # the channels that were listed for a class stay
        studio.worker.later(_PATIENCE, lambda: self._still_waiting(wanted))
        studio.worker.submit(lambda: self._find(item, layer, number), lambda found: self._arrived(wanted, found))

    def cancel(self) -> None:
        """End the look that is under way."""
        self._cancellations += 1

    def _find(self, item: int, layer: str | None, number: int | None) -> tuple[Answer, Concepts] | str:
        """On the worker."""
        cancellations, wanted = self._cancellations, self._wanted

        def watch(*_: Any) -> None:
            if self._cancellations > cancellations or self._wanted != wanted:
                raise Cancelled

        try:
            with watched(watch):
                answer = self._answering.answer(Question(item, self._composite))
                whole, subject = answer.whole, self._studio.subject
                name = layer if layer is not None else default(whole)
                listed = tuple(concepts(whole, name, number))
                picture = pixels(subject, answer.picture.x[0])
                return answer, Concepts(name, whole.top_class, listed, item, picture)
        except Cancelled:
            return "Cancelled: what you see is the input before."
        except Exception as error:
            return sentence(error)

    def _arrived(self, wanted: tuple[Any, ...], found: tuple[Answer, Concepts] | str) -> None:
        if wanted != self._wanted:
            return
        studio = self._studio
        studio.wait_for(self, "")
        if isinstance(found, str):
            studio.error = studio.error or found
            return
        answer, listed = found
        studio.know(answer.whole)
        studio.concepts = listed

    def _still_waiting(self, wanted: tuple[Any, ...]) -> None:
        shown = self._studio.concepts
        if wanted == self._wanted and (shown is None or shown.item != wanted[0]):
            self._studio.wait_for(self, "looking inside")
