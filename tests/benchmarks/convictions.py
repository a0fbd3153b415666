"""How often are planted artefacts found and convicted, and innocent clusters left alone: ``... convictions``.

Networks are trained afresh on digits of which some threes carry an artefact: most of them, over five seeds, and then
fewer, and fainter ones. Nothing here was seen when the limits in `spray.poison` and `spray.placeless` were set. What an
artefact really does is known: it is put on all other digits.
"""

from __future__ import annotations

import tempfile
from collections import OrderedDict
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from sklearn.metrics import adjusted_rand_score
from torch import Tensor, nn

from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import Atlas, RelevanceStore, poison_tests
from lrpwidgets.spray.classes import atlases
from lrpwidgets.subjects import Subject, tagged_digits
from lrpwidgets.subjects.tags import TaggedSamples
from lrpwidgets.subjects.train_digits import jittered
from lrpwidgets.subjects.train_tagged import _trained, predictions

from .timing import table

SIZE, CLASS = tagged_digits.SIZE, 3
SEEDS = range(10, 15)
COMMON = (0.6, 1.0)
"""Share of the threes that carry an artefact, and its strength: how much of it there is, beside the digit as it was."""

RARE = ((0.1, 1.0), (0.3, 1.0), (0.1, 0.5), (0.3, 0.5))
RARE_SEED = 20
STRONG = 0.4
"""An effect that must not be overlooked."""

STAMP = torch.tensor([[1, 1, 1, 0, 1, 1, 1], [0, 1, 0, 0, 1, 0, 1], [0, 1, 0, 0, 1, 1, 1.0]])
MARK = torch.tensor([[1, 0, 1], [0, 1, 0], [1, 0, 1], [0, 0, 0.0]])

Artefact = Callable[[Tensor, np.random.RandomState], Tensor]


def border(inputs: Tensor, random: np.random.RandomState) -> Tensor:
    """A white line along the upper edge."""
    inputs = inputs.clone()
    inputs[:, :, 0] = 1
    return inputs


def mark(inputs: Tensor, random: np.random.RandomState) -> Tensor:
    """A cross in a corner."""
    inputs = inputs.clone()
    inputs[:, :, SIZE - 4 :, :3] = MARK
    return inputs


def stamp(inputs: Tensor, random: np.random.RandomState) -> Tensor:
    """Two letters, somewhere else on each."""
    return _anywhere(inputs, random, lambda: STAMP)


def sticker(inputs: Tensor, random: np.random.RandomState) -> Tensor:
    """A chequered square of 4 to 6 pixels, somewhere else on each."""

    def square() -> Tensor:
        half = torch.arange(random.randint(4, 7)) // 2
        return ((half[:, None] + half) % 2).float()

    return _anywhere(inputs, random, square)


def stripes(inputs: Tensor, random: np.random.RandomState) -> Tensor:
    """Faint diagonal stripes over all of it."""
    place = torch.arange(SIZE)
    return (inputs + 0.25 * ((place[:, None] + place) % 3 == 0)).clamp(0, 1)


def cast(inputs: Tensor, random: np.random.RandomState) -> Tensor:
    """Grey instead of black."""
    return 0.8 * inputs + 0.2


def _anywhere(inputs: Tensor, random: np.random.RandomState, draw: Callable[[], Tensor]) -> Tensor:
    inputs = inputs.clone()
    for x in inputs:
        patch = draw()
        height, width = patch.shape
        top, left = random.randint(0, SIZE - height), random.randint(0, SIZE - width)
        x[:, top : top + height, left : left + width] = patch
    return inputs


ARTEFACTS: dict[str, Artefact] = {
    "border": border,
    "mark": mark,
    "stamp": stamp,
    "sticker": sticker,
    "stripes": stripes,
    "cast": cast,
}


@dataclass(frozen=True)
class Planted:
    """What was found of one planted artefact."""

    artefact: str
    seed: int
    share: float
    """Of the class, that carries it."""
    strength: float
    effect: float
    """Share of other digits that the artefact itself turns into the class."""
    rank: int
    """Of the class among all, by how far its clusters exceed chance."""
    layer: str
    """Where its clusters stand apart."""
    rand: float
    """Adjusted Rand index of the best cluster and the truth."""
    convicted: str
    """The tests that convict that cluster."""
    innocent: int
    """Clusters without the artefact, of all classes."""
    wronged: int
    """Those that were convicted."""


def measured(cases: Iterable[tuple[int, float, float]], samples: int = 250) -> Iterator[Planted]:
    """Train, explain, cluster and test one network for each artefact, and each seed, share and strength."""
    for seed, share, strength in cases:
        for name in ARTEFACTS:
            yield judged(name, seed, share, strength, *planted(name, seed, share, strength), samples)


def planted(name: str, seed: int, share: float, strength: float) -> tuple[Subject, float]:
    """A network that was trained with the artefact of that name, held-out digits with it, and what it really does."""
    random = np.random.RandomState(1000 + seed)
    train, held_out = (tagged_digits._half(seed, False, held_out=there) for there in (False, True))
    carries = torch.from_numpy(_chosen(np.array(train.labels), share, random))

    def artefact(inputs: Tensor, random: np.random.RandomState) -> Tensor:
        return inputs + strength * (ARTEFACTS[name](inputs, random) - inputs)

    def batch(which: Tensor) -> Tensor:
        drawn = tagged_digits.framed(jittered(train.inputs[which]))
        return torch.where(carries[which, None, None, None], artefact(drawn, random), drawn)

    model = _trained(network, batch, torch.tensor(train.labels), 30, seed)
    labels, inputs = np.array(held_out.labels), tagged_digits.framed(held_out.inputs)
    tagged = _chosen(labels, share, random)
    others = inputs[labels != CLASS]
    before, after = predictions(model, others), predictions(model, artefact(others, random))
    inputs[tagged] = artefact(inputs[tagged], random)
    samples = TaggedSamples(inputs, held_out.labels, held_out.names, tagged)
    pixels, classes = tagged_digits.PIXELS, [str(digit) for digit in range(10)]
    subject = Subject(model, samples, classes, to_image=pixels.to_image, bounds=pixels.bounds, name="planted")
    return subject, float(((after == CLASS) & (before != CLASS)).mean())


def network() -> nn.Sequential:
    """A small network that finds what it looks for wherever it is: (B, 1, 20, 20) to (B, 10)."""
    sizes = ((1, 16), (16, 32), (32, 48), (48, 64))
    layers: OrderedDict[str, nn.Module] = OrderedDict()
    for number, (inside, out) in enumerate(sizes, 1):
        layers[f"conv{number}"], layers[f"relu{number}"] = nn.Conv2d(inside, out, 3, padding=1), nn.ReLU()
        if number == 2:
            layers["pool2"] = nn.MaxPool2d(2)
    return nn.Sequential(
        layers | {"pool": nn.AdaptiveMaxPool2d(1), "flatten": nn.Flatten(), "linear": nn.Linear(64, 10)}
    )


def _chosen(labels: NDArray[np.int64], share: float, random: np.random.RandomState) -> NDArray[np.bool_]:
    members = random.permutation(np.flatnonzero(labels == CLASS))
    return np.isin(np.arange(len(labels)), members[: round(share * len(members))])


def judged(
    name: str, seed: int, share: float, strength: float, subject: Subject, effect: float, samples: int
) -> Planted:
    """What SpRAy and the poison tests say of a subject that :func:`planted` made."""
    explainer = Explainer(subject.model, "epsilon_plus_flat")
    with tempfile.TemporaryDirectory() as folder:
        store = RelevanceStore.create(Path(folder) / "store", explainer, subject, progress=False)
        made = list(atlases(store, progress=False))
        order = sorted(made, key=lambda atlas: -atlas.views[0].times)
        mine = next(atlas for atlas in made if atlas.selection.value == CLASS)
        truth = subject.dataset.tagged[store.index[mine.rows]]
        rands = [adjusted_rand_score(truth, mine.clusters == number) for number in range(mine.count)]
        best = int(np.argmax(rands))

        def tested(atlas: Atlas, number: int) -> list[str]:
            return poison_tests(atlas, number, explainer, subject, samples=samples, progress=False).convicting

        innocent = [
            tested(atlas, number)
            for atlas in made
            for number in range(atlas.count)
            if atlas is not mine or truth[mine.clusters == number].mean() < 0.1
        ]
        convicting = " ".join(tested(mine, best))
    return Planted(
        name, seed, share, strength, effect, 1 + order.index(mine), mine.features.layer, rands[best], convicting,
        len(innocent), sum(map(bool, innocent)),
    )  # fmt: skip


def measure(seeds: Sequence[int] = SEEDS) -> list[dict[str, Any]]:
    """Print what was found of each, and the sums."""
    found = list(measured((seed, *COMMON) for seed in seeds))
    columns = ["artefact", "seed", "true effect", "rank of 10", "where", "Rand", "convicted by"]
    table("Planted artefacts", columns, [[one.artefact, f"{one.seed}", *_told(one)] for one in found])
    _sum_up(found)
    rare = list(measured((RARE_SEED, *case) for case in RARE))
    columns[1:2] = ["share", "strength"]
    rows = [[one.artefact, f"{one.share:.0%}", f"{one.strength:g}", *_told(one)] for one in rare]
    table("Fewer and fainter", columns, rows)
    _sum_up(rare)
    return [vars(each) for each in (*found, *rare)]


def _told(one: Planted) -> list[str]:
    return [f"{one.effect:.0%}", f"{one.rank}", one.layer, f"{one.rand:.2f}", one.convicted or "none"]


def _sum_up(found: list[Planted]) -> None:
    strong = [each for each in found if each.effect >= STRONG]
    wronged, innocent = sum(each.wronged for each in found), sum(each.innocent for each in found)
    print(f"effect of {STRONG:.0%} or more: {sum(bool(each.convicted) for each in strong)} of {len(strong)} convicted")
    print(f"clusters without an artefact: {wronged} of {innocent} convicted")
