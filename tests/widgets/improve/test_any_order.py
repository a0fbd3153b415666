"""Whatever a person does with a repair in whatever order: no view stumbles, and no error that was not earned."""

from __future__ import annotations

import random
import re

import pytest

from lrpwidgets.dashboards import improve
from tests.widgets.explore.test_any_order import inside

EARNED = [
    "This is no state file, or it is damaged.",
    "There is no repair 'nothing'.*",
    "seeds must be .*",
    "There is no criterion 'beauty'.*",
    "This repair is not made yet; wait for it.",
    r".*'pool9'.*",
    "list index out of range|tuple index out of range|IndexError.*",
]


@pytest.fixture
def page(tagged, tag):
    made = improve(tagged, concept=tag, question={"layer": "pool2", "repairs": ("P-ClArC",), "seeds": 1})
    yield made
    made.close()


def test_forty_random_deeds_leave_no_error_that_was_not_earned(page):
    luck, views, files, said = random.Random(5), {type(view).__name__: view for view in inside(page)}, [], []
    workshop = page.shared
    views["ImproveBar"].send = lambda message, buffers=None: message["as"] == "state" and files.append(message["text"])
    workshop.observe(lambda change: change["new"] and said.append(change["new"]), "error")

    def say(view, **message):
        views[view]._handle_custom_msg(message, [])

    def one(*choices):
        return luck.choice(choices)

    deeds = [
        lambda: say("RepairTable", layer=one("pool2", "relu2", "pool9")),
        lambda: say("RepairTable", seeds=one(1, 2, 0)),
        lambda: say("RepairTable", add=one("reactive P-ClArC", "random direction", "nothing")),
        lambda: say("RepairTable", drop=one("reactive P-ClArC", "random direction", "P-ClArC")),
        lambda: say("RepairTable", choose=one("P-ClArC", "reactive P-ClArC", "")),
        lambda: say("RepairTable", go=one(True, False)),
        lambda: say("RepairTable", save=True),
        lambda: say("CarrierView", over=one("", "units", "channels")),
        lambda: say("ForgetView", concept=0),
        lambda: say("PruneView", by=one("weight", "beauty")),
        lambda: say("PruneView", at=one(0, 4, 99)),
        lambda: say("ImproveBar", want=one("state", "link", "csv", "code")),
        lambda: files and say("ImproveBar", restore=one(*files, "damaged")),
        lambda: say("ImproveStatus", cancel=True),
    ]
    for _ in range(40):
        number = luck.randrange(len(deeds))
        deeds[number]()
        unearned = [each for each in said if not any(re.fullmatch(pattern, each) for pattern in EARNED)]
        assert unearned == [], number
        said.clear()
    say("RepairTable", layer="pool2")
    say("RepairTable", add="P-ClArC")
    say("RepairTable", go=True)
    assert ("P-ClArC", 0) in workshop.outcomes
