"""Relevance of words over texts, where it is known: the model is a sum of values of words."""

import numpy as np
import pytest

from lrpwidgets.lrp import Rather
from lrpwidgets.spray import corpus
from lrpwidgets.subjects.texts import TextSamples
from tests.widgets.texts.conftest import VALUES, Sum, subject_of


@pytest.fixture(scope="module")
def reviews():
    subject = subject_of(Sum())
    random = np.random.default_rng(0)
    sides = [["good", "warm"], ["bad"]]
    texts = [" ".join(["the film is", *random.choice(sides[label], 3)]) + "." for label in [0, 1] * 30]
    subject.dataset = TextSamples(texts, [1, 0] * 30, subject.tokenizer)
    return subject


def test_a_word_has_the_mean_of_its_relevance_over_the_texts_that_have_it(reviews):
    found = corpus(reviews, "epsilon", Rather(1, than=0), progress=False)
    assert len(found) == 60
    rows = {each.word: each for each in found.ranked()}
    assert set(rows) == {"the", "film", "is", "good", "warm", "bad", "."}
    for word, row in rows.items():
        texts = [text for text in reviews.dataset.texts if word in text.replace(".", " .").split()]
        often = np.mean([text.replace(".", " .").split().count(word) for text in texts])
        assert row.texts == len(texts)
        assert row.weight == pytest.approx(2 * VALUES[word] * often, abs=1e-4)
    assert found.ranked()[0].word == "good"
    assert found.ranked()[-1].word == "bad"
    np.testing.assert_allclose(found.relevance.sum(1), found.explained, atol=1e-4)


def test_parts_of_the_texts_can_be_ranked_by_both_weights(reviews):
    found = corpus(reviews, "epsilon", progress=False)
    first = found.ranked(texts=range(0, 60, 2), least=1)
    assert {each.word for each in first if each.weight > 0.2} >= {"good", "warm"}
    assert "bad" not in {each.word for each in first}
    by_count = found.ranked("tf-idf")
    assert all(each.weight > 0 for each in by_count)
    with pytest.raises(ValueError, match="by must be one of relevance, tf-idf"):
        found.ranked("length")


def test_predictions_are_told_by_relevance(reviews):
    found = corpus(reviews, "epsilon", progress=False)
    assert found.explanatory_power() == 1
    assert found.explanatory_power("tf-idf") > 0.9
    some = corpus(reviews, "epsilon", texts=[0, 2, 4, 6, 8], progress=False)
    with pytest.raises(ValueError, match="two predictions among them"):
        some.explanatory_power()


def test_pictures_have_no_words(digits):
    with pytest.raises(ValueError, match="Words are told of texts"):
        corpus(digits, progress=False)
