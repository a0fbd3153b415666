"""A thousand explanations in a row: what stays in memory, of a fresh process with the collector on and off.

Every explanation of a digit is read layer by layer, asked on with other rules, for another class and through one
channel. Effective weights of a few stops of a slider are kept, and nothing else may be.
"""

from __future__ import annotations

import gc
import json
import subprocess
import sys

from lrpwidgets import subjects
from lrpwidgets.lrp import Explainer, rules

from .resident import can_tell, now
from .timing import table

ROUNDS = 1000
EVERY = 100
WARM = 200
"""Rounds after which everything that is made once is there."""


def measure() -> dict[str, list[int]]:
    """Bytes that the process takes after every hundredth round, with and without Python's garbage collector."""
    if not can_tell():
        print("This system does not say how much memory a process takes.")
        return {}
    found = {"collector on": _in_a_fresh_process("on"), "collector off": _in_a_fresh_process("off")}
    columns = ["", *(f"{number}" for number in range(EVERY, ROUNDS + 1, EVERY)), f"grown since {WARM}"]
    rows = [
        [name, *map(_megabytes, sizes), _megabytes(sizes[-1] - sizes[WARM // EVERY - 1])]
        for name, sizes in found.items()
    ]
    table(f"resident memory after so many explanations, MB; digits, {ROUNDS} in a row", columns, rows)
    return found


def sizes() -> list[int]:
    """The same of this process."""
    subject = subjects.load("digits")
    explainer = Explainer(subject.model, "epsilon_plus_flat")
    found = []
    for number in range(ROUNDS):
        explanation = explainer.explain(subject.item(number % len(subject.dataset))[0][None])
        stop = rules.Gamma(0.01 * (1 + number % 50))
        for asked_on in (explanation, explanation.switch(rules={"conv2": stop}), explanation.retarget(number % 10)):
            for layer in asked_on.layers:
                layer.relevance.sum()
            asked_on.ledger.imbalance  # noqa: B018
        explanation.condition({"conv2": [number % 32]}).relevance.sum()
        if number % EVERY == EVERY - 1:
            found.append(now())
    return found


def _in_a_fresh_process(collector: str) -> list[int]:
    command = [sys.executable, "-m", __name__, collector]
    made: list[int] = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    return made


def _megabytes(size: int) -> str:
    return f"{size / 2**20:.1f}"


if __name__ == "__main__":
    if sys.argv[1] == "off":
        gc.disable()
    print(json.dumps(sizes()))
