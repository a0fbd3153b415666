"""Heads of attention: the relevance that each hands on, and which words it has that from."""

from __future__ import annotations

from functools import partial
from typing import Any

import numpy as np
import traitlets

from ...lrp import Explanation
from ...lrp.batch import unpacked
from ..base.answers import Answer
from ..base.sentences import sentence
from ..base.view import View, script, style
from ..explore import Exploration
from .columns import Columns

_LANE = 900_001
"""Of the worker, behind all questions."""

_WORDS = 6
"""From which a head has most."""

Heads = dict[str, list[float]]
"""Relevance of each head, by the layer that makes (1, heads, T, width)."""


def heads(explanation: Explanation, tokens: int) -> Heads:
    """The relevance of each head of each attention over `tokens`, from the output down."""
    found: Heads = {}
    layers = [layer for layer in explanation.layers if layer.kind == "matmul" and len(layer.shape) == 4]
    last = {layer.name.rpartition(".")[0]: layer for layer in layers if layer.shape[2] == tokens}
    for layer in reversed(last.values()):
        found[layer.name] = layer.relevance[0].sum((1, 2)).tolist()
    return found


class HeadMatrix(View):
    """Attention by attention, head by head; a click on a head shows where its relevance comes from."""

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    matrix: traitlets.List[Any] = traitlets.List(help="[layer, [relevance of each head]], from the output down").tag(
        sync=True
    )
    chosen: traitlets.List[Any] = traitlets.List(help="layer and head; empty if none is").tag(sync=True)
    only = traitlets.Bool(help="whether only relevance through it counts").tag(sync=True)
    words: traitlets.List[Any] = traitlets.List(help="[word, its number, relevance through the head]").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        super().__init__(exploration, **traits)
        self.follow(self._show, "answer", "error")
        self.follow(self._mark, "layer", "channels", "only", "answer")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"head": [layer, 3]}`` chooses one, None none; ``{"only": True}`` lets only relevance through it count."""
        if "only" in message:
            self.shared.ask(only=bool(message["only"]))
        elif message["head"] is None:
            self.shared.ask(channels=(), only=False)
        else:
            layer, head = message["head"]
            self.shared.ask(layer=layer, channels=(int(head),))

    def _show(self) -> None:
        answer = self.shared.answer
        found = {} if answer is None else heads(answer.whole, len(answer.tokens))
        self.draw(matrix=[[name, relevance] for name, relevance in found.items()])

    def _mark(self) -> None:
        layer, channels, answer = self.shared.layer, self.shared.channels, self.shared.answer
        if answer is None or layer is None or layer not in dict(self.matrix) or len(channels) != 1:
            self.draw(chosen=[], only=False, words=[])
            return
        chosen = [layer, channels[0]]
        self.draw(chosen=chosen, only=self.shared.only, words=self.words if chosen == self.chosen else [])
        job = partial(_told, answer, layer, channels[0])
        self.shared.worker.submit(job, partial(self._came, chosen), lane=_LANE)

    def _came(self, chosen: list[Any], words: list[list[Any]] | str) -> None:
        if isinstance(words, str):
            self.shared.error = words
        elif chosen == self.chosen:
            self.draw(words=words)


def _told(answer: Answer, layer: str, head: int) -> list[list[Any]] | str:
    """The words with most relevance through a head, or what went wrong."""
    try:
        through = answer.whole.condition({layer: [head]})
    except ValueError as error:
        return sentence(error)
    assert answer.shown.text is not None
    columns = Columns(answer.shown.text)
    tokens = answer.modality.drawn(unpacked(through.relevance)).tokens
    assert tokens is not None
    sums = columns.summed(tokens)
    most = np.argsort(-np.abs(sums), kind="stable")[:_WORDS]
    return [[columns.described[at]["name"], columns.words[at], float(sums[at])] for at in most.tolist()]
