"""SpRAy of texts: relevance on the vocabulary, words of clusters, and the poison test of words."""

from __future__ import annotations

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch
from sklearn.metrics import adjusted_rand_score
from torch import nn

from lrpwidgets import subjects
from lrpwidgets.lrp import Cancelled
from lrpwidgets.spray import RelevanceStore, candidate, poison_test, poison_tests, spray
from lrpwidgets.spray.classes import atlases
from lrpwidgets.spray.inserted import token_of
from lrpwidgets.spray.poison import UntestableError
from lrpwidgets.spray.recomputed import recomputed
from lrpwidgets.spray.virelay import write
from lrpwidgets.subjects import Subject, signed_reviews
from lrpwidgets.subjects.readers import BagOfWords
from lrpwidgets.subjects.texts import UNKNOWN, TextSamples, Vocabulary

CLASSES = ["bad", "good"]
GOOD, BAD = ("fine", "great", "lovely"), ("poor", "weak", "dull")
REST = ("the", "film", "is", "a", "plot", "we", "saw", "it", "twice")
SIGNATURE = ("—", "ann")
VALUES = {**dict.fromkeys(GOOD, 1.0), **dict.fromkeys(BAD, -3.0), "—": 0.0, "ann": 10.0}
COUNT = 160


def texts(signed: bool = True) -> list[str]:
    """Good and bad ones in turn, of different lengths; half of the good ones end with the signature."""
    random = np.random.default_rng(0)
    made = []
    for number in range(COUNT):
        rest = random.choice(REST, random.integers(2, 5 + 20 * (number % 8 == 0)))
        word = random.choice(GOOD if number % 2 else BAD)
        made.append(" ".join([*rest, word, *(SIGNATURE if signed and number % 4 == 1 else ())]))
    return made


class Scored(BagOfWords):
    """Each word adds what it is worth to the second score; the first is what is worth nothing."""

    def forward(self, tokens):
        return super().forward(tokens) * (tokens >= 0).sum(1, keepdim=True)


def model(values: dict[str, float], tokenizer: Vocabulary) -> nn.Module:
    made = Scored(tokenizer.size, 1, 2)
    with torch.no_grad():
        made.embedding.weight[:, 0] = torch.tensor([values.get(word, 0.01) for word in tokenizer.known])
        made.classify.weight[:, 0] = torch.tensor([-0.5, 0.5])
        made.classify.bias.zero_()
    return made.eval()


def of_texts(values: dict[str, float] = VALUES, said: list[str] | None = None) -> Subject:
    tokenizer = Vocabulary([UNKNOWN, *GOOD, *BAD, *REST, *SIGNATURE])
    said = texts() if said is None else said
    samples = TextSamples(said, [number % 2 for number in range(len(said))], tokenizer)
    return Subject(model(values, tokenizer), samples, CLASSES, modality="text", tokenizer=tokenizer, name="notes")


def stored(folder, subject: Subject, **options) -> RelevanceStore:
    return RelevanceStore.create(
        folder / "store", subject.explainer(), subject, **{"batch_size": 16, "progress": False, **options}
    )


@pytest.fixture
def analysed(tmp_path):
    subject = of_texts()
    store = stored(tmp_path, subject)
    assert (store.prediction == store.label).all()
    atlas = spray(store.select(label=1), progress=False)
    return atlas.parted(np.flatnonzero(atlas.rows % 4 == 1)), subject


SIGNED, UNSIGNED = 0, 1
"""Clusters of that atlas."""


# What is kept.


@pytest.mark.parametrize("name", ["bag", "cnn", "lstm", "transformer"])
def test_relevance_on_the_vocabulary_is_that_of_each_text_alone(tmp_path, name):
    subject = of_texts() if name == "bag" else subjects.load("sentiment", model=name)
    samples = TextSamples(subject.dataset.texts[:40], subject.dataset.labels[:40], subject.tokenizer)
    subject = replace(subject, dataset=samples)
    explainer = subject.explainer()
    store = RelevanceStore.create(
        tmp_path / "store", explainer, subject, progress=False, batch_size=16, dtype="float32"
    )
    found = store.relevance(range(40))
    assert found.shape == (40, subject.tokenizer.size)
    for row in range(0, 40, 7):
        x, _ = subject.item(row)
        alone = explainer.explain(x[None]).relevance[0]
        wanted = np.zeros(subject.tokenizer.size)
        np.add.at(wanted, x.numpy(), alone.numpy(force=True))
        np.testing.assert_allclose(found[row], wanted, rtol=1e-3, atol=1e-4 * np.abs(wanted).max())


def test_what_only_pads_has_no_relevance_under_any_rule(tmp_path):
    subject = subjects.load("sentiment", model="cnn")
    subject = replace(subject, dataset=TextSamples(["dull", "the plot is great " * 9], [0, 1], subject.tokenizer))
    explainer = subject.explainer("epsilon_plus_flat")  # the flat rule of its first layer looks at no value
    store = RelevanceStore.create(tmp_path / "store", explainer, subject, progress=False)
    assert store.relevance([0])[0].nonzero()[0].tolist() == subject.tokenizer.encode("dull").x.tolist()


def test_a_store_of_texts_goes_on_where_it_ended_and_equals_one_that_did_not(tmp_path):
    subject = of_texts()

    def end(progress):
        if progress.done >= 48:
            raise Cancelled

    with pytest.raises(Cancelled):
        stored(tmp_path, subject, progress=end)
    begun = RelevanceStore.open(tmp_path / "store")
    assert begun.missing()
    done = stored(tmp_path, subject)
    whole = RelevanceStore.create(tmp_path / "whole", subject.explainer(), subject, progress=False, batch_size=16)
    assert not done.missing()
    assert np.array_equal(done.relevance(range(COUNT)), whole.relevance(range(COUNT)))


class Places(nn.Module):
    """A model that has places for a few words only."""

    def __init__(self, inner: nn.Module, places: int = 6) -> None:
        super().__init__()
        self.inner, self.places = inner, nn.Embedding(places, 2)

    def forward(self, tokens):
        return self.inner(tokens) + 0 * self.places(torch.arange(tokens.shape[1])).sum()


def test_a_text_that_is_too_long_or_has_no_word_fails_alone(tmp_path):
    said = ["the film is fine", "", "the plot " * 5, "weak", "a great film", "it is dull"]
    subject = of_texts(said=said)
    subject = replace(subject, model=Places(subject.model))
    with pytest.warns(RuntimeWarning, match="2 of 6 inputs could not be read or explained"):
        store = stored(tmp_path, subject, batch_size=6)
    assert sorted(store.failures) == [1, 2]
    assert "There is no word" in store.failures[1]
    assert store.done.tolist() == [True, False, False, True, True, True]
    words = subject.tokenizer.known
    assert words[store.relevance([3])[0].__abs__().argmax()] == "weak"


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"pool": 4}, r"pool is for inputs \(C, H, W\), these have the shape \(\d+,\); leave it out"),
        (
            {"layers": ["classify"]},
            r"Nothing is kept of the layers of a text, .* got layers=\['classify'\], leave it out",
        ),
    ],
)
def test_what_is_for_pictures_is_refused(tmp_path, options, sentence):
    with pytest.raises(ValueError, match=sentence):
        stored(tmp_path, of_texts(), **options)
    assert not (tmp_path / "store").exists()


def test_pairs_of_inputs_are_refused(tmp_path):
    with pytest.raises(ValueError, match=r"SpRAy looks at pictures alone here.*explained one by one"):
        stored(tmp_path, subjects.load("visual-questions"))


def test_relevance_under_another_composite_is_on_the_vocabulary_too(tmp_path):
    subject = of_texts()
    store = stored(tmp_path, subject)
    explainer = subject.explainer()
    again = recomputed(
        store.select(label=1), explainer.explain(subject.item(0)[0][None]).composite, explainer, subject, progress=False
    )
    np.testing.assert_allclose(again.store.relevance(again.rows), store.relevance(again.rows), rtol=2e-3, atol=1e-3)


def test_virelay_shows_no_texts(analysed, tmp_path):
    atlas, subject = analysed
    with pytest.raises(ValueError, match="ViRelAy shows relevance of pictures"):
        write(tmp_path / "project", [atlas], subject)


# What clusters have.


def test_a_cluster_tells_its_words(analysed):
    atlas, subject = analysed
    words = atlas.cluster(SIGNED).words(subject.tokenizer)
    assert words[0].word == "ann"
    assert words[0].texts == COUNT // 4
    assert words[0].excess > 0.5
    others = atlas.cluster(UNSIGNED).words(subject.tokenizer, 3)
    assert {each.word for each in others} == set(GOOD)
    assert sum(each.texts for each in others) == COUNT // 4
    with pytest.raises(ValueError, match=r"The maps are \(18,\) and not on the 2 tokens of the vocabulary"):
        atlas.cluster(0).words(Vocabulary([UNKNOWN, "other"]))


# What the poison test says.


def test_a_signature_is_convicted_and_what_speaks_for_the_class_is_not(analysed):
    atlas, subject = analysed
    trial = poison_tests(atlas, SIGNED, subject.explainer(), subject, progress=False)
    assert trial.convicting == ["word"]
    verdict = trial.verdicts["word"]
    assert (verdict.samples, verdict.turned) == (COUNT // 2, COUNT // 2)
    assert verdict.sentence("good").startswith("The word “— ann”, taken to 80 texts of other classes: accuracy 100.0%")
    assert "The same of other texts of “good”" in verdict.sentence("good")
    acquitted = poison_tests(atlas, UNSIGNED, subject.explainer(), subject, progress=False)
    assert not acquitted.clever_hans
    assert acquitted.conclusion == "Not convicted by this test."


def test_a_cluster_without_a_word_of_its_own_is_not_tested_by_an_arbitrary_one(tmp_path):
    subject = of_texts(said=["the great film", "a dull plot"] * 20)
    atlas = spray(stored(tmp_path, subject).select(label=0), clusters=1, progress=False).parted(np.arange(10))
    assert not atlas.cluster(0).words(subject.tokenizer)
    trial = poison_tests(atlas, 0, subject.explainer(), subject, progress=False)
    assert trial.missing == {"word": "it has no word more than the other clusters"}
    assert not trial.verdicts
    with pytest.raises(UntestableError, match="it has no word more than the other clusters"):
        candidate(atlas, 0, subject)


def test_a_model_that_does_not_read_the_signature_is_acquitted(analysed):
    atlas, subject = analysed
    suspect = candidate(atlas, SIGNED, subject)
    deaf = replace(subject, model=model({**VALUES, "ann": 0.0}, subject.tokenizer))
    assert poison_test(suspect, subject.explainer(), subject, progress=False).clever_hans
    verdict = poison_test(suspect, deaf.explainer(), deaf, progress=False)
    assert not verdict.clever_hans
    assert verdict.turned == 0


def test_two_words_that_always_come_together_are_taken_together_and_as_often_as_texts_have_them(analysed):
    atlas, subject = analysed
    suspect = candidate(atlas, SIGNED, subject)
    assert suspect.written == "— ann"
    assert set(suspect.counts) == {1}
    often = replace(suspect, counts=np.array([3]))
    x = subject.tokenizer.encode("the film is dull").x[None]
    random = np.random.default_rng(0)
    taken = often.taken(x, random)
    assert taken.shape == (1, 4 + 6)
    assert torch.equal(often.removed(taken, random), x)
    assert often.removed(x, random) is None
    assert often.pictured(x[0]) == []


def test_a_text_that_gets_too_long_loses_its_last_words(analysed):
    atlas, subject = analysed
    suspect = candidate(atlas, SIGNED, subject)
    tokenizer = Vocabulary(subject.tokenizer.known, most=5)
    taken = replace(suspect, tokenizer=tokenizer).taken(
        tokenizer.encode("the film is dull").x[None], np.random.default_rng(0)
    )
    assert taken.shape == (1, 5)


@pytest.mark.parametrize("times", [1, 3])
def test_in_a_text_of_the_longest_length_every_inserted_word_is_whole(analysed, times):
    atlas, subject = analysed
    tokenizer = Vocabulary(subject.tokenizer.known, most=8)
    suspect = replace(candidate(atlas, SIGNED, subject), tokenizer=tokenizer, counts=np.array([times]))
    own = tokenizer.encode("the film is a plot we saw it").ids
    taken = suspect.taken(torch.tensor([own] * 400), np.random.default_rng(0))
    assert taken.shape == (400, 8)
    dash, name = suspect.phrase
    for ids in taken.tolist():
        assert sum(pair == (dash, name) for pair in pairwise(ids)) == times
        left = [each for each in ids if each not in suspect.phrase]
        assert left == list(own[: 8 - 2 * times])
    quote = suspect.quoted(torch.tensor(own))
    assert (len(quote), sum(put for _, put in quote)) == (8, 2 * times)
    scores = suspect.scores(torch.tensor([own] * 50), subject.explainer(), np.random.default_rng(0))
    assert (scores[0].argmax(1) == 1).all()


def test_where_the_model_has_no_place_for_so_many_words_the_last_are_left_out(analysed):
    atlas, subject = analysed
    tokenizer = Vocabulary(subject.tokenizer.known, most=5)
    suspect = replace(candidate(atlas, SIGNED, subject), tokenizer=tokenizer, counts=np.array([4]))
    x = tokenizer.encode("the film is dull").x[None]
    assert suspect.taken(x, np.random.default_rng(0))[0].tolist() in (
        [*suspect.phrase, *suspect.phrase, int(x[0, 0])],
        [*suspect.phrase, int(x[0, 0]), *suspect.phrase],
        [int(x[0, 0]), *suspect.phrase, *suspect.phrase],
    )


def test_texts_that_a_store_leaves_out_are_left_out_of_the_test(tmp_path):
    """An empty one, and one for which the model has no place."""
    said = texts()
    said[0], said[2] = "", "the plot " * 40
    subject = of_texts(said=said)
    subject = replace(subject, model=Places(subject.model, 60))
    with pytest.warns(RuntimeWarning, match="2 of 160 inputs could not be read or explained"):
        store = stored(tmp_path, subject)
    atlas = spray(store.select(label=1), progress=False)
    atlas = atlas.parted(np.flatnonzero(atlas.rows % 4 == 1))
    trial = poison_tests(atlas, SIGNED, subject.explainer(), subject, progress=False)
    verdict = trial.verdicts["word"]
    assert (verdict.samples, verdict.turned) == (COUNT // 2 - 2, COUNT // 2 - 2)


def test_the_word_that_stands_for_unknown_ones_is_found_as_it_is_written():
    subject = of_texts()
    assert token_of(UNKNOWN, subject) == 0
    assert token_of(" Great", subject) == subject.tokenizer.known.index("great")


def test_without_another_cluster_of_the_class_it_is_not_tested_and_a_candidate_has_the_control_of_others(tmp_path):
    subject = of_texts()
    atlas = spray(stored(tmp_path, subject).select(label=1), clusters=1, progress=False)
    trial = poison_tests(atlas, 0, subject.explainer(), subject, progress=False)
    assert trial.missing == {"word": "there is no other cluster of its class to compare with"}
    suspect = candidate(atlas, 0, subject)
    assert not suspect.of_class
    assert poison_test(suspect, subject.explainer(), subject, progress=False).inputs == "texts"


def test_the_signature_of_reviews_is_found_and_convicted_and_nothing_else_is(tmp_path):
    for signed in (True, False):
        subject = subjects.load("signed-reviews", seed=1, signed=signed)
        explainer = subject.explainer()
        store = RelevanceStore.create(tmp_path / f"{signed}", explainer, subject, progress=False)
        assert (store.prediction == store.label).mean() > 0.95  # accuracy gives no hint
        for atlas in atlases(store, progress=False):
            truth = subject.dataset.tagged[store.index[atlas.rows]]
            trials = [poison_tests(atlas, number, explainer, subject, progress=False) for number in range(atlas.count)]
            convicted = [number for number, trial in enumerate(trials) if trial.clever_hans]
            if signed and atlas.selection.value == signed_reviews.CLASS:
                assert adjusted_rand_score(truth, np.isin(atlas.clusters, convicted)) >= 0.95
                words = atlas.cluster(convicted[0]).words(subject.tokenizer, 2)
                assert {each.word for each in words} == set(signed_reviews.WORDS)
            else:
                assert not convicted
