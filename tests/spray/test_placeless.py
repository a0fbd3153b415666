"""Poison tests of what has no place, on networks of known weights and on one that was trained on such a mark."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets.lrp import Cancelled, Explainer
from lrpwidgets.spray import Features, RelevanceStore, poison_tests, spray
from lrpwidgets.spray.placeless import TESTS
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples

SIDE, SIZE = 16, 60
SIGN = torch.tensor([[1.0, 0, 1], [0, 1, 0], [1, 0, 1]])
MARKED = np.arange(3 * SIZE) < SIZE // 3
"""The first pictures of class 0 have the artefact."""
OTHERS, MARK = 0, 1
"""Numbers of the clusters."""


def moving_mark(x: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    top, left = torch.randint(0, SIDE - 3, (2,), generator=random).tolist()
    x = x.clone()
    x[0, top : top + 3, left : left + 3] = 1.6 * SIGN
    return x


def stripes(x: torch.Tensor, random: torch.Generator) -> torch.Tensor:
    return x + 0.6 * (torch.arange(SIDE) % 4 < 2)


class Network(nn.Module):
    """Class c is a bright band of three rows; class 0 may also be what `filters` find anywhere."""

    def __init__(self, weight: torch.Tensor, bias: float, strength: float) -> None:
        super().__init__()
        torch.manual_seed(0)  # of filters that the scores do not depend on
        self.find = nn.Conv2d(1, 12, weight.shape[-1])
        self.relu, self.pool, self.flatten = nn.ReLU(), nn.AdaptiveMaxPool2d(1), nn.Flatten()
        self.bands, self.marks = nn.Linear(SIDE * SIDE, 3), nn.Linear(12, 3, bias=False)
        with torch.no_grad():
            self.find.weight.normal_()  # as large as the one that matters
            self.find.weight[0, 0] = weight
            self.find.bias[0] = bias
            bands = torch.zeros(3, SIDE, SIDE)
            for label in range(3):
                bands[label, 3 + 4 * label : 6 + 4 * label] = 1 / (3 * SIDE)
            self.bands.weight.copy_(bands.flatten(1))
            self.bands.bias.zero_()
            self.marks.weight.zero_()
            self.marks.weight[0, 0] = strength

    def forward(self, x):
        return self.bands(self.flatten(x)) + self.marks(self.flatten(self.pool(self.relu(self.find(x)))))


def analysed(folder, artefact, network, layers=("find",)):
    random = torch.Generator().manual_seed(0)
    inputs = 0.1 * torch.rand(3 * SIZE, 1, SIDE, SIDE, generator=random)
    labels = [number // SIZE for number in range(len(inputs))]
    for number, label in enumerate(labels):
        inputs[number, 0, 3 + 4 * label : 6 + 4 * label] += 0.4 + 0.2 * torch.rand(3, SIDE, generator=random)
        if MARKED[number]:
            inputs[number] = artefact(inputs[number], random)
    samples = TensorSamples(inputs, labels, [f"sample {number}" for number in range(len(inputs))])
    subject = Subject(network.eval(), samples, ["first", "second", "third"])
    explainer = Explainer(subject.model, "epsilon")
    store = RelevanceStore.create(folder / "store", explainer, subject, layers=layers, progress=False)
    atlas = spray(store.select(label=0), features=Features(layer="input"), progress=False)
    truth = np.where(MARKED[atlas.rows], MARK, OTHERS).astype(np.int32)
    return replace(atlas, clusters=truth, clustering="truth"), explainer, subject


MARK_FILTER = 2 * SIGN - 1
"""Finds the mark, wherever it is: 8 there, at most 3 elsewhere."""


def test_a_mark_that_moves_is_convicted_by_its_spot_and_its_direction_turns_all(tmp_path):
    atlas, explainer, subject = analysed(tmp_path, moving_mark, Network(MARK_FILTER, -4.0, 1.0))
    trial = poison_tests(atlas, MARK, explainer, subject, progress=False)
    assert "spot" in trial.convicting
    assert trial.clever_hans
    assert (trial.verdicts["spot"].turned, trial.verdicts["spot"].turned_by_control) == (2 * SIZE, 0)
    direction = trial.verdicts["direction"]
    assert direction.turned == 2 * SIZE > 3 * direction.turned_by_control
    assert "A Clever Hans: the model falls for it." in trial.sentence("first")


def test_the_other_cluster_is_none_by_any_test(tmp_path):
    atlas, explainer, subject = analysed(tmp_path, moving_mark, Network(MARK_FILTER, -4.0, 1.0))
    trial = poison_tests(atlas, OTHERS, explainer, subject, progress=False)
    assert trial.convicting == []
    assert trial.missing == {}
    said = trial.sentence("first")
    assert trial.conclusion.startswith("Not a Clever Hans by any of 5 tests: an effect on 25% of the pictures or more")
    assert said.startswith(f"{trial.conclusion} By test: box {trial.verdicts['box'].turned} turned, control ")


def test_stripes_are_convicted_by_what_the_pictures_have_in_common(tmp_path):
    weight = torch.where(torch.arange(8) % 4 < 2, 1.0, -1.0).expand(8, 8)
    atlas, explainer, subject = analysed(tmp_path, stripes, Network(weight, -14.0, 1.0))
    trial = poison_tests(atlas, MARK, explainer, subject, progress=False)
    assert {"shift", "spectrum"} <= set(trial.convicting)


def test_a_model_that_ignores_the_mark_is_not_convicted(tmp_path):
    marked, explainer, subject = analysed(tmp_path, moving_mark, Network(MARK_FILTER, -4.0, 1.0))
    ignoring = Network(MARK_FILTER, -4.0, 0.0).eval()
    explainer = Explainer(ignoring, "epsilon")
    trial = poison_tests(marked, MARK, explainer, subject, progress=False)
    assert not trial.clever_hans


def test_what_was_not_tested_is_said_and_nothing_is_claimed(tmp_path):
    atlas, explainer, subject = analysed(tmp_path, moving_mark, Network(MARK_FILTER, -4.0, 1.0), layers=())
    trial = poison_tests(atlas, MARK, explainer, subject, progress=False)
    assert trial.missing == {"direction": "the store keeps no layer"}
    assert "Not tested by direction: the store keeps no layer." in trial.sentence("first")
    if not trial.clever_hans:
        assert trial.sentence("first").startswith("Not convicted by any of 4 tests")


def test_with_one_cluster_there_is_nothing_to_compare(tmp_path):
    atlas, explainer, subject = analysed(tmp_path, moving_mark, Network(MARK_FILTER, -4.0, 1.0))
    trial = poison_tests(atlas.recluster("spectral", 1), 0, explainer, subject, progress=False)
    assert set(trial.missing) == set(TESTS["image"])
    assert trial.sentence("first").startswith("Not convicted: no test could be made.")


def test_the_model_has_no_hooks_afterwards(tmp_path):
    atlas, explainer, subject = analysed(tmp_path, moving_mark, Network(MARK_FILTER, -4.0, 1.0))
    poison_tests(atlas, 0, explainer, subject, progress=False)
    assert not subject.model.find._forward_hooks


def test_it_tells_its_progress_and_can_be_cancelled(tmp_path):
    atlas, explainer, subject = analysed(tmp_path, moving_mark, Network(MARK_FILTER, -4.0, 1.0))
    told = []

    def cancel(progress):
        told.append((progress.done, progress.total))
        if progress.done == 2:
            raise Cancelled

    with pytest.raises(Cancelled):
        poison_tests(atlas, 0, explainer, subject, progress=cancel)
    assert told == [(0, 5), (1, 5), (2, 5)]
    assert not subject.model.find._forward_hooks


def test_a_cluster_that_is_not_there_is_refused(tmp_path):
    atlas, explainer, subject = analysed(tmp_path, moving_mark, Network(MARK_FILTER, -4.0, 1.0))
    with pytest.raises(ValueError, match="There is no cluster 7; there are clusters 0 to 1"):
        poison_tests(atlas, 7, explainer, subject, progress=False)
