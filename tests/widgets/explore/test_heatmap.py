from __future__ import annotations

import io
import json

import numpy as np
import pytest
import torch

from lrpwidgets.lrp import Explainer, composites, rules
from lrpwidgets.subjects import Stroke, Subject, painted
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets import HeatmapView
from lrpwidgets.widgets.explore.look import Look

GREY = {"kind": "grey", "radius": 2.0, "points": [[4.0, 4.0], [6.0, 4.0]]}


def sent(view):
    """The names of the traits in every message that the view sends from now on."""
    messages = []
    view.send_state = lambda key=None: messages.append(set(key))
    return messages


def files(view):
    """Every file that the view sends from now on, by name."""
    found = {}
    view.send = lambda content, buffers=None: found.update({content["save"]: buffers[0]})
    return found


def pixels(view, data=None):
    return np.frombuffer(view.relevance if data is None else data, np.float32).reshape(view.size)


def map_of(explanation):
    return explanation.relevance[0].sum(0).numpy()


def turned(exploration, gamma):
    return exploration.composite.with_rule(1, rules.Gamma(gamma))


# -- the live map ------------------------------------------------------------------------------------------------------


def test_the_bytes_are_the_relevance_summed_over_channels(explore):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(2))
    model(torch.zeros(1, 3, 5, 7))
    exploration = explore(Subject(model.eval(), [(torch.rand(3, 5, 7), 0)]))
    view = HeatmapView(exploration)
    assert view.size == (5, 7)
    np.testing.assert_array_equal(pixels(view), map_of(exploration.answer.explanation))
    assert len(view.picture) == 3 * 5 * 7


def test_the_picture_is_the_subjects_own(exploration, digits):
    view = HeatmapView(exploration)
    expected = digits.to_image(exploration.answer.shown.x[0]).convert("RGB")
    assert view.picture == expected.tobytes()


def test_a_slider_sends_the_live_map_and_nothing_else(exploration):
    exploration.composite = turned(exploration, 0.3)
    exploration.pin()
    exploration.composite = turned(exploration, 0.35)
    view = HeatmapView(exploration)
    picture, relevance, messages = view.picture, view.relevance, sent(view)
    exploration.composite = turned(exploration, 0.4)
    assert view.relevance != relevance
    assert view.picture is picture
    assert messages == [{"relevance", "seq"}]


def test_another_input_sends_its_picture_too(exploration):
    view = HeatmapView(exploration)
    messages = sent(view)
    exploration.item = 0
    assert len(messages) == 1
    assert messages[0] >= {"relevance", "picture", "caption", "seq"}


def test_an_answer_that_looks_the_same_sends_nothing(exploration):
    view = HeatmapView(exploration)
    messages = sent(view)
    exploration.composite = exploration.preset(exploration.composite.name)
    exploration.target = exploration.answer.target
    assert messages == []


def test_before_the_first_answer_there_is_nothing(digits, explore):
    view = HeatmapView(explore(Subject(digits.model)))
    assert (view.size, view.relevance, view.seq) == ((0, 0), b"", 0)


# -- captions ----------------------------------------------------------------------------------------------------------


def test_the_caption_names_picture_class_score_and_composite(exploration):
    view = HeatmapView(exploration)
    exploration.target = 9
    assert view.caption["name"] == exploration.answer.shown.name
    assert (view.caption["class"], view.caption["than"]) == ("9", "")
    assert view.caption["score"] == pytest.approx(exploration.answer.scores[9])
    assert (view.caption["composite"], view.caption["changed"]) == (exploration.composite.name, False)


def test_the_caption_says_that_a_preset_was_changed(exploration):
    view = HeatmapView(exploration)
    exploration.composite = turned(exploration, 0.4)
    assert view.caption["changed"]


def test_the_caption_of_a_contrast_has_both_classes_and_the_difference_of_their_scores(exploration):
    view = HeatmapView(exploration)
    exploration.ask(target=9, than=4)
    scores = exploration.answer.scores
    assert (view.caption["class"], view.caption["than"]) == ("9", "4")
    assert view.caption["score"] == pytest.approx(scores[9] - scores[4], rel=1e-5)


def test_the_caption_says_through_which_channels(exploration):
    view = HeatmapView(exploration)
    layer = next(layer.name for layer in exploration.answer.explanation.layers if layer.kind == "conv")
    exploration.ask(layer=layer, channels=(1, 3), only=True)
    assert view.caption["through"] == f"#1, #3 of {layer}"


def test_file_names_keep_to_letters_that_every_system_takes(explore):
    model = torch.nn.Sequential(torch.nn.Flatten(), torch.nn.Linear(16, 2)).eval()
    samples = TensorSamples(torch.rand(2, 1, 4, 4), [0, 0], ["../a b<ü>.tar.png", "???"])
    exploration = explore(Subject(model, samples))
    view = HeatmapView(exploration)
    assert view.caption["file"] == "a_b_tar"
    exploration.item = 1
    assert view.caption["file"] == "picture"


# -- pins --------------------------------------------------------------------------------------------------------------


def test_the_live_map_is_pinned_and_stays_when_the_live_one_changes(exploration, say):
    view = HeatmapView(exploration)
    before = view.relevance
    say(view, pin={})
    exploration.composite = composites.get("epsilon")
    assert view.pin_maps == [before]
    assert view.relevance != before
    ledger = exploration.pinned[0].explanation.ledger
    assert view.pinned[0]["ledger"]["bias"] == float(ledger.bias[0])
    assert view.pinned[0]["computing"] is False


def test_another_composite_is_pinned_by_name(exploration, say):
    view = HeatmapView(exploration)
    say(view, pin={"composite": "epsilon"})
    expected = exploration.answer.explanation.switch("epsilon")
    np.testing.assert_allclose(pixels(view, view.pin_maps[0]), map_of(expected), rtol=1e-4, atol=1e-6)
    assert view.pinned[0]["composite"] == "epsilon"


def test_the_second_best_class_is_pinned(exploration, say):
    view = HeatmapView(exploration)
    say(view, pin={"second": True})
    second = sorted(range(10), key=exploration.answer.scores.__getitem__)[-2]
    assert view.pinned[0]["class"] == str(second)
    expected = exploration.answer.explanation.retarget(second)
    np.testing.assert_allclose(pixels(view, view.pin_maps[0]), map_of(expected), rtol=1e-4, atol=1e-6)


def test_a_pin_follows_the_picture_until_it_shall_keep_it(exploration, say):
    view = HeatmapView(exploration)
    say(view, pin={})
    exploration.item = 0
    assert view.pin_maps[0] == view.relevance
    assert view.pin_pictures == [b""]
    kept, picture = view.relevance, view.picture
    say(view, number=0, follows=False)
    exploration.item = 1
    assert view.pin_maps[0] == kept
    assert view.pin_pictures == [picture]
    say(view, number=0, follows=True)
    assert view.pin_maps[0] == view.relevance


def test_a_pin_is_closed(exploration, say):
    view = HeatmapView(exploration)
    say(view, pin={})
    say(view, unpin=0)
    assert (view.pinned, view.pin_maps) == ([], [])


def test_a_view_with_a_pin_shows_the_pins_of_a_restored_state(exploration):
    view = HeatmapView(exploration)
    exploration.pin()
    link = exploration.link()
    exploration.pin()
    exploration.restore(link)
    assert exploration.error == ""
    assert len(view.pinned) == len(view.pin_maps) == 1
    exploration.unpin(0)
    plain = exploration.link()
    exploration.pin()
    exploration.restore(plain)
    assert exploration.error == ""
    assert view.pinned == []


def test_a_sixth_pin_is_refused_with_a_sentence(exploration, say):
    view = HeatmapView(exploration)
    for _ in range(6):
        say(view, pin={})
    assert "room for 5 maps" in exploration.error
    assert len(view.pinned) == 5


# -- painting ----------------------------------------------------------------------------------------------------------


def test_a_stroke_is_explained_as_the_backend_explains_the_painted_input(exploration, digits, say):
    view = HeatmapView(exploration)
    before = exploration.answer
    say(view, strokes=[GREY])
    x = painted(before.shown.x[0], [Stroke.from_dict(GREY)], digits.bounds)
    expected = Explainer(digits.model, exploration.composite).explain(x[None])
    np.testing.assert_allclose(pixels(view), map_of(expected), rtol=1e-5, atol=1e-7)
    assert view.picture == digits.to_image(x).convert("RGB").tobytes()
    assert view.strokes == [GREY]
    assert view.caption["painted"]


def test_painting_keeps_the_class_until_another_one_is_asked_for(exploration, say):
    view, everything = HeatmapView(exploration), {"kind": "grey", "radius": 20, "points": [[4, 4]]}
    before = exploration.answer.target
    say(view, strokes=[everything])
    assert exploration.answer.explanation.top_class != before  # grey is no 3
    assert (exploration.answer.target, exploration.target) == (before, None)
    exploration.ask(target=None)
    assert exploration.answer.target == exploration.answer.explanation.top_class
    say(view, strokes=[])
    assert (exploration.answer.target, exploration.answer.question.target) == (before, None)
    say(view, strokes=[everything])
    exploration.item = 0
    assert exploration.answer.target == exploration.answer.explanation.top_class


def test_the_score_of_the_unpainted_picture_is_remembered(exploration, say):
    view = HeatmapView(exploration)
    exploration.target = 3
    before = exploration.answer.scores
    say(view, strokes=[GREY])
    assert view.caption["before"] == before[3]
    assert view.caption["score"] == pytest.approx(exploration.answer.scores[3])
    say(view, strokes=[])
    assert view.caption["before"] is None
    assert view.caption["score"] == pytest.approx(before[3])


def test_every_message_is_confirmed_also_one_that_is_refused(exploration, say):
    view = HeatmapView(exploration)
    say(view, strokes=[GREY])
    assert view.received == 1
    say(view, strokes=[{**GREY, "radius": -1}])
    assert "radius" in exploration.error
    assert (view.received, view.strokes) == (2, [GREY])


# -- the look ----------------------------------------------------------------------------------------------------------


def test_the_look_is_given_in_part_and_sent_as_a_whole(exploration):
    view = HeatmapView(exploration, look={"gain": 3, "map": "fire–ice"})
    assert view.look == {**Look().to_dict(), "gain": 3, "map": "fire–ice"}


@pytest.mark.parametrize(
    ("look", "words"),
    [
        ({"gain": 0.5}, "gain of a look must be a number from 1 to 100, got 0.5"),
        ({"gain": float("nan")}, "got nan"),
        ({"gain": True}, "got True"),
        ({"map": "jet"}, "must be one of red–blue, .*got 'jet'"),
        ({"map": ["red–blue"]}, "map of a look"),
        ({"clip": 42}, "clip of a look"),
        ({"zoom": [2, 0.9, 0]}, "corner inside the picture"),
        ({"zoom": 3}, "got 3"),
        ({"differences": [5]}, "a list of numbers of pins, 0 to 4, got .5."),
        ({"differences": [True]}, "numbers of pins"),
        ({"level": "letter"}, "level of a look must be one of token, word, sentence, got 'letter'"),
        ({"sinks": 1}, "sinks of a look must be true or false, got 1"),
        ({"colour": "red"}, "has no 'colour'; it has gain, overlay"),
    ],
)
def test_a_look_that_makes_no_sense_is_refused_with_a_sentence(exploration, look, words):
    with pytest.raises(ValueError, match=words):
        HeatmapView(exploration, look=look)


def test_the_scale_ends_at_the_percentile_divided_by_the_gain():
    maps = [np.linspace(-1, 3, 5, dtype=np.float32), np.zeros(5, np.float32)]
    assert Look(clip=100.0).limit(maps) == 3
    assert Look().limit(maps) == pytest.approx(np.percentile([1, 0, 1, 2, 3], 99.5))
    assert Look(gain=2, clip=95.0).limit(maps[:1]) == pytest.approx(np.percentile([1, 0, 1, 2, 3], 95) / 2)


# -- files -------------------------------------------------------------------------------------------------------------


def test_the_archive_has_the_numbers_that_are_shown(exploration, say):
    view = HeatmapView(exploration)
    say(view, pin={"composite": "epsilon"})
    found = files(view)
    say(view, save="npz", look={})
    (name,) = found
    assert name == f"{view.caption['file']}.npz"
    archive = np.load(io.BytesIO(found[name]))
    answer = exploration.answer
    np.testing.assert_array_equal(archive["x"], answer.shown.x[0].numpy())
    np.testing.assert_array_equal(archive["relevance"], answer.explanation.relevance[0].numpy())
    np.testing.assert_array_equal(archive["pixels"], pixels(view))
    np.testing.assert_array_equal(archive["pixels_pin1"], pixels(view, view.pin_maps[0]))
    np.testing.assert_array_equal(archive["scores"], answer.explanation.scores[0].numpy())
    assert json.loads(str(archive["question"])) == answer.question.to_dict(exploration.preset)
    assert json.loads(str(archive["question_pin1"]))["composite"] == "epsilon"


def test_the_report_is_sent_under_the_name_of_the_picture(exploration, say):
    view = HeatmapView(exploration)
    found = files(view)
    say(view, save="html", look=Look(gain=4).to_dict())
    page = found[f"{view.caption['file']}.html"].decode()
    assert page.startswith("<!DOCTYPE html>")
    assert "gain 4" in page
