"""Is a signature found and convicted, and everything else that reviews say left alone: ``... signatures``.

SpRAy of the subject ``signed-reviews`` and its control, over all seeds, and of real docstrings (``documents``), where
nobody knows the truth. What a signature really does is known: it is put behind all negative reviews.
"""

from __future__ import annotations

import tempfile
from collections.abc import Iterator
from dataclasses import dataclass
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

CASES = {
    **{f"signed {seed}": ("signed-reviews", {"seed": seed}) for seed in SEEDS},
    **{f"control {seed}": ("signed-reviews", {"seed": seed, "signed": False}) for seed in SEEDS},
    **{f"documents {model}": ("documents", {"model": model}) for model in ("bag_of_words", "cnn")},
}


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
    found = {name: list(judged(subjects.load(subject, **options))) for name, (subject, options) in CASES.items()}
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
    for seed in SEEDS:
        for signed in (True, False):
            print(train_signed.report(signed_reviews.load(seed, signed)))
    return {name: [vars(each) for each in clusters] for name, clusters in found.items()}


def judged(subject: Subject) -> Iterator[Judged]:
    """What SpRAy and the poison test say of each cluster of each predicted class."""
    explainer, tagged = subject.explainer(), getattr(subject.dataset, "tagged", np.zeros(len(subject.dataset), bool))
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
