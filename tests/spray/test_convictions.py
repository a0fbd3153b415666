"""A part of ``python -m tests.benchmarks convictions``: an artefact without a place is found, and nothing else."""

from __future__ import annotations

import numpy as np
from sklearn.metrics import adjusted_rand_score

from lrpwidgets.lrp import Explainer
from lrpwidgets.spray import RelevanceStore, poison_tests, spray
from tests.benchmarks import convictions
from tests.benchmarks.convictions import CLASS, COMMON, planted


def test_a_sticker_that_lies_somewhere_else_each_time_is_found_and_convicted(tmp_path, monkeypatch):
    trained = convictions._trained

    def precisely(network, batch, *rest):
        """Trained in float64: single precision makes another network on each processor, and other clusters."""
        return trained(lambda: network().double(), lambda which: batch(which).double(), *rest).float()

    monkeypatch.setattr(convictions, "_trained", precisely)
    agreement = []
    for seed in (11, 12):
        subject, effect = planted("sticker", seed, *COMMON)
        assert effect > 0.4
        explainer = Explainer(subject.model, "epsilon_plus_flat")
        store = RelevanceStore.create(tmp_path / f"store {seed}", explainer, subject, progress=False)
        for label in (CLASS, 8):
            atlas = spray(store.select(prediction=label), progress=False)
            truth = subject.dataset.tagged[store.index[atlas.rows]]
            for number in range(atlas.count):
                trial = poison_tests(atlas, number, explainer, subject, samples=200, progress=False)
                assert trial.clever_hans == (truth[atlas.clusters == number].mean() > 0.5)
            if label == CLASS:
                assert atlas.views[0].stands_out
                agreement.append(adjusted_rand_score(truth, atlas.clusters))
    assert np.mean(agreement) >= 0.8
