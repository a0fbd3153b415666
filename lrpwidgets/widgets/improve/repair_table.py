"""Repairs side by side: what each does to the accuracy, to the heatmaps and to an innocent model, and its verdict."""

from __future__ import annotations

from typing import Any

import numpy as np
import traitlets

from ...improve import REPAIRS
from ...progress import duration
from ..base.view import View, script, style
from .bench import NONE, Outcome
from .forget_view import limit, shrunk, small
from .packed import packed
from .question import MOST_SEEDS
from .workshop import Workshop

SIDE = 128
"""Most pixels along a side of a map."""

_LEFT = 1 / 3
"""Share of the relevance before above which a repaired model still looks at the artefact."""

_PART = 0.8
"""Share of the turned pictures before below which a repair that is not acquitted mends something."""

_HARM = 0.01
"""Clean accuracy that a repair may cost without being told of it."""


class RepairTable(View):
    """A column for each repair, rows with one axis for all; a click chooses the repair that is looked at or saved."""

    shared: Workshop
    _esm = script(__file__)
    _css = style(__file__)
    head = traitlets.Dict(help="class, what is forgotten, layer, layers, seeds, whether it runs, repairs to add").tag(
        sync=True
    )
    axes = traitlets.Dict(help="[low, high] of each figure").tag(sync=True)
    columns: traitlets.List[Any] = traitlets.List(help="the model as it is, then a dict for each repair").tag(sync=True)
    examples: traitlets.List[Any] = traitlets.List(help="two lines of words for each input that is shown").tag(
        sync=True
    )
    size = traitlets.Tuple((0, 0), help="height and width of each picture").tag(sync=True)
    pictures = traitlets.Bytes(help="uint8 RGB of the examples").tag(sync=True)
    map_size = traitlets.Tuple((0, 0), help="height and width of each map").tag(sync=True)
    maps = traitlets.Bytes(help="float16, a share of the scale, example by example for each column that has some").tag(
        sync=True
    )
    scale = traitlets.Float(help="what full colour stands for: a share of Σ|R|, per pixel").tag(sync=True)
    said = traitlets.Unicode(help="what the chosen repair does, as a sentence").tag(sync=True)

    def __init__(self, workshop: Workshop, **traits: Any) -> None:
        super().__init__(workshop, **traits)
        self.follow(self._show_head, "answer", "repairs", "layer", "seeds", "running", "found", "outcomes")
        self.follow(self._show, "outcomes", "controls", "obstacles", "repairs", "chosen", "seeds")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """What a person does.

        ``{"layer": name}``, ``{"seeds": 3}``, ``{"add": repair}``, ``{"drop": repair}``, ``{"choose": repair}``;
        ``{"go": false}`` ends what is under way and true goes on, ``{"again": true}`` begins anew; ``{"visit": room}``
        opens the chosen model there, and ``{"save": true}`` hands it to the browser as safetensors.
        """
        workshop = self.shared
        if "layer" in message or "seeds" in message:
            workshop.ask(**{name: message[name] for name in ("layer", "seeds") if name in message})
        elif "add" in message:
            workshop.add(str(message["add"]))
        elif "drop" in message:
            workshop.drop(str(message["drop"]))
        elif "choose" in message:
            workshop.chosen = str(message["choose"])
        elif "go" in message:
            (workshop.go_on if message["go"] else workshop.cancel)()
        elif "again" in message:
            workshop.run_again()
        elif "visit" in message:
            workshop.visit(str(message["visit"]), workshop.chosen)
        elif "save" in message:
            self._save(workshop.chosen)

    def _save(self, name: str) -> None:
        mended = self.shared.mended(name)
        self.send(
            {"as": "model", "name": f"{mended.name}-{name.replace(' ', '-')}.safetensors"}, buffers=[packed(mended)]
        )

    # -- the sentence ----------------------------------------------------------------------------------------------

    def _show_head(self) -> None:
        workshop, concept = self.shared, self.shared.answer
        layers = [each.layer for each in workshop.found]
        layer = workshop.bench.layer if workshop.bench else workshop.layer
        rest = [[name, way.does] for name, way in REPAIRS.items() if name not in workshop.repairs]
        self.draw(
            head={
                "class": "" if concept is None else workshop.subject.class_name(concept.label),
                "concept": "" if concept is None else concept.name,
                "layer": layer,
                "layers": layers if layer in layers or not layer else [*layers, layer],
                "seeds": workshop.seeds,
                "most": MOST_SEEDS,
                "running": workshop.running,
                "done": bool(workshop.outcomes),
                "rest": rest,
            }
        )

    # -- the columns -----------------------------------------------------------------------------------------------

    def _show(self) -> None:
        workshop = self.shared
        names = [NONE, *workshop.repairs]
        first = {name: workshop.outcomes.get((name, 0)) for name in names}
        there = [name for name in names if (each := first[name]) is not None and each.maps is not None]
        maps = [shrunk(first[name].maps, SIDE) for name in there if _pictured(first[name])]  # type: ignore[union-attr, arg-type]
        scale = limit(np.concatenate(maps)) if maps else 1.0
        examples = workshop.bench.examples if workshop.bench and maps else ()
        images = [small(workshop.subject, each.x, SIDE) for each in examples]
        self.draw(
            axes=self._axes(names),
            columns=[self._column(name, there.index(name) if maps and name in there else None) for name in names],
            examples=[self._example(each) for each in examples],
            size=images[0].shape[:2] if images else (0, 0),
            pictures=b"".join(each.tobytes() for each in images),
            map_size=maps[0].shape[1:] if maps else (0, 0),
            maps=b"".join((each / scale).astype(np.float16).tobytes() for each in maps),
            scale=scale,
            said=self._sentence(workshop.chosen),
        )

    def _outcomes(self, name: str) -> list[Outcome]:
        """Those of a repair that are there, seed by seed."""
        workshop = self.shared
        each = (workshop.outcomes.get((name, seed)) for seed in range(workshop.seeds))
        return [outcome for outcome in each if outcome is not None]

    def _axes(self, names: list[str]) -> dict[str, list[float]]:
        found = {
            figure: [_figures(each)[figure] for name in names for each in self._outcomes(name)] for figure in _AXES
        }
        return {figure: _axis([value for value in values if value is not None]) for figure, values in found.items()}

    def _column(self, name: str, at: int | None) -> dict[str, Any]:
        workshop, outcomes = self.shared, self._outcomes(name)
        way = REPAIRS.get(name)
        figures = [_figures(each) for each in outcomes]
        dots = {figure: [each[figure] for each in figures if each[figure] is not None] for figure in _AXES}
        turned = sum(each.examined.verdict.turned for each in outcomes)
        asked = sum(each.examined.verdict.samples for each in outcomes)
        first = next((each for each in outcomes if each.seed == 0), None)
        says = [] if first is None else [[workshop.subject.class_name(top), chance] for top, chance in first.says]
        return {
            "name": name,
            "title": name or "none",
            "does": way.does if way else "the model as it is",
            "chosen": bool(name) and name == workshop.chosen,
            "seeds": len(outcomes),
            "dots": dots,
            "turned": [turned, asked],
            "cost": _cost(outcomes, trains=bool(way and way.trains)) if name else "—",
            "at": at,
            "says": says,
            "wrong": [] if first is None else self._wrong(first),
            "verdict": self._verdict(name, outcomes),
            "control": self._control(name),
            "obstacle": workshop.obstacles.get(name, ""),
            "said": sorted({sentence for each in outcomes for sentence in each.said}),
        }

    def _wrong(self, outcome: Outcome) -> list[bool]:
        examples = self.shared.bench.examples if self.shared.bench else ()
        return [top != each.label for (top, _), each in zip(outcome.says, examples, strict=True)]

    def _example(self, example: Any) -> list[str]:
        subject, concept = self.shared.subject, self.shared.concept
        what = f"{subject.class_name(example.label)}, {'with it pasted' if example.planted else 'with it'}"
        return [what, f"why “{subject.class_name(concept.label)}”?"]

    def _verdict(self, name: str, outcomes: list[Outcome]) -> dict[str, Any]:
        if not outcomes:
            return {}
        guilty = sum(each.examined.verdict.clever_hans for each in outcomes)
        verdicts = [each.examined.verdict for each in outcomes]
        share = np.mean([verdict.turned / verdict.samples for verdict in verdicts])
        if not name:
            word = "Clever Hans" if 2 * guilty > len(outcomes) else "not convicted"
            return {"word": word, "guilty": guilty > 0, "note": f"{share:.0%} turned"}
        word = f"acquitted {len(outcomes) - guilty} of {len(outcomes)}"
        return {"word": word, "guilty": guilty > 0, "note": self._left(name, outcomes, guilty)}

    def _left(self, name: str, outcomes: list[Outcome], guilty: int) -> str:
        """What is left of the fault, or what the repair costs."""
        before = self._outcomes(NONE)
        if guilty:
            turned = [sum(each.examined.verdict.turned for each in of) / max(1, len(of)) for of in (outcomes, before)]
            return "mends a part" if turned[0] < _PART * turned[1] else "mends nothing"
        cost = float(np.mean([each.cost for each in outcomes]))
        if cost < -_HARM:
            return f"costs {-100 * cost:.1f} points clean"
        looks, looked = _mean(outcomes, "relevance"), _mean(before, "relevance")
        if looks is None or not looked:
            return ""
        return "hardly looks at it" if looks < _LEFT * looked else "still looks at it"

    def _control(self, name: str) -> list[str]:
        """What the repair does to a model that never saw the artefact."""
        controls = self.shared.controls
        if not name:
            return ["never saw it"] if any(each is not None for each in controls.values()) else []
        if name not in controls:
            return []
        harm = controls[name]
        if harm is None:
            return ["no such model is known"]
        points = f"{100 * harm:+.1f} points".replace("-", "−")
        return [points, "unharmed" if harm >= -_HARM else "harmed"]

    def _sentence(self, name: str) -> str:
        outcomes, before = self._outcomes(name), self._outcomes(NONE)
        if not name or not outcomes or not before:
            return ""
        both = {figure: [_mean(each, figure) for each in (before, outcomes)] for figure in ("poisoned", "clean")}
        words = [f"{figure} {before:.1%} → {after:.1%}" for figure, (before, after) in both.items()]
        return f"{name}: {', '.join(words)}, {self._verdict(name, outcomes)['word']}"


_AXES = ("clean", "poisoned", "relevance")


def _figures(outcome: Outcome) -> dict[str, float | None]:
    examined = outcome.examined
    return {
        "clean": examined.clean.mean,
        "poisoned": examined.verdict.after,
        "relevance": None if examined.shares is None else examined.shares.mean,
    }


def _mean(outcomes: list[Outcome], figure: str) -> float | None:
    values = [value for each in outcomes if (value := _figures(each)[figure]) is not None]
    return float(np.mean(values)) if values else None


def _axis(values: list[float]) -> list[float]:
    """Round ends around all values, a tenth apart."""
    if not values:
        return [0.0, 1.0]
    low, high = np.floor(10 * min(values)) / 10, np.ceil(10 * max(values) - 1e-9) / 10
    return [float(min(low, high - 0.1)), float(high)]


def _cost(outcomes: list[Outcome], *, trains: bool) -> str:
    if not outcomes:
        return ""
    seconds = float(np.mean([each.seconds for each in outcomes]))
    time = duration(seconds) if seconds >= 10 else f"{seconds:.1f} s"
    return f"trained · {time}" if trains else f"no training · {time}"


def _pictured(outcome: Outcome | None) -> bool:
    return outcome is not None and outcome.maps is not None and outcome.maps.ndim == 3
