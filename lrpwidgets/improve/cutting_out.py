"""Pruning as a repair: the channels that carry an artefact go, those of which its relevance is most."""

from __future__ import annotations

import time
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from ..lrp import Composite, Explainer
from ..progress import Progress, Watcher, listening
from ..spray.poison import Suspect, of_other_classes
from ..subjects import Subject
from .proof import right
from .pruning import prune
from .repaired import Repaired
from .repairs import usable
from .scoring import BATCH, UnitScores, channel_relevance, chosen, network

FRACTIONS = (0.01, 0.02, 0.05, 0.1, 0.15, 0.2)
"""Of all channels, how many may go."""

_MOST = 200
"""Inputs that relevance and accuracy are measured on."""


def cut_out(
    subject: Subject,
    artefact: Suspect,
    *,
    fractions: Sequence[float] = FRACTIONS,
    composite: str | Composite = "auto",
    samples: Iterable[int] | None = None,
    seed: int = 0,
    progress: bool | Watcher = True,
) -> Repaired:
    """The subject whose model has lost the channels that carry an artefact.

    A channel carries it as far as its relevance for the artefact's class grows when the artefact is put on inputs of
    other classes. Of the fractions the one counts after which most of the inputs are read right, with and without it.

    Parameters
    ----------
    fractions
        How many channels may go, of all.
    samples
        Numbers of the inputs that may be used; by default half of those with a label, by the `seed`.

    Raises
    ------
    ValueError
        If the artefact is in no input but in a layer, no input of another class is among the samples, or as
        :func:`.prune` does.
    """
    started = time.perf_counter()
    allowed = usable(subject, seed) if samples is None else np.fromiter(samples, np.int64)
    numbers = np.intersect1d(allowed, of_other_classes(subject, artefact.label))
    if not len(numbers):
        raise ValueError(f"There is no input of another class than {subject.class_name(artefact.label)!r} to use.")
    numbers = np.sort(np.random.default_rng(seed).permutation(numbers)[:_MOST])
    inputs = torch.stack([subject.item(int(number))[0] for number in numbers])
    planted = artefact.taken(inputs, np.random.default_rng(seed))
    if planted is None:
        raise ValueError(f"{artefact.what} is in no input but in a layer; take another repair.")
    labels = subject.labels()
    own = np.intersect1d(allowed, np.flatnonzero(labels == artefact.label))[:_MOST]
    every = np.concatenate([numbers, own])
    with listening(progress) as watch:
        scores = _carried(subject, subject.explainer(composite), artefact.label, inputs, planted, watch)
        best: tuple[float, Repaired] | None = None
        for place, fraction in enumerate(fractions):
            watch(Progress(place, len(fractions), "pruning"))
            found = prune(subject, scores, fraction, progress=False)
            reads = float(right(found.explainer(), subject, every).mean())
            reads += float((found.explainer().scores(planted).argmax(1).cpu().numpy() == labels[numbers]).mean())
            if best is None or reads > best[0]:
                best = reads, found
    assert best is not None  # there is a fraction
    mended = best[1]
    repair = replace(
        mended.repair,
        settings={**mended.repair.settings, "artefact": artefact.what, "label": artefact.label},
        seconds=time.perf_counter() - started,
        used=frozenset(numbers.tolist() + own.tolist()),
    )
    return replace(mended, repairs=(*mended.repairs[:-1], repair))


def _carried(
    subject: Subject, explainer: Explainer, label: int, inputs: Tensor, planted: Tensor, watch: Watcher
) -> UnitScores:
    """By layer and channel (C,), by how much the relevance for the class falls with the artefact: what gains goes."""
    layers, found = chosen(network(subject), None), dict[str, Tensor]()
    parts = list(zip(inputs.split(BATCH), planted.split(BATCH), strict=True))  # type: ignore[no-untyped-call]
    for done, pair in enumerate(parts):
        watch(Progress(done, len(parts), "relevance of channels"))
        for sign, x in zip((1, -1), pair, strict=True):
            labels = torch.full((len(x),), label)
            for name, each in channel_relevance(explainer, layers, False, x, labels).items():
                found[name] = found.get(name, torch.zeros(())) + sign * each
    return UnitScores("relevance of the artefact", found)
