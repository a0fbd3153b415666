"""Whatever a person does with a film in whatever order: no view stumbles, and no error that was not earned."""

from __future__ import annotations

import random
import re

import pytest

from lrpwidgets.dashboards import maximize
from lrpwidgets.maximize import priors
from lrpwidgets.widgets.maximize import wall
from tests.widgets.explore.test_any_order import inside

EARNED = [
    "This is no state file, or it is damaged.",
    r"There is no class 1\d; .*",
    r".*number 1\d.*|.*has \d+ channels.*|.*channel 1\d.*",
    r"There is no frame \d to look at; \d were kept.",
    "There is no frame to begin at yet.",
    r"\w+ must be (a whole number|1 to 3 numbers).*",
    r"There is no input \d+; here are 355, counted from 0.",
    "There is no layer 'nowhere'.*",
    r"There is no prior 'nothing'.*",
]


@pytest.fixture
def page(monkeypatch):
    monkeypatch.setattr(wall, "STEPS", 4)
    made = maximize(wish={"steps": 6, "prior": "none"})
    yield made
    made.close()


@pytest.mark.parametrize("seed", range(2))
def test_a_hundred_random_deeds_leave_no_error_that_was_not_earned(page, seed):
    luck, views, files, said = random.Random(seed), {type(view).__name__: view for view in inside(page)}, [], []
    studio = page.shared
    views["MaximizeBar"].send = lambda message, buffers=None: files.append(message["text"])
    studio.observe(lambda change: change["new"] and said.append(change["new"]), "error")

    def say(view, **message):
        views[view]._handle_custom_msg(message, [])

    def one(*choices):
        return luck.choice(choices)

    deeds = [
        lambda: say("FilmView", do=one("play", "pause", "step", "stop", "restart")),
        lambda: say("FilmView", look=one(None, 0, 1, 5)),
        lambda: say("WishBar", set="layer", to=one(None, "conv1", "conv3", "nowhere")),
        lambda: say("WishBar", set="number", to=one(0, 3, 9, 12, -1, "x")),
        lambda: say("WishBar", set="prior", to=one("none", "l2", "auto", "nothing")),
        lambda: say("WishBar", set="steps", to=one(1, 5, 0)),
        lambda: say("WishBar", set="seed", to=one(0, 1)),
        lambda: say("WishBar", set="size", to=one(None, 8, 0)),
        lambda: say("ChannelList", channel=one(0, 5, 12)),
        lambda: say("ChannelList", layer=one("conv2", "linear")),
        lambda: say("ChannelList", item=one(-1, 0, 8, 400)),
        lambda: say("SampleView", item=one(0, 8, 400)),
        lambda: say("PriorWall", wish=one(0, 3, 12), prior=one("l2", "none")),
        lambda: say("PriorWall", paint=one(True, False)),
        lambda: say("PriorWall", classes=one([0, 1], [3], [12], [])),
        lambda: say("MaximizeBar", want=one("state", "link")),
        lambda: files and say("MaximizeBar", restore=one(*files, "damaged")),
        lambda: say("MaximizeStatus", cancel=True),
    ]
    for _ in range(100):
        number = luck.randrange(len(deeds))
        deeds[number]()
        unearned = [each for each in said if not any(re.fullmatch(pattern, each) for pattern in EARNED)]
        assert unearned == [], number
        assert studio.question.prior in ("auto", *priors.names())
        assert studio.answer is None or studio.looked is None or studio.looked < len(studio.kept)
        said.clear()
