from __future__ import annotations

import numpy as np
import torch

from lrpwidgets.lrp import composites
from lrpwidgets.subjects import Subject
from lrpwidgets.widgets import HeatmapView


def sent(view):
    """The names of the traits in every message that the view sends from now on."""
    messages = []
    view.send_state = lambda key=None: messages.append(set(key))
    return messages


def pixels(view):
    return np.frombuffer(view.relevance, np.float32).reshape(view.size)


def test_the_bytes_are_the_relevance_summed_over_channels(explore):
    torch.manual_seed(0)
    model = torch.nn.Sequential(torch.nn.Conv2d(3, 4, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.LazyLinear(2))
    model(torch.zeros(1, 3, 5, 7))
    exploration = explore(Subject(model.eval(), [(torch.rand(3, 5, 7), 0)]))
    view = HeatmapView(exploration)
    assert view.size == (5, 7)
    expected = exploration.answer.explanation.relevance[0].sum(0).numpy()
    np.testing.assert_array_equal(pixels(view), expected)
    assert len(view.picture) == 3 * 5 * 7


def test_the_picture_is_the_subjects_own(exploration, digits):
    view = HeatmapView(exploration)
    expected = digits.to_image(exploration.answer.picture.x[0]).convert("RGB")
    assert view.picture == expected.tobytes()


def test_a_rule_sends_the_relevance_and_the_picture_stays_at_home(exploration):
    view = HeatmapView(exploration)
    picture, relevance, messages = view.picture, view.relevance, sent(view)
    exploration.composite = composites.get("epsilon")
    assert view.relevance != relevance
    assert view.picture is picture
    assert len(messages) == 1
    assert messages[0] == {"relevance", "seq"}
    exploration.item = 0
    assert messages[1] >= {"relevance", "picture", "caption", "seq"}


def test_an_answer_that_looks_the_same_sends_nothing(exploration):
    view = HeatmapView(exploration)
    messages = sent(view)
    exploration.composite = exploration.preset(exploration.composite.name)
    exploration.target = exploration.answer.target
    assert messages in ([], [{"caption", "seq"}])


def test_the_caption_names_the_picture_and_the_class(exploration):
    view = HeatmapView(exploration)
    exploration.target = 9
    assert view.caption == {
        "name": exploration.answer.picture.name,
        "class": "9",
        "score": exploration.answer.scores[9],
        "chosen": True,
    }


def test_before_the_first_answer_there_is_nothing(digits, explore):
    view = HeatmapView(explore(Subject(digits.model)))
    assert (view.size, view.relevance, view.seq) == ((0, 0), b"", 0)
