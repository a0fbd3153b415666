"""Relevance of each token at each depth, from the output down."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from ...lrp import Explanation
from ...lrp.explanation import Layer
from ...readable import Readable

TOKENS = "tokens"
"""The row of the input itself."""

_SAME = 1e-4
"""Share of the largest relevance by which a row must differ from the one before to be another."""


@dataclass(frozen=True, eq=False, repr=False)
class Trace(Readable):
    """Rows of relevance, one for each depth."""

    layers: list[str]
    """The layer at whose output a row is, by name, from the output down; `TOKENS` at the end."""
    labels: list[str]
    """What each is called."""
    relevance: NDArray[np.float32]
    """Of each token at each depth, (rows, T), in units of the score."""


def trace(explanation: Explanation, tokens: NDArray[np.float32]) -> Trace:
    """What is left of the score at each depth of a network that keeps an axis of tokens, by token.

    The rows are at layers that everything passes (see :attr:`lrpwidgets.lrp.Explanation.cuts`): the sums between
    blocks where there are some, else all of them. So each row holds all relevance of its depth, and what differs
    between the sums of two rows is in the ledger.

    Parameters
    ----------
    explanation
        Of a batch of one.
    tokens
        Relevance of the input, (T,).
    """
    at = {layer.name: number for number, layer in enumerate(explanation.layers)}
    cuts = [explanation.layers[at[name]] for name in explanation.cuts]
    kept = [layer for layer in cuts if _axis(layer, len(tokens)) and layer.kind not in ("routing", "unknown")]
    if any(layer.kind == "sum" for layer in kept):
        kept = [layer for layer in kept if layer.kind in ("sum", "embedding")]
    rows = [_by_token(layer, len(tokens)) for layer in kept]
    other = [number == 0 or _differ(rows[number - 1], rows[number]) for number in range(len(rows))]
    new = [number for number, layer in enumerate(kept) if other[number] or layer.kind == "sum"]
    if new and not _differ(rows[new[0]], tokens):
        del new[0]  # tokens have the relevance of their embeddings
    layers = [kept[number] for number in new][::-1]
    labels = _labels([(layer, explanation.layers[at[layer.name] - 1].name) for layer in layers])
    found = [*(rows[number] for number in new[::-1]), tokens]
    return Trace([*(layer.name for layer in layers), TOKENS], [*labels, TOKENS], np.stack(found).astype(np.float32))


def _axis(layer: Layer, tokens: int) -> int:
    """The axis of the tokens; 0 if there is none."""
    if len(layer.shape) != 3:
        return 0
    return 1 if layer.shape[1] == tokens else 2 if layer.shape[2] == tokens else 0


def _by_token(layer: Layer, tokens: int) -> NDArray[np.float32]:
    found: NDArray[np.float32] = layer.relevance[0].sum(2 - _axis(layer, tokens)).float().numpy(force=True)
    return found


def _differ(one: NDArray[np.float32], other: NDArray[np.float32]) -> bool:
    return bool(np.abs(one - other).max() > _SAME * max(np.abs(one).max(), np.abs(other).max()))


def _labels(rows: Sequence[tuple[Layer, str]]) -> list[str]:
    """Modules in which sums are, and where several are in one that whose output is added; else names of layers.

    Each row is a layer and the name of the one before it. A sum alone in no module has its own name.
    """
    modules = [layer.name.rpartition(".")[0] if layer.kind == "sum" else layer.name for layer, _ in rows]
    count = Counter(modules)
    told = [
        module if count[module] == 1 else ".".join(added.split(".")[: module.count(".") + 2])
        for module, (_, added) in zip(modules, rows, strict=True)
    ]
    split = [each.split(".") for each in told if each]
    above = zip(*(each[:-1] for each in split), strict=False)
    shared = sum(1 for _ in takewhile(lambda parts: len(set(parts)) == 1, above))
    short = iter(".".join(each[shared - (shared > 0 and each[shared].isdigit()) :]) for each in split)
    return [next(short) if each else layer.name for each, (layer, _) in zip(told, rows, strict=True)]
