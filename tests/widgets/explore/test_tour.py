"""Three steps through the page: what is done for a person is what a person would do."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import nn

from lrpwidgets.subjects import Subject
from lrpwidgets.subjects.samples import TensorSamples
from lrpwidgets.widgets import Tour


@pytest.fixture
def tour(exploration):
    return Tour(exploration)


def test_it_names_the_best_two_classes(tour, exploration):
    order = np.argsort(-np.array(exploration.answer.scores))[:2]
    assert tour.state["classes"] == [exploration.subject.class_name(each) for each in order]
    assert not any(tour.state[step] for step in ("than", "paint", "channel"))


def test_one_class_is_set_against_the_second(tour, exploration, say):
    best, second = np.argsort(-np.array(exploration.answer.scores))[:2]
    say(tour, do="than")
    assert (exploration.target, exploration.than) == (best, second)
    assert tour.state["than"]


def test_paint_covers_what_speaks_for_the_class_and_its_score_falls(tour, exploration, say):
    before = exploration.answer
    say(tour, do="paint")
    after = exploration.answer
    y, x = np.unravel_index(before.pixels.argmax(), before.pixels.shape)
    assert (after.shown.x != before.shown.x)[0, :, y, x].all()
    assert after.scores[before.target] < before.scores[before.target]
    assert tour.state["paint"]


def test_one_channel_is_looked_through(tour, exploration, say):
    say(tour, do="channel")
    assert exploration.only
    (channel,) = exploration.channels
    sums = exploration.answer.whole[exploration.layer].relevance[0].flatten(1).sum(1)
    assert channel == sums.argmax()
    assert tour.state["channel"]


def test_afterwards_all_is_as_it_was(tour, exploration, say):
    exploration.ask(target=4, channels=(2,), layer="conv2")
    before = exploration.answer.pixels
    say(tour, begin=True)
    for step in ("than", "paint", "channel"):
        say(tour, do=step)
    say(tour, back=True)
    np.testing.assert_array_equal(exploration.answer.pixels, before)
    assert (exploration.target, exploration.layer, exploration.channels) == (4, "conv2", (2,))
    assert exploration.error == ""


def test_one_score_has_no_other_class(explore):
    torch.manual_seed(0)
    model = nn.Sequential(nn.Flatten(), nn.Linear(16, 1)).eval()
    exploration = explore(Subject(model, TensorSamples(torch.rand(2, 1, 4, 4), [0, 0], ["a", "b"])))
    tour = Tour(exploration)
    assert len(tour.state["classes"]) == 1
