"""The subject whose answers depend on one thing each: what is asked, what is true, and a network that knows."""

import numpy as np
import pytest
import torch

from lrpwidgets import subjects
from lrpwidgets.lrp import Explainer
from lrpwidgets.subjects import questions, train_questions, trained
from lrpwidgets.subjects.masks import masks
from lrpwidgets.subjects.things import COLOURS, MOST, RADIUS, SHAPES, things


@pytest.fixture(scope="module")
def drawn():
    return things(60, seed=7)


def test_no_two_things_of_a_picture_have_a_shape_or_a_colour(drawn):
    there = drawn.shapes >= 0
    for values in (drawn.shapes, drawn.colours):
        for has, of in zip(there, values, strict=True):
            assert len(set(of[has])) == has.sum()
    assert there[:, 0].all()
    assert there.mean() > 0.85


def test_a_thing_has_the_colour_of_its_name_and_the_others_do_not(drawn):
    tones = np.array(list(COLOURS.values()))
    for picture, pixels in enumerate(drawn.pixels / 255):
        for number in np.flatnonzero(drawn.shapes[picture] >= 0):
            mean = pixels[:, drawn.masks[picture] == number + 1].mean(1)
            assert np.abs(tones - mean).max(1).argmin() == drawn.colours[picture, number]


def test_large_things_are_larger_than_small_ones_of_their_shape(drawn):
    counts = np.stack([(drawn.masks == number + 1).sum((1, 2)) for number in range(MOST)], axis=1)
    for shape in range(len(SHAPES)):
        small, large = (counts[(drawn.shapes == shape) & (drawn.sizes == size)] for size in (0, 1))
        assert small.max() < large.min()


def test_a_seed_draws_the_same_things_and_another_one_others(drawn):
    again, other = things(60, seed=7), things(60, seed=8)
    assert np.array_equal(again.pixels, drawn.pixels)
    assert not (other.pixels == drawn.pixels).all((1, 2, 3)).any()


def test_every_question_has_the_answer_that_the_picture_gives(drawn):
    asked, answers = questions.truth(drawn)
    for picture, question in np.argwhere(asked >= 0):
        thing = asked[picture, question]
        shape, colour = SHAPES[drawn.shapes[picture, thing]], list(COLOURS)[drawn.colours[picture, thing]]
        size = list(RADIUS)[drawn.sizes[picture, thing]]
        wanted = {f"what colour is the {shape}?": colour, f"how large is the {shape}?": size}
        wanted[f"what shape is the {colour} thing?"] = shape
        assert questions.ANSWERS[answers[picture, question]] == wanted[questions.QUESTIONS[question]]
    assert ((asked >= 0) == (answers >= 0)).all()
    assert (asked >= 0).sum(1).tolist() == (3 * (drawn.shapes >= 0).sum(1)).tolist()


def test_the_network_that_ships_answers_held_out_questions():
    right = train_questions.accuracy(questions.network(trained=True))
    assert min(right.values()) >= 0.98
    assert (trained.WEIGHTS / "questions.safetensors").stat().st_size < 100_000


def test_another_question_about_the_same_picture_gets_another_answer():
    x = questions.inputs(questions.held_out())[:1]
    (answers,) = questions.truth(questions.held_out())[1][:1]
    for question in np.flatnonzero(answers >= 0):
        model = subjects.load("questions", question=questions.QUESTIONS[question]).model
        assert int(model(x).argmax()) == answers[question]


def test_training_is_reproducible_and_leaves_the_global_random_state(monkeypatch):
    monkeypatch.setattr(questions, "TRAINING", 70)
    state = torch.get_rng_state()
    one, two = (train_questions.train(epochs=1, seed=3).state_dict() for _ in range(2))
    assert all(torch.equal(one[name], two[name]) for name in one)
    assert torch.equal(torch.get_rng_state(), state)
    assert one.keys() == questions.network(trained=True).state_dict().keys()


def test_training_never_sees_what_is_held_out(monkeypatch):
    monkeypatch.setattr(questions, "TRAINING", 200)
    seen, shown = (questions.inputs(each()).flatten(1) for each in (questions.training, questions.held_out))
    assert torch.cdist(seen, shown).min() > 1


def test_a_subject_asks_its_question_of_pictures_that_have_an_answer():
    subject = subjects.load("questions", question="how large is the star?")
    x, label = subject.item(0)
    assert subject.title == "Small CNN · how large is the star?"
    assert subject.item_name(0).startswith("how large is the star? ")
    assert {subject.class_name(each) for each in subject.dataset.labels} == {"small", "large"}
    assert eval(subject.recipe, {"subjects": subjects}).title == subject.title
    assert torch.allclose(subject.from_image(subject.to_image(x)), x, atol=2.1 / 255)
    assert label == int(subject.model(x[None]).argmax())


def test_the_mask_of_a_subject_is_on_the_thing_that_it_asks_about():
    colour = subjects.load("questions", question="what shape is the yellow thing?")
    for (x, _), mask in zip(colour.dataset, masks(colour, "single"), strict=True):
        red, green, blue = np.asarray(colour.to_image(x)).transpose(2, 0, 1)[:, mask].mean(1)
        assert min(red, green) > 160 > 90 > blue
    single, every = (masks(colour, of) for of in ("single", "all"))
    assert (single <= every).all()
    assert (every.sum((1, 2)) > single.sum((1, 2))).mean() > 0.9


def test_the_question_is_an_input_of_the_network_and_gets_a_part_of_the_relevance():
    network, drawn = questions.network(trained=True), questions.held_out()
    answers = torch.as_tensor(questions.truth(drawn)[1][:4])
    asked = (answers >= 0).int().argmax(1)
    explanation = Explainer(network).explain((questions.inputs(drawn)[:4], asked))
    pictures, words = explanation.relevance
    assert pictures.shape == (4, 3, 64, 64)
    assert (words > 0).all()
    torch.testing.assert_close(pictures.sum((1, 2, 3)) + words, explanation.ledger.reached_input.to(words))


def test_a_question_that_nobody_can_answer_is_refused():
    with pytest.raises(ValueError, match=r"got 'what colour is the circle\?'\. Did you mean 'what colour is the"):
        subjects.load("questions", question="what colour is the circle?")
