"""Ten minutes with the dashboard, as fast as it goes: the memory that it takes, and from a changed rule to the answer.

A person looks at a hundred pictures, changes rules three times for each, and five times pins five maps and lets go of
them. The whole page is there and the worker works, only no browser; each network has a process of its own.
"""

from __future__ import annotations

import asyncio
import json
import os
import random
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from lrpwidgets import dashboards, subjects
from lrpwidgets.lrp import rules
from lrpwidgets.lrp.selectors import Exactly
from lrpwidgets.widgets import Exploration

from .resident import can_tell, now, peak
from .timing import table

PICTURES = Path(os.environ.get("LRPWIDGETS_DATA", Path(__file__).parents[3] / "shared" / "data")) / "imagenet"

NETWORKS = {"squeezenet1_0": "DEFAULT", "resnet50": None}
"""Names of torchvision's, and their weights; without, they are random."""

LOOKS, TURNS = 100, 3
PINNED, LET_GO = range(3, LOOKS, 20), range(13, LOOKS, 20)
"""Pictures at which five maps are pinned, and at which they go."""

REST = 5.0
"""Seconds after which the worker has done what it does when nothing is asked."""


def measure(networks: Sequence[str] | None = None) -> dict[str, dict[str, float]]:
    """Bytes that the process takes with the first answer, at its peak and at the end, and milliseconds of an answer."""
    if not can_tell():
        print("This system does not say how much memory a process takes.")
        return {}
    found = {name: _in_a_fresh_process(name) for name in networks or NETWORKS}
    columns = ["", "first answer", "peak", "end", "after a rest", "new rule, ms", "new picture, ms"]
    sizes, times = ("first", "peak", "end", "rested"), ("rule", "picture")
    rows = [
        [name, *(f"{each[size] / 1e9:.2f}" for size in sizes), *(f"{each[taken]:.0f}" for taken in times)]
        for name, each in found.items()
    ]
    title = f"resident memory of the dashboard in GB; {LOOKS} pictures, {LOOKS * TURNS} changed rules, pins"
    table(title, columns, rows)
    return found


async def session(network: str) -> dict[str, float]:
    """The same of this process."""
    subject = subjects.load("imagenet", arch=network, images=PICTURES, weights=NETWORKS[network])
    page = dashboards.explore(subject)
    person = _Person(page.shared)
    await person.until(lambda: person.exploration.answer is not None)
    found = {"first": float(now())}
    changed, opened = [], []
    for number in range(1, LOOKS + 1):
        opened.append(await person.look(number % len(subject.dataset)))
        changed += [await person.turn(each) for each in range(TURNS)]
        if number in PINNED:
            await person.pin()
        if number in LET_GO:
            person.exploration.unpin_all()
    found |= {"peak": float(peak()), "end": float(now())}
    await asyncio.sleep(REST)
    found |= {"rested": float(now()), "rule": _median(changed), "picture": _median(opened)}
    page.close()
    return found


class _Person:
    """Looks, turns and pins, and waits for what comes of it."""

    def __init__(self, exploration: Exploration) -> None:
        self.exploration = exploration
        self._random = random.Random(0)

    async def until(self, there: Callable[[], bool]) -> None:
        """Wait for what is drawn."""
        while not there():
            if self.exploration.error:
                raise RuntimeError(self.exploration.error)
            await asyncio.sleep(0.001)

    async def look(self, item: int) -> float | None:
        """Another picture; milliseconds until its map is there."""
        return await self._answered(lambda: setattr(self.exploration, "item", item))

    async def turn(self, number: int) -> float | None:
        """A preset, the rule of an entry or that of a layer, as `number` wants; milliseconds until the map is there."""
        exploration, chance = self.exploration, self._random
        composite, whole = exploration.composite, exploration.answer.whole
        rule = chance.choice(
            [rules.Epsilon(chance.uniform(1e-6, 0.5)), rules.Gamma(chance.random()), rules.AlphaBeta()]
        )
        if number == 0:
            composite = exploration.preset(chance.choice(exploration.presets()))
        elif number == 1:
            linear = [n for n, (_, each) in enumerate(composite.entries) if isinstance(each, rules.LinearRule)]
            composite = composite.with_rule(chance.choice(linear), rule)
        else:
            name = chance.choice([each.name for each in whole.layers if each.kind in ("conv", "linear")])
            composite = composite.revised(Exactly(name), rule, whole.layout)
        return await self._answered(lambda: exploration.change_rules(composite))

    async def pin(self) -> None:
        """Five maps, of other presets, that follow the picture."""
        exploration = self.exploration
        names = exploration.presets()[:5]
        exploration.pin(*(replace(exploration.question, item=None, composite=exploration.preset(n)) for n in names))
        await self.until(lambda: all(exploration.pinned))

    async def _answered(self, ask: Callable[[], None]) -> float | None:
        exploration, started = self.exploration, time.perf_counter()
        before, asked = exploration.answer, exploration.question
        ask()
        if exploration.question == asked:  # the rule was that one before
            return None
        await self.until(lambda: exploration.answer is not before)
        taken = 1000 * (time.perf_counter() - started)
        await self.until(lambda: all(held and held.question.item == exploration.item for held in exploration.pinned))
        return taken


def _median(taken: Sequence[float | None]) -> float:
    return statistics.median(each for each in taken if each is not None)


def _in_a_fresh_process(network: str) -> dict[str, float]:
    command = [sys.executable, "-m", __name__, network]
    lines = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True).stdout.splitlines()
    made: dict[str, float] = json.loads(lines[-1])
    return made


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session(sys.argv[1]))))
