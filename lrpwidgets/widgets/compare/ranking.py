"""Where methods stand: symmetric relevance gain with its interval, the rank under each fill, and what can be said."""

from __future__ import annotations

from typing import Any, cast

import numpy as np
import traitlets

from ...evaluate import Comparison, GroundTruth, interval
from ...evaluate.parts import Become
from ...progress import duration
from ..base.view import View, script, style
from .referee import Referee
from .rows import CONTROLS, title


class Ranking(View):
    """The methods in the order of their gain under the fill that is shown; intervals are bootstraps over inputs."""

    shared: Referee
    _esm = script(__file__)
    _css = style(__file__)
    rows: traitlets.List[Any] = traitlets.List(help="method, gain, interval and ranks of each, the first first").tag(
        sync=True
    )
    tuning = traitlets.Dict(help="whether rules are tuned, what that takes, and what came out").tag(sync=True)
    truth = traitlets.Dict(help="whether maps are held against a known truth, and what came out").tag(sync=True)
    state = traitlets.Dict(help="fills, fill, inputs done and in all, running, cost, sentences").tag(sync=True)

    def __init__(self, referee: Referee, **traits: Any) -> None:
        super().__init__(referee, **traits)
        self.follow(self._show, "answer", "fill", "marked", "running", "cost", "samples")
        self.follow(self._tell_tuned, "searching", "offer", "tuned", "looked", "fill", "marked")
        self.follow(self._tell_truth, "marking", "truth", "looked")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """``{"go": true}`` flips more inputs, false waits; ``{"mark": name}`` has a method stand out.

        ``{"tune": true}`` looks for rules, false asks first if that takes long; ``{"open": true}`` opens what came out.
        ``{"truth": true}`` holds maps against what is known.
        """
        if "go" in message:
            self.shared.go(on=bool(message["go"]))
        elif "mark" in message:
            self.shared.mark(message["mark"])
        elif "tune" in message:
            self.shared.tune(sure=bool(message["tune"]))
        elif "open" in message:
            self.shared.open_tuned()
        elif "truth" in message:
            self.shared.hold_against_truth()

    def _tell_tuned(self) -> None:
        referee, found = self.shared, self.shared.tuned
        self.draw(
            tuning={
                "able": referee.looked is not None and referee.kind.tunable,
                "searching": referee.searching,
                "offer": "" if referee.offer is None else duration(referee.offer),
                "said": "" if found is None else found.conclusion,
                "opens": any(name == "explore" for name, *_ in referee.rooms),
                "fill": _filled(referee.fill),
            }
        )

    def _tell_truth(self) -> None:
        referee, found = self.shared, self.shared.truth
        self.draw(
            truth={
                "able": referee.looked is not None and referee.knows,
                "marking": referee.marking,
                "part": referee.kind.smallest,
                "said": "" if found is None else told(found, referee.kind.smallest),
            }
        )

    def _show(self) -> None:
        referee, found, fill = self.shared, self.shared.answer, cast("Become", self.shared.fill)
        cost = referee.cost
        state = {
            "fill": referee.fill,
            "running": referee.running,
            "total": referee.total,
            "done": 0 if found is None else len(found.items),
            "ended": referee.ended,
            "cost": "" if cost is None else duration(cost),
            "left": ""
            if cost is None or found is None or referee.ended
            else duration(cost * (1 - len(found.items) / referee.total)),
            "fills": [],
            "said": [],
        }
        if found is None:
            self.draw(rows=[], state=state)
            return
        ranks = {each: {name: place for place, name in enumerate(found.order(each))} for each in found.fills}
        rows = [
            {
                "name": name,
                "title": title(name),
                "control": name in CONTROLS,
                "mark": referee.marked.index(name) if name in referee.marked else None,
                "ranks": [ranks[each][name] + 1 for each in found.fills],
                **self._gain(found, fill, name),
            }
            for name in found.order(fill)
        ]
        self.draw(rows=rows, state={**state, "fills": list(found.fills), "said": said(found, fill)})

    @staticmethod
    def _gain(found: Comparison, fill: Become, name: str) -> dict[str, Any]:
        gain = found.gains[fill, name].interval
        low, high = (each if np.isfinite(each) else None for each in (gain.low, gain.high))
        return {"gain": gain.value, "low": low, "high": high}


def said(found: Comparison, fill: Become) -> list[str]:
    """What can be said of the order under a fill, and whether it is the same under others."""
    if not found.judged:
        return [f"On {len(found.items)} inputs: too few to tell methods apart."]
    order, inputs = found.order(fill), f"{found.judged} inputs"
    first, second = title(order[0]), title(order[1])
    alike = tuple(order[:2]) in found.undecided[fill]
    doubt = f"leads, but it and {second} cannot be told apart" if alike else "is ahead of all others, told apart"
    sentences = [f"With {_filled(fill)}, {first} {doubt} on {inputs}."]
    elsewhere = [each for each in found.fills if not found.foremost(each) & found.foremost(fill)]
    if elsewhere:
        firsts = _and([f"{title(found.order(each)[0])} with {_filled(each)}" for each in elsewhere])
        sentences.append(f"Another one is first elsewhere, {firsts}: who is first depends on the fill.")
    useless = [each for each in order if each not in CONTROLS and not _beats_chance(found, fill, each)]
    if useless:
        sentences.append(f"No better than a random order: {_and([title(each) for each in useless])}.")
    sentences += [f"Left out is {title(name)}, which failed: {why}" for name, why in found.obstacles.items()]
    return sentences


def _beats_chance(found: Comparison, fill: Become, name: str) -> bool:
    return interval(found.gains[fill, name].values - found.gains[fill, "random"].values).low > 0


def told(found: GroundTruth, part: str) -> str:
    """How the maps stand against what is known, of pixels or words."""
    order = sorted(found.standings, key=lambda each: -each.rank.value)
    listed = ", ".join(f"{title(each.method)} {each.rank.value:.2f}" for each in order)
    wrong = f"; {found.left_out} more were answered wrong" if found.left_out else ""
    return (
        f"Rank accuracy: of the K {part}s that decide, the share among the K of the largest |R|: {listed}; by chance "
        f"{found.standings[0].area:.2f}. On {found.samples} inputs, each explained for its label{wrong}."
    )


_WORDS = {"uniform": "uniform noise", "cut": "words cut out", "hide": "words hidden"}
"""What fills are called."""


def _filled(fill: str) -> str:
    return _WORDS.get(fill, fill)


def _and(names: list[str]) -> str:
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"
