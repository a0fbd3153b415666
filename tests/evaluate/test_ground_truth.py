"""Methods against masks of what the answer depends on, where both are known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.evaluate import GroundTruth, ground_truth
from lrpwidgets.progress import Cancelled
from lrpwidgets.subjects import Subject, questions
from lrpwidgets.subjects.masks import ASKED, TAG
from lrpwidgets.subjects.tags import TaggedSamples
from lrpwidgets.tables import Table

LRP = "epsilon_gamma_box"


def planted(count=30, label=0, masks=None):
    """Pictures that are 1 on a square and 0 elsewhere, and a model that answers 0 to all."""
    random = np.random.default_rng(0)
    known = np.zeros((count, 8, 8), np.uint8)
    for mask, (top, left) in zip(known, random.integers(0, 6, (count, 2)), strict=True):
        mask[top : top + 3, left : left + 2] = ASKED
    inputs = torch.as_tensor(known == ASKED).float()[:, None]
    model = nn.Sequential(nn.Flatten(), nn.Linear(64, 2)).eval()
    with torch.no_grad():
        model[1].weight.copy_(torch.tensor([[1.0], [-1.0]]))
        model[1].bias.copy_(torch.tensor([1.0, -1.0]))  # also to nothing at all
    names, tagged = [f"picture {i}" for i in range(count)], np.zeros(count, bool)
    samples = TaggedSamples(inputs, [label] * count, names, tagged, known if masks is None else masks)
    return Subject(model, samples, ["yes", "no"], name="planted")


def standing(found, method):
    return next(each for each in found.standings if each.method == method)


@pytest.fixture(scope="module")
def asked():
    every = [subjects.load("questions", question=questions.QUESTIONS[number]) for number in (0, 8, 17)]
    return every, ground_truth(every, [LRP, "sensitivity"], samples=60, progress=False)


def test_a_map_that_is_the_mask_has_all_of_both_figures():
    found = ground_truth(planted(), ["magnitude"], progress=False)  # the size of pixels is the mask itself
    oracle = standing(found, "magnitude")
    assert found.standings[0] is oracle
    for figure in (oracle.mass, oracle.rank):
        assert (figure.value, figure.low, figure.high) == (1, 1, 1)


def test_a_random_map_has_the_area_of_the_masks(asked):
    random = standing(asked[1], "random")
    for figure in (random.mass, random.rank):
        assert figure.low <= random.area <= figure.high
        assert figure.samples == asked[1].samples


def test_lrp_finds_the_thing_in_question_and_what_knows_nothing_does_not(asked):
    lrp, *others = (standing(asked[1], name) for name in (LRP, "edges", "random", "sensitivity"))
    for other in others:
        assert lrp.mass.low > other.mass.high
        assert lrp.rank.low > other.rank.high
    assert lrp.mass.value > 0.6


def test_the_methods_stand_in_the_order_of_their_mass_and_can_be_told_of(asked):
    found = asked[1]
    assert isinstance(found, GroundTruth)
    assert isinstance(found.standings, Table)
    masses = [each.mass.value for each in found.standings]
    assert masses == sorted(masses, reverse=True)
    assert found.conclusion.startswith(f"On {found.samples} inputs, {found.left_out} more were answered wrong")
    assert found.conclusion.endswith("Not above a random map: random.")
    assert set(found.standings.to_frame()["method"]) == {LRP, "sensitivity", "edges", "random"}


def test_all_things_are_more_than_the_one_in_question(asked):
    every, single = asked
    found = ground_truth(every, [LRP], masks="all", samples=60, progress=False)
    assert standing(found, LRP).mass.value > standing(single, LRP).mass.value
    assert standing(found, LRP).area > 2 * standing(single, LRP).area


def test_the_pool_is_asked_for_and_told():
    subject = subjects.load("questions")
    values = {}
    for pool in ("l2-norm,sq", "sum,pos", "max-norm"):
        found = ground_truth(subject, [LRP], pool=pool, samples=20, progress=False)
        assert f"with {pool}:" in found.conclusion
        values[pool] = standing(found, LRP).mass.value
    assert len(set(values.values())) == 3
    assert values["l2-norm,sq"] > values["max-norm"]  # a square sharpens


@pytest.mark.parametrize(("name", "seed"), [("clever-hans", 1), ("tagged-digits", 4)])
def test_relevance_is_on_the_tag_of_a_model_that_fell_for_it_and_not_of_one_that_never_saw_it(name, seed):
    subject, control = (subjects.load(name, seed=seed, tagged=tagged) for tagged in (True, False))
    fell, honest = (
        ground_truth(each, [LRP], masks="tag", samples=30, progress=False)
        for each in (subject, replace(subject, model=control.model))
    )
    assert standing(fell, LRP).mass.low > standing(honest, LRP).mass.high
    assert standing(fell, LRP).mass.low > standing(fell, LRP).area


def test_only_inputs_that_are_answered_correctly_count():
    subject = planted()
    subject.dataset.labels[:10] = [1] * 10
    found = ground_truth(subject, ["magnitude"], progress=False)
    assert (found.samples, found.left_out) == (20, 10)
    assert {each.mass.samples for each in found.standings} == {20}


def test_a_map_without_relevance_counts_with_its_area():
    subject = planted()
    subject.dataset.inputs[:6] = 0
    oracle = standing(ground_truth(subject, ["magnitude"], progress=False), "magnitude")
    assert oracle.blank == 6
    for figure in (oracle.mass, oracle.rank):
        assert figure.value == pytest.approx((24 + 6 * 6 / 64) / 30)


def test_who_cannot_explain_is_left_out_with_the_reason():
    found = ground_truth(planted(), ["magnitude", "attention_rollout"], progress=False)
    assert found.obstacles.keys() == {"attention_rollout"}
    assert "attention_rollout" not in {each.method for each in found.standings}


def test_the_same_inputs_are_drawn_for_a_seed_and_others_for_another():
    one, two, other = (
        ground_truth(subjects.load("questions"), ["sensitivity"], samples=15, seed=seed, progress=False).standings
        for seed in (0, 0, 1)
    )
    assert one == two
    assert one != other


def test_it_tells_how_far_it_is_and_can_be_ended():
    told = []
    ground_truth(planted(), ["magnitude"], progress=told.append)
    assert told[-1].done == told[-1].total == 3 * 30

    def end(progress):
        raise Cancelled

    with pytest.raises(Cancelled):
        ground_truth(planted(), ["magnitude"], progress=end)


WRONG = {
    r"data of 'digits' has no masks; give its dataset": lambda: subjects.load("digits"),
    r"'planted' needs masks \(30, 8, 8\), one for each input; got \(30, 4, 4\)": lambda: planted(
        masks=np.ones((30, 4, 4), np.uint8)
    ),
    r"No input of 'planted' has a mask of 'single'": lambda: planted(masks=np.zeros((30, 8, 8), np.uint8)),
    r"None of the 30 inputs was answered correctly": lambda: planted(label=1),
    r"'picture \d+' of 'planted' has no label": lambda: planted(label=None),
    r"one subject at least, got none": list,
    r"same bounds and classes; those of '.*handwritten digits'": lambda: [planted(), subjects.load("digits")],
}


@pytest.mark.parametrize("match", WRONG)
def test_a_subject_that_does_not_fit_is_refused(match):
    with pytest.raises(ValueError, match=match):
        ground_truth(WRONG[match](), ["magnitude"], progress=False)


@pytest.mark.parametrize(
    ("arguments", "match"),
    [
        ({"masks": "tags"}, "masks must be one of single, all, tag, got 'tags'"),
        ({"masks": "tag"}, "No input of 'planted' has a mask of 'tag'"),
        ({"pool": "mean"}, "pool must be one of sum,pos.*got 'mean'"),
        ({"samples": 1}, "two samples at least, got samples=1"),
        ({"methods": ["magnitud"]}, "magnitud"),
        ({"methods": []}, "no method to compare with the baselines"),
    ],
)
def test_arguments_that_are_out_of_range_are_refused(arguments, match):
    with pytest.raises(ValueError, match=match):
        ground_truth(planted(), **{"methods": ["magnitude"], "progress": False} | arguments)


def test_masks_may_be_of_any_dataset_that_has_them():
    known = planted().dataset

    class Own(list):
        masks = np.where(known.masks == ASKED, TAG, 0)

    subject = replace(planted(), dataset=Own(known[i] for i in range(len(known))))
    assert standing(ground_truth(subject, ["magnitude"], masks="tag", progress=False), "magnitude").rank.value == 1


def test_of_texts_those_words_are_known_that_decide():
    subject = subjects.load("sentiment", model="cnn")
    found = ground_truth(subject, ["epsilon", "sensitivity"], samples=30, progress=False)
    oracle = [(explained(subject, item), np.array(subject.dataset.truth[item]) != 0) for item in range(30)]
    assert standing(found, "epsilon").rank.low > standing(found, "sensitivity").rank.high
    assert abs(standing(found, "random").rank.value - found.standings[0].area) < 0.1
    every = ground_truth(subject, ["epsilon"], samples=400, progress=False)
    counted = [
        decide[np.argsort(-np.abs(relevance))[: decide.sum()]].mean()
        for relevance, decide in oracle
        if relevance is not None
    ]
    assert standing(every, "epsilon").rank.value == pytest.approx(np.mean(counted), abs=0.05)


def explained(subject, item):
    """Relevance of its words for the label of a text that is read right; else None."""
    x, label = subject.item(item)
    found = subject.explainer("epsilon").explain(x[None], label)
    return found.relevance[0].numpy() if found.top_class == label else None


@pytest.mark.parametrize(
    ("name", "masks", "match"),
    [
        ("documents", "single", "data of 'documents' does not know which words decide; make it a"),
        ("sentiment", "tag", "those words are known that decide, masks='single'; got 'tag'"),
    ],
)
def test_texts_without_that_truth_are_refused(name, masks, match):
    with pytest.raises(ValueError, match=match):
        ground_truth(subjects.load(name), ["epsilon"], masks=masks, progress=False)
