"""Which rule each layer uses and what becomes of relevance there, with live sliders made from the rules' own fields."""

from __future__ import annotations

import weakref
from collections.abc import Callable, Mapping, Sequence
from typing import Any

import numpy as np
import torch
import traitlets
from numpy.typing import NDArray

from ...lrp import Composite, Explanation, Ledger, rules
from ...lrp.rules import Rule
from ...lrp.selectors import Down, Exactly, Inside, Kind, Name, Position, Selector, Stage, matcher
from ..base.answers import Answer
from ..base.view import View, script, style
from .choice import choose
from .composite_file import file_name, read, written
from .exploration import Exploration
from .network import Block, Network, family_of

_WORDS: dict[Selector, str] = {
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

_AMOUNTS = ("received", "handed", "bias", "stabilizer", "rules")


class RuleBoard(View):
    """A row for every layer with a rule, from the output down, folded by block; or one for every family of layers.

    One description of the network goes to the browser once, and with every answer a few short lists; a change comes
    back as one message. No widget is made per row.
    """

    shared: Exploration
    _esm = script(__file__)
    _css = style(__file__)
    network = traitlets.Dict(help="rows, blocks, choices and descriptions of the rules").tag(sync=True)
    state = traitlets.Dict(help="by row: its rule, whether it differs from the preset, was propagated again").tag(
        sync=True
    )
    amounts = traitlets.Bytes(help="float32, (rows + blocks, 5): received, handed, bias, stabilizer, rules").tag(
        sync=True
    )
    travel: traitlets.List[Any] = traitlets.List([False, False], help="whether there is a change to undo, to redo").tag(
        sync=True
    )
    chosen = traitlets.Unicode(help="name of the layer that is open").tag(sync=True)
    received = traitlets.Int(help="messages that `state` takes account of").tag(sync=True)

    def __init__(self, exploration: Exploration, **traits: Any) -> None:
        self._messages = self._answers = 0
        self._network: Network | None = None
        self._whole: Callable[[], Explanation | None] = lambda: None
        super().__init__(exploration, **traits)
        self.follow(self._show, "answer", "error")
        self.follow(self._step_back, "composite")
        self.follow(self._show_travel, "undoable", "redoable")
        self.follow(lambda: self.draw(chosen=exploration.layer or ""), "layer")

    # -- what a person does ------------------------------------------------------------------------------------------

    def heard(self, message: dict[str, Any], buffers: list[Any]) -> None:
        """Change rules, or something else that a person asked for.

        A change is of one ``"layer"``, one ``"block"`` (their names) or one ``"entry"`` of the composite (its
        number), and says ``{"rule": "Gamma"}``, ``{"knob": "gamma", "value": 0.5, "drag": 7}``, ``{"down": true}`` or
        ``{"reset": true}``. The rest: ``{"open": layer}``, ``{"undo": true}``, ``{"redo": true}``,
        ``{"export": "yaml"}``, ``{"import": file name}`` with its content, and ``{"problem": sentence}``.
        """
        self._messages += 1
        before = self.shared.composite
        try:
            self._act(message, buffers)
        finally:
            if self.shared.composite == before:  # else the answer will show it
                self._show()

    def _act(self, message: dict[str, Any], buffers: list[Any]) -> None:
        exploration = self.shared
        if "undo" in message:
            exploration.undo()
        elif "redo" in message:
            exploration.redo()
        elif "open" in message:
            name = self._answer.whole[message["open"]].name
            if name != exploration.layer:
                choose(exploration, name, ())  # channels are of the layer they were chosen in
        elif "export" in message:
            self._export(message["export"])
        elif "import" in message:
            exploration.change_rules(read(bytes(buffers[0]), message["import"], self._known.layout))
        elif "problem" in message:
            exploration.error = message["problem"]
        else:
            self._use(self._changed(message), message.get("drag"))

    def _changed(self, message: dict[str, Any]) -> Composite:
        composite = self.shared.composite
        if "reset" in message:
            return self._reset(message)
        if "entry" in message:
            entry = message["entry"]
            if not 0 <= entry < len(composite.entries):
                raise ValueError(f"There is no entry {entry}; the composite has {len(composite.entries)}, from 0 on.")
            return composite.with_rule(entry, self._wanted(message, composite.entries[entry][1]))
        selector, layers, last = self._meant(message)
        now = composite.rules_in(self._known.layout)[layers[0]]
        return composite.revised(
            Down(last) if "down" in message else selector, self._wanted(message, now), self._known.layout
        )

    def _meant(self, message: dict[str, Any]) -> tuple[Selector, Sequence[str], str]:
        """A selector for the layers that `message` is about, their names, and the step from which to go down."""
        if "block" in message:
            block = self._known.blocks[message["block"]]
            return block.selector, block.layers, block.last
        return Exactly(message["layer"]), [message["layer"]], message["layer"]

    def _wanted(self, message: dict[str, Any], now: Rule | None) -> Rule:
        if now is None:
            raise ValueError("This layer hands all to the winner and has no rule to change; choose another layer.")
        if "rule" in message:
            choices = self._choices("product" if isinstance(now, rules.ProductRule) else "first")
            if message["rule"] not in choices:
                raise ValueError(f"There is no rule {message['rule']!r} for this layer; choose {', '.join(choices)}.")
            return choices[message["rule"]]
        return now.turned(**{message["knob"]: message["value"]}) if "knob" in message else now

    def _choices(self, family: str) -> dict[str, Rule]:
        """Every rule that a person may choose for layers of a `family`, at its defaults."""
        kind = rules.ProductRule if family == "product" else rules.LinearRule
        left_out = (rules.ZBox, rules.Pass)
        found: dict[str, Rule] = {
            name: rule() for name, rule in rules.RULES.items() if issubclass(rule, kind) and rule not in left_out
        }
        bounds = self.shared.subject.bounds if family == "first" else None
        return found | ({"ZBox": rules.ZBox(*bounds)} if bounds else {})

    def _reset(self, message: dict[str, Any]) -> Composite:
        """The composite with what the preset says for some layers."""
        composite, layout, preset = self.shared.composite, self._known.layout, self._preset()
        assert preset is not None
        if "entry" in message:
            return _without(composite, message["entry"], preset)
        meant = self._known.blocks[message["block"]].steps if "block" in message else {message["layer"]}
        for name, rule in preset.rules_in(layout).items():
            if name in meant and rule is not None:
                composite = composite.revised(Exactly(name), rule, layout)
        return composite

    def _use(self, composite: Composite, drag: Any) -> None:
        """Ask with `composite`, or with the preset itself where that comes to the same."""
        preset, layout = self._preset(), self._known.layout
        wanted = composite.rules_in(layout)  # raises if it does not suit the network
        if preset is not None and preset.rules_in(layout) == wanted:
            composite = preset
        if composite != self.shared.composite:
            self.shared.change_rules(composite, drag=drag)

    def _preset(self) -> Composite | None:
        """The preset that the composite started from, if it did."""
        name = self.shared.composite.name
        return self.shared.preset(name) if name in self.shared.presets() else None

    def _export(self, form: str) -> None:
        composite = self.shared.composite
        self.send({"save": file_name(composite, form)}, [written(composite, form).encode()])

    # -- what it shows -----------------------------------------------------------------------------------------------

    @property
    def _answer(self) -> Answer:
        answer: Answer | None = self.shared.answer
        if answer is None:
            raise ValueError("Nothing is explained yet; look at an input first.")
        return answer

    @property
    def _known(self) -> Network:
        whole = self._answer.whole
        if self._network is None or self._network.layout is not whole.layout:
            choices = {family: list(self._choices(family)) for family in ("first", "linear", "product")}
            self._network = Network(whole, self.shared.subject.model, choices)
        return self._network

    def _step_back(self) -> None:
        """Show the rules again that the answer has, after others failed."""
        answer = self.shared.answer
        if answer and answer.question.composite == self.shared.composite:
            self._show()

    def _show_travel(self) -> None:
        self.draw(travel=[self.shared.undoable, self.shared.redoable])

    def _show(self) -> None:
        if self.shared.answer is None:
            return
        whole, network = self._answer.whole, self._known
        if whole is not self._whole():
            self._whole, self._answers = weakref.ref(whole), self._answers + 1
        self.draw(
            network=network.description,
            state=self._state(whole, network),
            amounts=_amounts(whole.ledger, network),
            received=self._messages,
        )

    def _state(self, whole: Explanation, network: Network) -> dict[str, Any]:
        composite, preset = self.shared.composite, self._preset()
        now = composite.rules_in(network.layout)
        original = preset.rules_in(network.layout) if preset else now
        numbers = {rule: number for number, rule in enumerate(dict.fromkeys(now.values()))}
        again = set(whole.recomputed)
        if len(again) == len(whole.layers):
            again = set()  # a new input: everything is new, and nothing worth marking
        rows = {place.name: row for row, place in enumerate(network.rows)}
        return {
            "rules": [
                rule and [type(rule).__name__, [getattr(rule, knob.name) for knob in rule.knobs()]] for rule in numbers
            ],
            "rule": [numbers[now[name]] for name in rows],
            "changed": [row for name, row in rows.items() if now[name] != original[name]],
            "again": [row for name, row in rows.items() if name in again],
            "answers": self._answers,
            "explained": float(whole.ledger.explained[0]),
            "preset": preset is not None,
            "families": self._families(network, rows, numbers),
        }

    def _families(
        self, network: Network, rows: Mapping[str, int], numbers: Mapping[Rule | None, int]
    ) -> list[dict[str, Any]]:
        """The composite's own entries from the output down, those left out that this network has no layers for."""
        composite = self.shared.composite
        decided = zip(composite.entries, composite.matches(network.layout), strict=True)
        found = [
            {
                "entry": entry,
                "name": _group_name(selector),
                "rule": numbers[rule],
                "rows": [rows[name] for name in names],
                "family": "first" if _is_first(names, network) else _family_of_rule(rule),
            }
            for entry, ((selector, rule), names) in enumerate(decided)
            if names
        ]
        return sorted(found, key=lambda family: min(family["rows"]))


def _family_of_rule(rule: Rule) -> str:
    return "product" if isinstance(rule, rules.ProductRule) else "linear"


def _is_first(names: Sequence[str], network: Network) -> bool:
    return all(family_of(place) == "first" for place in network.rows if place.name in names)


def _without(composite: Composite, entry: int, preset: Composite) -> Composite:
    """`composite` with what the `preset` has for an entry's selector; without the entry, if it has none there."""
    selector = composite.entries[entry][0]
    rule = next((rule for each, rule in preset.entries if each == selector), None)
    if rule is not None:
        return composite.with_rule(entry, rule)
    return Composite([*composite.entries[:entry], *composite.entries[entry + 1 :]], composite.name)


def _amounts(ledger: Ledger, network: Network) -> bytes:
    """What each row and each block received, handed on and lost, as float32; zeros where no relevance arrived."""
    table = torch.stack([torch.stack([getattr(row, amount) for row in ledger.rows]) for amount in _AMOUNTS], 1)
    every = {row.name: amounts for row, amounts in zip(ledger.rows, table[..., 0].numpy(), strict=True)}
    nothing = np.zeros(len(_AMOUNTS))
    found = [every.get(place.name, nothing) for place in network.rows]
    found += [_of_block(block, every) for block in network.blocks.values()]
    return np.array(found, np.float32).tobytes()


def _of_block(block: Block, every: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """What enters by the last step of a block, is lost inside, and leaves."""
    inside = [every[name] for name in block.steps if name in every]
    if block.last not in every:
        return np.zeros(len(_AMOUNTS))
    amounts: NDArray[np.float64] = np.sum(inside, axis=0)
    amounts[0] = every[block.last][0]
    amounts[1] = amounts[0] - amounts[2:].sum()
    return amounts


def _group_name(selector: Selector) -> str:
    meant = matcher(selector)
    if isinstance(meant, Stage):
        return f"{_WORDS[Kind(meant.kind)] if meant.kind else 'layers'}, stage {meant.start} to {meant.stop}"
    if isinstance(meant, Down):
        return f"{meant.layer} and below"
    if isinstance(meant, Exactly):
        return meant.name
    if isinstance(meant, Inside):
        return f"inside {meant.module}"
    return _WORDS.get(meant) or (meant.pattern if isinstance(meant, Name) else str(meant))
