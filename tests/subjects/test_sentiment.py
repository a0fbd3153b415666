"""Reviews with known truth, and the networks that read them; in part ``python -m tests.benchmarks sentiment``."""

from __future__ import annotations

import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.lrp import Explainer
from lrpwidgets.subjects import reviews, sentiment, train_sentiment
from lrpwidgets.subjects.modality import modality_of
from lrpwidgets.subjects.texts import PADDING, UNKNOWN, padded
from lrpwidgets.subjects.trained import SEEDS
from tests.benchmarks.sentiment import figures, gradient_times_input, lrp

MODELS = list(sentiment.TITLES)


@pytest.mark.parametrize(
    ("text", "value", "truth"),
    [
        ("The plot is good.", 1, [0, 0, 0, 1, 0]),
        ("The plot is never dull.", 1, [0, 0, 0, 1, 1, 0]),
        ("The plot isn't great, it is cold.", -3, [0, 0, -1, -1, 0, 0, 0, -1, 0]),
        ("It is not really dull or horrible.", 3, [0, 0, 1, 0, 1, 0, 1, 0]),
        ("The film is not long.", 0, [0, 0, 0, 0, 0, 0]),
        ("Not long, but superb!", 2, [0, 0, 0, 0, 1, 0]),
        ("never good and bad", 0, [0, -1, 0, 1]),
    ],
)
def test_negations_turn_words_round_up_to_the_next_mark(text, value, truth):
    assert reviews.value(text) == value
    assert list(reviews.truth(text)) == truth


def test_the_truth_of_a_word_is_what_the_value_loses_without_it():
    for text in reviews.reviews(100, 3):
        said = reviews.written(text)
        for place, sign in enumerate(reviews.truth(text)):
            if sign:
                left = " ".join(said[:place] + said[place + 1 :])
                assert sign * (reviews.value(text) - reviews.value(left)) > 0


def test_reviews_are_all_different_and_half_of_them_positive():
    made = reviews.reviews(300, 0)
    assert made == reviews.reviews(300, 0) != reviews.reviews(300, 1)
    assert len(set(made)) == 300
    assert sum(reviews.value(text) > 0 for text in made) == 150
    assert {word for text in made for word in reviews.written(text)} <= set(reviews.VOCABULARY) - {UNKNOWN}
    assert len(set(reviews.VOCABULARY)) == len(reviews.VOCABULARY) < 120


def test_nothing_that_is_held_out_is_trained_on():
    assert not set(sentiment.held_out()) & set(sentiment.training(3000, 0))
    assert max(len(reviews.written(text)) for text in sentiment.held_out()) < sentiment.LONGEST


@pytest.mark.parametrize("model", MODELS)
def test_the_subject_is_whole(model):
    subject = subjects.load("sentiment", model=model, seed=1)
    assert (subject.modality, subject.classes) == ("text", ["negative", "positive"])
    assert eval(subject.recipe, {"subjects": subjects}).title == subject.title
    for index in range(5):
        shown = modality_of(subject).sample(subject, index)
        assert len(subject.dataset.truth[index]) == len(shown.text.words) == len(shown.text)
        assert shown.label == (reviews.value(shown.text.text) > 0)


@pytest.mark.parametrize("model", MODELS)
def test_a_word_that_is_hidden_keeps_its_place(model):
    """No other word moves: scores are those of the network whose vector of that word is 0, and counts it not."""
    subject = subjects.load("sentiment", model=model)
    x, place = subject.item(0)[0], 2
    hidden, longer = x.index_fill(0, torch.tensor(place), PADDING), torch.cat((x, x))
    scores = subject.explainer().scores(padded([hidden, longer]))[0]
    torch.testing.assert_close(scores, subject.explainer().scores(hidden[None])[0], rtol=1e-4, atol=1e-4)
    if model == "lstm":
        with torch.no_grad():
            vectors = subject.model.embedding(x[None]).index_fill(1, torch.tensor(place), 0)
            own = subject.model.classify(subject.model.memory(vectors)[0][0, -1])
        torch.testing.assert_close(scores, own)


@pytest.mark.parametrize("model", MODELS)
def test_padding_changes_no_score_and_has_no_relevance(model):
    subject = subjects.load("sentiment", model=model)
    texts = [subject.item(index)[0] for index in range(6)]
    batch = padded(texts)
    assert (batch == PADDING).any()
    explainer = subject.explainer()
    explained = explainer.explain(batch)
    for index, x in enumerate(texts):
        alone = explainer.explain(x[None])
        torch.testing.assert_close(explained.scores[index], alone.scores[0], rtol=1e-4, atol=1e-4)
        torch.testing.assert_close(explained.relevance[index, : len(x)], alone.relevance[0], rtol=1e-3, atol=1e-3)
        assert (explained.relevance[index, len(x) :] == 0).all()


def test_networks_read_reviews_they_have_never_seen():
    for model, least in {"transformer": 0.95, "lstm": 0.97, "cnn": 0.97}.items():
        for seed in SEEDS:
            assert train_sentiment.accuracy(subjects.load("sentiment", model=model, seed=seed).model) >= least
    assert train_sentiment.accuracy(subjects.load("sentiment", model="bag_of_words").model) < 0.8  # nothing is negated


def test_relevance_is_on_the_words_that_decide_and_has_their_sign():
    found = []
    for seed in SEEDS:
        subject = subjects.load("sentiment", seed=seed)
        found.append(figures(subject, lrp(Explainer(subject.model, "attn_lrp")), range(20)))
    rank, sign, strike = (sum(getattr(each, name) for each in found) / 5 for name in ("rank", "sign", "strike"))
    assert rank >= 0.87  # the benchmark tells it of more reviews
    assert sign >= 0.93
    assert strike >= 0.85
    torch.manual_seed(0)
    untrained = Explainer(sentiment.network("transformer").eval(), "attn_lrp")
    assert figures(subject, lrp(untrained), range(20)).rank < rank - 0.3
    assert figures(subject, gradient_times_input(subject.model), range(20)).rank < rank - 0.1


def test_what_is_no_network_is_told():
    with pytest.raises(ValueError, match="Did you mean 'transformer'"):
        subjects.load("sentiment", model="transformers")
    with pytest.raises(ValueError, match="seed must be"):
        subjects.load("sentiment", seed=5)
    with pytest.raises(ValueError, match="65 words and marks, the model reads 64"):
        subjects.load("sentiment").tokenizer.encode("good " * 65)


def test_training_is_seeded_and_leaves_the_random_state(monkeypatch):
    monkeypatch.setitem(train_sentiment.COUNT, "bag_of_words", 300)
    before = torch.random.get_rng_state()
    first, again = (train_sentiment.train("bag_of_words", 2).state_dict() for _ in range(2))
    assert torch.equal(torch.random.get_rng_state(), before)
    assert all(torch.equal(first[key], again[key]) for key in first)


@pytest.mark.parametrize("model", MODELS)
def test_the_first_word_is_a_sink_of_the_transformer_alone(model):
    subject = subjects.load("sentiment", model=model)
    assert (0 in modality_of(subject).sample(subject, 0).text.sinks) == (model == "transformer")
