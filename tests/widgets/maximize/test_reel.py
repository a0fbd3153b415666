"""A film on its thread: what is wanted of it, and how soon that happens."""

from __future__ import annotations

import threading

import pytest

from lrpwidgets.maximize import maximize, objectives
from lrpwidgets.widgets.maximize.reel import Reel


class Audience:
    """Notes what it is told, and calls a function at each frame."""

    def __init__(self, at_each=lambda reel: None):
        self.steps, self.held, self.at_each = [], [], at_each

    def shown(self, reel, moment):
        self.steps.append(moment.step)
        self.at_each(reel)

    def glanced(self, reel, glance):
        pass

    def judged(self, reel, judged):
        self.held.append(judged.step)

    def told(self, reel, stage):
        pass


@pytest.fixture
def reel(digits):
    """Make a film of a three."""

    def make(audience, steps=20, pace=0.0):
        return Reel(lambda: maximize(digits, objectives.class_score(3), "l2", steps), audience, pace)

    return make


def at(step, act):
    return lambda reel: act(reel) if reel.run.frame.step == step else None


def test_it_plays_to_the_end(reel):
    audience = Audience()
    played = reel(audience)
    played.play()
    assert audience.steps == list(range(21))
    assert audience.held[0] == 0
    assert audience.held[-1] == 20
    assert played.ended


def test_a_pause_ends_after_the_frame_and_is_held_against_real_inputs(reel):
    audience = Audience(at(3, Reel.pause))
    played = reel(audience)
    played.play()
    assert audience.steps == [0, 1, 2, 3]
    assert audience.held[-1] == 3
    played.resume()
    played.play(most=2)
    assert audience.steps[-1] == 5
    assert not played.ended


def test_a_newer_order_takes_the_place_of_the_one_at_work(reel):
    def paused_and_resumed(reel):
        reel.pause()
        reel.resume()

    audience = Audience(at(3, paused_and_resumed))
    played = reel(audience)
    played.play()
    assert audience.steps == [0, 1, 2, 3]
    assert audience.held[-1] == 0  # no time is spent on that: somebody waits
    played.play(orders=0)  # asked for before
    assert audience.steps == [0, 1, 2, 3]


def test_stop_does_not_wait_for_the_pace(reel):
    audience = Audience()
    played = reel(audience, pace=60.0)
    thread = threading.Thread(target=played.play)
    thread.start()
    while not audience.held:
        pass
    played.stop()
    thread.join(30)
    assert not thread.is_alive()
    assert audience.steps == [0]
    assert played.ended
    assert audience.held[-1] == 0


def test_what_nobody_looks_at_is_not_held_against_anything(reel):
    audience = Audience(at(1, Reel.leave))
    reel(audience).play()
    assert audience.steps == [0, 1]
    assert audience.held == [0]
