"""Heads of attention: what each is worth, and silence for those that matter least.

A head's score is the relevance of its slice of what attention hands to its output projection. Heads cannot be cut: how
many there are is written into the modules' code. A head is silenced by zeros in the columns of the output projection
that read it; training would fill them again.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import partial

from torch import Tensor

from ..lrp import Composite, Explainer
from ..lrp.call import tensors
from ..lrp.hooks import copied
from ..lrp.operations import key
from ..lrp.rules import Rule
from ..lrp.tape import Tape
from ..progress import Watcher, listening
from ..subjects import Samples, Subject
from .cutting import silence_columns
from .repaired import Repair, Repaired, repaired
from .scoring import UnitScores, labels_of, references, summed


@dataclass(frozen=True)
class _Attention:
    """Where the heads of a module are."""

    output: str
    """The step that makes (B, heads, positions, width)."""
    heads: int
    projection: str
    """The parameter that reads them, (features, heads · width)."""


def head_scores(
    subject: Subject,
    *,
    samples: int = 10,
    composite: str | Composite | Rule = "auto",
    absolute: bool = False,
    data: Samples | None = None,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> UnitScores:
    """The relevance of each head of each attention, by the name of the attention's module.

    Parameters
    ----------
    samples, absolute, data, seed
        Of the reference samples: see :func:`unit_scores`.
    composite
        Rules; by default those for the family of the network.
    progress
        See :mod:`lrpwidgets.progress`.

    Raises
    ------
    ValueError
        If the model has no attention with heads, or there are no labelled samples.
    """
    started = time.perf_counter()
    source, labels = labels_of(subject, data)
    rows = references(labels, samples, seed, "relevance")
    explainer = Explainer(subject.model, composite, select=subject.select)
    found = _attentions(explainer.record(source[rows[0]][0][None]))
    with listening(progress) as tell:
        of = partial(_relevance, explainer, found, absolute)
        scores = summed(of, source, labels, rows, "relevance of heads", tell)
    return UnitScores("relevance", scores, rows, time.perf_counter() - started)


def silence_heads(subject: Subject, heads: Mapping[str, Sequence[int]]) -> Repaired:
    """The subject with a model in which some `heads` say nothing: by the name of their module, their numbers.

    Raises
    ------
    ValueError
        If there is no such attention or head, or none is named.
    """
    started = time.perf_counter()
    if not len(subject.dataset):
        raise ValueError("The subject has no inputs, and one is needed to see where its heads are.")
    known = _attentions(subject.explainer().record(subject.item(0)[0][None]))
    columns = {}
    for name, numbers in heads.items():
        if name not in known:
            raise ValueError(f"There is no attention {name!r}; there are {', '.join(known)}.")
        where = known[name]
        if wrong := [each for each in numbers if not 0 <= each < where.heads]:
            raise ValueError(f"{name!r} has the heads 0 to {where.heads - 1}, there is no {wrong[0]}.")
        columns[where.projection] = {"of": where.heads, "silent": sorted(int(each) for each in set(numbers))}
    if not any(each["silent"] for each in columns.values()):
        raise ValueError("No head is named that is to be silent, as in {'encoder.layers.0.self_attention': [2]}.")
    made = copied(subject.model)
    silence_columns(made, columns)
    count = sum(len(numbers) for numbers in heads.values())
    said = (
        f"{count} heads say nothing: their columns of the output projection are 0. The model is as large as before, as "
        "heads cannot be cut, and training would fill them again.",
    )
    structure = {"kind": "pruning", "cut": {}, "masked": {}, "heads": columns}
    settings = {"heads": {name: [int(each) for each in numbers] for name, numbers in heads.items()}}
    seconds = time.perf_counter() - started
    return repaired(subject, made, Repair("pruning", settings, structure, said, seconds=seconds))


def _attentions(tape: Tape) -> dict[str, _Attention]:
    """By module: the last product of two values in it with an axis of heads, and the dense step that follows."""
    found: dict[str, _Attention] = {}
    makers = {step.module: step for step in tape.steps if step.kind == "matmul" and _heads(tape, step.results[0])}
    for module, step in makers.items():
        later = tape.steps[tape.steps.index(step) + 1 :]
        within = (each for each in later if each.kind == "linear" and each.module.startswith(module))
        after = next((each for each in within if key(each.function) == "linear"), None)
        weights = [] if after is None else [each for each in tensors((after.args, after.kwargs)) if each.dim() == 2]
        name = tape.name_of(weights[0]) if weights else None
        heads = _heads(tape, step.results[0])
        if name is not None and weights[0].shape[1] % heads == 0:
            found[module] = _Attention(step.name, heads, name)
    if not found:
        raise ValueError("The model has no attention whose heads have an axis of their own, before a projection.")
    return found


def _heads(tape: Tape, value: int | None) -> int:
    """How many heads a value (B, heads, positions, width) has; 0 if it has other axes."""
    shape = () if value is None else tape.values[value].saved.shape
    return shape[1] if len(shape) == 4 else 0


def _relevance(
    explainer: Explainer, known: Mapping[str, _Attention], absolute: bool, inputs: Tensor, labels: Tensor
) -> dict[str, Tensor]:
    explanation = explainer.explain(inputs, labels.tolist(), keep="all")
    found = {}
    for name, where in known.items():
        relevance = explanation[where.output].relevance.sum((2, 3)).double()
        each = relevance.reshape(len(inputs), -1, where.heads).sum(1).cpu()  # a window is a part of a sample
        found[name] = (each.abs() if absolute else each).sum(0)
    return found
