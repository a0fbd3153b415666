"""Relevance of words where the truth is known: film reviews, networks of five seeds, LRP beside gradient × input."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, get_args

import torch
from torch import Tensor

from lrpwidgets.lrp import Explainer
from lrpwidgets.methods import explain
from lrpwidgets.subjects import Subject, load
from lrpwidgets.subjects.modality import modality_of
from lrpwidgets.subjects.sentiment import Model, network
from lrpwidgets.subjects.trained import SEEDS

from .timing import table

NOTE = """
Held-out reviews; explained is the score of "positive" less that of "negative". Only reviews that are read right count.
rank: of the K words that decide, how many are among the K of the largest |relevance|. sign: of the words that decide,
how many have the sign that they have in truth. strike: a word is cut out of the text as in the views, and the score
changes as its relevance says; of words with at least a fifth of the largest |relevance|. untrained: rank of LRP in a
network with random weights; chance: of random relevance."""

LARGE = 0.2
"""Share of the largest |relevance| from which on a word is struck."""

REVIEWS = range(200, 400)
"""Which of the held-out reviews are explained, with each network. How the networks are trained was chosen by others."""

CONTRAST = torch.tensor([[-1.0, 1.0]])
"""Positive less negative."""


@dataclass(frozen=True)
class Figures:
    """Means over reviews; over words those of the signs."""

    accuracy: float
    rank: float
    sign: float
    strike: float
    chance: float


def measure() -> dict[str, Any]:
    """Print the table; returns its numbers by network, seed and method."""
    found: dict[str, Any] = {}
    for model in get_args(Model):
        for seed in SEEDS:
            subject = load("sentiment", model=model, seed=seed)
            found[f"{model} {seed}"] = {
                "auto": figures(subject, lrp(Explainer(subject.model)), REVIEWS),
                "epsilon": figures(subject, lrp(Explainer(subject.model, "epsilon")), REVIEWS),
                "gradient × input": figures(subject, gradient_times_input(subject.model), REVIEWS),
            }
        torch.manual_seed(0)
        empty = Explainer(network(model).eval())
        found[f"{model} untrained"] = {"auto": figures(load("sentiment", model=model), lrp(empty), REVIEWS)}
    rows = [
        [name, method, *(f"{value:.3f}" for value in vars(each).values())]
        for name, methods in found.items()
        for method, each in methods.items()
    ]
    table("Sentiment", ["network", "method", *Figures.__dataclass_fields__], rows)
    print(NOTE)
    return {name: {method: vars(each) for method, each in methods.items()} for name, methods in found.items()}


def lrp(explainer: Explainer) -> Callable[[Tensor], Tensor]:
    """Relevance (T,) of token ids (1, T)."""
    return lambda x: explainer.explain(x, CONTRAST).relevance[0]


def gradient_times_input(model: torch.nn.Module) -> Callable[[Tensor], Tensor]:
    """The gradient at the embeddings times these, summed over their numbers, (T,) for token ids (1, T)."""
    return lambda x: explain(model, x, "gradient_times_input", CONTRAST, progress=False).relevance[0]


def figures(subject: Subject, attribute: Callable[[Tensor], Tensor], reviews: Iterable[int]) -> Figures:
    """How well relevance fits the truth, over these of the held-out `reviews`."""
    right, rank, signs, strikes, chance = [], [], [], [], []
    modality = modality_of(subject)
    for index in reviews:
        shown = modality.sample(subject, index)
        known = torch.tensor(subject.dataset.truth[index])  # type: ignore[attr-defined]  # it has known texts
        score = _score(subject, shown.x)
        right.append((score > 0) == (shown.label == 1))
        if not right[-1]:
            continue
        relevance = attribute(shown.x)
        decide = known != 0
        first = relevance.abs().topk(int(decide.sum())).indices
        rank.append(float(decide[first].float().mean()))
        chance.append(float(decide.float().mean()))
        signs += (relevance[decide].sign() == known[decide]).tolist()
        size = relevance.abs()
        for word in (size >= LARGE * size.max()).nonzero().flatten().tolist() if len(size) > 1 else ():
            left = _score(subject, modality.changed(subject, shown, [word]).x)
            strikes.append(bool((score - left > 0) == (relevance[word] > 0)))
    return Figures(*(sum(each) / len(each) for each in (right, rank, signs, strikes, chance)))


def _score(subject: Subject, x: Tensor) -> float:
    with torch.no_grad():
        return float((subject.model(x) * CONTRAST).sum())
