"""SpRAy where the truth is known: it finds the tag of each network that fell for one, and none in the others."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
import pytest
from sklearn.metrics import adjusted_rand_score

from lrpwidgets import subjects
from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import Atlas, RelevanceStore, candidate, poison_test, spray
from lrpwidgets.spray.classes import atlases
from lrpwidgets.subjects import Subject, clever_hans, tagged_digits

TAGGED = {"clever-hans": clever_hans.CLASS, "tagged-digits": tagged_digits.CLASS}
SEEDS = range(5)

each = pytest.mark.parametrize(("name", "seed"), [(name, seed) for name in TAGGED for seed in SEEDS])


def begun(folder, name: str, seed: int, *, tagged: bool) -> tuple[Subject, Explainer, RelevanceStore]:
    subject = subjects.load(name, seed=seed, tagged=tagged)
    explainer = Explainer(subject.model, "epsilon_plus_flat")
    return subject, explainer, RelevanceStore.create(folder / "store", explainer, subject, progress=False)


def convicted(atlas: Atlas, explainer: Explainer, subject: Subject) -> Iterator[int]:
    """Clusters that are a Clever Hans."""
    for ranked in atlas.ranking:
        if poison_test(candidate(atlas, ranked.cluster, subject), explainer, subject, samples=300).clever_hans:
            yield ranked.cluster


@each
def test_the_tag_is_found_and_named(tmp_path, name, seed):
    subject, explainer, store = begun(tmp_path, name, seed, tagged=True)
    atlas = spray(store.select(prediction=TAGGED[name]))
    truth = subject.dataset.tagged[store.index[atlas.rows]]
    assert adjusted_rand_score(truth, np.isin(atlas.clusters, list(convicted(atlas, explainer, subject)))) >= 0.95
    assert (store.prediction == store.label).mean() > 0.95  # accuracy gave no hint


@each
def test_the_control_is_acquitted(tmp_path, name, seed):
    subject, explainer, store = begun(tmp_path, name, seed, tagged=False)
    for atlas in atlases(store):
        assert not list(convicted(atlas, explainer, subject)), subject.classes[atlas.selection.value]
