"""An input while it is taken away, part by part, in the order of each method that stands out."""

from __future__ import annotations

from typing import Any

import traitlets

from ..base.view import View, script, style
from .referee import STEPS, Referee
from .rows import title


class FlipView(View):
    """A slider over the points of the curves, and what is left of one input there; what flipped parts become."""

    shared: Referee
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="point, points, share, fill, fills, words, class").tag(sync=True)
    parts: traitlets.List[Any] = traitlets.List(help="method, order, probability, mark of each input").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width of pictures").tag(sync=True)
    pictures = traitlets.Bytes(help="uint8, RGB, picture by picture").tag(sync=True)
    texts: traitlets.List[Any] = traitlets.List(help="words of texts").tag(sync=True)

    def __init__(self, referee: Referee, **traits: Any) -> None:
        super().__init__(referee, **traits)
        self.follow(self._tell, "cut", "fill", "column", "looked", "target", "than", "answer")
        self.follow(self._show, "taken", "marked")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"cut": 3}``, ``{"fill": "zero"}`` or ``{"next": true}``: the next of the inputs that are shown."""
        referee = self.shared
        if "cut" in message:
            referee.cut = max(0, min(STEPS, int(message["cut"])))
        elif "fill" in message:
            referee.ask(fill=message["fill"])
        elif "next" in message:
            referee.column = (referee.column + 1) % max(1, len(referee.items))

    def _tell(self) -> None:
        referee, looked = self.shared, self.shared.looked
        found = referee.answer
        taken = next(iter(found.gains.values())).most.taken if found is not None else None
        share = referee.cut / STEPS if taken is None else float(taken[min(referee.cut, len(taken) - 1)])
        there = looked is not None and referee.column < len(looked.said)
        label = looked.said[referee.column] if there and referee.target is None else referee.target
        self.draw(
            state={
                "cut": referee.cut,
                "cuts": STEPS if taken is None else len(taken) - 1,
                "share": share,
                "fill": referee.fill,
                "fills": list(referee.kind.fills),
                "words": dict(referee.drawing.words),
                "class": "" if label is None else referee.contrast(label),
            }
        )

    def _show(self) -> None:
        referee = self.shared
        marks = {name: place for place, name in enumerate(referee.marked)}
        self.draw(
            parts=[
                {
                    "title": title(each.method),
                    "order": each.order,
                    "p": each.left,
                    "mark": marks.get(each.method),
                }
                for each in referee.taken
            ],
            **referee.drawing.left([each.shown for each in referee.taken]),
        )
