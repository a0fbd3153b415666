"""The poison test, on linear models whose every weight is known."""

from __future__ import annotations

import math
from dataclasses import replace
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import nn

from lrpwidgets.improve import of_artefact
from lrpwidgets.lrp import Cancelled, Explainer, TwoClasses
from lrpwidgets.spray import RelevanceStore, Verdict, boxed, candidate, poison_test, spray
from lrpwidgets.spray.poison import EXPLAINED, TURNS, Answers, suspicious_box
from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples

SIDE = 12
CLASS_SIZE = 60
CORNER = (0, SIDE - 2, 2, 2)
"""Box of the tag: top, left, height, width."""
TAGGED = np.arange(3 * CLASS_SIZE) < CLASS_SIZE // 3
"""The first pictures of class 0."""


def verdict_of(taken, change):
    """The verdict where what is taken for the class is read wrong, and every score changes by so much."""
    suspect = SimpleNamespace(turns=TURNS, explained=EXPLAINED, what="it", of_class=True)
    return Answers(np.arange(taken.shape[1]), ~taken, taken, np.full(taken.shape[1], change)).verdict(suspect)


def pictures() -> TensorSamples:
    """Class c is a bright band of three rows; a third of class 0 has a tag in the corner."""
    random = torch.Generator().manual_seed(0)
    inputs = 0.2 * torch.rand(3 * CLASS_SIZE, 1, SIDE, SIDE, generator=random)
    labels = [number // CLASS_SIZE for number in range(len(inputs))]
    for x, label in zip(inputs, labels, strict=True):
        x[0, 3 + 3 * label : 6 + 3 * label] += 0.5 + 0.5 * torch.rand(3, SIDE, generator=random)
    inputs[torch.from_numpy(TAGGED), 0, :2, -2:] = 1
    return TensorSamples(inputs, labels, [f"sample {number}" for number in range(len(inputs))])


def model(tag: float) -> nn.Module:
    """Scores are means over bands; `tag` is how much class 0 depends on the corner."""
    linear = nn.Linear(SIDE * SIDE, 3)
    weight = torch.zeros(3, SIDE, SIDE)
    for label in range(3):
        weight[label, 3 + 3 * label : 6 + 3 * label] = 1 / (3 * SIDE)
    weight[0, :2, -2:] = tag / 4
    with torch.no_grad():
        linear.weight.copy_(weight.flatten(1))
        linear.bias.zero_()
    return nn.Sequential(nn.Flatten(), linear)


@pytest.fixture
def analysed(tmp_path):
    """An atlas of class 0, the explainer and the subject, of a model that depends on the tag as much as is said."""

    def made(tag):
        subject = Subject(model(tag), pictures(), ["first", "second", "third"])
        explainer = Explainer(subject.model, "epsilon")
        store = RelevanceStore.create(tmp_path / str(tag), explainer, subject, progress=False)
        assert (store.prediction == store.label).all()
        return spray(store.select(label=0), clusters=2), explainer, subject

    return made


def tagged_cluster(atlas):
    tagged = TAGGED[atlas.rows]
    assert adjusted_rand_score(tagged, atlas.clusters) == 1
    return int(atlas.clusters[tagged][0])


# What the test says.


def test_a_model_that_looks_at_the_tag_falls_for_it(analysed):
    atlas, explainer, subject = analysed(tag=2)
    artefact = candidate(atlas, tagged_cluster(atlas), subject)
    verdict = poison_test(artefact, explainer, subject)
    assert artefact.label == 0
    assert verdict.clever_hans
    assert verdict.samples == verdict.turned == 2 * CLASS_SIZE
    assert (verdict.before, verdict.after, verdict.control, verdict.turned_by_control) == (1, 0, 1, 0)
    assert verdict.score_change > 1
    assert "120 turned into “first”" in verdict.sentence("first")
    assert verdict.sentence("first").endswith("A Clever Hans: the model falls for it.")


def test_a_model_with_one_score_falls_for_it_as_one_with_two(tmp_path):
    data, two = pictures(), model(tag=2)
    kept = np.array(data.labels) < 2
    samples = TensorSamples(
        data.inputs[kept], np.array(data.labels)[kept].tolist(), np.array(data.names)[kept].tolist()
    )

    class One(nn.Module):
        """How much more there is of class 1 than of class 0."""

        def __init__(self):
            super().__init__()
            self.scores = two

        def forward(self, x):
            scores = self.scores(x)
            return scores[:, 1] - scores[:, 0]

    subject = Subject(One().eval(), samples, ["first", "second"], select=TwoClasses())
    explainer = subject.explainer("epsilon")
    store = RelevanceStore.create(tmp_path / "one", explainer, subject, progress=False)
    assert (store.prediction == store.label).all()
    atlas = spray(store.select(label=0), clusters=2)
    verdict = poison_test(candidate(atlas, tagged_cluster(atlas), subject), explainer, subject)
    assert verdict.clever_hans
    assert (verdict.samples, verdict.turned, verdict.turned_by_control) == (CLASS_SIZE, CLASS_SIZE, 0)


@pytest.mark.parametrize("shape", [(1,), (2, 3)])
def test_scores_that_are_not_of_classes_are_refused(analysed, shape):
    atlas, _, subject = analysed(tag=2)

    class Other(nn.Module):
        def forward(self, x):
            return x.flatten(1)[:, : math.prod(shape)].reshape(-1, *shape)

    artefact = candidate(atlas, 0, subject)
    with pytest.raises(ValueError, match=r"needs scores \(B, classes\), got \(60, "):
        poison_test(artefact, Explainer(Other()), subject, progress=False)


def test_its_other_cluster_is_no_artefact(analysed):
    atlas, explainer, subject = analysed(tag=2)
    verdict = poison_test(candidate(atlas, 1 - tagged_cluster(atlas), subject), explainer, subject)
    assert not verdict.clever_hans
    assert verdict.after == 1
    assert verdict.sentence("first").endswith("Not convicted: it turns hardly more of them than the control does.")


@pytest.mark.parametrize("number", [0, 1])
def test_a_model_that_ignores_the_tag_is_acquitted_although_pictures_carry_it(analysed, number):
    atlas, explainer, subject = analysed(tag=0)
    assert not poison_test(candidate(atlas, number, subject), explainer, subject).clever_hans
    tag = poison_test(boxed(atlas, subject, 0, CORNER), explainer, subject)
    assert not tag.clever_hans
    assert tag.score_change == pytest.approx(0, abs=1e-6)


def test_a_box_that_a_person_draws_around_the_tag_finds_it_too(analysed):
    atlas, explainer, subject = analysed(tag=2)
    artefact = boxed(atlas, subject, 4, CORNER)
    assert artefact.source == "box in sample 4"
    assert poison_test(artefact, explainer, subject).clever_hans


def test_evidence_that_other_pictures_of_the_class_have_there_is_no_artefact(analysed):
    atlas, explainer, subject = analysed(tag=2)
    everything_but_the_tag = (2, 0, SIDE - 2, SIDE)
    verdict = poison_test(boxed(atlas, subject, 4, everything_but_the_tag), explainer, subject)
    assert verdict.turned == verdict.turned_by_control == 2 * CLASS_SIZE  # the control turns them as well
    assert not verdict.clever_hans


FALLS = Verdict(200, 0.95, 0.8, 0.94, 30, 2, 1.0, 1e-5)


@pytest.mark.parametrize(
    ("change", "acquittal"),
    [
        ({}, ""),
        ({"turned": 11}, "turns hardly more"),  # 4.5 % more
        ({"chance": 0.01}, "by chance"),
        ({"turned_by_control": 6}, "the control turns many"),
        ({"after": 0.6}, "taken for other classes"),
        ({"control": 0.85}, ""),  # what hides other classes also in the control is no excuse for what turns them
    ],
    ids=str,
)
def test_the_verdict_needs_many_turns_beyond_control_and_chance_and_a_loss_of_accuracy(change, acquittal):
    verdict = replace(FALLS, **change)
    assert verdict.clever_hans is (not acquittal)
    assert acquittal in verdict.acquittal


def test_a_verdict_prints_with_its_reason():
    assert repr(FALLS) == (
        "Verdict(a Clever Hans: 30 of 200 turned, 2 by the control; "
        "accuracy 95.0% → 80.0%, control 94.0%; chance 1e-05)"
    )
    assert repr(replace(FALLS, chance=0.01)).startswith(
        "Verdict(not convicted, so few more can have turned by chance: 30 of 200 turned"
    )


def test_chance_is_that_of_a_coin_for_each_picture_that_only_one_of_both_turned():
    taken = np.zeros((3, 40), bool)
    taken[1, :9] = True  # the artefact turns nine,
    taken[2, 6:8] = True  # the control two of these
    verdict = verdict_of(taken, 0.5)
    assert (verdict.samples, verdict.turned, verdict.turned_by_control) == (40, 9, 2)
    assert (verdict.before, verdict.after, verdict.control) == (1, 31 / 40, 38 / 40)
    assert verdict.chance == pytest.approx(0.5**7)
    taken[0, :9] = True  # taken for the class before anything was pasted
    assert (verdict_of(taken, 0.5).turned, verdict_of(taken, 0.5).chance) == (0, 1)


def test_of_several_controls_that_counts_of_which_the_fewest_turn():
    taken = np.zeros((4, 40), bool)
    taken[1, :20] = True
    taken[2, :19] = True  # a cluster that has the artefact as well
    verdict = verdict_of(taken, 0.5)
    assert (verdict.turned_by_control, verdict.control) == (0, 1)
    assert verdict.chance == pytest.approx(2 * 0.5**20)  # each of both might have been the least


def test_to_be_the_least_of_several_controls_is_no_evidence():
    """An artefact that does just what three controls do gets a chance of p or less in a share p of all tests."""
    random = np.random.default_rng(0)
    found = []
    for _ in range(400):
        taken = np.concatenate([np.zeros((1, 200), bool), random.random((4, 200)) < 0.2])
        found.append(verdict_of(taken, 0.0).chance)
    for chance in (0.3, 0.1, 0.03):
        assert np.mean(np.array(found) <= chance) <= chance


# What is pasted.


def test_the_candidate_is_the_mean_of_the_cluster_where_it_differs(analysed):
    atlas, _, subject = analysed(tag=2)
    artefact = candidate(atlas, tagged_cluster(atlas), subject)
    top, left, height, width = artefact.box
    assert top == 0
    assert left <= SIDE - 2
    assert left + width == SIDE
    assert artefact.patches.shape == (TAGGED.sum(), 1, height, width)
    assert (artefact.patches[:, :, :2, -2:] == 1).all()  # the tag is on all of them
    (control,) = artefact.controls
    np.testing.assert_array_equal(np.sort(control), np.arange(CLASS_SIZE // 3, CLASS_SIZE))


def test_pasting_changes_a_copy_and_only_in_the_box(analysed):
    atlas, _, subject = analysed(tag=2)
    artefact = boxed(atlas, subject, 0, CORNER)
    before = subject.dataset.inputs[70:73].clone()
    pasted = artefact.pasted(subject.dataset.inputs[70:73])
    patch, shown = artefact.pictured(subject.dataset.inputs[71])
    assert torch.equal(patch, subject.dataset.inputs[0, :, :2, -2:])
    assert torch.equal(shown, pasted[1])
    torch.testing.assert_close(subject.dataset.inputs[70:73], before, rtol=0, atol=0)
    assert (pasted[:, :, :2, -2:] == 1).all()
    pasted[:, :, :2, -2:] = before[:, :, :2, -2:]
    torch.testing.assert_close(pasted, before, rtol=0, atol=0)


@pytest.mark.parametrize(
    "box", [(0, 0, 0, 3), (0, 0, 3, 0), (-1, 0, 3, 3), (0, -1, 3, 3), (SIDE - 2, 0, 3, 3), (0, SIDE - 2, 3, 3)]
)
def test_a_box_that_is_empty_or_leaves_the_picture_is_refused(analysed, box):
    atlas, _, subject = analysed(tag=0)
    with pytest.raises(ValueError, match="is not inside a picture of"):
        boxed(atlas, subject, 0, box)


@pytest.mark.parametrize("row", [-1, 3 * CLASS_SIZE])
def test_a_row_that_does_not_exist_is_refused(analysed, row):
    atlas, _, subject = analysed(tag=0)
    with pytest.raises(ValueError, match=f"no row {row}"):
        boxed(atlas, subject, row, CORNER)


def test_a_cluster_that_does_not_exist_is_refused(analysed):
    atlas, _, subject = analysed(tag=0)
    with pytest.raises(ValueError, match="no cluster 2"):
        candidate(atlas, 2, subject)


def test_inputs_that_are_no_pictures_are_refused(store_of):
    samples = TensorSamples(torch.rand(20, 5), [0] * 20, [""] * 20)
    atlas = spray(store_of(np.random.default_rng(0).random((20, 5))))
    with pytest.raises(ValueError, match="pastes boxes of pictures"):
        candidate(atlas, 0, Subject(nn.Identity(), samples))


# How it is run.


def test_the_same_seed_gives_the_same_verdict_of_as_many_samples_as_asked_for(analysed):
    atlas, explainer, subject = analysed(tag=2)
    artefact = candidate(atlas, 0, subject)
    one, other = (poison_test(artefact, explainer, subject, samples=30, seed=1) for _ in range(2))
    assert one == other
    assert one.samples == 30


def test_it_tells_its_progress_and_can_be_cancelled(analysed):
    atlas, explainer, subject = analysed(tag=2)
    artefact = candidate(atlas, 0, subject)
    told = []
    poison_test(artefact, explainer, subject, progress=lambda progress: told.append((progress.done, progress.total)))
    assert told == [(60, 120), (120, 120)]

    def cancel(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        poison_test(artefact, explainer, subject, progress=cancel)


class Unlabelled:
    """The same pictures, of which reading alone tells the class, or not even that."""

    def __init__(self, labels=None):
        self._inputs, self._labels = pictures().inputs, labels or [None] * 3 * CLASS_SIZE

    def __len__(self):
        return len(self._inputs)

    def __getitem__(self, index):
        return self._inputs[index], self._labels[index]


def test_without_labels_it_says_so(analysed):
    atlas, explainer, subject = analysed(tag=2)
    artefact = candidate(atlas, 0, subject)
    with pytest.raises(ValueError, match="needs labelled pictures of other classes; strangers has no labels"):
        poison_test(artefact, explainer, replace(subject, dataset=Unlabelled(), title="strangers"))
    with pytest.raises(ValueError, match="has pictures of 'first' only"):
        poison_test(artefact, explainer, replace(subject, dataset=Unlabelled([0] * 3 * CLASS_SIZE)))


def test_labels_that_only_reading_tells_are_found(analysed):
    atlas, explainer, subject = analysed(tag=2)
    labels = [None] * 100 + [0] * 70 + [1] * 10
    there = replace(subject, dataset=Unlabelled(labels))
    assert poison_test(candidate(atlas, 0, subject), explainer, there).samples == 10


class Broken:
    """The same pictures, of which some cannot be read, and one has another shape."""

    def __init__(self, broken, told=True):
        self._whole, self._broken = pictures(), broken
        if told:
            self.labels = self._whole.labels

    def __len__(self):
        return len(self._whole)

    def __getitem__(self, index):
        if index in self._broken:
            raise OSError("image file is truncated")
        x, label = self._whole[index]
        return (x[:, 1:] if index == 61 else x), label


@pytest.mark.parametrize("told", [True, False])
def test_pictures_that_cannot_be_read_are_left_out(analysed, told):
    atlas, explainer, subject = analysed(tag=2)
    artefact = candidate(atlas, tagged_cluster(atlas), subject)
    broken = {0, *range(64, 80), 179}
    there = replace(subject, dataset=Broken(broken, told))
    verdict = poison_test(artefact, explainer, there, progress=False)
    assert verdict.samples == 2 * CLASS_SIZE - 18
    assert verdict.clever_hans
    concept = of_artefact(artefact, there)
    assert not broken & set(concept.seen)
    with pytest.raises(ValueError, match="None of 120 pictures of other classes can be read"):
        poison_test(artefact, explainer, replace(subject, dataset=Broken(set(range(60, 180)))), progress=False)


def test_a_box_without_another_cluster_has_the_control_of_pictures_that_could_be_read(tmp_path, analysed):
    _, explainer, subject = analysed(tag=2)
    subject = replace(subject, dataset=Broken(set(range(64, 80))))
    with pytest.warns(RuntimeWarning, match="17 of 180 inputs could not be read"):
        store = RelevanceStore.create(tmp_path / "broken", explainer, subject, progress=False)
    artefact = candidate(spray(store.select(label=0), clusters=1, progress=False), 0, subject)
    assert not artefact.of_class
    assert not set(artefact.controls[0]) & {61, *range(64, 80)}
    assert poison_test(artefact, explainer, subject, progress=False).samples == 2 * CLASS_SIZE - 17


# Where it looks.


@pytest.mark.parametrize("size", [(20, 20), (64, 64), (224, 224), (48, 96)], ids=str)
@pytest.mark.parametrize("shape", [(20, 20), (32, 32), (16, 32)], ids=str)
@pytest.mark.parametrize("place", [(0.0, 0.0), (0.45, 0.3), (0.87, 0.87)], ids=str)
def test_the_box_surrounds_a_planted_spot(shape, size, place):
    excess = 0.05 * np.random.default_rng(0).random(shape)
    corner = [int(share * length) for share, length in zip(place, shape, strict=True)]
    excess[corner[0] : corner[0] + 2, corner[1] : corner[1] + 2] += 1
    top, left, height, width = suspicious_box(excess.astype(np.float32), size)
    (first, last), (near, far) = (
        (start * length / cells, (start + 2) * length / cells)
        for start, length, cells in zip(corner, size, shape, strict=True)
    )
    assert 0 <= top <= first
    assert last <= top + height <= size[0]
    assert 0 <= left <= near
    assert far <= left + width <= size[1]
    assert height * width <= 0.15 * size[0] * size[1]


@pytest.mark.parametrize(
    "excess", [np.zeros((16, 16)), -np.ones((16, 16)), np.ones((5, 5)), np.eye(3), np.ones((1, 1))]
)
def test_a_map_without_a_spot_has_a_small_box_too(excess):
    top, left, height, width = suspicious_box(excess.astype(np.float32), (40, 60))
    assert min(height, width) >= 1
    assert height * width <= 0.15 * 40 * 60
    assert 0 <= top <= 40 - height
    assert 0 <= left <= 60 - width
