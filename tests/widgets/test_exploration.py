"""Questions and answers, without an event loop: every answer is there when the question was asked."""

from __future__ import annotations

import io

import pytest
import torch
import torchvision
from PIL import Image

from lrpwidgets.lrp import Composite, Explainer, composites, rules
from lrpwidgets.subjects import Subject
from lrpwidgets.widgets import Exploration


class Hostile:
    """A dataset whose second item is broken, and whose names cannot be had."""

    names = property(lambda self: ["only one name"])

    def __len__(self):
        return 3

    def __getitem__(self, index):
        if index == 1:
            raise ValueError("'b.png' is damaged.")
        return torch.full((1, 6, 6), 0.5), 0


def png(value=255, size=(8, 8)):
    file = io.BytesIO()
    Image.new("L", size, value).save(file, "PNG")
    return file.getvalue()


def test_the_first_question_is_about_the_sample_that_the_subject_starts_with(exploration, digits):
    assert exploration.item == digits.start
    assert exploration.answer.picture.label == 3
    assert exploration.answer.target == 3
    assert exploration.error == ""


def test_an_answer_is_what_the_backend_says(exploration, digits):
    composite = composites.get("epsilon_plus")
    exploration.item, exploration.target, exploration.composite = 5, 9, composite
    x, _ = digits.item(5)
    expected = Explainer(digits.model, composite).explain(x[None], 9)
    torch.testing.assert_close(exploration.answer.explanation.relevance, expected.relevance)
    assert exploration.answer.scores == expected.scores[0].tolist()
    assert exploration.answer.target == 9


def test_without_a_target_each_sample_is_asked_for_its_top_class(exploration, digits):
    exploration.target = 9
    exploration.target = None
    for item in (0, 1, 2):
        exploration.item = item
        assert exploration.answer.target == exploration.answer.explanation.top_class


def test_another_composite_or_target_needs_no_forward(explore, moody):
    exploration = explore(moody)
    forwards = moody.model.forwards
    assert exploration.answer.forward
    exploration.target = (exploration.answer.target + 1) % 3
    assert not exploration.answer.forward
    exploration.composite = exploration.composite.with_rule(0, rules.Flat())
    assert exploration.answer.explanation.recomputed == ["conv"]
    assert not exploration.answer.forward
    assert moody.model.forwards == forwards
    exploration.item = 1
    assert exploration.answer.forward
    assert moody.model.forwards == forwards + 1


def test_the_composite_of_an_overtaken_picture_is_not_forgotten(exploration, digits):
    exploration.composite = composites.get("epsilon_plus_flat")
    exploration.item = 7
    assert exploration.answer.explanation.composite.name == "epsilon_plus_flat"


def test_presets_that_need_bounds_are_offered_only_where_bounds_are_known(explore, moody):
    assert "epsilon_gamma_box" in explore(moody).presets()
    boundless = explore(moody, bounds=None)
    assert "epsilon_gamma_box" not in boundless.presets()
    assert boundless.composite.name == "epsilon_plus_flat"
    assert all(boundless.preset(name) for name in boundless.presets())


def test_a_model_with_attention_starts_with_the_preset_for_it(explore):
    model = torchvision.models.VisionTransformer(8, 4, 1, 2, 8, 16, num_classes=3)
    exploration = explore(Subject(model=model.eval(), dataset=[(torch.rand(3, 8, 8), 0)]))
    assert exploration.composite.name == "attn_lrp_vision"
    assert exploration.error == ""
    assert exploration.answer.explanation.ledger.imbalance < 1e-4


def test_an_upload_is_explained_and_marks_no_sample(exploration):
    exploration.show(png(), "white.png")
    answer = exploration.answer
    assert (exploration.item, answer.picture.name, answer.picture.label) == (None, "white.png", None)
    assert bool((answer.picture.x == 1).all())


BROKEN = {
    "text": (b"hello", "is no image"),
    "nothing": (b"", "is no image"),
    "truncated": (png(size=(64, 64))[:80], "damaged or truncated"),
}


@pytest.mark.parametrize(("content", "words"), BROKEN.values(), ids=BROKEN)
def test_a_broken_upload_is_a_sentence_and_the_last_answer_stays(exploration, content, words):
    before = exploration.answer
    exploration.show(content, "holiday.jpg")
    assert words in exploration.error
    assert "'holiday.jpg'" in exploration.error
    assert exploration.answer is before
    assert exploration.item == exploration.subject.start


def test_after_a_broken_upload_rules_act_on_the_picture_that_is_shown(exploration):
    picture = exploration.answer.picture
    exploration.show(b"hello", "notes.txt")
    exploration.composite = composites.get("epsilon")
    assert exploration.error == ""
    assert exploration.answer.picture is picture
    assert exploration.answer.explanation.composite.name == "epsilon"
    assert not exploration.answer.forward


def test_a_broken_upload_after_a_good_one_leaves_the_good_one(exploration):
    exploration.show(png(), "white.png")
    exploration.show(b"hello", "notes.txt")
    exploration.target = 4
    assert (exploration.answer.picture.name, exploration.answer.target) == ("white.png", 4)
    exploration.item = 2
    assert exploration.answer.picture.label == exploration.subject.dataset[2][1]


def test_an_error_is_cleared_by_the_next_good_answer(exploration):
    exploration.target = 99
    assert exploration.error == "target 99 is out of range: the model has 10 classes, 0 to 9."
    exploration.target = 5
    assert (exploration.error, exploration.answer.target) == ("", 5)


def test_a_model_that_raises_is_a_sentence_and_the_exploration_goes_on(explore, moody):
    exploration = explore(moody)
    exploration.item = 3
    assert "no light" in exploration.error
    assert "Traceback" not in exploration.error
    assert exploration.item == 0  # what is shown, so that 3 can be asked for again
    exploration.item = 4
    assert exploration.error == ""
    assert exploration.answer.picture.name == "picture 4"
    exploration.item = 3
    assert "no light" in exploration.error


def test_a_first_picture_that_cannot_be_explained_leaves_the_others(explore, moody):
    exploration = explore(moody, start=3)
    assert exploration.answer is None
    assert "no light" in exploration.error
    exploration.item = 1
    assert (exploration.error, exploration.answer.picture.name) == ("", "picture 1")


def test_a_rule_that_does_not_fit_is_a_sentence_until_another_is_chosen(explore, moody):
    exploration = explore(moody, composite="epsilon_plus")
    before = exploration.answer
    exploration.composite = Composite([("*", rules.ZBox((0.0, 0.0), (1.0, 1.0)))])
    assert "2 channels" in exploration.error
    assert exploration.answer is before
    exploration.composite = composites.get("epsilon")
    assert exploration.error == ""


def test_broken_items_and_missing_names_are_sentences(explore, moody):
    exploration = explore(moody, dataset=Hostile())
    assert exploration.answer.picture.name == "only one name"
    exploration.item = 1
    assert exploration.error == "'b.png' is damaged."
    exploration.item = 2
    assert "index out of range" in exploration.error
    exploration.item = 99
    assert exploration.error
    exploration.target = 1
    assert exploration.error == ""


def test_hostile_names_stay_as_they_are(explore, moody):
    names = ["<script>alert(1)</script>", "<img src=x onerror=alert(1)>", "\x00\u202e"]
    exploration = explore(moody, classes=names)
    assert [exploration.subject.class_name(index) for index in range(3)] == names


def test_without_samples_nothing_is_asked_until_a_picture_comes(digits):
    exploration = Exploration(Subject(digits.model, from_image=digits.from_image))
    assert (exploration.answer, exploration.error) == (None, "")
    exploration.composite = composites.get("epsilon")
    exploration.show(png(), "white.png")
    assert exploration.answer.picture.name == "white.png"


def test_a_subject_that_takes_no_pictures_says_so(explore, moody):
    exploration = explore(moody)
    exploration.show(png(), "white.png")
    assert exploration.error == "moody takes no pictures from outside."


def test_an_error_of_a_view_outlives_the_answer_that_caused_it(exploration):
    from lrpwidgets.widgets import HeatmapView

    view = HeatmapView(exploration)
    exploration.subject.to_image = lambda x: 1 / 0
    exploration.item = 0
    assert exploration.error == "ZeroDivisionError: division by zero"
    view.close()


def test_weights_that_changed_meanwhile_are_seen_by_the_next_question():
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(36, 2))
    exploration = Exploration(Subject(model=model, dataset=[(torch.full((1, 6, 6), 0.5), 0)]), "epsilon")
    before = exploration.answer.scores
    with torch.no_grad():
        model[1].weight.mul_(2)
    exploration.target = 1
    assert exploration.error == ""
    assert exploration.answer.forward
    assert exploration.answer.scores != before
