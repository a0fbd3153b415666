"""Which rule each group of layers uses, with live sliders made from the rules' own fields."""

from __future__ import annotations

from typing import Any

import traitlets

from ..lrp import Composite, rules
from ..lrp.rules import Rule
from ..lrp.selectors import Down, Kind, Name, Position, Selector, Stage, matcher
from .exploration import Exploration
from .view import View, script

_WORDS = {
    Position(0): "first layer",
    Position(-1): "last layer",
    Kind("conv"): "convolutions",
    Kind("linear"): "dense layers",
    Kind("pool"): "average pools",
    Kind("maxpool"): "max pools",
    Kind("norm"): "norms",
    Kind("sum"): "sums",
    Kind("product"): "gates and products",
    Kind("matmul"): "attention",
    Name("*"): "all other layers",
}


class RuleBoard(View):
    """A row for every group of layers that the composite tells apart, from the output down.

    One description goes to the browser, and a change comes back as one message; no widget is made per rule.
    """

    _esm = script("rule_board")
    rows: traitlets.List[Any] = traitlets.List(help="what to show, one dict per group of layers").tag(sync=True)

    received = traitlets.Int(help="messages that `rows` take account of").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        self._messages = 0
        super().__init__(exploration, **traits)
        self.follow(self._show, "answer", "error")

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Turn a knob, ``{"row": 0, "knob": "gamma", "value": 0.5}``, or choose, ``{"row": 0, "rule": "Flat"}``."""
        self._messages += 1
        composite, row = self.exploration.composite, message["row"]
        rule = composite.entries[row][1]
        if "rule" in message:
            rule = self._choices(rule)[message["rule"]]
        else:
            rule = rule.turned(**{message["knob"]: message["value"]})
        self.exploration.composite = composite.with_rule(row, rule)

    def _choices(self, now: Rule) -> dict[str, Rule]:
        """Every rule that a person may choose in place of the one that is there `now`, at its defaults."""
        family = rules.ProductRule if isinstance(now, rules.ProductRule) else rules.LinearRule
        left_out = (rules.ZBox, rules.Pass)
        without_settings: dict[str, Rule] = {
            name: rule() for name, rule in rules.RULES.items() if issubclass(rule, family) and rule not in left_out
        }
        bounds = self.exploration.subject.bounds if family is rules.LinearRule else None
        return without_settings | ({"ZBox": rules.ZBox(*bounds)} if bounds else {})

    def _show(self) -> None:
        answer, composite = self.exploration.answer, self.exploration.composite
        if answer is None:
            return
        decided = composite.matches(answer.explanation.layout)
        again = set(answer.explanation.recomputed)
        if len(again) == len(answer.explanation.layers):
            again = set()  # a new input: everything is new, and nothing worth marking
        original = self._original(composite)
        rows = [
            {
                "row": row,
                "layers": _group_name(selector),
                "names": names,
                "again": not again.isdisjoint(names),
                "changed": original is not None and rule != original.entries[row][1],
                "rule": type(rule).__name__,
                "help": (type(rule).__doc__ or "").partition("\n")[0],
                "choices": list(self._choices(rule)),
                "knobs": [
                    {
                        "name": knob.name,
                        "symbol": knob.symbol,
                        "help": knob.help,
                        "value": getattr(rule, knob.name),
                        "slider": knob.slider,
                        "logarithmic": knob.logarithmic,
                    }
                    for knob in rule.knobs()
                ],
            }
            for row, ((selector, rule), names) in enumerate(zip(composite.entries, decided, strict=True))
            if names  # a group that this network has no layers for
        ]
        self.draw(rows=rows[::-1], received=self._messages)

    def _original(self, composite: Composite) -> Composite | None:
        """The preset that `composite` started from, if it did."""
        if composite.name not in self.exploration.presets():
            return None
        preset = self.exploration.preset(composite.name)
        return preset if len(preset.entries) == len(composite.entries) else None


def _group_name(selector: Selector) -> str:
    meant = matcher(selector)
    if isinstance(meant, Stage):
        return f"{_WORDS[Kind(meant.kind)] if meant.kind else 'layers'}, stage {meant.start} to {meant.stop}"
    if isinstance(meant, Down):
        return f"{meant.layer} and below"
    return _WORDS.get(meant) or (meant.pattern if isinstance(meant, Name) else str(meant))
