"""A network as rows on the screen: its layers from the output down, those of a block together."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from itertools import groupby
from typing import Any

from torch import nn

from ...lrp import Explanation, rules
from ...lrp.selectors import PRODUCTS, Inside, Layout, Place, Position, Selector


@dataclass(frozen=True)
class Block:
    """Layers that fold into one row."""

    path: str
    last: str
    """The last step inside, through which relevance enters."""
    steps: frozenset[str]
    """All steps inside, also those without a rule."""
    layers: tuple[str, ...]
    """Those that a change of the block's rule is meant for."""
    selector: Selector


class Network:
    """A network as the board shows it: the same for every picture of the same size."""

    def __init__(self, explanation: Explanation, model: nn.Module, choices: Mapping[str, Sequence[str]]) -> None:
        self.layout: Layout = explanation.layout
        self._shapes = {layer.name: layer.shape[1:] for layer in explanation.layers}
        self._model, self._choices = model, choices
        self.places = [
            place for layer, place in zip(explanation.layers, self.layout.places, strict=True) if layer.takes_rule
        ]
        path_of = blocks(model, [place for place in self.places if place.kind != "maxpool"])
        above = set(path_of.values())
        self._path_of = {place.name: path_of.get(place.name, _first(place, above)) for place in self.places}

    @cached_property
    def rows(self) -> list[Place]:
        """Layers that may have a rule from the output down, those of a block together."""
        newest = {path: number for number, path in enumerate(map(self._block_or_name, self.places))}
        down = self.places[::-1]
        return sorted(down, key=lambda place: -newest[self._block_or_name(place)])

    @cached_property
    def blocks(self) -> dict[str, Block]:
        """By path, from the output down."""
        found = groupby(self.rows, key=lambda place: self._path_of[place.name])
        return {path: self._block(path, list(places)) for path, places in found if path}

    @cached_property
    def description(self) -> dict[str, Any]:
        """What the browser builds its rows from; the choices are names of rules by family of layers."""
        leading = {name for block in self.blocks.values() for name in block.layers}
        return {
            "rows": [
                {
                    "name": place.name,
                    "kind": place.kind,
                    "shape": _shape(self._shapes[place.name]),
                    "block": self._path_of[place.name],
                    "leads": place.name in leading,
                    "family": family_of(place),
                }
                for place in self.rows
            ],
            "blocks": {
                path: {
                    "kind": type(self._model.get_submodule(path)).__name__,
                    "shape": _shape(self._shapes[block.last]),
                    "family": self._family(block),
                }
                for path, block in self.blocks.items()
            },
            "choices": self._choices,
            "rules": _rules(),
        }

    def _block(self, path: str, places: list[Place]) -> Block:
        steps = [place.name for place in self.layout.places if path in place.above]
        weighted = [place.name for place in places if place.weighted]
        layers = weighted or [place.name for place in places if place.kind != "maxpool"]
        return Block(path, steps[-1], frozenset(steps), tuple(layers), Inside(path, weighted=bool(weighted)))

    def _family(self, block: Block) -> str:
        families = {family_of(place) for place in self.rows if place.name in block.layers}
        return families.pop() if len(families) == 1 else "linear"

    def _block_or_name(self, place: Place) -> str:
        return self._path_of[place.name] or place.name


def family_of(place: Place) -> str:
    """Which rules suit a layer: those for ``"product"``, or for a ``"first"`` or another ``"linear"`` one."""
    if place.kind in PRODUCTS:
        return "product"
    return "first" if Position(0)(place) else "linear"


def blocks(model: nn.Module, places: Sequence[Place]) -> dict[str, str]:
    """The path of the block around each of `places`, by layer name; layers that stand alone are left out.

    A block is the outermost module with several of the layers that is not divided itself. Divided is what holds them
    all, and what holds several such modules of one class, as a stage of a ResNet does.
    """
    inside = Counter(path for place in places for path in place.above)
    large = [path for path, count in inside.items() if 1 < count < len(places)]
    classes = {path: type(module) for path, module in model.named_modules(remove_duplicate=False)}
    repeated = Counter(
        (above, classes.get(path))
        for path in large
        if classes.get(path) is not nn.Sequential  # the branches of one Inception, for example
        for above in _above(path)
    )
    divided = {above for (above, _), count in repeated.items() if count > 1}
    whole = {place.name: [path for path in place.above if path in large and path not in divided] for place in places}
    return {name: paths[0] for name, paths in whole.items() if paths}


def _above(path: str) -> list[str]:
    """Paths of the modules around the one at `path`."""
    parts = path.split(".")
    return [".".join(parts[:depth]) for depth in range(1, len(parts))]


def _first(place: Place, paths: set[str]) -> str:
    """The outermost of `paths` around `place`; empty if there is none."""
    return next((path for path in place.above if path in paths), "")


def _shape(shape: Sequence[int]) -> str:
    """``"512×13²"`` of (512, 13, 13)."""
    parts = [str(size) for size in shape]
    if len(shape) > 2 and shape[-1] == shape[-2]:
        parts[-2:] = [f"{shape[-1]}²"]
    return "×".join(parts)


def _rules() -> dict[str, Any]:
    """What there is to tell of every rule, those that users registered among them."""
    return {
        name: {
            "help": (rule.__doc__ or "").partition("\n")[0],
            "knobs": [
                {
                    "name": knob.name,
                    "symbol": knob.symbol,
                    "help": knob.help,
                    "slider": list(knob.slider),
                    "logarithmic": knob.logarithmic,
                }
                for knob in rule.knobs()
            ],
        }
        for name, rule in rules.RULES.items()
    }
