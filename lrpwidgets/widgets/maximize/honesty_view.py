"""What a made-up picture has in common with real inputs, and what not: it never stands alone."""

from __future__ import annotations

import math
from typing import Any

import traitlets

from ..base.charts import told
from ..base.view import View, script, style
from .studio import Studio


class HonestyView(View):
    """The sentence that says whether it is a natural input, its nearest real one, and what shifts leave of it."""

    shared: Studio
    _esm = script(__file__)
    _css = style(__file__)
    pixels = traitlets.Bytes(help="uint8, RGB of the nearest real input").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="its height and width").tag(sync=True)
    state = traitlets.Dict(help="step, sentence, natural, name of the nearest, facts as words and figures").tag(
        sync=True
    )

    def __init__(self, state: Studio, **traits: Any) -> None:
        super().__init__(state, **traits)
        self.follow(self._show, "judged", "moment", "looked")

    def _show(self) -> None:
        studio, judged, moment = self.shared, self.shared.judged, self.shared.seen
        if judged is None or moment is None:
            return
        honesty, nearest = judged.honesty, judged.nearest
        facts = [[words, figure, rest] for words, figure, rest in facts_of(honesty)]
        self.draw(
            pixels=b"" if nearest is None else nearest.tobytes(),
            size=(0, 0) if nearest is None else nearest.shape[:2],
            state={
                "step": judged.step,
                "behind": judged.step != moment.step,
                "sentence": honesty.sentence,
                "name": judged.name,
                "facts": facts,
                "says": says(studio, honesty),
            },
        )


def says(studio: Any, honesty: Any) -> str:
    """What the network says of the picture, whatever was wished for."""
    return str(studio.subject.class_name(honesty.explanation.top_class))


def facts_of(honesty: Any) -> list[tuple[str, str, str]]:
    """Words, figure and words again of each fact beside the sentence."""
    facts = []
    if honesty.nearest >= 0 and math.isfinite(honesty.distance):
        usual = float(honesty.distances.median()) if len(honesty.distances) else float("nan")
        facts.append(("distance ", told(honesty.distance), f", usual among real inputs {told(usual)}"))
    if math.isfinite(honesty.under_shifts):
        real = honesty.under_shifts_real
        beside = f"; of the strongest real inputs {real:.0%}".replace("-", "−") if math.isfinite(real) else ""
        facts.append(("left under shifts ", f"{honesty.under_shifts:.0%}".replace("-", "−"), beside))
    return facts
