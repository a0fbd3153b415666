"""Figures for relevance of texts, where they can be told beforehand: the model is a sum of values of words."""

import pytest
import torch

from lrpwidgets import evaluate
from lrpwidgets.lrp import Explainer
from lrpwidgets.subjects.texts import Encoded
from tests.widgets.texts.conftest import VALUES, Attentive, Sum, subject_of


@pytest.fixture(scope="module")
def summing():
    """Texts of several lengths, their model, and what each token is worth for the class "positive"."""
    subject = subject_of(Sum())
    texts = [subject.tokenizer.encode(text) for text in subject.dataset.texts]
    values = torch.tensor(list(VALUES.values()))
    return subject, texts, [values[list(text.ids)] for text in texts]


@pytest.mark.parametrize("way", ["cut", "hide"])
def test_curves_follow_the_sum_of_what_is_left(summing, way):
    subject, texts, worth = summing
    curves = evaluate.flip_words(subject, texts, worth, 1, order="most", way=way, steps=4, progress=False)
    for curve, values in zip(curves.scores, worth, strict=True):
        going = values.sort(descending=True).values
        left = [values.sum() - going[: round(share * (len(values) - 1))].sum() for share in (0, 0.25, 0.5, 0.75, 1)]
        torch.testing.assert_close(curve, torch.stack(left).double())


def test_most_relevant_words_first_leave_least_and_the_order_at_random_lies_between(summing):
    subject, texts, worth = summing
    areas = {
        order: evaluate.flip_words(subject, texts, worth, 1, order=order, progress=False).area.mean()
        for order in ("most", "random", "least")
    }
    assert areas["most"] < areas["random"] < areas["least"]


def test_comprehensiveness_and_sufficiency_are_those_of_eraser(summing):
    subject, texts, worth = summing
    text, values = texts[3], worth[3]
    whole, order = values.sum(), values.sort(descending=True).values
    counts = [max(1, round(share * len(values))) for share in evaluate.words.SHARES]

    def probability(score):
        return torch.sigmoid(2 * score.double())  # of scores (-s, s)

    without = torch.stack([probability(whole) - probability(whole - order[:count].sum()) for count in counts]).mean()
    alone = torch.stack([probability(whole) - probability(order[:count].sum()) for count in counts]).mean()
    assert float(evaluate.comprehensiveness(subject, [text], [values], 1, progress=False)) == pytest.approx(
        float(without), abs=1e-6
    )
    assert float(evaluate.sufficiency(subject, [text], [values], 1, progress=False)) == pytest.approx(
        float(alone), abs=1e-6
    )


def test_the_gain_is_the_area_between_both_orders(summing):
    subject, texts, worth = summing
    gain = evaluate.srg_words(subject.explainer(), texts, worth, 1, steps=4, way="hide", progress=False)
    for order in ("most", "least"):
        curves = evaluate.flip_words(subject, texts, worth, 1, order=order, steps=4, way="hide", progress=False)
        torch.testing.assert_close(getattr(gain, order).scores, curves.scores)
        torch.testing.assert_close(getattr(gain, order).taken, curves.taken)
    torch.testing.assert_close(gain.values, gain.least.area - gain.most.area)
    alike = evaluate.srg_words(subject, texts, [torch.zeros(len(each)) for each in texts], 1, progress=False)
    assert alike.values.abs().max() < 1e-9  # words alike go in one order


def test_words_have_the_sum_over_their_tokens_and_go_the_most_relevant_first():
    encoded = Encoded("good film", (4, 5, 5, 2), ((0, 0), (0, 2), (2, 4), (5, 9)), ("[CLS]", "go", "od", "film"))
    relevance = torch.tensor([9.0, 2.0, -3.0, 1.0])
    assert evaluate.words.summed(encoded, relevance).tolist() == [-1.0, 1.0]
    assert evaluate.words.gone(encoded, relevance, 0.5) == [1]
    assert evaluate.words.gone(encoded, relevance, 1.0, order="least") == [0, 1]
    assert evaluate.words.without(encoded, [0], "cut").tolist() == [4, 2]
    assert evaluate.words.without(encoded, [0], "hide").tolist() == [4, -1, -1, 2]


def test_no_word_goes_where_answers_are_places_in_the_text():
    pytest.importorskip("transformers")
    from tests.subjects import answering

    subject = answering.make()
    texts = [subject.tokenizer.encode(text) for text in subject.dataset.texts]
    worth = [torch.ones(len(each)) for each in texts]
    figures = (evaluate.flip_words, evaluate.srg_words, evaluate.comprehensiveness, evaluate.sufficiency)
    for way in ("cut", "hide"):
        for each in figures:
            with pytest.raises(ValueError, match="answers with places in the text: they move when words"):
                each(subject, texts, worth, way=way, progress=False)
        with pytest.raises(ValueError, match="answers with places in the text"):
            evaluate.compare(subject, ["epsilon"], fills=[way], progress=False)
    with pytest.raises(ValueError, match="The model Span answers with places"):
        evaluate.flip_words(subject.explainer(), texts, worth, progress=False)


def test_the_probability_of_a_single_score_is_not_followed(summing):
    subject, texts, worth = summing
    single = Explainer(subject.model, select=lambda scores: scores[:, :1])
    with pytest.raises(ValueError, match="probability of a single score is always 1"):
        evaluate.srg_words(single, texts, worth, 0, output="probability", progress=False)


def test_added_tokens_always_stay(summing):
    subject, _, _ = summing
    added = Encoded("good film", (4, 5, 2), ((0, 0), (0, 4), (5, 9)), ("[CLS]", "good", "film"))
    curves = evaluate.flip_words(subject, [added], [torch.tensor([9.0, 2.0, 1.0])], 1, steps=2, progress=False)
    kept = VALUES["good"]  # the value of the added token
    assert curves.scores[0].tolist() == pytest.approx(
        [sum(list(VALUES.values())[at] for at in added.ids), kept + list(VALUES.values())[2], kept]
    )


def test_the_same_on_a_transformer_in_any_batch():
    subject = subject_of(Attentive())
    texts = [subject.tokenizer.encode(text) for text in subject.dataset.texts]
    relevance = [subject.explainer().explain(text.x[None]).relevance[0] for text in texts]
    one, many = (evaluate.flip_words(subject, texts, relevance, batch=size, progress=False).scores for size in (1, 64))
    torch.testing.assert_close(one, many, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"relevance": [torch.zeros(2)]}, "has 5 tokens, and relevance of shape"),
        ({"relevance": [torch.full((5,), torch.nan)]}, "not finite"),
        ({"relevance": []}, "Each text needs its relevance"),
        ({"order": "first"}, "order must be one of"),
        ({"way": "blur"}, "way must be one of cut, hide"),
        ({"steps": 0}, "steps must be a whole number from 1 on"),
    ],
)
def test_bad_input_is_told(summing, change, said):
    subject, texts, worth = summing
    given = {"relevance": worth[:1], "progress": False} | change
    with pytest.raises(ValueError, match=said):
        evaluate.flip_words(subject, texts[:1], **given)
