"""Whatever a person does with a comparison in whatever order: no view stumbles, and no error that was not earned."""

from __future__ import annotations

import random
import re

import pytest

from lrpwidgets.dashboards import compare
from tests.widgets.compare.conftest import QUICK
from tests.widgets.explore.test_any_order import inside

EARNED = [
    "This is no state file, or it is damaged.",
    r"There is no class \d+; the model has 10.",
    r"There is no input \d+; here are 355, counted from 0.",
    r"region must be .*",
    r"samples must be .*",
    r"There is no method 'nothing'.*",
    r"'random' stays: what does not exceed it says nothing.",
    r"SmoothGrad: samples must be .*",
    "There is nothing to export yet; wait for the first inputs.",
]


@pytest.fixture
def page():
    made = compare(question={**QUICK, "samples": 2})
    yield made
    made.close()


def test_eighty_random_deeds_leave_no_error_that_was_not_earned(page):
    luck, views, files, said = random.Random(3), {type(view).__name__: view for view in inside(page)}, [], []
    referee = page.shared
    views["CompareBar"].send = lambda message, buffers=None: message["as"] == "state" and files.append(message["text"])
    referee.observe(lambda change: change["new"] and said.append(change["new"]), "error")

    def say(view, **message):
        views[view]._handle_custom_msg(message, [])

    def one(*choices):
        return luck.choice(choices)

    deeds = [
        lambda: say("MethodTable", target=one(None, 3, 12)),
        lambda: say("MethodTable", samples=one(2, 3, 0)),
        lambda: say("MethodTable", others=True),
        lambda: say("MethodTable", column=one(0, 2)),
        lambda: say("MethodTable", add=one("smoothgrad", "gradcam", "nothing", "epsilon")),
        lambda: say("MethodTable", remove=one("smoothgrad", "gradcam", "random")),
        lambda: say("MethodTable", mark=one("sensitivity", "smoothgrad", "edges")),
        lambda: say("MethodTable", large=one(None, ["sensitivity", 1], ["smoothgrad", 0])),
        lambda: "smoothgrad" in referee.methods and say("MethodTable", turn=["smoothgrad", "samples", one(2, 4, 0)]),
        lambda: say("FlipView", cut=one(0, 4, 8, 12)),
        lambda: say("FlipView", fill=one("zero", "blur", "uniform", "mean")),
        lambda: say("FlipView", next=True),
        lambda: say("Ranking", go=one(True, False)),
        lambda: say("Ranking", mark=one("sensitivity", "epsilon_gamma_box")),
        lambda: say("CompareBar", want=one("state", "link", "csv", "latex", "png")),
        lambda: files and say("CompareBar", restore=one(*files, "damaged")),
        lambda: say("CompareStatus", cancel=True),
    ]
    for _ in range(80):
        number = luck.randrange(len(deeds))
        deeds[number]()
        unearned = [each for each in said if not any(re.fullmatch(pattern, each) for pattern in EARNED)]
        assert unearned == [], number
        said.clear()
    say("Ranking", go=True)
    assert referee.answer is not None
    assert set(referee.rows) == set(referee.methods)
