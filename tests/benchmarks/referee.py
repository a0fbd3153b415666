"""Do figures rank methods as the literature says they do? On digits, over five networks: ``... referee``.

Each network is trained with another seed, and every interval is over networks (Student's t): what is said holds for
other networks of the kind, not only for other digits.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from itertools import combinations
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from scipy.stats import kendalltau, t
from torch import Tensor, nn

from lrpwidgets import methods, subjects
from lrpwidgets.evaluate import Interval, cascade, contrast, srg
from lrpwidgets.evaluate.fills import Fill
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.train_digits import accuracy, train

from .timing import table

SEEDS = range(5)
EPOCHS = 20
SAMPLES = 40
HOW: dict[str, Any] = {"region": 1, "steps": 32}

COMPOSITE = "epsilon_gamma_box"
COMPOSITES = (COMPOSITE, "epsilon_plus_flat", "epsilon_plus", "epsilon_alpha2_beta1")
PRODUCTS = ("gradient_times_input", "integrated_gradients")
"""What multiplies by the input, and so says nothing of where it is 0."""

METHODS: dict[str, dict[str, Any]] = {
    COMPOSITE: {"low": 0.0, "high": 1.0},
    **{name: {} for name in (*COMPOSITES[1:], "excitation_backprop", *PRODUCTS, "sensitivity")},
    "smoothgrad": {"samples": 20},
    "guided_backprop": {},
    "deconvnet": {},
    "occlusion": {"patch": 2},
    "random": {},
}
FILLS: tuple[Fill, ...] = get_args(Fill)

FIGURES = ("AOPC, most first", "area, least first", "SRG")
AOPC, LEAST, SRG = range(3)

CHECKED = ("excitation_backprop", *COMPOSITES, "gradient_times_input", "sensitivity", "guided_backprop")
"""Methods whose maps are compared with those of a random network, and of another class."""


@dataclass(frozen=True)
class Ruled:
    """What was measured of one network."""

    seed: int
    accuracy: float
    figures: NDArray[np.float64]
    """Of each fill, method, figure and sample, (F, M, 3, n)."""
    sanity: NDArray[np.float64]
    """Of each checked method: |rank correlation| with the map after the last layer was randomized, after all were, and
    cosine of the maps of two classes, (K, 3)."""

    def of(self, figure: int, fill: Fill, name: str) -> float:
        """The mean over samples."""
        return float(self.figures[FILLS.index(fill), list(METHODS).index(name), figure].mean())

    def best(self, fill: Fill, names: Sequence[str]) -> float:
        """The largest AOPC of these methods."""
        return max(self.of(AOPC, fill, name) for name in names)


def ruled(seed: int) -> Ruled:
    """Train a network and measure all."""
    model = train(EPOCHS, seed)
    subject = replace(subjects.load("digits"), model=model)
    random = np.random.default_rng(seed).permutation(len(subject.dataset))[:SAMPLES]
    x = torch.stack([subject.item(int(item))[0] for item in random])
    target = model(x).argmax(1)
    maps = {name: _map(model, x, name, target) for name in METHODS}
    figures = np.stack([[_figures(subject, x, each, target, fill) for each in maps.values()] for fill in FILLS])
    return Ruled(seed, accuracy(model), figures, np.stack([_sanity(model, x, name, target) for name in CHECKED]))


def _map(model: nn.Module, x: Tensor, name: str, target: Tensor) -> Tensor:
    return methods.explain(model, x, name, target, batch_size=SAMPLES, progress=False, **METHODS[name]).relevance


def _figures(subject: Subject, x: Tensor, relevance: Tensor, target: Tensor, fill: Fill) -> NDArray[np.float64]:
    gain = srg(subject.model, x, relevance, target, fill=fill, bounds=subject.bounds, progress=False, **HOW)
    half = gain.most.scores[:, : HOW["steps"] // 2 + 1]  # 32 of the 64 pixels: later ones are background
    return np.stack([(half[:, :1] - half).mean(1).numpy(), gain.least.area.numpy(), gain.values.numpy()])


def _sanity(model: nn.Module, x: Tensor, name: str, target: Tensor) -> NDArray[np.float64]:
    ink = (x != 0).any(1)
    alike = [
        each.mean().item()
        for _, each in cascade(model, lambda changed: _map(changed, x, name, target), where=ink, absolute=True)
    ]
    other = contrast(lambda numbers: _map(model, x, name, numbers), target, 10).mean().item()
    return np.array([alike[0], alike[-1], other])


def measure(seeds: Sequence[int] = SEEDS) -> dict[str, Any]:
    """Print the tables and what follows from them; returns the means over samples by seed."""
    found = [ruled(seed) for seed in seeds]
    print(f"held-out accuracy {', '.join(f'{each.accuracy:.1%}' for each in found)}")
    _table_of_areas(found)
    _table_of_claims(found)
    _table_of_ranks(found)
    _table_of_sanity(found)
    return {
        f"seed {each.seed}": {"figures": each.figures.mean(-1).tolist(), "sanity": each.sanity.tolist()}
        for each in found
    }


def _table_of_areas(found: Sequence[Ruled]) -> None:
    order = sorted(METHODS, key=lambda name: -_over([each.of(AOPC, "uniform", name) for each in found]).value)
    rows = [[name, *(_told([each.of(AOPC, fill, name) for each in found]) for fill in FILLS)] for name in order]
    table("AOPC over 32 pixels, by fill", ["method", *FILLS], rows)


def _table_of_claims(found: Sequence[Ruled]) -> None:
    others = [name for name in METHODS if name not in COMPOSITES]
    claims: dict[str, Callable[[Ruled], float]] = {
        "uniform: best composite − best other": lambda one: (
            one.best("uniform", COMPOSITES) - one.best("uniform", others)
        ),
        "zero: best of G×I and IG − best composite": lambda one: (
            one.best("zero", PRODUCTS) - one.best("zero", COMPOSITES)
        ),
        "zero: best of G×I and IG − best of all others": lambda one: (
            one.best("zero", PRODUCTS) - one.best("zero", [name for name in METHODS if name not in PRODUCTS])
        ),
    }
    for fill in FILLS:
        for figure in (AOPC, SRG):
            claims[f"{fill}: {COMPOSITE} − sensitivity, {FIGURES[figure]}"] = lambda one, fill=fill, figure=figure: (  # type: ignore[misc]
                one.of(figure, fill, COMPOSITE) - one.of(figure, fill, "sensitivity")
            )
    rows = []
    for claim, of in claims.items():
        values = [of(each) for each in found]
        rows.append([claim, _told(values), f"{sum(value > 0 for value in values)} of {len(values)}"])
    table("Who is ahead, and by how much", ["claim", "difference", "networks"], rows)


def _table_of_ranks(found: Sequence[Ruled]) -> None:
    """How alike the rankings of the methods are under two fills, and under one fill on two halves of the inputs."""
    taus = np.array([[_between_fills(one.figures[:, :, figure]) for figure in range(3)] for one in found])
    halves = np.array([[_between_halves(one.figures[:, :, figure]) for figure in range(3)] for one in found])
    rows = [[name, _told(taus[:, i]), _told(halves[:, i])] for i, name in enumerate(FIGURES)]
    rows += [
        [f"SRG − {FIGURES[i]}", _told(taus[:, SRG] - taus[:, i]), _told(halves[:, SRG] - halves[:, i])]
        for i in (AOPC, LEAST)
    ]
    columns = ["ranking by", "between fills", "between halves of the inputs"]
    table("Kendall's τ of rankings of the methods", columns, rows)
    least = all(_over(taus[:, SRG] - taus[:, i]).low > 0 for i in (AOPC, LEAST))
    print(f"SRG changes least between fills: {'yes' if least else 'cannot be said'}")


def _between_fills(values: NDArray[np.float64]) -> float:
    """Mean τ over pairs of fills, of values (F, M, n)."""
    means = _ranked(values).mean(-1)
    return float(np.mean([kendalltau(one, other).statistic for one, other in combinations(means, 2)]))


def _between_halves(values: NDArray[np.float64]) -> float:
    """Mean τ over fills, of two halves of the samples: what chance alone does to a ranking."""
    one, other = (half.mean(-1) for half in np.array_split(_ranked(values), 2, axis=-1))
    return float(np.mean([kendalltau(*pair).statistic for pair in zip(one, other, strict=True)]))


def _ranked(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Without the control, which is the last in any ranking and would make all of them alike."""
    return values[:, [name != "random" for name in METHODS]]


def _table_of_sanity(found: Sequence[Ruled]) -> None:
    columns = ["method", "last layer random", "all layers random", "another class"]
    rows = [[name, *(_told([each.sanity[i, k] for each in found]) for k in range(3))] for i, name in enumerate(CHECKED)]
    table("How alike maps stay: 1 depends on nothing", columns, rows)


def _told(values: Sequence[float] | NDArray[np.float64]) -> str:
    over = _over(values)
    return f"{over.value:.2f} ({over.low:.2f} to {over.high:.2f})"


def _over(values: Sequence[float] | NDArray[np.float64]) -> Interval:
    """The mean over networks: so few that a bootstrap would be too sure."""
    known = np.asarray(values, np.float64)
    reach = float(t.ppf(0.975, len(known) - 1) * known.std(ddof=1) / len(known) ** 0.5)
    return Interval(float(known.mean()), float(known.mean()) - reach, float(known.mean()) + reach, len(known))
