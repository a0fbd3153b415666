"""Pruning where everything can be seen: points in a plane, three wide layers, a third of the units goes at once.

After the toy of Yeom et al. (2021): two moons, two circles and four blobs, 3 × 1000 units of which the 1000 with the
lowest scores go, by a few reference samples of each class. ``python -m lrpwidgets.improve.prune_toy`` prints the whole
table, in some minutes.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any, Literal, get_args

import numpy as np
import torch
from torch import Tensor, nn

from ..evaluate import Interval, interval
from ..lrp.rules import Epsilon
from ..progress import Progress, Watcher, listening
from ..readable import Readable
from ..subjects import Subject, TensorSamples
from ..tables import Table
from .pruning import prune

Points = Literal["moons", "circle", "blobs"]
"""Data sets of points in a plane."""

CRITERIA: Mapping[str, Mapping[str, Any]] = {
    "relevance": {"by": "relevance"},
    "relevance, ε, sizes": {"by": "relevance", "composite": Epsilon(), "absolute": True},
    "relevance, ε, signed": {"by": "relevance", "composite": Epsilon()},
    **{by: {"by": by} for by in ("taylor", "gradient", "activation", "weight", "random")},
}
"""What is compared: settings of :func:`.prune` by what they are called."""
LEARNED, JUDGED = 400, 1000
"""Points that a network learns from, and others that it is judged by."""


@dataclass(frozen=True, repr=False)
class Toy(Readable):
    """A network that has learned to tell points apart."""

    subject: Subject
    """The network, with the points that it is judged by."""
    learned: TensorSamples
    """Those that it has learned from."""

    @torch.no_grad()
    def accuracy(self, subject: Subject | None = None) -> float:
        """Share of the points that it is judged by that are on the right side, of it or of a pruned `subject`."""
        points: TensorSamples = self.subject.dataset  # type: ignore[assignment]
        scores: Tensor = (subject or self.subject).model(points.inputs)
        return float((scores.argmax(1) == torch.tensor(points.labels)).double().mean())


@dataclass(frozen=True, repr=False)
class Remaining(Readable):
    """What a criterion leaves of the accuracy."""

    points: str
    criterion: str
    references: int
    """Reference samples of each class."""
    accuracy: Interval
    """Mean over networks and their reference samples, and its interval."""
    whole: float
    """Mean accuracy of the networks before."""


def toy(points: Points = "moons", *, units: int = 1000, seed: int = 0, steps: int = 150) -> Toy:
    """A network of three layers of `units`, trained for so many `steps` of Adam; the seed draws points and weights.

    Raises
    ------
    ValueError
        If there are no such points.
    """
    learned, judged = _drawn(points, 2 * seed, LEARNED), _drawn(points, 2 * seed + 1, JUDGED)
    classes = max(learned.labels) + 1
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        widths = [2, units, units, units]
        hidden = [layer for pair in pairwise(widths) for layer in (nn.Linear(*pair), nn.ReLU())]
        model = nn.Sequential(*hidden, nn.Linear(units, classes))
    optimizer, truth = torch.optim.Adam(model.parameters(), lr=1e-3), torch.tensor(learned.labels)
    for _ in range(steps):
        optimizer.zero_grad()
        nn.functional.cross_entropy(model(learned.inputs), truth).backward()  # type: ignore[no-untyped-call]
        optimizer.step()
    names = [f"class {number}" for number in range(classes)]
    return Toy(Subject(model.eval(), judged, names, name=points, modality="points"), learned)


def compare(
    points: Points = "moons",
    *,
    references: Sequence[int] = (1, 5, 20),
    criteria: Mapping[str, Mapping[str, Any]] = CRITERIA,
    fraction: float = 1 / 3,
    seeds: int = 5,
    units: int = 1000,
    progress: bool | Watcher = True,
) -> Table[Remaining]:
    """What each criterion leaves of the accuracy when a `fraction` of all units goes at once, the best first.

    Parameters
    ----------
    references
        Reference samples of each class.
    criteria
        Settings of :func:`.prune` by what they are called.
    seeds
        Networks, each with points, weights and reference samples of its own.

    Raises
    ------
    ValueError
        If there are no such points, or a criterion is none.
    """
    with listening(progress) as tell:
        left: dict[tuple[str, int], list[float]] = {(name, count): [] for name in criteria for count in references}
        whole = []
        for seed in range(seeds):
            tell(Progress(seed, seeds, f"{points}: networks"))
            each = toy(points, units=units, seed=seed)
            whole.append(each.accuracy())
            for name, count in left:
                settings = {"samples": count, "data": each.learned, "seed": seed, **criteria[name]}
                left[name, count].append(
                    each.accuracy(prune(each.subject, fraction=fraction, progress=False, **settings))
                )
        tell(Progress(seeds, seeds, f"{points}: networks"))
    rows = [
        Remaining(points, name, count, interval(found), float(np.mean(whole))) for (name, count), found in left.items()
    ]
    return Table(sorted(rows, key=lambda row: (row.references, -row.accuracy.value)))


def _drawn(points: str, seed: int, count: int) -> TensorSamples:
    from sklearn import datasets

    if points == "moons":
        x, y = datasets.make_moons(count, noise=0.1, random_state=seed)
    elif points == "circle":
        x, y = datasets.make_circles(count, noise=0.1, factor=0.4, random_state=seed)
    elif points == "blobs":
        centers = [[-1.0, -1.0], [-1.0, 1.0], [1.0, -1.0], [1.0, 1.0]]
        x, y = datasets.make_blobs(count, centers=centers, cluster_std=0.35, random_state=seed)
    else:
        raise ValueError(f"points must be one of {', '.join(get_args(Points))}, got {points!r}.")
    return TensorSamples(torch.from_numpy(x).float(), y.tolist(), [f"point {number}" for number in range(count)])


def main() -> None:
    """Print the table of all points."""
    for points in get_args(Points):
        for row in compare(points):
            before = f"whole {row.whole:.3f}"
            print(f"{points:7} {row.references:3} per class  {row.criterion:20} {row.accuracy}   {before}", flush=True)


if __name__ == "__main__":
    main()
