"""Questions in words about pictures: what is asked is true, the network answers, and relevance lies on both."""

import numpy as np
import pytest
import torch

from lrpwidgets import evaluate, subjects
from lrpwidgets.lrp import Rather
from lrpwidgets.subjects import inquiries, questions, visual_questions
from lrpwidgets.subjects.brush import Stroke
from lrpwidgets.subjects.modality import modality_of
from lrpwidgets.subjects.things import COLOURS, SHAPES


@pytest.fixture(scope="module")
def asking():
    return subjects.load("visual-questions")


def test_answers_are_true():
    drawn = questions.held_out()
    put = inquiries.asked(drawn, 4, seed=3)
    for picture, question, answer, thing in zip(put.pictures, put.questions, put.answers, put.asked, strict=True):
        named = {word for word in question.lower().strip("?.").split() if word in [*COLOURS, *SHAPES]}
        there = zip(drawn.shapes[picture], drawn.colours[picture], strict=True)
        things = [{list(SHAPES)[shape], list(COLOURS)[colour]} if shape >= 0 else set() for shape, colour in there]
        said = inquiries.ANSWERS[answer]
        if said in ("yes", "no"):
            assert (said == "yes") == (named in things) == (thing > 0)
        else:
            assert named <= things[thing - 1]
            assert said in ("small", "large") or said in things[thing - 1]


def test_no_word_is_unknown_and_what_decides_is_in_the_question():
    data = visual_questions.held_out()
    for text, deciding in zip(data.texts, data.deciding, strict=True):
        encoded = data.tokenizer.encode(text)
        assert not encoded.unknown
        assert set(deciding) <= {piece.lower() for piece in encoded.pieces}


def test_it_answers_questions_about_pictures_that_it_has_never_seen(asking):
    data = asking.dataset
    shown = [modality_of(asking).sample(asking, at) for at in range(200)]
    said = asking.explainer().scores(modality_of(asking).batch(shown)).argmax(1).numpy()
    assert (said == np.array(data.labels[:200])).mean() > 0.97


def test_relevance_lies_on_the_thing_and_on_the_words_that_decide(asking):
    data, explainer, modality = asking.dataset, asking.explainer("epsilon_plus"), modality_of(asking)
    on_thing, ranks = [], []
    for at in range(40):
        shown = modality.sample(asking, at)
        if not (data.masks[at] == 1).any():
            continue
        scores = explainer.scores(shown.x)[0]
        scores[shown.label] = -torch.inf
        explanation = explainer.explain(shown.x, Rather(shown.label, than=int(scores.argmax())))
        assert explanation.ledger.imbalance < 1e-5
        pixels, tokens = explanation.relevance
        on_thing += evaluate.mass(pixels, torch.as_tensor(data.masks[at] == 1)[None], "sum,pos").tolist()
        decide = torch.tensor([piece.lower() in data.deciding[at] for piece in shown.text.pieces])
        ranks += evaluate.rank(tokens[:, None], decide[None], "sum,abs").tolist()
    assert np.mean(on_thing) > 0.5  # the things cover 4 % of the pictures
    assert np.mean(ranks) > 0.7  # two or three words of six


def test_a_question_can_be_typed_and_words_struck_and_the_picture_painted_over(asking):
    modality = modality_of(asking)
    shown = modality.sample(asking, 0)
    other = modality.typed(asking, shown, "How large is the ring?")
    assert torch.equal(other.x[0], shown.x[0])
    assert other.text.text == "How large is the ring?"
    changed = modality.changed(asking, other, (Stroke("grey", 3, ((30.0, 30.0),)), 1))
    assert not torch.equal(changed.x[0], shown.x[0])
    assert changed.x[1].shape == (1, 5)
    assert changed.text.struck == {1}
    pixels = modality.pictures(asking, changed, modality.drawn((changed.x[0], changed.x[1].float())), lambda _: 1.0)
    assert len(pixels) == 3
