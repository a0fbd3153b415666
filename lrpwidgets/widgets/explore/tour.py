"""Three steps through the page, for somebody who sees it for the first time."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ...subjects import Stroke
from ..base import inside
from ..base.answers import Answer
from ..base.view import View, script, style
from .choice import opened
from .exploration import Exploration

_BRUSH = 8
"""The brush of the second step goes over so much of the smaller side: one of so many parts."""


_CHANGED = ("target", "than", "strokes", "layer", "channels", "only")
"""Parts of the question that the steps change."""


class Tour(View):
    """One class rather than another, painting, one channel: each step is done by a person, or for them.

    It is offered once; later the key ``t`` begins it.
    """

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(
        help="the best two classes by name (one, if there are no more), and which steps are done: than, paint, channel"
    ).tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, **traits)
        self._before: dict[str, Any] = {}
        self.follow(self._show, "answer", "layer", "channels", "only")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"begin": True}``; ``{"do": step}`` does what a step asks for; ``{"back": True}`` goes back to what was."""
        answer = self.shared.answer
        if answer is None:
            raise ValueError("Nothing is explained yet; look at an input first.")
        if message.get("begin"):
            self._before = {name: getattr(self.shared, name) for name in _CHANGED}
        elif message.get("back"):
            self.shared.ask(**self._before)
        else:
            self.shared.ask(
                **{"than": self._contrasted, "paint": self._painted, "channel": self._chosen}[message["do"]](answer)
            )

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None:
            return
        question = answer.question
        self.draw(
            state={
                "classes": [self.shared.subject.class_name(number, answer.shown) for number in _best(answer)],
                "than": question.than is not None,
                "paint": bool(question.strokes),
                "channel": bool(self.shared.channels),
            }
        )

    @staticmethod
    def _contrasted(answer: Answer) -> dict[str, Any]:
        """The best class rather than the second one."""
        best, second = _best(answer)
        return {"target": best, "than": second}

    @staticmethod
    def _painted(answer: Answer) -> dict[str, Any]:
        """Grey over the place that speaks for the class most."""
        height, width = answer.pixels.shape
        radius = max(0.5, min(height, width) / 2 / _BRUSH)
        y, x = np.unravel_index(int(np.argmax(np.nan_to_num(answer.pixels))), answer.pixels.shape)
        return {"strokes": (Stroke("grey", radius, ((float(x) + 0.5, float(y) + 0.5),)),)}

    def _chosen(self, answer: Answer) -> dict[str, Any]:
        """The map through the most relevant channel of the layer that is open."""
        name, _ = opened(self.shared)
        channel = int(inside.look(answer.whole, name).sums.argmax())
        return {"layer": name, "channels": (channel,), "only": True}


def _best(answer: Answer) -> list[int]:
    """The two classes with the highest scores, or the only one."""
    order: list[int] = np.argsort(-np.array(answer.scores), kind="stable")[:2].tolist()
    return order
