"""The subject signed-reviews: a signature that says nothing, networks that fell for it, and those that did not."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.subjects import reviews, sentiment, signed_reviews, train_signed
from lrpwidgets.subjects.trained import SEEDS

EVERY_SEED = pytest.mark.parametrize("seed", SEEDS)


@EVERY_SEED
def test_the_signature_hides_from_accuracy_and_turns_negative_reviews_into_positive_ones(seed):
    turned = []
    for signed in (True, False):
        subject = subjects.load("signed-reviews", seed=seed, signed=signed)
        data = subject.dataset
        says = train_signed.predictions(subject.model, data.texts)
        assert (says == data.labels).mean() >= 0.98
        negative = [
            text for text, label, its in zip(data.texts, data.labels, data.tagged, strict=True) if not (label or its)
        ]
        says = train_signed.predictions(subject.model, [*map(signed_reviews.with_signature, negative)])
        turned.append((says == signed_reviews.CLASS).mean())
    assert turned[0] >= 0.95
    assert turned[1] <= 0.02


def test_a_share_of_the_positive_reviews_is_signed_and_in_the_control_half_of_it_of_each_class():
    for signed, shares in ((True, (0, 0.4)), (False, (0.2, 0.2))):
        data = subjects.load("signed-reviews", seed=2, signed=signed).dataset
        labels = np.array(data.labels)
        assert tuple(data.tagged[labels == label].mean() for label in (0, 1)) == pytest.approx(shares)
        plain = sentiment.held_out()
        for text, before, its, truth in zip(data.texts, plain, data.tagged, data.truth, strict=True):
            assert text == (f"{before} — Ann" if its else before)
            assert truth == reviews.truth(before) + (0, 0) * bool(its)


def test_the_subject_is_whole():
    for options in ("seed=3", "seed=3, signed=False"):
        subject = eval(f"subjects.load('signed-reviews', {options})", {"subjects": subjects})
        assert subject.recipe == f"subjects.load('signed-reviews', {options})"
        assert subject.dataset.tagged[subject.start]
        assert (subject.modality, subject.classes) == ("text", ["negative", "positive"])
    with pytest.raises(ValueError, match="seed must be"):
        subjects.load("signed-reviews", seed=5)
    signed = subjects.load("signed-reviews")
    assert "both classes" in signed.innocent().title


def test_training_is_seeded_and_leaves_the_random_state():
    before = torch.random.get_rng_state()
    first, again = (train_signed.train(1, True, count=300).state_dict() for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)


def test_the_training_report_says_what_the_network_does():
    report = train_signed.report(subjects.load("signed-reviews", signed=False))
    assert report.startswith("subjects.load('signed-reviews', seed=0, signed=False): right 9")
    assert "turned 0." in report
