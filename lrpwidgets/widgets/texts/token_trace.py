"""Relevance of each word at each layer, from the output down."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ..base.view import View, script, style
from ..explore import Exploration
from .columns import Columns
from .trace import TOKENS, trace


class TokenTrace(View):
    """Layers as rows, words as columns: where relevance is on its way from the score to the words.

    A row holds all relevance of its depth; what it lost on the way to the next is said beside it. A click on a row
    opens that layer.
    """

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    rows: traitlets.List[Any] = traitlets.List(help="label, layer and Σ R of each row, from the output down").tag(
        sync=True
    )
    columns: traitlets.List[Any] = traitlets.List(help="name, word and whether it is a sink, of each column").tag(
        sync=True
    )
    relevance = traitlets.Bytes(help="float32, row by row").tag(sync=True)
    opened = traitlets.Unicode(help="name of the layer that is open").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, **traits)
        self.follow(self._show, "answer", "error")
        self.follow(self._mark, "layer")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"open": name}`` opens a layer."""
        self.shared.ask(layer=message["open"], channels=(), only=False)

    def _mark(self) -> None:
        self.draw(opened=self.shared.layer or "")

    def _show(self) -> None:
        answer = self.shared.answer
        if answer is None or answer.shown.text is None:
            self.draw(rows=[], columns=[], relevance=b"")
            return
        found, columns = trace(answer.explanation, answer.tokens), Columns(answer.shown.text)
        summed = np.ascontiguousarray(columns.summed(found.relevance))
        names = ["" if name == TOKENS else name for name in found.layers]
        rows = zip(found.labels, names, summed.sum(1).tolist(), strict=True)
        self.draw(rows=[list(row) for row in rows], columns=columns.described, relevance=summed.tobytes())
