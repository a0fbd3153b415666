"""Questions and answers, without an event loop: every answer is there when the question was asked."""

from __future__ import annotations

import asyncio
import io
import json
from dataclasses import replace

import numpy as np
import pytest
import torch
import torchvision
from PIL import Image
from torch import nn

from lrpwidgets import memory, shelves
from lrpwidgets.lrp import Composite, Explainer, Rather, composites, rules
from lrpwidgets.subjects import Stroke, Subject, painted
from lrpwidgets.widgets import Exploration
from lrpwidgets.widgets.base import worker


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
    assert exploration.answer.shown.label == 3
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
    exploration.composite = exploration.composite.with_rule(0, rules.WSquare())
    assert exploration.answer.explanation.recomputed == ["conv"]
    assert not exploration.answer.forward
    assert moody.model.forwards == forwards
    exploration.item = 1
    assert exploration.answer.forward
    assert moody.model.forwards == forwards + 1


def test_the_composite_of_an_overtaken_picture_is_not_forgotten(exploration, digits):
    exploration.composite = composites.get("epsilon_plus")
    exploration.item = 7
    assert exploration.answer.explanation.composite.name == "epsilon_plus"


def test_presets_that_need_bounds_are_offered_only_where_bounds_are_known(explore, moody):
    assert "epsilon_gamma_box" in explore(moody).presets()
    boundless = explore(moody, bounds=None)
    assert "epsilon_gamma_box" not in boundless.presets()
    assert all(boundless.preset(name) for name in boundless.presets())


class Attending(nn.Module):
    """Attention without a module that is called so."""

    def __init__(self):
        super().__init__()
        self.patches, self.last = nn.Conv2d(3, 8, 4, 4), nn.Linear(8, 3)

    def forward(self, x):
        tokens = self.patches(x).flatten(2).mT
        return self.last(((tokens @ tokens.mT).softmax(-1) @ tokens).mean(1))


MODELS = {
    "attention": lambda: torchvision.models.VisionTransformer(8, 4, 1, 2, 8, 16, num_classes=3),
    "attention in functions": Attending,
    "convolutions": lambda: nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(144, 3)),
    "dense": lambda: nn.Sequential(nn.Flatten(), nn.Linear(192, 8), nn.ReLU(), nn.Linear(8, 3)),
}


@pytest.mark.parametrize("bounds", [None, ((0.0,) * 3, (1.0,) * 3)], ids=["no bounds", "bounds"])
@pytest.mark.parametrize("name", MODELS)
def test_it_begins_with_the_relevance_that_an_explainer_gives_by_default(explore, name, bounds):
    torch.manual_seed(0)
    subject = Subject(model=MODELS[name]().eval(), dataset=[(torch.rand(3, 8, 8), 0)], bounds=bounds)
    exploration = explore(subject)
    assert exploration.error == ""
    expected = Explainer(subject.model).explain(subject.dataset[0][0][None])
    assert exploration.composite == expected.composite
    assert torch.equal(exploration.answer.explanation.relevance, expected.relevance)


@pytest.mark.parametrize(
    ("start", "labels", "item"), [(0, (1, 1, 0, 0), 2), (0, (1, 1, 1, 1), 0), (1, (1, 1, 0, 0), 1)]
)
def test_it_begins_with_an_input_that_is_read_right_where_the_subject_names_none(explore, start, labels, item):
    model = nn.Sequential(nn.Flatten(), nn.Linear(192, 2))
    model[1].load_state_dict({"weight": torch.zeros(2, 192), "bias": torch.tensor([1.0, 0.0])})
    exploration = explore(Subject(model, [(torch.rand(3, 8, 8), label) for label in labels], start=start))
    assert exploration.item == item


def test_where_the_model_cannot_run_it_begins_with_the_preset_for_pictures(explore, digits):
    exploration = explore(digits, model=nn.Linear(3, 3))
    assert exploration.composite.name == "epsilon_plus_flat"
    assert exploration.error
    assert explore(digits, dataset=[]).composite.name == "epsilon_plus_flat"


def test_an_upload_is_explained_and_comes_after_the_samples(exploration):
    samples = exploration.count
    exploration.show(png(), "white.png")
    answer = exploration.answer
    assert (exploration.item, answer.shown.name, answer.shown.label) == (samples, "white.png", None)
    assert (exploration.count, exploration.name(samples)) == (samples + 1, "white.png")
    assert bool((answer.shown.x == 1).all())


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
    assert exploration.uploads == ()


def test_after_a_broken_upload_rules_act_on_the_picture_that_is_shown(exploration):
    picture = exploration.answer.shown
    exploration.show(b"hello", "notes.txt")
    exploration.composite = composites.get("epsilon")
    assert exploration.error == ""
    assert exploration.answer.shown is picture
    assert exploration.answer.explanation.composite.name == "epsilon"
    assert not exploration.answer.forward


def test_a_broken_upload_after_a_good_one_leaves_the_good_one(exploration):
    exploration.show(png(), "white.png")
    exploration.show(b"hello", "notes.txt")
    exploration.target = 4
    assert (exploration.answer.shown.name, exploration.answer.target) == ("white.png", 4)
    exploration.item = 2
    assert exploration.answer.shown.label == exploration.subject.dataset[2][1]


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
    assert exploration.answer.shown.name == "picture 4"
    exploration.item = 3
    assert "no light" in exploration.error


def test_a_first_picture_that_cannot_be_explained_leaves_the_others(explore, moody):
    exploration = explore(moody, start=3)
    assert exploration.answer is None
    assert "no light" in exploration.error
    exploration.item = 1
    assert (exploration.error, exploration.answer.shown.name) == ("", "picture 1")


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
    assert exploration.answer.shown.name == "only one name"
    exploration.item = 1
    assert exploration.error == "'b.png' is damaged."
    exploration.item = 2
    assert "index out of range" in exploration.error
    exploration.item = 99
    assert exploration.error == "There is no input 99; here are 3, counted from 0."
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
    assert exploration.answer.shown.name == "white.png"


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


def test_a_question_that_cannot_be_answered_does_not_stay(exploration):
    good = exploration.question
    exploration.ask(target=99, composite=composites.get("epsilon"))
    assert "target 99" in exploration.error
    assert exploration.question == good
    assert not exploration.undoable


def test_a_contrast_is_the_difference_of_two_scores(exploration):
    exploration.ask(target=3, than=9)
    scores = exploration.answer.scores
    assert float(exploration.answer.explanation.ledger.explained[0]) == pytest.approx(scores[3] - scores[9])
    exploration.ask(target=None)  # the top class is 3 as well
    x, _ = exploration.subject.item(exploration.item)
    expected = Explainer(exploration.subject.model, exploration.composite).explain(x[None], Rather(3, than=9))
    torch.testing.assert_close(exploration.answer.explanation.relevance, expected.relevance)


def test_chosen_channels_show_only_the_relevance_through_them(exploration):
    exploration.ask(layer="conv2", channels=(3, 5), only=True)
    answer = exploration.answer
    torch.testing.assert_close(
        answer.explanation.relevance, answer.whole.condition({"conv2": [3, 5]}).relevance, rtol=0, atol=0
    )
    exploration.composite = exploration.composite.with_rule(1, rules.Gamma(0.7))  # they stay chosen
    assert exploration.answer.question.only
    exploration.only = False
    assert exploration.answer.explanation is exploration.answer.whole


def test_choosing_channels_alone_asks_nothing(exploration):
    answer = exploration.answer
    exploration.layer, exploration.channels = "conv2", (3,)
    assert exploration.answer is answer


def test_paint_changes_the_scores_and_sticks_to_its_picture(exploration, digits):
    clean = exploration.answer.scores
    stroke = Stroke("grey", 1.5, ((2.0, 2.0), (5.0, 5.0)))
    exploration.strokes = (stroke,)
    x, _ = digits.item(exploration.item)
    expected = Explainer(digits.model).scores(painted(x, [stroke], digits.bounds)[None])
    assert exploration.answer.scores == expected[0].tolist() != clean
    exploration.item = 5
    assert exploration.strokes == exploration.answer.question.strokes == ()
    exploration.item = digits.start
    assert exploration.answer.scores == clean


def test_changes_of_rules_are_undone_and_done_again(exploration):
    first = exploration.composite
    second, third = (first.with_rule(1, rules.Gamma(gamma)) for gamma in (0.5, 0.6))
    exploration.change_rules(second)
    exploration.change_rules(third)
    exploration.undo()
    assert exploration.composite == second
    exploration.undo()
    assert (exploration.composite, exploration.undoable, exploration.redoable) == (first, False, True)
    exploration.undo()  # nothing more to undo
    exploration.redo()
    assert exploration.composite == second
    exploration.change_rules(first)
    assert not exploration.redoable
    assert exploration.answer.explanation.composite == first


def test_one_drag_is_one_step_of_the_history(exploration):
    first = exploration.composite
    exploration.change_rules(first, drag="one")  # the pointer came down and has not moved yet
    for gamma in (0.3, 0.4, 0.5):
        exploration.change_rules(first.with_rule(1, rules.Gamma(gamma)), drag="one")
    exploration.change_rules(first.with_rule(1, rules.Gamma(0.1)), drag="two")
    exploration.undo()
    assert exploration.composite == first.with_rule(1, rules.Gamma(0.5))
    exploration.undo()
    assert exploration.composite == first


def test_pins_keep_their_question_and_follow_the_picture(exploration):
    exploration.target = 9
    exploration.pin()
    exploration.target = None
    for item in (4, 7):
        exploration.item = item
        (pinned,) = exploration.pinned
        assert (pinned.question.item, pinned.target, exploration.answer.target != 9) == (item, 9, True)
        torch.testing.assert_close(pinned.scores, exploration.answer.scores)


def test_pins_keep_their_maps_and_accounts_and_no_activations(exploration, digits):
    exploration.pin(replace(exploration.question, item=None, layer="conv1", channels=(1, 2), only=True))
    exploration.pin()
    for answer in exploration.pinned:
        assert (answer.whole.keep, answer.explanation.keep) == ("input", "input")
    through, plain = exploration.pinned
    whole = exploration.answer.whole
    torch.testing.assert_close(plain.pixels, exploration.answer.pixels)
    torch.testing.assert_close(through.pixels, whole.condition({"conv1": [1, 2]}).relevance[0].sum(0).numpy())
    assert plain.explanation.ledger.reached_input == whole.ledger.reached_input
    assert exploration.answer.whole.keep == "all"


def test_answers_are_the_same_however_little_is_kept(explore, digits, monkeypatch):
    def looked_at(exploration):
        exploration.pin(replace(exploration.question, item=None, composite=exploration.preset("epsilon_plus")))
        maps = []
        for item in range(12):
            exploration.item = item
            exploration.change_rules(exploration.composite.with_rule(1, rules.Gamma(0.1 * item)))
            maps += [exploration.answer.pixels, exploration.pinned[0].pixels]
            assert shelves.SHELVES.bytes <= shelves.SHELVES.room
        return maps

    expected = looked_at(explore(digits))
    kept = shelves.Shelves()
    monkeypatch.setattr(shelves, "SHELVES", kept)
    tight = explore(digits)
    kept.room = 20_000
    for found, map in zip(looked_at(tight), expected, strict=True):
        np.testing.assert_array_equal(found, map)


def test_how_much_memory_is_in_use_is_told_when_the_answer_comes_and_after_a_rest(digits, monkeypatch):
    monkeypatch.setattr(worker, "REST", 0.1)
    monkeypatch.setattr(memory, "resident", lambda: taken)
    monkeypatch.setattr(shelves.SHELVES, "limit", 2 * 10**9)
    taken, told = 10**9, []

    async def scenario():
        nonlocal taken
        exploration = Exploration(digits, "epsilon_plus_flat")
        exploration.observe(lambda change: told.append(change["new"]), "memory")
        while not told:
            await asyncio.sleep(0.01)
        taken = 12 * 10**8
        while len(told) < 2:
            await asyncio.sleep(0.01)
        exploration.close()

    asyncio.run(asyncio.wait_for(scenario(), 30))
    assert told == ["1.0 of 2.0 GB of memory in use", "1.2 of 2.0 GB of memory in use"]


def test_a_pin_may_keep_its_picture(exploration):
    exploration.pin(replace(exploration.question, item=2))
    exploration.item = 4
    assert exploration.pinned[0].shown.name == exploration.name(2)
    exploration.repin(0, replace(exploration.pins[0], item=None))
    assert exploration.pinned[0].shown.name == exploration.name(4)
    exploration.unpin(0)
    assert (exploration.pins, exploration.pinned) == ((), ())


def test_more_pins_than_there_is_room_for_are_refused(exploration):
    with pytest.raises(ValueError, match="room for 5 maps"):
        exploration.pin(*[exploration.question] * 6)
    assert exploration.pins == ()


def test_a_state_is_restored_from_its_link_and_its_file(explore, digits):
    one, other = explore(digits), explore(digits)
    rule = one.composite.with_rule(1, rules.Gamma(0.123456789))
    strokes = (Stroke("blur", 1.0, ((1.0, 1.5), (4.25, 3.0))),)
    one.ask(item=11, target=4, than=7, composite=rule, strokes=strokes, layer="conv2", channels=(1, 2), only=True)
    one.pin()
    for state in (one.link(), "?" + one.link(), json.loads(json.dumps(one.to_dict()))):
        other.ask(**vars(other._begin))
        other.restore(state)
        assert other.question == one.question
        assert other.pins == one.pins
        assert torch.equal(other.answer.explanation.relevance, one.answer.explanation.relevance)
        assert torch.equal(other.pinned[0].explanation.relevance, one.pinned[0].explanation.relevance)


DAMAGED = {
    "cut off": "item=11&composite=%7B%22name%22%3A",
    "an input that is not here": "item=4000",
    "a preset that is not there": "item=1&composite=magic",
    "an unknown part": "item=1&zoom=3",
    "a number that is none": "item=first",
    "another subject": "subject=imagenet&item=1",
    "strokes that are none": "item=1&strokes=[[1,2]]",
    "channels that are none": "item=1&channels=[true]",
    "pins that are none": "item=1&pins=5",
    "deep nesting": "item=" + "[" * 100_000,
}


@pytest.mark.parametrize("link", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_link_is_a_sentence_and_changes_nothing(exploration, link):
    before = exploration.question
    with pytest.raises(ValueError, match=r"\.$"):
        exploration.restore(link)
    assert exploration.question == before


@pytest.mark.parametrize("link", ["item=1&target=77", "item=1&layer=nowhere&channels=[1]&only=true"])
def test_a_link_that_cannot_be_answered_leaves_the_view_that_was_there(exploration, link):
    before = exploration.question
    exploration.restore(link)
    assert exploration.error
    assert exploration.question == before


@pytest.mark.filterwarnings("ignore:.*not finite")
def test_numbers_of_an_upload_that_are_not_finite_are_told_beside_the_answer(exploration):
    levels = np.linspace(0, 1, 64, dtype=np.float32).reshape(8, 8)
    levels[2, 3] = np.nan
    file = io.BytesIO()
    Image.fromarray(levels).save(file, "TIFF")
    exploration.show(file.getvalue(), "scan.tif")
    assert exploration.error == "'scan.tif' has 1 values that are not finite; they are shown as black."
    assert exploration.answer.shown.name == "scan.tif"
    assert float(exploration.answer.shown.x.max()) > 0.9
    exploration.target = 3
    assert exploration.error == ""
