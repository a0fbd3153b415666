"""The picture and its relevance side by side: which pixels speak for the class, and which against it."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from .exploration import Exploration
from .view import View, script


class HeatmapView(View):
    """An input and the relevance of its pixels, summed over channels, on one printed scale.

    Relevance travels as raw float32; colours, gain, overlay, zoom and the value under the pointer are the
    browser's work alone and need no kernel.
    """

    _esm = script("heatmap")
    relevance = traitlets.Bytes(help="float32, row by row, summed over channels").tag(sync=True)
    picture = traitlets.Bytes(help="RGB, one byte each, row by row").tag(sync=True)
    size = traitlets.Tuple((0, 0), help="height and width in pixels").tag(sync=True)
    caption = traitlets.Dict(help="name of the input, class and score that are explained").tag(sync=True)
    gain = traitlets.Float(1.0, min=1.0, max=100.0, help="Brightens faint relevance.").tag(sync=True)
    overlay = traitlets.Float(0.0, min=0.0, max=1.0, help="How much of the input shines through.").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, **traits)
        self._drawn: Any = None
        self.follow(self._show, "answer")

    def _show(self) -> None:
        answer = self.exploration.answer
        if answer is None:
            return
        relevance = answer.explanation.relevance
        assert not isinstance(relevance, tuple)
        pixels = relevance[0].sum(0).float().cpu().numpy()
        subject = self.exploration.subject
        traits: dict[str, Any] = {
            "relevance": np.ascontiguousarray(pixels).tobytes(),
            "size": pixels.shape,
            "caption": {
                "name": answer.picture.name,
                "class": subject.class_name(answer.target),
                "score": answer.scores[answer.target],
                "chosen": self.exploration.target is not None,
            },
        }
        if answer.picture is not self._drawn:  # the picture is sent once, not with every move of a slider
            image = subject.to_image(answer.picture.x[0]).convert("RGB").resize(pixels.shape[::-1])
            traits["picture"] = image.tobytes()
            self._drawn = answer.picture
        self.draw(**traits)
