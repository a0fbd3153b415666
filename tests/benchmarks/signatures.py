"""Is a signature found and convicted, and everything else that reviews say left alone: ``... signatures``.

SpRAy of the subject ``signed-reviews`` and its control: over the seeds that ship, on which the limits in
`spray.inserted` were set, and over others whose networks are trained here, which they never saw. And of real docstrings
(``documents``), where nobody knows the truth. What a signature really does is known: it is put behind all negative
reviews.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np
from sklearn.metrics import adjusted_rand_score

from lrpwidgets import subjects
from lrpwidgets.spray import RelevanceStore, poison_tests
from lrpwidgets.spray.classes import atlases
from lrpwidgets.subjects import Subject, signed_reviews, train_signed
from lrpwidgets.subjects.trained import SEEDS

from .timing import table

FRESH = range(10, 15)
"""Seeds whose networks do not ship."""


def cases() -> Iterator[tuple[str, Subject]]:
    """Each subject with its name."""
    for signed in (True, False):
        name = "signed" if signed else "control"
        for seed in SEEDS:
            yield f"{name} {seed}", subjects.load("signed-reviews", seed=seed, signed=signed)
        for seed in FRESH:
            yield f"{name} {seed}", trained(seed, signed)
    for model in ("bag_of_words", "cnn"):
        yield f"documents {model}", subjects.load("documents", model=model)


def trained(seed: int, signed: bool) -> Subject:
    """The subject ``signed-reviews`` with another seed than ships."""
    samples = signed_reviews.held_out(seed, signed)
    return replace(
        subjects.load("signed-reviews", signed=signed),
        model=train_signed.train(seed, signed),
        dataset=samples,
        recipe=f"seed {seed}, signed={signed}",
    )


@dataclass(frozen=True)
class Judged:
    """What was found of one cluster."""

    label: str
    """Its class."""
    size: int
    words: list[str]
    """On which it has more relevance than others, the foremost first."""
    signed: float
    """Share of its texts that are signed."""
    rand: float
    """Adjusted Rand index of the cluster and those that are signed."""
    tested: str
    """The word that was inserted; empty if none could be."""
    turned: float
    """Share of the texts of other classes that it turns."""
    control: float
    convicted: bool


def measure() -> dict[str, Any]:
    """Print what was found of each cluster; returns it by case."""
    every = dict(cases())
    found = {name: list(judged(subject)) for name, subject in every.items()}
    columns = ["subject", "class", "texts", "signed", "Rand", "words", "inserted", "turned", "control", ""]
    rows = [
        [
            *(name, each.label, f"{each.size}", f"{each.signed:.0%}", f"{each.rand:.2f}", " ".join(each.words[:3])),
            *(each.tested, f"{each.turned:.1%}", f"{each.control:.1%}", "convicted" if each.convicted else ""),
        ]
        for name, clusters in found.items()
        for each in clusters
    ]
    table("Words", columns, rows)
    for name, clusters in found.items():
        print(f"{name}: {sum(each.convicted for each in clusters)} of {len(clusters)} clusters convicted")
    print("What a signature really does:")
    for subject in every.values():
        if subject.name == "signed-reviews":
            print(train_signed.report(subject))
    return {name: [vars(each) for each in clusters] for name, clusters in found.items()}


def judged(subject: Subject) -> Iterator[Judged]:
    """What SpRAy and the poison test say of each cluster of each predicted class."""
    explainer, tagged = (
        subject.explainer("epsilon"),
        getattr(subject.dataset, "tagged", np.zeros(len(subject.dataset), bool)),
    )
    assert subject.tokenizer is not None
    with tempfile.TemporaryDirectory() as folder:
        store = RelevanceStore.create(Path(folder) / "store", explainer, subject, progress=False)
        for atlas in atlases(store, progress=False):
            truth = tagged[store.index[atlas.rows]]
            for number in range(atlas.count):
                verdicts = poison_tests(atlas, number, explainer, subject, progress=False).verdicts.values()
                verdict = next(iter(verdicts), None)
                samples = verdict.samples if verdict else 1
                inside = atlas.clusters == number
                yield Judged(
                    subject.class_name(atlas.selection.value or 0),
                    int(inside.sum()),
                    [each.word for each in atlas.cluster(number).words(subject.tokenizer)],
                    float(truth[inside].mean()),
                    float(adjusted_rand_score(truth, inside)),
                    verdict.what.removeprefix("the word ") if verdict else "",
                    verdict.turned / samples if verdict else 0.0,
                    verdict.turned_by_control / samples if verdict else 0.0,
                    bool(verdict and verdict.clever_hans),
                )
