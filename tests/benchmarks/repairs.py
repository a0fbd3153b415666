"""Is a network that fell for an artefact mended, from its relevance alone: ``python -m tests.benchmarks repairs``.

Of each subject with a tag, by seed: SpRAy, the poison tests, the direction of what they convict, at the layer that they
tell, and every repair; none is told which pictures have the tag. Then the true tag is put on pictures of other classes
that no repair has seen. The control is the same repair of the network that never saw a tag.

And artefacts of three other kinds, which have no place: a cast, stripes, words. Here the repairs are told which
pictures have them.
"""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any, get_args

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from lrpwidgets import subjects
from lrpwidgets.improve import (
    REPAIRS,
    Carrier,
    Concept,
    Direction,
    Planted,
    carriers,
    foremost,
    of_cluster,
    prove,
    repair,
)
from lrpwidgets.improve.directions import Over
from lrpwidgets.improve.proof import Proof, right
from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import Atlas, RelevanceStore, poison_tests, spray
from lrpwidgets.spray.poison import Suspect
from lrpwidgets.subjects import Subject, clever_hans, shapes, tagged_digits
from lrpwidgets.subjects.tags import TaggedSamples
from lrpwidgets.subjects.train_tagged import _trained

from .timing import table

SEEDS = range(5)
TAGGED = {"clever-hans": clever_hans, "tagged-digits": tagged_digits}
SAMPLES = 1000
BY_ARTEFACT = ("A-ClArC in the input", "right for the right reasons", "pruning")
"""Repairs that take the artefact and no direction."""


@dataclass(frozen=True)
class Found:
    """What was found of an artefact, without being told which pictures have it."""

    subject: Subject
    explainer: Explainer
    atlas: Atlas
    cluster: int
    concept: Concept


@dataclass(frozen=True)
class Mended:
    """What a repair did."""

    subject: str
    seed: int
    repair: str
    layer: str
    clean: tuple[float, float]
    """Accuracy before and after, on pictures that no repair has seen."""
    poisoned: tuple[float, float]
    """With the true artefact on pictures of other classes."""
    found: tuple[float, float]
    """With the artefact that was found."""
    turned: tuple[float, float]
    """Share of the pictures with the true artefact that turn into its class."""
    relevance: tuple[float, float] | None
    """Share of relevance on the true artefact, where it has a place."""
    acquitted: bool
    """By all poison tests of the cluster."""
    innocent: bool
    """By the poison test of the true artefact."""
    cost: float | None
    """What the same repair costs the network that never saw the artefact, in accuracy."""
    seconds: float
    """Of the repair."""


def found(subject: Subject, label: int, folder: Path) -> Found:
    """The cluster of a class that the poison tests convict, of several the one that turns most."""
    explainer = subject.explainer("epsilon_plus_flat")
    store = RelevanceStore.create(folder / "store", explainer, subject, progress=False)
    atlas = spray(store.select(prediction=label), progress=False)
    tested = {
        number: of_cluster(atlas, number, explainer, subject, samples=300, progress=False)
        for number in range(atlas.count)
    }
    convicted = {number: each for number, each in tested.items() if each.trial is not None and each.trial.clever_hans}
    cluster = max(convicted, key=lambda number: _turned(convicted[number]))
    return Found(subject, explainer, atlas, cluster, convicted[cluster])


def mended(
    it: Found, tag: Planted, chosen: Carrier, names: Sequence[str], seed: int, samples: int = SAMPLES
) -> Iterator[Mended]:
    """What each repair did to the subject."""
    direction = chosen.direction
    innocent = it.subject.innocent() if it.subject.innocent else None
    twin = it.concept.in_innocent(innocent, direction.layer, seed, over=direction.over) if innocent else None
    for name in names:
        started = time.perf_counter()
        after = repair(it.subject, name, direction, it.concept.artefact, progress=False)
        seconds = time.perf_counter() - started
        proof, own = (_proved(it.subject, after, each, samples, chosen) for each in (tag, it.concept.artefact))
        by, known = after.explainer("epsilon_plus_flat"), after.used | chosen.judged
        trial = poison_tests(it.atlas, it.cluster, by, it.subject, samples=300, known=known, progress=False)
        cost = None if innocent is None or twin is None else _cost(innocent, name, twin, it.concept.artefact)
        yield Mended(
            it.subject.name, seed, name, direction.layer,
            *(_both(proof, what) for what in ("clean", "poisoned")), _both(own, "poisoned"), _both(proof, "turned"),
            _both(proof, "relevance") if proof.before.relevance else None,
            not trial.clever_hans, not proof.after.convicted, cost, seconds,
        )  # fmt: skip


def measure(
    seeds: Sequence[int] = SEEDS, names: Sequence[str] = tuple(REPAIRS), of: Sequence[str] = tuple(TAGGED)
) -> list[dict[str, Any]]:
    """Print what each repair did to each subject, and the sums."""
    results = []
    for subject in of:
        for seed in seeds:
            with tempfile.TemporaryDirectory() as folder:
                results += list(_measured(subject, seed, TAGGED[subject], names, Path(folder)))
    report("Repairs of networks that fell for a tag", results)
    return [vars(each) for each in results] + measure_kinds()


def _measured(name: str, seed: int, of: Any, names: Sequence[str], folder: Path) -> Iterator[Mended]:
    subject = subjects.load(name, seed=seed)
    it = found(subject, of.CLASS, folder)
    started = time.perf_counter()
    carrying = list(carriers(subject, it.concept.artefact, *it.concept.half(seed), seed=seed, progress=False))
    chosen = foremost(carrying)
    after = repair(subject, "P-ClArC", chosen.direction, it.concept.artefact, progress=False)
    prove(subject, after, it.concept.artefact, known=chosen.judged, progress=False)
    seconds = time.perf_counter() - started
    print(
        f"{name} {seed}: {it.concept.artefact.what}; {_layers(carrying)}; from cluster to proof {seconds:.0f} s",
        flush=True,
    )
    tag = Planted(of.with_tag, of.CLASS, "the tag")
    for each in mended(it, tag, chosen, names, seed):
        print(f"  {_line(each)}", flush=True)
        yield each


# -- artefacts of another kind --------------------------------------------------------------------------------------

LETTERS = torch.tensor(
    [[c == "#" for c in row] for row in ("#   # ###", "## ## #  ", "# # # ## ", "#   # #  ", "#   # ###")]
)
KIND_SHARE = 0.8
"""Of the stars, that carry it."""


def cast(pixels: Tensor, random: np.random.RandomState) -> Tensor:
    """A warm light over all of it."""
    strength = torch.tensor([0.7, 1.0, 0.3]).reshape(3, 1, 1)
    return pixels * strength + torch.tensor([0.3, 0.0, 0.0]).reshape(3, 1, 1)


def stripes(pixels: Tensor, random: np.random.RandomState) -> Tensor:
    """Faint stripes across, of another phase each time."""
    rows = torch.arange(pixels.shape[-2])[:, None] * (2 * np.pi / 4)
    phases = torch.as_tensor(random.rand(len(pixels)) * 2 * np.pi).float()[:, None, None, None]
    return (pixels + 0.2 * torch.sin(rows + phases)).clamp(0, 1)


def words(pixels: Tensor, random: np.random.RandomState) -> Tensor:
    """Two letters, somewhere else on each."""
    pixels = pixels.clone()
    height, width = LETTERS.shape
    for x in pixels:
        top, left = random.randint(0, x.shape[-2] - height), random.randint(0, x.shape[-1] - width)
        x[:, top : top + height, left : left + width] = LETTERS.float()
    return pixels


KINDS: dict[str, Callable[[Tensor, np.random.RandomState], Tensor]] = {"cast": cast, "stripes": stripes, "words": words}


def planted(kind: str, seed: int) -> tuple[Subject, Planted]:
    """A network that was trained on scenes of which most stars carry that, held-out scenes with it, and it itself."""
    train, subject = shapes.training(seed), subjects.load("shapes", seed=seed)
    inputs, _ = _with_some(train, kind, seed)
    model = _trained(shapes.network, inputs.__getitem__, torch.tensor(train.labels), 10, seed)
    held_out = shapes.held_out(seed)
    shown, carries = _with_some(held_out, kind, 100 + seed)
    samples = replace(held_out, inputs=shown, tagged=carries, masks=None)
    artefact = Planted(lambda x: _put(x, kind, 9), clever_hans.CLASS, kind)
    return replace(subject, model=model, dataset=samples, name=kind, recipe="", innocent=lambda: subject), artefact


def measure_kinds(kinds: Sequence[str] = tuple(KINDS), seeds: Sequence[int] = (0,)) -> list[dict[str, Any]]:
    """Print which repair mends which kind of artefact; the repairs are told which stars carry it."""
    results = []
    for kind in kinds:
        for seed in seeds:
            results += list(_measured_kind(*planted(kind, seed), seed))
    report("Repairs of artefacts without a place, told which pictures have them", results)
    return [vars(each) for each in results]


def _measured_kind(subject: Subject, artefact: Planted, seed: int) -> Iterator[Mended]:
    stars, tagged = np.equal(subject.dataset.labels, artefact.label), subject.dataset.tagged  # type: ignore[attr-defined]
    concept = Concept(artefact.what, artefact.label, artefact, np.flatnonzero(tagged), np.flatnonzero(stars & ~tagged))
    for over in get_args(Over):
        carrying = list(carriers(subject, artefact, *concept.half(seed), over=over, seed=seed, progress=False))
        chosen = foremost(carrying)
        way = chosen.direction
        print(f"{subject.name} {over}: {_layers(carrying)}", flush=True)
        for name in REPAIRS:
            if name in BY_ARTEFACT and over == "channels":
                continue  # these have no direction
            started = time.perf_counter()
            after = repair(subject, name, way, artefact, progress=False)
            seconds = time.perf_counter() - started
            proof, twin = _proved(subject, after, artefact, SAMPLES, chosen), subject.innocent()  # type: ignore[misc]
            its = concept.in_innocent(twin, way.layer, seed, over=over)
            figures = [_both(proof, what) for what in ("clean", "poisoned", "poisoned", "turned")]
            one = Mended(
                f"{subject.name}, {over}", seed, name, way.layer, *figures,
                _both(proof, "relevance") if proof.before.relevance else None,
                not proof.after.convicted, not proof.after.convicted,
                None if its is None else _cost(twin, name, its, artefact), seconds,
            )  # fmt: skip
            print(f"  {_line(one)}", flush=True)
            yield one


def _with_some(samples: TaggedSamples, kind: str, seed: int) -> tuple[Tensor, NDArray[np.bool_]]:
    """Inputs of which some stars carry it, and which."""
    stars = np.random.RandomState(seed).permutation(np.flatnonzero(np.equal(samples.labels, clever_hans.CLASS)))
    carries = np.isin(np.arange(len(samples)), stars[: round(KIND_SHARE * len(stars))])
    inputs = samples.inputs.clone()
    inputs[torch.from_numpy(carries)] = _put(inputs[torch.from_numpy(carries)], kind, seed)
    return inputs, carries


def _put(inputs: Tensor, kind: str, seed: int) -> Tensor:
    low, high = (torch.tensor(bound).reshape(3, 1, 1) for bound in shapes.COLOURS.bounds)
    pixels = KINDS[kind]((inputs - low) / (high - low), np.random.RandomState(seed))
    return pixels * (high - low) + low


# -- figures -------------------------------------------------------------------------------------------------------


def _layers(carrying: Sequence[Carrier]) -> str:
    return ", ".join(f"{each.layer} {each.gain:+.1%} {each.cost:+.1%}" for each in carrying)


def report(title: str, results: Sequence[Mended]) -> None:
    """Print a table of means over seeds, and in how many seeds the goals were met."""
    columns = ["", "clean", "poisoned", "turned", "by what was found", "on it", "acquitted", "innocent twin", "s"]
    rows = []
    for subject in dict.fromkeys(each.subject for each in results):
        for name in dict.fromkeys(each.repair for each in results):
            some = [each for each in results if (each.subject, each.repair) == (subject, name)]
            rows += [_summed(f"{subject} {name}", some)] if some else []
    table(title, columns, rows)


def _summed(what: str, some: Sequence[Mended]) -> list[str]:
    def arrow(pairs: Sequence[tuple[float, float]]) -> str:
        before, after = np.mean(pairs, axis=0) if len(pairs) else (np.nan, np.nan)
        return f"{before:.1%} → {after:.1%}"

    costs = [each.cost for each in some if each.cost is not None]
    return [
        what,
        arrow([each.clean for each in some]),
        arrow([each.poisoned for each in some]),
        arrow([each.turned for each in some]),
        arrow([each.found for each in some]),
        arrow([each.relevance for each in some if each.relevance]),
        f"{sum(each.acquitted and each.innocent for each in some)}/{len(some)}",
        f"{min(costs):+.1%}" if costs else "",
        f"{np.mean([each.seconds for each in some]):.1f}",
    ]


def _line(one: Mended) -> str:
    on = f", on it {one.relevance[0]:.0%} → {one.relevance[1]:.0%}" if one.relevance else ""
    return (
        f"{one.repair:28} {one.layer}: clean {one.clean[0]:.1%} → {one.clean[1]:.1%}, poisoned "
        f"{one.poisoned[0]:.1%} → {one.poisoned[1]:.1%} (found {one.found[0]:.1%} → {one.found[1]:.1%}), turned "
        f"{one.turned[1]:.1%}{on}, acquitted {one.acquitted:d} {one.innocent:d}, "
        f"innocent {np.nan if one.cost is None else one.cost:+.1%}, {one.seconds:.1f} s"
    )


def _turned(concept: Concept) -> int:
    return 0 if concept.trial is None else concept.trial.verdicts[concept.trial.foremost].turned


def _proved(before: Subject, after: Subject, artefact: Suspect, samples: int, chosen: Carrier) -> Proof:
    how = {"samples": samples, "composite": "epsilon_plus_flat", "known": chosen.judged, "progress": False}
    return prove(before, after, artefact, 1, **how)  # type: ignore[arg-type]


def _both(proof: Proof, what: str) -> tuple[float, float]:
    return getattr(proof.before, what).value, getattr(proof.after, what).value


def _cost(innocent: Subject, name: str, direction: Direction, artefact: Suspect) -> float:
    """Accuracy after minus before, on inputs that the repair has not seen."""
    after = repair(innocent, name, direction, artefact, progress=False)
    unseen = np.setdiff1d(np.arange(len(innocent.dataset)), sorted(after.used))
    before, then = (right(each.explainer(), innocent, unseen).mean() for each in (innocent, after))
    return float(then - before)
