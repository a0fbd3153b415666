"""A picture while it is taken away, region by region, in the order of each method that stands out."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ..base.view import View, script, style
from .question import FILLS
from .referee import STEPS, Referee
from .rows import title

SIDE = 128
"""Most pixels along a side of a picture."""


class FlipView(View):
    """A slider over the points of the curves, and what is left of one input there; what flipped regions become."""

    shared: Referee
    _esm = script(__file__)
    _css = style(__file__)
    state = traitlets.Dict(help="point, points, share, fill, fills, input, class").tag(sync=True)
    parts: traitlets.List[Any] = traitlets.List(help="method, order, probability, mark of each picture").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width of the pictures").tag(sync=True)
    pictures = traitlets.Bytes(help="uint8, RGB, picture by picture").tag(sync=True)

    def __init__(self, referee: Referee, **traits: Any) -> None:
        super().__init__(referee, **traits)
        self.follow(self._tell, "cut", "fill", "column", "looked", "target", "answer")
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
                "fills": list(FILLS),
                "class": "" if label is None else referee.class_name(label),
            }
        )

    def _show(self) -> None:
        referee = self.shared
        images = [each.image.convert("RGB") for each in referee.taken]
        share = min(1.0, SIDE / max(images[0].size)) if images else 1.0
        small = [
            np.asarray(each.resize((max(1, round(each.width * share)), max(1, round(each.height * share))), 0))
            for each in images
        ]
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
            size=small[0].shape[:2] if small else (0, 0),
            pictures=b"".join(each.tobytes() for each in small),
        )
